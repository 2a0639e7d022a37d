"""GitLab's Code Quality report, version of its own documentation: a list of issues."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import Any, Final, TextIO

from abicheck.model import Finding, Report, Severity
from abicheck.reporters._run import Anchors, Run
from abicheck.reporters._words import member, printable

_SEVERITIES: Final = {
    Severity.ERROR: "critical",
    Severity.WARNING: "major",
    Severity.NOTE: "info",
}


def write(run: Run, stream: TextIO) -> None:
    """Write what counts; GitLab knows no suppression."""
    seen: Counter[str] = Counter()
    issues = [
        _issue(report, anchors, finding, seen)
        for report, anchors in run.anchored()
        for finding in report.findings
    ]
    json.dump(issues, stream, indent=2)
    stream.write("\n")


def _issue(
    report: Report, anchors: Anchors, finding: Finding, seen: Counter[str]
) -> dict[str, Any]:
    place = anchors.of(finding)
    owner = f" ({finding.distribution})" if finding.distribution is not None else ""
    where = f"{report.function}: " if report.function else ""
    text = f"{where}{member(report, finding)}{owner}: {finding.fault.message}"
    # Issues of one fingerprint are one to GitLab: keep functions and repetitions apart.
    key = f"{report.function or anchors.artifact.path}\0{finding.fingerprint}"
    seen[key] += 1
    identity = f"{key}\0{seen[key]}".encode("utf-8", "surrogateescape")
    return {
        "description": printable(f"{finding.rule.code} {finding.rule.name}: {text}"),
        "check_name": finding.rule.name,
        "fingerprint": hashlib.sha256(identity).hexdigest()[:32],
        "severity": _SEVERITIES[finding.severity],
        "location": {"path": printable(place.path), "lines": {"begin": place.line}},
    }
