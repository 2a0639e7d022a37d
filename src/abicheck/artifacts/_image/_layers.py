"""Read layers: unpacked, hashed and listed in one pass, each content handed on as it passes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Final

from abicheck.artifacts._base import (
    Limits,
    Member,
    UnreadableMemberError,
    Wanted,
    too_dense,
    too_large,
)
from abicheck.artifacts._image._packing import unpack
from abicheck.artifacts._image._sparse import expand
from abicheck.artifacts._image._squash import WHITEOUT, Record, clean
from abicheck.artifacts._image._stream import ByteStream, Chunk, Hash, ahead, hashed
from abicheck.artifacts._image._tar import TarEntry, TarType, is_tar, read_tar
from abicheck.filesystem import Kind
from abicheck.model import Compression, ImageLayer, Irregular, Irregularity, Location, reached

_HEAD: Final = 512
_PIECE: Final = 1 << 20
_REMEMBERED: Final = 64 << 20  # how much of an archive stays in memory once it has been read
_LARGEST_SPARSE: Final = 256 << 20  # a map of a few bytes may ask for any amount of zeros

Keep = Callable[[int, int, Member], None]
"""Take a wanted file's content: its layer, the number of its record there, the member."""


class LimitReachedError(Exception):
    """The image is larger than the limits; nothing more of it is read."""


