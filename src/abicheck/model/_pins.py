"""What a project pins: the lines of its requirements and lock files, and the wheels they name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from abicheck.model._places import Site


@dataclass(frozen=True, slots=True)
class LockFile:
    """A pylock.toml (PEP 751): where it may be installed, and what can be chosen in it.

    `requires_python` is a version specifier, `environments` are markers of which one
    must be true; both are empty where the file does not say.
    """

    path: str
    requires_python: str = ""
    environments: tuple[str, ...] = ()
    extras: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    default_groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Pin:
    """One requirement: a line of a requirements file, or a package of a lock file.

    `name` is as PEP 503 compares names, and empty where the line does not tell, as
    that of a local folder.  `text` is the requirement as it is written, without its
    hashes.  `specifier` is empty where any version will do; it is `exact` where only
    one will, or where the line says what file or commit is installed.  `hashes` are
    `sha256:…` in lower case.  A `constraint` says which version, and not that it is
    installed.  `lock` is the lock file that the package is of.
    """

    name: str
    text: str
    site: Site
    specifier: str = ""
    exact: bool = False
    extras: frozenset[str] = frozenset()
    marker: str = ""
    url: str = ""
    hashes: frozenset[str] = frozenset()
    constraint: bool = False
    lock: LockFile | None = None


@dataclass(frozen=True, slots=True)
class PinnedWheel:
    """A wheel whose hash a pin has, so that its content is what was meant to be installed.

    `name` is as PEP 503 compares names, `version` as the file's name has it.  `files`
    maps where an installer puts each member, relative to site-packages, to the SHA-256
    of its content.  `placed` does the same for what goes elsewhere (scripts, headers,
    data), relative to the folder that the installer chooses; a script whose first line
    it rewrites has None.  `scripts` are the commands that it makes of entry points.
    """

    file: str
    name: str
    version: str
    files: Mapping[str, bytes]
    placed: Mapping[str, bytes | None] = field(default_factory=dict)
    scripts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class UnpinnedWheel:
    """A wheel whose hash no pin has: nothing is compared with it.  `sha256` is in hexadecimal."""

    file: str
    name: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Pins:
    """All that is pinned; `files` are those that were named, as they were named.

    `wheels` are None where the artifact is not compared with any.
    """

    files: tuple[str, ...] = ()
    pins: tuple[Pin, ...] = ()
    wheels: tuple[PinnedWheel, ...] | None = None
    unpinned: tuple[UnpinnedWheel, ...] = ()
