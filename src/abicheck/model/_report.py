"""Everything a reporter prints."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from abicheck.model._findings import Finding, Severity, Suppressed
from abicheck.model._inventory import Inventory
from abicheck.model._links import Halt, LinkMap
from abicheck.model._objects import ElfFacts, ForeignFile
from abicheck.model._outcomes import Failure, Prediction, Verdict
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
class RuntimeOutcome:
    """What becomes of the artifact on one of Lambda's runtimes.

    `error` is the first reason why it does not load there, None where it does.
    `preliminary` is the profile's: why what is known of the runtime is not certain.
    """

    runtime: str
    architecture: str
    error: Finding | None
    warnings: int = 0
    preliminary: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a reporter prints, already in printing order.

    `function` is the name under which the configuration knows the artifact,
    `setting` what Lambda was told its handler is.
    `smoke` is there where the artifact was imported for real, and `reconciled`
    has each of its imports beside what was predicted.  `unsmoked` says why it
    was not, although that was asked for.
    `requirements` are the files that it was compared with, those that they include
    among them.  `matrix` is there where the artifact was judged on other runtimes as well.
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
    matrix: tuple[RuntimeOutcome, ...] = ()

    def count(self, severity: Severity) -> int:
        """Return how many findings have exactly this severity."""
        return sum(finding.severity is severity for finding in self.findings)

    def at_least(self, severity: Severity) -> bool:
        """Whether a finding has this severity or a higher one."""
        return any(finding.severity >= severity for finding in self.findings)

    def first_failure(self) -> Failure | None:
        """Return what the function would die of: its handler's import, else the first error.

        A handler that was named and is imported dies of nothing.
        """
        if self.handler is not None:
            return self.handler.failure if self.handler.verdict is Verdict.FAILS else None
        for finding in self.findings:
            if finding.severity is Severity.ERROR and finding.fault.failure is not None:
                return finding.fault.failure
        return None

    def first_error(self) -> Finding | None:
        """Return the error whose rule predicts what the runtime would say, else any."""
        errors = [finding for finding in self.findings if finding.severity is Severity.ERROR]
        failure = self.first_failure()
        said = (failure.message or "") if failure is not None else ""
        telling = (f for f in errors if any(fnmatchcase(said, each) for each in f.rule.messages))
        return next(telling, next(iter(errors), None))
