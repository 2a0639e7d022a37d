"""ABI90x: what a smoke import showed.  It judges abicheck as much as the artifact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Final

from abicheck.model import (
    Agreement,
    ArtifactKind,
    Case,
    Failure,
    Fault,
    Location,
    Severity,
    SmokeOutcome,
)
from abicheck.rules._rule import rule

_SEND: Final = (
    "abicheck ARTIFACT --smoke --format json=smoke.json  "
    "# attach smoke.json to an issue of abicheck"
)
_INSTALLED: Final = "pip install --target BUILD_DIR WHEEL && abicheck BUILD_DIR --smoke"
_ENDS: Final = {
    Agreement.FAILED_AFTER_ALL: "was predicted to load, and failed",
    Agreement.LOADED_AFTER_ALL: "was predicted to fail, and loaded",
    Agreement.OTHER_MESSAGE: "failed as predicted, in other words",
}
_LONGEST: Final = 2000  # characters
_MILLISECOND: Final = 1000


@rule(
    "ABI901",
    Severity.ERROR,
    "what happened in the container is not what was predicted",
    explanation="The artifact was imported for real, and a module did not do what was predicted "
    "for it.  Either the profile does not describe the image, or abicheck is wrong; until that "
    "is known, no other verdict of this report can be relied on.  It is a warning where the "
    "module loaded after all, or failed in other words.",
    causes=(
        "the module asks for a variable, a network or a file that the container does not have",
        "the profile was captured elsewhere, or the image has changed since",
        "the module does at import what abicheck cannot foresee",
        "a mistake of abicheck",
    ),
    fixes=(
        "for a wrong profile, make one of the image: `abicheck capture docker:IMAGE -o FILE`",
        "else send the report, `--format json=FILE`: it has names and symbols, and no code",
    ),
)
def smoke_disagrees(case: Case) -> Iterator[Fault]:
    """What really happens is what was predicted."""
    for each in case.reconciled:
        if each.agreement not in _ENDS:
            continue
        serious = each.agreement is Agreement.FAILED_AFTER_ALL
        yield Fault(
            each.location,
            f"{each.made.module} {_ENDS[each.agreement]}{_how(each.made.failure)}",
            subject=each.made.module,
            why=f"predicted for {case.profile.name}: {_said(each.predicted)}; {_where(case)}",
            evidence=(_said(each.predicted), _said(each.made.failure)),
            fix=_SEND,
            module=each.made.module,
            failure=_short(each.made.failure),
            severity=None if serious else Severity.WARNING,
        )


@rule(
    "ABI902",
    Severity.ERROR,
    "a module whose outcome was uncertain does not import",
    explanation="What would happen could not be told from the files alone.  In the container the "
    "import failed.  A lone wheel "
    "brings none of what it requires, which is taken for installed until something is imported.",
    causes=("what the message says", "a wheel that requires others"),
    fixes=(
        "look for the message: `abicheck explain MESSAGE`",
        "import a wheel with what it requires: `pip install --target BUILD_DIR WHEEL`, then that",
    ),
)
def smoke_failed(case: Case) -> Iterator[Fault]:
    """What could not be predicted is settled by what happens."""
    for each in case.reconciled:
        if each.agreement is Agreement.UNDECIDED and each.made.failure is not None:
            yield Fault(
                each.location,
                f"{each.made.module} fails{_how(each.made.failure)}",
                subject=each.made.module,
                why=f"the prediction was uncertain; {_where(case)}",
                evidence=(_said(each.made.failure),),
                fix=_INSTALLED if case.inventory.kind is ArtifactKind.WHEEL else "",
                module=each.made.module,
                failure=_short(each.made.failure),
            )


@rule(
    "ABI903",
    Severity.ERROR,
    "an import did not end within its limits",
    explanation="The container gives each import so much time, memory, processes, disk and "
    "output.  What met one of these limits did not end, and what would have come of it is not "
    "known: it is not vouched for.",
    causes=(
        "the module waits for a network that is not there",
        "it starts processes, or writes without end",
        "a slow machine, or one that is busy",
    ),
    fixes=(
        "give it more time: `--smoke-timeout 120s`",
        "do at the first call what need not be done at import",
    ),
)
def smoke_unfinished(case: Case) -> Iterator[Fault]:
    """What did not end is not vouched for."""
    for each in case.reconciled:
        if each.agreement is Agreement.UNFINISHED:
            limit = each.made.failure.message if each.made.failure is not None else None
            timed_out = each.made.outcome is SmokeOutcome.TIMED_OUT
            yield Fault(
                each.location,
                f"{each.made.module} {limit or 'did not end'}",
                subject=each.made.module,
                why=_where(case),
                fix="abicheck ARTIFACT --smoke --smoke-timeout 120s" if timed_out else "",
                module=each.made.module,
            )


@rule(
    "ABI904",
    Severity.WARNING,
    "the base image is not the managed runtime, and it shows",
    explanation="Lambda's base image has libraries that its managed runtime for ZIP archives "
    "lacks.  What was imported did as predicted for the image, and for the managed runtime "
    "something else is predicted.  The function runs in the managed runtime, so that prediction "
    "stands, and this smoke import says nothing about it.  It is a note where the module loaded.",
    causes=("a library of the base image that the managed runtime is reported to lack",),
    fixes=("ship the library with the function", "deploy the function as a container image"),
)
def base_image_differs(case: Case) -> Iterator[Fault]:
    """A smoke import in the base image proves nothing where the managed runtime differs."""
    for each in case.reconciled:
        if each.agreement is Agreement.ONLY_IN_BASE:
            loaded = each.made.outcome is SmokeOutcome.LOADED
            ends = "loads in the base image only" if loaded else "fails in the base image"
            yield Fault(
                each.location,
                f"{each.made.module} {ends}{_how(each.made.failure)}",
                subject=each.made.module,
                why=f"predicted for {case.profile.name}: {_said(each.predicted)}, which stands; "
                f"{_where(case)}",
                module=each.made.module,
                failure=_short(each.made.failure),
                severity=Severity.NOTE if loaded else None,
            )


@rule(
    "ABI905",
    Severity.ERROR,
    "the imports take longer than is allowed",
    explanation="A cold start imports the handler's module and all that it brings before the "
    "first event is served.  The times are CPython's own accounting, made where the container "
    "ran: a laptop is not Lambda, whose processor is as small as the function's memory setting.  "
    "They are good for comparing, one change with another on one machine.",
    causes=("a package that is imported and not used by every event", "a package's own size"),
    fixes=(
        "import inside the function what only some events need",
        "give the function more memory, which also gives it more processor",
    ),
)
def cold_start_over_budget(case: Case) -> Iterator[Fault]:
    """The imports of a cold start take no longer than was allowed."""
    cold = case.cold_start
    if cold is None or cold.budget_us is None or cold.total_us <= cold.budget_us:
        return
    place = next((r.location for r in case.reconciled if r.made.module == cold.module), None)
    shares = ", ".join(f"{s.name} {_took(s.self_us)}" for s in cold.shares[:3])
    what = f"importing {cold.module}" if cold.module is not None else "importing every package once"
    yield Fault(
        place or Location(PurePosixPath()),
        f"{what} took {_took(cold.total_us)}, of {_took(cold.budget_us)} allowed",
        subject="cold-start",
        why=f"slowest: {shares}",
        module=cold.module,
    )


def _said(failure: Failure | None) -> str:
    """Return how an import ends, in the runtime's words."""
    failure = _short(failure)
    if failure is None:
        return "loads"
    if failure.crash is not None:
        return f"{failure.crash}: {failure.stderr}" if failure.stderr else failure.crash
    return f"{failure.exception}: {failure.message}"


def _short(failure: Failure | None) -> Failure | None:
    """Return a failure with as much of its words as a finding needs: they are the artifact's."""
    if failure is None:
        return None
    message, stderr = (
        text if text is None or len(text) <= _LONGEST else f"{text[:_LONGEST]} …"
        for text in (failure.message, failure.stderr)
    )
    return replace(failure, message=message, stderr=stderr)


def _how(failure: Failure | None) -> str:
    """Return how an import failed as the end of a sentence; nothing where it loaded."""
    return "" if failure is None else f": {_said(failure)}"


def _where(case: Case) -> str:
    """Return the image, as exactly as it can be named."""
    run = case.smoke
    return "" if run is None else f"imported in {run.pinned or f'{run.image} ({run.id})'}"


def _took(microseconds: int) -> str:
    return f"{microseconds / _MILLISECOND:,.0f} ms"


DISAGREEMENTS: Final = frozenset({smoke_disagrees.info.code})
RULES: Final = (
    smoke_disagrees,
    smoke_failed,
    smoke_unfinished,
    base_image_differs,
    cold_start_over_budget,
)
