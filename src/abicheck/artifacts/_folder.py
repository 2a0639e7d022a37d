"""A folder laid out as /var/task, and a single shared object."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from abicheck.artifacts._base import Limits, Member, Wanted
from abicheck.artifacts._names import check_name
from abicheck.artifacts._parallel import in_order
from abicheck.filesystem import Kind
from abicheck.model import ArtifactKind, Irregular, Irregularity, Location

_HEAD = 512


class FolderArtifact:
    """A directory tree.  No link is followed; each is kept as a link of the target."""

    kind = ArtifactKind.FOLDER

    def __init__(self, path: Path, limits: Limits) -> None:
        self._root = path
        self._limits = limits
        self.irregularities: list[Irregularity] = []

    def _note(self, kind: Irregular, name: str, detail: str) -> None:
        self.irregularities.append(Irregularity(kind, Location(PurePosixPath(name)), detail))

    def members(self, wanted: Wanted) -> Iterator[Member]:
        """Yield each member once, sorted by path."""

        def read(job: tuple[str, os.stat_result]) -> Member | tuple[str, str]:
            name, status = job
            try:
                return _read(self._root / name, name, status, wanted)
            except OSError as error:
                return name, error.strerror or str(error)

        for result in in_order(read, self._accepted()):
            if isinstance(result, Member):
                yield result
            else:
                self._note(Irregular.UNREADABLE, *result)

    def _accepted(self) -> Iterator[tuple[tuple[str, os.stat_result], int]]:
        total = count = 0
        for name, status in self._walk():
            # On Windows a backslash cannot be part of a name, and here it is one character.
            fault = check_name(name, self._limits.path)
            if fault is not None:
                self._note(fault[0], name, fault[1])
            size = status.st_size if stat.S_ISREG(status.st_mode) else 0
            total += size
            count += 1
            if count > self._limits.members or total > self._limits.total:
                self._note(Irregular.LIMIT, name, "too many files or bytes; not read from here on")
                return
            if size > self._limits.member:
                self._note(Irregular.LIMIT, name, f"{size:,} bytes; not read")
                continue
            yield (name, status), size

    def _walk(self) -> Iterator[tuple[str, os.stat_result]]:
        """Yield each name below the root and its `lstat`; folders may nest without end."""
        todo = [iter(self._children(""))]
        while todo:
            name = next(todo[-1], None)
            if name is None:
                todo.pop()
                continue
            try:
                # lstat and not DirEntry.stat: the latter has no mode bits on Windows.
                status = (self._root / name).lstat()
            except OSError as error:
                self._note(Irregular.UNREADABLE, name, error.strerror or str(error))
                continue
            yield name, status
            if stat.S_ISDIR(status.st_mode):
                todo.append(iter(self._children(f"{name}/")))

    def _children(self, prefix: str) -> list[str]:
        try:
            with os.scandir(self._root / prefix) as entries:
                return sorted(f"{prefix}{entry.name}" for entry in entries)
        except OSError as error:
            self._note(Irregular.UNREADABLE, prefix or ".", error.strerror or str(error))
            return []

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

    def _walk(self) -> Iterator[tuple[str, os.stat_result]]:
        yield self._path.name, self._path.stat()

    def sha256(self) -> str | None:
        """Return the digest of the object."""
        with self._path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def _read(path: Path, name: str, status: os.stat_result, wanted: Wanted) -> Member:
    bits = stat.S_IMODE(status.st_mode) if os.name == "posix" else None
    if stat.S_ISDIR(status.st_mode):
        return Member(name, Kind.DIRECTORY, 0, bits)
    if stat.S_ISLNK(status.st_mode):
        target = str(path.readlink())
        return Member(name, Kind.SYMLINK, 0, bits, target=target)
    if not stat.S_ISREG(status.st_mode):
        reason = "neither a file nor a folder nor a link"
        raise OSError(reason)
    with path.open("rb") as file:
        head = file.read(_HEAD)
        if not wanted(name, head, status.st_size):
            return Member(name, Kind.FILE, status.st_size, bits, head)
        data = head + file.read()
    return Member(name, Kind.FILE, len(data), bits, head, data)
