"""`check`: the whole of abicheck, top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from abicheck.artifacts import DEFAULT_LIMITS, ImageArtifact, Limits, open_source
from abicheck.model import Report, TargetProfile
from abicheck.pipeline._dockerfile import floating_bases
from abicheck.pipeline._image import in_layers, read_image
from abicheck.pipeline._inventory import read_artifact
from abicheck.pipeline._judge import Judge
from abicheck.rules import ALL_RULES, Rule, run_rules

__all__ = ["check"]


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
    progress: Callable[[int], None] = _silent,
) -> Report:
    """Return what would happen to the artifact `source` on the target `profile`.

    `source` is a path, `-` for an image on standard input, or `docker:REF` for
    an image of the local engine.  An image is judged against itself, and of
    `profile` only the machine counts; `architecture` and `reference` say which
    is meant where an archive holds several, `dockerfile` is the text that it
    was built from.  `handler` is Lambda's own setting, `module.function`;
    `progress` is told how many members have been read.  Raises `UsageError`
    where the source names nothing, and `ArtifactError` where it cannot be
    read; whatever is wrong with its content is in the report.
    """
    with open_source(source, limits, architecture=architecture, reference=reference) as artifact:
        if isinstance(artifact, ImageArtifact):
            bases = floating_bases(dockerfile or "")
            contents = read_image(artifact, str(source), profile, bases, progress)
        else:
            reading = read_artifact(artifact, str(source), profile.task_root, progress)
            contents = reading.on(profile)
    judge = Judge(contents, handler)
    case = judge.case()
    return Report(
        inventory=contents.inventory,
        profile=contents.profile,
        findings=in_layers(run_rules(rules, case), contents),
        objects=judge.objects(case),
        packages=judge.packages(),
        handler=case.handler,
    )
