"""What the loader makes of one object."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import PurePosixPath

from abicheck.model._objects import SymbolRef, VersionNeed
from abicheck.model._outcomes import Failure


class FoundBy(enum.StrEnum):
    """How the loader came upon a needed library, in the order it tries."""

    ROOT = "opened by name"
    ALREADY_LOADED = "already loaded"
    PATH = "path in DT_NEEDED"
    RPATH = "RPATH"
    LIBRARY_PATH = "LD_LIBRARY_PATH"
    RUNPATH = "RUNPATH"
    CACHE = "ld.so.cache"
    DEFAULT_PATH = "default directories"


class Outcome(enum.Enum):
    """How the search for one symbol reference ended; exactly one each."""

    BOUND = enum.auto()
    WEAK_UNBOUND = enum.auto()
    NO_LIBRARY = enum.auto()
    NO_VERSION = enum.auto()
    NO_SYMBOL = enum.auto()


@dataclass(frozen=True, slots=True)
class Dependency:
    """One DT_NEEDED entry: who asked, for what, what came, and how it was found.

    `provider` is the target path of the file that came, or None.  `defect` is
    the loader's text where the first candidate ended the load.
    """

    requester: PurePosixPath
    name: str
    provider: PurePosixPath | None
    found_by: FoundBy | None = None
    defect: str | None = None
    skipped: tuple[PurePosixPath, ...] = ()


@dataclass(frozen=True, slots=True)
class UnmetVersion:
    """A version need that its provider does not define."""

    requester: PurePosixPath
    provider: PurePosixPath
    need: VersionNeed


@dataclass(frozen=True, slots=True)
class Binding:
    """One symbol reference of one object, and how its search ended.

    `doubt` names a stand-in table that should have had the symbol: only the
    real library could tell.
    """

    requester: PurePosixPath
    ref: SymbolRef
    outcome: Outcome
    doubt: str = ""


class Trouble(enum.Enum):
    """What kind of fault ended a load; rules ask for the one they are about."""

    FILE = enum.auto()
    LIBRARY = enum.auto()
    VERSION = enum.auto()
    VERSION_FILE = enum.auto()
    UNVERSIONED_PROVIDER = enum.auto()
    ISA = enum.auto()
    RELOCATION = enum.auto()
    EXEC_STACK = enum.auto()
    SYMBOL = enum.auto()
    STATIC_TLS = enum.auto()
    INIT = enum.auto()
    RELR = enum.auto()


@dataclass(frozen=True, slots=True)
class Halt:
    """The first failure in the loader's own order, as it would have been seen."""

    trouble: Trouble
    at: PurePosixPath
    failure: Failure
    certain: bool = True


@dataclass(frozen=True, slots=True)
class RecentNeed:
    """A version need that only newer releases of the target serve; `since` is an ISO day."""

    requester: PurePosixPath
    need: VersionNeed
    since: str


@dataclass(frozen=True, slots=True)
class LinkMap:
    """What the target's loader makes of one object opened with RTLD_NOW.

    `objects` is the search list, breadth first, as the loader names it.
    `bindings` holds every reference that is neither bound nor harmlessly
    weak; `bound` counts those that are, and `assumed` those among them that
    rest on a library whose symbols are not known, or on a stand-in's.  `halt` is what the process
    would have seen; the other fields name every fault, also those that a
    process would meet only after the first is mended.
    """

    root: PurePosixPath
    objects: tuple[PurePosixPath, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    unmet_versions: tuple[UnmetVersion, ...] = ()
    bindings: tuple[Binding, ...] = ()
    bound: int = 0
    assumed: int = 0
    recent: tuple[RecentNeed, ...] = ()
    halt: Halt | None = None

    @property
    def loads(self) -> bool:
        """Whether `dlopen` succeeds."""
        return self.halt is None

    @property
    def certain(self) -> bool:
        """Whether the outcome rests on facts alone and not on a stand-in table."""
        return self.halt is None or self.halt.certain
