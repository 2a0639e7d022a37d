"""Which artifacts are examined, and what comes of it: the same for `check` and `baseline`."""

from __future__ import annotations

import datetime as dt
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from abicheck import __version__
from abicheck.artifacts import ENGINE, is_no_path
from abicheck.cli._account import configured, found_in, judged_on
from abicheck.cli._function import find_layers, read_environment, read_size
from abicheck.cli._limits import read_limits
from abicheck.cli._options import config_of, overridden, precedence
from abicheck.cli._pins import find_pins
from abicheck.cli._shared import resolve_artifacts
from abicheck.cli._smoke import microseconds, require_image, require_smoke
from abicheck.cli._targets import choose_target, on_runtimes
from abicheck.cli._watch import Watch
from abicheck.config import Baseline, Config, Function, Selection, Suppressions
from abicheck.errors import ArtifactError, EngineError, UsageError
from abicheck.model import DEFAULT_LIMITS, ArtifactKind, Limits, Pins, Report, TargetProfile
from abicheck.pipeline import Progress, Smoke, check, smoke
from abicheck.reporters import printable
from abicheck.rules import ALL_RULES, Rule

if TYPE_CHECKING:
    import click

_HANDLER: Final = re.compile(r"[^./\s][^\s]*\.[^./\s]+")
# Options that are about one artifact.
_OF_ONE: Final = {"handler": "--handler", "layers": "--layer"}
_CLOSE: Final = (2, 4)  # a function's own, and the command line: see `precedence`


