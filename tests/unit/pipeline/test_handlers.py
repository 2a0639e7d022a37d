"""What the runtime logs of a handler, from its setting to the first event."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from tests.layouts import FUNCTION, LAYOUTS, Function, write

from abicheck.model import Finding, TargetProfile, Verdict
from abicheck.pipeline import check
from abicheck.profiles import DEFAULT_TARGET, load_profile
from abicheck.reporters._words import handler_module, runtime_log

CODES: Final = {"ABI602", "ABI604", "ABI605", "ABI606", "ABI607", "ABI608"}


@pytest.fixture(scope="module")
def profile() -> TargetProfile:
    return load_profile(DEFAULT_TARGET)


def log_of(function: Function, folder: Path, profile: TargetProfile) -> str:
    report = check(write(function, folder / "a.zip"), profile, handler=function.handler)
    failure = report.first_failure()
    return "" if failure is None else runtime_log(failure, handler_module(report))


def found(function: Function, folder: Path, profile: TargetProfile) -> Finding:
    report = check(write(function, folder / "a.zip"), profile, handler=function.handler)
    (finding,) = (f for f in report.findings if f.rule.code in CODES)
    return finding


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_start_ends_as_the_runtime_logs_it(
    name: str, tmp_path: Path, profile: TargetProfile
) -> None:
    assert log_of(LAYOUTS[name], tmp_path, profile) == LAYOUTS[name].says


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_start_that_fails_is_one_error_and_one_that_does_not_is_none(
    name: str, tmp_path: Path, profile: TargetProfile
) -> None:
    function = LAYOUTS[name]

    report = check(write(function, tmp_path / "a.zip"), profile, handler=function.handler)

    errors = [f.rule.code for f in report.findings if str(f.severity) == "error"]
    assert len(errors) == bool(function.says)
    assert CODES.issuperset(errors)


def test_a_folder_that_was_zipped_is_named_with_its_cure(
    tmp_path: Path, profile: TargetProfile
) -> None:
    fault = found(Function({"my project/app.py": FUNCTION}), tmp_path, profile).fault

    assert str(fault.location.path) == "my project/app.py"
    assert fault.fix == "cd 'my project' && zip -r ../app.zip ."


def test_an_app_of_a_distribution_is_not_taken_for_the_handler(
    tmp_path: Path, profile: TargetProfile
) -> None:
    record = {"web-1.0.dist-info/RECORD": "web/app.py,,\n", "web-1.0.dist-info/INSTALLER": "pip\n"}

    fault = found(Function({"web/app.py": FUNCTION, **record}), tmp_path, profile).fault

    assert "web" not in fault.fix


@pytest.mark.parametrize(
    ("files", "handler", "fix"),
    [
        ({"App.py": FUNCTION}, "app.handler", "App.handler"),
        ({"src/app.py": FUNCTION}, "source/app.handler", "src/app.handler"),
        ({"application.py": FUNCTION}, "aplication.handler", "application.handler"),
        ({"app.py": FUNCTION}, "app.py.handler", "app.handler"),
        ({"app.py": FUNCTION}, "app.lambda_handler", "app.handler"),
        ({"src/app.py": FUNCTION}, "src/app.hander", "src/app.handler"),
    ],
)
def test_what_was_meant_is_offered(
    files: dict[str, str], handler: str, fix: str, tmp_path: Path, profile: TargetProfile
) -> None:
    finding = found(Function(files, handler=handler), tmp_path, profile)

    assert finding.fault.fix == f"set the handler to {fix}"


@pytest.mark.parametrize(
    "source",
    [
        "from time import *\n",
        "import boto3\nhandler = boto3.client('s3').get_object\n",
        "exec('def handler(event, context): pass')\n",
        "import sys\nsetattr(sys.modules[__name__], 'handler', print)\n",
        "from aws_lambda_powertools import x as handler\n",
    ],
)
def test_a_name_that_may_be_bound_is_not_said_to_be_missing(
    source: str, tmp_path: Path, profile: TargetProfile
) -> None:
    files = {"app.py": source, "aws_lambda_powertools.py": "exec('x = 1')\n"}

    report = check(write(Function(files), tmp_path / "a.zip"), profile, handler="app.handler")

    assert report.handler is not None
    assert report.handler.verdict is not Verdict.FAILS
    assert {str(found.severity) for found in report.findings} <= {"note"}