class LayerReader:
    """Reads one layer after the other, within limits that hold for all of them together.

    `forget` is called when pages of the archive are not going to be read again;
    `unpacked` is how many bytes of the layers' tars have passed.
    """

    def __init__(
        self, limits: Limits, wanted: Wanted, keep: Keep, forget: Callable[[], None]
    ) -> None:
        self._forget = forget
        self._limits = limits
        self._wanted = wanted
        self._keep = keep
        self._entries = 0
        self._packed = self._here = 0  # bytes of this layer
        self.unpacked = 0
        self.irregularities: list[Irregularity] = []

    def note(self, layer: ImageLayer, name: str, kind: Irregular, detail: str) -> None:
        """Remember what is wrong with a layer, or with a file of it."""
        location = Location(PurePosixPath(name), layer.diff_id)
        self.irregularities.append(Irregularity(kind, location, detail))

    def read(self, layer: ImageLayer, view: memoryview) -> list[Record]:
        """Return the entries of the layer whose blob is `view`, as far as they can be had.

        Raises `LimitReachedError` where a limit of the whole image is reached.
        """
        self._packed, self._here = len(view), 0
        compression = layer.compression or Compression.NONE
        head = bytes(view[:_HEAD])
        if compression is Compression.NONE and not is_tar(head) and head.strip(b"\0"):
            detail = "neither a tar nor one that is compressed with gzip or zstd"
            self.note(layer, "", Irregular.METHOD, detail)
            return []
        records: list[Record] = []
        packed, unpacked = hashlib.sha256(), hashlib.sha256()
        chunks = self._slices(view)
        if compression is not Compression.NONE:
            chunks = ahead(unpack(_tapped(chunks, packed), compression))
        hashing = hashed(self._counted(chunks), unpacked)
        stream = ByteStream(hashing)
        try:
            for entry in read_tar(stream):
                self._take(layer, entry, stream, records)
            stream.drain()
        except UnreadableMemberError as error:
            self.note(layer, "", error.kind, error.detail)
            if error.kind is Irregular.LIMIT:
                raise LimitReachedError from error
        else:
            blob = unpacked if compression is Compression.NONE else packed
            self._verify(layer, blob, unpacked)
        finally:
            hashing.close()
        return records

    def _slices(self, view: memoryview) -> Iterator[Chunk]:
        for start in range(0, len(view), _PIECE):
            if start and start % _REMEMBERED == 0:
                self._forget()
            yield view[start : start + _PIECE]
        self._forget()

    def _counted(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        for chunk in chunks:
            self._count(len(chunk))
            yield chunk

    def _count(self, size: int) -> None:
        self.unpacked += size
        self._here += size
        detail = too_dense(self._limits, self._here, self._packed)
        if self.unpacked > self._limits.layers:
            detail = f"more than {self._limits.layers:,} bytes unpacked; not read from here on"
            detail = reached("layers", detail)
        if detail is not None:
            raise UnreadableMemberError(Irregular.LIMIT, detail)

    def _verify(self, layer: ImageLayer, blob: Hash, unpacked: Hash) -> None:
        """Hold the digests against the bytes; one fault is told once."""
        pairs = ((blob, layer.digest, "blob"), (unpacked, layer.diff_id, "unpacked layer"))
        for digest, stated, what in pairs:
            found = f"sha256:{digest.hexdigest()}"
            if stated and stated.startswith("sha256:") and found != stated:
                detail = f"the {what} {stated} has the digest {found}"
                self.note(layer, "", Irregular.WRONG_DIGEST, detail)
                return

    def _take(
        self, layer: ImageLayer, entry: TarEntry, stream: ByteStream, records: list[Record]
    ) -> None:
        self._entries += 1
        if self._entries > self._limits.members:
            detail = f"more than {self._limits.members:,} entries; not read from here on"
            detail = reached("members", detail)
            raise UnreadableMemberError(Irregular.LIMIT, detail)
        name = clean(entry.name)
        fault = _name_fault(entry, self._limits.path, self._limits.nesting)
        if fault is not None or name is None:
            kind, detail = fault or (Irregular.CLIMBS_OUT, "the name leads out of the image")
            self.note(layer, entry.name[: self._limits.path], kind, detail)
            return
        head = b""
        if entry.type is TarType.FILE and not name.rpartition("/")[2].startswith(WHITEOUT):
            head = self._content(layer, name, entry, stream, len(records))
        records.append(Record(name, entry.type, entry.mode, entry.size, entry.target, head))

    def _content(
        self, layer: ImageLayer, name: str, entry: TarEntry, stream: ByteStream, number: int
    ) -> bytes:
        """Return a file's first bytes, and hand on the whole of it where it is wanted."""
        head, most = stream.peek(min(_HEAD, entry.stored)), self._limits.member
        if entry.extents is not None:
            self._count(entry.size - entry.stored)
            head = expand(head, entry.extents, min(_HEAD, entry.size))
            most = min(most, _LARGEST_SPARSE)
        if entry.size > most:
            sparse = f"{entry.size:,} bytes in a sparse file; not read"
            detail = sparse if most < self._limits.member else too_large(self._limits, entry.size)
            self.note(layer, name, Irregular.LIMIT, detail)
        elif self._wanted(name, head, entry.size):
            data = _exactly(stream, entry.stored, name)
            if entry.extents is not None:
                data = expand(data, entry.extents, entry.size)
            member = Member(
                name, Kind.FILE, entry.size, entry.mode, head, data, layer=layer.diff_id
            )
            self._keep(layer.index, number, member)
        return head


def _exactly(stream: ByteStream, size: int, name: str) -> Chunk:
    data = stream.read(size)
    if len(data) < size:
        reason = f"{name}: the tar ends within it"
        raise UnreadableMemberError(Irregular.TRUNCATED, reason)
    return data


def _tapped(chunks: Iterator[Chunk], digest: Hash) -> Iterator[Chunk]:
    for chunk in chunks:
        digest.update(chunk)
        yield chunk


def _name_fault(entry: TarEntry, longest: int, deepest: int) -> tuple[Irregular, str] | None:
    for text, what in ((entry.name, "the name"), (entry.target, "the link's target")):
        if "\0" in text:
            return Irregular.BAD_NAME, f"{what} holds a zero byte"
        if len(text) > longest:
            detail = reached("path", f"{what} is longer than {longest:,} characters")
            return Irregular.BAD_NAME, detail
    if entry.name.count("/") > deepest + 1:  # a name may begin with one, and end with one
        detail = reached("nesting", f"lies more than {deepest} folders deep; not read")
        return Irregular.LIMIT, detail
    return None
