"""What must hold for the rules as a whole: codes, cards, and what each fires on."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Final

import pytest
from tests.factories import (
    a_case,
    a_distribution,
    a_layer,
    a_library,
    a_profile,
    a_smoke_run,
    an_image,
    an_inventory,
    an_object,
    codes,
    irregular,
    location,
)
from tests.layouts import LAYOUTS, ODD, case_of

from abicheck.model import (
    AbsentPin,
    Agreement,
    ArtifactKind,
    BaseDrift,
    Case,
    ColdStart,
    Counts,
    Departure,
    EntryPoint,
    Failure,
    ForeignLock,
    FunctionLayer,
    ImageChild,
    ImageFacts,
    ImportShare,
    Installed,
    Irregular,
    Irregularity,
    LockFile,
    Mislabel,
    MissedImport,
    NamedFile,
    OtherVersion,
    Pin,
    PinReport,
    Platform,
    Prediction,
    Reconciled,
    Report,
    RuleInfo,
    Severity,
    Site,
    SmokeImport,
    SmokeOutcome,
    StrayFolder,
    Unpinned,
    Unvouched,
    Verdict,
    WheelReport,
)
from abicheck.rules import (
    ALL_RULES,
    Rule,
    artifact,
    binaries,
    distributions,
    environment,
    features,
    handler,
    image,
    layers,
    layout,
    libraries,
    permissions,
    pins,
    python,
    records,
    shadowing,
    sizes,
    smoke,
    symbols,
)
from abicheck.rules.diagnosis import diagnose

CARDS: Final = [rule.info for rule in ALL_RULES]
FAMILIES: Final = (
    artifact,
    binaries,
    python,
    symbols,
    libraries,
    features,
    layout,
    layers,
    environment,
    sizes,
    image,
    pins,
    smoke,
    distributions,
    records,
    shadowing,
    symbols,
    libraries,
    features,
    handler,
    layout,
    permissions,
    image,
)
SNAPSHOT: Final = Path(__file__).with_name("fired.txt")
HEADING: Final = """\
# Every rule, and the fixtures it fires on: a false alarm elsewhere is a line more.
# Made by `python -m pytest tests/catalogue --update-snapshots`; never by hand.
"""


# --- codes and cards ---


def test_codes_are_unique_and_in_order() -> None:
    codes_ = [card.code for card in CARDS]

    assert codes_ == sorted(set(codes_))


def test_names_are_unique() -> None:
    assert len({card.name for card in CARDS}) == len(CARDS)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_no_rule_is_left_out_of_its_family(family: ModuleType) -> None:
    """A rule that no list names would never run, and nobody would miss it."""
    defined = [value for value in vars(family).values() if isinstance(value, Rule)]
    listed: tuple[Rule, ...] = family.RULES

    assert {rule.info.code for rule in defined} == {rule.info.code for rule in listed}
    assert set(listed) <= set(ALL_RULES)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.code)
def test_a_card_says_what_a_page_needs(card: RuleInfo) -> None:
    assert re.fullmatch(r"ABI\d{3}", card.code)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", card.name)
    assert card.summary
    assert not card.summary.endswith(".")
    assert card.explanation.endswith(".")
    assert card.causes
    assert card.fixes


def rules_for(message: str) -> list[RuleInfo]:
    """Return what `explain` ranks for a message, the likeliest first."""
    return [card for found in diagnose(message, CARDS) for card in found.rules]


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.code)
def test_explain_finds_a_rule_by_each_message_it_predicts(card: RuleInfo) -> None:
    for message in card.messages:
        assert card in rules_for(message.replace("*", "something"))


def test_a_law_is_stated_where_the_rule_stands() -> None:
    assert all(rule.law.__doc__ for rule in ALL_RULES)


# --- what each fires on ---


def fired(reports: Mapping[str, Report]) -> dict[str, dict[str, Severity]]:
    """Each rule's code, and the fixtures it fires on with the highest severity there."""
    found: dict[str, dict[str, Severity]] = {card.code: {} for card in CARDS}
    for file, report in reports.items():
        for finding in report.findings:
            there = found[finding.rule.code]
            there[file] = max(finding.severity, there.get(file, finding.severity))
    return found


