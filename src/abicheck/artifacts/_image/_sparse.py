"""Sparse files in a tar: where their data lies, and the bytes they unpack to.

GNU tar knows four forms: the old one with the map in the header and in blocks
after it, and pax forms 0.0, 0.1 (map in the pax header) and 1.0 (map before
the data).  See "Storing Sparse Files" in GNU tar's manual.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from abicheck.artifacts._base import UnreadableMemberError
from abicheck.artifacts._image._stream import ByteStream, Chunk
from abicheck.model import Irregular

_BLOCK: Final = 512
_PIECE: Final = 24  # two numbers of 12 bytes
_MAX_PIECES: Final = 65_536
_NUMBER: Final = re.compile(r"[0-9]{1,19}")


@dataclass(frozen=True, slots=True)
class Extent:
    """A piece of data between the holes of a sparse file: where it belongs, its size."""

    offset: int
    size: int


def gnu_map(
    header: bytes, stream: ByteStream, number: Callable[[bytes], int]
) -> tuple[tuple[Extent, ...], int, int]:
    """Return the map of GNU's old form, the file's size, and how long the map's blocks are."""
    pieces = _pieces(header[386:482], number)
    size = number(header[483:495])
    extended = header[482]
    blocks = 0
    while extended:
        block = bytes(stream.read(_BLOCK))
        if len(block) < _BLOCK:
            reason = "the tar ends within a sparse map"
            raise UnreadableMemberError(Irregular.TRUNCATED, reason)
        blocks += 1
        pieces += _pieces(block[:504], number)
        extended = block[504]
        _check_count(len(pieces))
    return _checked(pieces, size), size, blocks * _BLOCK


def pax_map(
    records: Sequence[tuple[str, str]], pax: Mapping[str, str]
) -> tuple[tuple[Extent, ...], int]:
    """Return the map that a pax header of form 0.0 or 0.1 holds, and the file's size."""
    _check_count(len(records) // 2)
    offsets = [_integer(text) for name, text in records if name == "GNU.sparse.offset"]
    sizes = [_integer(text) for name, text in records if name == "GNU.sparse.numbytes"]
    if len(offsets) != len(sizes):
        raise _damaged()
    size = _integer(pax.get("GNU.sparse.size", ""))
    return _checked([Extent(*piece) for piece in zip(offsets, sizes, strict=True)], size), size


def read_map(stream: ByteStream, pax: Mapping[str, str]) -> tuple[tuple[Extent, ...], int]:
    """Read the map that stands before the data in form 1.0, in whole blocks."""
    lines: list[str] = []
    text = ""
    wanted = 1
    while len(lines) < wanted:
        block = bytes(stream.read(_BLOCK))
        if len(block) < _BLOCK or len(text) > _BLOCK:
            raise _damaged()
        *whole, text = (text + block.decode("latin-1")).split("\n")
        lines += whole
        if lines and wanted == 1:
            count = _integer(lines[0])
            _check_count(count)
            wanted = 1 + 2 * count
    numbers = [_integer(line) for line in lines[1:wanted]]
    size = _integer(pax.get("GNU.sparse.realsize", ""))
    pieces = [Extent(*piece) for piece in zip(numbers[::2], numbers[1::2], strict=True)]
    return _checked(pieces, size), size


def expand(stored: Chunk, extents: Sequence[Extent], size: int) -> bytes:
    """Return the first `size` bytes of the file whose data is `stored`."""
    data = bytearray(size)
    place = 0
    for extent in extents:
        if extent.offset < size:
            piece = stored[place : place + min(extent.size, size - extent.offset)]
            data[extent.offset : extent.offset + len(piece)] = piece
        place += extent.size
    return bytes(data)


def _pieces(field: bytes, number: Callable[[bytes], int]) -> list[Extent]:
    pieces = []
    for start in range(0, len(field) // _PIECE * _PIECE, _PIECE):
        offset, size = field[start : start + 12], field[start + 12 : start + _PIECE]
        if not offset[0] or not size[0]:  # the list ends where a number is missing
            break
        pieces.append(Extent(number(offset), number(size)))
    return pieces


def _checked(pieces: Sequence[Extent], size: int) -> tuple[Extent, ...]:
    """Pieces ascend, do not overlap, and lie in the file."""
    end = 0
    for piece in pieces:
        if piece.offset < end or piece.offset + piece.size > size:
            raise _damaged()
        end = piece.offset + piece.size
    return tuple(pieces)


def _integer(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise _damaged()
    return int(text)


def _check_count(count: int) -> None:
    if count > _MAX_PIECES:
        reason = f"a sparse file of more than {_MAX_PIECES:,} pieces"
        raise UnreadableMemberError(Irregular.LIMIT, reason)


def _damaged() -> UnreadableMemberError:
    return UnreadableMemberError(Irregular.CORRUPT, "a damaged map of a sparse file")
