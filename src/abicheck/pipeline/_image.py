"""An image as its own target: what it brings is read once, captured, and judged against itself."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Final

from abicheck.artifacts import ImageArtifact, Member
from abicheck.capture import ImageRoot, Kept, MuslError, Request, capture, is_asked, keep
from abicheck.elf import MAGIC
from abicheck.errors import ArtifactError
from abicheck.filesystem import Entry, Kind, Tree
from abicheck.model import (
    ElfFacts,
    Finding,
    ImageFacts,
    Irregular,
    Irregularity,
    TargetProfile,
)
from abicheck.pipeline._demands import entry_point, runtime_client, searched, unreadable
from abicheck.pipeline._drift import base_drift, lambda_base
from abicheck.pipeline._inventory import Contents, Reading, is_shared_object_name, is_wanted
from abicheck.pipeline._progress import Progress, Stage, Step
from abicheck.pipeline._start import (
    handler_of,
    interpreter_of,
    is_client_started,
    task_root,
    working_directory,
)

# What the image's own site.py and Lambda's bootstrap search, besides PYTHONPATH.
_PACKAGES: Final = re.compile(r"(^|/)(site|dist)-packages/|^opt/python/|^var/runtime/")
_LIBRARY: Final = re.compile(r"(^|/)lib(64)?/python3(\.\d+)?t?/|^usr/share/")
_DYNAMIC: Final = re.compile(r"/lib-dynload/[^/]+$")
# Top-level folders of a Linux system, which are no packages of a function that lies beside them.
_SYSTEM: Final = frozenset(
    (
        "bin", "boot", "dev", "etc", "home", "lib", "lib32", "lib64", "libx32", "media", "mnt",
        "opt", "proc", "root", "run", "sbin", "srv", "sys", "tmp", "usr", "var",
    )
)  # fmt: skip
_MUSL: Final = re.compile(r"(usr/)?lib/(ld-musl-[\w.-]+)")
_GLIBC: Final = "libc.so.6"
_ASKED: Final = ("LD_LIBRARY_PATH", "PATH", "PYTHONHOME")
_GO_NAMES: Final = {"x86_64": "amd64", "aarch64": "arm64"}
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
        self._python_path = self._absolute(self._config.env.get("PYTHONPATH", ""))
        folders = (self._task_root, *self._python_path)
        self._folders = tuple(f"{entry.strip('/')}/" for entry in folders if entry.strip("/"))
        self._is_in_root = "/" in folders

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
        sites = frozenset(() if profile is None else self._sites(profile))
        self._folders += tuple(self._led_to(sites))
        packages = {member.name for member in members if self._is_package(member.name)}
        for member in members:
            if profile is None:
                break
            path = f"/{member.name}"
            content = self._kept.get(path, Kept(None, None))
            if member.name in packages or _DYNAMIC.search(member.name):
                unread = path.endswith(".pth") and posixpath.dirname(path) not in sites
                data = None if unread else content.data
                reading.take(replace(member, data=data), content.facts)
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
                self._facts([file for file in files if file.name in packages], contents),
                musl=musl,
                drift=None if profile is None else base_drift(self._tree, profile, layers),
                handler=None if profile is None else handler_of(self._image.config),
            ),
        )
        places = {member.name: member.layer for member in members if member.layer}
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
            # A link, or a `.pth` file, may put any folder on sys.path.
            return (
                name.endswith(".py")
                and not _LIBRARY.search(name)
                and is_wanted(name, head, size, most=self._image.limits.source)
            )
        # Whether a `.pth` file is read its folder says, once sys.path is known.
        below = posixpath.basename(name) if name.endswith(".pth") else name
        return head.startswith(MAGIC) or is_wanted(
            below, head, size, most=self._image.limits.source
        )

    def _is_package(self, name: str) -> bool:
        """Whether a file lies where the image's own Python code is."""
        if name.startswith(self._folders) or _PACKAGES.search(name) is not None:
            return True
        return self._is_in_root and name.partition("/")[0] not in _SYSTEM

    # --- the target ---

    def _profile(self, members: Sequence[Member]) -> tuple[TargetProfile | None, str]:
        """Return the image as a target; None where it is not judged, and musl's loader if it has.

        The interpreter itself says which C library it was linked against.  Where
        none was found, the image is musl's that has musl's loader and no glibc.
        """
        if not self._is_whole():
            return None, ""
        config = self._config
        request = Request(
            name="image",
            python=self._interpreter(),
            source=self._name,
            image=next(iter(config.names), "") or (config.id or ""),
            environment={
                **{name: config.env[name] for name in _ASKED if name in config.env},
                **({"PYTHONPATH": ":".join(self._python_path)} if self._python_path else {}),
            },
            task_root=self._task_root,
            bootstrap=not is_client_started(self._image.config),
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

    def _sites(self, profile: TargetProfile) -> Iterator[str]:
        """Yield the folders whose `.pth` files are read: those of `site`, and of the bootstrap.

        Lambda's bootstrap hands /var/task to `site.addsitedir`, and, without a PYTHONPATH,
        the folders of layers; `python -m awslambdaric` only puts its own on sys.path.
        """
        for entry in map(str, profile.interpreter.path):
            if entry.endswith("-packages") and entry not in self._python_path:
                yield entry
        if lambda_base(self._tree, profile) and not is_client_started(self._image.config):
            yield self._task_root
            if not self._python_path:
                yield "/opt/python"

    def _led_to(self, sites: AbstractSet[str]) -> Iterator[str]:
        """Yield the folders, with a slash, that links and `.pth` files put on sys.path as well."""
        named = [self._task_root, *self._python_path]
        for path, content in self._kept.items():
            if path.endswith(".pth") and posixpath.dirname(path) in sites:
                lines = (content.data or b"").decode("utf-8", "replace").splitlines()
                named += (posixpath.join(posixpath.dirname(path), line.rstrip()) for line in lines)
        for folder in named:
            real = self._tree.real(folder)
            if real is not None and real != "/" and self._tree.is_dir(real):
                yield f"{real.strip('/')}/"

    def _interpreter(self) -> str | None:
        """Return the file of the Python that is started; None where a script may start any."""
        name = interpreter_of(self._image.config)
        found = (path for path in searched(self._config, name or "") if self._tree.is_file(path))
        return next(found, None) if name is not None else None

    def _absolute(self, python_path: str) -> tuple[str, ...]:
        """Return the folders of a PYTHONPATH, where the process starts (`abs_paths` of site)."""
        here = working_directory(self._config)
        parts = python_path.split(":") if python_path else ()
        return tuple(posixpath.normpath(posixpath.join(here, part)) for part in parts)

    def _virtual_environment(self, version: str) -> Iterator[PurePosixPath]:
        """Yield the packages of the environment whose interpreter is started (PEP 405)."""
        for name in searched(self._config, interpreter_of(self._image.config) or ""):
            if self._tree.is_file(name):
                home = PurePosixPath(posixpath.normpath(name)).parent.parent
                packages = home / "lib" / f"python{version}" / "site-packages"
                if self._tree.is_file(str(home / "pyvenv.cfg")) and self._tree.is_dir(
                    str(packages)
                ):
                    yield packages
                return

    def _facts(self, files: Sequence[Member], contents: Contents) -> ImageFacts:
        """Return what Lambda asks of the image and of its Python code, also of one with musl."""
        return replace(
            self._image.facts,
            entry_point=entry_point(self._tree, self._config),
            client=runtime_client(self._tree, files, contents.inventory.distributions),
            unreadable=unreadable(self._tree, files),
            whole=self._is_whole(),
            architecture=_GO_NAMES.get(self._asked.machine, self._asked.machine),
        )


def in_layers(findings: Iterable[Finding], contents: Contents) -> tuple[Finding, ...]:
    """Return the findings with the layer that each file came by, and the command of that layer."""
    image = contents.inventory.image
    if image is None:
        return tuple(findings)
    commands = {layer.diff_id: layer for layer in image.layers}
    placed = []
    for finding in findings:
        fault = finding.fault
        layer = fault.location.layer or contents.layers.get(str(fault.location.path), "")
        origin = ""
        if layer in commands:
            known = commands[layer]
            origin = f"layer {known.index}"
            origin += f": {' '.join(known.created_by.split())}" if known.created_by else ""
        location = replace(fault.location, layer=layer)
        placed.append(replace(finding, fault=replace(fault, location=location, origin=origin)))
    return tuple(placed)
