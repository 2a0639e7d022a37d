"""What a project pins: the lines of its requirements and lock files, and the wheels they name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from abicheck.model._places import Location, Site
from abicheck.model._python import Distribution


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
class Pins:
    """All that is pinned; `files` are those that were named, as they were named."""

    files: tuple[str, ...] = ()
    pins: tuple[Pin, ...] = ()

    def sources(self) -> tuple[str, ...]:
        """Return every file that was read, those that others include among them."""
        return tuple(dict.fromkeys((*self.files, *(str(pin.site.path) for pin in self.pins))))


@dataclass(frozen=True, slots=True)
class PinnedWheel:
    """A wheel whose hash a pin has, so that its content is what was meant to be installed.

    `files` maps where an installer puts each member, relative to the folder of
    packages, to the SHA-256 of its content.  `placed` does the same for what goes
    elsewhere (scripts, headers, data), relative to where an installer puts such things;
    a script whose first line it rewrites has None.  `commands` are the scripts that it
    makes of entry points.
    """

    file: str
    files: Mapping[str, bytes | None]
    placed: Mapping[str, bytes | None] = field(default_factory=dict)
    commands: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class UnpinnedWheel:
    """A wheel whose hash no pin has: nothing is compared with it.  `sha256` is in hexadecimal."""

    file: str
    sha256: str


# --- what became of them ---


@dataclass(frozen=True, slots=True)
class Unpinned:
    """A distribution of the artifact that no pin names for the target.

    `elsewhere` are pins that name it where their markers are true, which is not
    there.  `requirer` is a distribution that requires it, None where none does.
    `nameless` is a pin that may mean it, since it does not tell what it names.
    """

    distribution: Distribution
    elsewhere: tuple[Pin, ...] = ()
    requirer: Distribution | None = None
    nameless: Pin | None = None


@dataclass(frozen=True, slots=True)
class AbsentPin:
    """What a pin asks for and the artifact does not have.

    `name` is the distribution that is missing: the pin's own, or what an extra of
    it requires, which `extra` names.  `module` is what the target brings under
    that name by itself, or empty.
    """

    name: str
    pin: Pin
    extra: str = ""
    module: str = ""


@dataclass(frozen=True, slots=True)
class OtherVersion:
    """A distribution in a version that `pin` does not admit."""

    distribution: Distribution
    pin: Pin


@dataclass(frozen=True, slots=True)
class ForeignLock:
    """A lock file that may not be installed on the target, and the condition that is not met."""

    lock: LockFile
    pin: Pin
    condition: str


@dataclass(frozen=True, slots=True)
class Unvouched:
    """A distribution that no pinned wheel could be compared with.

    `unpinned` are wheels of its release whose hash no pin has; `pinned` says
    whether a pin names the distribution at all.
    """

    distribution: Distribution
    unpinned: tuple[UnpinnedWheel, ...] = ()
    pinned: bool = True


@dataclass(frozen=True, slots=True)
class Departure:
    """How a distribution differs from the wheel that is pinned.

    `altered` have other content than in the wheel, `added` are not in it, `lost`
    are in it and neither in the artifact nor in the distribution's RECORD.
    """

    distribution: Distribution
    wheel: str
    altered: tuple[Location, ...] = ()
    added: tuple[Location, ...] = ()
    lost: tuple[Location, ...] = ()


@dataclass(frozen=True, slots=True)
class WheelReport:
    """The artifact against the pinned wheels.

    `compared` counts the files whose content is that of a wheel; `bytecode` are the
    files in `__pycache__` of the distributions, which no wheel has.
    """

    unvouched: tuple[Unvouched, ...] = ()
    departures: tuple[Departure, ...] = ()
    compared: int = 0
    bytecode: tuple[Location, ...] = ()


@dataclass(frozen=True, slots=True)
class PinReport:
    """The artifact against what is pinned; `files` are those that were named.

    `wheels` is there where it was compared with wheels as well.
    """

    files: tuple[str, ...] = ()
    unpinned: tuple[Unpinned, ...] = ()
    absent: tuple[AbsentPin, ...] = ()
    others: tuple[OtherVersion, ...] = ()
    foreign: tuple[ForeignLock, ...] = ()
    wheels: WheelReport | None = None
