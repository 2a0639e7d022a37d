"""Findings as paragraphs: folded, with a headline and fields; text and Markdown print the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from abicheck.model import Failure, Finding, Severity
from abicheck.reporters._words import printable

_MESSAGES: Final = 8
_ORIGINS: Final = 3
_LONGEST_ORIGIN: Final = 160
_FIXES: Final = 4

Field = tuple[str, str]
"""A label, empty where the one before goes on, and a line that is safe to print."""


def fold(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Fold findings of one rule, severity and distribution, in the order of the first."""
    groups: dict[tuple[str, Severity, str], list[Finding]] = {}
    for finding in findings:
        owner = str(finding.distribution) if finding.distribution is not None else ""
        groups.setdefault((finding.rule.code, finding.severity, owner), []).append(finding)
    return list(groups.values())


def headline(group: Sequence[Finding]) -> str:
    """Return the rule and what it is about: `ABI201 wrong-python-tag: pydantic_core 2.41.5`."""
    rule, owner = group[0].rule, group[0].distribution
    subject = printable(str(owner)) if owner is not None else rule.summary
    return f"{rule.code} {rule.name}: {subject}"


def body(group: Sequence[Finding], said: Failure | None) -> Iterator[Field]:
    """Yield where, what the runtime says (unless that was `said` already), why, and the fix."""
    fault = group[0].fault
    reasons = {finding.fault.why for finding in group}
    yield from _places(group, each_why=len(reasons) > 1)
    words = fault.failure.message if fault.failure is not None else None
    if words and fault.failure != said and words not in fault.message:
        yield ("says", printable(words))
    if len(reasons) == 1 and fault.why:
        yield ("why", printable(fault.why))
    for origin in islice(dict.fromkeys(f.fault.origin for f in group if f.fault.origin), _ORIGINS):
        yield ("from", printable(origin[:_LONGEST_ORIGIN]))
    if fault.via:
        yield ("via", " > ".join(printable(str(site)) for site in fault.via))
    for fix in fixes(group):
        for index, line in enumerate(fix):
            yield ("" if index else "fix", line)


def fixes(group: Sequence[Finding]) -> Iterator[list[str]]:
    """Yield each fix once, as the lines of a command."""
    for fix in islice(dict.fromkeys(f.fault.fix for f in group if f.fault.fix), _FIXES):
        yield [printable(line) for line in fix.splitlines()]


def _places(group: Sequence[Finding], *, each_why: bool) -> Iterator[Field]:
    """Yield the files of a group, those with the same fault folded."""
    same: dict[str, list[Finding]] = {}
    for finding in group:
        same.setdefault(finding.fault.message, []).append(finding)
    for message, findings in islice(same.items(), _MESSAGES):
        more = f"  and {len(findings) - 1} more" if len(findings) > 1 else ""
        path = printable(str(findings[0].fault.location.path)) or "."
        yield ("file", path + more)
        if len(group) > 1 or findings[0].rule.code != "ABI201":
            yield ("", printable(message))
        if each_why and findings[0].fault.why:
            yield ("why", printable(findings[0].fault.why))
    if len(same) > _MESSAGES:
        yield ("", f"and {len(same) - _MESSAGES} more like these")
