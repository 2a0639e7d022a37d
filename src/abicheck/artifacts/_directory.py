"""The central directory of a ZIP archive, read from a memory map (APPNOTE 4.3).

Of our own, because for `zipfile` one odd member, such as a name that is not
the UTF-8 it claims to be, makes the whole archive unreadable; whoever unpacks
one passes over that member.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct, error
from typing import Final
from zlib import crc32

from abicheck.artifacts._end import DirectoryError, End, Fault, find_end
from abicheck.model import Irregular, reached

__all__ = ["Directory", "DirectoryError", "Header", "read_directory"]

_HEADER: Final = Struct("<4s4B4H3I5H2I")
_LENGTHS: Final = Struct("<28x3H")
_EXTRA: Final = Struct("<2H")
_LONG: Final = Struct("<Q")
_LONGS: Final = Struct("<2Q")
_FULL: Final = 0xFFFFFFFF  # the value is in the ZIP64 extra field
_FULL_PART: Final = 0xFFFF
_ZIP64, _UNICODE = 1, 0x7075
_PATCH, _STRONG, _UTF8, _MASKED = 0x20, 0x40, 0x800, 0x2000
_UNIX = 3
_PLAIN: Final = (0, 8)
_NEWEST, _NEWEST_PLAIN = 63, 46  # version of the format that is needed to extract, in tenths


@dataclass(frozen=True, slots=True)
class Header:
    """One member as the central directory describes it; sizes in bytes.

    `mode` is its `st_mode`, 0 where it was not packed on Unix; `offset` says
    where its local header begins in the file.  `fault` is what forbids it to
    be read.
    """

    name: str
    raw: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    mode: int
    fault: tuple[Irregular, str] | None = None


@dataclass(frozen=True, slots=True)
class Directory:
    """The central directory: its headers in order, and where it lies.

    `cut` says why there are no more headers, `faults` why other readers may
    find others.
    """

    headers: tuple[Header, ...]
    end: End
    cut: Fault | None
    faults: tuple[Fault, ...]


def read_directory(view: memoryview, most: int) -> Directory:
    """Return the headers; none where there are more than `most`.

    Raises `DirectoryError` where there is no directory at all.
    """
    end = find_end(view)
    if _is_longer(view, end, most):
        # Not the first so many either: what a million members cost, others cost too.
        detail = reached("members", f"more than {most:,} members; none was read")
        return Directory((), end, (Irregular.LIMIT, detail), end.faults)
    headers: list[Header] = []
    reason = _read_headers(view[: end.end], end, headers)
    cut = None if reason is None else (Irregular.TRUNCATED, reason)
    faults = list(end.faults)
    if cut is None and len(headers) != end.entries:
        detail = f"it is said to have {end.entries:,} members, and lists {len(headers):,}"
        faults.append((Irregular.DISAGREEMENT, detail))
    return Directory(tuple(headers), end, cut, tuple(faults))


def _is_longer(view: memoryview, end: End, most: int) -> bool:
    """Whether the directory lists more than so many members, whatever number it states."""
    if (end.end - end.start) // _HEADER.size <= most:
        return False
    here, count = end.start, 0
    while count <= most and here + _HEADER.size <= end.end:
        if bytes(view[here : here + 4]) != b"PK\1\2":
            return False
        here += _HEADER.size + sum(_LENGTHS.unpack_from(view, here))
        count += 1
    return count > most


def _read_headers(view: memoryview, where: End, headers: list[Header]) -> str | None:
    """Add every header, or return why those that are left cannot be found."""
    here, end = where.start, where.end
    while here < end:
        try:
            fields = _HEADER.unpack_from(view, here)
        except error:
            return "the central directory is cut off"
        if fields[0] != b"PK\1\2":
            return f"no member is described at byte {here:,} of the central directory"
        here += _HEADER.size
        name, extra, comment = fields[12:15]
        if here + name + extra > end:
            return "the central directory is cut off"
        headers.append(_header(view, here, fields, where.shift))
        here += name + extra + comment
        if here > end:
            return "the comment of the last member leaves the central directory"
    return None


def _header(view: memoryview, here: int, fields: tuple[int, ...], shift: int) -> Header:
    system, flags, method = fields[2], fields[5], fields[6]
    crc, packed, size, name_size, extra_size = fields[9:14]
    part, attributes, offset = fields[15], fields[17], fields[18]
    raw = bytes(view[here : here + name_size])
    fault = _unreadable(fields)
    if flags & _UTF8:
        name = raw.decode("utf-8", "surrogateescape")
        if not _is_text(name):
            fault = Irregular.BAD_NAME, "the name is said to be UTF-8 and is not"
    else:
        name = raw.decode("cp437")
    if extra_size or part or _FULL in (packed, size, offset):
        extra = view[here + name_size : here + name_size + extra_size]
        try:
            values = _from_extra(extra, (size, packed, offset, part))
            size, packed, offset = values
            name = _renamed(extra, raw, name)
        except _LyingExtraError as lie:
            fault = fault or (Irregular.DISAGREEMENT, str(lie))
        except error:
            fault = fault or (Irregular.CORRUPT, "its ZIP64 extra field is cut off")
    mode = attributes >> 16 if system == _UNIX else 0
    return Header(name, raw, flags, method, crc, packed, size, offset + shift, mode, fault)


def _unreadable(fields: tuple[int, ...]) -> Fault | None:
    """Return what forbids a member to be read, of what its header demands of a reader."""
    needed, flags, method = fields[3], fields[5], fields[6]
    # zipfile's limit, and Info-ZIP's: what stored and deflated members need is older than both.
    if needed > (_NEWEST_PLAIN if method in _PLAIN else _NEWEST):
        return Irregular.METHOD, f"needs version {needed / 10} of the ZIP format"
    if flags & (_STRONG | _MASKED):
        return Irregular.ENCRYPTED, "is encrypted; Lambda cannot unpack it"
    if flags & _PATCH:
        return Irregular.METHOD, "is a patch to another file; Lambda cannot unpack it"
    return None


def _is_text(name: str) -> bool:
    return not any("\udc80" <= character <= "\udcff" for character in name)


class _LyingExtraError(Exception):
    """An extra field says other than the header, or cannot be walked through."""


def _extras(extra: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield the kind and content of each extra field; fewer than four bytes at the end are none."""
    here = 0
    while here + _EXTRA.size <= len(extra):
        kind, length = _EXTRA.unpack_from(extra, here)
        here += _EXTRA.size + length
        if here > len(extra):
            if kind == _ZIP64:
                raise error
            # zipfile refuses the whole archive, others pass over the field.
            reason = "an extra field of it is cut off"
            raise _LyingExtraError(reason)
        yield kind, extra[here - length : here]


