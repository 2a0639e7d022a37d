"""ABI7xx: distributions against METADATA, WHEEL and each other.

The importer reads none of it.  So what they say is an error only where an
import fails of it; otherwise it is worth knowing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from abicheck.model import (
    Case,
    Distribution,
    FailedPackage,
    Fault,
    Severity,
    Unmet,
    Verdict,
)
from abicheck.rules._fixes import install
from abicheck.rules._imports import failures, fault_of, said
from abicheck.rules._rule import rule
from abicheck.rules._told import words

_MOST: Final = 10  # names in the evidence of one finding
_NO_MODULE: Final = re.compile(r"No module named '([^'.]+)")


@rule(
    "ABI701",
    Severity.ERROR,
    "code asks for the metadata of a distribution, and it is not there",
    explanation="Packages read their own version, or that of another, from its `*.dist-info` "
    "folder.  Where that was taken out to save space, the import of the package fails.",
    messages=("No package metadata was found for *",),
    causes=(
        "a prune script, or the `slim` option of a packager, that deletes *.dist-info",
        "only the package's own folder was copied",
    ),
    fixes=("keep the *.dist-info folders",),
)
def metadata_not_found(case: Case) -> Iterator[Fault]:
    """What is asked of `importlib.metadata` must be installed."""
    for failed in failures(case):
        if failed.metadata:
            yield fault_of(
                failed,
                said(failed),
                subject=failed.metadata,
                why=f"there is no {failed.metadata.replace('-', '_')}-*.dist-info on sys.path",
            )


@rule(
    "ABI703",
    Severity.WARNING,
    "an editable install: its code is not in the artifact",
    explanation="`pip install -e`, and what uv and Poetry do with the members of a workspace, "
    "install a reference to the source folder and no code.  On the target that folder does not "
    "exist.",
    messages=("No module named '*'",),
    causes=("a workspace that was synchronised and then copied", "pip install -e"),
    fixes=("uv export --no-editable, or build the project as a wheel and install that",),
)
def editable_install(case: Case) -> Iterator[Fault]:
    """The code of what is installed must be in the artifact."""
    failing = {_missing_top(failed): failed for failed in failures(case)}
    for editable in case.installed.editables:
        where = f" to {editable.origin}" if editable.origin else ""
        failed = failing.get(_plain(editable.name))
        prediction = None if failed is None else failed.prediction
        yield Fault(
            editable.location,
            f"{editable.name} is an editable install: a reference{where}, without the code",
            subject=editable.name,
            why="the folder that it refers to is not in the artifact"
            + ("" if failed is None else f", and {said(failed)}"),
            failure=None if prediction is None else prediction.failure,
            via=() if prediction is None else prediction.via,
            fix="uv export --no-editable  # or install the project's wheel",
        )


@rule(
    "ABI704",
    Severity.WARNING,
    "distributions are in a virtual environment that nobody enters",
    explanation="Lambda searches the root of the function, not an environment below it.  What is "
    "installed in `.venv` is not found, unless the root has it as well.",
    messages=("Unable to import module '*': No module named '*'",),
    causes=("uv sync or poetry install in the folder that is packed",),
    fixes=("install into the root: uv pip install --target BUILD_DIR -r requirements.txt",),
)
def environment_inside(case: Case) -> Iterator[Fault]:
    """What the function imports lies where sys.path leads."""
    asked = {
        failed.environment.location.path: failed
        for failed in failures(case)
        if failed.environment is not None
    }
    for environment in case.installed.environments:
        count = len(environment.distributions)
        things = "one distribution is" if count == 1 else f"{count} distributions are"
        failed = asked.get(environment.location.path)
        prediction = None if failed is None else failed.prediction
        yield Fault(
            environment.location,
            f"{things} installed here, and sys.path does not lead here",
            subject="environment",
            why="nothing needs what is in it" if failed is None else said(failed),
            fix="uv pip install --target BUILD_DIR -r requirements.txt",
            evidence=tuple(map(str, environment.distributions[:_MOST])),
            failure=None if prediction is None else prediction.failure,
            via=() if prediction is None else prediction.via,
            severity=Severity.NOTE if failed is None else None,
        )


def _missing_top(failed: FailedPackage) -> str:
    """Return the top-level module that an import did not find, as `_plain` writes names."""
    failure = failed.prediction.failure
    found = _NO_MODULE.search((failure.message or "") if failure is not None else "")
    return _plain(found[1]) if found is not None else ""


def _plain(name: str) -> str:
    return name.replace("-", "_").replace(".", "_").lower()


@rule(
    "ABI705",
    Severity.ERROR,
    "a requirement that is not met",
    explanation="Requires-Dist, with the markers of the target: what `pip check` would say there.  "
    "It is an error where an import fails of it, a warning where a line of the distribution "
    "imports what is missing and nothing guards it, and a note otherwise: what is installed in "
    "another version, or is never imported, mostly works.",
    messages=("No module named '*'",),
    causes=(
        "pip found the requirement in the build image's own site-packages and copied nothing",
        "pip install --no-deps, or a packager that could not find a wheel and went on",
        "an install for another Python or platform, whose markers differ",
    ),
    fixes=("install the requirement into the artifact",),
)
def requirement_not_met(case: Case) -> Iterator[Fault]:
    """What a distribution requires on the target must be there."""
    failing: dict[str, FailedPackage] = {}
    for failed in failures(case):
        if failed.unmet and not (failed.lost or failed.metadata):
            failing.setdefault(failed.unmet[0].name, failed)
    wanted: dict[str, list[Unmet]] = {}
    for unmet in case.installed.unmet:
        wanted.setdefault(unmet.name, []).append(unmet)
    for name, group in wanted.items():
        yield _unmet(case, group, failing.get(name))


def _unmet(case: Case, group: Sequence[Unmet], failed: FailedPackage | None) -> Fault:
    """Return the fault of one requirement, whoever has it."""
    first = failed.unmet[0] if failed is not None else _weightiest(group)
    pairs = tuple(f"{_asker(unmet)} requires {unmet.requirement}" for unmet in group)
    there = "is not there" if first.found is None else f"is there as {first.found.version}"
    others = f"; {len(group) - 1} more require it" if len(group) > 1 else ""
    sentence = f"{_asker(first)} requires {first.requirement}, and {first.name} {there}{others}"
    fix = install(case, first.requirement)
    if failed is not None:
        return fault_of(
            failed,
            said(failed),
            subject=first.name,
            why=sentence,
            location=first.distribution.location,
            evidence=pairs,
            fix=fix,
        )
    site = first.site
    return Fault(
        first.distribution.location,
        sentence,
        subject=first.name,
        why="no import was seen to fail of it" if site is None else f"{site} imports it",
        evidence=pairs,
        fix=fix,
        severity=Severity.NOTE if site is None else Severity.WARNING,
    )


def _asker(unmet: Unmet) -> str:
    name = unmet.distribution.name
    return f"{name}[{unmet.extra}]" if unmet.extra else name


def _weightiest(group: Sequence[Unmet]) -> Unmet:
    return next((unmet for unmet in group if unmet.site is not None), group[0])


@rule(
    "ABI706",
    Severity.NOTE,
    "wheels for another platform or Python",
    explanation="The tags of WHEEL say what a wheel was built for.  The loader does not read them: "
    "whether the binaries load is judged by the other rules, and this one says in one line where "
    "those that do not came from.",
    causes=(
        "pip ran on macOS, on Windows, or on another processor, without --platform",
        "a second install into the same folder, with another Python",
    ),
    fixes=("install all of it for one target: pip install --platform ... --python-version ...",),
)
def wheel_for_another_target(case: Case) -> Iterator[Fault]:
    """The wheels of an artifact were built for its target."""
    groups: dict[str, list[Distribution]] = {}
    for misfit in case.installed.misfits:
        groups.setdefault(misfit.tag, []).append(misfit.distribution)
    total = len(case.installed.distributions)
    told = set(_failing(case))
    for tag, found in groups.items():
        if len(found) == 1 and found[0] in told:
            continue  # the rule about its binary says it
        verb = "distribution is" if total == 1 else "distributions is"
        verb = verb if len(found) == 1 else "distributions are"
        yield Fault(
            found[0].location,
            f"{len(found)} of {total} {verb} for {tag}",
            subject=tag,
            why="wheels: " + ", ".join(map(str, found[:_MOST])),
            evidence=tuple(map(str, found[:_MOST])),
        )


def _failing(case: Case) -> Iterator[Distribution]:
    """Yield the distributions of which a rule about binaries speaks."""
    places = [root.location for root in case.roots if root.halt is not None]
    places += [each.location for missing in case.missing for each in missing.module.siblings]
    yield from (case.owners[place] for place in places if place in case.owners)


@rule(
    "ABI707",
    Severity.NOTE,
    "a distribution does not admit the target's Python",
    explanation="Requires-Python binds installers: pip refuses such a distribution.  The importer "
    "does not read it.  An upper bound is mostly caution, and a lower one shows as a failing "
    "import, which the other rules report; so this is a note.",
    causes=("an artifact that was built for another Python than the function's",),
    fixes=("install for the target: pip install --python-version X.Y --only-binary=:all:",),
)
def python_not_admitted(case: Case) -> Iterator[Fault]:
    """Every distribution admits the Python that it runs on."""
    for distribution in case.installed.unsupported:
        yield Fault(
            distribution.location,
            f"requires Python {distribution.requires_python}, "
            f"and the target has {case.profile.interpreter.dotted}",
            subject="requires-python",
        )


@rule(
    "ABI708",
    Severity.WARNING,
    "one distribution is installed twice",
    explanation="`pip install --target --upgrade` leaves the metadata of the release before, so "
    "the files are those of one of them and `importlib.metadata` may tell the version of the "
    "other: a note.  Where files of both are there, neither is whole.",
    causes=("a second install into a folder that was not empty",),
    fixes=("empty the build folder before each install",),
)
def installed_twice(case: Case) -> Iterator[Fault]:
    """A folder holds one release of a distribution."""
    reports = {report.distribution: report for report in case.installed.records}
    for group in case.installed.doubles:
        known = [reports[d] for d in group if d in reports]
        whole = [r.distribution for r in known if 0 < r.listed == r.kept]
        mostly = max(known, key=lambda r: r.kept / max(r.listed, 1), default=None)
        mixed = bool(known) and not whole and any(r.overlaps or r.altered for r in known)
        if whole:
            why = f"the files are those of {whole[0].version}"
        elif mostly is not None:
            why = f"most files are those of {mostly.distribution.version}, and not all"
        else:
            why = "whose files are there is not known"
        yield Fault(
            group[0].location,
            "is there as " + " and ".join(d.version for d in group),
            subject="twice",
            why=why,
            evidence=tuple(map(str, group)),
            fix="rm -rf BUILD_DIR  # before it is installed again",
            severity=None if mixed else Severity.NOTE,
        )


@rule(
    "ABI709",
    Severity.NOTE,
    "a wheel's tag promises what its binaries do not keep",
    explanation="A manylinux tag names the oldest glibc that a wheel loads on, and `any` says that "
    "there is no binary in it.  Installers trust the tag, the loader does not read it.  Where it "
    "promises too much, the mistake is the publisher's: a warning to who is going to publish the "
    "wheel, a note to everybody else, whose function is judged by the symbols.",
    causes=("a wheel that was not repaired by auditwheel", "a tag that was set by hand"),
    fixes=("auditwheel repair WHEEL, which computes the tag",),
)
def mislabelled_wheel(case: Case) -> Iterator[Fault]:
    """A wheel needs no more than its tag says."""
    failing = {root.location for root in case.roots if root.halt is not None}
    for mislabel in case.installed.mislabels:
        if mislabel.location in failing:
            continue  # the rule about what it needs says so
        yield Fault(
            mislabel.location,
            f"its wheel is tagged {mislabel.promised}, and this is {mislabel.found}"
            if mislabel.found.startswith("a ")
            else f"needs {mislabel.found}, and its wheel is tagged {mislabel.promised}",
            subject=mislabel.promised,
            severity=Severity.WARNING if case.wheel_author else None,
        )


@rule(
    "ABI713",
    Severity.WARNING,
    "a module at the root cannot be imported",
    explanation="Its import ends in an exception that no binary is to blame for and no metadata "
    "explains.  It is a warning where the module defines a function of an event and a context, "
    "which may be the handler; name that with --handler to be sure.  Of other modules, scripts and "
    "what a distribution brings for an optional use, it is a note.",
    messages=("Unable to import module '*': *", "No module named '*'"),
    causes=(
        "a requirement that was not installed into the artifact",
        "a script for development that was packed with the function",
    ),
    fixes=("install what is missing, and name the handler: abicheck --handler MODULE.FUNCTION",),
)
def module_not_importable(case: Case) -> Iterator[Fault]:
    """What may be the handler can be imported."""
    asked = words(case.handler.failure) if case.handler is not None else None
    editable = {_plain(each.name) for each in case.installed.editables}
    for failed in failures(case):
        if failed.lost or failed.metadata or failed.unmet or failed.environment is not None:
            continue  # said by the rule about what it lacks
        if _missing_top(failed) in editable:
            continue
        if failed.prediction.verdict is not Verdict.FAILS:
            continue
        if asked is not None and words(failed.prediction.failure) == asked:
            continue  # said by ABI602
        if (words(failed.prediction.failure) or "").startswith("[Errno 13]"):
            continue  # said by ABI608
        fault = fault_of(failed, said(failed), subject=failed.name, why=_elsewhere(case, failed))
        severity = Severity.WARNING if failed.handles else Severity.NOTE
        weight = min(severity, failed.severity)
        yield Fault(
            fault.location,
            fault.message,
            subject=fault.subject,
            why=fault.why,
            module=fault.module,
            failure=fault.failure,
            via=fault.via,
            severity=None if weight is Severity.WARNING else weight,
        )


def _elsewhere(case: Case, failed: FailedPackage) -> str:
    """Return where a module may be that the function's own code asks for."""
    inventory = case.inventory
    if not failed.own or inventory.image is not None or not _missing_top(failed):
        return ""
    return "nothing that was given has it; if a layer does, give it with --layer"


RULES: Final = (
    metadata_not_found,
    editable_install,
    environment_inside,
    requirement_not_met,
    wheel_for_another_target,
    python_not_admitted,
    installed_twice,
    mislabelled_wheel,
    module_not_importable,
)
