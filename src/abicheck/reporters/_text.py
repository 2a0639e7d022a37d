"""Text for people: the verdict first, then what breaks, where, why, and the fix.

Plain and stable without a terminal; rich is imported only where there is
colour to be had.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TextIO

from abicheck.model import (
    ArtifactKind,
    ObjectKind,
    Report,
    Severity,
)
from abicheck.reporters._paragraphs import body, fold, headline
from abicheck.reporters._run import Run
from abicheck.reporters._smoke import smoke_lines, time_lines
from abicheck.reporters._words import (
    last_words,
    number,
    printable,
    title,
    verdict,
)

_MIB: Final = 1 << 20
_STYLES: Final = {
    "PASS": "bold green",
    "FAIL": "bold red",
    "INCOMPLETE": "bold yellow",
    "error": "bold red",
    "warning": "bold yellow",
    "note": "bold cyan",
    "label": "dim",
    "log": "red",
}

Line = list[tuple[str, str]]
"""One line: text and the name of its style, part by part."""


def write(run: Run, stream: TextIO) -> None:
    """Write a run as text for people."""
    write_text(run.reports, stream, color=run.color, quiet=run.quiet)


def write_text(
    reports: Sequence[Report], stream: TextIO, *, color: bool, quiet: bool = False
) -> None:
    """Write every report, details for those that have findings."""
    lines: list[Line] = []
    for index, report in enumerate(reports):
        if index and (_is_long(report) or _is_long(reports[index - 1])):
            lines.append([])
        lines += _report(report, quiet=quiet)
    if color:
        _write_colored(lines, stream)
    else:
        stream.writelines("".join(text for text, _ in line) + "\n" for line in lines)


def _write_colored(lines: Sequence[Line], stream: TextIO) -> None:
    from rich.console import Console  # noqa: PLC0415 - costs 30 ms that plain text need not pay
    from rich.text import Text  # noqa: PLC0415

    # Whether there is colour has been decided; rich must not look at the environment again.
    console = Console(
        file=stream,
        force_terminal=True,
        color_system="standard",
        no_color=False,
        highlight=False,
        soft_wrap=True,
        _environ={},
    )
    for line in lines:
        text = Text()
        for part, style in line:
            text.append(part, _STYLES.get(style, ""))
        console.print(text)


def _report(report: Report, *, quiet: bool) -> Iterator[Line]:
    word = verdict(report).upper()
    name = title(report)
    yield [(f"{word:<4}", word), (f"  {name}   {report.profile.title}{_built(report)}", "")]
    if report.unsmoked:
        yield []
        yield [("No smoke import: ", "INCOMPLETE"), (printable(report.unsmoked), "")]
    failure = report.first_failure()
    if failure is not None and word != "PASS":
        yield []
        heading, words = last_words(report, failure)
        yield [(heading, "label")]
        yield [("  " + printable(words), "log")]
        if failure.stderr:
            yield [("  " + printable(failure.stderr), "log")]
    for group in fold(report.findings):
        yield []
        severity = str(group[0].severity)
        yield [(severity, severity), (f" {headline(group)}", "")]
        yield from (
            [(f"  {label:<6}", "label"), (text, "")] for label, text in body(group, failure)
        )
    if not quiet:
        yield from _smoked(report)
        if _is_long(report):
            yield []
        yield [(summary(report), "")]
        codes = dict.fromkeys(f.rule.code for f in report.findings)
        if codes:
            yield [("More: ", "label"), (f"abicheck explain {next(iter(codes))}", "")]


def _is_long(report: Report) -> bool:
    """Whether a report has more to say than its verdict and its summary."""
    return bool(report.findings or report.smoke is not None or report.unsmoked)


def _smoked(report: Report) -> Iterator[Line]:
    if report.smoke is None:
        return
    yield []
    yield from ([(line, "")] for line in smoke_lines(report))
    if report.cold_start is not None:
        yield []
        yield from ([(line, "")] for line in time_lines(report.cold_start))


def summary(report: Report) -> str:
    """Return one line with every count, and what the artifact seems to have been made for."""
    counts = report.inventory.counts
    found = [
        number(report.count(severity), str(severity))
        for severity in reversed(Severity)
        if report.count(severity)
    ]
    modules = sum(item.module is not None for item in report.objects)
    libraries = sum(item.kind is ObjectKind.LIBRARY for item in report.objects)
    parts = [number(modules, "extension")]
    if libraries:
        parts.append(number(libraries, "library", "libraries"))
    parts.append(number(len(report.inventory.distributions), "distribution"))
    parts.append(number(counts.members, "file"))
    size = f"{counts.size / _MIB:,.0f}" if counts.size >= _MIB else f"{counts.size / _MIB:.1f}"
    limit = report.profile.limits.get("unzipped")
    if report.inventory.kind is ArtifactKind.ZIP and limit:
        parts.append(f"{size} of {limit // _MIB} MiB")
    else:
        parts.append(f"{size} MiB")
    if report.suppressed:
        found = [*(found or ["Nothing found"]), f"{len(report.suppressed):,} suppressed"]
    text = f"{', '.join(found) or 'Nothing found'}. {', '.join(parts)}."
    other = _named_for(report)
    return f"{text} {other}" if other else text


def _built(report: Report) -> str:
    """Say in the first line for which runtime all was built, and how to ask about that one."""
    other = report.elsewhere
    if other is None or not other.plainly:
        return ""
    return (
        f"; built for {other.runtime}, {other.architecture}: passes with "
        f"--runtime {other.runtime} --architecture {other.architecture}"
    )


def _named_for(report: Report) -> str:
    """Say where it would load, or for which CPython the files that are ignored are named."""
    if report.elsewhere is not None:
        other, here = report.elsewhere, report.profile
        machine = "" if other.architecture == here.architecture else f", {other.architecture}"
        return f"Would load on {other.runtime}{machine}."
    versions = set()
    for module in report.inventory.extensions:
        if module.selected is None and module.shadowed_by is None:
            for sibling in module.siblings:
                reason = sibling.reason
                if not reason.startswith("built for CPython ") or "," in reason:
                    return ""
                versions.add(reason.removeprefix("built for CPython "))
    if len(versions) != 1:
        return ""
    return f"Its extensions are named for python{versions.pop()}."