def _from_extra(extra: memoryview, stated: tuple[int, int, int, int]) -> tuple[int, int, int]:
    """Return size, packed size and offset, what does not fit from the ZIP64 field, if any."""
    *stated_values, part = stated
    values, seen = list(stated_values), False
    for kind, field in _extras(extra):
        if kind != _ZIP64:
            continue
        if seen:
            reason = "it has two ZIP64 extra fields"
            raise _LyingExtraError(reason)
        seen = True
        place = 0
        for index, value in enumerate(stated_values):
            if value == _FULL:
                (values[index],) = _LONG.unpack_from(field, place)
                place += _LONG.size
        if part == _FULL_PART and len(field) == place + 4:
            part = int.from_bytes(field[place:], "little")
        elif (
            not place
            and _LONGS.size <= len(field)
            and _LONGS.unpack_from(field)
            != (
                values[0],
                values[1],
            )
        ):
            # Nothing asks for it, and yet there are readers that take the sizes from it.
            reason = "its ZIP64 extra field states other sizes than its header"
            raise _LyingExtraError(reason)
    if part:
        reason = f"it is said to lie in part {part + 1} of several"
        raise _LyingExtraError(reason)
    return values[0], values[1], values[2]


def _renamed(extra: memoryview, raw: bytes, name: str) -> str:
    """Return the name in Unicode that Info-ZIP's extra field 0x7075 gives, or `name`.

    Info-ZIP, libarchive and newer zipfiles take it, others do not, which is
    what it is for as long as the name in the header is no ASCII.
    """
    for kind, field in _extras(extra):
        if kind != _UNICODE or len(field) < 5 or field[0] != 1:  # noqa: PLR2004 - version, CRC
            continue
        if int.from_bytes(field[1:5], "little") != crc32(raw):
            continue  # the name was changed without it: everybody passes over it
        other = bytes(field[5:]).decode("utf-8", "surrogateescape")
        if other != name and (raw.isascii() or not _is_text(other)):
            reason = f"an extra field gives it another name: {other!r}"
            raise _LyingExtraError(reason)
        name = other
    return name
