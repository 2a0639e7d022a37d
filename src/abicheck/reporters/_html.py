"""One page that holds everything: no outside resource, light and dark, without a mouse or eyes.

The document forbids itself every resource but its own style and script, by
their digests, so that nothing of an artifact could load or run anything.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Final, TextIO

from abicheck.model import Finding, ObjectReport, Report, RuleInfo, Severity, Verdict
from abicheck.reporters._html_graph import link_graph
from abicheck.reporters._html_map import size_map
from abicheck.reporters._html_matrix import matrix_section
from abicheck.reporters._html_smoke import smoke_section
from abicheck.reporters._html_text import text
from abicheck.reporters._paragraphs import body, fixes, fold, headline
from abicheck.reporters._run import Run
from abicheck.reporters._words import (
    last_words,
    number,
    path_in,
    size_of,
    title,
    verdict,
)

_GRAPHS: Final = 150
_OUTCOMES: Final = {
    Verdict.LOADS: ("sound", "loads"),
    Verdict.FAILS: ("error", "fails"),
    Verdict.UNCERTAIN: ("warning", "uncertain"),
}
_LABELS: Final = {
    "file": "where",
    "says": "the runtime says",
    "why": "why",
    "from": "brought by",
    "via": "reached by",
}


def write(run: Run, stream: TextIO) -> None:
    """Write the page."""
    page = files("abicheck.reporters") / "page"
    style = (page / "page.css").read_text(encoding="utf-8")
    script = (page / "page.js").read_text(encoding="utf-8")
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    name = _name(run)
    stream.write(
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{text(name)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#main">Skip to the verdict</a>\n'
    )
    stream.writelines(_overview(run))
    stream.write('<main id="main">\n')
    for index, report in enumerate(run.reports):
        stream.writelines(_article(report, f"a{index}"))
    stream.write(
        f"</main>\n<footer><p>abicheck {text(run.version)}. {_executed(run)}"
        f"</p></footer>\n<script>{script}</script>\n</body>\n</html>\n"
    )


def _executed(run: Run) -> str:
    if any(report.smoke is not None for report in run.reports):
        return "The artifact was executed in sealed containers, and nowhere else."
    return "Nothing of the artifact was executed."


def _digest(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _name(run: Run) -> str:
    if len(run.reports) != 1:
        return f"abicheck: {number(len(run.reports), 'artifact')}"
    (report,) = run.reports
    return f"{verdict(report).upper()} {title(report)}, abicheck"


def _overview(run: Run) -> Iterator[str]:
    yield '<header class="page">\n<h1>abicheck</h1>\n'
    yield "<p>Will the compiled code in this artifact load where it is going?</p>\n"
    for failure in run.failures:
        yield f'<p class="notice error">Not examined: {text(failure)}</p>\n'
    for notice in run.notices:
        yield f'<p class="notice warning">Configuration: {text(notice)}</p>\n'
    if len(run.reports) > 1:
        yield '<nav aria-label="Artifacts"><ol class="artifacts">\n'
        for index, report in enumerate(run.reports):
            word = verdict(report)
            yield (
                f'<li><a href="#a{index}"><span class="badge {word}">{word.upper()}</span> '
                f"{text(title(report))}</a></li>\n"
            )
        yield "</ol></nav>\n"
    yield "</header>\n"


def _article(report: Report, key: str) -> Iterator[str]:
    word = verdict(report)
    yield f'<article id="{key}" aria-labelledby="{key}-title">\n<div class="verdict {word}">\n'
    yield f'<h2 id="{key}-title"><span class="word">{word.upper()}</span> '
    yield (f"{text(title(report))}</h2>\n<p>{text(report.profile.title)}</p>\n")
    failure = report.first_failure()
    if failure is not None and word != "pass":
        heading, words = last_words(report, failure)
        log = text(words)
        if failure.stderr:
            log += f"\n{text(failure.stderr)}"
        yield f"<p>{heading}</p>\n<pre>{log}</pre>\n"
    if report.unsmoked:
        yield f"<p>No smoke import: {text(report.unsmoked)}</p>\n"
    yield "</div>\n"
    yield from _counts(report)
    links = {path_in(report, item.location): f"{key}-o{n}" for n, item in enumerate(report.objects)}
    yield from _findings(report, links)
    yield from smoke_section(report)
    drawing = size_map(report, links)
    if drawing:
        yield f"<section>\n<h3>Where the bytes are</h3>\n{_LEGEND}\n{drawing}\n</section>\n"
    yield from _objects(report, links)
    yield from _packages(report)
    yield from matrix_section(report)
    yield from _suppressed(report)
    yield "</article>\n"


_LEGEND: Final = (
    '<ul class="legend" aria-label="Colours">'
    '<li><span class="key error"></span>error</li><li><span class="key warning"></span>warning</li>'
    '<li><span class="key note"></span>note</li>'
    '<li><span class="key sound"></span>binary without finding</li>'
    '<li><span class="key files"></span>other files</li></ul>'
)


def _counts(report: Report) -> Iterator[str]:
    modules = sum(item.module is not None for item in report.objects)
    counts = [(report.count(s), str(s), str(s)) for s in reversed(Severity)]
    if report.suppressed:
        counts.append((len(report.suppressed), "suppressed", "plain"))
    counts += [
        (modules, "extension", "plain"),
        (len(report.inventory.distributions), "distribution", "plain"),
        (report.inventory.counts.members, "file", "plain"),
    ]
    yield '<ul class="counts">'
    for count, noun, kind in counts:
        plural = noun if count == 1 or noun == "suppressed" else f"{noun}s"
        used = f"{kind} none" if not count else kind
        yield f'<li class="{used}"><strong>{count:,}</strong> {plural}</li>'
    yield f'<li class="plain"><strong>{size_of(report.inventory.counts.size)}</strong></li></ul>\n'


# --- findings ---


def _findings(report: Report, links: dict[str, str]) -> Iterator[str]:
    if not report.findings:
        return
    said = report.first_failure()
    yield "<section>\n<h3>Findings</h3>\n"
    for group in fold(report.findings):
        severity = group[0].severity
        shown = " open" if severity is not Severity.NOTE else ""
        yield (
            f'<details class="finding {severity}"{shown}><summary>'
            f'<span class="badge {severity}">{severity}</span> '
            f"{text(headline(group))}</summary>\n<dl>"
        )
        last = ""
        for label, line in body(group, said):
            if label == "fix":
                break
            name = _LABELS.get(label, "")
            if name and name != last:
                yield f"<dt>{name}</dt>"
            last = name or last
            yield f"<dd>{text(line)}</dd>"
        yield "</dl>\n"
        for fix in fixes(group):
            yield _fix(fix)
        yield from _maps_of(report, group, links)
        yield f"{_rule(group[0].rule)}</details>\n"
    yield "</section>\n"


def _fix(lines: Sequence[str]) -> str:
    return (
        '<div class="fix"><p>Fix</p><button type="button" hidden>Copy</button>'
        f'<pre tabindex="0" role="region" aria-label="Fix">{text_lines(lines)}</pre></div>\n'
    )


def text_lines(lines: Sequence[str]) -> str:
    """Return lines for the content of an element that keeps them."""
    return "\n".join(text(line) for line in lines)


def _maps_of(report: Report, group: Sequence[Finding], links: dict[str, str]) -> Iterator[str]:
    """Lead from a finding to the link maps of its binaries."""
    paths = dict.fromkeys(path_in(report, finding.fault.location) for finding in group)
    found = [(path, links[path]) for path in paths if path in links][:8]
    if found:
        names = ", ".join(f'<a href="#{k}">{text(p.rpartition("/")[2])}</a>' for p, k in found)
        yield f'<p class="maps">Link map: {names}</p>\n'


def _rule(card: RuleInfo) -> str:
    parts = [f"<p>{_prose(card.summary)}</p><p>{_prose(card.explanation)}</p>"]
    for name, items in (("Common causes", card.causes), ("What to do", card.fixes)):
        if items:
            listed = "".join(f"<li>{_prose(item)}</li>" for item in items)
            parts.append(f"<h4>{name}</h4><ul>{listed}</ul>")
    about = f"About {card.code} {card.name}"
    return f'<details class="rule"><summary>{text(about)}</summary>{"".join(parts)}</details>'


def _prose(value: str) -> str:
    """Return a card's sentence, its code spans as such."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", text(value))


