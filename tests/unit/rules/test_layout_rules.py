"""How much a layout's oddities matter, and what is said of each."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final

import pytest
from tests.factories import codes, judge
from tests.layouts import FUNCTION, SDK, Function, case_of

from abicheck.pipeline import check
from abicheck.profiles import DEFAULT_TARGET, load_profile

HIDDEN: Final = f"import random\ndef f():\n    return random.choice([1])\n{FUNCTION}"
ASKING: Final = f"from random import randint\n{FUNCTION}"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"app.py": FUNCTION, "random.py": ""}, ["ABI609 note"]),
        ({"app.py": HIDDEN, "random.py": "choice = max\n"}, ["ABI609 note"]),
        ({"app.py": HIDDEN, "random.py": ""}, ["ABI609 warning"]),
        ({"app.py": HIDDEN, "random.py": "exec('choice = max')\n"}, ["ABI609 note"]),
        ({"app.py": ASKING, "random.py": ""}, ["ABI602", "ABI609 warning"]),
        ({"app.py": FUNCTION, "logging.py": "x = 1\n"}, ["ABI609 note"]),
        (
            {"app.py": f"import logging\nlogging.info\n{FUNCTION}", "logging.py": ""},
            ["ABI609 note"],
        ),
        ({"app.py": FUNCTION, "lib/random.py": ""}, []),
    ],
)
def test_a_hidden_module_matters_as_far_as_somebody_misses_it(
    files: dict[str, str], expected: list[str]
) -> None:
    assert codes(case_of(Function(files))) == expected


def test_a_backport_that_is_known_to_break_is_a_warning() -> None:
    files = {
        "app.py": FUNCTION,
        "typing.py": "x = 1\n",
        "typing-3.7.4.dist-info/METADATA": "Name: typing\nVersion: 3.7.4\n",
        "typing-3.7.4.dist-info/RECORD": "typing.py,,\n",
        "typing-3.7.4.dist-info/INSTALLER": "pip\n",
    }

    assert "ABI609 warning" in codes(case_of(Function(files)))


def test_folders_that_differ_in_case_are_named_and_not_what_lies_in_them() -> None:
    files = {"app.py": FUNCTION, "Data/a.txt": "", "data/a.txt": "", "data/b.txt": ""}

    (finding,) = judge(case_of(Function(files)))

    assert finding.fault.message == "Data, data differ only in case"


def test_what_a_path_file_does_is_counted() -> None:
    lines = "import os\n# a comment\nvendor\nno-such-folder\nneither\n"

    (finding,) = judge(case_of(Function({"app.py": FUNCTION, "a.pth": lines, "vendor/x.py": ""})))

    assert finding.fault.message == (
        "at every start: 1 line is executed, 1 folder is added to sys.path, 2 folders are not there"
    )


def test_links_save_what_the_copies_take() -> None:
    files = {"app.py": FUNCTION, "liba.so.1": "12345", "liba.so": "12345", "liba.so.1.2": "12345"}

    messages = [f.fault.message for f in judge(case_of(Function(files)))]

    assert "liba.so, liba.so.1, liba.so.1.2 are one file; links would save 10 bytes" in messages


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {name: text for name, text in SDK.items() if "botocore" not in name},
            "boto3 and s3transfer are the artifact's own, botocore the runtime's",
        ),
        (
            {name: text for name, text in SDK.items() if "endpoints" not in name},
            "botocore is there without botocore/data/endpoints.json",
        ),
        ({"boto3.py": ""}, "boto3 is there without boto3/__init__.py"),
        ({"urllib3/__init__.py": ""}, "urllib3 is there without urllib3/poolmanager.py"),
    ],
)
def test_half_of_the_sdk_is_named(files: dict[str, str], message: str) -> None:
    findings = judge(case_of(Function({"app.py": FUNCTION, **files})))

    assert [f.fault.message for f in findings if f.rule.code == "ABI611"] == [message]


@pytest.mark.parametrize(
    ("files", "modes", "handler", "expected"),
    [
        ({"lib.py": ""}, {"lib.py": 0o600}, "app.handler", ["ABI608 note"]),
        ({"data.json": ""}, {"data.json": 0o600}, "app.handler", ["ABI608 warning"]),
        ({"data.json": ""}, {"data.json": 0o644}, "app.handler", []),
        ({"data/": "", "data/a.json": ""}, {"data/": 0o700}, "app.handler", ["ABI608 warning"]),
        ({"lib.py": ""}, {"lib.py": 0o600}, "", ["ABI608"]),
    ],
)
def test_what_is_locked_matters_as_far_as_the_handler_comes(
    files: dict[str, str], modes: dict[str, int], handler: str, expected: list[str]
) -> None:
    function = Function({"app.py": FUNCTION, **files}, handler=handler, modes=modes)

    assert codes(case_of(function)) == expected


@pytest.mark.parametrize(("system", "expected"), [(0, []), (3, ["ABI608"])])
def test_only_a_zip_of_unix_has_modes(system: int, expected: list[str], tmp_path: Path) -> None:
    """Windows writes none that count; `writestr` with a plain name records 0600 on either."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("app.py")
        info.create_system, info.external_attr = system, 0o600 << 16
        archive.writestr(info, FUNCTION)

    report = check(tmp_path / "a.zip", load_profile(DEFAULT_TARGET), handler="app.handler")

    assert [found.rule.code for found in report.findings] == expected
