"""`abicheck targets`: what targets provide; never a verdict."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from textwrap import wrap
from typing import Any, Final

import click

from abicheck.cli._shared import print_report
from abicheck.cli._targets import as_of_option, by_release, full_name, on_day
from abicheck.errors import UsageError
from abicheck.model import Library, TargetProfile
from abicheck.profiles import Change, Comparison, ceilings, compare, list_profiles, load_profile
from abicheck.reporters import columns, printable

_HELP: Final = {"help_option_names": ["-h", "--help"]}
_SHOWN: Final = 2
_WIDTH: Final = 80
_COLUMNS: Final = (21, 21, 7, 25)
_NONE: Final = "-"
_as_json = click.option("--json", "as_json", is_flag=True, help="As JSON.")


@click.group("targets", context_settings=_HELP, no_args_is_help=False, invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """List, show and compare the targets that come with abicheck."""
    if context.invoked_subcommand is None:
        reason = "targets takes a verb: list, show NAME, or diff BEFORE AFTER"
        raise UsageError(reason)


# --- list ---


@command.command("list")
@_as_json
def list_(as_json: bool) -> int:  # noqa: FBT001 - click gives options as arguments
    """List the built-in targets: the runtimes of AWS Lambda, managed and as base image."""
    profiles = [load_profile(name) for name in sorted(list_profiles(), key=_by_name)]
    if as_json:
        return _print_json([_summary(profile) for profile in profiles])
    rows = [("target", "os", "libc", "deprecated", "no updates")]
    for profile in profiles:
        dates = profile.deprecation
        if profile.preliminary:
            days = ("preliminary", _NONE)
        else:
            days = (dates.get("deprecated", _NONE), dates.get("blocked_update", _NONE))
        rows.append((profile.name, profile.os, profile.glibc, *days))
    known = ", ".join(sorted({profile.as_of for profile in profiles}))
    print_report(f"{columns(rows)}\nFacts as of {known}.\n")
    return 0


def _by_name(name: str) -> tuple[tuple[int, ...], str]:
    return by_release(name), name.replace("arm64", "~arm64")  # x86_64 comes first


def _summary(profile: TargetProfile) -> dict[str, Any]:
    return {
        "name": profile.name,
        "title": profile.title,
        "runtime": profile.runtime,
        "architecture": profile.architecture,
        "package": profile.package or None,
        "os": profile.os,
        "libc": f"glibc {profile.glibc}",
        "python": profile.interpreter.dotted,
        "deprecation": dict(profile.deprecation),
        "preliminary": profile.preliminary or None,
        "as_of": profile.as_of,
        "libraries": len(profile.libraries),
        "symbols": sum(len(lib.table.definitions) for lib in profile.libraries.values()),
    }


# --- show ---


@command.command("show")
@click.argument("name")
@as_of_option
@_as_json
def show(name: str, day: str | None, as_json: bool) -> int:  # noqa: FBT001 - click's way
    """Show the target NAME: its libraries, their ceilings, and where each fact comes from.

    NAME is a target, a runtime such as python3.12, or a profile's file.
    """
    profile = on_day(load_profile(full_name(name)), day)
    libraries = sorted(profile.libraries.values(), key=lambda library: str(library.path))
    if as_json:
        whole = _summary(profile) | {
            "image": profile.image or None,
            "search": list(profile.library_path),
            "suffixes": list(profile.interpreter.suffixes),
            "sys_path": [str(path) for path in profile.interpreter.path],
            "libraries": [_library(library) for library in libraries],
            "provenance": dict(profile.provenance),
        }
        return _print_json(whole)
    print_report("".join(f"{line}\n" for line in _shown(profile, libraries)))
    return 0


def _shown(profile: TargetProfile, libraries: Sequence[Library]) -> Iterator[str]:
    python = profile.interpreter
    yield profile.name
    yield profile.title
    yield ""
    if profile.preliminary:
        yield from _field("preliminary", profile.preliminary)
    yield from _field("facts of", profile.as_of)
    yield from _field("deprecated", _dates(profile.deprecation))
    yield from _field("image", profile.image)
    yield from _field("suffixes", " ".join(python.suffixes))
    yield from _field("sys.path", *map(str, python.path))
    yield from _field("libraries in", *profile.library_path)
    yield ""
    rows = [("library", "highest versions", "symbols", "known from")]
    for library in libraries:
        names = len(library.table.definitions)
        rows.append(
            (
                printable(library.path.name),
                _highest(library),
                f"{names:,}" if names else _NONE,
                _known_from(library),
            )
        )
    yield from _table(rows)
    yield ""
    doubts = sorted({library.doubtful for library in libraries if library.doubtful})
    for doubt in doubts:
        yield from _field("doubtful", doubt)
    for kind, source in profile.provenance.items():
        yield from _field(kind.replace("_", " "), source)


def _highest(library: Library) -> str:
    nodes = ceilings(library.table.versions or ())
    more = f" and {len(nodes) - _SHOWN} more" if len(nodes) > _SHOWN else ""
    return " ".join(nodes[:_SHOWN]) + more or _NONE


def _known_from(library: Library) -> str:
    # A capture names each table after the file it read.
    own = library.source == str(library.path)
    source = "its own file" if own else library.source or "name only"
    if library.source and not library.table.complete:
        source = f"{source}, stand-in"
    return f"{source}, doubtful" if library.doubtful else source


def _library(library: Library) -> dict[str, Any]:
    return {
        "path": str(library.path),
        "soname": library.soname,
        "versions": list(library.table.versions or ()),
        "symbols": len(library.table.definitions),
        "source": library.source or None,
        "stand_in": bool(library.source) and not library.table.complete,
        "introduced": dict(library.introduced),
        "doubtful": library.doubtful or None,
    }


def _dates(dates: Mapping[str, str]) -> str:
    if not dates:
        return ""
    text = dates.get("deprecated", "")
    for key, words in (("blocked_create", "no new functions"), ("blocked_update", "no updates")):
        text += f"; {words} from {dates[key]}" if key in dates else ""
    return text


# --- diff ---


@command.command("diff")
@click.argument("before")
@click.argument("after")
@_as_json
def diff(before: str, after: str, as_json: bool) -> int:  # noqa: FBT001 - click's way
    """Say what changes when a function moves from target BEFORE to target AFTER."""
    found = compare(load_profile(full_name(before)), load_profile(full_name(after)))
    if as_json:
        return _print_json(_comparison(found))
    print_report(comparison_text(found))
    return 0


def comparison_text(found: Comparison) -> str:
    """Return what is different, section by section."""
    return "".join(f"{line}\n" for line in _compared(found))


def _compared(found: Comparison) -> Iterator[str]:
    yield from _filled(f"{found.before.title} -> {found.after.title}", "", "  ")
    for change in found.facts:
        text = f"{change.before or _NONE} -> {change.after or _NONE}"
        yield from _filled(text, f"  {change.name:<13} ", " " * 16)
    sections: tuple[tuple[str, Sequence[str]], ...] = (
        ("libraries lost", found.libraries_lost),
        ("libraries gained", found.libraries_gained),
        ("C-API names removed", found.api_lost),
        ("C-API names added", found.api_gained),
    )
    for heading, names in sections[:2]:
        yield from _names(heading, names)
    if found.ceilings:
        yield ""
        yield f"highest versions changed: {len(found.ceilings)}"
        for change in found.ceilings:
            text = f"{change.name}: {change.before or _NONE} -> {change.after or _NONE}"
            yield from wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="    ")
    for heading, names in sections[2:]:
        public = [name for name in names if not name.startswith("_")]
        private = len(names) - len(public)
        yield from _names(heading, public, f", and {private:,} private ones" if private else "")
    if not found.differs:
        yield "no difference"


def _names(heading: str, names: Sequence[str], more: str = "") -> Iterator[str]:
    if names or more:
        yield ""
        yield f"{heading}: {len(names):,}{more}"
        text = printable(", ".join(names))
        yield from wrap(
            text, _WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
        )


def _comparison(found: Comparison) -> dict[str, Any]:
    def changes(items: Iterable[Change]) -> dict[str, Any]:
        return {item.name: {"before": item.before, "after": item.after} for item in items}

    return {
        "before": found.before.name,
        "after": found.after.name,
        "facts": changes(found.facts),
        "libraries": {"lost": list(found.libraries_lost), "gained": list(found.libraries_gained)},
        "ceilings": changes(found.ceilings),
        "c_api": {"removed": list(found.api_lost), "added": list(found.api_gained)},
    }


# --- printing ---


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the rows in columns that fit the width; a cell that does not is folded.

    A name in the first column stays whole, on a line of its own.
    """
    for name, *others in rows:
        if len(name) > _COLUMNS[0]:
            yield name
        cells = [[name] if len(name) <= _COLUMNS[0] else []]
        cells += [
            wrap(cell, width, break_on_hyphens=False)
            for cell, width in zip(others, _COLUMNS[1:], strict=True)
        ]
        for parts in zip_longest(*cells, fillvalue=""):
            line = "  ".join(
                f"{part:<{width}}" for part, width in zip(parts, _COLUMNS, strict=True)
            )
            yield line.rstrip()


def _filled(text: str, first: str, rest: str) -> Iterator[str]:
    """Yield a text in lines that fit the width, broken at blanks and behind colons."""
    line = first
    for piece in re.split(r"(?<=[ :])(?=\S)", printable(text)):
        if len(line) + len(piece.rstrip()) > _WIDTH and line.strip() and line != first:
            yield line.rstrip()
            line = rest
        line += piece
    yield line.rstrip()


def _field(label: str, *values: str) -> Iterator[str]:
    indent = " " * 16
    for index, value in enumerate(value for value in values if value):
        first = f"  {'' if index else label:<13} "
        text = printable(value)
        yield from wrap(
            text, _WIDTH, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False
        )


def _print_json(document: object) -> int:
    print_report(json.dumps(document, indent=2) + "\n")
    return 0
