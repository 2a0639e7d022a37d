"""What the rules about distributions say of values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.factories import (
    Thing,
    a_case,
    a_distribution,
    a_foreign_file,
    an_inventory,
    an_object,
    codes,
    judge,
    location,
)

from abicheck.model import (
    Altered,
    Case,
    Distribution,
    FailedPackage,
    Failure,
    Installed,
    Mislabel,
    Overlap,
    Prediction,
    RecordReport,
    Severity,
    Unmet,
    Verdict,
)

PKG = a_distribution("pkg", files=["pkg/__init__.py", "pkg/_core.so"])
OTHER = a_distribution("other")
SO = location("pkg/_core.so")


def _case(*things: Thing, **facts: object) -> Case:
    case = a_case(inventory=an_inventory(*things, distributions=[PKG]))
    return replace(case, installed=Installed(**facts))  # type: ignore[arg-type]


def _altered(size: int | None = 4096, **fields: object) -> RecordReport:
    report = RecordReport(PKG, 2, 1, altered=(Altered(SO, size),))
    return replace(report, **fields)  # type: ignore[arg-type]


def _failed(**fields: object) -> FailedPackage:
    failure = Failure("ModuleNotFoundError", "No module named 'gone'")
    prediction = Prediction("pkg", Verdict.FAILS, failure)
    failed = FailedPackage("pkg", location("pkg/__init__.py"), prediction, PKG, Severity.ERROR)
    return replace(failed, **fields)  # type: ignore[arg-type]


# --- files that are not what was installed ---


def test_a_binary_that_differs_is_an_error() -> None:
    assert codes(_case(an_object("pkg/_core.so"), records=(_altered(),))) == ["ABI710"]


def test_so_is_what_is_no_binary_any_more() -> None:
    found = codes(_case(a_foreign_file("pkg/_core.so"), records=(_altered(),)))

    assert "ABI710" in found


@pytest.mark.parametrize(
    ("recorded", "stripped", "defect", "severity"),
    [
        (9000, True, None, "ABI710 warning"),
        (9000, False, None, "ABI710"),  # smaller, with all its symbols: something else
        (4096, True, None, "ABI710"),  # strip never leaves the size as it was
        (2000, True, None, "ABI710"),
        (None, True, None, "ABI710"),
        (9000, True, "file too short", "ABI710"),
    ],
)
def test_one_that_was_only_stripped_is_a_warning(
    recorded: int | None, defect: str | None, severity: str, *, stripped: bool
) -> None:
    """As far as that can be told without the original: smaller, sound, no symbol table."""
    facts = replace(an_object("pkg/_core.so"), stripped=stripped, defect=defect)

    assert codes(_case(facts, records=(_altered(recorded),))) == [severity]


def test_what_a_packager_changed_is_a_note() -> None:
    report = _altered(packaged=True)

    assert codes(_case(an_object("pkg/_core.so"), records=(report,))) == ["ABI710 note"]


def test_other_files_are_one_note() -> None:
    places = [Altered(location(f"pkg/{name}"), 1) for name in ("a.py", "b.json", "c.py", "d.py")]
    (finding,) = judge(_case(records=(RecordReport(PKG, 9, 5, altered=tuple(places)),)))

    assert (finding.rule.code, finding.severity) == ("ABI710", Severity.NOTE)
    assert (
        finding.fault.message == "pkg/a.py, pkg/b.json, pkg/c.py and 1 more: not what RECORD says"
    )


def test_a_binary_that_does_not_load_is_told_of_once() -> None:
    facts = replace(an_object("pkg/_core.so", "PyInit__core"), defect="file too short")
    case = a_case(facts, inventory=an_inventory(facts, distributions=[PKG]))

    assert codes(replace(case, installed=Installed(records=(_altered(),)))) == ["ABI108"]


def test_a_binary_whose_load_fails_for_another_reason_differs_all_the_same() -> None:
    facts = an_object("pkg/_core.so", "PyInit__core", needed=["libabsent.so.1"])
    case = a_case(facts, inventory=an_inventory(facts, distributions=[PKG]))

    assert codes(replace(case, installed=Installed(records=(_altered(),)))) == ["ABI401", "ABI710"]


# --- files that are gone ---


def test_lost_files_that_nothing_needs_are_one_note() -> None:
    names = ["pkg/tests/__init__.py", "pkg/tests/test_a.py", "pkg/py.typed", "pkg/data.json"]
    lost = tuple(map(location, names))
    (finding,) = judge(_case(records=(RecordReport(PKG, 9, 5, lost=lost),)))

    assert (finding.rule.code, finding.severity) == ("ABI702", Severity.NOTE)
    assert finding.fault.message == "4 of 9 files are gone: 2 tests, a stub, another file"


def test_metadata_without_a_package_is_said_so() -> None:
    lost = (location("pkg/__init__.py"), location("pkg/a.py"))
    (finding,) = judge(_case(records=(RecordReport(PKG, 4, 2, lost=lost, metadata=2),)))

    assert finding.fault.message == "only the metadata is there, and none of the 2 files"


def test_a_lost_file_that_an_import_needs_is_an_error_and_the_rest_is_its_evidence() -> None:
    lost = (location("pkg/gone.py"), location("pkg/tests/test_a.py"))
    report = RecordReport(PKG, 4, 2, lost=lost)
    case = _case(records=(report,), failures=(_failed(lost=lost[:1]),))

    assert codes(case) == ["ABI702"]
    assert judge(case)[0].fault.why == (
        "RECORD lists pkg/gone.py; 2 of 4 files are gone: a module, a test"
    )


# --- requirements ---


def _unmet(name: str = "gone", distribution: Distribution = PKG) -> Unmet:
    return Unmet(distribution, f"{name}>=1", name)


def test_one_requirement_is_one_finding_whoever_has_it() -> None:
    unmet = (_unmet(), _unmet(distribution=OTHER))
    case = _case(unmet=unmet)
    (finding,) = judge(case)

    assert codes(case) == ["ABI705 note"]
    assert finding.fault.message == "pkg requires gone>=1, and gone is not there; 1 more require it"
    assert finding.fault.evidence == ("pkg requires gone>=1", "other requires gone>=1")


def test_it_is_an_error_where_an_import_fails_of_it() -> None:
    case = _case(unmet=(_unmet(),), failures=(_failed(unmet=(_unmet(),)),))

    assert codes(case) == ["ABI705"]


def test_an_import_that_is_guarded_weighs_less() -> None:
    failed = _failed(unmet=(_unmet(),), severity=Severity.WARNING, reason="it is guarded")
    case = _case(unmet=(_unmet(),), failures=(failed,))

    assert codes(case) == ["ABI705 warning"]
    assert judge(case)[0].fault.why.endswith("; it is guarded")


# --- the rest ---


@pytest.mark.parametrize(("author", "severity"), [(False, "ABI709 note"), (True, "ABI709 warning")])
def test_a_wrong_tag_matters_to_who_publishes_the_wheel(*, author: bool, severity: str) -> None:
    mislabel = Mislabel(PKG, SO, "manylinux_2_17_x86_64", "GLIBC_2.28")
    case = replace(_case(mislabels=(mislabel,)), wheel_author=author)

    assert codes(case) == [severity.removesuffix(" error")]


@pytest.mark.parametrize(
    ("path", "severity"),
    [("cv2/cv2.abi3.so", "ABI712 warning"), ("tests/__init__.py", "ABI712 note")],
)
def test_an_overwritten_binary_is_a_warning(path: str, severity: str) -> None:
    report = RecordReport(PKG, 3, 2, overlaps=(Overlap(location(path), OTHER),))

    assert codes(_case(records=(report,))) == [severity]


@pytest.mark.parametrize(
    ("kept", "severity"), [((3, 1), "ABI708 note"), ((2, 2), "ABI708 warning")]
)
def test_twice_installed_is_a_note_where_one_of_them_is_whole(
    kept: Sequence[int], severity: str
) -> None:
    newer = replace(PKG, version="2.0", location=location("pkg-2.0.dist-info"))
    overlap = (Overlap(SO, newer),)
    reports = (
        RecordReport(newer, 3, kept[0], altered=() if kept[0] == 3 else (Altered(SO, 1),)),
        RecordReport(PKG, 3, kept[1], overlaps=overlap),
    )
    found = codes(_case(records=reports, doubles=((PKG, newer),)))

    assert severity in found


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"owner": None, "handles": True}, ["ABI713 warning"]),
        ({"owner": None}, ["ABI713 note"]),
        ({}, ["ABI713 note"]),
        ({"handles": True, "severity": Severity.NOTE}, ["ABI713 note"]),
    ],
)
def test_what_may_be_the_handler_weighs_more(
    fields: dict[str, object], expected: list[str]
) -> None:
    assert codes(_case(failures=(_failed(**fields),))) == expected


def test_what_only_may_fail_is_no_finding() -> None:
    failed = _failed()
    doubtful = replace(failed, prediction=replace(failed.prediction, verdict=Verdict.UNCERTAIN))

    assert codes(_case(failures=(doubtful,))) == []


def test_who_asks_for_metadata_that_is_not_there_fails() -> None:
    failure = Failure("PackageNotFoundError", "No package metadata was found for pkg")
    prediction = Prediction("pkg", Verdict.FAILS, failure)

    assert codes(_case(failures=(_failed(prediction=prediction, metadata="pkg"),))) == ["ABI701"]


def test_a_named_handler_that_fails_of_it_is_told_of_once() -> None:
    """Law: one fault, one finding; the rule that knows the cause has it."""
    failed = _failed(unmet=(_unmet(),))
    handler = replace(failed.prediction, module="app")
    case = replace(_case(unmet=(_unmet(),), failures=(failed,)), handler=handler)

    assert codes(case) == ["ABI705"]
    assert codes(replace(_case(failures=(_failed(),)), handler=handler)) == ["ABI602"]
