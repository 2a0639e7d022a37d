"""A smoke import in sentences, and its import times as bars; several formats print the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from abicheck.model import Agreement, ColdStart, ImportShare, Report
from abicheck.reporters._words import number, printable

SHOWN: Final = 10
_WIDTH: Final = 80
_NAME: Final = 30
_BAR: Final = "#"
_MILLISECOND: Final = 1000
_COUNTED: Final = {
    Agreement.AGREED: "as predicted",
    Agreement.ONLY_IN_BASE: "as predicted of the base image only",
    Agreement.LOADED_AFTER_ALL: "predicted to fail, but loaded",
    Agreement.FAILED_AFTER_ALL: "predicted to load, but failed",
    Agreement.OTHER_MESSAGE: "failed with another message",
    Agreement.UNDECIDED: "of uncertain prediction",
    Agreement.UNFINISHED: "not ended within its limits",
}
CAUTION: Final = "A laptop is not Lambda: compare these times, do not quote them."


def milliseconds(microseconds: int) -> str:
    """Return a time as people say it: `1,204 ms`, and `0.4 ms` where it is short."""
    value = microseconds / _MILLISECOND
    return f"{value:,.0f} ms" if value >= SHOWN else f"{value:.1f} ms"


def smoke_lines(report: Report) -> Iterator[str]:
    """Yield what was imported where, how it compares, and how the image would be pinned."""
    run = report.smoke
    if run is None:
        return
    yield f"Smoke import: {number(len(run.imports), 'module')} in {printable(run.image)}"
    counts = Counter(each.agreement for each in report.reconciled)
    yield "  " + ", ".join(
        f"{counts[each]:,} {words}" for each, words in _COUNTED.items() if counts[each]
    )
    where = ", ".join((f"CPython {run.python}", run.platform, run.engine))
    yield f"  {printable(where)}"
    if run.discarded:
        lost = number(run.discarded, "container")
        yield f"  {lost} discarded: what was not finished there ran again"
    if run.pinned and run.pinned != run.image:
        yield f"  pin it: --smoke-image {printable(run.pinned)}"
    elif not run.pinned:
        yield f"  its id is {printable(run.id)}; it has no digest to be pinned by"


def time_line(cold: ColdStart) -> str:
    """Return the total, of what, and against what was allowed."""
    what = "every package once" if cold.module is None else printable(cold.module)
    total = milliseconds(cold.total_us)
    if cold.budget_us is not None:
        total += f" of {milliseconds(cold.budget_us)} allowed"
    return f"Import time of {what}: {total}"


def slowest(cold: ColdStart) -> tuple[ImportShare, ...]:
    """Return the slowest packages, and all the others as one."""
    shown, others = cold.shares[:SHOWN], cold.shares[SHOWN:]
    if not others:
        return shown
    rest = sum(share.self_us for share in others)
    return (*shown, ImportShare(number(len(others), "other"), rest))


def time_lines(cold: ColdStart) -> Iterator[str]:
    """Yield the total, a bar for each of the slowest, and what such times are worth."""
    yield time_line(cold)
    yield from bars(cold)
    yield f"  {CAUTION}"


def bars(cold: ColdStart) -> Iterator[str]:
    """Yield a line for each of the slowest, with a bar; none is longer than 80 columns."""
    shares = slowest(cold)
    names = [_cut(printable(share.name)) for share in shares]
    times = [milliseconds(share.self_us) for share in shares]
    wide, far = max(map(len, names)), max(map(len, times))
    longest = max(share.self_us for share in shares) or 1
    room = _WIDTH - wide - far - len("      ")
    for name, time, share in zip(names, times, shares, strict=True):
        bar = _BAR * round(room * share.self_us / longest)
        yield f"  {name:<{wide}}  {time:>{far}}  {bar}".rstrip()


def _cut(name: str) -> str:
    return name if len(name) <= _NAME else f"{name[: _NAME - 3]}..."
