"""Workflow commands of GitHub Actions: annotations, few enough that all are shown.

GitHub shows ten errors, ten warnings and ten notices of a step, and drops the
rest without a word.  So findings are folded, and the last one says how many
are not shown.  The grammar is that of the runner's ActionCommand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TextIO

from abicheck.model import Finding, Severity
from abicheck.reporters._paragraphs import body, fold, headline
from abicheck.reporters._run import Anchors, Place, Run
from abicheck.reporters._text import summary
from abicheck.reporters._words import printable, title, verdict

_SHOWN: Final = 10
_LONGEST: Final = 4000  # characters of a message; beyond that GitHub cuts it itself
_COMMANDS: Final = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.NOTE: "notice",
}

Group = tuple[Place, str, str]
"""Where, under which title, and what an annotation says."""


def write(run: Run, stream: TextIO) -> None:
    """Write the annotations, the errors first as a rule, and a line for each artifact."""
    for severity in _severities(run):
        groups = [
            _group(group, anchors, report.function)
            for report, anchors in run.anchored()
            for group in fold(report.findings)
            if group[0].severity is severity
        ]
        stream.writelines(_commands(_COMMANDS[severity], groups))
    stream.writelines(
        f"::error title=abicheck::{_data(printable(failure))}\n" for failure in run.failures
    )
    stream.writelines(
        f"::warning title=abicheck::{_data(printable(notice))}\n" for notice in run.notices
    )
    for report in run.reports:
        line = f"{verdict(report).upper():<4}  {title(report)}: {summary(report)}"
        # The runner obeys `##[command]` anywhere in a line.
        stream.write(line.replace("##[", "# #[") + "\n")


def _severities(run: Run) -> list[Severity]:
    """Return the severities, the highest first, but before it what puts a report in doubt.

    A report that begins with less than its worst says by this that the rest may be wrong.
    """
    doubts = {
        report.findings[0].severity
        for report in run.reports
        if any(each.severity > report.findings[0].severity for each in report.findings)
    }
    return sorted(Severity, key=lambda severity: (severity not in doubts, -severity))


def _commands(command: str, groups: list[Group]) -> Iterator[str]:
    shown = groups if len(groups) <= _SHOWN else groups[: _SHOWN - 1]
    for place, name, text in shown:
        where = f"file={_property(place.path)},line={place.line}"
        yield f"::{command} {where},title={_property(name)}::{_data(text[:_LONGEST])}\n"
    if len(shown) < len(groups):
        rest = len(groups) - len(shown)
        yield f"::{command} title=abicheck::and {rest:,} more: see the summary of the job\n"


def _group(group: list[Finding], anchors: Anchors, function: str | None) -> Group:
    name = headline(group)
    if function:
        name = f"{printable(function)}: {name}"
    lines = [f"{label:<6}{text}".rstrip() for label, text in body(group, None)]
    return anchors.of(group[0]), name, "\n".join(lines)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
