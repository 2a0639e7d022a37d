"""What a source may cost: its bytes, and the size and the depth of its syntax tree.

Pure.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from itertools import accumulate

from abicheck.model import Limits, reached

# What stands between two nodes.  A list of digits takes a kilobyte of memory for every four
# bytes; the largest of the sources that were looked at, of 2.7 MB, has 223,000 of these.
_MARKS = (
    *(bytes([mark]) for mark in b"\n,;([{.=+-*/%|&^<>@:~"),
    *(b" and ", b" or ", b" not ", b" in ", b" is "),
)


def exceeded(data: bytes, limits: Limits) -> str | None:
    """Return which limit a source is beyond, as far as its bytes tell without being parsed."""
    if len(data) > limits.source:
        return too_long(len(data), limits)
    # No byte is part of two marks, so that only a long text can have so many.
    if len(data) > limits.nodes and _count_marks(data) > limits.nodes:
        return reached("nodes", f"more than {limits.nodes:,} expressions; not read")
    return None


def too_long(size: int, limits: Limits) -> str:
    """Return what is said of a source of more bytes than are read."""
    return reached("source", f"{size:,} bytes, more than {limits.source:,}; not read")


def is_deeper(body: Sequence[ast.stmt], data: bytes, most: int) -> bool:
    """Whether a syntax tree has more than so many levels.

    No level takes less than a byte, so that most statements are too short to
    be looked into.  An `elif` stands in the `else` of the one before, and is
    followed without another level.
    """
    if len(data) <= most:
        return False
    # Offset of the end of each line, as the parser counts lines.
    ends = [0, *accumulate(map(len, data.splitlines(keepends=True)))]
    todo: list[tuple[ast.AST, int]] = [(statement, 1) for statement in body]
    while todo:
        node, level = todo.pop()
        if level > most:
            return True
        if level + _size(node, ends) > most:
            chain = node.orelse if isinstance(node, ast.If) else ()
            below = level if len(chain) == 1 and isinstance(chain[0], ast.If) else level + 1
            todo.extend(
                (child, below if child in chain else level + 1)
                for child in ast.iter_child_nodes(node)
            )
    return False


def _size(node: ast.AST, ends: Sequence[int]) -> int:
    """Return how many bytes a node takes at most."""
    first, last = getattr(node, "lineno", None), getattr(node, "end_lineno", None)
    # In a coding of its own a source may have other lines than its bytes show.
    if not isinstance(first, int) or not isinstance(last, int) or last >= len(ends):
        return ends[-1]
    if first == last:
        return int(getattr(node, "end_col_offset", 0)) - int(getattr(node, "col_offset", 0))
    return ends[last] - ends[first - 1]


def _count_marks(data: bytes) -> int:
    """Return about how many nodes the syntax tree will have; comments and texts count too."""
    return sum(map(data.count, _MARKS))
