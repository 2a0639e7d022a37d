"""An image as its own target: what it brings is read once, captured, and judged against itself."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import PurePosixPath
from typing import Final

from abicheck.artifacts import ImageArtifact, Member
from abicheck.capture import ImageRoot, Kept, MuslError, Request, capture, is_asked, keep
from abicheck.elf import MAGIC
from abicheck.errors import ArtifactError
from abicheck.filesystem import Entry, Kind, Tree
from abicheck.model import (
    ElfFacts,
    EntryPoint,
    Finding,
    ImageFacts,
    Irregular,
    Irregularity,
    Location,
    TargetProfile,
)
from abicheck.pipeline._drift import base_drift
from abicheck.pipeline._inventory import Contents, Reading, is_shared_object_name, is_wanted
from abicheck.pipeline._progress import Progress, Stage, Step
from abicheck.pipeline._start import handler_of, task_root

_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What the image's own site.py and Lambda's bootstrap search, besides PYTHONPATH.
_PACKAGES: Final = re.compile(r"(^|/)(site|dist)-packages/|^opt/python/|^var/runtime/")
_DYNAMIC: Final = re.compile(r"/lib-dynload/[^/]+$")
_PYTHON: Final = re.compile(r"python3(\.\d+)?t?")
_MUSL: Final = re.compile(r"(usr/)?lib/(ld-musl-[\w.-]+)")
_GLIBC: Final = "libc.so.6"
_GO_NAMES: Final = {"x86_64": "amd64", "aarch64": "arm64"}
_RIC: Final = "awslambdaric"
_RIC_FILES: Final = (f"/{_RIC}/__main__.py", f"/{_RIC}/__init__.py")
_CLIENTS: Final = (
    "/lambda-entrypoint.sh",
    "/var/runtime/bootstrap",
    "/opt/extensions/lambda-adapter",
)
_MOST_UNREADABLE: Final = 20  # a report names a few
# What leaves a layer, or the configuration, unread: of the rest nothing can be said then.
_UNREAD: Final = frozenset(
    {
        Irregular.CORRUPT,
        Irregular.EMPTY_ARCHIVE,
        Irregular.LIMIT,
        Irregular.METHOD,
        Irregular.MISSING_BLOB,
        Irregular.TRUNCATED,
        Irregular.UNREADABLE,
    }
)


def read_image(  # noqa: PLR0913, PLR0917 - one for each thing that is known beforehand
    image: ImageArtifact,
    name: str,
    asked: TargetProfile,
    floating: tuple[str, ...],
    environment: Mapping[str, str],
    progress: Progress,
) -> Contents:
    """Read an image once, and return it on the target that it is itself.

    `asked` is what the function is going to run on; of it only the machine
    counts, unless a part of the image cannot be read or it has musl: then it
    says so, and nothing is judged.  `floating` are the base images
    that its Dockerfile names without a digest, and `environment` the variables
    that the function sets, which win over the image's own.  Raises `ArtifactError` where
    a sound image has no CPython.
    """
    contents = _ImageReading(image, name, asked, environment, progress).contents()
    if contents.inventory.image is None:
        return contents
    facts = replace(contents.inventory.image, floating=floating)
    return replace(contents, inventory=replace(contents.inventory, image=facts))


class _ImageReading:
    def __init__(
        self,
        image: ImageArtifact,
        name: str,
        asked: TargetProfile,
        environment: Mapping[str, str],
        progress: Progress,
    ) -> None:
        self._image = image
        self._progress = progress
        self._passed = 0
        self._config = replace(image.config, env={**image.config.env, **environment})
        self._name = name
        self._asked = asked
        self._task_root = task_root(image.config)
        self._tree = Tree({})
        self._kept: dict[str, Kept] = {}
        self._entered = {"/": True}
        given = self._config.env.get("PYTHONPATH", "").split(":")
        self._folders = tuple(
            f"{entry.strip('/')}/" for entry in (self._task_root, *given) if entry.strip("/")
        )

    def contents(self) -> Contents:
        """Return all that is known of the image, as values."""
        members: list[Member] = []
        self._progress(Step(Stage.READING))
        for member, content in self._image.examine(self._wants, keep, self._is_package):
            path = f"/{member.name}"
            self._tree.add(path, Entry(member.kind, member.mode, member.target))
            if content is not None and member.kind is Kind.FILE:
                self._kept[path] = content
            members.append(member)
        profile, musl = self._profile(members)
        reading = Reading(self._image, self._name, PurePosixPath("/"))
        system: dict[str, ElfFacts] = {}
        for member in members:
            if profile is None:
                break
            path = f"/{member.name}"
            content = self._kept.get(path, Kept(None, None))
            if self._is_package(member.name) or _DYNAMIC.search(member.name):
                reading.take(replace(member, data=content.data), content.facts)
            elif self._is_link(member) or (
                content.facts is not None and path not in profile.libraries
            ):
                reading.lay(path, Entry(member.kind, member.mode, member.target))
                if content.facts is not None:
                    system[path] = content.facts
        unjudged = replace(self._asked, title="not judged")
        contents = reading.on(profile or unjudged)
        files = [member for member in members if member.kind is Kind.FILE]
        layers = {f"/{member.name}": member.layer for member in files}
        inventory = replace(
            contents.inventory,
            counts=replace(
                contents.inventory.counts,
                members=len(files),
                size=sum(member.size for member in files),
            ),
            irregularities=tuple(filter(self._matters, contents.inventory.irregularities)),
            image=replace(
                self._facts(members, contents),
                musl=musl,
                drift=None if profile is None else base_drift(self._tree, profile, layers),
                handler=None if profile is None else handler_of(self._image.config),
            ),
        )
        places = {PurePosixPath(m.name): m.layer for m in members if m.layer}
        return replace(
            contents,
            inventory=inventory,
            system=system,
            layers=places,
            environment=self._config.env,
        )

    def _is_link(self, member: Member) -> bool:
        """Whether the loader may be led through a link: to a library, or to a folder."""
        name = member.name
        return member.kind is Kind.SYMLINK and (
            is_shared_object_name(name) or self._tree.is_dir(f"/{name}")
        )

    def _matters(self, irregularity: Irregularity) -> bool:
        """Leave out links that lead nowhere and that no Python code is behind.

        Base images are full of them: what a package recommends was not installed.
        """
        if irregularity.kind not in (Irregular.DANGLING_LINK, Irregular.ENDLESS_LINK):
            return True
        name = str(irregularity.location.path)
        return self._is_package(name) and self._tree.real(f"/{name}") is None

    # --- what is read ---

    def _wants(self, name: str, head: bytes, size: int) -> bool:
        self._progress(Step(Stage.READING, name, self._passed))
        self._passed += 1
        if is_asked(name, head, size):
            return True
        if not self._is_package(name):
            return False
        return head.startswith(MAGIC) or is_wanted(_below(name), head, size)

    def _is_package(self, name: str) -> bool:
        """Whether a file lies where the image's own Python code is."""
        return name.startswith(self._folders) or _PACKAGES.search(name) is not None

    # --- the target ---

    def _profile(self, members: Sequence[Member]) -> tuple[TargetProfile | None, str]:
        """Return the image as a target; None where it is not judged, and musl's loader if it has.

        The interpreter itself says which C library it was linked against.  Where
        none was found, the image is musl's that has musl's loader and no glibc.
        """
        if not self._is_whole():
            return None, ""
        config = self._config
        entry = self._entry_point()
        runs = entry.path if entry is not None else None
        is_python = runs is not None and _PYTHON.fullmatch(posixpath.basename(runs)) is not None
        request = Request(
            name="image",
            python=runs if is_python else None,
            source=self._name,
            image=next(iter(config.names), "") or (config.id or ""),
            environment={
                name: config.env[name]
                for name in ("LD_LIBRARY_PATH", "PATH", "PYTHONPATH")
                if name in config.env
            },
            task_root=self._task_root,
        )
        root = ImageRoot(self._tree, self._kept, config.created, config.env)
        try:
            profile = capture(root, request).profile
        except MuslError as error:
            return None, error.loader
        except ArtifactError as error:
            names = {member.name for member in members}
            musl = next((f"/{name}" for name in sorted(names) if _MUSL.fullmatch(name)), "")
            glibc = any(posixpath.basename(name) == _GLIBC for name in names)
            if self._image.irregularities or (musl and not glibc):
                return None, "" if glibc else musl  # the report says why
            reason = f"{self._name}: {error}"
            raise ArtifactError(reason) from error
        # What its own packages bring is judged, and not taken for granted.
        path = profile.interpreter.path
        own = self._virtual_environment(profile.interpreter.dotted)
        path += tuple(folder for folder in own if folder not in path)
        interpreter = replace(profile.interpreter, shipped=frozenset(), path=path)
        return replace(profile, interpreter=interpreter), ""

    def _is_whole(self) -> bool:
        """Whether all layers were read: one that was not may have hidden or brought any file."""
        whole = PurePosixPath()
        return not any(
            found.kind in _UNREAD and found.location.path == whole
            for found in self._image.irregularities
        )

    def _virtual_environment(self, version: str) -> Iterator[PurePosixPath]:
        """Yield the packages of the environment whose interpreter is the entry point (PEP 405)."""
        entry = self._entry_point()
        for name in self._searched(entry.name) if entry is not None else ():
            if self._tree.is_file(name):
                home = PurePosixPath(posixpath.normpath(name)).parent.parent
                packages = home / "lib" / f"python{version}" / "site-packages"
                if self._tree.is_file(str(home / "pyvenv.cfg")) and self._tree.is_dir(
                    str(packages)
                ):
                    yield packages
                return

    # --- what Lambda asks ---

    def _facts(self, members: Iterable[Member], contents: Contents) -> ImageFacts:
        """Return what Lambda asks of the image, which it does of one with musl as well."""
        files = [m for m in members if m.kind is Kind.FILE and self._is_package(m.name)]
        unreadable = (
            Location(PurePosixPath(member.name))
            for member in files
            if (member.name.endswith((".py", ".pyc")) or member.head.startswith(MAGIC))
            and not self._is_open(f"/{member.name}")
        )
        return replace(
            self._image.facts,
            entry_point=self._entry_point(),
            client=self._client(files, contents),
            unreadable=tuple(islice(unreadable, _MOST_UNREADABLE)),
            whole=self._is_whole(),
            architecture=_GO_NAMES.get(self._asked.machine, self._asked.machine),
        )

    def _entry_point(self) -> EntryPoint | None:
        config = self._image.config
        command = (*config.entrypoint, *config.cmd)
        if not command:
            return None
        name, arguments = command[0], command[1:]
        path = next((p for p in self._searched(name) if self._tree.is_file(p)), None)
        if path is None:
            return EntryPoint(name, None, arguments)
        entry = self._tree.entry(path)
        real = self._tree.real(path) or path
        file = self._tree.entry(real)
        return EntryPoint(
            name,
            real,
            arguments,
            link=entry is not None and entry.kind is Kind.SYMLINK,
            executable=file is None or file.mode is None or bool(file.mode & 0o001),
        )

    def _searched(self, name: str) -> Iterator[str]:
        config = self._config
        if "/" in name:
            yield posixpath.join(config.working_dir or "/", name)
        else:
            folders = config.env.get("PATH", _PATH).split(":")
            yield from (posixpath.join("/", folder, name) for folder in folders)

    def _client(self, files: Iterable[Member], contents: Contents) -> str:
        for distribution in contents.inventory.distributions:
            if distribution.name.lower() == _RIC:
                return f"{_RIC} {distribution.version}"
        if any(member.name.endswith(_RIC_FILES) for member in files):
            return _RIC
        return next((path for path in _CLIENTS if self._tree.is_file(path)), "")

    def _is_open(self, path: str) -> bool:
        """Whether a user without privileges may read a file, as far as modes are known."""
        entry = self._tree.entry(path)
        if entry is not None and entry.mode is not None and not entry.mode & 0o004:
            return False
        return self._is_entered(posixpath.dirname(path))

    def _is_entered(self, folder: str) -> bool:
        """Whether that user may pass through a folder, and through all that are above it."""
        unknown = []
        while folder not in self._entered:
            unknown.append(folder)
            folder = posixpath.dirname(folder)
        for below in reversed(unknown):
            entry = self._tree.entry(below)
            passes = entry is None or entry.mode is None or bool(entry.mode & 0o001)
            self._entered[below] = passes and self._entered[posixpath.dirname(below)]
        return not unknown or self._entered[unknown[0]]


def in_layers(findings: Iterable[Finding], contents: Contents) -> tuple[Finding, ...]:
    """Return the findings with the layer that each file came by, and the command of that layer."""
    image = contents.inventory.image
    if image is None:
        return tuple(findings)
    commands = {layer.diff_id: layer for layer in image.layers}
    placed = []
    for finding in findings:
        fault = finding.fault
        layer = fault.location.layer or contents.layers.get(fault.location.path, "")
        origin = ""
        if layer in commands:
            known = commands[layer]
            origin = f"layer {known.index}"
            origin += f": {' '.join(known.created_by.split())}" if known.created_by else ""
        location = replace(fault.location, layer=layer)
        placed.append(replace(finding, fault=replace(fault, location=location, origin=origin)))
    return tuple(placed)


def _below(name: str) -> str:
    """Return a file's name below its folder of packages, where .pth files are."""
    return re.split(r"(?:site|dist)-packages/", name)[-1]