@dataclass(frozen=True, slots=True)
class Request:
    """One artifact with the options that hold for it, and its function's name where it has one.

    `dockerfile` is the text of the file that the option names.  `layers`,
    `environment`, `size_budget` and `pins` are what their options amount to; `smoke` is
    there where the artifact is to be imported as well.  `own` are its function's own
    options, `own_target` says that a target was named for this artifact, which an image,
    being its own, cannot have, and `of_image` is the option that was named for it and
    that only an image can have.
    """

    artifact: Path | str
    options: Mapping[str, Any]
    function: str | None = None
    dockerfile: str | None = None
    layers: tuple[Path, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    size_budget: int | None = None
    smoke: Smoke | None = None
    own_target: bool = False
    pins: Pins | None = None
    limits: Limits = DEFAULT_LIMITS
    own: Mapping[str, Any] = field(default_factory=dict)
    of_image: str = ""


@dataclass(frozen=True, slots=True)
class Examined:
    """What became of the requests: reports, and what could not be examined or was of no use."""

    reports: tuple[Report, ...]
    failures: tuple[str, ...]
    notices: tuple[str, ...]


def examine(
    ctx: click.Context, *, baseline: Baseline, watch: Watch, matrix: bool = False
) -> Examined:
    """Examine what the command line names, or every function of the configuration.

    With `matrix` each is judged on all of Lambda's runtimes as well.

    Raises `UsageError` where the request is wrong, before anything is read.
    """
    config = config_of(ctx)
    cards = [rule.info for rule in ALL_RULES]
    suppressions = Suppressions(config.ignores, baseline, _today())
    suppressions.check(cards)
    _require_version(config)
    if watch.verbose:
        for sentence in configured(ctx):
            watch.say(sentence)
    requests = tuple(_requests(ctx, config))
    targets = [_target(request) for request in requests]
    for request, target in zip(requests, targets, strict=True):
        require_image(request.options, request.artifact, target)
    reports: list[Report] = []
    failures: list[str] = []
    for request, target in zip(requests, targets, strict=True):
        try:
            with watch.of(request.artifact):
                report = _report(ctx, request, target, watch, matrix=matrix)
        except ArtifactError as error:
            failures.append(str(error))
            print(f"abicheck: {printable(str(error))}", file=sys.stderr)
            continue
        if report.unsmoked:
            failures.append(f"{request.artifact}: --smoke: {report.unsmoked}")
            print(f"abicheck: {printable(failures[-1])}", file=sys.stderr)
        reports.append(suppressions.apply(replace(report, function=request.function)))
    named = {function.name for function in config.functions}
    complete = not failures and named <= {request.function for request in requests}
    notices = tuple(suppressions.in_vain(complete=complete))
    for notice in notices:
        print(f"abicheck: {printable(notice)}", file=sys.stderr)
    return Examined(tuple(reports), tuple(failures), notices)


def _requests(ctx: click.Context, config: Config) -> Iterator[Request]:
    names = ctx.params["artifacts"]
    for name, option in _OF_ONE.items():
        many = len(names) > 1 or (not names and len(config.functions) > 1)
        if ctx.params.get(name) and many:
            reason = f"{option} goes with one artifact"
            raise UsageError(reason)
    if names or not config.functions:
        known = {_identity(f.artifact): f for f in config.functions}
        for artifact in resolve_artifacts(names):
            yield _request(ctx, artifact, known.get(_identity(str(artifact))))
        return
    for function in config.functions:
        try:
            (artifact,) = resolve_artifacts((function.artifact,))
        except UsageError as error:
            reason = f"{config.path}: functions.{function.name}: {error}"
            raise UsageError(reason) from error
        yield _request(ctx, artifact, function)


def _identity(artifact: str) -> str:
    """Return what two names of one artifact have in common."""
    return artifact if is_no_path(artifact) else os.path.realpath(artifact)


def _request(ctx: click.Context, artifact: Path | str, function: Function | None) -> Request:
    own: Mapping[str, Any] = function.options if function is not None else {}
    options = overridden(ctx, own)
    _one_target(ctx, own, options)
    handler = options["handler"]
    if handler is not None and not _HANDLER.fullmatch(handler):
        reason = (
            f"--handler {handler!r}: Lambda takes MODULE.FUNCTION, such as app.handler or "
            "src/app.handler"
        )
        raise UsageError(reason)
    is_engines = isinstance(artifact, str) and artifact.startswith(ENGINE)
    if is_engines and precedence(ctx, own, "reference") in _CLOSE:
        reason = f"{artifact} names the image itself; leave --reference out"
        raise UsageError(reason)
    text = _read_dockerfile(options["dockerfile"])
    selection = _selection(options)
    selection.check([rule.info for rule in ALL_RULES])
    # A function's variables and those of the command line add up, name by name.
    of_all: Mapping[str, Any] = config_of(ctx).options
    named = [*of_all.get("env", ()), *own.get("env", ()), *options["environment"]]
    return Request(
        artifact,
        options,
        function.name if function is not None else None,
        text,
        find_layers(options["layers"]),
        read_environment(named),
        read_size(options["size_budget"]),
        _asked_smoke(ctx, options),
        # What the environment or the configuration says for all is no word about this one.
        any(precedence(ctx, own, name) in _CLOSE for name in ("target", "runtime")),
        find_pins(options["requirements"], options["wheels"]),
        read_limits(options["limits"]),
        own,
        # With several artifacts, one may be the image that is meant.
        next(
            (
                f"--{name}"
                for name in ("reference", "dockerfile")
                if precedence(ctx, own, name) in _CLOSE and len(ctx.params["artifacts"]) <= 1
            ),
            "",
        ),
    )


def _asked_smoke(ctx: click.Context, options: Mapping[str, Any]) -> Smoke | None:
    require_smoke(ctx, options)
    timeout = microseconds("--smoke-timeout", options["smoke_timeout"])
    budget = options["cold_start_budget"]
    budget_us = None if budget is None else microseconds("--cold-start-budget", budget)
    if not options["smoke"]:
        return None
    return Smoke(options["smoke_image"] or "", timeout / 1_000_000, budget_us)


def _selection(options: Mapping[str, Any]) -> Selection:
    return Selection(options["select"], options["extend_select"], options["ignore"])


def _target(request: Request) -> TargetProfile:
    named = request.options
    return choose_target(named["target"], named["runtime"], named["architecture"], named["day"])


def _one_target(ctx: click.Context, own: Mapping[str, Any], options: dict[str, Any]) -> None:
    """Drop a target where a runtime was named more closely, and the other way round."""
    target = precedence(ctx, own, "target")
    runtime = max(precedence(ctx, own, name) for name in ("runtime", "architecture"))
    if target > runtime:
        options |= {"runtime": None, "architecture": None}
    elif target < runtime:
        options["target"] = None


def _report(
    ctx: click.Context, request: Request, target: TargetProfile, watch: Watch, *, matrix: bool
) -> Report:
    """Return what is found in one artifact, and say with -v how that came."""
    if watch.verbose:
        watch.say(judged_on(ctx, request.own, request.options, target))
    others = on_runtimes(request.options["day"]) if matrix else ()
    report = _check(request, target, watch.step, others)
    if watch.verbose:
        for sentence in found_in(report, len(_rules(request)), len(ALL_RULES)):
            watch.say(sentence)
    if request.smoke is None:
        return report
    return _smoke(request, request.smoke, target, report, watch)


def _smoke(
    request: Request, asked: Smoke, target: TargetProfile, report: Report, watch: Watch
) -> Report:
    """Return the report with a smoke import, or with why there is none: what was read is kept."""
    try:
        return smoke(
            request.artifact,
            target,
            report,
            asked,
            check=lambda other: _check(request, other, lambda _: None),
            layers=request.layers,
            environment=request.environment,
            architecture=request.options["architecture"],
            reference=request.options["reference"],
            rules=_rules(request),
            progress=watch.smoke,
        )
    except (ArtifactError, EngineError) as error:
        return replace(report, unsmoked=str(error))


def _rules(request: Request) -> list[Rule]:
    wanted = _selection(request.options)
    return [rule for rule in ALL_RULES if wanted.wants(rule.info)]


def _check(
    request: Request,
    target: TargetProfile,
    shown: Progress,
    matrix: Sequence[TargetProfile] = (),
) -> Report:
    wheels = request.options["wheels"]
    report = check(
        request.artifact,
        target,
        handler=request.options["handler"],
        layers=request.layers,
        environment=request.environment,
        size_budget=request.size_budget,
        architecture=request.options["architecture"],
        reference=request.options["reference"],
        dockerfile=request.dockerfile,
        images=not request.own_target,
        wheel_author=request.options["wheel_author"],
        pins=request.pins,
        wheels=None if wheels is None else Path(wheels),
        matrix=matrix,
        rules=_rules(request),
        limits=request.limits,
        progress=shown,
    )
    kind = report.inventory.kind
    if request.of_image and kind not in {ArtifactKind.IMAGE, ArtifactKind.UNREADABLE}:
        reason = f"{request.artifact}: no container image, which {request.of_image} is about"
        raise UsageError(reason)
    return report


def _read_dockerfile(name: str | None) -> str | None:
    if name is None:
        return None
    try:
        return Path(name).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        reason = f"--dockerfile {name}: {error.strerror or error}"
        raise UsageError(reason) from error


def _today() -> dt.date:
    """Return the day, that of SOURCE_DATE_EPOCH where a build is to be reproduced."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if epoch.isdecimal():
        return dt.datetime.fromtimestamp(int(epoch), tz=dt.UTC).date()
    return dt.datetime.now(tz=dt.UTC).date()


def _require_version(config: Config) -> None:
    """Raise `UsageError` where the configuration is for another version of abicheck."""
    if config.required_version is None:
        return
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415 - seldom asked

    try:
        wanted = SpecifierSet(config.required_version)
    except InvalidSpecifier as error:
        reason = f"{config.path}: required-version: {error}"
        raise UsageError(reason) from error
    if not wanted.contains(__version__, prereleases=True):
        reason = f"{config.path}: required-version: {wanted}, and this is abicheck {__version__}"
        raise UsageError(reason)
