"""Inflate and check one member, with the fastest library at hand.

isal's igzip inflates about twice as fast as zlib and its CRC is several times
faster; both release the interpreter lock.  Where it has no wheel, zlib does
the same.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
STORED, _DEFLATED = 0, 8
_STEP: Final = 64 << 10
_PART: Final = 1 << 20
_ENDLESS: Final = "its deflate stream has no end"


def peek(raw: memoryview, method: int, most: int) -> bytes:
    """Return the first bytes of a member, `most` at most; none where it cannot be read."""
    if method == STORED:
        return bytes(raw[:most])
    if method != _DEFLATED:
        return b""
    decoder = _decoder()
    head = b""
    try:
        # One step is enough, unless somebody hides a file behind blocks of no bytes.
        for start in range(0, len(raw), _STEP):
            head += decoder.decompress(raw[start : start + _STEP], most - len(head))
            if decoder.eof or len(head) == most:
                break
    except _ERRORS:
        return b""
    return head


def inflate(raw: memoryview, method: int, size: int, crc: int) -> bytes | memoryview:
    """Return the content of one member, `size` bytes with checksum `crc`.

    Output is cut off one byte beyond the declared size, so that a member that
    lies about its size costs no more than it declared.
    """
    if method == STORED:
        data: bytes | memoryview = raw
    elif method == _DEFLATED:
        decoder = _decoder()
        try:
            data = decoder.decompress(raw, size + 1)
        except _ERRORS as error:
            raise _broken(error) from error
        if not decoder.eof and len(data) <= size:
            raise UnreadableMemberError(Irregular.CORRUPT, _ENDLESS)
    else:
        raise _unknown(method)
    _compare(len(data), size, _codec.crc32(data), crc)
    return data


def hold(raw: memoryview, method: int, size: int, crc: int) -> tuple[memoryview, bytes]:
    """Inflate a large member into one buffer; return it and its SHA-256.

    The hash is taken on another thread, of what is there already.
    """
    buffer = memoryview(bytearray(size))
    digest = hashlib.sha256()
    length = done = found = 0
    with ThreadPoolExecutor(max_workers=1) as side:
        for part in _parts(raw, method, size):
            end = length + len(part)
            if end > size:
                length = end
                break
            buffer[length:end] = part
            found = _codec.crc32(part, found)
            length = end
            if length - done >= _PART:
                side.submit(digest.update, buffer[done:length])
                done = length
        side.submit(digest.update, buffer[done : min(length, size)])
    _compare(length, size, found, crc)
    return buffer.toreadonly(), digest.digest()


def verify(raw: memoryview, method: int, size: int, crc: int) -> bytes:
    """Inflate a member as `inflate` does, and return its SHA-256; takes a few megabytes."""
    digest = hashlib.sha256()
    length = found = 0
    for part in _parts(raw, method, size):
        length += len(part)
        found = _codec.crc32(part, found)
        digest.update(part)
    _compare(length, size, found, crc)
    return digest.digest()


def _parts(raw: memoryview, method: int, size: int) -> Iterator[bytes | memoryview]:
    """Yield a member's content piece by piece, and no more than one piece beyond its size."""
    if method == STORED:
        yield from (raw[start : start + _PART] for start in range(0, len(raw), _PART))
        return
    if method != _DEFLATED:
        raise _unknown(method)
    decoder = _decoder()
    length = 0
    try:
        for start in range(0, len(raw), _STEP):
            # What a decoder has not consumed it copies, so it is given little at once.
            rest = raw[start : start + _STEP]
            full = True
            while (full or rest) and not decoder.eof and length <= size:
                part = decoder.decompress(rest, _PART)
                length += len(part)
                yield part
                rest, full = decoder.unconsumed_tail, len(part) == _PART
    except _ERRORS as error:
        raise _broken(error) from error
    if not decoder.eof and length <= size:
        raise UnreadableMemberError(Irregular.CORRUPT, _ENDLESS)


def _decoder() -> Any:  # noqa: ANN401 - either library's, and isal ships no types
    return _codec.decompressobj(wbits=-zlib.MAX_WBITS)


def _broken(error: Exception) -> UnreadableMemberError:
    return UnreadableMemberError(Irregular.CORRUPT, f"cannot be inflated: {error}")


def _unknown(method: int) -> UnreadableMemberError:
    reason = f"compression method {method}; Lambda takes stored and deflated members only"
    return UnreadableMemberError(Irregular.METHOD, reason)


def _compare(length: int, size: int, found: int, crc: int) -> None:
    if length != size:
        more = "more" if length > size else f"{length}"
        reason = f"is said to be {size} bytes long and has {more}"
        raise UnreadableMemberError(Irregular.CORRUPT, reason)
    if found != crc:
        raise UnreadableMemberError(Irregular.CORRUPT, "its CRC does not match its bytes")
