"""The members' own headers held against the central directory, and the room between them.

Who reads an archive as it comes, such as installers that unpack while they
download, sees the local headers alone (APPNOTE 4.3.7); who seeks sees the
directory.  An archive is what both say it is only where these agree, where no
member reaches into another, and where nothing lies between them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from struct import Struct, error
from typing import Final

from abicheck.artifacts._directory import Directory, Header
from abicheck.artifacts._end import Fault
from abicheck.model import Irregular

_LOCAL: Final = Struct("<4s5H3I2H")
_EXTRA: Final = Struct("<2H")
_LONGS: Final = Struct("<2Q")
_MAGIC: Final = b"PK\3\4"
_FULL: Final = 0xFFFFFFFF
_ENCRYPTED, _STREAMED, _UTF8 = 1, 8, 0x800
_LONGEST_LINE: Final = 256  # BINPRM_BUF_SIZE: of a longer one Linux takes no interpreter
_PIECE: Final = 1 << 20
# With its magic and without, with sizes of 64 bits and of 32: the longest that fits is meant.
_DESCRIPTORS: Final = (
    (b"PK\7\x08", Struct("<I2Q")),
    (b"", Struct("<I2Q")),
    (b"PK\7\x08", Struct("<3I")),
    (b"", Struct("<3I")),
)


_MISSING: Final = (Irregular.CORRUPT, "its local header is missing")


@dataclass(frozen=True, slots=True)
class Survey:
    """What came of a walk through an archive.

    `faults` are of single members, by their place in the directory; `gaps` of
    the archive.
    """

    faults: Mapping[int, Fault]
    gaps: tuple[Fault, ...]


def survey(view: memoryview, directory: Directory) -> Survey:
    """Compare each local header with the directory's, and see what nobody claims."""
    headers, limit, shift = directory.headers, directory.end.start, directory.end.shift
    faults: dict[int, Fault] = {}
    gaps: list[Fault] = []
    order = sorted(range(len(headers)), key=lambda index: headers[index].offset)
    reached, last = 0, -1
    whole = directory.cut is None
    for index in order:
        header = headers[index]
        start = header.offset
        if start < reached and last >= 0:
            # As zipfile has it: who reaches into the next one is not read.
            faults.setdefault(last, (Irregular.DISAGREEMENT, f"it overlaps {header.name!r}"))
        end, fault = _compare(view, header, limit)
        if fault is not None:
            faults[index] = fault
        if end is None:
            whole = False
            continue
        if start > reached and whole and (reached or shift or not _is_shebang(view[:start])):
            gaps += _gap(view, reached, start)
        if end >= reached:
            reached, last = end, index
    if whole and headers:
        gaps += _gap(view, reached, limit)
    if directory.end.close < len(view):
        detail = f"{len(view) - directory.end.close:,} bytes stand after the archive"
        gaps.append((Irregular.STRAY_BYTES, detail))
    return Survey(faults, tuple(gaps))


def begin(view: memoryview, header: Header) -> int:
    """Return where the content of a member begins whose local header is there."""
    name, extra = _EXTRA.unpack_from(view, header.offset + _LOCAL.size - _EXTRA.size)
    return header.offset + _LOCAL.size + int(name) + int(extra)


def _compare(view: memoryview, header: Header, limit: int) -> tuple[int | None, Fault | None]:
    """Return where a member ends, None where it is not there, and what is wrong with it."""
    start = header.offset
    if not 0 <= start <= limit - _LOCAL.size:
        return None, _MISSING
    magic, _, flags, method, _, _, crc, packed, size, name, extra = _LOCAL.unpack_from(view, start)
    here = start + _LOCAL.size
    end = here + name + extra + header.packed
    if magic != _MAGIC or end > limit:
        return None, _MISSING
    if view[here : here + name] != header.raw:
        return end, _differ("names another file than the central directory")
    if method != header.method or (flags ^ header.flags) & (_ENCRYPTED | _UTF8):
        what = _difference(flags, method, header)
        if what is not None:
            return end, _differ(what)
    values = crc, packed, size
    if _FULL in (packed, size):
        values = crc, *_long(view[here + name : here + name + extra], packed, size)
    if (flags | header.flags) & _STREAMED:
        return _streamed(view[end:limit], header, flags, values, end)
    stated = header.crc, header.packed, header.size
    return end, None if values == stated else _numbers(values, stated)