def matrix(reports: Mapping[str, Report]) -> str:
    """The snapshot: a line a fixture, with its severity where that is not the rule's own."""
    lines = [HEADING]
    names = {card.code: card for card in CARDS}
    for code, files in fired(reports).items():
        card = names[code]
        lines.append(f"{card.code} {card.name}: {card.severity}")
        lines += [
            f"    {file}" + (f"  {severity}" if severity is not card.severity else "")
            for file, severity in sorted(files.items())
        ]
        lines.append("")
    return "\n".join(lines)


def test_rules_fire_on_the_fixtures_that_the_snapshot_lists(
    reports: Mapping[str, Report], request: pytest.FixtureRequest
) -> None:
    if request.config.getoption("update_snapshots", default=False):
        SNAPSHOT.write_text(matrix(reports), encoding="utf-8", newline="\n")

    assert matrix(reports).splitlines() == SNAPSHOT.read_text(encoding="utf-8").splitlines()


def doubtful_library() -> Case:
    profile = a_profile(a_library("libmaybe.so.1", doubtful="reported absent"))
    return a_case(an_object("mod.so", "PyInit_mod", needed=["libmaybe.so.1"]), profile=profile)


def stand_in_without_the_symbol() -> Case:
    profile = a_profile(a_library("libstandin.so.1", "has@@V_1", complete=False))
    facts = an_object(
        "mod.so", "PyInit_mod", needed=["libstandin.so.1"], refers=["lacks@V_1"], versioned=True
    )
    return a_case(facts, profile=profile)


def executable_stack_on_a_newer_glibc() -> Case:
    facts = replace(an_object("mod.so", "PyInit_mod"), exec_stack=True)
    return a_case(facts, profile=a_profile(libc=(2, 41)))


def limit_reached() -> Case:
    return a_case(inventory=an_inventory(irregularities=[irregular(Irregular.LIMIT)]))


def unreadable_member() -> Case:
    return a_case(inventory=an_inventory(irregularities=[irregular(Irregular.UNREADABLE)]))


def handler_that_is_not_there() -> Case:
    failure = Failure("ModuleNotFoundError", "No module named 'app'")
    case = a_case(inventory=an_inventory())
    return replace(case, handler=Prediction("app", Verdict.FAILS, failure))


def _of(image: ImageFacts, *irregularities: Irregularity) -> Case:
    inventory = an_inventory(kind=ArtifactKind.IMAGE, irregularities=irregularities)
    return a_case(inventory=replace(inventory, image=image))


def attested_image() -> Case:
    child = ImageChild("sha256:1", Platform("unknown", "unknown"), present=True, attestation=True)
    return _of(replace(an_image(), index=True, children=(child,)))


def plain_layer_of_docker() -> Case:
    return _of(an_image(a_layer("application/vnd.docker.image.rootfs.diff.tar")))


def file_before_its_folder() -> Case:
    return _of(replace(an_image(), orphans=((0, "var/task/app.py"),)))


def arm_image() -> Case:
    return _of(replace(an_image(), architecture="arm64"))


def missing_entry_point() -> Case:
    return _of(replace(an_image(), entry_point=EntryPoint("/entry.sh", None)))


def floating_base() -> Case:
    return _of(replace(an_image(), floating=("python:3.13",)))


def enormous_image() -> Case:
    return _of(replace(an_image(), unpacked=(10 << 30) + 1))


def image_of_a_server() -> Case:
    return _of(replace(an_image(), client=""))


def private_file() -> Case:
    return _of(replace(an_image(), unreadable=(location("var/task/app.py"),)))


def alpine() -> Case:
    return _of(replace(an_image(), musl="/lib/ld-musl-x86_64.so.1"))


def drifted_base() -> Case:
    drift = BaseDrift("lambda-python3.13-x86_64-image", lost=("libacl.so.1",))
    return _of(replace(an_image(), drift=drift))


def wrong_digest() -> Case:
    return _of(an_image(), irregular(Irregular.WRONG_DIGEST))


def missing_blob() -> Case:
    return _of(an_image(), irregular(Irregular.MISSING_BLOB))


