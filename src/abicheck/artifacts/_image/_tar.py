"""The tar format as layers hold it: headers one by one, in one pass, nothing sought.

POSIX.1-2001 (ustar and pax), GNU's long names, sparse files and base-256
numbers, and the format of Unix version 7.  Where the formats leave a choice,
it is that of Go's `archive/tar`, which unpacks layers in every engine:
globally set pax records are passed over, a link has no content whatever size
it states, and a lone block of zeros is a damage.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from abicheck.artifacts._base import UnreadableMemberError
from abicheck.artifacts._image._sparse import Extent, gnu_map, pax_map, read_map
from abicheck.artifacts._image._stream import ByteStream, Chunk
from abicheck.model import Irregular

BLOCK: Final = 512
_ZEROS: Final = bytes(BLOCK)
# What a long name or a pax header may hold at most; Go's `maxSpecialFileSize`.
_SPECIAL: Final = 1 << 20
_OCTAL: Final = re.compile(rb"[ \0]*([0-7]*)[ \0]*")
_RECORD: Final = re.compile(rb"(\d{1,7}) ")


class TarType(enum.Enum):
    """What an entry of a tar makes when it is unpacked."""

    FILE = enum.auto()
    HARD_LINK = enum.auto()
    SYMLINK = enum.auto()
    DIRECTORY = enum.auto()
    DEVICE = enum.auto()


_TYPES: Final[Mapping[bytes, TarType]] = {
    b"0": TarType.FILE,
    b"\0": TarType.FILE,
    b"7": TarType.FILE,  # contiguous: an ordinary file to everybody
    b"S": TarType.FILE,  # GNU sparse
    b"1": TarType.HARD_LINK,
    b"2": TarType.SYMLINK,
    b"3": TarType.DEVICE,
    b"4": TarType.DEVICE,
    b"5": TarType.DIRECTORY,
    b"6": TarType.DEVICE,
}


@dataclass(frozen=True, slots=True)
class TarEntry:
    """One entry: its name as written, what it is, and how many bytes follow.

    `size` is that of the file unpacked, `stored` how much of it the stream
    holds; they differ where `extents`, the map of a sparse file's data, is given.
    """

    name: str
    type: TarType
    mode: int
    size: int
    stored: int
    target: str = ""
    extents: tuple[Extent, ...] | None = None


def is_tar(head: bytes) -> bool:
    """Whether a file begins with a tar header whose checksum is right."""
    return len(head) >= BLOCK and head[:BLOCK] != _ZEROS and _checksum_fits(head[:BLOCK])


def read_tar(stream: ByteStream) -> Iterator[TarEntry]:
    """Yield each entry with the stream at its content, which the consumer may read.

    What it leaves is passed over.  Raises `UnreadableMemberError` where the
    tar ends within an entry or a header is damaged; nothing can be found after that.
    """
    pax: dict[str, str] = {}
    sparse: list[tuple[str, str]] = []
    long: dict[bytes, str] = {}
    while (header := _next_header(stream)) is not None:
        kind = header[156:157]
        size = _number(header[124:136])
        if kind in {b"L", b"K"}:
            long[kind] = _text(bytes(_special(stream, size)).partition(b"\0")[0])
        elif kind == b"x":
            pax, sparse = _pax_records(bytes(_special(stream, size)))
        elif kind == b"g":
            _special(stream, size)
        else:
            yield from _entry(stream, header, pax, sparse, long)
            pax, sparse, long = {}, [], {}
    if pax or long:
        reason = "the tar ends with a long name that belongs to no entry"
        raise UnreadableMemberError(Irregular.TRUNCATED, reason)


def _entry(
    stream: ByteStream,
    header: bytes,
    pax: Mapping[str, str],
    sparse: list[tuple[str, str]],
    long: Mapping[bytes, str],
) -> Iterator[TarEntry]:
    name = pax.get("path") or long.get(b"L") or _name(header)
    stored = _pax_size(pax) if "size" in pax else _number(header[124:136])
    kind = _TYPES.get(header[156:157])
    if kind is None:
        # Unknown types hold content; engines refuse them, so nothing is known of the rest.
        reason = f"{name}: a tar entry of type {header[156:157]!r}"
        raise UnreadableMemberError(Irregular.METHOD, reason)
    if kind is TarType.FILE and header[156:157] == b"\0" and name.endswith("/"):
        kind = TarType.DIRECTORY
    if kind is not TarType.FILE:
        stored = 0
    end = stream.position + stored + -stored % BLOCK
    size, extents = stored, None
    if header[156:157] == b"S":
        extents, size, extra = gnu_map(header, stream, _number)
        end += extra
    elif sparse or "GNU.sparse.major" in pax:
        name = pax.get("GNU.sparse.name") or name
        if pax.get("GNU.sparse.major") == "1":
            before = stream.position
            extents, size = read_map(stream, pax)
            stored -= stream.position - before
        else:
            extents, size = pax_map(sparse, pax)
    if extents is not None and sum(extent.size for extent in extents) != stored:
        reason = f"{name}: its sparse map does not fit its {stored} bytes"
        raise UnreadableMemberError(Irregular.CORRUPT, reason)
    target = pax.get("linkpath") or long.get(b"K") or _text(_until_zero(header[157:257]))
    mode = _number(header[100:108]) & 0o7777
    yield TarEntry(name, kind, mode, size, stored, target, extents)
    left = end - stream.position
    if stream.skip(left) != left:
        reason = f"{name}: the tar ends within it"
        raise UnreadableMemberError(Irregular.TRUNCATED, reason)


def _next_header(stream: ByteStream) -> bytes | None:
    """Return the next header; None after two blocks of zeros or at the end of the stream."""
    start = stream.position
    block = bytes(stream.read(BLOCK))
    if not block:
        return None
    if len(block) < BLOCK:
        reason = f"the tar ends within the header at byte {start:,}"
        raise UnreadableMemberError(Irregular.TRUNCATED, reason)
    if block == _ZEROS:
        second = bytes(stream.read(BLOCK))
        if second in {b"", _ZEROS}:
            return None
        reason = f"a lone block of zeros at byte {start:,}"
        raise UnreadableMemberError(Irregular.CORRUPT, reason)
    if not _checksum_fits(block):
        reason = f"no tar header at byte {start:,}"
        raise UnreadableMemberError(Irregular.CORRUPT, reason)
    return block


def _checksum_fits(block: bytes) -> bool:
    """Old tars summed the bytes as signed numbers; both sums are accepted."""
    try:
        stated = _number(block[148:156])
    except UnreadableMemberError:
        return False
    rest = block[:148] + block[156:]
    unsigned = sum(rest) + 8 * 32  # the field itself counts as spaces
    if stated == unsigned:
        return True
    return stated == unsigned - 256 * sum(byte >> 7 for byte in rest)


def _number(field: bytes) -> int:
    """Return a header's number: octal, or GNU's base-256 where the first bit is set."""
    if field[0] & 0x80:
        if field[0] & 0x40:
            reason = "a negative number in a tar header"
            raise UnreadableMemberError(Irregular.CORRUPT, reason)
        return int.from_bytes(bytes([field[0] & 0x3F]) + field[1:], "big")
    digits = _OCTAL.fullmatch(field) or _OCTAL.fullmatch(field.partition(b"\0")[0])
    if digits is None:
        reason = f"{field!r} is no number of a tar header"
        raise UnreadableMemberError(Irregular.CORRUPT, reason)
    return int(digits[1] or b"0", 8)


def _name(header: bytes) -> str:
    name = _until_zero(header[:100])
    if header[257:263] == b"ustar\0":  # GNU's own magic has times where the prefix is
        star = header[508:512] == b"tar\0"
        prefix = _until_zero(header[345:476] if star else header[345:500])
        if prefix:
            name = prefix + b"/" + name
    return _text(name)


def _special(stream: ByteStream, size: int) -> Chunk:
    if size > _SPECIAL:
        reason = f"a header of {size:,} bytes in the tar"
        raise UnreadableMemberError(Irregular.LIMIT, reason)
    data = stream.read(size)
    padding = -size % BLOCK
    if len(data) < size or stream.skip(padding) != padding:
        reason = "the tar ends within a long name"
        raise UnreadableMemberError(Irregular.TRUNCATED, reason)
    return data


def _pax_records(data: bytes) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Return the records, and apart, because their keys repeat, those of a sparse map."""
    records: dict[str, str] = {}
    sparse: list[tuple[str, str]] = []
    place = 0
    while place < len(data):
        length = _RECORD.match(data, place)
        end = place + int(length[1]) if length is not None else 0
        if length is None or end <= length.end() or data[end - 1 : end] != b"\n":
            reason = "a damaged pax header"
            raise UnreadableMemberError(Irregular.CORRUPT, reason)
        key, equals, value = data[length.end() : end - 1].partition(b"=")
        if not equals:
            reason = "a damaged pax header"
            raise UnreadableMemberError(Irregular.CORRUPT, reason)
        name, text = _text(key), _text(value)
        if name in {"GNU.sparse.offset", "GNU.sparse.numbytes"}:
            sparse.append((name, text))
        else:
            records[name] = text
        place = end
    if "GNU.sparse.map" in records:
        numbers = records.pop("GNU.sparse.map").split(",")
        keys = ("GNU.sparse.offset", "GNU.sparse.numbytes")
        sparse = [(keys[i % 2], number) for i, number in enumerate(numbers)]
    return records, sparse


def _pax_size(pax: Mapping[str, str]) -> int:
    text = pax["size"]
    if not re.fullmatch(r"[0-9]{1,19}", text):
        reason = f"{text!r} is no size of a pax header"
        raise UnreadableMemberError(Irregular.CORRUPT, reason)
    return int(text)


def _until_zero(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
