"""`check`: the whole of abicheck, top to bottom; `check_all`: on several targets at once.

`smoke` imports for real what `check` has judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from abicheck.artifacts import DEFAULT_LIMITS, Limits, is_image, is_no_path, open_source
from abicheck.errors import UsageError
from abicheck.model import (
    Elsewhere,
    Pins,
    Report,
    RuntimeOutcome,
    Severity,
    TargetProfile,
)
from abicheck.pipeline._dockerfile import floating_bases
from abicheck.pipeline._elsewhere import built_for
from abicheck.pipeline._environment import named_files
from abicheck.pipeline._function import NO_LAYERS, from_layers, read_function
from abicheck.pipeline._inventory import Contents, Reading
from abicheck.pipeline._judge import Judge
from abicheck.pipeline._progress import Progress, Stage, Step, silent
from abicheck.pipeline._smoke import Smoke, smoke
from abicheck.profiles import list_profiles, load_profile
from abicheck.rules import ALL_RULES, Rule, run_rules

if TYPE_CHECKING:
    from abicheck.pipeline._wheels import Wheels

__all__ = ["Progress", "Smoke", "Stage", "Step", "check", "check_all", "smoke"]


_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


def check(  # noqa: PLR0913 - every one but the first two has a default
    source: Path | str,
    profile: TargetProfile,
    *,
    handler: str | None = None,
    layers: Sequence[Path] = (),
    environment: Mapping[str, str] = _NOTHING,
    size_budget: int | None = None,
    architecture: str | None = None,
    reference: str | None = None,
    dockerfile: str | None = None,
    images: bool = True,
    rules: Iterable[Rule] = ALL_RULES,
    limits: Limits = DEFAULT_LIMITS,
    wheel_author: bool = False,
    pins: Pins | None = None,
    wheels: Path | None = None,
    matrix: Sequence[TargetProfile] = (),
    progress: Progress = silent,
) -> Report:
    """Return what would happen to the artifact `source` on the target `profile`.

    `source` is a path, `-` for an image on standard input, or `docker:REF` for
    an image of the local engine.  An image is judged against itself, and of
    `profile` only the machine counts; `architecture` and `reference` say which
    is meant where an archive holds several, `dockerfile` is the text that it
    was built from.  `handler` is Lambda's own setting, `module.function`: what
    it does not reach matters less.  An image names its own by CMD, which
    narrows nothing, since a function may set another.  Without `images` none is
    taken: `profile` was meant.  `layers` are the function's, the lowest first, and
    `environment` the variables that it sets; `size_budget` is how many bytes all
    of it may have unpacked.  `wheel_author` says that the artifact is going to be
    published; `pins` are compared with what is installed in it, and its files with
    those of the pinned wheels in the folder `wheels`.  Except for an image, or on the
    target of one, the report's matrix says whether it would load on each of `matrix`.
    `progress` is told of each step.  Raises `UsageError` where
    the source names nothing or is itself what pins are about, and `ArtifactError`
    where it or a wheel cannot be read; whatever is wrong with its content is in
    the report.
    """
    trusted = None
    if pins is not None and wheels is not None:
        from abicheck.pipeline._wheels import find_wheels  # noqa: PLC0415 - seldom asked

        trusted = find_wheels(wheels, pins, limits)
    question = _Question(
        handler, environment, size_budget, tuple(rules), wheel_author, pins=pins, wheels=trusted
    )
    if is_no_path(source):
        _refuse(source, layers, images=images)
    with open_source(source, limits, architecture=architecture, reference=reference) as artifact:
        if is_image(artifact):
            # Imported here: what captures an image is as much code as all the rest.
            from abicheck.pipeline._image import read_image  # noqa: PLC0415

            bases = floating_bases(dockerfile or "")
            _refuse(source, layers, images=images)
            contents = read_image(artifact, str(source), profile, bases, environment, progress)
            image = contents.inventory.image
            if image is not None and (image.musl or not image.whole):
                question = replace(question, handler=None)  # nothing of it was read to be judged
            elif image is not None and handler is None:
                # Other functions may start the same image by commands of their own.
                question = replace(question, handler=image.handler, narrow=False)
            return _judge(contents, question, progress)
        reading = read_function(
            artifact, str(source), profile, layers, limits, progress, is_function=bool(handler)
        )
    report = _judge(reading.on(profile, environment), question, progress)
    return replace(
        report,
        elsewhere=_elsewhere(reading, report, question, progress),
        matrix=tuple(_outcomes(reading, profile, matrix, question, progress)),
    )


def _refuse(source: Path | str, layers: Sequence[Path], *, images: bool) -> None:
    """Raise `UsageError` where an image is asked for what only a ZIP has."""
    if layers:
        reason = f"{source}: {NO_LAYERS}"
        raise UsageError(reason)
    if not images:
        reason = (
            f"{source}: an image brings its own runtime, and is judged by that; leave --target "
            "and --runtime out, and name the function's machine by --architecture"
        )
        raise UsageError(reason)


def check_all(  # noqa: PLR0913 - every one but the first two has a default
    source: Path | str,
    profiles: Sequence[TargetProfile],
    *,
    handler: str | None = None,
    layers: Sequence[Path] = (),
    environment: Mapping[str, str] = _NOTHING,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress = silent,
) -> tuple[Report, ...]:
    """Return what `check` would for each target, with the artifact and its layers read once.

    The targets must put an artifact into the same folder, as all of Lambda's
    do.  Raises `UsageError` for a container image, which is its own target.
    """
    question = _Question(handler, environment)
    with open_source(source, limits) as artifact:
        if is_image(artifact):
            reason = f"{source}: an image brings its own runtime, and is judged on no other"
            raise UsageError(reason)
        reading = read_function(
            artifact, str(source), profiles[0], layers, limits, progress, is_function=bool(handler)
        )
    reports = []
    for count, profile in enumerate(profiles):
        progress(Step(Stage.RUNTIMES, profile.name, count, len(profiles)))
        reports.append(_judge(reading.on(profile, environment), question))
    return tuple(reports)


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked of an artifact, whatever the target.

    With `narrow`, what the handler does not reach matters less.
    """

    handler: str | None
    environment: Mapping[str, str]
    size_budget: int | None = None
    rules: tuple[Rule, ...] = ALL_RULES
    wheel_author: bool = False
    narrow: bool = True
    pins: Pins | None = None
    wheels: Wheels | None = None