def _difference(flags: int, method: int, header: Header) -> str | None:
    """Return in what a local header differs besides its numbers, if it matters."""
    if method != header.method:
        return f"has method {method}, the central directory {header.method}"
    if (flags ^ header.flags) & _ENCRYPTED:
        return "and the central directory differ in whether it is encrypted"
    if not header.raw.isascii():
        return "and the central directory differ in how its name is encoded"
    return None


def _streamed(
    rest: memoryview, header: Header, flags: int, values: tuple[int, int, int], end: int
) -> tuple[int, Fault | None]:
    """Return where a member ends that was written before its size was known (APPNOTE 4.3.9).

    Its local header holds zeros, or what was known of it.
    """
    stated = header.crc, header.packed, header.size
    descriptor = _descriptor(rest, stated)
    if descriptor is None and flags & _STREAMED:
        return end, (Irregular.DISAGREEMENT, "no data descriptor states its sizes and its CRC")
    unknown = (0,) if descriptor is not None else ()
    if all(a in (b, *unknown) for a, b in zip(values, stated, strict=True)):
        return end + (descriptor or 0), None
    return end + (descriptor or 0), _numbers(values, stated)


def _differ(what: str) -> Fault:
    return Irregular.DISAGREEMENT, f"the local header {what}"


def _numbers(local: Sequence[int], central: Sequence[int]) -> Fault:
    names = ("CRC", "packed size", "size")
    which = [n for n, a, b in zip(names, local, central, strict=True) if a != b]
    return _differ(f"and the central directory differ in its {' and '.join(which)}")


def _long(extra: memoryview, packed: int, size: int) -> tuple[int, int]:
    """Return both sizes, from the ZIP64 extra field where they are full (APPNOTE 4.5.3)."""
    here = 0
    while here + _EXTRA.size <= len(extra):
        kind, length = _EXTRA.unpack_from(extra, here)
        here += _EXTRA.size
        if kind == 1:
            try:
                first, second = _LONGS.unpack_from(extra[here : here + length])
            except error:
                break
            return second if packed == _FULL else packed, first if size == _FULL else size
        here += length
    return packed, size


def _descriptor(rest: memoryview, stated: tuple[int, int, int]) -> int | None:
    """Return how long the data descriptor is that states this, None where none does."""
    for magic, layout in _DESCRIPTORS:
        size = len(magic) + layout.size
        if (
            len(rest) >= size
            and rest[: len(magic)] == magic
            and layout.unpack_from(rest, len(magic)) == stated
        ):
            return size
    return None


def _is_shebang(before: memoryview) -> bool:
    """Whether a Python application begins like this (PEP 441); then offsets count from there."""
    line = bytes(before[:_LONGEST_LINE])
    return len(before) <= _LONGEST_LINE and line[:2] == b"#!" and line.find(b"\n") == len(line) - 1


def _gap(view: memoryview, start: int, end: int) -> Iterator[Fault]:
    """Yield what bytes are that no member has: those of a member that is not listed, or others."""
    if end <= start:
        return
    where = "before the first member" if not start else f"between members, at byte {start:,}"
    hidden = _find(view, start, end)
    if hidden is not None:
        detail = f"a member begins at byte {hidden:,} that the central directory does not list"
        yield Irregular.DISAGREEMENT, detail
    else:
        yield Irregular.STRAY_BYTES, f"{end - start:,} bytes stand {where}"


def _find(view: memoryview, start: int, end: int) -> int | None:
    """Return where a local header begins, piece by piece: what stands here may be large."""
    for here in range(start, end, _PIECE):
        piece = bytes(view[here : min(end, here + _PIECE + len(_MAGIC) - 1)])
        found = piece.find(_MAGIC)
        if found >= 0:
            return here + found
    return None