# --- binaries and packages ---


def _objects(report: Report, links: dict[str, str]) -> Iterator[str]:
    if not report.objects:
        return
    order = sorted(report.objects, key=lambda item: (_rank(report, item), item.location))
    yield "<section>\n<h3>Binaries and what they load</h3>\n"
    for index, item in enumerate(order):
        path = path_in(report, item.location)
        state, outcome = _outcome(item)
        shown = " open" if not index and _has_fault(item) else ""
        about = [
            part for part in (item.module and f"module {item.module}", item.kind.value) if part
        ]
        owner = f", {item.distribution}" if item.distribution is not None else ""
        yield (
            f'<details class="object" id="{links[path]}"{shown}><summary>'
            f'<span class="badge {state}">{outcome}</span> <span class="path">{text(path)}</span> '
            f'<span class="about">{text(", ".join(about) + owner)}, '
            f"{size_of(item.facts.size)}</span></summary>\n"
        )
        if item.prediction is not None and item.prediction.failure is not None:
            failure = item.prediction.failure
            said = failure.message or failure.crash or ""
            if failure.exception:
                said = f"{failure.exception}: {said}"
            yield f"<pre>{text(said)}</pre>\n"
        if index < _GRAPHS:
            yield link_graph(item, report.profile.task_root)
        else:
            yield "<p>Its link map is left out for the size of this page.</p>"
        yield "</details>\n"
    yield "</section>\n"


