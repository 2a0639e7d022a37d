"""The table of `abicheck matrix`: an artifact on every target, one line each."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Any, Final

from abicheck.model import Finding, Report, Severity
from abicheck.reporters._columns import columns
from abicheck.reporters._words import number, printable

_WIDTH: Final = 80  # of a reason's line, the columns before it included
_LOADS: Final = "loads"


def matrix_text(reports: Sequence[Report]) -> str:
    """Return the table; a reason that is too long for its line is cut."""
    heads = [("runtime", "architecture")]
    for report in reports:
        profile = report.profile
        runtime = f"{profile.runtime}*" if profile.preliminary else profile.runtime
        heads.append((runtime, profile.architecture))
    room = _WIDTH - sum(max(len(head[column]) for head in heads) + 2 for column in (0, 1))
    answers = ["", *(_answer(report, room) for report in reports)]
    table = columns([(*head, answer) for head, answer in zip(heads, answers, strict=True)])
    note = next((r.profile.preliminary for r in reports if r.profile.preliminary), "")
    footer = "".join(f"{line}\n" for line in wrap(f"* preliminary: {note}", _WIDTH)) if note else ""
    return f"{printable(reports[0].inventory.artifact)}\n{table}{footer}"


def matrix_json(reports: Sequence[Report]) -> dict[str, Any]:
    """Return the same as a document, with the reasons whole."""
    first = reports[0].inventory
    return {
        "schema_version": 1,
        "path": first.artifact,
        "sha256": first.sha256,
        "targets": [_row(report) for report in reports],
    }


def _row(report: Report) -> dict[str, Any]:
    error, failure = report.first_error(), report.first_failure()
    return {
        "target": report.profile.name,
        "runtime": report.profile.runtime,
        "architecture": report.profile.architecture,
        "preliminary": bool(report.profile.preliminary),
        "loads": error is None,
        "errors": report.count(Severity.ERROR),
        "warnings": report.count(Severity.WARNING),
        "code": error.rule.code if error is not None else None,
        "reason": _reason(error) if error is not None else None,
        "runtime_message": failure.message if error is not None and failure is not None else None,
    }


def _answer(report: Report, room: int) -> str:
    """Return what becomes of the artifact, in so many characters."""
    error, warnings = report.first_error(), report.count(Severity.WARNING)
    if error is None:
        return f"{_LOADS}, with {number(warnings, 'warning')}" if warnings else _LOADS
    texts = [_reason(error), short_reason(error), printable(_cause(error))]
    texts = [f"{error.rule.code} {text}" for text in texts]
    fitting = (text for text in texts if len(text) <= room)
    return next(fitting, f"{min(texts, key=len)[: room - 3]}...")


def _reason(finding: Finding) -> str:
    """Return what is wrong, and with what."""
    return _blame(finding, finding.fault.message)


def short_reason(finding: Finding) -> str:
    """Return what is the cause of it, in a few words, and in what."""
    return _blame(finding, _cause(finding))


def _cause(finding: Finding) -> str:
    return finding.fault.why.partition(";")[0] or finding.fault.message


def _blame(finding: Finding, text: str) -> str:
    owner = finding.distribution
    where = str(owner) if owner is not None else str(finding.fault.location)
    return printable(f"{where}: {text}" if where != "." else text)
