"""The words in an object's read-only data, also where Cython has packed them."""

from __future__ import annotations

import re
import zlib
from itertools import islice
from typing import Final

# A zlib stream's first two bytes, for each level of compression (RFC 1950).
_STREAM: Final = re.compile(rb"x[\x01\x5e\x9c\xda]")
_MAX_UNPACKED: Final = 1 << 20  # of all streams together
_MAX_BEGINNINGS: Final = 1000  # chance makes four in 64 KiB


def unpack_constants(data: bytes) -> bytes:
    """Return read-only data, followed by what is deflated in it.

    Cython 3.1 and later keep all strings of a module as one zlib stream.
    """
    parts = [data]
    view = memoryview(data)
    left = _MAX_UNPACKED
    for match in islice(_STREAM.finditer(data), _MAX_BEGINNINGS):
        try:
            part = zlib.decompressobj().decompress(view[match.start() :], left)
        except zlib.error:
            continue  # two bytes that only look like the beginning of one
        parts.append(part)
        left -= len(part)
        if not left:
            break
    return b"\0".join(parts)
