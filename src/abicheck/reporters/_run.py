"""What one invocation came to: all that a format may print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from abicheck.model import Finding, Report, Severity, Site


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file of the repository; `path` is relative to its root, with slashes."""

    path: str
    line: int = 1
    width: int = 1


@dataclass(frozen=True, slots=True)
class Anchors:
    """Where in the repository the findings of one artifact are shown.

    No line of a repository is in an artifact.  What can be acted upon is the
    line of a requirements file that a finding is about, or that names its
    distribution; failing that, the artifact's own path.
    """

    artifact: Place
    distributions: Mapping[str, Place] = field(default_factory=dict)
    pins: Mapping[Site, Place] = field(default_factory=dict)

    def of(self, finding: Finding) -> Place:
        """Return the place of a finding: its line, that of its distribution, or the artifact."""
        pin, owner = finding.fault.pin, finding.distribution
        if pin is not None and pin in self.pins:
            return self.pins[pin]
        return self.artifact if owner is None else self.distributions.get(owner.name, self.artifact)


@dataclass(frozen=True, slots=True)
class Run:
    """The reports of one invocation, in the order of the command line, and its outcome.

    `anchors` has one entry a report, or none at all.  `failures` are the
    artifacts that could not be examined, as sentences, and `notices` what the
    configuration asks for in vain.  `status` is the exit status; a finding of
    `level` or above makes it 1.  `category` tells this use of abicheck in a
    repository from another.  `color` and `quiet` are wishes that only text
    knows.
    """

    reports: tuple[Report, ...]
    version: str
    status: int = 0
    anchors: tuple[Anchors, ...] = ()
    failures: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    category: str = "abicheck"
    level: Severity = Severity.ERROR
    color: bool = False
    quiet: bool = False

    def anchored(self) -> tuple[tuple[Report, Anchors], ...]:
        """Return each report with where its findings are shown."""
        anchors = self.anchors or tuple(
            Anchors(Place(report.inventory.artifact.replace("\\", "/"))) for report in self.reports
        )
        return tuple(zip(self.reports, anchors, strict=True))