def beyond_the_stable_abi() -> Case:
    case = a_case(an_object("mod.abi3.so", "PyInit_mod", refers=["PyLong_FromLong"]))
    return replace(case, wheel_author=True)


def _of_size(size: int, packed: int | None = None, budget: int | None = None) -> Case:
    inventory = replace(an_inventory(), counts=Counts(1, size, 1), packed=packed)
    return replace(a_case(inventory=inventory), size_budget=budget)


def beyond_the_quota() -> Case:
    return _of_size((250 << 20) + 1)


def beyond_one_request() -> Case:
    return _of_size(4096, packed=(50 << 20) + 1)


def beyond_its_budget() -> Case:
    return _of_size(4096, budget=4095)


def _stray(path: str, **environment: str) -> Case:
    usual = "PYTHONPATH" in environment
    stray = StrayFolder(location(path), ("pkg",), usual=usual, whole=True)
    failure = Failure("ModuleNotFoundError", "No module named 'pkg'")
    missed = MissedImport(stray, Prediction("pkg", Verdict.FAILS, failure))
    case = a_case(inventory=replace(an_inventory(), strays=(stray,)))
    return replace(case, missed=(missed,), environment=environment)


def layer_without_python() -> Case:
    return _stray(".")


def pythonpath_of_the_function() -> Case:
    return _stray("python", PYTHONPATH="/var/task/lib")


def six_layers() -> Case:
    layer = FunctionLayer("a.zip", "a.zip", ArtifactKind.ZIP, None, 100, Counts())
    inventory = replace(an_inventory(), layers=(layer,) * 6)
    profile = replace(a_profile(), package="zip")
    return replace(a_case(inventory=inventory), profile=profile)


def clashing_layers() -> Case:
    return a_case(inventory=an_inventory(irregularities=[irregular(Irregular.LAYER_CLASH, "x")]))


def _with(**environment: str) -> Case:
    return replace(a_case(inventory=an_inventory()), environment=environment)


def library_path_of_a_layer() -> Case:
    case = _with(LD_LIBRARY_PATH="/opt/lib")
    return replace(case, profile=replace(case.profile, library_path=("/opt/lib",)))


def wrapper_without_its_mode() -> Case:
    found = NamedFile(PurePosixPath("/opt/wrapper"), there=True)
    return replace(_with(), named={"AWS_LAMBDA_EXEC_WRAPPER": found})


def home_without_a_library() -> Case:
    found = NamedFile(PurePosixPath("/opt/python/lib/python3.13/encodings"), there=False)
    return replace(_with(PYTHONHOME="/opt/python"), named={"PYTHONHOME": found})


def preloading() -> Case:
    return _with(LD_PRELOAD="/opt/lib/libjemalloc.so.2")


def _smoked(agreement: Agreement, made: SmokeImport) -> Case:
    case = a_case(inventory=an_inventory())
    return replace(
        case, smoke=a_smoke_run(made), reconciled=(Reconciled(made, agreement, location("app.py")),)
    )


_FAILED: Final = SmokeImport("app", SmokeOutcome.FAILED, Failure("ImportError", "gone"))


def other_than_predicted() -> Case:
    return _smoked(Agreement.FAILED_AFTER_ALL, _FAILED)


def uncertain_and_failing() -> Case:
    return _smoked(Agreement.UNDECIDED, _FAILED)


def endless_import() -> Case:
    return _smoked(Agreement.UNFINISHED, SmokeImport("app", SmokeOutcome.TIMED_OUT))


def lost_library_of_the_base_image() -> Case:
    return _smoked(Agreement.ONLY_IN_BASE, _FAILED)


def slow_cold_start() -> Case:
    cold = ColdStart("app", 2_000_000, (ImportShare("app", 2_000_000),), 1_000_000)
    return replace(a_case(inventory=an_inventory()), cold_start=cold)


def _pinned(**report: object) -> Case:
    case = a_case(inventory=an_inventory())
    return replace(case, pins=PinReport(("requirements.txt",), **report))  # type: ignore[arg-type]


A_PIN: Final = Pin("pkg", "pkg==2", Site(PurePosixPath("requirements.txt"), 3), "==2", exact=True)


