"""ABI72x: what is installed is what was pinned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Final

from abicheck.model import Case, Fault, Location, Pin, Severity, WheelReport
from abicheck.rules._rule import rule

_ASKED: Final = (
    "Only judged with --requirements.  Who gives it asks for proof that the artifact is what is "
    "pinned, "
)


def _line(pin: Pin) -> str:
    """Return a pin with its place: `requests==2.31.0 (requirements.txt:3)`."""
    return f"{pin.text} ({pin.site})"


@rule(
    "ABI721",
    Severity.WARNING,
    "a distribution is not pinned",
    explanation=f"{_ASKED}and a distribution that no line names may be another tomorrow.  Where "
    "every line of the requirements admits one version only, each distribution must be named; "
    "where a line leaves a choice, what the named ones require is meant to be there as well.  "
    "It loads all the same, so it is a warning, and a note where a line installs a folder or a "
    "URL that does not tell a name.  What a base image brings with its Python is not asked for.  "
    "With --wheels, ABI725 tells of it instead.",
    causes=(
        "a requirements file that names only what the project itself imports",
        "a build folder that was not emptied before it was installed into",
        "a marker of the line that is not true on the target",
    ),
    fixes=(
        "lock all of it: uv pip compile --generate-hashes requirements.in -o requirements.txt",
        "install into an empty folder",
    ),
)
def not_pinned(case: Case) -> Iterator[Fault]:
    """Every distribution of the artifact is one that the requirements name."""
    if case.pins is None or case.pins.wheels is not None:
        return  # where wheels are asked for, none of what is not pinned is vouched for
    for found in case.pins.unpinned:
        distribution = found.distribution
        if found.elsewhere:
            pin = found.elsewhere[0]
            why = f"{_line(pin)} is only for where {pin.marker}"
        elif found.requirer is not None:
            why = f"{found.requirer} requires it"
        else:
            why = "nothing that is pinned requires it"
        if found.nameless is not None:
            why += f"; {_line(found.nameless)} may mean it, and does not tell a name"
        yield Fault(
            distribution.location,
            f"{distribution} is in the artifact and not pinned",
            subject=distribution.name,
            why=why,
            severity=None if found.nameless is None else Severity.NOTE,
        )


@rule(
    "ABI722",
    Severity.ERROR,
    "a pinned distribution is not in the artifact",
    explanation=f"{_ASKED}so what it lacks is an error, imported or not.  Markers are those of "
    "the target, not of this machine, and an extra asks for what it requires.  What the runtime "
    "itself brings, boto3 and its like, need not be in the artifact: that is a note, since then "
    "the runtime's version counts and not the pinned one.",
    messages=("No module named '*'",),
    causes=(
        "an install for another platform or Python, where the marker was false",
        "a step that removes distributions to save space",
        "an artifact that was built before the requirement was added",
    ),
    fixes=("install again from the same file: pip install --target BUILD_DIR -r requirements.txt",),
)
def pinned_but_absent(case: Case) -> Iterator[Fault]:
    """Every distribution that is pinned for the target is in the artifact."""
    for found in case.pins.absent if case.pins is not None else ():
        why = f"{_line(found.pin)}"
        why += f" asks for it by the extra {found.extra!r}" if found.extra else " names it"
        if found.module:
            why += f"; {case.profile.runtime} brings {found.module} itself, in its own version"
        yield Fault(
            Location(PurePosixPath()),
            f"{found.name} is pinned and not in the artifact",
            subject=found.name,
            why=why,
            severity=Severity.NOTE if found.module else None,
            pin=found.pin.site,
        )


@rule(
    "ABI723",
    Severity.ERROR,
    "a distribution is not in the pinned version",
    explanation=f"{_ASKED}so another version is an error, whether it loads or not.  A line that "
    "admits several versions is met by any of them.",
    causes=(
        "a build folder that was not emptied: pip install --target leaves what is there",
        "an artifact that was built before the pin was changed",
        "a second install without the requirements file",
    ),
    fixes=(
        (
            "install into an empty folder from the same file: "
            "pip install --target BUILD_DIR -r requirements.txt"
        ),
    ),
)
def other_version_than_pinned(case: Case) -> Iterator[Fault]:
    """What is pinned is there in a version that the pin admits."""
    for found in case.pins.others if case.pins is not None else ():
        distribution, pin = found.distribution, found.pin
        yield Fault(
            distribution.location,
            f"{distribution} is in the artifact, and {pin.specifier} is pinned",
            subject=distribution.name,
            why=_line(pin),
            pin=pin.site,
        )


@rule(
    "ABI724",
    Severity.ERROR,
    "the lock file is for another target",
    explanation=f"{_ASKED}and a pylock.toml says by requires-python and environments (PEP 751) "
    "where it may be installed.  For another target it says nothing, so nothing was compared.",
    causes=("a lock made for the developers' machines", "another runtime than the function's"),
    fixes=("lock for the target: uv pip compile --python-platform linux --python-version 3.13",),
)
def lock_for_another_target(case: Case) -> Iterator[Fault]:
    """A lock file may be installed on the target."""
    for found in case.pins.foreign if case.pins is not None else ():
        yield Fault(
            Location(PurePosixPath()),
            f"{found.lock.path} is for {found.condition}",
            subject=PurePosixPath(found.lock.path).name,
            why=f"the target is Python {case.profile.interpreter.dotted} on Linux, "
            f"{case.profile.machine}",
            pin=found.pin.site,
        )


_COMPARED: Final = (
    "Only judged with --wheels.  RECORD lies in the artifact, so whoever changes a file can "
    "change its line too; the wheel whose SHA-256 is pinned cannot be changed.  "
)
_MOST_NAMED: Final = 8


def _wheels(case: Case) -> WheelReport:
    return (case.pins.wheels if case.pins is not None else None) or WheelReport()


def _named(paths: Sequence[Location]) -> str:
    """Return the first of some files, and how many more there are."""
    names = ", ".join(map(str, paths[:_MOST_NAMED]))
    rest = len(paths) - _MOST_NAMED
    return f"{names} and {rest} more" if rest > 0 else names


@rule(
    "ABI725",
    Severity.ERROR,
    "no pinned wheel vouches for a distribution",
    explanation=f"{_COMPARED}A distribution for which no such wheel is in the folder was not "
    "compared with anything, and is not vouched for.  A wheel whose hash no line has is not "
    "trusted, whatever it is called.",
    causes=(
        "the folder is not the one that was installed from",
        "a distribution that was built from its sources, whose wheel no index has",
        "a line without --hash, or a distribution that no line pins",
        "a wheel that is not the one whose hash was pinned",
    ),
    fixes=(
        (
            "fill the folder from the same file: pip download --require-hashes "
            "--only-binary=:all: -d wheels -r requirements.txt"
        ),
        "build the wheel once, keep it in the folder, and pin its hash: pip hash",
    ),
)
def no_pinned_wheel(case: Case) -> Iterator[Fault]:
    """A pinned wheel is there for every distribution."""
    for found in _wheels(case).unvouched:
        distribution = found.distribution
        if found.unpinned:
            wheel = found.unpinned[0]
            why = f"{wheel.file} is there, and no line has its hash, sha256:{wheel.sha256}"
        elif not found.pinned:
            why = "no line pins it"
        else:
            why = "none of its wheels is in the folder"
        yield Fault(
            distribution.location,
            f"no pinned wheel vouches for {distribution}",
            subject=distribution.name,
            why=why,
        )


@rule(
    "ABI726",
    Severity.ERROR,
    "a file is not what the pinned wheel holds",
    explanation=f"{_COMPARED}Each file of a distribution was compared with the wheel, byte for "
    "byte by its SHA-256, and this one differs, whatever its RECORD says.  Where several wheels "
    "of a release are pinned, for several platforms, it is the one that fits best.",
    causes=(
        "a file that was changed after the installation, and perhaps its line of RECORD with it",
        "a distribution that was built again from its sources under the same version",
        "a build step that edits or strips what is installed",
    ),
    fixes=(
        (
            "install again from the pinned wheels: pip install --require-hashes --no-index "
            "--find-links wheels --target BUILD_DIR -r requirements.txt"
        ),
    ),
)
def other_content_than_pinned(case: Case) -> Iterator[Fault]:
    """What is installed has the content of the pinned wheel."""
    for found in _wheels(case).departures:
        if found.altered:
            yield Fault(
                found.distribution.location,
                f"{_named(found.altered)}: not what {found.wheel} holds",
                subject=found.distribution.name,
            )


@rule(
    "ABI727",
    Severity.ERROR,
    "a file is not in the pinned wheel",
    explanation=f"{_COMPARED}A file that RECORD lists or that lies in a package of the "
    "distribution, and that the wheel does not have, was put there by somebody else.  What an "
    "installer writes itself is expected: its notes in dist-info, scripts of entry points, and "
    "bytecode in __pycache__, which no wheel vouches for: that is a note.",
    causes=(
        "a file that was added after the installation",
        "one that another version left: pip install --target does not empty the folder",
        "bytecode that the installation compiled",
    ),
    fixes=(
        "install into an empty folder",
        "leave bytecode out: pip install --no-compile, or PYTHONDONTWRITEBYTECODE=1",
    ),
)
def file_not_in_pinned_wheel(case: Case) -> Iterator[Fault]:
    """A distribution has no file that its wheel does not have."""
    compared = _wheels(case)
    for found in compared.departures:
        if found.added:
            yield Fault(
                found.distribution.location,
                f"{_named(found.added)}: not in {found.wheel}",
                subject=found.distribution.name,
            )
    if compared.bytecode:
        yield Fault(
            compared.bytecode[0],
            f"{len(compared.bytecode)} files of bytecode, which no wheel vouches for",
            subject="bytecode",
            why="the importer takes them in place of the sources that were compared",
            severity=Severity.NOTE,
        )


@rule(
    "ABI728",
    Severity.ERROR,
    "a file of the pinned wheel is missing",
    explanation=f"{_COMPARED}A file of the wheel is neither in the artifact nor in RECORD, which "
    "would tell of a loss.",
    causes=(
        "a file that was removed, and its line of RECORD with it",
        "another build of the distribution under the same version",
    ),
    fixes=("install again from the pinned wheels",),
)
def file_of_pinned_wheel_missing(case: Case) -> Iterator[Fault]:
    """A distribution has every file of its wheel, or a RECORD that lists it."""
    for found in _wheels(case).departures:
        if found.lost:
            yield Fault(
                found.distribution.location,
                f"{_named(found.lost)}: in {found.wheel}, neither in the artifact nor in RECORD",
                subject=found.distribution.name,
            )


RULES: Final = (
    not_pinned,
    pinned_but_absent,
    other_version_than_pinned,
    lock_for_another_target,
    no_pinned_wheel,
    other_content_than_pinned,
    file_not_in_pinned_wheel,
    file_of_pinned_wheel_missing,
)
