"""Which bytes `_dl_map_segments` shows at which address."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from abicheck.elf._budget import TooMuchError
from abicheck.model import Segment

PAGE: Final = 4096
PT_LOAD: Final = 1
PF_W: Final = 2
PF_R: Final = 4
_WRAP: Final = 1 << 64
_MOST: Final = 4096  # segments; linkers make half a dozen


@dataclass(frozen=True, slots=True)
class Span:
    """Addresses that show one part of the file, or zeros where `offset` is None.

    `beyond` says that the file has ended before: to touch such a page is a SIGBUS.
    """

    start: int
    end: int
    offset: int | None
    flags: int
    beyond: bool = False

    @property
    def readable(self) -> bool:
        """Whether it may be read; what may be written to may be read, too."""
        return bool(self.flags & (PF_R | PF_W))

    def goes_on(self, other: Span) -> bool:
        """Whether another one shows what follows in the file as well."""
        return (
            self.offset is not None
            and other.offset is not None
            and self.end == other.start
            and self.offset + self.end - self.start == other.offset
            and self.readable == other.readable
        )


def lay_out(segments: Sequence[Segment], size: int) -> list[Span]:
    """Return what the loader shows of a file of `size` bytes, in the order of addresses.

    First comes the whole length in one piece, as a part of the file from the first segment
    on; where the segments have gaps, what lies between the first and the last is taken away
    again; then each segment is laid over it, whole pages of the file, and zeros behind
    p_filesz where it is larger in memory.  So what follows a segment in the file is mapped
    too, up to the end of its last page.
    """
    loads = [segment for segment in segments if segment.type == PT_LOAD]
    if not loads:
        return []
    if len(loads) > _MOST:
        reason = f"it has more than {_MOST} segments to be loaded"
        raise TooMuchError(reason)
    layout = _Layout(size)
    first, last = loads[0], loads[-1]
    ends = [_up(load.vaddr + load.filesz) % _WRAP for load in loads]
    starts = [_down(load.vaddr) for load in loads]
    layout.show_file(starts[0], _up(last.vaddr + last.memsz), _down(first.offset), first.flags)
    if ends[:-1] != starts[1:]:
        layout.clear(ends[0], starts[-1])
    for load, start, end in zip(loads, starts, ends, strict=True):
        if load is not first:
            layout.show_file(start, end, _down(load.offset), load.flags)
        filled, zeros = load.vaddr + load.filesz, load.vaddr + load.memsz
        layout.show_zeros(filled % _WRAP, zeros % _WRAP, load.flags)
    return layout.spans


def _down(value: int) -> int:
    return value // PAGE * PAGE


def _up(value: int) -> int:
    return -(-value // PAGE) * PAGE


class _Layout:
    """Spans that do not overlap, in order; what is put later lies over what was there."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.spans: list[Span] = []

    def show_file(self, start: int, end: int, offset: int, flags: int) -> None:
        """Show the file from `offset` on: to its end, zeros to the end of that page."""
        shown = min(max(self._size - offset, 0), end - start)
        zeros = min(max(_up(self._size) - offset, 0), end - start)
        self._put(Span(start, start + shown, offset, flags))
        self._put(Span(start + shown, start + zeros, None, flags))
        self._put(Span(start + zeros, end, None, flags, beyond=True))

    def show_zeros(self, start: int, end: int, flags: int) -> None:
        """Write zeros to the end of the page, and map pages of zeros behind it."""
        page = min(_up(start), end)
        if start < page:
            self._put(Span(start, page, None, flags))
        if page < end:
            self._put(Span(page, _up(end), None, flags))

    def clear(self, start: int, end: int) -> None:
        """Take away what is shown from `start` to `end`."""
        self._put(Span(start, end, None, 0))

    def _put(self, new: Span) -> None:
        if new.start >= new.end:
            return
        low = bisect_right(self.spans, new.start, key=lambda span: span.end)
        high = bisect_left(self.spans, new.end, key=lambda span: span.start)
        kept = []
        if low < high:
            kept += _cut(self.spans[low], self.spans[low].start, new.start)
        kept.append(new)
        if low < high:
            kept += _cut(self.spans[high - 1], new.end, self.spans[high - 1].end)
        self.spans[low:high] = kept


def _cut(span: Span, start: int, end: int) -> list[Span]:
    """Return what of a span lies from `start` to `end`, if anything."""
    if start >= end:
        return []
    offset = None if span.offset is None else span.offset + start - span.start
    return [replace(span, start=start, end=end, offset=offset)]
