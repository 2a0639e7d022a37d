"""Options that take several texts: with commas in the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    _Text = click.ParamType[str]
else:  # generic from 8.2 on, and then only to a type checker's benefit
    _Text = click.ParamType


class CommaList(_Text):
    """Texts; in the environment, the comma is what stands between them."""

    name = "text"
    envvar_list_splitter = ","

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Return one text without the blanks around it."""
        del param, ctx
        return str(value).strip()


COMMA_LIST: Final = CommaList()
