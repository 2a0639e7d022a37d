"""Every fixture ends as it ended on a real glibc 2.34 with CPython 3.13.

`fixtures/cases.toml` holds what the loader and the importer said when each
case was run on them; the prediction must say the same, word for word.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from tests.oracle import cases
from tests.oracle.cases import CASES, FIXTURES

from abicheck.model import Failure, Severity, TargetProfile
from abicheck.pipeline import check
from abicheck.profiles import DEFAULT_TARGET, load_profile

# What no file tells, and what one release or another processor says differently.
BEYOND: Final = cases.BEYOND | {
    "c-api-of-some-patch-releases": "the patch releases of 3.13 disagree",
    "platform-token": "processors disagree",
}


@pytest.fixture(scope="module")
def profile() -> TargetProfile:
    return load_profile(DEFAULT_TARGET)


def expected(case: Mapping[str, Any]) -> tuple[str, Failure | None]:
    """What the runtime did, as a prediction would say it; a death has no exception."""
    if case["import"] == "loads":
        return "loads", None
    message = None if case["crash"] else case["message"]
    return "fails", Failure(case["exception"] or None, message, case["crash"] or None)


# Lambda takes no built-in module for a handler, so it imports none.
BUILT_IN: Final = "built-in-module-is-not-looked-for"


def test_a_built_in_module_is_no_handler(profile: TargetProfile) -> None:
    case = CASES[BUILT_IN]

    report = check(FIXTURES / case["file"], profile, handler=f"{case['module']}.__class__")

    assert [finding.rule.code for finding in report.findings if finding.severity > 1] == ["ABI605"]


@pytest.mark.parametrize(
    "name", [n for n, c in CASES.items() if c["module"] and n not in BEYOND | {BUILT_IN: ""}]
)
def test_an_import_ends_as_it_did_on_the_target(name: str, profile: TargetProfile) -> None:
    """Verdict, exception and text agree with the measured ones."""
    case = CASES[name]

    report = check(FIXTURES / case["file"], profile, handler=f"{case['module']}.__class__")

    assert report.handler is not None
    failure = report.handler.failure
    said = failure and Failure(failure.exception, failure.message, failure.crash)
    assert (report.handler.verdict.value, said) == expected(case)


@pytest.mark.parametrize(
    "name", [n for n, c in CASES.items() if c["import"] == "fails" and n not in BEYOND]
)
def test_an_import_that_fails_is_a_finding(name: str, profile: TargetProfile) -> None:
    """No miss: what the runtime refuses is at least a warning, and almost always an error."""
    case = CASES[name]

    report = check(FIXTURES / case["file"], profile, handler=f"{case['module']}.__class__")

    assert report.at_least(Severity.WARNING)


def test_only_what_execution_shows_is_left_out() -> None:
    """Every exception from the law is a case that exists."""
    assert BEYOND.keys() <= CASES.keys()


def test_what_a_lone_wheel_lacks_may_come_from_what_it_requires(
    tmp_path: Path, profile: TargetProfile
) -> None:
    """Some packages open another distribution's library globally before their own extension."""
    with zipfile.ZipFile(FIXTURES / CASES["undefined-function"]["file"]) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".so"))
        extension = archive.read(name)
    wheel = tmp_path / "mod-1.0-cp313-cp313-linux_x86_64.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(name, extension)
        archive.writestr(
            "mod-1.0.dist-info/METADATA", "Name: mod\nVersion: 1.0\nRequires-Dist: other\n"
        )
        archive.writestr(
            "mod-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: cp313-cp313-linux_x86_64\n"
        )
        archive.writestr("mod-1.0.dist-info/RECORD", f"{name},,\n")

    report = check(wheel, profile)

    assert not report.at_least(Severity.ERROR)
    assert report.objects[0].prediction is not None
    assert report.objects[0].prediction.verdict.value == "uncertain"
