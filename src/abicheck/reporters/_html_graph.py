"""What the loader makes of one object, as a graph: which library from where, and what failed.

Drawn are the entry that brought each library, which makes a tree in the
loader's own order, and every entry that failed.  The table has them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from abicheck.model import Binding, FoundBy, LinkMap, ObjectReport, Outcome
from abicheck.reporters._html_text import attribute, text
from abicheck.reporters._words import number

_COLUMN: Final = 250
_ROW: Final = 50
_WIDTH: Final = 196
_HEIGHT: Final = 38
_LETTERS: Final = 26
_NODES: Final = 80
_SYMBOLS: Final = 12

_UNBOUND: Final = {
    Outcome.NO_LIBRARY: "the library that should have it is missing",
    Outcome.NO_VERSION: "no library has that version",
    Outcome.NO_SYMBOL: "no library defines it",
}


@dataclass(frozen=True, slots=True)
class _Node:
    """One object of the search list, or a name for which there is none."""

    key: str
    name: str
    where: str
    state: str
    column: int
    row: int


@dataclass(frozen=True, slots=True)
class _Edge:
    """A DT_NEEDED entry; `faults` are the versions that its provider lacks."""

    source: str
    target: str
    faults: tuple[str, ...] = ()


def link_graph(item: ObjectReport, root: PurePosixPath) -> str:
    """Return the drawing and the same as a table; `root` is where the artifact lies."""
    nodes, edges, left_out = _layout(item.link_map, root)
    drawing = _draw(item, nodes, edges) if edges else ""
    more = f"<p>{number(left_out, 'more library', 'more libraries')} not drawn.</p>"
    return f"{drawing}{more if left_out else ''}{_table(item.link_map, root)}{_unbound(item)}"


def _layout(link_map: LinkMap, root: PurePosixPath) -> tuple[list[_Node], list[_Edge], int]:
    """Place each object a column right of the first that needs it, in the loader's order."""
    columns = {str(link_map.root): 0}
    rows = [1]
    first = str(link_map.root)
    nodes = {first: _Node(first, link_map.root.name, "opened", "root", 0, 0)}
    edges: dict[tuple[str, str], _Edge] = {}
    left_out = set()
    unmet: dict[tuple[str, str], list[str]] = {}
    for version in link_map.unmet_versions:
        pair = str(version.requester), str(version.provider)
        unmet.setdefault(pair, []).append(version.need.version)
    for dependency in link_map.dependencies:
        source = str(dependency.requester)
        if source not in nodes:
            continue
        provider = dependency.provider
        key = str(provider) if provider is not None else f"?{dependency.name}"
        if key not in nodes:
            if len(nodes) >= _NODES:
                left_out.add(key)
                continue
            column = columns[source] + 1
            columns[key] = column
            rows += [0] * (column + 1 - len(rows))
            state, where = _standing(provider, dependency.found_by, root)
            nodes[key] = _Node(key, dependency.name, where, state, column, rows[column])
            rows[column] += 1
            edges[source, key] = _Edge(source, key)
        faults = tuple(unmet.get((source, key), ()))
        if faults or provider is None:
            edges[source, key] = _Edge(source, key, faults)
    return list(nodes.values()), list(edges.values()), len(left_out)


def _standing(
    provider: PurePosixPath | None, found_by: FoundBy | None, root: PurePosixPath
) -> tuple[str, str]:
    """Return a node's class in the style sheet, and where it came from, in words."""
    if provider is None:
        return "missing", "not found"
    how = f" by {found_by}" if found_by not in (None, FoundBy.ALREADY_LOADED) else ""
    if found_by is FoundBy.ALREADY_LOADED:
        how = ", already loaded"
    if provider.is_relative_to(root):
        return "shipped", f"artifact{how}"
    return "target", f"target{how}"


