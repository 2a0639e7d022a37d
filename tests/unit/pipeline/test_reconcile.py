"""Predictions beside outcomes: what agrees, what does not, and what neither can say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.factories import (
    a_report,
    a_smoke_run,
    an_inventory,
    an_object,
    an_object_report,
)

from abicheck.model import (
    Agreement,
    ArtifactKind,
    Failure,
    ImportShare,
    ImportTime,
    PackageReport,
    Prediction,
    Report,
    SmokeImport,
    SmokeOutcome,
    Verdict,
)
from abicheck.pipeline._reconcile import cold_start, reconcile, same_words, subjects

ABSENT = Failure("ModuleNotFoundError", "No module named 'gone'")
NO_LIBRARY = Failure("ImportError", "libx.so.1: cannot open shared object file: gone")
LOADS = Prediction("app", Verdict.LOADS)
FAILS = Prediction("app", Verdict.FAILS, ABSENT)
UNCERTAIN = Prediction("app", Verdict.UNCERTAIN, NO_LIBRARY)
LOADED = SmokeImport("app", SmokeOutcome.LOADED)
FAILED = SmokeImport("app", SmokeOutcome.FAILED, ABSENT)
OTHERWISE = SmokeImport("app", SmokeOutcome.FAILED, NO_LIBRARY)


def predicting(*predictions: Prediction, handler: Prediction | None = None) -> Report:
    packages = [PackageReport(each.module, None, each) for each in predictions]
    return a_report(packages=packages, handler=handler)


def agreement(said: Prediction, made: SmokeImport, in_base: Prediction | None = None) -> Agreement:
    base = None if in_base is None else predicting(in_base)
    (found,) = reconcile(predicting(said), a_smoke_run(made), base)
    return found.agreement


# --- what is imported ---


def test_the_handler_comes_first_then_packages_then_extensions_each_once() -> None:
    inner = Prediction("pkg._speed", Verdict.FAILS, ABSENT)
    report = a_report(
        packages=[
            PackageReport(p.module, None, p) for p in (LOADS, Prediction("pkg", Verdict.LOADS))
        ],
        objects=[
            an_object_report(an_object("pkg/_speed.so"), module="pkg._speed", prediction=inner),
            an_object_report(an_object("pkg/libx.so")),
        ],
        handler=LOADS,
    )

    assert [each.module for each in subjects(report)] == ["app", "pkg", "pkg._speed"]


def test_a_module_that_is_there_under_two_names_of_files_is_imported_once() -> None:
    said = Prediction("mod", Verdict.FAILS, ABSENT)
    files = [an_object(f"mod.cpython-{n}-x86_64-linux-gnu.so") for n in (311, 312)]
    objects = [an_object_report(file, module="mod", prediction=said) for file in files]

    assert subjects(a_report(objects=objects)) == (said,)


# --- agreement ---


@pytest.mark.parametrize(
    ("said", "made", "expected"),
    [
        (LOADS, LOADED, Agreement.AGREED),
        (FAILS, FAILED, Agreement.AGREED),
        (FAILS, LOADED, Agreement.LOADED_AFTER_ALL),
        (LOADS, FAILED, Agreement.FAILED_AFTER_ALL),
        (FAILS, OTHERWISE, Agreement.OTHER_MESSAGE),
        (UNCERTAIN, LOADED, Agreement.UNDECIDED),
        (UNCERTAIN, OTHERWISE, Agreement.UNDECIDED),
        (LOADS, SmokeImport("app", SmokeOutcome.TIMED_OUT), Agreement.UNFINISHED),
        (FAILS, SmokeImport("app", SmokeOutcome.OUT_OF_BOUNDS), Agreement.UNFINISHED),
        (
            LOADS,
            SmokeImport("app", SmokeOutcome.DIED, Failure(None, None, "SIGSEGV")),
            Agreement.FAILED_AFTER_ALL,
        ),
    ],
)
def test_a_prediction_meets_an_outcome(
    said: Prediction, made: SmokeImport, expected: Agreement
) -> None:
    assert agreement(said, made) is expected


@pytest.mark.parametrize(
    ("kind", "message", "expected"),
    [
        (ArtifactKind.WHEEL, "No module named 'numpy'", Agreement.UNDECIDED),
        (ArtifactKind.WHEEL, "No module named 'numpy.core'", Agreement.UNDECIDED),
        (ArtifactKind.WHEEL, "No module named 'app.inner'", Agreement.FAILED_AFTER_ALL),
        (ArtifactKind.WHEEL, "libnumpy.so: gone", Agreement.FAILED_AFTER_ALL),
        (ArtifactKind.ZIP, "No module named 'numpy'", Agreement.FAILED_AFTER_ALL),
    ],
)
def test_a_lone_wheel_is_not_held_to_have_what_it_requires(
    kind: ArtifactKind, message: str, expected: Agreement
) -> None:
    """Predictions take it for installed; only an import shows that it is not."""
    made = replace(FAILED, failure=replace(ABSENT, message=message))
    inventory = replace(an_inventory(kind=kind), packages=("app",))
    report = replace(predicting(LOADS), inventory=inventory)

    (found,) = reconcile(report, a_smoke_run(made))

    assert found.agreement is expected


@pytest.mark.parametrize(
    ("said", "in_base", "made", "expected"),
    [
        # As the target says: the base image is not asked.
        (FAILS, LOADS, FAILED, Agreement.AGREED),
        # The base image has the library that the managed runtime lacks.
        (FAILS, LOADS, LOADED, Agreement.ONLY_IN_BASE),
        (UNCERTAIN, LOADS, LOADED, Agreement.ONLY_IN_BASE),
        (FAILS, UNCERTAIN, LOADED, Agreement.ONLY_IN_BASE),
        (FAILS, replace(FAILS, failure=NO_LIBRARY), OTHERWISE, Agreement.ONLY_IN_BASE),
        # Neither foresaw it.
        (FAILS, FAILS, LOADED, Agreement.LOADED_AFTER_ALL),
        (LOADS, LOADS, FAILED, Agreement.FAILED_AFTER_ALL),
        (LOADS, UNCERTAIN, FAILED, Agreement.FAILED_AFTER_ALL),
        # In doubt on the target, and it fails even where more libraries are.
        (UNCERTAIN, FAILS, FAILED, Agreement.UNDECIDED),
    ],
)
def test_what_happens_as_the_base_image_says_is_no_disagreement(
    said: Prediction, in_base: Prediction, made: SmokeImport, expected: Agreement
) -> None:
    assert agreement(said, made, in_base) is expected


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (ABSENT, ABSENT, True),
        (ABSENT, replace(ABSENT, exception="ImportError"), False),
        (ABSENT, replace(ABSENT, message="No module named 'Gone'"), False),
        # Where a fault lies is ours to say, and not a word of the runtime's.
        (ABSENT, replace(ABSENT, stderr="a warning"), True),
        (Failure(None, None, "SIGBUS"), Failure(None, None, "SIGBUS", "anything"), True),
        (Failure(None, None, "SIGBUS"), Failure(None, None, "SIGSEGV"), False),
        (Failure(None, None, "SIGBUS"), ABSENT, False),
        (Failure(None, None, "exit 127", "a: b"), Failure(None, None, "exit 127", "a: b\n"), True),
        (Failure(None, None, "exit 127", "a: b"), Failure(None, None, "exit 127", "a: c"), False),
    ],
)
def test_failures_are_the_same_word_for_word(one: Failure, other: Failure, *, same: bool) -> None:
    assert same_words(one, other) is same
    assert same_words(other, one) is same


def test_a_reconciled_import_names_its_file_and_what_was_predicted() -> None:
    inventory = replace(an_inventory(), sizes={"app.py": 10, "pkg": 10})
    said = Prediction("pkg._speed", Verdict.FAILS, ABSENT)
    binary = an_object("pkg/_speed.abi3.so")
    report = replace(
        predicting(LOADS, Prediction("pkg", Verdict.LOADS), handler=LOADS),
        inventory=inventory,
        objects=(an_object_report(binary, module="pkg._speed", prediction=said),),
    )
    names = ("app", "pkg", "pkg._speed")

    found = reconcile(report, a_smoke_run(*(replace(LOADED, module=name) for name in names)))

    assert [str(each.location) for each in found] == ["app.py", "pkg", "pkg/_speed.abi3.so"]
    assert [each.predicted for each in found] == [None, None, ABSENT]


# --- cold start ---


def timed(module: str, *times: tuple[str, int]) -> SmokeImport:
    return SmokeImport(
        module, SmokeOutcome.LOADED, times=tuple(ImportTime(name, us, us) for name, us in times)
    )


def shares(report: Report, made: Sequence[SmokeImport]) -> list[tuple[str, int]]:
    cold = cold_start(report, a_smoke_run(*made))
    assert cold is not None
    assert cold.total_us == sum(share.self_us for share in cold.shares)
    return [(share.name, share.self_us) for share in cold.shares]


def test_the_handler_s_imports_are_added_up_by_package_the_slowest_first() -> None:
    times = [("np.core", 30), ("np", 20), ("json.scanner", 3), ("time", 2), ("app", 10)]
    made = timed("app", *times)

    found = shares(predicting(handler=LOADS), [made, timed("other", ("other", 900))])

    assert found == [("np", 50), ("app", 10), ("standard library", 5)]


def test_without_a_handler_each_module_counts_once_whichever_package_brought_it() -> None:
    report = predicting(Prediction("one", Verdict.LOADS), Prediction("two", Verdict.LOADS))
    made = [
        timed("one", ("json", 5), ("one", 10)),
        timed("two", ("json", 7), ("one", 9), ("two", 1)),
        timed("two._inner", ("two._inner", 100)),
    ]

    assert shares(report, made) == [("one", 10), ("standard library", 7), ("two", 1)]


def test_a_handler_that_did_not_load_has_no_cold_start() -> None:
    made = replace(timed("app", ("json", 5)), outcome=SmokeOutcome.FAILED)

    assert cold_start(predicting(handler=LOADS), a_smoke_run(made), 1) is None


def test_a_cold_start_carries_its_budget_and_whose_it_is() -> None:
    cold = cold_start(predicting(handler=LOADS), a_smoke_run(timed("app", ("app", 10))), 9)

    assert cold is not None
    assert (cold.module, cold.budget_us) == ("app", 9)
    assert cold.shares == (ImportShare("app", 10),)
