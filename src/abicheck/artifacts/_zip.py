"""ZIP archives: deployment packages and wheels.

The central directory is read with the standard library; members are then
inflated straight from a memory map, which lets several be read at once.
"""

from __future__ import annotations

import hashlib
import mmap
import stat
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from abicheck.artifacts._base import (
    Limits,
    Member,
    UnreadableMemberError,
    Wanted,
    irregular,
)
from abicheck.artifacts._inflate import inflate
from abicheck.artifacts._names import check_name
from abicheck.artifacts._parallel import in_order
from abicheck.errors import ArtifactError
from abicheck.filesystem import Kind
from abicheck.model import ArtifactKind, Irregular, Irregularity

_LOCAL_HEADER: Final = struct.Struct("<4sHHHHHIIIHH")
_ENCRYPTED = 1
_UNIX = 3
_HEAD = 512
_SHA_CHUNK = 4 << 20


class ZipArtifact:
    """An open ZIP archive."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self._limits = limits
        self.irregularities: list[Irregularity] = []
        self._file: BinaryIO = path.open("rb")
        try:
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
            self._infos = self._directory()
        except BaseException:
            self._file.close()
            raise
        self._view = memoryview(self._map)
        self.kind = _kind(self._infos)

    def _directory(self) -> list[zipfile.ZipInfo]:
        try:
            with zipfile.ZipFile(self._file) as archive:
                return archive.infolist()
        except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
            # A ZIP whose directory is gone was cut off; the caller reports it.
            self.irregularities.append(irregular(Irregular.TRUNCATED, "", str(error)))
            return []
        except OSError as error:
            raise ArtifactError(str(error)) from error

    def members(self, wanted: Wanted) -> Iterator[Member]:
        """Yield each member once, in the order of the central directory."""

        def read(job: zipfile.ZipInfo | Irregularity) -> Member | Irregularity:
            if isinstance(job, Irregularity):
                return job
            try:
                return self._read(job, wanted)
            except UnreadableMemberError as error:
                return irregular(error.kind, job.orig_filename, error.detail)

        for result in in_order(read, self._accepted()):
            if isinstance(result, Member):
                yield result
            else:
                self.irregularities.append(result)

    def _accepted(self) -> Iterator[tuple[zipfile.ZipInfo | Irregularity, int]]:
        """Yield what is to be read and its weight; in its place what is not, and why."""
        if not self._infos and not self.irregularities:
            yield irregular(Irregular.EMPTY_ARCHIVE, "", "the archive has no members"), 0
        last = {info.orig_filename: index for index, info in enumerate(self._infos)}
        total = 0
        for index, info in enumerate(self._infos):
            name = info.orig_filename
            fault = check_name(name, self._limits.path)
            if fault is not None:
                yield irregular(fault[0], name, fault[1]), 0
                if fault[0] is not Irregular.BACKSLASH:
                    continue
            if last[name] != index:
                same = info.CRC == self._infos[last[name]].CRC
                detail = (
                    "the same content twice" if same else "with other content; the last one counts"
                )
                yield irregular(Irregular.DUPLICATE, name, detail), 0
                continue
            total += info.file_size
            if index >= self._limits.members or total > self._limits.total:
                what = "members" if index >= self._limits.members else "bytes unpacked"
                limit = self._limits.members if what == "members" else self._limits.total
                detail = f"more than {limit:,} {what}; not read from here on"
                yield irregular(Irregular.LIMIT, name, detail), 0
                return
            if info.file_size > self._limits.member:
                detail = f"{info.file_size:,} bytes, more than {self._limits.member:,}; not read"
                yield irregular(Irregular.LIMIT, name, detail), 0
                continue
            yield info, info.compress_size + info.file_size

    def _read(self, info: zipfile.ZipInfo, wanted: Wanted) -> Member:
        name = info.orig_filename
        mode = info.external_attr >> 16 if info.create_system == _UNIX else 0
        bits = mode & 0o7777 if mode else None
        if name.endswith("/") or stat.S_ISDIR(mode):
            return Member(name.rstrip("/"), Kind.DIRECTORY, 0, bits)
        if info.flag_bits & _ENCRYPTED:
            raise UnreadableMemberError(
                Irregular.ENCRYPTED, "is encrypted; Lambda cannot unpack it"
            )
        data = inflate(self._raw(info), info.compress_type, info.file_size, info.CRC)
        if stat.S_ISLNK(mode):
            target = bytes(data).decode("utf-8", "surrogateescape")
            return Member(name, Kind.SYMLINK, 0, bits, target=target)
        head = bytes(data[:_HEAD])
        keep = wanted(name, head, len(data))
        return Member(name, Kind.FILE, len(data), bits, head, data if keep else None)

    def _raw(self, info: zipfile.ZipInfo) -> memoryview:
        """Return the compressed bytes; the local header says where they begin."""
        start = info.header_offset
        try:
            header = _LOCAL_HEADER.unpack_from(self._view, start)
        except struct.error as error:
            raise UnreadableMemberError(Irregular.CORRUPT, "its local header is missing") from error
        begin = start + _LOCAL_HEADER.size + header[9] + header[10]
        end = begin + info.compress_size
        if header[0] != b"PK\x03\x04" or start < 0 or end > len(self._view):
            raise UnreadableMemberError(Irregular.CORRUPT, "its local header is missing")
        name = bytes(self._view[start + _LOCAL_HEADER.size :][: header[9]])
        if name != _raw_name(info):
            reason = "the local header names another file than the central directory"
            raise UnreadableMemberError(Irregular.DISAGREEMENT, reason)
        return self._view[begin:end]

    def sha256(self) -> str | None:
        """Return the digest of the archive's own bytes."""
        digest = hashlib.sha256()
        for start in range(0, len(self._view), _SHA_CHUNK):
            digest.update(self._view[start : start + _SHA_CHUNK])
        return digest.hexdigest()

    def close(self) -> None:
        """Let go of the file; views that a caller still holds keep the map alive."""
        self._view.release()
        self._file.close()


def _raw_name(info: zipfile.ZipInfo) -> bytes:
    utf8 = info.flag_bits & 0x800
    return info.orig_filename.encode("utf-8" if utf8 else "cp437", "surrogateescape")


def _kind(infos: list[zipfile.ZipInfo]) -> ArtifactKind:
    """Tell a wheel from an installed tree: an installer leaves its name in dist-info."""
    records = [
        name
        for name in (info.orig_filename for info in infos)
        if name.count("/") == 1 and name.split("/")[0].endswith(".dist-info")
    ]
    folders = {name.split("/")[0] for name in records}
    is_wheel = (
        len(folders) == 1
        and any(name.endswith("/WHEEL") for name in records)
        and not any(name.endswith("/INSTALLER") for name in records)
    )
    return ArtifactKind.WHEEL if is_wheel else ArtifactKind.ZIP
