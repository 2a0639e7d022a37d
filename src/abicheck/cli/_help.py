"""`abicheck --help`: the commands first, then the options by what they are about."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import click

from abicheck.cli import COMMANDS

_OTHERS: Final = "Other options"
_SECTIONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "Where it is going": ("target", "runtime", "architecture", "as-of"),
        "The function": ("handler", "layer", "env", "size-budget"),
        "What it was made of": (
            *("requirements", "wheels", "wheel-author", "reference", "dockerfile"),
        ),
        "The smoke import": ("smoke", "smoke-image", "smoke-timeout", "cold-start-budget"),
        "What counts": (
            *("select", "extend-select", "ignore", "baseline", "fail-level", "exit-zero"),
        ),
        "The report": (*("format", "anchor", "category", "color", "quiet", "verbose", "progress"),),
    }
)


class Sectioned(click.Command):
    """A command whose help is in sections; an option that no section names is among the others."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, and every option below its heading."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))
        of = {name: title for title, names in _SECTIONS.items() for name in names}
        records: dict[str, list[tuple[str, str]]] = {title: [] for title in (*_SECTIONS, _OTHERS)}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                names = (name.removeprefix("--") for name in param.opts)
                title = next((of[name] for name in names if name in of), _OTHERS)
                records[title].append(record)
        for title, found in records.items():
            if found:
                with formatter.section(title):
                    formatter.write_dl(found)
