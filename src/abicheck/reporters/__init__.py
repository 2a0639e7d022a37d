"""Write a report down; one module a format.  No reporter decides anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Final, TextIO

from abicheck.reporters._columns import columns
from abicheck.reporters._inspect import write_inspect
from abicheck.reporters._json import write_json
from abicheck.reporters._matrix import matrix_json, matrix_text
from abicheck.reporters._pages import rule_page
from abicheck.reporters._run import Anchors, Place, Run
from abicheck.reporters._text import write_text
from abicheck.reporters._words import number, printable

Writer = Callable[[Run, TextIO], None]

# Each is a module with a function `write`, imported when it is asked for.
FORMATS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "text": "_text",
        "concise": "_concise",
        "json": "_json",
        "sarif": "_sarif",
        "github": "_github",
        "gitlab": "_gitlab",
        "junit": "_junit",
        "markdown": "_markdown",
        "html": "_html",
    }
)

# Those that show a finding at a line of the repository.
ANCHORED: Final = frozenset({"sarif", "github", "gitlab"})


# Those that say on which other runtimes an artifact loads, which takes judging it on each.
MATRIXED: Final = frozenset({"html"})


def writer(name: str) -> Writer:
    """Return what writes a run down in one of `FORMATS`."""
    found: Writer = import_module(f"abicheck.reporters.{FORMATS[name]}").write
    return found


def markdown(run: Run, limit: int) -> str:
    """Return a run as Markdown of at most `limit` bytes: its table, and what details fit."""
    from abicheck.reporters._markdown import markdown as write  # noqa: PLC0415 - as in `writer`

    return write(run, limit)


__all__ = [
    "ANCHORED",
    "FORMATS",
    "MATRIXED",
    "Anchors",
    "Place",
    "Run",
    "Writer",
    "columns",
    "markdown",
    "matrix_json",
    "matrix_text",
    "number",
    "printable",
    "rule_page",
    "write_inspect",
    "write_json",
    "write_text",
    "writer",
]
