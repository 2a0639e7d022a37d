"""An object as it would be mapped: addresses to bytes, every access bounded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from abicheck.model import Limits, Segment, reached

PT_LOAD: Final = 1
_ALLOWANCE: Final = 1 << 20
_PIECE: Final = 1 << 16  # characters of a table that are looked at in one go
_SHARED: Final = 8  # times that one byte of a string table may be part of a name


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


class Image:
    """The file part of an object's PT_LOAD segments, read by virtual address.

    A segment shows what `mmap` would show: bytes of the file, up to its end.
    """

    def __init__(self, data: memoryview, segments: Sequence[Segment], limits: Limits) -> None:
        self._data = data
        self.symbols = Quota(limits.symbols, "symbols")
        self.versions = Quota(limits.versions, "versions")
        self._loads = [s for s in segments if s.type == PT_LOAD and s.filesz]
        self.budget = Budget(4 * len(data) + _ALLOWANCE, "its tables")

    def extent(self, address: int) -> tuple[int, int]:
        """Return file offset of `address`, and the end of the mapped bytes there."""
        self.budget.spend(len(self._loads))
        for load in self._loads:
            if load.vaddr <= address < load.vaddr + load.filesz:
                offset = load.offset + (address - load.vaddr)
                end = min(load.offset + load.filesz, len(self._data))
                if offset >= end:
                    reason = f"address {address:#x} lies beyond the end of the file"
                    raise MalformedError(reason)
                return offset, end
        reason = f"address {address:#x} is in no segment"
        raise MalformedError(reason)

    def read(self, address: int, size: int) -> memoryview:
        """Return `size` bytes at `address`, or raise where they are not all mapped."""
        if size == 0:
            return self._data[:0]
        offset, end = self.extent(address)
        if size < 0 or offset + size > end:
            reason = f"{size} bytes at {address:#x} leave their segment"
            raise MalformedError(reason)
        return self._data[offset : offset + size]

    def mapped(self, address: int, size: int) -> tuple[memoryview, str]:
        """Return what is mapped of a table, and why that is not all of it."""
        try:
            return self.read(address, size), ""
        except MalformedError as error:
            reason = str(error)
        try:
            return self.rest(address), reason
        except MalformedError:
            return self._data[:0], reason

    def has(self, address: int, size: int) -> bool:
        """Whether `size` bytes at `address` are all mapped."""
        try:
            self.read(address, size)
        except MalformedError:
            return False
        return True

    def is_filled(self, address: int) -> bool:
        """Whether zeros follow the file's part of the segment in which `address` lies."""
        return any(
            load.vaddr <= address < load.vaddr + load.filesz < load.vaddr + load.memsz
            and load.offset + load.filesz <= len(self._data)
            for load in self._loads
        )

    def rest(self, address: int) -> memoryview:
        """Return everything mapped from `address` to the end of its segment."""
        offset, end = self.extent(address)
        return self._data[offset:end]


class Strings:
    """A string table, indexed as the loader does: to the next zero byte.

    `size` is DT_STRSZ, which the loader never consults; an index beyond it is
    served from the rest of the segment.  Names are decoded as Latin-1, one
    character a byte, so that equal names are equal whatever their encoding;
    `readable` gives the text a user would see.
    """

    def __init__(self, image: Image, address: int, size: int) -> None:
        rest = image.rest(address)
        self._rest: memoryview | None = rest
        self._budget = Budget(_SHARED * len(rest) + _ALLOWANCE, "its names")
        self.text = str(rest[: min(size, len(rest))], "latin-1")

    def at(self, index: int) -> str:
        """Return the string that begins at `index`."""
        end = self.text.find("\0", index) if 0 <= index < len(self.text) else -1
        if end < 0:
            if self._rest is None or index < 0:
                reason = f"string {index} has no end"
                raise MalformedError(reason)
            self.text = str(self._rest, "latin-1")
            self._rest = None
            return self.at(index)
        self._budget.spend(end - index)
        return self.text[index:end]

    def detach(self, indices: Sequence[int]) -> None:
        """Let go of the object's bytes; `indices` are those still to be asked."""
        # Whatever DT_STRSZ says: a name that begins before the largest ends no later than it.
        if self._rest is not None and indices and self.text.find("\0", max(indices)) < 0:
            self.text = str(self._rest, "latin-1")
        self._rest = None
        if self._budget.covers(len(indices) * _longest(self.text)):
            return
        end = -1
        for index in sorted(indices):
            if index > end:
                end = self.text.find("\0", index)
                if end < 0:
                    return
            self._budget.spend(end - index)


def _longest(text: str) -> int:
    """Return the length of the longest string of a table."""
    longest = begun = 0
    for start in range(0, len(text), _PIECE):
        first, *others = map(len, text[start : start + _PIECE].split("\0"))
        longest = max(longest, begun + first, *others)
        begun = others[-1] if others else begun + first
    return longest


def readable(name: str) -> str:
    """Return a Latin-1 name as the UTF-8 text it most likely is."""
    if name.isascii():
        return name
    return name.encode("latin-1", "replace").decode("utf-8", "surrogateescape")
