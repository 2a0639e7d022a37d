"""Text of an artifact made safe for HTML: nothing of it is markup, nothing of it is invisible."""

from __future__ import annotations

import html

from abicheck.reporters._words import printable


def text(value: str) -> str:
    """Return text for the content of an element."""
    return html.escape(printable(value), quote=False)


def attribute(value: str) -> str:
    """Return text for an attribute in double quotes."""
    return html.escape(printable(value), quote=True)
