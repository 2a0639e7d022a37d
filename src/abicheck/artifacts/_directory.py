"""The central directory of a ZIP archive, read from a memory map (APPNOTE 4.3).

Of our own, because for `zipfile` one odd member, such as a name that is not
the UTF-8 it claims to be, makes the whole archive unreadable; whoever unpacks
one passes over that member.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct, error
from typing import Final

from abicheck.model import Irregular

_END: Final = Struct("<4s4H2IH")
_LOCATOR: Final = Struct("<4sIQI")
_END_64: Final = Struct("<4sQ2H2I4Q")
_HEADER: Final = Struct("<4s4B4H3I5H2I")
_EXTRA: Final = Struct("<2H")
_LONG: Final = Struct("<Q")
_MAX_COMMENT = 0xFFFF
_FULL: Final = 0xFFFFFFFF  # the value is in the ZIP64 record, or in the ZIP64 extra field
_ZIP64 = 1
_UTF8 = 0x800
_UNIX = 3
_NEWEST = 63  # version of the format that is needed to extract, in tenths: zipfile's limit


class DirectoryError(Exception):
    """There is no central directory, or it is not where it should be."""


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


def read_directory(view: memoryview, most: int) -> tuple[list[Header], str | None]:
    """Return the headers, `most` and one more at most, and why there are no others.

    Raises `DirectoryError` where there is no directory at all.
    """
    here, end, shift = _find(view)
    view = view[:end]
    headers: list[Header] = []
    while here < end:
        if len(headers) > most:
            return headers, None
        try:
            fields = _HEADER.unpack_from(view, here)
        except error:
            return headers, "the central directory is cut off"
        if fields[0] != b"PK\1\2":
            return headers, f"no member is described at byte {here:,} of the central directory"
        here += _HEADER.size
        name, extra, comment = fields[12:15]
        if here + name + extra > end:
            return headers, "the central directory is cut off"
        headers.append(_header(view, here, fields, shift))
        here += name + extra + comment
        if here > end:
            return headers, "the comment of the last member leaves the central directory"
    return headers, None


def _find(view: memoryview) -> tuple[int, int, int]:
    """Return where the directory begins and ends, and how much stands before the archive.

    The directory ends where its end record begins; so it is found in an
    archive that other bytes were put in front of.
    """
    tail = max(0, len(view) - _MAX_COMMENT - _END.size)
    text = bytes(view[tail:])
    # Without a comment the record is the last thing in the file; a comment may hold another.
    last = len(text) - _END.size
    found = last if text[last:].startswith(b"PK\5\6") and text.endswith(b"\0\0") else -1
    if found < 0:
        found = text.rfind(b"PK\5\6", 0, max(0, last) + 4)
    if found < 0 or last < 0:
        reason = "there is no end record, so it was cut off"
        raise DirectoryError(reason)
    end = tail + found
    _, _, _, _, _, size, offset, _ = _END.unpack_from(view, end)
    record = _find_64(view, end - _LOCATOR.size)
    if record is not None:
        end = record
        fields = _END_64.unpack_from(view, record)
        size = fields[8] if size == _FULL else size
        offset = fields[9] if offset == _FULL else offset
    start = end - size
    if start < 0:
        reason = "the central directory is longer than the file"
        raise DirectoryError(reason)
    return start, end, start - offset


def _find_64(view: memoryview, locator: int) -> int | None:
    """Return where the ZIP64 end record begins, or None where no locator tells of one."""
    if locator < 0 or bytes(view[locator : locator + 4]) != b"PK\6\7":
        return None
    _, _, where, _ = _LOCATOR.unpack_from(view, locator)
    for place in (locator - _END_64.size, where):  # right before it, or where it says
        if 0 <= place <= len(view) - _END_64.size and bytes(view[place : place + 4]) == b"PK\6\6":
            return place
    return None


def _header(view: memoryview, here: int, fields: tuple[int, ...], shift: int) -> Header:
    system, needed, flags, method = fields[2], fields[3], fields[5], fields[6]
    crc, packed, size, name_size, extra_size = fields[9:14]
    attributes, offset = fields[17:19]
    raw = bytes(view[here : here + name_size])
    extra = view[here + name_size : here + name_size + extra_size]
    fault = None
    if flags & _UTF8:
        name = raw.decode("utf-8", "surrogateescape")
        if not _is_text(name):
            fault = Irregular.BAD_NAME, "the name is said to be UTF-8 and is not"
    else:
        name = raw.decode("cp437")
    if needed > _NEWEST:
        reason = f"needs version {needed / 10} of the ZIP format"
        fault = fault or (Irregular.METHOD, reason)
    if _FULL in (packed, size, offset):
        try:
            size, packed, offset = _long(extra, size, packed, offset)
        except error:
            fault = fault or (Irregular.CORRUPT, "its ZIP64 extra field is cut off")
    mode = attributes >> 16 if system == _UNIX else 0
    return Header(name, raw, flags, method, crc, packed, size, offset + shift, mode, fault)


def _is_text(name: str) -> bool:
    return not any("\udc80" <= character <= "\udcff" for character in name)


def _long(extra: memoryview, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    """Return the three values, those that do not fit from the ZIP64 extra field, if any."""
    here = 0
    while here + _EXTRA.size <= len(extra):
        kind, length = _EXTRA.unpack_from(extra, here)
        here += _EXTRA.size
        if kind == _ZIP64:
            field = extra[here : here + length]
            values = [size, packed, offset]
            place = 0
            for index, value in enumerate(values):
                if value == _FULL:
                    (values[index],) = _LONG.unpack_from(field, place)
                    place += _LONG.size
            return values[0], values[1], values[2]
        here += length
    return size, packed, offset
