"""The map of an artifact by size, coloured by finding: inline SVG."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from abicheck.model import ElfFacts, Location, ObjectReport, Report, Severity, heading
from abicheck.reporters._html_text import attribute, text
from abicheck.reporters._treemap import Rectangle, squarify
from abicheck.reporters._words import layer_of, number, path_in, size_of

_SPACE: Final = Rectangle(0, 0, 1000, 420)
_HEADING: Final = 18.0
_LETTER: Final = 6.3  # units that a letter takes, about
_TOPS: Final = 40
_INNER: Final = 60


@dataclass(frozen=True, slots=True)
class _Cell:
    """One rectangle: how many bytes, what it is called, and its class in the style sheet."""

    size: int
    name: str
    state: str
    link: str = ""


def size_map(report: Report, links: Mapping[str, str]) -> str:
    """Return the drawing; `links` leads from a path in the artifact to its place on the page."""
    groups = _groups(report, links)
    if not groups:
        return ""
    names = list(groups)
    totals = [sum(cell.size for cell in groups[name]) for name in names]
    order = sorted(range(len(names)), key=lambda i: (-totals[i], names[i]))
    rectangles = squarify([totals[i] for i in order], _SPACE)
    drawn = [
        part
        for i, space in zip(order, rectangles, strict=True)
        for part in _group(names[i], totals[i], groups[names[i]], space)
    ]
    label = (
        f"Map of {number(report.inventory.counts.members, 'file')}, "
        f"{size_of(report.inventory.counts.size)}: the larger the area, the more bytes."
    )
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="Map of the bytes">'
        f'<svg class="map" viewBox="0 0 {_SPACE.width:g} {_SPACE.height:g}" role="group" '
        f'aria-label="{attribute(label)}">{"".join(drawn)}</svg></div>'
    )


def _groups(report: Report, links: Mapping[str, str]) -> Mapping[str, Sequence[_Cell]]:
    """Return the cells of each top-level name; the smallest names share one."""
    worst: dict[str, Severity] = {}
    for finding in report.findings:
        path = path_in(report, finding.fault.location)
        worst[path] = max(finding.severity, worst.get(path, Severity.NOTE))
    sizes = dict(report.inventory.sizes)
    binaries: dict[str, list[ObjectReport]] = defaultdict(list)
    for item in report.objects:
        if item.location.path.parts:
            binaries[_top(report, item.location)].append(item)
    for top, items in binaries.items():
        sizes.setdefault(top, sum(item.facts.size for item in items))
    tops = sorted((top for top in sizes if sizes[top] > 0), key=lambda top: (-sizes[top], top))
    found = {_top(report, finding.fault.location) for finding in report.findings}
    shown = set(tops[:_TOPS]) | {top for top in tops if top in found}
    groups = {
        top: list(_cells(report, top, sizes[top], binaries[top], worst, links))
        for top in tops
        if top in shown
    }
    others = [top for top in tops if top not in shown]
    if others:
        rest = sum(sizes[top] for top in others)
        groups[number(len(others), "smaller name")] = [_Cell(rest, "", "files")]
    return groups


def _top(report: Report, location: Location) -> str:
    """Return what the bytes of a file are counted under; an image's layer is no part of it."""
    return heading(str(location.path), location.layer if layer_of(report, location) else "")


def _cells(  # noqa: PLR0913, PLR0917 - one heading, and all that is known of it
    report: Report,
    top: str,
    size: int,
    items: Sequence[ObjectReport],
    worst: Mapping[str, Severity],
    links: Mapping[str, str],
) -> Iterator[_Cell]:
    items = sorted(items, key=lambda item: (-item.facts.size, item.location.path))
    shown = [
        item
        for index, item in enumerate(items)
        if index < _INNER or path_in(report, item.location) in worst
    ]
    rest = size
    for item in shown:
        path = path_in(report, item.location)
        state = str(worst[path]) if path in worst else _state(item)
        rest -= item.facts.size
        yield _Cell(max(1, item.facts.size), path, state, links.get(path, ""))
    if rest > 0:
        at_top = str(worst[top]) if top in worst and not items else "files"
        yield _Cell(rest, "other files" if shown else "", at_top)


def _state(item: ObjectReport) -> str:
    return "sound" if isinstance(item.facts, ElfFacts) else "foreign"


def _group(name: str, total: int, cells: Sequence[_Cell], space: Rectangle) -> Iterator[str]:
    title = f"{name}, {size_of(total)}"
    yield f"<g><title>{text(title)}</title>"
    yield _rectangle("top", space)
    has_heading = space.height > 2 * _HEADING and space.width > 40  # noqa: PLR2004 - a few letters
    if has_heading:
        yield _label(title, space.x + 4, space.y + 13, space.width - 8, "heading")
    inner = space.inset(1.5, _HEADING if has_heading else 1.5)
    places = squarify([cell.size for cell in cells], inner)
    for cell, place in zip(cells, places, strict=True):
        yield from _cell(cell, place)
    yield "</g>"


def _cell(cell: _Cell, place: Rectangle) -> Iterator[str]:
    told = {"sound": "no finding", "files": "", "foreign": "not an ELF file"}
    about = ", ".join(
        part for part in (cell.name, size_of(cell.size), told.get(cell.state, cell.state)) if part
    )
    shape = f"<title>{text(about)}</title>{_rectangle(cell.state, place)}"
    if place.height > 14:  # noqa: PLR2004 - a line of text
        base = cell.name.rpartition("/")[2]
        shape += _label(base, place.x + 4, place.y + 13, place.width - 8)
    if not cell.link:
        yield f"<g>{shape}</g>"
        return
    yield f'<a href="#{cell.link}" aria-label="{attribute(about)}">{shape}</a>'


def _rectangle(state: str, place: Rectangle) -> str:
    return (
        f'<rect class="{state}" x="{place.x:.1f}" y="{place.y:.1f}" '
        f'width="{place.width:.1f}" height="{place.height:.1f}"/>'
    )


def _label(name: str, x: float, y: float, width: float, kind: str = "label") -> str:
    """Return as much of a name as fits, or nothing where that says little."""
    room = int(width / _LETTER)
    if room < 4 or not name:  # noqa: PLR2004 - fewer letters say nothing
        return ""
    shown = name if len(name) <= room else f"{name[: room - 1]}…"
    return f'<text class="{kind}" aria-hidden="true" x="{x:.1f}" y="{y:.1f}">{text(shown)}</text>'
