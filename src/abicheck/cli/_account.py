"""`-v`: what was read, on which target and why, what is in it, and what was asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from abicheck.cli._options import config_of, long_options, source_of
from abicheck.model import Dependency, ObjectKind, ObjectReport, Report, TargetProfile, Verdict
from abicheck.reporters import number

if TYPE_CHECKING:
    import click

_UNSAID: Final = ("verbose", "quiet", "color", "progress")
_NOUNS: Final = {ObjectKind.FOREIGN: "file that is no ELF", ObjectKind.PROGRAM: "program"}
_OF_A_TARGET: Final = ("target", "runtime", "architecture", "as-of")


def configured(ctx: click.Context) -> Iterator[str]:
    """Yield which configuration was read, and each option that has not its default, and why."""
    config = config_of(ctx)
    if config.path is not None:
        names = ", ".join(function.name for function in config.functions)
        yield f"configuration: {config.path}" + (f", with the functions {names}" if names else "")
    else:
        yield "configuration: none"
    for name in long_options(ctx.command):
        where = source_of(ctx, {}, name)
        if where and name not in _UNSAID:
            value = ctx.params[str(long_options(ctx.command)[name].name)]
            text = ", ".join(value) if isinstance(value, tuple) else str(value)
            yield f"--{name} {text}: {where}"


def judged_on(
    ctx: click.Context, own: Mapping[str, Any], options: Mapping[str, Any], target: TargetProfile
) -> str:
    """Return on which target an artifact is judged, and what says so.

    `own` are the options of its function, `options` what holds for it.
    """
    named = [
        f"--{name} {value}: {source_of(ctx, own, name)}"
        for name in _OF_A_TARGET
        if (value := options[str(long_options(ctx.command)[name].name)]) is not None
    ]
    why = "; ".join(named) or "the default"
    known = f", {target.title}, as of {target.as_of}" if target.as_of else f", {target.title}"
    return f"target {target.name}{known} ({why})"


def found_in(report: Report, asked: int, of: int) -> Iterator[str]:
    """Yield what an artifact turned out to be, its binaries, and what was asked of it."""
    inventory, profile = report.inventory, report.profile
    counts = inventory.counts
    kind = "layer" if inventory.is_layer else inventory.kind.value
    digest = f", sha256 {inventory.sha256}" if inventory.sha256 else ""
    files = number(counts.members, "file")
    yield f"read as a {kind}: {files}, {counts.size:,} bytes unpacked{digest}"
    if inventory.image is not None:
        yield f"judged by itself: {profile.title}"
    for layer in inventory.layers:
        yield f"layer {layer.name}: {number(layer.counts.members, 'file')} from {layer.source}"
    kinds = Counter(item.kind for item in report.objects)
    plural = {ObjectKind.LIBRARY: "libraries"}
    parts = [
        number(kinds[each], _NOUNS.get(each, each.value), plural.get(each, ""))
        for each in ObjectKind
        if kinds[each]
    ]
    parts.append(number(len(inventory.distributions), "distribution"))
    yield ", ".join(parts)
    for item in report.objects:
        yield f"{item.kind.value} {item.location}: {_outcome(item)}"
    codes = Counter(finding.rule.code for finding in report.findings)
    told = ", ".join(f"{code} {count}" for code, count in sorted(codes.items()))
    yield f"{asked} of {number(of, 'rule')} asked; found: {told or 'nothing'}"


def _outcome(item: ObjectReport) -> str:
    """Return what becomes of a binary, and of what the loader did for it."""
    links = item.link_map
    text = "not opened"
    if item.prediction is not None:
        text = f"import {item.module} {_verb(item.prediction.verdict)}"
    elif item.kind is not ObjectKind.FOREIGN:
        text = "loads alone" if item.alone is None else "does not load alone"
    if links.bound:
        text += f", {number(links.bound, 'reference')} bound"
    if links.assumed:
        text += f", {links.assumed:,} of them assumed"
    found = {each.name: _how(each) for each in links.dependencies}
    return text + "".join(f"; {name} {how}" for name, how in found.items())


def _how(dependency: Dependency) -> str:
    """Return from where a library came, and by which of the loader's ways."""
    if dependency.provider is None:
        return "not found"
    return f"is {dependency.provider}, by {dependency.found_by}"


def _verb(verdict: Verdict) -> str:
    return "is uncertain" if verdict is Verdict.UNCERTAIN else verdict.value
