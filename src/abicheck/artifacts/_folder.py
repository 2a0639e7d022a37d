"""A folder laid out as /var/task, and a single shared object."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from abicheck.artifacts._base import Limits, Member, Wanted, beyond, irregular, too_large
from abicheck.artifacts._names import check_name
from abicheck.artifacts._parallel import in_order
from abicheck.filesystem import Kind
from abicheck.model import ArtifactKind, Irregular, Irregularity, reached

_HEAD = 512
_PART = 1 << 20


class _Found(NamedTuple):
    name: str
    status: os.stat_result


class FolderArtifact:
    """A directory tree.  No link is followed; each is kept as a link of the target."""

    kind = ArtifactKind.FOLDER
    packed: int | None = None
    expected: int | None = None

    def __init__(self, path: Path, limits: Limits) -> None:
        self._root = path
        self.limits = limits
        self.irregularities: list[Irregularity] = []

    def members(self, wanted: Wanted) -> Iterator[Member]:
        """Yield each member once, sorted by path."""

        def read(job: _Found | Irregularity) -> Member | Irregularity:
            if isinstance(job, Irregularity):
                return job
            try:
                return _read(self._root / job.name, job.name, job.status, wanted)
            except OSError as error:
                return _unreadable(job.name, error)

        for result in in_order(read, self._accepted()):
            if isinstance(result, Member):
                yield result
            else:
                self.irregularities.append(result)

    def _accepted(self) -> Iterator[tuple[_Found | Irregularity, int]]:
        """Yield what is to be read and its size; in its place what is not, and why."""
        total = count = 0
        for found in self._walk():
            if isinstance(found, Irregularity):
                yield found, 0
                continue
            name, status = found.name, found.status
            # On Windows a backslash cannot be part of a name, and here it is one character.
            fault = check_name(name, self.limits.path, self.limits.nesting)
            if fault is not None:
                yield irregular(fault[0], name, fault[1]), 0
                if fault[0] is Irregular.LIMIT:
                    continue
            size = status.st_size if stat.S_ISREG(status.st_mode) else 0
            total += size
            count += 1
            detail = beyond(self.limits, total)
            if count > self.limits.members:
                detail = f"more than {self.limits.members:,} files; not read from here on"
                detail = reached("members", detail)
            if detail is not None:
                yield irregular(Irregular.LIMIT, name, detail), 0
                return
            if not _is_known(status):
                detail = "neither a file nor a folder nor a link"
                yield irregular(Irregular.SPECIAL_FILE, name, detail), 0
                continue
            if size > self.limits.member:
                yield irregular(Irregular.LIMIT, name, too_large(self.limits, size)), 0
                continue
            yield found, size

    def _walk(self) -> Iterator[_Found | Irregularity]:
        """Yield each name below the root with its `lstat`; folders may nest without end."""
        todo = [self._children("")]
        while todo:
            found = next(todo[-1], None)
            if found is None:
                todo.pop()
                continue
            yield found
            if isinstance(found, _Found) and stat.S_ISDIR(found.status.st_mode):
                if found.name.count("/") > self.limits.nesting:
                    continue
                todo.append(self._children(f"{found.name}/"))

    def _children(self, prefix: str) -> Iterator[_Found | Irregularity]:
        try:
            with os.scandir(self._root / prefix) as entries:
                names = sorted(f"{prefix}{entry.name}" for entry in entries)
        except OSError as error:
            yield _unreadable(prefix, error)
            return
        for name in names:
            try:
                # lstat and not DirEntry.stat: the latter has no mode bits on Windows.
                yield _Found(name, (self._root / name).lstat())
            except OSError as error:
                yield _unreadable(name, error)

    def outline(self) -> frozenset[str]:
        """Return the first two levels; a folder that cannot be read has nothing in it here."""
        tops = list(self._names(""))
        inner = (f"{top}/{name}" for top in tops for name in self._names(top))
        return frozenset((*tops, *inner))

    def _names(self, folder: str) -> Iterator[str]:
        path = self._root / folder
        if path.is_symlink() and folder:
            return
        with suppress(OSError), os.scandir(path) as entries:
            yield from (entry.name for entry in entries)

    def sha256(self) -> str | None:
        """Return None: a folder has no bytes of its own."""
        return None

    def close(self) -> None:
        """Nothing is held open."""


class ObjectArtifact(FolderArtifact):
    """One shared object, as if it lay alone in /var/task."""

    kind = ArtifactKind.OBJECT

    def __init__(self, path: Path, limits: Limits) -> None:
        super().__init__(path.parent, limits)
        self._path = path

    def _walk(self) -> Iterator[_Found | Irregularity]:
        yield _Found(self._path.name, self._path.stat())

    def outline(self) -> frozenset[str]:
        """Return the object's name."""
        return frozenset({self._path.name})

    def sha256(self) -> str | None:
        """Return the digest of the object."""
        with self._path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def _is_known(status: os.stat_result) -> bool:
    return stat.S_IFMT(status.st_mode) in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK)


def _unreadable(name: str, error: OSError) -> Irregularity:
    return irregular(Irregular.UNREADABLE, name, error.strerror or str(error))


def _read(path: Path, name: str, status: os.stat_result, wanted: Wanted) -> Member:
    bits = stat.S_IMODE(status.st_mode) if os.name == "posix" else None
    if stat.S_ISDIR(status.st_mode):
        return Member(name, Kind.DIRECTORY, 0, bits)
    if stat.S_ISLNK(status.st_mode):
        target = str(path.readlink())
        return Member(name, Kind.SYMLINK, 0, bits, target=target)
    with path.open("rb") as file:
        head = file.read(_HEAD)
        if wanted(name, head, status.st_size):
            data = head + file.read()
            digest = hashlib.sha256(data)
            return Member(name, Kind.FILE, len(data), bits, head, data, sha256=digest.digest())
        digest, size = hashlib.sha256(head), len(head)
        while part := file.read(_PART):
            digest.update(part)
            size += len(part)
    return Member(name, Kind.FILE, size, bits, head, sha256=digest.digest())
