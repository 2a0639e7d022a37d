"""The option that says how much of an artifact is examined at most."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from difflib import get_close_matches
from typing import Any, Final, TypeVar

import click

from abicheck.cli._comma import WORDS, ListOption
from abicheck.errors import UsageError
from abicheck.model import DEFAULT_LIMITS, Limits

F = TypeVar("F", bound=Callable[..., Any])

_NAMES: Final = {field.name.replace("_", "-"): field for field in fields(Limits)}
_VALUE: Final = re.compile(r"(\d{1,18})\s*(?:([KMGT])(?:i?B)?)?", re.IGNORECASE | re.ASCII)
_UNITS: Final = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def limit_option(command: F) -> F:
    """Add --limit to a command, as `limits`."""
    return click.option(
        "--limit",
        "limits",
        cls=ListOption,
        multiple=True,
        type=WORDS,
        metavar="NAME=VALUE",
        show_envvar=True,
        envvar="ABICHECK_LIMIT",
        help="How much is examined at most, such as total=8GiB; beyond it is ABI002.  "
        f"Names: {', '.join(_NAMES)}.",
    )(command)


def read_limits(texts: Iterable[str]) -> Limits:
    """Return the default limits with those that are named; of two of one name the last counts.

    Sizes may have a unit, a power of 1024.  Raises `UsageError` for a name or a
    number that is none.
    """
    found: dict[str, int] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        field = _NAMES.get(name)
        if field is None or not equals:
            near = get_close_matches(name, _NAMES, 1)
            hint = f"; did you mean {near[0]}?" if near and equals else ""
            reason = f"--limit {text!r}: expected NAME=VALUE, one of {', '.join(_NAMES)}{hint}"
            raise UsageError(reason)
        match = _VALUE.fullmatch(value)
        is_size = field.metadata["is_size"]
        if match is None or int(match[1]) == 0 or (match[2] and not is_size):
            example = f"{name}={'64MiB' if is_size else getattr(DEFAULT_LIMITS, field.name)}"
            reason = f"--limit {text!r}: expected a number above zero, such as {example}"
            raise UsageError(reason)
        found[field.name] = int(match[1]) * _UNITS[(match[2] or "").upper()]
    return replace(DEFAULT_LIMITS, **found)
