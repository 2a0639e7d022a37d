"""ABI7xx: the files of distributions against their RECORD.

What is lost matters where something imports it, and what was changed where the
loader maps it; the importer asks for no more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final

from abicheck.model import (
    Altered,
    Case,
    Distribution,
    ElfFacts,
    FailedPackage,
    Fault,
    ForeignFile,
    Location,
    RecordReport,
    Severity,
)
from abicheck.rules._fixes import reinstall
from abicheck.rules._imports import failures, fault_of, said
from abicheck.rules._rule import rule

_MOST: Final = 10  # names of files in the evidence of one finding
_NAMED: Final = 3  # and in its message
_TESTS: Final = frozenset({"test", "tests", "testing"})
_PLURAL: Final[Mapping[str, str]] = {
    "its metadata": "of its metadata",
    "a test": "tests",
    "a stub": "stubs",
    "a binary": "binaries",
    "a module": "modules",
    "another file": "other files",
}
_SUFFIXES: Final = (".so", ".dylib", ".dll", ".pyd")


@rule(
    "ABI702",
    Severity.ERROR,
    "a file that was installed is not there",
    explanation="RECORD lists every file that an installer wrote.  What is gone was pruned, or was "
    "never copied.  It is an error where an import fails of it, a warning where a line that "
    "nothing guards imports it, and a note where no import needs it: tests, stubs, data.  Scripts "
    "and bytecode are not expected to be there.",
    messages=("No module named '*'", "cannot import name '*' from '*'"),
    causes=("a prune script that took too much", "a copy that left out a folder or a kind of file"),
    fixes=("install the distribution anew, and prune less",),
)
def installed_file_is_gone(case: Case) -> Iterator[Fault]:
    """Every file of a distribution that something imports must be there."""
    told: set[Distribution] = {d for group in case.installed.doubles for d in group}
    reports = {report.distribution: report for report in case.installed.records}
    for failed in failures(case):
        if failed.lost and not failed.metadata:
            report = next(r for r in reports.values() if failed.lost[0] in r.lost)
            told.add(report.distribution)
            yield _lost(case, failed, report)
    for distribution, report in reports.items():
        if distribution not in told:
            yield from _gone(case, report)


def _lost(case: Case, failed: FailedPackage, report: RecordReport) -> Fault:
    """Return the error, or what may be one: an import fails of what is lost."""
    first = failed.lost[0]
    return fault_of(
        failed,
        said(failed),
        subject=str(first),
        why=f"RECORD lists {first}; {_count(report, report.lost)}",
        location=first,
        evidence=tuple(map(str, failed.lost[:_MOST])),
        fix=reinstall(case, report.distribution.location),
    )


def _gone(case: Case, report: RecordReport) -> Iterator[Fault]:
    """Yield what is known of the lost files of a distribution, whose import succeeds without."""
    folder = report.distribution.location
    missing = {
        dependency.name
        for root in case.roots
        for dependency in root.link_map.dependencies
        if dependency.provider is None
    }
    # Those in whose folder a library is missed: that is said by the rule about it.
    told = {place.path.parent for place in report.lost if place.path.name in missing}
    lost = [place for place in report.lost if place.path.parent not in told]
    needed = [each for each in case.installed.needed if each.location in lost]
    if needed:
        first = needed[0]
        yield Fault(
            first.location,
            f"is gone, and {first.site} imports {first.module}",
            subject=str(folder.path),
            why=f"{_count(report, lost)}; no `try` around that import would catch its failure",
            evidence=tuple(f"{each.location}: {each.site}" for each in needed[:_MOST]),
            module=first.module,
            fix=reinstall(case, folder),
            severity=Severity.WARNING,
        )
    elif lost:
        yield Fault(
            report.distribution.location,
            _count(report, lost),
            subject="lost",
            why="RECORD lists them, and no import statement was seen to need them",
            evidence=tuple(map(str, lost[:_MOST])),
            severity=Severity.NOTE,
        )


def _count(report: RecordReport, lost: Sequence[Location]) -> str:
    """Return how many files are gone, and of what kind."""
    if len(lost) == report.listed - report.metadata and report.metadata:
        return f"only the metadata is there, and none of the {len(lost)} files"
    folder = report.distribution.location.path
    kinds = Counter(_kind(place.path, folder) for place in lost)
    details = ", ".join(
        f"{count} {_PLURAL[kind]}" if count > 1 else kind for kind, count in kinds.most_common()
    )
    verb = "is" if len(lost) == 1 else "are"
    return f"{len(lost)} of {report.listed} files {verb} gone: {details}"


def _kind(path: PurePosixPath, folder: PurePosixPath) -> str:
    if path.parent == folder or folder in path.parents:
        return "its metadata"
    if not _TESTS.isdisjoint(path.parts):
        return "a test"
    if path.name.endswith((".pyi", "py.typed")):
        return "a stub"
    if _is_binary(path):
        return "a binary"
    return "a module" if path.suffix == ".py" else "another file"


def _is_binary(path: PurePosixPath) -> bool:
    return path.name.endswith(_SUFFIXES) or ".so." in path.name


@rule(
    "ABI710",
    Severity.ERROR,
    "a file is not what its RECORD says",
    explanation="RECORD has the size and the SHA-256 of every file that was installed.  A binary "
    "that differs was damaged, exchanged or changed after the install, and nothing that was said "
    "of its release holds for it: an error.  One that is smaller, sound and without a symbol "
    "table was probably stripped: a warning, since strip breaks libraries that auditwheel has "
    "rewritten.  Other files, which people do edit, are a note.",
    causes=(
        "strip, patchelf or another tool, after the install",
        "a damaged copy, or a checkout that converts line endings",
        "somebody has exchanged the file",
    ),
    fixes=("install the distribution anew",),
)
def not_as_recorded(case: Case) -> Iterator[Fault]:
    """What is installed is what was installed."""
    binaries = _binaries(case)
    doubled = {d for group in case.installed.doubles for d in group}
    broken = {
        str(root.halt.at)
        for root in case.roots
        if root.halt is not None and root.severity is Severity.ERROR
    }
    # What is damaged so that it does not load is said to be damaged.
    told = {
        facts.location
        for path, facts in case.inventory.objects.items()
        if path in broken and (facts.defect is not None or facts.beyond_end)
    }
    wheels = _told_by_wheels(case)
    for report in case.installed.records:
        if report.distribution in doubled and not report.kept:
            continue
        others: list[Location] = []
        for line in report.altered:
            thing = binaries.get(line.location)
            if line.location in wheels:
                continue
            if thing is None:
                others.append(line.location)
            if thing is None or line.location in told:
                continue
            stripped = line.size is not None and thing.size < line.size and _is_stripped(thing)
            severity = Severity.WARNING if stripped else None
            yield Fault(
                line.location,
                "is not what its RECORD says"
                + (": smaller, and without symbols, as strip leaves it" if stripped else ""),
                subject="altered",
                why=_difference(line, thing.size),
                fix=reinstall(case, report.distribution.location),
                severity=Severity.NOTE if report.packaged else severity,
            )
        if others:
            names = ", ".join(str(place.path) for place in others[:_NAMED])
            rest = len(others) - _NAMED
            more = f" and {rest} more" if rest > 0 else ""
            yield Fault(
                report.distribution.location,
                f"{names}{more}: not what RECORD says",
                subject="edited",
                why="edited or damaged after the install",
                evidence=tuple(str(place.path) for place in others[:_MOST]),
                severity=Severity.NOTE,
            )


def _told_by_wheels(case: Case) -> frozenset[Location]:
    """Return the files that differ from a pinned wheel, which outweighs any RECORD."""
    report = case.pins.wheels if case.pins is not None else None
    departures = report.departures if report is not None else ()
    return frozenset(place for each in departures for place in (*each.altered, *each.added))


def _binaries(case: Case) -> Mapping[Location, ElfFacts | ForeignFile]:
    found: dict[Location, ElfFacts | ForeignFile] = {
        facts.location: facts for facts in case.inventory.objects.values()
    }
    found.update((file.location, file) for file in case.inventory.foreign.values())
    return found


def _is_stripped(thing: ElfFacts | ForeignFile) -> bool:
    """Whether an object is sound and has no symbols but those that the loader needs.

    That it only was stripped cannot be told without the original.
    """
    return (
        isinstance(thing, ElfFacts)
        and thing.stripped
        and thing.defect is None
        and not thing.beyond_end
    )


def _difference(line: Altered, size: int) -> str:
    if line.size is not None and line.size != size:
        return f"{size:,} bytes where {line.size:,} were installed"
    return "the same size, and another SHA-256"


@rule(
    "ABI711",
    Severity.WARNING,
    "a binary in a distribution's folder that no RECORD lists",
    explanation="It was not installed with the distribution in whose folder it lies: it is left "
    "from an earlier install, or somebody put it there.  The importer takes it all the same.",
    causes=(
        "an install for another Python into the same folder",
        "a library that was copied beside the extension that needs it",
    ),
    fixes=("empty the build folder before each install",),
)
def unrecorded_binary(case: Case) -> Iterator[Fault]:
    """Every binary of a distribution was installed with it."""
    wheels = _told_by_wheels(case)
    for place, distribution in case.installed.strangers:
        if place not in wheels:
            yield Fault(
                place,
                f"is in a folder of {distribution}, and no RECORD lists it",
                subject="unrecorded",
            )


@rule(
    "ABI712",
    Severity.WARNING,
    "two distributions install the same file",
    explanation="The one that was installed last has overwritten the other.  Where that is a "
    "binary, the extensions of one run with the libraries of another: a warning.  Other files, "
    "mostly tests that were packed by mistake, are a note.",
    causes=("opencv-python and opencv-python-headless, psycopg2 and psycopg2-binary, and such",),
    fixes=("keep one of the two",),
)
def overwritten_file(case: Case) -> Iterator[Fault]:
    """A file is installed by one distribution."""
    doubled = {d for group in case.installed.doubles for d in group}
    for report in case.installed.records:
        groups: dict[Distribution, list[PurePosixPath]] = {}
        for overlap in report.overlaps:
            if not {report.distribution, overlap.winner} <= doubled:
                groups.setdefault(overlap.winner, []).append(overlap.location.path)
        for winner, paths in groups.items():
            binary = any(map(_is_binary, paths))
            first = next(filter(_is_binary, paths), paths[0])
            what = f"{len(paths)} files" if len(paths) > 1 else "one file"
            yield Fault(
                report.distribution.location,
                f"{what} of {report.distribution} were overwritten by {winner}"
                if len(paths) > 1
                else f"{first} of {report.distribution} was overwritten by {winner}",
                subject=winner.name,
                why=f"both install {first}",
                evidence=tuple(map(str, paths[:_MOST])),
                fix=f"keep one of {report.distribution.name} and {winner.name}",
                severity=None if binary else Severity.NOTE,
            )


RULES: Final = (installed_file_is_gone, not_as_recorded, unrecorded_binary, overwritten_file)
