"""Imports that fail for reasons of Python's, as faults."""

from __future__ import annotations

from collections.abc import Iterator

from abicheck.model import Case, FailedPackage, Fault, Location, Severity, Verdict
from abicheck.rules._told import told_of_files, words


def failures(case: Case) -> Iterator[FailedPackage]:
    """Yield the failing imports that no rule about binaries and links speaks of."""
    told = set(told_of_files(case))
    for failed in case.installed.failures:
        if words(failed.prediction.failure) not in told:
            yield failed


def fault_of(  # noqa: PLR0913 - what varies by rule
    failed: FailedPackage,
    message: str,
    *,
    subject: str,
    why: str = "",
    location: Location | None = None,
    evidence: tuple[str, ...] = (),
    fix: str = "",
) -> Fault:
    """Return the fault of an import that fails, as severe as the import makes it."""
    prediction = failed.prediction
    reasons = [text for text in (why, failed.reason) if text]
    return Fault(
        location or failed.location,
        message,
        subject=subject,
        why="; ".join(reasons),
        evidence=evidence,
        fix=fix,
        module=failed.name,
        failure=prediction.failure,
        via=prediction.via,
        severity=None if failed.severity is Severity.ERROR else failed.severity,
    )


def said(failed: FailedPackage) -> str:
    verb = "fails" if failed.prediction.verdict is Verdict.FAILS else "may fail"
    return f"importing {failed.name} {verb}: {words(failed.prediction.failure)}"
