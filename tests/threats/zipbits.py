"""Writes ZIPs in which any field may lie (APPNOTE 4.3)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

STORED: Final = 0
DEFLATED: Final = 8
_FULL: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Entry:
    """One member; what is None is what it would be in an honest archive.

    `local` is the name in the local header, `stored` the bytes behind it, `offset` where the
    central directory says that its local header lies.  With `headless` it has none of its
    own, and no bytes: it stands in the central directory alone.
    """

    name: bytes
    data: bytes = b""
    method: int = DEFLATED
    local: bytes | None = None
    stored: bytes | None = None
    size: int | None = None
    packed: int | None = None
    crc: int | None = None
    offset: int | None = None
    flags: int = 0
    needed: int = 20
    extra: bytes = b""
    mode: int = 0o100644
    headless: bool = False
    local_size: int | None = None
    local_crc: int | None = None
    local_method: int | None = None


def deflate(data: bytes) -> bytes:
    """Return raw deflate."""
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    return engine.compress(data) + engine.flush()


def pack(  # noqa: PLR0913 - every place where an archive can lie
    entries: Sequence[Entry],
    *,
    before: bytes = b"",
    between: bytes = b"",
    after: bytes = b"",
    comment: bytes = b"",
    shift: int | None = None,
    count: int | None = None,
    directory_size: int | None = None,
    directory_offset: int | None = None,
) -> bytes:
    """Return the archive; `between` lies between its members and the central directory."""
    body = bytearray(before)
    shift = len(before) if shift is None else shift
    central = bytearray()
    for entry in entries:
        stored = entry.stored
        if stored is None:
            stored = deflate(entry.data) if entry.method == DEFLATED else entry.data
        crc = zlib.crc32(entry.data) if entry.crc is None else entry.crc
        size = len(entry.data) if entry.size is None else entry.size
        packed = len(stored) if entry.packed is None else entry.packed
        offset = len(body) - len(before) + shift if entry.offset is None else entry.offset
        if not entry.headless:
            name = entry.name if entry.local is None else entry.local
            body += struct.pack(
                "<4s5H3I2H",
                *(b"PK\3\4", entry.needed, entry.flags),
                entry.method if entry.local_method is None else entry.local_method,
                *(0, 0x21),
                crc if entry.local_crc is None else entry.local_crc,
                min(packed, _FULL),
                min(size if entry.local_size is None else entry.local_size, _FULL),
                *(len(name), 0),
            )
            body += name + stored
        central += struct.pack(
            "<4s4B4H3I5H2I",
            *(b"PK\1\2", 20, 3, entry.needed, 0, entry.flags, entry.method, 0, 0x21, crc),
            *(min(packed, _FULL), min(size, _FULL), len(entry.name), len(entry.extra), 0, 0, 0),
            *(entry.mode << 16, offset),
        )
        central += entry.name + entry.extra
    body += between
    start = len(body) - len(before) + shift if directory_offset is None else directory_offset
    number = min(len(entries) if count is None else count, 0xFFFF)
    size = len(central) if directory_size is None else directory_size
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, number, number, size, start, len(comment))
    return bytes(body + central + end + comment + after)
