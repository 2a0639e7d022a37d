"""Read an artifact once, and keep values only."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Final

from abicheck.artifacts import DEFAULT_LIMITS, Artifact, Limits, Member
from abicheck.elf import MAGIC, identify, read_elf
from abicheck.filesystem import LAYER_ROOT, Entry, Kind, Places, Tree
from abicheck.model import (
    ArtifactKind,
    Counts,
    Distribution,
    ElfFacts,
    ForeignFile,
    FunctionLayer,
    Inventory,
    Irregular,
    Irregularity,
    Location,
    StrayFolder,
    TargetProfile,
    heading,
)
from abicheck.pipeline._environment import with_environment
from abicheck.pipeline._progress import Progress, Stage, Step
from abicheck.pipeline._strays import find_strays, is_stray
from abicheck.pipeline._sys_path import own_folders, packages_in, site_files
from abicheck.python.bounds import exceeded, too_long
from abicheck.python.bytecode import find_bytecode
from abicheck.python.distributions import is_metadata, read_distributions
from abicheck.python.extensions import find_extensions
from abicheck.python.paths import extend_path
from abicheck.python.shadows import Shadows

_ZIP: Final = b"PK\x03\x04"
_MAX_METADATA: Final = 16 << 20
_MAX_PATH_FILE: Final = 64 << 10
_MAGIC_SIZE: Final = 16
# Where `.pth` files are read: at the root of a function, and in the folders of a layer.
_IN_SITE: Final = re.compile(r"(?:python/(?:lib/python3\.\d+/site-packages/)?)?[^/.][^/]*")


@dataclass(frozen=True, slots=True)
class Contents:
    """An artifact as values: its inventory, where everything lies, and the sources.

    `places` says which target path is which file of the artifact.  `sources`
    maps target paths to the bytes of Python files, and to the first bytes of
    bytecode files.  `system` are objects that the loader may find and that are
    not the artifact's own; `layers` is by which of an image's layers each path of
    the artifact came.  `profile` is the target with what the artifact itself adds
    to sys.path, by the `path_files` that are read at the start, and `environment` the
    variables whose values are known.
    """

    inventory: Inventory
    tree: Tree
    sources: Mapping[str, bytes]
    profile: TargetProfile
    places: Places
    system: Mapping[str, ElfFacts] = field(default_factory=dict)
    layers: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    path_files: Mapping[str, bytes] = field(default_factory=dict)
    limits: Limits = DEFAULT_LIMITS

    def source(self, path: str) -> bytes | None:
        """Return the bytes of a Python file, links followed; None where there are none."""
        found = self.sources.get(path)
        if found is not None:
            return found
        real = self.tree.real(path)
        return None if real is None else self.sources.get(real)


def installed_name(name: str, kind: ArtifactKind) -> str:
    """Return where an installer puts a member: wheels keep some files in `NAME.data`."""
    name = posixpath.normpath(name)
    if kind is ArtifactKind.WHEEL:
        top, _, rest = name.partition("/")
        section, _, tail = rest.partition("/")
        if top.endswith(".data") and section in ("purelib", "platlib") and tail:
            return tail
    return name


def is_shared_object_name(name: str) -> bool:
    """Whether a file is named like something a loader would be given."""
    base = name.rpartition("/")[2]
    return ".so." in base or base.endswith((".so", ".dylib", ".dll", ".pyd"))


def is_wanted(name: str, head: bytes, size: int, *, most: int = DEFAULT_LIMITS.source) -> bool:
    """Whether a file's whole content is needed, told by name, first bytes and size.

    `most` is how large a Python source may be.
    """
    if head.startswith(MAGIC):
        return True
    if name.endswith(".py"):
        return size <= most
    if name.endswith(".pth"):
        return _IN_SITE.fullmatch(name) is not None and size <= _MAX_PATH_FILE
    return is_metadata(name) and size <= _MAX_METADATA


def read_artifact(
    artifact: Artifact, name: str, root: PurePosixPath, progress: Progress
) -> Reading:
    """Read every member once; nothing of the artifact is needed afterwards.

    `root` is the folder of the target that the artifact fills, /var/task.
    """
    reading = Reading(artifact, name, root)
    read_members(reading, artifact, progress)
    return reading


def read_members(reading: Reading, artifact: Artifact, progress: Progress, before: int = 0) -> None:
    """Have a reading take what it was begun, or gone on, with; `before` members came earlier."""
    of = artifact.expected
    wanted = partial(is_wanted, most=artifact.limits.source)
    progress(Step(Stage.READING, "", before, of))
    with ThreadPoolExecutor(max_workers=1) as side:
        digest = side.submit(artifact.sha256)
        for count, member in enumerate(artifact.members(wanted), before):
            progress(Step(Stage.READING, member.name, count, of))
            reading.take(member)
        reading.sha256 = digest.result()


@dataclass(slots=True)
class _Part:
    """One archive of a reading: the artifact itself, or a layer, with what was in it."""

    artifact: Artifact
    name: str
    root: str
    layer: str = ""
    sha256: str | None = None
    members: int = 0
    size: int = 0
    python: int = 0

    @property
    def counts(self) -> Counts:
        return Counts(self.members, self.size, self.python)


class Reading:
    """An artifact that has been read, before a target says what its files are.

    A function's layers are read into the same one, one after another: each
    lies in /opt, over what an earlier one has there.
    """

    def __init__(self, artifact: Artifact, name: str, root: PurePosixPath) -> None:
        self._part = _Part(artifact, name, str(root).rstrip("/"))
        self._parts = [self._part]
        self._entries: dict[str, Entry] = {}
        self._objects: dict[str, ElfFacts] = {}
        self._foreign: dict[str, ForeignFile] = {}
        self._sources: dict[str, bytes] = {}
        self._metadata: dict[str, dict[str, bytes]] = {}
        self._path_files: dict[str, bytes] = {}
        self._nested: dict[str, Irregularity] = {}
        self._too_much: dict[str, Irregularity] = {}
        self._layers: dict[str, str] = {}
        self._layer_folders: dict[str, str] = {}
        self._clashes: list[Irregularity] = []
        self._sizes: Counter[str] = Counter()

    @property
    def sha256(self) -> str | None:
        """The digest of the archive that is being read."""
        return self._part.sha256

    @sha256.setter
    def sha256(self, digest: str | None) -> None:
        self._part.sha256 = digest

    @property
    def members(self) -> int:
        """How many files have been read so far."""
        return sum(part.members for part in self._parts)

    def go_on(self, layer: Artifact, source: str, name: str) -> None:
        """Go on with the function's next layer: what `take` is given from here on is in it."""
        self._part = _Part(layer, source, LAYER_ROOT, name)
        self._parts.append(self._part)

    def take(self, member: Member, facts: ElfFacts | None = None) -> None:
        """File one member where it belongs; `facts` where its content has been read already."""
        part = self._part
        name = installed_name(member.name, part.artifact.kind)
        path = f"{part.root}/{name}"
        if part.layer:
            self._cover(path, member.kind, self._location(member))
        # An installer gives the files of a wheel modes of its own.
        installed = part.artifact.kind in (ArtifactKind.WHEEL, ArtifactKind.OBJECT)
        mode = None if installed else member.mode
        self._entries[path] = Entry(member.kind, mode, member.target, member.size, member.sha256)
        if member.kind is not Kind.FILE:
            return
        part.members += 1
        part.size += member.size
        part.python += name.endswith((".py", ".pyc"))
        self._sizes[heading(name, part.layer)] += member.size
        self._keep(path, name, member, facts)

    def _location(self, member: Member) -> Location:
        """Return where a member lies; most are never spoken of."""
        return Location(PurePosixPath(member.name), self._part.layer)

    def _keep(self, path: str, name: str, member: Member, facts: ElfFacts | None) -> None:
        """File what is known of a regular file's content."""
        if member.head.startswith(MAGIC):
            location = self._location(member)
            facts = facts or read_elf(
                member.data or member.head, location, self._part.artifact.limits
            )
            self._objects[path] = replace(facts, location=location)
        elif is_shared_object_name(name):
            kind = identify(member.head, member.size)
            self._foreign[path] = ForeignFile(self._location(member), member.size, kind)
        elif name.endswith(".py"):
            self._keep_source(path, member)
        elif member.data is not None and is_metadata(name):
            self._metadata.setdefault(self._part.root, {})[name] = bytes(member.data)
        elif name.endswith(".pyc"):
            self._sources[path] = member.head[:_MAGIC_SIZE]
        elif member.data is not None:
            self._path_files[path] = bytes(member.data)
        elif member.head.startswith(_ZIP) and name.endswith(".zip"):
            self._nested[path] = Irregularity(
                Irregular.NESTED_ARCHIVE, self._location(member), "a ZIP inside the archive"
            )

    def _keep_source(self, path: str, member: Member) -> None:
        """File a Python source, and what keeps it from being read."""
        limits = self._part.artifact.limits
        detail = None
        if member.data is not None:
            self._sources[path] = bytes(member.data)
            detail = exceeded(self._sources[path], limits)
        elif member.size > limits.source:
            detail = too_long(member.size, limits)
        if detail is not None:
            self._too_much[path] = Irregularity(Irregular.LIMIT, self._location(member), detail)

    def _cover(self, path: str, kind: Kind, location: Location) -> None:
        """Take away what an earlier layer has in the place of a member of this one."""
        if kind is not Kind.DIRECTORY:
            self._forget(path)
        folder = path if kind is Kind.DIRECTORY else posixpath.dirname(path)
        while folder != LAYER_ROOT and folder not in self._layer_folders:
            self._layer_folders[folder] = location.layer
            if folder in self._layers:
                self._note_clash(folder, self._layers, location, "a file", "a folder")
                self._forget(folder)
            folder = posixpath.dirname(folder)
        if kind is not Kind.DIRECTORY:
            self._layers[path] = location.layer
            if path in self._layer_folders:
                self._note_clash(path, self._layer_folders, location, "a folder", "a file")
                for below in [each for each in self._layers if each.startswith(f"{path}/")]:
                    self._forget(below)

    def _forget(self, path: str) -> None:
        for known in (
            self._objects,
            self._foreign,
            self._sources,
            self._path_files,
            self._nested,
            self._too_much,
        ):
            known.pop(path, None)
        self._metadata.get(LAYER_ROOT, {}).pop(path.removeprefix(f"{LAYER_ROOT}/"), None)
        self._entries.pop(path, None)
        self._layers.pop(path, None)

    def _note_clash(
        self, path: str, others: Mapping[str, str], location: Location, there: str, here: str
    ) -> None:
        place = Location(PurePosixPath(path).relative_to(LAYER_ROOT), location.layer)
        detail = f"{here}, and {there} in {others[path]}"
        self._clashes.append(Irregularity(Irregular.LAYER_CLASH, place, detail))

    def lay(self, path: str, entry: Entry) -> None:
        """Put in a path that is there, and not the artifact's own."""
        self._entries[path] = entry

    def on(
        self,
        profile: TargetProfile,
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> Contents:
        """Return the artifact as it lies on a target, where a function sets these variables."""
        first, *layers = self._parts
        path_files = site_files(
            self._path_files, profile, first.root, with_layers="PYTHONPATH" not in environment
        )
        profile = with_environment(profile, environment)
        tree = Tree(self._entries)
        files = [*self._objects, *self._foreign]
        links = [path for path in tree.links() if tree.real(path) is not None]
        files += [path for path in links if is_shared_object_name(path)]
        before = profile.interpreter
        interpreter = extend_path(tree, path_files, before)
        profile = replace(profile, interpreter=interpreter)
        places = Places(first.root, self._layers)
        shadows = Shadows(tree, interpreter, self._sources.get)
        strays: tuple[StrayFolder, ...] = ()
        roots = {part.root for part in self._parts}
        if LAYER_ROOT in roots:
            strays = find_strays(tree, places, interpreter, lambda f: packages_in(tree, (f,)))
        files = [path for path in files if not is_stray(path, strays, places)]
        inventory = Inventory(
            artifact=first.name,
            kind=first.artifact.kind,
            sha256=first.sha256,
            objects=self._objects,
            foreign=self._foreign,
            extensions=find_extensions(
                tree, files, interpreter, profile.machine, places, shadows.over
            ),
            bytecode=find_bytecode(
                tree,
                {
                    path: head
                    for path, head in self._sources.items()
                    if path.endswith(".pyc")
                    and shadows.over(path) is None
                    and not is_stray(path, strays, places)
                },
                interpreter,
                places,
            ),
            distributions=tuple(self._distributions()),
            packages=packages_in(tree, own_folders(roots, before if first.root else interpreter)),
            irregularities=(
                *(
                    replace(found, location=replace(found.location, layer=part.layer))
                    if part.layer  # an image's are of its own layers
                    else found
                    for part in self._parts
                    for found in part.artifact.irregularities
                ),
                *self._clashes,
                *self._nested.values(),
                *self._too_much.values(),
                *(
                    Irregularity(Irregular.LIMIT, facts.location, facts.limit)
                    for facts in self._objects.values()
                    if facts.limit is not None
                ),
                *self._broken_links(tree, places),
            ),
            counts=_sum(part.counts for part in self._parts),
            sizes=self._sizes,
            packed=first.artifact.packed,
            layers=tuple(
                FunctionLayer(
                    part.layer,
                    part.name,
                    part.artifact.kind,
                    part.sha256,
                    part.artifact.packed,
                    part.counts,
                )
                for part in layers
            ),
            is_layer=first.root == LAYER_ROOT,
            strays=strays,
        )
        return Contents(
            inventory,
            tree,
            self._sources,
            profile,
            places,
            environment=environment,
            path_files=path_files,
            limits=first.artifact.limits,
        )

    def _distributions(self) -> Iterator[Distribution]:
        for root, files in self._metadata.items():
            for distribution in read_distributions(files):
                where = distribution.location.path
                layer = next(
                    (
                        self._layers[path]
                        for path in (f"{root}/{name}" for name in files)
                        if path in self._layers and path.startswith(f"{root}/{where}/")
                    ),
                    "",
                )
                yield replace(distribution, location=Location(where, layer))

    def _broken_links(self, tree: Tree, places: Places) -> Iterator[Irregularity]:
        """Yield the links that lead nowhere, those to the target's own files apart."""
        for path in tree.links():
            entry = self._entries[path]
            foreign = entry.target.startswith("/") and not places.holds(entry.target)
            if tree.real(path) is None and not foreign:
                endless = tree.is_endless(path)
                kind = Irregular.ENDLESS_LINK if endless else Irregular.DANGLING_LINK
                yield Irregularity(kind, places.location(path), entry.target)


def _sum(counts: Iterable[Counts]) -> Counts:
    whole = Counts()
    for each in counts:
        whole = Counts(
            whole.members + each.members,
            whole.size + each.size,
            whole.python_files + each.python_files,
        )
    return whole
