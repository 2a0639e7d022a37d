"""What was imported for real, and how long it took: tables, one of them with bars."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from abicheck.model import Agreement, ColdStart, Failure, Reconciled, Report
from abicheck.reporters._html_text import text
from abicheck.reporters._smoke import CAUTION, milliseconds, slowest, smoke_lines, time_line

_STATES: Final = {
    Agreement.AGREED: "sound",
    Agreement.ONLY_IN_BASE: "note",
    Agreement.LOADED_AFTER_ALL: "warning",
    Agreement.FAILED_AFTER_ALL: "error",
    Agreement.OTHER_MESSAGE: "warning",
    Agreement.UNDECIDED: "note",
    Agreement.UNFINISHED: "error",
}
_BAR: Final = 400


def smoke_section(report: Report) -> Iterator[str]:
    """Yield the sections of a smoke import; nothing where none was made."""
    if report.smoke is None:
        return
    about, *details = smoke_lines(report)
    yield "<section>\n<h3>What was imported for real</h3>\n"
    yield f"<p>{text(about)}.</p>\n"
    yield "".join(f"<p>{text(line.strip())}</p>\n" for line in details)
    others = [each for each in report.reconciled if each.agreement is not Agreement.AGREED]
    if others:
        yield from _table(others)
    yield "</section>\n"
    if report.cold_start is not None:
        yield from _times(report.cold_start)


def _table(reconciled: list[Reconciled]) -> Iterator[str]:
    yield (
        '<div class="scroll" tabindex="0" role="region" aria-label="Imports not as predicted">'
        "<table><thead><tr><th scope=col>import</th><th scope=col>comparison</th>"
        "<th scope=col>it was said</th><th scope=col>it did</th></tr></thead><tbody>\n"
    )
    for each in reconciled:
        state = _STATES[each.agreement]
        yield (
            f"<tr><th scope=row>{text(each.made.module)}</th>"
            f'<td><span class="badge {state}">{text(each.agreement.value)}</span></td>'
            f"<td>{_said(each.predicted, 'loads')}</td>"
            f"<td>{_said(each.made.failure, each.made.outcome.value)}</td></tr>\n"
        )
    yield "</tbody></table></div>\n"


def _said(failure: Failure | None, otherwise: str) -> str:
    if failure is None:
        return otherwise
    words = (failure.exception, failure.crash, failure.message, failure.stderr)
    return text(": ".join(filter(None, words)))


def _times(cold: ColdStart) -> Iterator[str]:
    """Yield the slowest as a table; the bar beside a time adds nothing for who cannot see it."""
    rows = slowest(cold)
    longest = max(share.self_us for share in rows) or 1
    yield "<section>\n<h3>Import times</h3>\n"
    yield f"<p>{text(time_line(cold))}. {CAUTION}</p>\n"
    yield (
        '<table class="times"><thead><tr><th scope=col>package</th><th scope=col>time</th>'
        "<td></td></tr></thead><tbody>\n"
    )
    for share in rows:
        width = _BAR * share.self_us / longest
        yield (
            f"<tr><th scope=row>{text(share.name)}</th><td>{milliseconds(share.self_us)}</td>"
            f'<td><svg class="bar" viewBox="0 0 {_BAR} 12" preserveAspectRatio="none" '
            f'aria-hidden="true"><rect width="{width:.1f}" height="12"/></svg></td></tr>\n'
        )
    yield "</tbody></table>\n</section>\n"
