"""Fold the layers of an image into the tree that a process sees.

Pure.  The authority is the image-spec's layer.md, unpacked as Lambda does:
each layer in order onto one file system.  A whiteout hides what lower layers
brought and never what its own layer brings, whatever their order in the tar;
an entry replaces what is at its path, but a directory only changes the
attributes of a directory; the folders above an entry are followed through
symbolic links, inside the image.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from abicheck.artifacts._base import UnreadableMemberError
from abicheck.artifacts._image._tar import TarType
from abicheck.filesystem import Kind
from abicheck.model import Irregular

WHITEOUT: Final = ".wh."
OPAQUE: Final = ".wh..wh..opq"
_META: Final = ".wh..wh."  # AUFS kept its own files under such names
_MAX_LINKS: Final = 40  # Linux: MAXSYMLINKS
_MAX_ORPHANS: Final = 20  # a report names a few
_IMPLICIT_MODE: Final = 0o755

_KINDS: Final = {
    TarType.FILE: Kind.FILE,
    TarType.SYMLINK: Kind.SYMLINK,
    TarType.DIRECTORY: Kind.DIRECTORY,
}


@dataclass(frozen=True, slots=True)
class Record:
    """An entry of a layer: its clean name (see `clean`), what it is, where its link leads."""

    name: str
    type: TarType
    mode: int = 0o644
    size: int = 0
    target: str = ""
    head: bytes = b""


@dataclass(frozen=True, slots=True)
class Visible:
    """A path of the squashed tree; `layer` and `record` say which entry brought it.

    They are -1 for a directory that no entry names.  Hard links of one file
    have the same layer and record.
    """

    name: str
    kind: Kind
    mode: int
    layer: int
    record: int


@dataclass(frozen=True, slots=True)
class Misfit:
    """An entry that cannot be unpacked, and why."""

    layer: int
    name: str
    kind: Irregular
    detail: str


@dataclass(slots=True)
class Squashed:
    """The tree, sorted; what did not fit into it; and entries without a parent directory."""

    visible: list[Visible] = field(default_factory=list)
    misfits: list[Misfit] = field(default_factory=list)
    orphans: list[tuple[int, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Node:
    """A file of the tree; `children` is None but for a directory."""

    type: TarType
    mode: int
    layer: int
    record: int
    target: str = ""
    children: dict[str, _Node] | None = None


def clean(name: str) -> str | None:
    """Return a name without `./`, `//` and inner `..`; None where it climbs out of the root.

    An absolute name is one below the root; the root itself is the empty name.
    """
    name = posixpath.normpath(name.lstrip("/")) if name.lstrip("/") else "."
    if name == ".." or name.startswith("../"):
        return None
    return "" if name == "." else name


def squash(layers: Sequence[Sequence[Record]]) -> Squashed:
    """Return the tree that the layers, the lowest first, unpack to."""
    fold = _Fold()
    for layer, records in enumerate(layers):
        fold.apply(layer, records)
    fold.result.visible = list(_listed(fold.root))
    return fold.result


class _Fold:
    def __init__(self) -> None:
        self.root = _Node(TarType.DIRECTORY, _IMPLICIT_MODE, -1, -1, children={})
        self.result = Squashed()

    def apply(self, layer: int, records: Sequence[Record]) -> None:
        """Unpack one layer: what it hides first, then what it brings."""
        own = {record.name for record in records if record.type is TarType.DIRECTORY}
        brought: list[tuple[int, Record]] = []
        marks: list[str] = []
        for number, record in enumerate(records):
            if record.name.rpartition("/")[2].startswith(WHITEOUT):
                marks.append(record.name)
            elif not record.name.startswith(_META):  # below a folder of AUFS
                brought.append((number, record))
        # From the top down: a mark behind a link that another one removes means nothing.
        for name in sorted(marks, key=lambda name: (name.count("/"), name)):
            self._hide(layer, name, own)
        for number, record in brought:
            try:
                self._bring(layer, number, record)
            except UnreadableMemberError as error:
                self._misfit(layer, record.name, error)

    def _misfit(self, layer: int, name: str, error: UnreadableMemberError) -> None:
        self.result.misfits.append(Misfit(layer, name, error.kind, error.detail))

    def _hide(self, layer: int, name: str, own: set[str]) -> None:
        folder, _, base = name.rpartition("/")
        victim = base.removeprefix(WHITEOUT)
        if victim in {"", ".", ".."}:
            error = UnreadableMemberError(Irregular.BAD_NAME, "a whiteout of no file")
            self._misfit(layer, name, error)
            return
        if base.startswith(_META) and base != OPAQUE:
            return
        try:
            parent = self._below(folder, own)
        except UnreadableMemberError as error:
            self._misfit(layer, name, error)
            return
        if parent is None or parent.children is None:
            return
        if base == OPAQUE:
            parent.children.clear()
        else:
            parent.children.pop(victim, None)

    def _below(self, folder: str, own: set[str]) -> _Node | None:
        """Return the folder in the lower layers that a whiteout of this layer means.

        Where the layer brings a directory of its own in the place of a link,
        nothing below it is left to be hidden, least of all what the link led to.
        """
        here = self.root
        place = ""
        for part in folder.split("/") if folder else ():
            place = f"{place}/{part}" if place else part
            found = (here.children or {}).get(part)
            if found is None:
                return None
            if found.type is not TarType.DIRECTORY and place in own:
                return None
            if found.type is TarType.SYMLINK:
                return self._walk(folder)
            here = found
        return here

    def _bring(self, layer: int, number: int, record: Record) -> None:
        folder, _, base = record.name.rpartition("/")
        if not base:
            if record.type is not TarType.DIRECTORY:
                raise UnreadableMemberError(Irregular.BAD_NAME, "the root is no directory")
            self.root.mode = record.mode
            return
        parent = self._walk(folder)
        if parent is None:
            if len(self.result.orphans) < _MAX_ORPHANS:
                self.result.orphans.append((layer, record.name))
            parent = self._walk(folder, create=True)
        if parent is None or parent.children is None:
            raise UnreadableMemberError(Irregular.CORRUPT, "a folder above it is a file")
        old = parent.children.get(base)
        is_folder = record.type is TarType.DIRECTORY
        if is_folder and old is not None and old.type is TarType.DIRECTORY:
            old.mode, old.layer, old.record = record.mode, layer, number
            return
        # Before the link is followed: a link to itself finds nothing.
        parent.children.pop(base, None)
        if record.type is TarType.HARD_LINK:
            parent.children[base] = self._linked(record)
            return
        children: dict[str, _Node] | None = {} if is_folder else None
        parent.children[base] = _Node(
            record.type, record.mode, layer, number, record.target, children
        )

    def _linked(self, record: Record) -> _Node:
        """Return the file that a hard link names, as link(2) finds it: a link is not followed."""
        name = clean(record.target)
        if name is None:
            reason = f"a hard link to {record.target}, which leads out of the image"
            raise UnreadableMemberError(Irregular.CLIMBS_OUT, reason)
        folder, _, base = name.rpartition("/")
        parent = self._walk(folder)
        found = parent.children.get(base) if parent is not None and parent.children else None
        if found is None:
            reason = f"a hard link to {name}, which is not there"
            raise UnreadableMemberError(Irregular.CORRUPT, reason)
        if found.type is TarType.DIRECTORY:
            reason = f"a hard link to {name}, which is a directory"
            raise UnreadableMemberError(Irregular.CORRUPT, reason)
        return found

    def _walk(self, folder: str, *, create: bool = False) -> _Node | None:
        """Return the directory at a path, links followed; None where there is none.

        With `create` what is missing is made, as unpackers do.
        """
        way = [self.root]
        todo = folder.split("/")[::-1] if folder else []
        links = 0
        while todo:
            part = todo.pop()
            if part in {"", ".", ".."}:
                way = way[: -1 if part == ".." and len(way) > 1 else None]
                continue
            children = way[-1].children
            if children is None:
                raise UnreadableMemberError(Irregular.CORRUPT, "a folder above it is a file")
            found = children.get(part)
            if found is None:
                if not create:
                    return None
                found = _Node(TarType.DIRECTORY, _IMPLICIT_MODE, -1, -1, children={})
                children[part] = found
            if found.type is TarType.SYMLINK:
                links += 1
                if links > _MAX_LINKS:
                    reason = "too many levels of symbolic links"
                    raise UnreadableMemberError(Irregular.CORRUPT, reason)
                if found.target.startswith("/"):
                    way = way[:1]
                todo.extend(found.target.split("/")[::-1])
            else:
                way.append(found)
        return way[-1]


def _listed(root: _Node) -> Iterator[Visible]:
    """Yield every path, a folder before what is in it, names sorted; devices are left out."""
    todo = [(name, node) for name, node in sorted((root.children or {}).items(), reverse=True)]
    while todo:
        path, node = todo.pop()
        kind = _KINDS.get(node.type)
        if kind is None:
            continue
        yield Visible(path, kind, node.mode, node.layer, node.record)
        if node.children:
            below = sorted(node.children.items(), reverse=True)
            todo.extend((f"{path}/{name}", child) for name, child in below)
