"""Compressed streams: told by their bytes, unpacked in pieces of bounded size.

An engine looks at a blob's first bytes and not at its media type, so this does
too.  isal inflates about twice as fast as zlib.  Zstandard is in the standard
library from Python 3.14 on; before that its backport does the same.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Generator, Iterator
from typing import Any, Final

from abicheck.artifacts._base import UnreadableMemberError
from abicheck.artifacts._image._stream import Chunk
from abicheck.model import Compression, Irregular

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

try:
    from isal import isal_zlib as _fast
except ImportError:  # no wheel for this platform
    _zlib: Any = zlib
else:
    _zlib = _fast

# A few bytes may stand for gigabytes: no step of unpacking yields more than this.
_PIECE: Final = 1 << 20
_INPUT: Final = 128 << 10
_INFLATE_ERRORS: Final[tuple[type[Exception], ...]] = tuple({zlib.error, _zlib.error})
_SKIPPABLE: Final = range(0x184D2A50, 0x184D2A60)  # RFC 8878, 3.1.2


def compression_of(head: bytes) -> Compression:
    """Tell how a stream is packed by its first four bytes; what is unknown is not packed."""
    if head.startswith(b"\x1f\x8b"):
        return Compression.GZIP
    magic = int.from_bytes(head[:4], "little")
    if head.startswith(b"\x28\xb5\x2f\xfd") or magic in _SKIPPABLE:
        return Compression.ZSTD
    return Compression.NONE


def unpack(chunks: Iterator[Chunk], compression: Compression) -> Iterator[Chunk]:
    """Yield the unpacked stream in pieces of a megabyte at most.

    Raises `UnreadableMemberError` where it is damaged or ends too early.
    """
    if compression is Compression.GZIP:
        return _gunzip(chunks)
    if compression is Compression.ZSTD:
        return _unzstd(chunks)
    return chunks


def _gunzip(chunks: Iterator[Chunk]) -> Generator[Chunk]:
    """Inflate every member of a gzip stream; zeros behind the last are padding (RFC 1952)."""
    decoder: Any = None
    ended = False  # whether a whole member has been seen
    for whole in chunks:
        for start in range(0, len(whole), _INPUT):
            data = whole[start : start + _INPUT]
            while data:
                if decoder is None:
                    if ended and not bytes(data).strip(b"\0"):
                        break
                    decoder = _zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
                try:
                    piece = decoder.decompress(data, _PIECE)
                except _INFLATE_ERRORS as error:
                    reason = f"its gzip stream is damaged: {error}"
                    raise UnreadableMemberError(Irregular.CORRUPT, reason) from error
                if piece:
                    yield piece
                if decoder.eof:
                    data, decoder, ended = decoder.unused_data, None, True
                else:
                    data = decoder.unconsumed_tail
    if decoder is not None or not ended:
        reason = "its gzip stream is cut off"
        raise UnreadableMemberError(Irregular.TRUNCATED, reason)


def _unzstd(chunks: Iterator[Chunk]) -> Generator[Chunk]:
    """Unpack every frame of a zstd stream (RFC 8878)."""
    decoder: zstd.ZstdDecompressor | None = None
    for chunk in chunks:
        data: Chunk = chunk
        while data or not (decoder is None or decoder.needs_input):
            decoder = decoder or zstd.ZstdDecompressor()
            try:
                piece = decoder.decompress(data, _PIECE)
            except zstd.ZstdError as error:
                reason = f"its zstd stream is damaged: {error}"
                raise UnreadableMemberError(Irregular.CORRUPT, reason) from error
            if piece:
                yield piece
            data = b""
            if decoder.eof:
                data, decoder = decoder.unused_data, None
    if decoder is not None:
        reason = "its zstd stream is cut off"
        raise UnreadableMemberError(Irregular.TRUNCATED, reason)
