"""`check`: the whole of abicheck, top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from abicheck.artifacts import DEFAULT_LIMITS, ImageArtifact, Limits, open_artifact
from abicheck.model import Report, TargetProfile
from abicheck.pipeline._image import read_image
from abicheck.pipeline._inventory import read_artifact
from abicheck.pipeline._judge import Judge
from abicheck.rules import ALL_RULES, Rule, run_rules

__all__ = ["check"]


def _silent(members: int) -> None:
    del members


def check(  # noqa: PLR0913 - every one but the first two has a default
    path: Path,
    profile: TargetProfile,
    *,
    handler: str | None = None,
    rules: Iterable[Rule] = ALL_RULES,
    limits: Limits = DEFAULT_LIMITS,
    progress: Callable[[int], None] = _silent,
) -> Report:
    """Return what would happen to the artifact at `path` on the target `profile`.

    `handler` is Lambda's own setting, `module.function`; `progress` is told
    how many members have been read.  Raises `UsageError`
    where there is nothing at `path` and `ArtifactError` where it cannot be
    read; whatever is wrong with its content is in the report.
    """
    with open_artifact(path, limits) as artifact:
        if isinstance(artifact, ImageArtifact):
            contents = read_image(artifact, str(path), profile, progress)
        else:
            contents = read_artifact(artifact, str(path), profile.task_root, progress).on(profile)
    judge = Judge(contents, handler)
    case = judge.case()
    findings = run_rules(rules, case)
    return Report(
        inventory=contents.inventory,
        profile=contents.profile,
        findings=findings,
        objects=judge.objects(case),
        packages=judge.packages(),
        handler=case.handler,
    )