def _draw(item: ObjectReport, nodes: Sequence[_Node], edges: Sequence[_Edge]) -> str:
    width = max(node.column for node in nodes) * _COLUMN + _WIDTH + 2
    height = (max(node.row for node in nodes) + 1) * _ROW
    by_key = {node.key: node for node in nodes}
    missing = sum(node.state == "missing" for node in nodes)
    label = (
        f"Link map of {item.location.path.name}: "
        f"{number(len(nodes) - 1, 'library', 'libraries')}"
        + (f", {missing} not found" if missing else "")
        + ". The table below says the same."
    )
    parts = [_edge(edge, by_key) for edge in edges]
    parts += [_node(node) for node in nodes]
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{attribute(label)}">'
        f'<svg class="graph" role="img" aria-label="{attribute(label)}" width="{width}" '
        f'height="{height}" viewBox="-1 0 {width} {height}">{"".join(parts)}</svg></div>'
    )


def _node(node: _Node) -> str:
    x, y = node.column * _COLUMN, node.row * _ROW + 6
    return (
        f'<g class="node {node.state}"><title>{text(node.key.removeprefix("?"))}</title>'
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="6"/>'
        f'<text x="{x + 10}" y="{y + 16}">{text(_short(node.name))}</text>'
        f'<text class="where" x="{x + 10}" y="{y + 30}">{text(node.where)}</text></g>'
    )


def _edge(edge: _Edge, nodes: dict[str, _Node]) -> str:
    source, target = nodes[edge.source], nodes[edge.target]
    onwards = target.column > source.column
    x1 = source.column * _COLUMN + (_WIDTH if onwards else 0)
    y1 = source.row * _ROW + 6 + _HEIGHT / 2
    x2, y2 = target.column * _COLUMN, target.row * _ROW + 6 + _HEIGHT / 2
    bend = 30 if onwards else -30
    state = "edge fault" if edge.faults or target.state == "missing" else "edge"
    path = f"M{x1} {y1:g}C{x1 + bend} {y1:g} {x2 - 30} {y2:g} {x2} {y2:g}"
    title = f"{source.name} needs {target.name}"
    if edge.faults:
        title += f", which lacks {', '.join(edge.faults)}"
    return f'<path class="{state}" d="{path}"><title>{text(title)}</title></path>'


def _short(name: str) -> str:
    if len(name) <= _LETTERS:
        return name
    return f"{name[: _LETTERS // 2]}…{name[-(_LETTERS // 2 - 1) :]}"


def _table(link_map: LinkMap, root: PurePosixPath) -> str:
    """Return the same for those who read instead of looking."""
    if not link_map.dependencies:
        return "<p>It needs no library.</p>"
    lacking: dict[tuple[str, str], list[str]] = {}
    for unmet in link_map.unmet_versions:
        pair = str(unmet.requester), str(unmet.provider)
        lacking.setdefault(pair, []).append(unmet.need.version)
    rows = []
    for dependency in link_map.dependencies:
        provider = dependency.provider
        state, _ = _standing(provider, dependency.found_by, root)
        faults = lacking.get((str(dependency.requester), str(provider)), [])
        found = str(provider) if provider is not None else dependency.defect or "not found"
        if faults:
            found += f" (lacks {', '.join(faults)})"
        kind = "fault" if faults or provider is None else state
        rows.append(
            f'<tr class="{kind}"><td>{text(dependency.requester.name)}</td>'
            f"<td>{text(dependency.name)}</td><td>{text(found)}</td>"
            f"<td>{text(str(dependency.found_by or ''))}</td></tr>"
        )
    return (
        '<details class="table"><summary>as a table</summary><table><thead><tr>'
        "<th scope=col>object</th><th scope=col>needs</th><th scope=col>gets</th>"
        f"<th scope=col>found by</th></tr></thead><tbody>{''.join(rows)}</tbody></table></details>"
    )


def _unbound(item: ObjectReport) -> str:
    """Return the symbols that nothing defines, each with the reason."""
    faults = [b for b in item.link_map.bindings if b.outcome in _UNBOUND]
    if not faults:
        return ""
    shown = "".join(_symbol(binding) for binding in faults[:_SYMBOLS])
    more = len(faults) - _SYMBOLS
    rest = f"<li>and {more:,} more</li>" if more > 0 else ""
    return f"<p>Symbols that stay unbound:</p><ul>{shown}{rest}</ul>"


def _symbol(binding: Binding) -> str:
    ref = binding.ref
    name = f"{ref.name}@{ref.version}" if ref.version else ref.name
    why = binding.doubt or _UNBOUND[binding.outcome]
    return f"<li><code>{text(name)}</code> of {text(binding.requester.name)}: {text(why)}</li>"
