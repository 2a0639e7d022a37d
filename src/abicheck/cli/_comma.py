"""Options that take several texts: again and again, or with commas; in the environment with commas.

The keys of the configuration are lists, and what stands in a list is taken as it is.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    _Text = click.ParamType[str]
else:  # generic from 8.2 on, and then only to a type checker's benefit
    _Text = click.ParamType


class CommaList(_Text):
    """Words without commas of their own: rules, formats."""

    name = "text"
    envvar_list_splitter = ","

    def split_envvar_value(self, rv: str) -> list[str]:
        """Return the words of a variable; a comma at the end is followed by none."""
        return self.split(rv)

    def split(self, text: str) -> list[str]:
        """Return the words of one argument; nothing at all is one of them, for others to refuse."""
        return [word for part in text.split(",") if (word := part.strip())] or [""]

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Return one text without the blanks around it."""
        del param, ctx
        return str(value).strip()


class FileList(CommaList):
    """Files: one that is there may have a comma in its name."""

    name = "file"

    def split(self, text: str) -> list[str]:
        """Return the files of one argument."""
        return [text] if os.path.lexists(text) else super().split(text)


class Assignments(CommaList):
    """`NAME=VALUE`, where a value may have commas: only the environment has no other way."""

    def split_envvar_value(self, rv: str) -> list[str]:
        """Return the assignments of a variable."""
        return super().split(rv)

    def split(self, text: str) -> list[str]:
        """Return the one assignment that an argument is."""
        return [text]


class ListOption(click.Option):
    """An option of one of these types, several times or with commas."""

    type: CommaList

    def consume_value(
        self, ctx: click.Context, opts: Mapping[str, Any]
    ) -> tuple[Any, click.core.ParameterSource]:
        """Return the texts, split where a shell's argument holds several."""
        value, source = super().consume_value(ctx, opts)
        if source is click.core.ParameterSource.COMMANDLINE:
            value = tuple(word for text in value for word in self.type.split(text))
        return value, source


WORDS: Final = CommaList()
FILES: Final = FileList()
ASSIGNMENTS: Final = Assignments()
