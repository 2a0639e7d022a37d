"""Read an artifact once, and keep values only."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Final

from abicheck.artifacts import Artifact, Member
from abicheck.elf import MAGIC, identify, read_elf
from abicheck.filesystem import Entry, Kind, Places, Tree
from abicheck.model import (
    ArtifactKind,
    Counts,
    ElfFacts,
    ForeignFile,
    Interpreter,
    Inventory,
    Irregular,
    Irregularity,
    Location,
    TargetProfile,
)
from abicheck.python.bytecode import find_bytecode
from abicheck.python.distributions import is_metadata, read_distributions
from abicheck.python.extensions import find_extensions, split_suffix
from abicheck.python.paths import extend_path

_ZIP: Final = b"PK\x03\x04"
_MAX_METADATA: Final = 16 << 20
_MAX_SOURCE: Final = 8 << 20
_MAX_PATH_FILE: Final = 64 << 10
_MAGIC_SIZE: Final = 16


@dataclass(frozen=True, slots=True)
class Contents:
    """An artifact as values: its inventory, where everything lies, and the sources.

    `places` says which target path is which file of the artifact.  `sources`
    maps target paths to the bytes of Python files, and to the first bytes of
    bytecode files.  `system` are objects that the loader may find and that are
    not the artifact's own; `layers` is by which of an image's layers each path of
    the artifact came.  `profile` is the target with what the artifact itself adds
    to sys.path.
    """

    inventory: Inventory
    tree: Tree
    sources: Mapping[str, bytes]
    profile: TargetProfile
    places: Places
    system: Mapping[str, ElfFacts] = field(default_factory=dict)
    layers: Mapping[PurePosixPath, str] = field(default_factory=dict)


def is_shared_object_name(name: str) -> bool:
    """Whether a file is named like something a loader would be given."""
    base = posixpath.basename(name)
    return (
        split_suffix(base) is not None
        or ".so." in base
        or base.endswith((".so", ".dylib", ".dll", ".pyd"))
    )


def is_wanted(name: str, head: bytes, size: int) -> bool:
    """Whether a file's whole content is needed, told by name, first bytes and size."""
    if head.startswith(MAGIC):
        return True
    if name.endswith(".py"):
        return size <= _MAX_SOURCE
    if name.endswith(".pth"):
        return "/" not in name and size <= _MAX_PATH_FILE
    return is_metadata(name) and size <= _MAX_METADATA


def read_artifact(
    artifact: Artifact, name: str, root: PurePosixPath, progress: Callable[[int], None]
) -> Reading:
    """Read every member once; nothing of the artifact is needed afterwards.

    `root` is the folder of the target that the artifact fills, /var/task.
    """
    with ThreadPoolExecutor(max_workers=1) as side:
        digest = side.submit(artifact.sha256)
        reading = Reading(artifact, name, root)
        for count, member in enumerate(artifact.members(is_wanted)):
            progress(count)
            reading.take(member)
        reading.sha256 = digest.result()
    return reading