def _elsewhere(
    reading: Reading, report: Report, question: _Question, progress: Progress
) -> Elsewhere | None:
    """Return the runtime that what fails here was built for, if it has no error there."""
    if not report.at_least(Severity.ERROR) or report.profile.package != "zip":
        return None
    built = built_for(report.inventory, report.profile)
    if built is None or built.target not in list_profiles():
        return None
    progress(Step(Stage.RUNTIMES, built.target))
    other = reading.on(load_profile(built.target), question.environment)
    asked = replace(question, rules=ALL_RULES, wheel_author=False, pins=None)
    there = _judge(other, asked)
    if there.at_least(Severity.ERROR):
        return None
    return Elsewhere(built.runtime, built.architecture, built.witnesses > 1)


def _outcomes(
    reading: Reading,
    profile: TargetProfile,
    others: Sequence[TargetProfile],
    question: _Question,
    progress: Progress,
) -> Iterator[RuntimeOutcome]:
    """Yield what becomes of the artifact on those targets that put it into the same folder.

    What it was installed from and whether it is published are the same on all.
    """
    asked = replace(question, wheel_author=False, pins=None, wheels=None)
    for count, other in enumerate(others):
        if profile.package == "image" or other.task_root != profile.task_root:
            continue
        progress(Step(Stage.RUNTIMES, other.name, count, len(others)))
        there = _judge(reading.on(other, question.environment), asked)
        yield RuntimeOutcome(
            other.runtime,
            other.architecture,
            there.first_error(),
            there.count(Severity.WARNING),
            other.preliminary,
        )


def _judge(contents: Contents, question: _Question, progress: Progress = silent) -> Report:
    progress(Step(Stage.IMPORTING))
    judge = Judge(contents, question.handler, narrow=question.narrow, progress=progress)
    case = replace(
        judge.case(),
        wheel_author=question.wheel_author,
        environment=question.environment,
        size_budget=question.size_budget,
        named=named_files(contents.tree, contents.places, contents.profile, question.environment),
    )
    pins = question.pins
    if pins is not None:
        # Imported here: what reads versions and markers takes as long as a small artifact.
        from abicheck.pipeline._pins import compare_with_pins  # noqa: PLC0415

        case = replace(case, pins=compare_with_pins(contents, pins, question.wheels))
    progress(Step(Stage.RULES, of=len(question.rules)))
    findings = run_rules(question.rules, case)
    if contents.inventory.image is not None:
        from abicheck.pipeline._image import in_layers  # noqa: PLC0415 - as in `check`

        findings = in_layers(findings, contents)
    return Report(
        inventory=case.inventory,
        profile=contents.profile,
        findings=from_layers(findings, contents),
        objects=judge.objects(case),
        packages=judge.packages(),
        handler=case.handler,
        setting=question.handler,
        requirements=() if pins is None else pins.sources(),
    )
