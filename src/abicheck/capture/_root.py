"""Where a capture reads: a root file system, piece by piece, with its own links.

A path of the target is never handed to the checking machine's kernel to be
resolved: its links are followed in a `Tree`, and what is opened is the real
path below the root.
"""

from __future__ import annotations

import datetime as dt
import os
import posixpath
import stat
from pathlib import Path, PurePosixPath
from typing import Final, Protocol

from abicheck.elf import MAGIC, read_elf
from abicheck.errors import ArtifactError
from abicheck.filesystem import Entry, Kind, Tree
from abicheck.model import ElfFacts, Location

_MAX_LINKS: Final = 40
_MAX_FILE: Final = 1 << 30  # bytes: no library and no interpreter is larger


class Root(Protocol):
    """A root file system, as a capture asks for it."""

    def real(self, path: str) -> str | None:
        """Return the path with every link followed, or None where that leads nowhere."""
        ...

    def children(self, path: str) -> tuple[str, ...]:
        """Return the names in a directory, sorted; empty where it is none."""
        ...

    def is_dir(self, path: str) -> bool:
        """Whether `path` is a directory, links followed."""
        ...

    def is_file(self, path: str) -> bool:
        """Whether `path` is a regular file, links followed."""
        ...

    def link(self, path: str) -> str | None:
        """Return the target text where `path` itself is a symbolic link."""
        ...

    def read(self, path: str) -> bytes | None:
        """Return the bytes of a regular file, links followed."""
        ...

    def facts(self, path: str) -> ElfFacts | None:
        """Return the facts of an ELF file, or None for anything else."""
        ...

    def date(self) -> dt.date | None:
        """Return the day of the newest file that was read, where that is known."""
        ...


class Folder:
    """A root file system that lies in a folder of this machine, or is its own (`/`)."""

    def __init__(self, base: Path) -> None:
        self._base = os.fspath(base)
        self._tree = Tree({})
        self._known: set[str] = {"/"}
        self._listed: set[str] = set()
        self._facts: dict[str, ElfFacts | None] = {}
        self._newest = 0.0

    def _on_disk(self, real: str) -> str:
        # A string: there are thousands of them, and Path rewrites some.
        return self._base.rstrip("/") + real

    def _learn(self, path: str) -> None:
        """Look at every step of `path`, and of where its links lead."""
        here = "/"
        todo = path.split("/")[::-1]
        links = 0
        while todo and links <= _MAX_LINKS:
            part = todo.pop()
            if part in ("", "."):
                continue
            if part == "..":
                here = posixpath.dirname(here)
                continue
            step = posixpath.join(here, part)
            if step not in self._known:
                self._known.add(step)
                self._look_at(step)
            entry = self._tree.entry(step)
            if entry is None:
                return
            if entry.kind is not Kind.SYMLINK:
                here = step
                continue
            links += 1
            here = "/" if entry.target.startswith("/") else here
            todo += entry.target.split("/")[::-1]

    def _look_at(self, path: str) -> None:
        try:
            found = os.lstat(self._on_disk(path))
            is_link = stat.S_ISLNK(found.st_mode)
            target = os.readlink(self._on_disk(path)) if is_link else ""  # noqa: PTH115 - see _on_disk
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return  # a folder that this user may not search: neither may the loader, for this user
        except OSError as error:
            raise _unreadable(path, error) from error
        entry = _entry(found.st_mode, target)
        if entry is not None:
            self._tree.add(path, entry)

    def real(self, path: str) -> str | None:
        """Return the path with every link followed, or None where that leads nowhere."""
        self._learn(path)
        return self._tree.real(path)

    def children(self, path: str) -> tuple[str, ...]:
        """Return the names in a directory, sorted; empty where it is none."""
        real = self.real(path)
        if real is None or not self._tree.is_dir(real):
            return ()
        if real not in self._listed:
            self._listed.add(real)
            try:
                names = os.listdir(self._on_disk(real))  # noqa: PTH208 - see _on_disk
            except PermissionError:
                return ()  # what this user may not list, the loader may still open by name
            except OSError as error:
                raise _unreadable(real, error) from error
            for name in names:
                self._learn(posixpath.join(real, name))
        return tuple(sorted(self._tree.children(real)))

    def is_dir(self, path: str) -> bool:
        """Whether `path` is a directory, links followed."""
        return self.real(path) is not None and self._tree.is_dir(path)

    def is_file(self, path: str) -> bool:
        """Whether `path` is a regular file, links followed."""
        return self.real(path) is not None and self._tree.is_file(path)

    def link(self, path: str) -> str | None:
        """Return the target text where `path` itself is a symbolic link."""
        self._learn(path)
        entry = self._tree.entry(path)
        return entry.target if entry is not None and entry.kind is Kind.SYMLINK else None

    def read(self, path: str) -> bytes | None:
        """Return the bytes of a regular file, links followed."""
        return self._open(path, _MAX_FILE)

    def _open(self, path: str, size: int) -> bytes | None:
        real = self.real(path)
        if real is None or not self._tree.is_file(real):
            return None
        try:
            with open(self._on_disk(real), "rb") as file:  # noqa: PTH123 - see _on_disk
                self._newest = max(self._newest, os.fstat(file.fileno()).st_mtime)
                return file.read(size)
        except OSError as error:
            raise _unreadable(real, error) from error

    def facts(self, path: str) -> ElfFacts | None:
        """Return the facts of an ELF file, or None for anything else."""
        real = self.real(path)
        if real is None:
            return None
        if real not in self._facts:
            head = self._open(real, len(MAGIC))
            data = self._open(real, _MAX_FILE) if head == MAGIC else None
            self._facts[real] = (
                None if data is None else read_elf(data, Location(PurePosixPath(real)))
            )
        return self._facts[real]

    def date(self) -> dt.date | None:
        """Return the day of the newest file that was read."""
        if not self._newest:
            return None
        return dt.datetime.fromtimestamp(self._newest, tz=dt.UTC).date()


def _entry(mode: int, target: str) -> Entry | None:
    if stat.S_ISLNK(mode):
        return Entry(Kind.SYMLINK, None, target)
    if stat.S_ISDIR(mode):
        return Entry(Kind.DIRECTORY, stat.S_IMODE(mode))
    return Entry(Kind.FILE, stat.S_IMODE(mode)) if stat.S_ISREG(mode) else None


class DeniedError(ArtifactError):
    """A file of the root is there, and this user may not read it."""


def _unreadable(path: str, error: OSError) -> ArtifactError:
    kind = DeniedError if isinstance(error, PermissionError) else ArtifactError
    return kind(f"{path}: {error.strerror or error}")


class TreeRoot:
    """The part of a root file system that a complete tree answers."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def real(self, path: str) -> str | None:
        """Return the path with every link followed, or None where that leads nowhere."""
        return self._tree.real(path)

    def children(self, path: str) -> tuple[str, ...]:
        """Return the names in a directory, sorted; empty where it is none."""
        return tuple(sorted(self._tree.children(path)))

    def is_dir(self, path: str) -> bool:
        """Whether `path` is a directory, links followed."""
        return self._tree.is_dir(path)

    def is_file(self, path: str) -> bool:
        """Whether `path` is a regular file, links followed."""
        return self._tree.is_file(path)

    def link(self, path: str) -> str | None:
        """Return the target text where `path` itself is a symbolic link."""
        entry = self._tree.entry(path)
        return entry.target if entry is not None and entry.kind is Kind.SYMLINK else None
