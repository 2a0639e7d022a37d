"""Inflate and check one member, with the fastest library at hand.

isal's igzip inflates about twice as fast as zlib and its CRC is several times
faster; both release the interpreter lock.  Where it has no wheel, zlib does
the same.
"""

from __future__ import annotations

import zlib
from typing import Any, Final

from abicheck.artifacts._base import UnreadableMemberError
from abicheck.model import Irregular

try:
    from isal import isal_zlib as _fast
except ImportError:  # no wheel for this platform
    _codec: Any = zlib
else:
    _codec = _fast

_ERRORS: Final[tuple[type[Exception], ...]] = tuple({zlib.error, _codec.error})
_STORED, _DEFLATED = 0, 8


def inflate(raw: memoryview, method: int, size: int, crc: int) -> bytes | memoryview:
    """Return the content of one member, `size` bytes with checksum `crc`.

    Output is cut off one byte beyond the declared size, so that a member that
    lies about its size costs no more than it declared.
    """
    if method == _STORED:
        data: bytes | memoryview = raw
    elif method == _DEFLATED:
        decoder = _codec.decompressobj(wbits=-zlib.MAX_WBITS)
        try:
            data = decoder.decompress(raw, size + 1)
        except _ERRORS as error:
            raise UnreadableMemberError(
                Irregular.CORRUPT, f"cannot be inflated: {error}"
            ) from error
        if not decoder.eof and len(data) <= size:
            raise UnreadableMemberError(Irregular.CORRUPT, "its deflate stream has no end")
    else:
        reason = f"compression method {method}; Lambda takes stored and deflated members only"
        raise UnreadableMemberError(Irregular.METHOD, reason)
    if len(data) != size:
        more = "more" if len(data) > size else f"{len(data)}"
        reason = f"is said to be {size} bytes long and has {more}"
        raise UnreadableMemberError(Irregular.CORRUPT, reason)
    if _codec.crc32(data) != crc:
        raise UnreadableMemberError(Irregular.CORRUPT, "its CRC does not match its bytes")
    return data
