"""Where each member of an artifact lies on the target, and what a path there means.

Pure.  A `Tree` is a file system of absolute POSIX paths, with symbolic links
that are resolved inside it and never on the checking machine.
Paths are plain strings here because the loader and the importer join and
compare them by the ten thousand; they become `PurePosixPath` at the model.
"""

from __future__ import annotations

import enum
import posixpath
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from abicheck.model import Location, TargetProfile

LAYER_ROOT: Final = "/opt"
"""Where Lambda unpacks the layers of a function, one over another."""

_MAX_LINKS = 40  # Linux: MAXSYMLINKS
_READ = 0o004  # of others
_SEARCH = 0o001


class Kind(enum.Enum):
    """What a path of the tree is, its own links not followed."""

    FILE = enum.auto()
    DIRECTORY = enum.auto()
    SYMLINK = enum.auto()


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of the tree: its kind, POSIX mode bits (None where unknown), link target, bytes.

    `sha256` is the digest of a regular file's content, None where nobody computed it.
    """

    kind: Kind
    mode: int | None = None
    target: str = ""
    size: int = 0
    sha256: bytes | None = None


class Tree:
    """A file system: absolute, normalised paths to entries.

    Parent directories that no member names exist all the same, as they do
    once an archive has been unpacked.
    """

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        self._entries: dict[str, Entry] = {}
        self._children: dict[str, set[str]] = {"/": set()}
        self._real: dict[str, str | None] = {}  # what has been asked for
        self._links = False
        self._endless: set[str] = set()  # of what has been asked for
        self._closed: frozenset[str] = frozenset()
        self._blind: frozenset[str] = frozenset()
        for path, entry in entries.items():
            self.add(path, entry)

    def add(self, path: str, entry: Entry) -> None:
        """Put one more entry in, as a tree grows that is read piece by piece."""
        self._entries[path] = entry
        self._real.clear()
        self._endless.clear()
        self._add_parents(path)
        if entry.kind is Kind.DIRECTORY:
            self._children.setdefault(path, set())
        elif entry.kind is Kind.SYMLINK:
            self._links = True

    def seen_by_others(self) -> Tree:
        """Return the tree as it is for a user that owns nothing in it, as far as modes are known.

        What lies in a folder without the search permission (`o+x`) is not
        there for it, and one without the read permission has an empty listing,
        though what lies in it can be opened by name.
        """
        folders = {
            path: entry.mode
            for path, entry in self._entries.items()
            if entry.kind is Kind.DIRECTORY and entry.mode is not None
        }
        closed = frozenset(path for path, mode in folders.items() if not mode & _SEARCH)
        blind = frozenset(path for path, mode in folders.items() if not mode & _READ)
        if not closed and not blind:
            return self
        other = Tree({})
        other._entries, other._children, other._links = self._entries, self._children, self._links
        other._closed, other._blind = closed, blind
        return other

    def may_read(self, path: str) -> bool:
        """Whether a user that owns nothing may read a file, links followed, that it can reach."""
        real = self.real(path)
        entry = None if real is None else self._entries.get(real)
        return entry is None or entry.mode is None or bool(entry.mode & _READ)

    def over(self, below: Tree) -> Tree:
        """Return this tree laid over another: what both name is as this one has it."""
        merged = Tree({})
        merged._entries = below._entries | self._entries
        merged._children = below._children | self._children
        for folder in below._children.keys() & self._children.keys():
            merged._children[folder] = below._children[folder] | self._children[folder]
        merged._links = below._links or self._links
        return merged

    def _add_parents(self, path: str) -> None:
        while path != "/":
            parent, _, name = path.rpartition("/")
            parent = parent or "/"
            known = self._children.get(parent)
            if known is not None:
                if name in known:
                    return
                known.add(name)
            else:
                self._children[parent] = {name}
            path = parent

    def real(self, path: str) -> str | None:
        """Return the path with every link followed, or None where that leads nowhere."""
        if path not in self._real:
            self._real[path] = self._walk(path)
        return self._real[path]

    def is_endless(self, path: str) -> bool:
        """Whether a path leads through more links than Linux follows: ELOOP, as in a circle."""
        return self.real(path) is None and path in self._endless

    def _walk(self, path: str) -> str | None:
        # `..` is walked, as the kernel does: what it leaves must be there and be a folder.
        if not self._links and not self._closed and ".." not in path:
            path = "/" + posixpath.normpath(path).lstrip("/")
            return path if path in self._entries or path in self._children else None
        todo = [part for part in reversed(path.split("/")) if part not in ("", ".")]
        here = "/"
        links = 0
        while todo:
            if here in self._closed:
                return None
            part = todo.pop()
            if part == "..":
                here = posixpath.dirname(here)
                continue
            step = posixpath.join(here, part)
            entry = self._entries.get(step)
            if entry is not None and entry.kind is Kind.SYMLINK:
                links += 1
                if links > _MAX_LINKS:
                    self._endless.add(path)
                    return None
                if entry.target.startswith("/"):
                    here = "/"
                todo.extend(p for p in reversed(entry.target.split("/")) if p not in ("", "."))
                continue
            if entry is None and step not in self._children:
                return None
            if todo and step not in self._children:
                return None
            here = step
        return here

    def is_file(self, path: str) -> bool:
        """Whether `path` names a regular file, links followed."""
        real = self.real(path)
        if real is None:
            return False
        entry = self._entries.get(real)
        return entry is not None and entry.kind is Kind.FILE

    def is_dir(self, path: str) -> bool:
        """Whether `path` names a directory, links followed."""
        real = self.real(path)
        if real is None:
            return False
        entry = self._entries.get(real)
        return real in self._children and (entry is None or entry.kind is Kind.DIRECTORY)

    def children(self, path: str) -> AbstractSet[str]:
        """Return the names in the directory `path`; empty where it is none."""
        real = self.real(path)
        if real is None or real in self._blind:
            return frozenset()
        return self._children.get(real, frozenset())

    def entry(self, path: str) -> Entry | None:
        """Return what the archive says of `path` itself, links not followed."""
        return self._entries.get(path)

    def files(self) -> Iterable[str]:
        """Yield the path of every regular file, in the order of the artifact."""
        return (path for path, entry in self._entries.items() if entry.kind is Kind.FILE)

    def links(self) -> Iterable[str]:
        """Yield the path of every symbolic link, in the order of the artifact."""
        return (path for path, entry in self._entries.items() if entry.kind is Kind.SYMLINK)


@dataclass(frozen=True, slots=True)
class Places:
    """Where an artifact's files lie on the target, and by which of its archives each came.

    `root` is the folder that the artifact itself fills, empty where that is the
    root of the file system.  `layers` names, for target paths below /opt, the
    function's layer that brought the file.
    """

    root: str
    layers: Mapping[str, str] = field(default_factory=dict)

    def location(self, path: str) -> Location:
        """Return where a target path is in the artifact, or in which of its layers."""
        layer = self.layers.get(path, "")
        return Location(PurePosixPath(posixpath.relpath(path, self.top(layer) or "/")), layer)

    def target(self, location: Location) -> str:
        """Return the target path of a place in the artifact: what `location` was asked of."""
        return f"{self.top(location.layer)}/{location.path}"

    def top(self, layer: str) -> str:
        """Return the folder that a layer fills, or with an empty name the artifact itself."""
        return LAYER_ROOT if layer else self.root

    def holds(self, path: str) -> bool:
        """Whether a target path is one of the artifact's own, be there a file or not."""
        roots = (self.root, LAYER_ROOT) if self.layers else (self.root,)
        return any(path.startswith(f"{root}/") for root in roots)


def target_tree(profile: TargetProfile) -> Tree:
    """Return the files of a target that its loader could open, and its links."""
    entries = {path: Entry(Kind.FILE) for path in profile.libraries}
    for path, target in profile.links.items():
        entries[path] = Entry(Kind.SYMLINK, None, target)
    return Tree(entries)
