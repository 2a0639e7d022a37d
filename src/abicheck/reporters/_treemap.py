"""Where the bytes of an artifact are, as rectangles: Bruls, Huizing, van Wijk, Squarified Treemaps.

Pure geometry; nothing here knows what is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rectangle:
    """In the units of the drawing; the origin is the upper left corner."""

    x: float
    y: float
    width: float
    height: float

    def inset(self, margin: float, top: float) -> Rectangle:
        """Return what is left inside a margin and below a heading of height `top`."""
        return Rectangle(
            self.x + margin,
            self.y + top,
            max(0.0, self.width - 2 * margin),
            max(0.0, self.height - top - margin),
        )


def squarify(sizes: Sequence[float], space: Rectangle) -> list[Rectangle]:
    """Return a rectangle for each size, areas in proportion, as near to squares as it goes.

    Sizes are positive and best given largest first.  Each row is laid along
    the shorter side of what is left, as long as it makes its worst rectangle
    squarer.
    """
    total = sum(sizes)
    if not total:
        return [Rectangle(space.x, space.y, 0.0, 0.0) for _ in sizes]
    scale = space.width * space.height / total
    areas = [size * scale for size in sizes]
    placed: list[Rectangle] = []
    left = space
    while len(placed) < len(areas):
        row = _row(areas[len(placed) :], min(left.width, left.height))
        rectangles, left = _lay(row, left)
        placed += rectangles
    return placed


def _row(areas: Sequence[float], side: float) -> Sequence[float]:
    """Return the longest row that gets no worse with each rectangle added."""
    for count in range(1, len(areas)):
        if _worst(areas[: count + 1], side) > _worst(areas[:count], side):
            return areas[:count]
    return areas


def _worst(row: Sequence[float], side: float) -> float:
    """Return the largest ratio of sides in a row along a side of this length."""
    total, square = sum(row), side * side
    if not square or not min(row):
        return float("inf")
    return max(square * max(row) / total**2, total**2 / (square * min(row)))


def _lay(row: Sequence[float], space: Rectangle) -> tuple[list[Rectangle], Rectangle]:
    """Return the rectangles of a row along the shorter side, and the space beside it."""
    rectangles = []
    if space.width >= space.height:
        depth = sum(row) / space.height if space.height else 0.0
        y = space.y
        for area in row:
            height = area / depth if depth else 0.0
            rectangles.append(Rectangle(space.x, y, depth, height))
            y += height
        width = max(0.0, space.width - depth)
        return rectangles, Rectangle(space.x + depth, space.y, width, space.height)
    depth = sum(row) / space.width if space.width else 0.0
    x = space.x
    for area in row:
        width = area / depth if depth else 0.0
        rectangles.append(Rectangle(x, space.y, width, depth))
        x += width
    height = max(0.0, space.height - depth)
    return rectangles, Rectangle(space.x, space.y + depth, space.width, height)
