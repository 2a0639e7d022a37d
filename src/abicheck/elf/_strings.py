"""The words in an object's read-only data, also where Cython has packed them."""

from __future__ import annotations

import re
import zlib
from typing import Final

# A zlib stream's first two bytes, for each level of compression (RFC 1950).
_STREAM: Final = re.compile(rb"x[\x01\x5e\x9c\xda]")
_MAX_UNPACKED: Final = 1 << 20


def unpack_constants(data: bytes) -> bytes:
    """Return read-only data, followed by what is deflated in it.

    Cython 3.1 and later keep all strings of a module as one zlib stream.
    """
    parts = [data]
    for match in _STREAM.finditer(data):
        try:
            parts.append(zlib.decompressobj().decompress(data[match.start() :], _MAX_UNPACKED))
        except zlib.error:
            continue  # two bytes that only look like the beginning of one
    return b"\0".join(parts)
