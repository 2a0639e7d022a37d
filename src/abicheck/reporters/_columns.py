"""Tables of text: columns as wide as their content, two spaces apart, no tabs."""

from __future__ import annotations

from collections.abc import Sequence


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of equally many cells, one a line; the last column is not padded."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    lines = (
        "  ".join((*map(str.ljust, row[:-1], widths), row[-1])).rstrip() + "\n" for row in rows
    )
    return "".join(lines)
