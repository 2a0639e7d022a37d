"""The shared objects of a root file system, wherever its loader would look."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import PurePosixPath
from typing import Final

from abicheck.capture._root import DeniedError, Root
from abicheck.model import ElfFacts, Library

_SHARED: Final = re.compile(r"\.so(\.|$)")
_ORIGIN: Final = re.compile(r"\$(?:\{ORIGIN\}|ORIGIN(?![A-Za-z0-9_]))")
_LIB: Final = re.compile(r"\$(?:\{LIB\}|LIB(?![A-Za-z0-9_]))")
_MAX_FOLDERS: Final = 4096
_MACHINES: Final[Mapping[str, int]] = {"x86_64": 62, "aarch64": 183}
_ET_DYN: Final = 3


@dataclass
class Collection:
    """What has been found so far: libraries by real path, and the links to them.

    `denied` are the files that this user may not read.
    """

    root: Root
    machine: str
    lib: str
    subdirectories: tuple[str, ...]
    libraries: dict[str, Library] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    denied: list[str] = field(default_factory=list)
    _folders: set[str] = field(default_factory=set)

    def add_folders(self, folders: Iterable[str]) -> None:
        """Take every shared object of these folders, and of those their run paths name."""
        todo = list(folders)
        while todo and len(self._folders) < _MAX_FOLDERS:
            folder = todo.pop(0)
            self._note_links(folder)
            real = self.root.real(folder)
            if real is None or real in self._folders or not self.root.is_dir(real):
                continue
            self._folders.add(real)
            for name in self.root.children(real):
                if _SHARED.search(name):
                    todo += self._add_listed(posixpath.join(real, name))
            # glibc-hwcaps/… and the legacy ones lie below what is searched.
            todo += [posixpath.join(real, sub) for sub in self.subdirectories]

    def _add_listed(self, path: str) -> list[str]:
        """Take a file that nobody named; the loader passes over what it may not open."""
        try:
            return self.add_file(path)
        except DeniedError:
            self.denied.append(path)
            return []

    def add_file(self, path: str) -> list[str]:
        """Take one file, with its links; return the folders that its run paths name."""
        self._note_links(path)
        real = self.root.real(path)
        if real is None or real in self.libraries or not self.root.is_file(real):
            return []
        facts = self.root.facts(real)
        if facts is None or not self._is_loadable(facts):
            return []
        self.libraries[real] = library_of(real, facts)
        return list(self._run_paths(real, facts))

    def _is_loadable(self, facts: ElfFacts) -> bool:
        """Whether it is for this machine; what is not, the loader passes over in silence."""
        header = facts.header
        return (
            header is not None
            and header.ei_class == 2  # noqa: PLR2004 - ELFCLASS64
            and header.machine == _MACHINES[self.machine]
            and (header.type == _ET_DYN or facts.interpreter is not None)
            and facts.dynamic
        )

    def _run_paths(self, real: str, facts: ElfFacts) -> Iterator[str]:
        origin = posixpath.dirname(real)
        for text in (facts.rpath, facts.runpath):
            for element in (text or "").split(":"):
                path = _LIB.sub(self.lib, _ORIGIN.sub(lambda _: origin, element))
                if path.startswith("/"):
                    yield posixpath.normpath(path) if ".." not in path else path
        for name in facts.needed:
            if name.startswith("/"):
                yield posixpath.dirname(name)

    def _note_links(self, path: str) -> None:
        """Keep every symbolic link on the way of `path`."""
        here, parts, steps = "/", [p for p in reversed(path.split("/")) if p not in ("", ".")], 0
        while parts and steps < _MAX_FOLDERS:
            steps += 1
            part = parts.pop()
            step = posixpath.normpath(posixpath.join(here, part))
            target = self.root.link(step)
            if target is None:
                here = step
                continue
            self.links[step] = target
            if target.startswith("/"):
                here = "/"
            parts += [p for p in reversed(target.split("/")) if p not in ("", ".")]


def library_of(real: str, facts: ElfFacts) -> Library:
    """Return an object's facts as those of a library of the target."""
    return Library(
        soname=facts.soname,
        path=PurePosixPath(real),
        table=facts.table,
        needed=facts.needed,
        rpath=facts.rpath,
        runpath=facts.runpath,
        version_needs=facts.version_needs,
        load_references=cache(lambda: facts.references),
        source=real,
    )
