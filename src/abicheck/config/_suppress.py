"""Take findings that are accepted out of what counts, and say which acceptance is in vain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from fnmatch import fnmatchcase

from abicheck.config._baseline import Baseline, key_of
from abicheck.config._read import Ignore
from abicheck.config._selection import matches, refuse_unknown
from abicheck.model import Finding, Report, RuleInfo, Suppressed, Suppressor


class Suppressions:
    """The ignores of the configuration and the baseline, on one day; remembers what was of use."""

    def __init__(self, ignores: Sequence[Ignore], baseline: Baseline, today: date) -> None:
        self._ignores = ignores
        self._known = baseline.keys()
        self._today = today
        self._used: set[Ignore] = set()

    def check(self, cards: Sequence[RuleInfo]) -> None:
        """Raise `UsageError` where an ignore names no rule."""
        for ignore in self._ignores:
            refuse_unknown(ignore.rule, cards, ignore.origin)

    def apply(self, report: Report) -> Report:
        """Return the report with what is accepted apart from what counts."""
        counted, suppressed = [], []
        for finding in report.findings:
            found = self._suppressed(report, finding)
            if found is None:
                counted.append(finding)
            else:
                suppressed.append(found)
        return replace(report, findings=tuple(counted), suppressed=tuple(suppressed))

    def _suppressed(self, report: Report, finding: Finding) -> Suppressed | None:
        for ignore in self._ignores:
            if not self._expired(ignore) and _covers(ignore, report, finding):
                self._used.add(ignore)
                expires = ignore.expires.isoformat() if ignore.expires is not None else None
                return Suppressed(finding, Suppressor.CONFIGURATION, ignore.reason, expires)
        if key_of(report, finding) in self._known:
            return Suppressed(finding, Suppressor.BASELINE, "in the baseline")
        return None

    def _expired(self, ignore: Ignore) -> bool:
        """Whether its day has come: it holds through the day before."""
        return ignore.expires is not None and ignore.expires <= self._today

    def in_vain(self, *, complete: bool) -> Iterator[str]:
        """Yield which ignores have expired and, after a complete run, which met nothing."""
        for ignore in self._ignores:
            what = f"{ignore.origin} ({ignore.rule})"
            if self._expired(ignore):
                yield f"{what} expired on {ignore.expires}; what it meant counts again"
            elif complete and ignore not in self._used:
                yield f"{what} meets no finding"


def _covers(ignore: Ignore, report: Report, finding: Finding) -> bool:
    fault, owner = finding.fault, finding.distribution
    return (
        matches(finding.rule, ignore.rule)
        and (ignore.path is None or fnmatchcase(str(fault.location.path), ignore.path))
        and (ignore.subject is None or fnmatchcase(fault.subject, ignore.subject))
        and (ignore.function is None or ignore.function == report.function)
        and (
            ignore.distribution is None
            or (owner is not None and _canonical(owner.name) == _canonical(ignore.distribution))
        )
    )


def _canonical(name: str) -> str:
    """Return a distribution's name as PEP 503 compares it."""
    return name.lower().replace("_", "-").replace(".", "-")
