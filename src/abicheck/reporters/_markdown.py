"""Markdown: a table of verdicts, details folded.

Whatever comes from an artifact stands in a code span or a fenced block, where
GitHub and GitLab make no link, mention, image or tag of it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Final, TextIO

from abicheck.model import Failure, Finding, Report, Severity
from abicheck.reporters._paragraphs import Field, body, fixes, fold, headline
from abicheck.reporters._run import Run
from abicheck.reporters._smoke import smoke_lines, time_lines
from abicheck.reporters._text import summary
from abicheck.reporters._words import (
    last_words,
    number,
    printable,
    title,
    verdict,
)

_COMMENT: Final = 60_000  # bytes; a comment on GitHub takes 65,536 characters
_ROWS: Final = 100
_SIGNS: Final = {"PASS": "✅", "FAIL": "❌", "INCOMPLETE": "⚠️"}


def write(run: Run, stream: TextIO) -> None:
    """Write a document that fits into a comment."""
    stream.write(markdown(run, _COMMENT))


def markdown(run: Run, limit: int) -> str:
    """Return the document in at most `limit` bytes of UTF-8; what is left out is counted."""
    blocks = ["".join(_overview(run))]
    size = len(blocks[0].encode()) + 200  # what the last line may take
    sections = [
        section
        for report in run.reports
        if report.findings or report.smoke is not None or report.unsmoked
        for section in ("".join(_heading(report)), *_details(report), *_smoked(report))
    ]
    for index, section in enumerate(sections):
        size += len(section.encode())
        if size > limit:
            rest = number(len(sections) - index, "more section")
            blocks.append(f"\n{rest} left out: this must fit into {limit:,} bytes.\n")
            break
        blocks.append(section)
    return "".join(blocks)


def _overview(run: Run) -> Iterator[str]:
    yield "## abicheck\n\n"
    if run.reports:
        yield "| | artifact | target | errors | warnings | notes | suppressed |\n"
        yield "|---|---|---|--:|--:|--:|--:|\n"
    for report in run.reports[:_ROWS]:
        word = verdict(report).upper()
        counts = (
            report.count(Severity.ERROR),
            report.count(Severity.WARNING),
            report.count(Severity.NOTE),
            len(report.suppressed),
        )
        cells = " | ".join(f"{count:,}" for count in counts)
        yield (
            f"| {_SIGNS[word]} {word} | {_cell(title(report))} | {_cell(report.profile.title)} "
            f"| {cells} |\n"
        )
    if len(run.reports) > _ROWS:
        yield f"\n{number(len(run.reports) - _ROWS, 'more artifact')}.\n"
    for failure in run.failures:
        yield f"\nNot examined: {span(printable(failure))}\n"
    for notice in run.notices:
        yield f"\nConfiguration: {span(printable(notice))}\n"


def _heading(report: Report) -> Iterator[str]:
    yield f"\n### {verdict(report).upper()} {span(title(report))}\n\n"
    failure = report.first_failure()
    if failure is not None and verdict(report) != "pass":
        heading, words = last_words(report, failure)
        log = [printable(words)]
        if failure.stderr:
            log.append(printable(failure.stderr))
        yield f"{heading}\n\n{_fence(log)}\n"
    if report.unsmoked:
        yield f"No smoke import: {span(printable(report.unsmoked))}\n\n"
    yield f"{_prose(summary(report))}\n"


def _details(report: Report) -> Iterator[str]:
    said = report.first_failure()
    for group in fold(report.findings):
        severity = group[0].severity
        is_open = " open" if severity is Severity.ERROR else ""
        name = html.escape(headline(group))
        lines = [f"{label:<6}{text}".rstrip() for label, text in _told(group, said)]
        commands = "".join(f"\n{_fence(fix, 'sh')}" for fix in fixes(group))
        yield (
            f"\n<details{is_open}><summary>{severity} <code>{name}</code></summary>\n\n"
            f"{_fence(lines)}{commands}\n</details>\n"
        )


def _smoked(report: Report) -> Iterator[str]:
    """Yield what was imported and how long it took, folded."""
    lines = [*smoke_lines(report)]
    if not lines:
        return
    if report.cold_start is not None:
        lines += ["", *time_lines(report.cold_start)]
    name = html.escape(lines[0])
    yield f"\n<details><summary><code>{name}</code></summary>\n\n{_fence(lines[1:])}\n</details>\n"


def _told(group: list[Finding], said: Failure | None) -> Iterator[Field]:
    """Yield the fields of a group without its fixes, which are blocks of their own."""
    for field in body(group, said):
        if field[0] == "fix":
            return
        yield field


def span(text: str) -> str:
    """Return a code span; the fence is longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    if not longest:
        return f"`{text}`"
    fence = "`" * (longest + 1)
    return f"{fence} {text} {fence}"


def _cell(text: str) -> str:
    """Return a code span for a table, where a bar ends the cell, even in code and escaped."""
    return span(text.replace("|", "¦"))


def _fence(lines: list[str], language: str = "text") -> str:
    content = "\n".join(lines)
    longest = max((len(run) for run in re.findall("`+", content)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{content}\n{fence}\n"


def _prose(text: str) -> str:
    return html.escape(text, quote=False)
