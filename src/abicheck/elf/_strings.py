"""The words in an object's read-only data, also where Cython has packed them."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from itertools import islice
from typing import Final

# A zlib stream's first two bytes, for each level of compression (RFC 1950).
_STREAM: Final = re.compile(rb"x[\x01\x5e\x9c\xda]")
# Cython's own compression has no signature: a byte of flags, here for eight literals.
_LITERALS: Final = re.compile(rb"\0(?=\xff[\n\x20-\x7e]{8})")
_MAX_UNPACKED: Final = 1 << 20  # of all streams together
_MAX_BEGINNINGS: Final = 1000  # chance makes four in 64 KiB
_MIN_MATCH: Final = 3


def unpack_constants(data: bytes) -> bytes:
    """Return read-only data, followed by what is compressed in it.

    Cython 3.1 and later keep all strings of a module as one zlib stream, 3.3 as
    one of its own kind.
    """
    parts = [data]
    left = _MAX_UNPACKED
    for pattern, unpack in ((_STREAM, _inflate), (_LITERALS, _decompress)):
        for match in islice(pattern.finditer(data), _MAX_BEGINNINGS):
            part = unpack(data, match, left)
            if not part:
                continue  # bytes that only look like the beginning of a stream
            parts.append(part)
            left -= len(part)
            if left <= 0:
                return b"\0".join(parts)
    return b"\0".join(parts)


def _inflate(data: bytes, match: re.Match[bytes], limit: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(memoryview(data)[match.start() :], limit)
    except zlib.error:
        return b""


def _decompress(data: bytes, match: re.Match[bytes], limit: int) -> bytes:
    """Undo `__pyx_lzss_compress` of Cython 3.3 (`Cython/LZSS.py`), up to the end of the text.

    Nothing in the data says where it ends: a zero among the literals, or a
    reference to before its beginning, is already something else.
    """
    text = bytearray()
    source = iter(memoryview(data)[match.end() :])
    take = source.__next__
    try:
        while len(text) < limit and _decompress_group(text, take):
            pass
    except StopIteration:
        pass
    return bytes(text[:limit])


def _decompress_group(text: bytearray, take: Callable[[], int]) -> bool:
    """Append what one byte of flags governs; return whether more may follow."""
    flags = take()
    for bit in range(8):
        first = take()
        if flags >> bit & 1:
            if not first:
                return False
            text.append(first)
            continue
        second = take()
        if not first & 0x80:
            distance, length = first, second
        elif not second & 0x80:
            distance, length = 0x80 + (second << 2 & 0x180 | first & 0x7F), second & 0x1F
        else:
            distance, length = 0x80 + ((second & 0x7F) << 7 | first & 0x7F), take()
        length += _MIN_MATCH
        start = len(text) - distance - length
        if start < 0:
            return False
        text += text[start : start + length]
    return True
