"""What was predicted beside what happened; pure.

Two failures are the same if their exceptions have one class and one text, word
for word.  A death by a signal is told by the signal; one by an exit status by
that, and where the loader itself gave up (127) by its line as well.  Nothing
else is compared and nothing is let pass: the accuracy that the documentation
states is measured by the same rule.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from abicheck.model import (
    Agreement,
    ArtifactKind,
    ColdStart,
    Failure,
    ImportShare,
    Inventory,
    Location,
    Prediction,
    Reconciled,
    Report,
    SmokeImport,
    SmokeOutcome,
    SmokeRun,
    Verdict,
)

_ABSENT: Final = re.compile(r"No module named '([^'.]+)")
_GAVE_UP: Final = "exit 127"
_STANDARD: Final = "standard library"
_LIMITS: Final = (SmokeOutcome.TIMED_OUT, SmokeOutcome.OUT_OF_BOUNDS)
_SETTLED: Final = (Agreement.AGREED, Agreement.UNFINISHED)


def subjects(report: Report) -> tuple[Prediction, ...]:
    """Return what is to be imported, with what was predicted for it.

    The handler's module comes first, then every top-level name, then every
    extension module; each once.
    """
    wanted = [] if report.handler is None else [report.handler]
    wanted += [package.prediction for package in report.packages]
    wanted += [
        item.prediction
        for item in report.objects
        if item.module is not None and item.prediction is not None
    ]
    found: dict[str, Prediction] = {}
    for prediction in wanted:
        found.setdefault(prediction.module, prediction)
    return tuple(found.values())


def reconcile(report: Report, run: SmokeRun, base: Report | None = None) -> tuple[Reconciled, ...]:
    """Return each import beside what `report` predicts, in the order of `run`.

    `base` is the report on the base image of a managed runtime: what happened
    as that one says, and not as `report` does, tells the two apart and shows
    no mistake.
    """
    said = {prediction.module: prediction for prediction in subjects(report)}
    there = {} if base is None else {each.module: each for each in subjects(base)}
    places = dict(_places(report))
    return tuple(
        Reconciled(
            made,
            _weigh(said[made.module], there.get(made.module), made, report.inventory),
            places.get(made.module) or _package(report.inventory, made.module),
            said[made.module].failure,
        )
        for made in run.imports
    )


def same_words(one: Failure, other: Failure) -> bool:
    """Whether two failures are the same in every word that counts."""
    if one.crash is not None or other.crash is not None:
        said = [(f.stderr or "").strip() for f in (one, other)]
        return one.crash == other.crash and (one.crash != _GAVE_UP or said[0] == said[1])
    return (one.exception, one.message) == (other.exception, other.message)


def _weigh(
    said: Prediction, in_base: Prediction | None, made: SmokeImport, inventory: Inventory
) -> Agreement:
    found = _agreement(said, made)
    if found is not Agreement.AGREED and _lacks_requirement(made, inventory):
        return Agreement.UNDECIDED
    if in_base is None or found in _SETTLED:
        return found
    expected = _agreement(in_base, made)
    if made.outcome is SmokeOutcome.LOADED:
        # Also where the base image was in doubt: nothing there speaks against the target.
        is_base = expected in (Agreement.AGREED, Agreement.UNDECIDED)
    else:
        is_base = expected is Agreement.AGREED and found is not Agreement.UNDECIDED
    return Agreement.ONLY_IN_BASE if is_base else found


def _agreement(said: Prediction, made: SmokeImport) -> Agreement:
    if made.outcome in _LIMITS:
        return Agreement.UNFINISHED
    if said.verdict is Verdict.UNCERTAIN:
        return Agreement.UNDECIDED
    if made.failure is None:
        return Agreement.AGREED if said.failure is None else Agreement.LOADED_AFTER_ALL
    if said.failure is None:
        return Agreement.FAILED_AFTER_ALL
    same = same_words(said.failure, made.failure)
    return Agreement.AGREED if same else Agreement.OTHER_MESSAGE


def _lacks_requirement(made: SmokeImport, inventory: Inventory) -> bool:
    """Whether a lone wheel lacks what it requires: predictions take that for installed."""
    failure = made.failure
    if inventory.kind is not ArtifactKind.WHEEL or failure is None:
        return False
    absent = _ABSENT.match(failure.message or "")
    return absent is not None and absent[1] not in inventory.packages


def _places(report: Report) -> Iterator[tuple[str, Location]]:
    return ((item.module, item.location) for item in report.objects if item.module is not None)


def _package(inventory: Inventory, module: str) -> Location:
    """Return where a module of Python lies, as far as its name says: a file, or a folder."""
    path = PurePosixPath(*module.split("."))
    top = f"{path}.py"
    return Location(PurePosixPath(top) if top in inventory.sizes else path)


# --- cold start ---


def cold_start(report: Report, run: SmokeRun, budget_us: int | None = None) -> ColdStart | None:
    """Return where the time of the imports went; None where nothing that counts was imported.

    CPython's own accounting (`-X importtime`) gives each module the time that
    its code took without what it imported, so that the sum over all is the whole.
    The standard library, which nobody can leave out, is one share.
    """
    module = None if report.handler is None else report.handler.module
    asked = {package.name for package in report.packages} if module is None else {module}
    took: dict[str, int] = {}
    for made in run.imports:
        if made.module in asked and made.outcome is SmokeOutcome.LOADED:
            for time in made.times:
                took[time.module] = max(took.get(time.module, 0), time.self_us)
    if not took:
        return None
    shares: Counter[str] = Counter()
    for name, self_us in took.items():
        top = name.partition(".")[0]
        shares[_STANDARD if top in report.profile.interpreter.stdlib else top] += self_us
    slowest = sorted(shares.items(), key=lambda share: (-share[1], share[0]))
    return ColdStart(
        module,
        sum(shares.values()),
        tuple(ImportShare(name, self_us) for name, self_us in slowest),
        budget_us,
    )