class Reading:
    """An artifact that has been read, before a target says what its files are."""

    def __init__(self, artifact: Artifact, name: str, root: PurePosixPath) -> None:
        self.sha256: str | None = None
        self._artifact = artifact
        self._name = name
        self._root = str(root).rstrip("/")
        self._entries: dict[str, Entry] = {}
        self._objects: dict[str, ElfFacts] = {}
        self._foreign: dict[str, ForeignFile] = {}
        self._sources: dict[str, bytes] = {}
        self._metadata: dict[str, bytes] = {}
        self._path_files: dict[str, bytes] = {}
        self._nested: list[Irregularity] = []
        self._members = self._size = self._python = 0
        self._sizes: Counter[str] = Counter()

    def take(self, member: Member, facts: ElfFacts | None = None) -> None:
        """File one member where it belongs; `facts` where its content has been read already."""
        name = self._place(member.name)
        path = f"{self._root}/{name}"
        # An installer gives the files of a wheel modes of its own.
        installed = self._artifact.kind in (ArtifactKind.WHEEL, ArtifactKind.OBJECT)
        mode = None if installed else member.mode
        self._entries[path] = Entry(member.kind, mode, member.target, member.size, member.sha256)
        if member.kind is not Kind.FILE:
            return
        self._members += 1
        self._size += member.size
        self._sizes[name.partition("/")[0]] += member.size
        location = Location(PurePosixPath(member.name))
        if member.head.startswith(MAGIC):
            facts = facts or read_elf(member.data or member.head, location)
            self._objects[path] = replace(facts, location=location)
        elif is_shared_object_name(name):
            kind = identify(member.head, member.size)
            self._foreign[path] = ForeignFile(location, member.size, kind)
        elif name.endswith(".py"):
            self._python += 1
            if member.data is not None:
                self._sources[path] = bytes(member.data)
        elif member.data is not None and is_metadata(name):
            self._metadata[name] = bytes(member.data)
        elif name.endswith(".pyc"):
            self._python += 1
            self._sources[path] = member.head[:_MAGIC_SIZE]
        elif member.data is not None:
            self._path_files[path] = bytes(member.data)
        elif member.head.startswith(_ZIP) and name.endswith(".zip"):
            self._nested.append(
                Irregularity(Irregular.NESTED_ARCHIVE, location, "a ZIP inside the archive")
            )

    def lay(self, path: str, entry: Entry) -> None:
        """Put in a path that is there, and not the artifact's own."""
        self._entries[path] = entry

    def _place(self, name: str) -> str:
        """Return where an installer puts a member: wheels keep some files in `NAME.data`."""
        name = posixpath.normpath(name)
        if self._artifact.kind is ArtifactKind.WHEEL:
            top, _, rest = name.partition("/")
            section, _, tail = rest.partition("/")
            if top.endswith(".data") and section in ("purelib", "platlib") and tail:
                return tail
        return name

    def on(self, profile: TargetProfile) -> Contents:
        """Return the artifact as it lies on a target."""
        tree = Tree(self._entries)
        files = [*self._objects, *self._foreign]
        links = [path for path in tree.links() if tree.real(path) is not None]
        files += [path for path in links if is_shared_object_name(path)]
        interpreter = extend_path(tree, self._path_files, profile.interpreter)
        profile = replace(profile, interpreter=interpreter)
        places = Places(self._root)
        extensions = find_extensions(tree, files, interpreter, profile.machine, places)
        inventory = Inventory(
            artifact=self._name,
            kind=self._artifact.kind,
            sha256=self.sha256,
            objects=self._objects,
            foreign=self._foreign,
            extensions=extensions,
            bytecode=find_bytecode(
                tree,
                {path: head for path, head in self._sources.items() if path.endswith(".pyc")},
                interpreter,
                places,
            ),
            distributions=read_distributions(self._metadata),
            packages=_packages(tree, self._folders(interpreter)),
            irregularities=(
                *self._artifact.irregularities,
                *self._nested,
                *(
                    Irregularity(Irregular.LIMIT, facts.location, facts.limit)
                    for facts in self._objects.values()
                    if facts.limit is not None
                ),
                *self._broken_links(tree, places),
            ),
            counts=Counts(self._members, self._size, self._python),
            sizes=self._sizes,
        )
        return Contents(inventory, tree, self._sources, profile, places)

    def _folders(self, interpreter: Interpreter) -> Iterator[str]:
        """Yield the folders whose packages are the artifact's own."""
        if self._root:
            yield self._root
        else:
            yield from (str(p) for p in interpreter.path if not _is_library(p, interpreter))

    def _broken_links(self, tree: Tree, places: Places) -> Iterator[Irregularity]:
        """Yield the links that lead nowhere, those to the target's own files apart."""
        for path in tree.links():
            entry = self._entries[path]
            foreign = entry.target.startswith("/") and not places.holds(entry.target)
            if tree.real(path) is None and not foreign:
                place = places.location(path)
                yield Irregularity(Irregular.DANGLING_LINK, place, entry.target)


def _is_library(entry: PurePosixPath, interpreter: Interpreter) -> bool:
    """Whether an entry of sys.path is the standard library, or a part of it."""
    return entry.name in {f"python{interpreter.dotted}", "lib-dynload"} or entry.suffix == ".zip"


def _packages(tree: Tree, folders: Iterable[str]) -> tuple[str, ...]:
    """Return the top-level names that an import statement could begin with."""
    names = set()
    for folder in folders:
        for name in tree.children(folder):
            path = f"{folder}/{name}"
            if name.endswith(".py") and name[:-3].isidentifier():
                names.add(name[:-3])
            elif name.isidentifier() and name != "__pycache__" and _holds_code(tree, path):
                names.add(name)
    return tuple(sorted(names))


def _holds_code(tree: Tree, folder: str, depth: int = 3) -> bool:
    """Whether a folder is a package, or a namespace package with code a few levels down."""
    children = tree.children(folder)
    if any(name.endswith((".py", ".pyc", ".so", ".pyd")) for name in children):
        return True
    return depth > 0 and any(
        name.isidentifier()
        and tree.is_dir(f"{folder}/{name}")
        and _holds_code(tree, f"{folder}/{name}", depth - 1)
        for name in children
    )