def _has_fault(item: ObjectReport) -> bool:
    """Whether there is something red to see in its link map."""
    link_map = item.link_map
    return bool(link_map.unmet_versions) or any(d.provider is None for d in link_map.dependencies)


def _rank(report: Report, item: ObjectReport) -> int:
    path = path_in(report, item.location)
    worst = [f.severity for f in report.findings if path_in(report, f.fault.location) == path]
    return -max(worst, default=Severity.NOTE - 1)


def _outcome(item: ObjectReport) -> tuple[str, str]:
    """Return a badge's class and word: of the import, or of opening a library alone."""
    if item.prediction is not None:
        return _OUTCOMES[item.prediction.verdict]
    if item.alone is None or item.module is not None:
        return "plain", item.kind.value
    return ("error", "fails alone") if item.alone.certain else ("warning", "uncertain")


def _packages(report: Report) -> Iterator[str]:
    failing = [p for p in report.packages if p.prediction.verdict is not Verdict.LOADS]
    if not report.packages:
        return
    sound = len(report.packages) - len(failing)
    yield (
        "<section>\n<h3>What an import would do</h3>\n"
        f"<p>{sound:,} of {number(len(report.packages), 'top-level name')} can be imported.</p>\n"
    )
    if failing:
        yield (
            '<div class="scroll" tabindex="0" role="region" aria-label="Imports that fail"><table>'
            "<thead><tr><th scope=col>import</th><th scope=col>outcome</th>"
            "<th scope=col>the runtime says</th></tr></thead><tbody>\n"
        )
        for package in failing:
            state, word = _OUTCOMES[package.prediction.verdict]
            failure = package.prediction.failure
            said = (failure.message or failure.crash or "") if failure is not None else ""
            yield (
                f"<tr><th scope=row>{text(package.name)}</th>"
                f'<td><span class="badge {state}">{word}</span></td><td>{text(said)}</td></tr>\n'
            )
        yield "</tbody></table></div>\n"
    yield "</section>\n"


def _suppressed(report: Report) -> Iterator[str]:
    if not report.suppressed:
        return
    yield (
        "<section>\n<h3>Suppressed</h3>\n<table><thead><tr><th scope=col>rule</th>"
        "<th scope=col>where</th><th scope=col>reason</th><th scope=col>until</th></tr></thead>"
        "<tbody>\n"
    )
    for item in report.suppressed:
        rule = item.finding.rule
        path = path_in(report, item.finding.fault.location)
        yield (
            f"<tr><td>{text(f'{rule.code} {rule.name}')}</td><td>{text(path)}</td>"
            f"<td>{text(item.reason)}</td><td>{text(item.expires or 'for good')}</td></tr>\n"
        )
    yield "</tbody></table>\n</section>\n"
