"""Import for real what was judged, and judge by that what was predicted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from abicheck.artifacts import DEFAULT_LIMITS, open_artifact
from abicheck.errors import ArtifactError, UsageError
from abicheck.model import (
    Agreement,
    ArtifactKind,
    Case,
    Distribution,
    Location,
    Reconciled,
    Report,
    Severity,
    SmokeRun,
    TargetProfile,
)
from abicheck.pipeline._environment import with_environment
from abicheck.pipeline._function import is_layer
from abicheck.pipeline._reconcile import cold_start, reconcile, subjects
from abicheck.profiles import list_profiles, load_profile
from abicheck.rules import SMOKE_RULES, Rule, in_order, run_rules

_ENGINE: Final = "docker:"
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
_STREAM: Final = "-"
_IN_DOUBT: Final = frozenset(Agreement) - {Agreement.AGREED, Agreement.UNFINISHED}


@dataclass(frozen=True, slots=True)
class Smoke:
    """How an artifact is to be imported for real.

    `image` is another than the target's own, or empty.  `timeout` is in
    seconds, for each import; `budget_us` are the microseconds that a cold start
    may take.
    """

    image: str = ""
    timeout: float = 30.0
    budget_us: int | None = None


def _silent(ended: int, of: int) -> None:
    del ended, of


def smoke(  # noqa: PLR0913 - what `check` was asked, and how to import
    source: Path | str,
    profile: TargetProfile,
    report: Report,
    asked: Smoke,
    *,
    check: Callable[[TargetProfile], Report],
    layers: Sequence[Path] = (),
    environment: Mapping[str, str] = _NOTHING,
    architecture: str | None = None,
    reference: str | None = None,
    rules: Iterable[Rule] = SMOKE_RULES,
    progress: Callable[[int, int], None] = _silent,
) -> Report:
    """Return `report` with what happened when the artifact was imported in a container.

    `source` and `profile` are what `report` is about; `check` judges the same
    artifact on another target, and is asked where the base image may differ from
    the managed runtime.  `layers` and `environment` are the function's, as `check`
    was given them.  `progress` is told how many imports have ended, of how
    many.  Raises `UsageError` for what cannot be imported by its kind,
    `EngineError` where no engine does it, and `ArtifactError` where nothing is
    there to be imported.
    """
    # The docker SDK and all below it are needed for nothing else.
    from abicheck.smoke import SmokeRequest, run  # noqa: PLC0415

    kind = report.inventory.kind
    modules = [prediction.module for prediction in subjects(report)]
    if not modules and report.at_least(Severity.ERROR):
        return report  # its errors say why there is nothing
    if kind is ArtifactKind.OBJECT:
        reason = f"{source}: --smoke imports modules, and this is one file; name what it belongs to"
        raise UsageError(reason)
    if not modules:
        reason = f"{source}: nothing in it can be imported"
        raise ArtifactError(reason)
    is_image = kind is ArtifactKind.IMAGE
    timed = {package.name for package in report.packages}
    if report.handler is not None:
        timed.add(report.handler.module)
    alone = not is_image and not layers and report.handler is None and _is_layer(Path(source))
    request = SmokeRequest.on(
        report.profile if is_image else with_environment(profile, environment),
        modules,
        function=None if is_image or alone else Path(source),
        layers=(Path(source),) if alone else layers,
        environment=environment,
        image=_own_image(source, asked) if is_image else asked.image or None,
        timed=timed,
        timeout=asked.timeout,
    )
    if is_image:
        request = replace(request, architecture=architecture, reference=reference)
    return smoked(report, run(request, progress), asked, check=check, rules=rules)


def _is_layer(source: Path) -> bool:
    """Whether an artifact lies in /opt, as `check` has it."""
    with open_artifact(source, DEFAULT_LIMITS) as artifact:
        return is_layer(artifact)


def _own_image(source: Path | str, asked: Smoke) -> str | Path:
    """Return what the engine is to take: an image is imported in itself."""
    if asked.image:
        reason = f"{source}: an image is imported in itself; leave --smoke-image out"
        raise UsageError(reason)
    if source == _STREAM:
        reason = "-: --smoke needs the image a second time; write it to a file first"
        raise UsageError(reason)
    if isinstance(source, str) and source.startswith(_ENGINE):
        return source.removeprefix(_ENGINE)
    return Path(source)


def smoked(
    report: Report,
    run: SmokeRun,
    asked: Smoke,
    *,
    check: Callable[[TargetProfile], Report],
    rules: Iterable[Rule] = SMOKE_RULES,
) -> Report:
    """Return the report with a run, its comparison, and the findings that they lead to."""
    reconciled = reconcile(report, run)
    base = _base_of(report.profile)
    if base and any(each.agreement in _IN_DOUBT for each in reconciled):
        reconciled = reconcile(report, run, check(load_profile(base)))
    cold = cold_start(report, run, asked.budget_us)
    case = Case(
        report.inventory,
        report.profile,
        roots=(),
        missing=(),
        owners=_owners(report, reconciled),
        handler=report.handler,
        smoke=run,
        reconciled=reconciled,
        cold_start=cold,
    )
    found = run_rules([rule for rule in rules if rule in SMOKE_RULES], case)
    return replace(
        report,
        findings=in_order((*report.findings, *found)),
        smoke=run,
        reconciled=reconciled,
        cold_start=cold,
    )


def _base_of(profile: TargetProfile) -> str:
    """Return the name of the base image beside a managed runtime; empty for any other target."""
    name = f"lambda-{profile.runtime}-{profile.architecture}-image"
    return name if profile.package == "zip" and name in list_profiles() else ""


def _owners(report: Report, reconciled: Iterable[Reconciled]) -> Mapping[Location, Distribution]:
    known = {item.module: item.distribution for item in report.objects}
    known |= {package.name: package.distribution for package in report.packages}
    owned = ((each.location, known.get(each.made.module)) for each in reconciled)
    return {place: owner for place, owner in owned if owner is not None}
