"""Everything a reporter prints."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import PurePosixPath

from abicheck.model._findings import Finding, Severity, Suppressed
from abicheck.model._inventory import Inventory
from abicheck.model._links import Halt, LinkMap
from abicheck.model._objects import ElfFacts, ForeignFile
from abicheck.model._outcomes import Prediction
from abicheck.model._places import Location
from abicheck.model._python import Distribution
from abicheck.model._smoke import ColdStart, Reconciled, SmokeRun
from abicheck.model._targets import TargetProfile


class ObjectKind(enum.StrEnum):
    """What a binary of the artifact is."""

    EXTENSION = "extension"
    LIBRARY = "library"
    FOREIGN = "foreign"
    PROGRAM = "program"


@dataclass(frozen=True, slots=True)
class ObjectReport:
    """One binary: what it is, what importing its module does, what opening it alone does.

    `prediction` is None where nothing imports it.  `alone` is how `dlopen` of
    the file by itself in a fresh process ends: None where it loads.
    """

    path: PurePosixPath
    location: Location
    kind: ObjectKind
    facts: ElfFacts | ForeignFile
    distribution: Distribution | None
    module: str | None
    prediction: Prediction | None
    link_map: LinkMap
    alone: Halt | None


@dataclass(frozen=True, slots=True)
class PackageReport:
    """One top-level package or module, and what importing it does."""

    name: str
    distribution: Distribution | None
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another runtime, which the artifact is named for and on which it has no error.

    `plainly` says that more than one of its extensions are named so, and none
    for the target.
    """

    runtime: str
    architecture: str
    plainly: bool


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a reporter prints, already in printing order.

    `function` is the name under which the configuration knows the artifact,
    `setting` what Lambda was told its handler is.
    `smoke` is there where the artifact was imported for real, and `reconciled`
    has each of its imports beside what was predicted.  `unsmoked` says why it
    was not, although that was asked for.
    `requirements` are the files that it was compared with, those that they include
    among them.  `smoke` is there where the artifact was imported for real, and `reconciled`
    has each of its imports beside what was predicted.
    """

    inventory: Inventory
    profile: TargetProfile
    findings: tuple[Finding, ...]
    objects: tuple[ObjectReport, ...]
    packages: tuple[PackageReport, ...]
    handler: Prediction | None = None
    suppressed: tuple[Suppressed, ...] = ()
    function: str | None = None
    setting: str | None = None
    elsewhere: Elsewhere | None = None
    smoke: SmokeRun | None = None
    reconciled: tuple[Reconciled, ...] = ()
    cold_start: ColdStart | None = None
    unsmoked: str = ""
    requirements: tuple[str, ...] = ()

    def count(self, severity: Severity) -> int:
        """Return how many findings have exactly this severity."""
        return sum(finding.severity is severity for finding in self.findings)

    def at_least(self, severity: Severity) -> bool:
        """Whether a finding has this severity or a higher one."""
        return any(finding.severity >= severity for finding in self.findings)
