"""An object as it would be mapped: addresses to bytes, every access bounded."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from abicheck.elf._budget import Budget, MalformedError, Quota
from abicheck.elf._mapping import PAGE, PF_W, lay_out
from abicheck.model import Limits, Segment

_ALLOWANCE: Final = 1 << 20
_PIECE: Final = 1 << 16  # characters of a table that are looked at in one go
_SHARED: Final = 8  # times that one byte of a string table may be part of a name


class Image:
    """An object's PT_LOAD segments, read by virtual address.

    Shows what `_dl_map_segments` leaves: see `lay_out`.
    """

    def __init__(self, data: memoryview, segments: Sequence[Segment], limits: Limits) -> None:
        self._data = data
        self.symbols = Quota(limits.symbols, "symbols")
        self.versions = Quota(limits.versions, "versions")
        self._spans = lay_out(segments, len(data))
        self._starts = [span.start for span in self._spans]
        self.budget = Budget(4 * len(data) + _ALLOWANCE, "its tables")

    def _at(self, address: int) -> int:
        """Return which span shows `address`; raise where none can be read there."""
        self.budget.spend(1)
        place = bisect_right(self._starts, address) - 1
        if place >= 0 and address < self._spans[place].end:
            span = self._spans[place]
            if not span.readable:
                reason = f"address {address:#x} is in a segment that may not be read"
                raise MalformedError(reason)
            if not span.beyond:
                return place
            reason = f"address {address:#x} lies beyond the end of the file"
            raise MalformedError(reason)
        reason = f"address {address:#x} is in no segment"
        raise MalformedError(reason)

    def _run(self, place: int) -> int:
        """Return the last span that goes on with what one span shows of the file."""
        spans = self._spans
        while place + 1 < len(spans) and spans[place].goes_on(spans[place + 1]):
            place += 1
        return place

    def read(self, address: int, size: int) -> memoryview:
        """Return `size` bytes at `address`, or raise where they are not all mapped."""
        if size == 0:
            return self._data[:0]
        rest = self.rest(address)
        if 0 < size <= len(rest):
            return rest[:size]
        parts = [rest]
        here = address + len(rest)
        try:
            while 0 < here < address + size:
                rest = self.rest(here)
                self.budget.spend(len(rest))
                parts.append(rest[: address + size - here])
                here += len(rest)
        except MalformedError:
            size = -1
        if size < 0:
            reason = f"{size} bytes at {address:#x} leave their segment"
            raise MalformedError(reason)
        return memoryview(b"".join(parts))

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

    def is_filled(self, address: int) -> bool:
        """Whether zeros follow what `rest` returns."""
        place = self._run(self._at(address)) + 1
        return (
            place < len(self._spans)
            and self._spans[place].start == self._spans[place - 1].end
            and self._spans[place].offset is None
            and not self._spans[place].beyond
        )

    def is_writable(self, address: int, size: int) -> bool:
        """Whether all of `size` bytes at `address` may be written to."""
        place = bisect_right(self._starts, address) - 1
        while 0 <= place < len(self._spans):
            span = self._spans[place]
            if not span.start <= address < span.end or span.beyond or not span.flags & PF_W:
                return False
            if address + size <= span.end:
                return True
            size -= span.end - address
            address = span.end
            place += 1
        return False

    def covers(self, start: int, end: int) -> bool:
        """Whether every page from `start` to `end` is mapped, whatever may be done with it."""
        place = bisect_right(self._starts, start) - 1
        while 0 <= place < len(self._spans) and self._spans[place].start <= start < end:
            start = max(start, self._spans[place].end)
            place += 1
        return start >= end

    def rest(self, address: int) -> memoryview:
        """Return what is mapped from `address` on, as far as it is one part of the file.

        Of zeros, it is a page at most.
        """
        place = self._at(address)
        span = self._spans[place]
        if span.offset is None:
            return memoryview(bytes(min(span.end - address, PAGE)))
        start = span.offset + address - span.start
        return self._data[start : span.offset + self._spans[self._run(place)].end - span.start]


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
        self._end = "\0" if image.is_filled(address) else ""
        self._budget = Budget(_SHARED * len(rest) + _ALLOWANCE, "its names")
        self.text = str(rest[: min(size, len(rest))], "latin-1")

    def at(self, index: int) -> str:
        """Return the string that begins at `index`."""
        end = self.text.find("\0", index) if 0 <= index < len(self.text) else -1
        if end < 0:
            if self._rest is None or index < 0:
                reason = f"string {index} has no end"
                raise MalformedError(reason)
            self.text = str(self._rest, "latin-1") + self._end
            self._rest = None
            return self.at(index)
        self._budget.spend(end - index)
        return self.text[index:end]

    def detach(self, indices: Sequence[int]) -> None:
        """Let go of the object's bytes; `indices` are those still to be asked."""
        # Whatever DT_STRSZ says: a name that begins before the largest ends no later than it.
        if self._rest is not None and indices and self.text.find("\0", max(indices)) < 0:
            self.text = str(self._rest, "latin-1") + self._end
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
