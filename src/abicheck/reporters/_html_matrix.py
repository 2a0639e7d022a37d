"""On which of Lambda's runtimes the artifact would load: a table, a row for each runtime."""

from __future__ import annotations

from collections.abc import Iterator

from abicheck.model import Report, RuntimeOutcome
from abicheck.reporters._html_text import text
from abicheck.reporters._matrix import short_reason
from abicheck.reporters._words import number


def matrix_section(report: Report) -> Iterator[str]:
    """Yield the section; nothing where the artifact was judged on its own target alone."""
    if not report.matrix:
        return
    architectures = tuple(dict.fromkeys(outcome.architecture for outcome in report.matrix))
    heads = "".join(f"<th scope=col>{text(each)}</th>" for each in architectures)
    yield "<section>\n<h3>On other runtimes</h3>\n"
    yield (
        '<div class="scroll" tabindex="0" role="region" aria-label="Runtimes">'
        '<table class="runtimes"><caption>Whether it would load on each of Lambda\'s runtimes, '
        "and if not, the first reason why</caption>"
        f"<thead><tr><th scope=col>runtime</th>{heads}</tr></thead><tbody>\n"
    )
    for runtime in dict.fromkeys(outcome.runtime for outcome in report.matrix):
        row = {each.architecture: each for each in report.matrix if each.runtime == runtime}
        mark = "*" if any(each.preliminary for each in row.values()) else ""
        cells = "".join(_cell(report, row.get(each)) for each in architectures)
        yield f"<tr><th scope=row>{text(runtime)}{mark}</th>{cells}</tr>\n"
    yield "</tbody></table></div>\n"
    note = next((each.preliminary for each in report.matrix if each.preliminary), "")
    if note:
        yield f"<p>* preliminary: {text(note)}</p>\n"
    if report.suppressed:
        yield "<p>What is suppressed above counts in this table.</p>\n"
    yield "</section>\n"


def _cell(report: Report, outcome: RuntimeOutcome | None) -> str:
    if outcome is None:
        return "<td></td>"
    here = (report.profile.runtime, report.profile.architecture)
    current = (outcome.runtime, outcome.architecture) == here
    mark = ' aria-current="true"' if current else ""
    about = ' <span class="about">this report</span>' if current else ""
    return f"<td{mark}>{_answer(outcome)}{about}</td>"


def _answer(outcome: RuntimeOutcome) -> str:
    error = outcome.error
    if error is not None:
        reason = text(f"{error.rule.code} {short_reason(error)}")
        return f'<span class="badge error">fails</span> {reason}'
    if not outcome.warnings:
        return '<span class="badge sound">loads</span>'
    return f'<span class="badge sound">loads</span> with {number(outcome.warnings, "warning")}'
