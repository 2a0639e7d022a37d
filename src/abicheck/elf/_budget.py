"""What ends the reading of an object: a table that lies, or too many of them."""

from __future__ import annotations

from abicheck.model import reached


class MalformedError(Exception):
    """A table of the object points where the loader would find nothing."""


class TooMuchError(Exception):
    """A limit is reached, or tables lie over one another: reading on is not worth what it costs."""


class Budget:
    """How much may be read of an object whose tables may overlap.

    In an honest file each byte belongs to one table, so the sum of what is
    read is bounded by its size.
    """

    def __init__(self, amount: int, what: str) -> None:
        self._left = amount
        self._what = what

    def covers(self, amount: int) -> bool:
        """Whether so much is left, whatever will be spent of it."""
        return amount <= self._left

    def spend(self, amount: int) -> None:
        """Count what is about to be read, or raise where that is too much."""
        self._left -= amount
        if self._left < 0:
            reason = f"{self._what} lie over one another, too many to be read"
            raise TooMuchError(reason)


class Quota:
    """How many of something an object may have: one of the limits, and the number so far."""

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._count = 0

    def take(self, count: int = 1) -> None:
        """Count some more, or raise where they are too many."""
        self._count += count
        if self._count > self._most:
            reason = f"more than {self._most:,} {self._name}; not all were read"
            raise TooMuchError(reached(self._name, reason))
