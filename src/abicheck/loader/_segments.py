"""Whether the segments can be mapped: `_dl_map_segments`, call by call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from abicheck.loader import _messages as say
from abicheck.loader import _releases as since
from abicheck.model import ElfFacts, Segment, TargetProfile

_PT_LOAD: Final = 1
_PF_W: Final = 2
_WRAP: Final = 1 << 64
_ADDRESS_SPACE: Final = {"x86_64": 1 << 47, "aarch64": 1 << 48}
_TOO_LARGE: Final = 1 << 40  # a writable mapping of a tebibyte: refused as overcommitment
_LARGEST_OFFSET: Final = 1 << 63
# Objects lie at the upper end of the address space, less a tebibyte of chance: what begins
# there at a fixed place and is longer does not end in it.
_ABOVE: Final = 1 << 40


def mapping_error(loads: Sequence[Segment], profile: TargetProfile) -> str | None:
    """Return the sentence with which the PT_LOAD segments are refused, or None."""
    page, libc = profile.page_size, profile.libc_version
    space = _ADDRESS_SPACE[profile.machine]
    first, last = loads[0], loads[-1]
    starts = [load.vaddr // page * page for load in loads]
    ends = [_up(load.vaddr + load.filesz, page) % _WRAP for load in loads]
    length = (last.vaddr + last.memsz - starts[0]) % _WRAP
    if libc >= since.ANY_ALIGN:
        # Room is made for the largest alignment that is a power of two.
        align = max((load.align for load in loads if load.align.bit_count() == 1), default=0)
        if align > page and max(length, align) + align >= space:
            return say.CANNOT_MAP
    if _is_refused(first, length, first.offset, page, space):
        return say.CANNOT_MAP
    if ends[:-1] != starts[1:] and starts[-1] < ends[0]:
        # mprotect of a length below zero
        return say.NOT_PAGE_ALIGNED if libc >= since.HOLES_CHECKED else say.CANNOT_PROTECT
    for load, start, end in zip(loads, starts, ends, strict=True):
        if load is not first and end > start:
            place = (start - starts[0]) % _WRAP
            size = end - start
            if place + size >= _ABOVE or _is_refused(load, size, load.offset, page, space):
                return say.CANNOT_MAP
        data_end, last_end = (load.vaddr + load.filesz) % _WRAP, (load.vaddr + load.memsz) % _WRAP
        zeros = _up(last_end, page) - end
        if zeros > 0 and last_end > data_end:
            place = (end - starts[0]) % _WRAP
            if place + zeros >= _ABOVE:
                return say.CANNOT_FILL
    return None


def _is_refused(load: Segment, size: int, offset: int, page: int, space: int) -> bool:
    """Whether the kernel refuses to map `size` bytes of the file, from `offset` on."""
    offset = offset // page * page
    size = _up(size, page)
    return (
        size == 0
        or size >= space
        or (bool(load.flags & _PF_W) and size >= _TOO_LARGE)
        or offset + size > _LARGEST_OFFSET
    )


def overlays(facts: ElfFacts, page: int) -> bool:
    """Whether a segment is laid over what was mapped before the object, its neighbour.

    The room is as long as the last segment says.  What is mapped beside it belongs to
    others, and the loader does not ask.
    """
    loads = [segment for segment in facts.segments if segment.type == _PT_LOAD]
    start = loads[0].vaddr // page * page
    end = _up(loads[-1].vaddr + loads[-1].memsz, page)
    return any(
        load.vaddr < start or _up(load.vaddr + max(load.filesz, load.memsz), page) > end
        for load in loads
        if load.filesz or load.memsz
    )


def touches_end(facts: ElfFacts, page: int) -> bool:
    """Whether zeros are written into a page that begins where the file has ended."""
    end = _up(facts.size, page)
    return any(
        load.type == _PT_LOAD
        and load.memsz > load.filesz
        and (load.vaddr + load.filesz) % page
        and load.offset + load.filesz > end
        for load in facts.segments
    )


def _up(value: int, page: int) -> int:
    return -(-value // page) * page
