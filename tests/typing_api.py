"""The public API, as its users' type checkers see it; this file only has to type-check."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import assert_type

import abicheck
from abicheck import (
    AbicheckError,
    Finding,
    Report,
    Severity,
    TargetProfile,
    check,
    load_profile,
)


def check_and_print(path: Path) -> int:
    """Everything a caller needs: a target, a report, its findings, and the one exception."""
    try:
        profile = load_profile("lambda-python3.13-x86_64")
        report = check(path, profile)
    except AbicheckError as error:
        assert_type(str(error), str)
        return 3
    assert_type(profile, TargetProfile)
    assert_type(report, Report)
    for finding in report.findings:
        assert_type(finding, Finding)
        assert_type(finding.severity, Severity)
    return int(report.at_least(Severity.ERROR))


def everything_a_report_says(report: Report) -> Iterator[str]:
    """The parts of a report are values with types of their own."""
    assert_type(report.findings, tuple[Finding, ...])
    assert_type(report.count(Severity.WARNING), int)
    assert_type(report.inventory.sha256, str | None)
    assert_type(report.profile.glibc, str)
    for finding in report.findings:
        assert_type(finding.rule.code, str)
        assert_type(finding.fingerprint, str)
        assert_type(finding.fault.evidence, tuple[str, ...])
        failure = finding.fault.failure
        if failure is not None:
            assert_type(failure.message, str | None)
        yield f"{finding.severity}: {finding.rule.name}: {finding.fault.location}"
    for item in report.objects:
        assert_type(item.module, str | None)
        if item.prediction is not None:
            yield item.prediction.verdict.value
    for package in report.packages:
        assert_type(package.name, str)


def options(path: Path, profile: TargetProfile) -> None:
    """Handler and progress are given by name."""
    assert_type(check(path, profile, handler="app.handler"), Report)
    assert_type(check(path, profile, progress=print), Report)
    check(path, profile, "app.handler")  # type: ignore[call-arg]
    assert_type(check("docker:app:1", profile, architecture="arm64"), Report)
    check(path, "lambda-python3.13-x86_64")  # type: ignore[arg-type]


def values_cannot_be_changed(report: Report, finding: Finding) -> None:
    """A report is frozen."""
    report.findings = ()  # type: ignore[misc]
    finding.severity = Severity.NOTE  # type: ignore[misc]
    assert_type(Severity.ERROR > Severity.NOTE, bool)


assert_type(abicheck.__version__, str)
assert_type(abicheck.__all__, list[str])
