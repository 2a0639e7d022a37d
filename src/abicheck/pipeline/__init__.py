"""`check`: the whole of abicheck, top to bottom; `check_all`: on several targets at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from abicheck.artifacts import DEFAULT_LIMITS, ImageArtifact, Limits, open_source
from abicheck.errors import UsageError
from abicheck.model import Elsewhere, Report, Severity, TargetProfile
from abicheck.pipeline._dockerfile import floating_bases
from abicheck.pipeline._elsewhere import built_for
from abicheck.pipeline._image import in_layers, read_image
from abicheck.pipeline._inventory import Contents, Reading, read_artifact
from abicheck.pipeline._judge import Judge
from abicheck.profiles import list_profiles, load_profile
from abicheck.rules import ALL_RULES, Rule, run_rules

__all__ = ["check", "check_all"]


def _silent(members: int) -> None:
    del members


def check(  # noqa: PLR0913 - every one but the first two has a default
    source: Path | str,
    profile: TargetProfile,
    *,
    handler: str | None = None,
    architecture: str | None = None,
    reference: str | None = None,
    dockerfile: str | None = None,
    rules: Iterable[Rule] = ALL_RULES,
    limits: Limits = DEFAULT_LIMITS,
    wheel_author: bool = False,
    progress: Callable[[int], None] = _silent,
) -> Report:
    """Return what would happen to the artifact `source` on the target `profile`.

    `source` is a path, `-` for an image on standard input, or `docker:REF` for
    an image of the local engine.  An image is judged against itself, and of
    `profile` only the machine counts; `architecture` and `reference` say which
    is meant where an archive holds several, `dockerfile` is the text that it
    was built from.  `handler` is Lambda's own setting, `module.function`;
    `wheel_author` says that the artifact is going to be published; `progress`
    is told how many members have been read.  Raises `UsageError` where the
    source names nothing, and `ArtifactError` where it cannot be read; whatever
    is wrong with its content is in the report.
    """
    with open_source(source, limits, architecture=architecture, reference=reference) as artifact:
        if isinstance(artifact, ImageArtifact):
            bases = floating_bases(dockerfile or "")
            contents = read_image(artifact, str(source), profile, bases, progress)
            return _judge(contents, handler, rules, wheel_author=wheel_author)
        reading = read_artifact(artifact, str(source), profile.task_root, progress)
    report = _judge(reading.on(profile), handler, rules, wheel_author=wheel_author)
    return replace(report, elsewhere=_elsewhere(reading, report, handler))


def check_all(
    source: Path | str,
    profiles: Sequence[TargetProfile],
    *,
    handler: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    progress: Callable[[int], None] = _silent,
) -> tuple[Report, ...]:
    """Return what `check` would for each target, with the artifact read once.

    The targets must put an artifact into the same folder, as all of Lambda's
    do.  Raises `UsageError` for a container image, which is its own target.
    """
    with open_source(source, limits) as artifact:
        if isinstance(artifact, ImageArtifact):
            reason = f"{source}: an image brings its own runtime, and is judged on no other"
            raise UsageError(reason)
        reading = read_artifact(artifact, str(source), profiles[0].task_root, progress)
    return tuple(_judge(reading.on(profile), handler, ALL_RULES) for profile in profiles)


def _elsewhere(reading: Reading, report: Report, handler: str | None) -> Elsewhere | None:
    """Return the runtime that what fails here was built for, if it has no error there."""
    if not report.at_least(Severity.ERROR) or report.profile.package != "zip":
        return None
    built = built_for(report.inventory, report.profile)
    if built is None or built.target not in list_profiles():
        return None
    there = _judge(reading.on(load_profile(built.target)), handler, ALL_RULES)
    if there.at_least(Severity.ERROR):
        return None
    return Elsewhere(built.runtime, built.architecture, built.witnesses > 1)


def _judge(
    contents: Contents, handler: str | None, rules: Iterable[Rule], *, wheel_author: bool = False
) -> Report:
    judge = Judge(contents, handler)
    case = replace(judge.case(), wheel_author=wheel_author)
    return Report(
        inventory=contents.inventory,
        profile=contents.profile,
        findings=in_layers(run_rules(rules, case), contents),
        objects=judge.objects(case),
        packages=judge.packages(),
        handler=case.handler,
    )