def unpinned_distribution() -> Case:
    return _pinned(unpinned=(Unpinned(a_distribution()),))


def absent_pin() -> Case:
    return _pinned(absent=(AbsentPin("pkg", A_PIN),))


def other_version() -> Case:
    return _pinned(others=(OtherVersion(a_distribution(), A_PIN),))


def foreign_lock() -> Case:
    lock = LockFile("pylock.toml", requires_python=">=3.14")
    return _pinned(foreign=(ForeignLock(lock, A_PIN, "Python >=3.14"),))


def no_wheel() -> Case:
    return _pinned(wheels=WheelReport((Unvouched(a_distribution()),)))


def _departed(**paths: object) -> Case:
    departure = Departure(a_distribution(), "pkg-1.0-py3-none-any.whl", **paths)  # type: ignore[arg-type]
    return _pinned(wheels=WheelReport(departures=(departure,)))


def altered_file() -> Case:
    return _departed(altered=(location("pkg/mod.so"),))


def added_file() -> Case:
    return _departed(added=(location("pkg/more.py"),))


def lost_file() -> Case:
    return _departed(lost=(location("pkg/mod.py"),))


def stranger_in_a_package() -> Case:
    case = a_case(inventory=an_inventory())
    strangers = ((location("pkg/_old.so"), a_distribution("pkg")),)
    return replace(case, installed=Installed(strangers=strangers))


def tag_that_promises_too_much() -> Case:
    place = location("pkg/_rust.abi3.so")
    found = Mislabel(a_distribution("pkg"), place, "manylinux_2_17_x86_64", "GLIBC_2.28")
    return replace(a_case(inventory=an_inventory()), installed=Installed(mislabels=(found,)))


ON_FIXTURES: Final = ("ABI614", "ABI615", "ABI616")
ON_VALUES: Final[Mapping[str, Callable[[], Case]]] = {
    "ABI002": limit_reached,
    "ABI008": unreadable_member,
    "ABI010": beyond_the_quota,
    "ABI011": beyond_one_request,
    "ABI012": beyond_its_budget,
    "ABI209": beyond_the_stable_abi,
    "ABI307": stand_in_without_the_symbol,
    "ABI403": doubtful_library,
    "ABI502": executable_stack_on_a_newer_glibc,
    "ABI602": handler_that_is_not_there,
    "ABI622": layer_without_python,
    "ABI623": pythonpath_of_the_function,
    "ABI624": six_layers,
    "ABI625": clashing_layers,
    "ABI631": library_path_of_a_layer,
    "ABI632": wrapper_without_its_mode,
    "ABI633": home_without_a_library,
    "ABI634": preloading,
    "ABI721": unpinned_distribution,
    "ABI722": absent_pin,
    "ABI723": other_version,
    "ABI724": foreign_lock,
    "ABI725": no_wheel,
    "ABI726": altered_file,
    "ABI727": added_file,
    "ABI728": lost_file,
    "ABI709": tag_that_promises_too_much,
    "ABI711": stranger_in_a_package,
    **{c: partial(case_of, fires) for c, (fires, _) in ODD.items() if c not in ON_FIXTURES},
    "ABI801": attested_image,
    "ABI802": plain_layer_of_docker,
    "ABI803": file_before_its_folder,
    "ABI804": arm_image,
    "ABI805": missing_entry_point,
    "ABI807": floating_base,
    "ABI808": enormous_image,
    "ABI809": image_of_a_server,
    "ABI810": private_file,
    "ABI811": alpine,
    "ABI812": wrong_digest,
    "ABI813": missing_blob,
    "ABI814": drifted_base,
    "ABI901": other_than_predicted,
    "ABI902": uncertain_and_failing,
    "ABI903": endless_import,
    "ABI904": lost_library_of_the_base_image,
    "ABI905": slow_cold_start,
}
"""What no fixture shows by itself: another target, a handler, an image, a limit too large."""


def test_every_rule_fires_on_a_fixture_or_on_a_value(reports: Mapping[str, Report]) -> None:
    """A value only where no fixture shows the fault."""
    on_fixtures = {code for code, files in fired(reports).items() if files}

    assert on_fixtures | ON_VALUES.keys() == {card.code for card in CARDS}
    assert on_fixtures.isdisjoint(ON_VALUES)


