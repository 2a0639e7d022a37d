"""What became of the distributions of an artifact: files, requirements, tags."""

from __future__ import annotations

from dataclasses import dataclass

from abicheck.model._findings import Severity
from abicheck.model._outcomes import Prediction
from abicheck.model._places import Location, Site
from abicheck.model._python import Distribution


@dataclass(frozen=True, slots=True)
class Altered:
    """A file whose content is not what a RECORD says; `size` is what it says of that, in bytes."""

    location: Location
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Overlap:
    """A file that two distributions install, and whose content is that of `winner`."""

    location: Location
    winner: Distribution


@dataclass(frozen=True, slots=True)
class RecordReport:
    """One distribution's RECORD against what is there.

    `listed` counts its files, without scripts, bytecode and what an installer writes
    for itself, and `metadata` those among them that describe it; `kept` are those that
    are as it says.  `altered` have other content
    than it says, and than any other RECORD says.  `packaged` says that a system's
    packager installed it, which changes files for reasons of its own.
    """

    distribution: Distribution
    listed: int
    kept: int
    lost: tuple[Location, ...] = ()
    altered: tuple[Altered, ...] = ()
    overlaps: tuple[Overlap, ...] = ()
    packaged: bool = False
    metadata: int = 0


@dataclass(frozen=True, slots=True)
class Unmet:
    """A requirement of a distribution that nothing in the artifact or on the target meets.

    `requirement` is the line without its marker and `name` what it asks for, as
    PEP 503 compares names; `found` is there in a version that does not fit.
    `extra` is the extra of `distribution` that brings the requirement, which
    another distribution asks for; `site` is a line of the distribution that imports
    what is missing, in no `try` that would catch it.
    """

    distribution: Distribution
    requirement: str
    name: str
    found: Distribution | None = None
    extra: str = ""
    site: Site | None = None


@dataclass(frozen=True, slots=True)
class Misfit:
    """A distribution whose wheel was made for another platform or Python.

    `tag` is the part of its tags that does not fit: `macosx_11_0_arm64`, `cp311`.
    """

    distribution: Distribution
    tag: str


@dataclass(frozen=True, slots=True)
class Mislabel:
    """A wheel whose tags promise what its binary does not keep."""

    distribution: Distribution
    location: Location
    promised: str
    found: str


@dataclass(frozen=True, slots=True)
class Editable:
    """An install that refers to a source folder, `origin`, which is not in the artifact."""

    name: str
    location: Location
    origin: str


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment below the task root that is not on sys.path, and what is in it."""

    location: Location
    distributions: tuple[Distribution, ...]
    modules: frozenset[str]


@dataclass(frozen=True, slots=True)
class NeededFile:
    """A module whose file is gone, and a line that imports it and is not guarded."""

    location: Location
    module: str
    site: Site


@dataclass(frozen=True, slots=True)
class FailedPackage:
    """A top-level module that cannot be imported, and what of its distribution explains it.

    `lost` are files that a RECORD lists and whose absence is the cause;
    `unmet` are requirements of the distribution whose file raised, the one that
    the message names first; `metadata` is the distribution that the code asked
    `importlib.metadata` for; `environment` has the missing module.  `own`
    says that no distribution brought it, `handles` that it defines a function
    of an event and a context.
    """

    name: str
    location: Location
    prediction: Prediction
    owner: Distribution | None
    severity: Severity
    reason: str = ""
    lost: tuple[Location, ...] = ()
    unmet: tuple[Unmet, ...] = ()
    metadata: str = ""
    environment: Environment | None = None
    handles: bool = False

    @property
    def own(self) -> bool:
        """Whether no distribution brought it."""
        return self.owner is None


@dataclass(frozen=True, slots=True)
class Installed:
    """All that is known of the distributions on sys.path, as the rules judge them.

    `doubles` are the distributions of one name in one folder; `strangers` are
    binaries in a folder of a distribution that no RECORD lists.
    """

    distributions: tuple[Distribution, ...] = ()
    records: tuple[RecordReport, ...] = ()
    strangers: tuple[tuple[Location, Distribution], ...] = ()
    needed: tuple[NeededFile, ...] = ()
    unmet: tuple[Unmet, ...] = ()
    unsupported: tuple[Distribution, ...] = ()
    misfits: tuple[Misfit, ...] = ()
    mislabels: tuple[Mislabel, ...] = ()
    doubles: tuple[tuple[Distribution, ...], ...] = ()
    editables: tuple[Editable, ...] = ()
    environments: tuple[Environment, ...] = ()
    failures: tuple[FailedPackage, ...] = ()
