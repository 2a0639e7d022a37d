"""ZIP archives: deployment packages and wheels.

Members are inflated straight from a memory map, which lets several be read at
once.
"""

from __future__ import annotations

import hashlib
import mmap
import posixpath
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import Final

from abicheck.artifacts._base import (
    Limits,
    Member,
    UnreadableMemberError,
    Wanted,
    beyond,
    irregular,
    too_large,
)
from abicheck.artifacts._directory import Directory, DirectoryError, Header, read_directory
from abicheck.artifacts._end import Fault
from abicheck.artifacts._inflate import STORED, hold, inflate, peek, verify
from abicheck.artifacts._local import Survey, begin, survey
from abicheck.artifacts._names import Places, check_name
from abicheck.artifacts._parallel import in_order
from abicheck.filesystem import Kind
from abicheck.model import ArtifactKind, Irregular, Irregularity, reached

_ENCRYPTED = 1
_HEAD = 512
_SMALL: Final = 1 << 20
_LARGE: Final = 16 << 20
_OBJECT: Final = b"\x7fELF"
# What of an artifact is executed or decides what is: of other files nothing is vouched for.
_LOADABLE: Final = re.compile(r"\.(?:pyc?|pth|zip|egg|so(?:\.[^/]*)?)$")


class ZipArtifact:
    """An open ZIP archive."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self.limits = limits
        self.irregularities: list[Irregularity] = []
        self._file: BufferedReader = path.open("rb")
        try:
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        except BaseException:
            self._file.close()
            raise
        self._view = memoryview(self._map)
        self._headers: tuple[Header, ...] = ()
        self._directory: Directory | None = None
        self._cut: Fault | None
        try:
            self._directory = read_directory(self._view, limits.members)
            self._headers, self._cut = self._directory.headers, self._directory.cut
        except DirectoryError as error:
            self._cut = Irregular.TRUNCATED, str(error)
        self.kind = _kind(self._headers)
        self.packed: int | None = len(self._view)
        self.expected: int | None = len(self._headers)

    def outline(self) -> frozenset[str]:
        """Return the first two levels, of every name that the central directory lists."""
        found = set()
        for header in self._headers:
            top, _, rest = posixpath.normpath(header.name).partition("/")
            found.add(top)
            if rest:
                found.add(f"{top}/{rest.partition('/')[0]}")
        return frozenset(found)

    def members(self, wanted: Wanted) -> Iterator[Member]:
        """Yield each member once, in the order of the central directory."""

        def read(job: Header | Irregularity) -> Member | Irregularity:
            if isinstance(job, Irregularity):
                return job
            try:
                return self._read(job, wanted)
            except UnreadableMemberError as error:
                return irregular(error.kind, job.name, error.detail)

        for result in in_order(read, self._accepted()):
            if isinstance(result, Member):
                yield result
            else:
                self.irregularities.append(result)

    def _accepted(self) -> Iterator[tuple[Header | Irregularity, int]]:
        """Yield what is to be read and its weight; in its place what is not, and why."""
        found = self._survey()
        yield from ((irregular(kind, "", detail), 0) for kind, detail in found.gaps)
        last = {_place(header): index for index, header in enumerate(self._headers)}
        places = Places()
        total = 0
        for index, header in enumerate(self._headers):
            fault = header.fault or check_name(header.name, self.limits.path, self.limits.nesting)
            if fault is not None:
                yield irregular(fault[0], header.name, fault[1]), 0
                if fault[0] is not Irregular.BACKSLASH:
                    continue
            fault = self._doubt(index, last[_place(header)], found, places)
            if fault is not None:
                yield irregular(fault[0], header.name, fault[1]), 0
                continue
            total += header.size
            detail = beyond(self.limits, total, len(self._view))
            if detail is not None:
                yield irregular(Irregular.LIMIT, header.name, detail), 0
                return
            if header.size > self.limits.member:
                detail = too_large(self.limits, header.size)
                yield irregular(Irregular.LIMIT, header.name, detail), 0
                continue
            yield header, header.packed + header.size
        if self._cut is not None:
            yield irregular(self._cut[0], "", self._cut[1]), 0

    def _survey(self) -> Survey:
        """Return what is wrong with single members, and with the archive as a whole."""
        if self._directory is None:
            return Survey({}, ())
        found = survey(self._view, self._directory)
        whole = [*self._directory.faults, *found.gaps]
        if not self._headers and self._cut is None:
            whole.append((Irregular.EMPTY_ARCHIVE, "the archive has no members"))
        return Survey(found.faults, tuple(whole))

    def _doubt(self, index: int, last: int, found: Survey, places: Places) -> Fault | None:
        """Return why a member is passed over whose name is sound: it is not the only one there."""
        header = self._headers[index]
        if last != index:
            sound = index not in found.faults and last not in found.faults
            return self._repeated(header, self._headers[last], sound=sound)
        clash = places.put(header.name, folder=_is_folder(header))
        if clash is not None:
            return Irregular.CLASH, clash
        if stat.S_ISDIR(header.mode) and not header.name.endswith("/"):
            # zipfile asks the name, Info-ZIP and Go the mode as well.
            return Irregular.DISAGREEMENT, "is a folder by its mode and a file by its name"
        return found.faults.get(index)

    def _repeated(self, header: Header, last: Header, *, sound: bool) -> Fault:
        """Return what it means that a name comes again; `sound` says that both can be read."""
        if _is_folder(header):
            return Irregular.DUPLICATE, "the same folder twice"
        alike = header.method == last.method and header.size == last.size
        # The checksum would be easy to forge.
        if sound and alike and self._raw(header) == self._raw(last):
            return Irregular.DUPLICATE, "the same content twice"
        head = peek(self._raw(header), header.method, _HEAD) if sound else _OBJECT
        if head.startswith(_OBJECT) or _LOADABLE.search(header.name):
            detail = "it is there twice, with other content: some readers take the last, others not"
            return Irregular.DISAGREEMENT, detail
        return Irregular.DUPLICATE, "with other content; the last one counts"

    def _read(self, header: Header, wanted: Wanted) -> Member:
        name, mode = header.name, header.mode
        bits = mode & 0o7777 if mode else None
        if _is_folder(header):
            return Member(name.rstrip("/"), Kind.DIRECTORY, 0, bits)
        if header.flags & _ENCRYPTED:
            raise UnreadableMemberError(
                Irregular.ENCRYPTED, "is encrypted; Lambda cannot unpack it"
            )
        raw = self._raw(header)
        # Who installs wheels does so by zipfile, or as it does: a link is a file that holds a path.
        if stat.S_ISLNK(mode) and self.kind is not ArtifactKind.WHEEL:
            if header.size > self.limits.path:
                reason = reached("path", f"links to a path of {header.size:,} characters")
                raise UnreadableMemberError(Irregular.BAD_NAME, reason)
            link = inflate(raw, header.method, header.size, header.crc)
            target = bytes(link).decode("utf-8", "surrogateescape")
            return Member(name, Kind.SYMLINK, 0, bits, target=target)
        packed = (raw, header.method, header.size, header.crc)
        data: bytes | memoryview | None
        if header.size <= _SMALL:
            data = inflate(*packed)
            head = bytes(data[:_HEAD])
            keep = wanted(name, head, len(data))
            digest = hashlib.sha256(data).digest()
            return Member(
                name, Kind.FILE, header.size, bits, head, data if keep else None, sha256=digest
            )
        # A large one is held only where it is wanted.
        head = peek(raw, header.method, _HEAD)
        if wanted(name, head, header.size):
            if header.size <= _LARGE:
                data = inflate(*packed)
                digest = hashlib.sha256(data).digest()
            else:
                data, digest = hold(*packed)
        else:
            data, digest = None, verify(*packed)
        self._forget(header)
        return Member(name, Kind.FILE, header.size, bits, head, data, sha256=digest)

    def _forget(self, header: Header) -> None:
        """Let go of the pages of a member that has been read: they count as memory in use."""
        advice = getattr(mmap, "MADV_DONTNEED", None)
        if advice is not None and header.method != STORED:
            start = -(-header.offset // mmap.PAGESIZE) * mmap.PAGESIZE
            self._map.madvise(advice, start, header.offset + header.packed - start)

    def _raw(self, header: Header) -> memoryview:
        """Return the compressed bytes; the local header, which was compared, says where."""
        start = begin(self._view, header)
        return self._view[start : start + header.packed]

    def sha256(self) -> str | None:
        """Return the digest of the archive's own bytes."""
        # Not from the map, whose pages would all count as memory in use.
        self._file.seek(0)
        return hashlib.file_digest(self._file, "sha256").hexdigest()

    def close(self) -> None:
        """Let go of the file; views that a caller still holds keep the map alive."""
        self._view.release()
        with suppress(BufferError):
            self._map.close()
        self._file.close()


def _is_folder(header: Header) -> bool:
    return header.name.endswith("/") or stat.S_ISDIR(header.mode)


def _place(header: Header) -> tuple[str, bool]:
    """Return what two members that stand for one file, or one folder, have in common."""
    return posixpath.normpath(header.name), _is_folder(header)


def _kind(headers: Iterable[Header]) -> ArtifactKind:
    """Tell a wheel from an installed tree: an installer leaves its name in dist-info."""
    records = [
        name
        for name in (header.name for header in headers)
        if name.count("/") == 1 and name.split("/")[0].endswith(".dist-info")
    ]
    folders = {name.split("/")[0] for name in records}
    is_wheel = (
        len(folders) == 1
        and any(name.endswith("/WHEEL") for name in records)
        and not any(name.endswith("/INSTALLER") for name in records)
    )
    return ArtifactKind.WHEEL if is_wheel else ArtifactKind.ZIP
