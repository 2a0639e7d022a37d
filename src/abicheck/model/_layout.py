"""What can be said of where an artifact's files lie, and of their modes, on a target."""

from __future__ import annotations

from dataclasses import dataclass

from abicheck.model._outcomes import Failure
from abicheck.model._places import Location, Site


@dataclass(frozen=True, slots=True)
class Locked:
    """A file or a folder that only its owner may read or enter; `mode` are its permission bits.

    `files` are how many regular files are out of reach by it.  `code` says that
    the importer would want one of them, `reached` that the handler can come to
    it, or that no handler is known.  `failure` is what an import ends in by it.
    """

    location: Location
    mode: int
    files: int
    folder: bool = False
    code: bool = True
    reached: bool = True
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A line that takes a name from a module which does not bind it."""

    site: Site
    name: str


@dataclass(frozen=True, slots=True)
class Hiding:
    """A module at the root that is called like one of the standard library.

    `too_late` says that the runtime has imported the other one before, so that
    this one is never imported; `asked` is what others want of it in vain.
    """

    location: Location
    name: str
    too_late: bool
    asked: tuple[Asked, ...] = ()


@dataclass(frozen=True, slots=True)
class Supplied:
    """A package of the runtime that the function imports, and where it does first."""

    name: str
    site: Site


@dataclass(frozen=True, slots=True)
class PartOfSdk:
    """Packages of the AWS SDK that the artifact has, and those that are left to the runtime.

    `lacks` is a file without which a package is not the one of that name.
    """

    location: Location
    names: tuple[str, ...]
    others: tuple[str, ...] = ()
    lacks: str = ""


@dataclass(frozen=True, slots=True)
class PathFile:
    """A `.pth` file: the lines it has run, the folders it adds, and those that are not there."""

    location: Location
    runs: tuple[str, ...] = ()
    adds: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link and what it leads to, as it is written."""

    location: Location
    target: str


@dataclass(frozen=True, slots=True)
class Copies:
    """Files of one content, of which all but one could be links; `size` is that of one in bytes."""

    locations: tuple[Location, ...]
    size: int


@dataclass(frozen=True, slots=True)
class LayoutFacts:
    """The layout of an artifact on a target, as far as something in it is out of the ordinary.

    `twins` are names of one folder that differ only in case; `inner` are
    archives at the root; `unused` are `sitecustomize` and `usercustomize`.
    """

    locked: tuple[Locked, ...] = ()
    hiding: tuple[Hiding, ...] = ()
    supplied: tuple[Supplied, ...] = ()
    sdk: tuple[PartOfSdk, ...] = ()
    path_files: tuple[PathFile, ...] = ()
    outward: tuple[Link, ...] = ()
    copies: tuple[Copies, ...] = ()
    twins: tuple[tuple[Location, ...], ...] = ()
    inner: tuple[Location, ...] = ()
    unused: tuple[Location, ...] = ()