@pytest.mark.parametrize("code", ON_VALUES)
def test_a_rule_fires_on_its_value(code: str) -> None:
    assert [found.split()[0] for found in codes(ON_VALUES[code]())] == [code]


@pytest.mark.parametrize("agreement", [Agreement.AGREED, Agreement.UNDECIDED])
def test_no_rule_fires_on_an_import_that_went_as_predicted(agreement: Agreement) -> None:
    assert codes(_smoked(agreement, SmokeImport("app", SmokeOutcome.LOADED))) == []


def test_no_rule_fires_on_a_cold_start_within_its_budget() -> None:
    case = slow_cold_start()
    assert case.cold_start is not None
    just = replace(case.cold_start, budget_us=case.cold_start.total_us)

    assert codes(replace(case, cold_start=just)) == []


def test_no_rule_fires_on_what_is_as_it_is_pinned() -> None:
    assert codes(_pinned(wheels=WheelReport(compared=7))) == []


@pytest.mark.parametrize("code", ODD)
def test_a_rule_does_not_fire_on_what_only_looks_like_its_fault(code: str) -> None:
    _, looks_like = ODD[code]

    assert code not in [found.split()[0] for found in codes(case_of(looks_like))]


def test_no_rule_fires_on_a_sound_image() -> None:
    assert codes(_of(an_image())) == []


@pytest.mark.parametrize(
    "name", [name for name, each in LAYOUTS.items() if not each.says and not each.modes]
)
def test_no_rule_fires_above_a_note_on_a_function_that_works(name: str) -> None:
    assert [found for found in codes(case_of(LAYOUTS[name])) if not found.endswith("note")] == []


@pytest.mark.parametrize(
    "file",
    [
        "dashboard-good.zip",
        "cases/sound.zip",
        "cases/siblings-for-every-platform.zip",
        "cases/vendored-folder-is-there.zip",
        "archives/python-only.zip",
        "archives/installed.zip",
        "archives/requirements-of-other-targets.zip",
    ],
)
def test_no_rule_fires_on_what_is_sound(file: str, reports: Mapping[str, Report]) -> None:
    assert reports[file].findings == ()


# --- no false alarm ---

BROKEN_ALL_THE_SAME: Final = {
    "lazy-import-of-a-broken-extension": "the module loads; its extension, imported later, does not",
    "broken-extension-behind-a-module-getattr": "the module loads; its extension does not",
}
_CASES: Final = tomllib.loads(
    (Path(__file__).parents[2] / "fixtures" / "cases.toml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, case in _CASES.items()
        if case["import"] == "loads" and name not in BROKEN_ALL_THE_SAME
    ],
)
def test_what_the_target_imports_has_no_error(name: str, reports: Mapping[str, Report]) -> None:
    """No false alarm: an opinion that the loader does not share is no error."""
    report = reports[_CASES[name]["file"]]

    assert [f.rule.code for f in report.findings if f.severity is Severity.ERROR] == []


ANOTHER_MATTER: Final = {
    "guard-with-a-missing-fallback": "the message is the fallback's, the finding the extension's",
    "file-name-in-another-case": "the file is judged under the name that it has",
}


@pytest.mark.parametrize(
    "name", [n for n, case in _CASES.items() if case["message"] and n not in ANOTHER_MATTER]
)
def test_what_the_target_said_leads_to_a_rule_that_fires(
    name: str, reports: Mapping[str, Report]
) -> None:
    """Who pastes the runtime's words into `explain` finds the rule of the report."""
    findings = reports[_CASES[name]["file"]].findings
    predicted = {card.code for card in rules_for(_CASES[name]["message"])}

    assert predicted & {finding.rule.code for finding in findings}


def test_one_fault_is_one_finding(reports: Mapping[str, Report]) -> None:
    """No rule fires twice for the same subject of the same file."""
    for file, report in reports.items():
        prints = [finding.fingerprint for finding in report.findings]
        assert len(prints) == len(set(prints)), file
