"""`abicheck targets`: what targets provide, and never a verdict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from abicheck.profiles import list_profiles

if TYPE_CHECKING:
    from tests.unit.cli.process import Run

WIDTH = 80


def test_every_target_is_listed_the_oldest_runtime_first(run: Run) -> None:
    result = run("targets", "list")

    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["target", "os", "libc", "deprecated", "no", "updates"]
    names = [line.split()[0] for line in lines[1:] if line.startswith("lambda-")]
    assert set(names) == set(list_profiles())
    assert [name for name in names if name.endswith("-x86_64")][:2] == [
        "lambda-python3.9-x86_64",
        "lambda-python3.10-x86_64",
    ]
    assert max(map(len, lines)) <= WIDTH
    assert lines[-1] == "Facts as of 2026-11-23."


def test_a_runtime_without_dates_is_called_preliminary(call: Run) -> None:
    lines = call("targets", "list").stdout.splitlines()

    assert {line.split()[0] for line in lines if "preliminary" in line} == {
        name for name in list_profiles() if "3.15" in name
    }


def test_the_list_as_json_has_the_same_targets_with_all_facts(call: Run) -> None:
    targets = {t["name"]: t for t in json.loads(call("targets", "list", "--json").stdout)}

    assert targets.keys() == set(list_profiles())
    found = targets["lambda-python3.11-arm64"]
    assert (found["os"], found["libc"], found["python"]) == (
        "Amazon Linux 2",
        "glibc 2.26",
        "3.11",
    )
    assert (found["architecture"], found["package"]) == ("arm64", "zip")
    assert found["deprecation"]["deprecated"] == "2027-06-30"


@pytest.mark.parametrize(
    "name", ["lambda-python3.13-arm64", "python3.13-arm64", "python3.13-arm64-image"]
)
def test_a_target_is_shown_by_its_name_or_its_runtime(call: Run, name: str) -> None:
    result = call("targets", "show", name)

    assert result.returncode == 0
    assert result.stdout.startswith("lambda-python3.13-arm64")


def test_what_is_shown_says_where_it_comes_from_and_how_sure_it_is(call: Run) -> None:
    text = call("targets", "show", "python3.13").stdout
    rows = {line.split()[0]: line for line in text.splitlines() if line and line[0] != " "}

    assert "GLIBC_2.34" in rows["libc.so.6"]
    assert rows["libstdc++.so.6"].endswith("gcc-14.2-x86_64, stand-in")
    assert rows["libassuan.so.0"].endswith("name only, doubtful")
    assert "confidence high" in text
    assert "deprecated    2029-06-30; no new functions from 2029-07-31" in text


def test_a_target_is_shown_as_it_was_on_a_day(call: Run) -> None:
    def row(*options: str) -> str:
        lines = call("targets", "show", "python3.13", *options).stdout.splitlines()
        return next(line for line in lines if line.startswith("libstdc++"))

    assert "GLIBCXX_3.4.33" in row()
    assert "GLIBCXX_3.4.29" in row("--as-of", "2025-03-31")


def test_the_json_of_a_target_has_every_library(call: Run) -> None:
    shown = json.loads(call("targets", "show", "python3.9", "--json").stdout)
    libraries = {library["soname"]: library for library in shown["libraries"]}

    assert libraries["libstdc++.so.6"]["stand_in"]
    assert "GLIBCXX_3.4.24" in libraries["libstdc++.so.6"]["versions"]
    assert "GLIBCXX_3.4.25" not in libraries["libstdc++.so.6"]["versions"]
    assert not libraries["libc.so.6"]["stand_in"]
    assert shown["provenance"].keys() >= {"libraries", "glibc"}


def test_moving_to_a_newer_runtime_loses_and_gains(call: Run) -> None:
    lines = call("targets", "diff", "python3.11", "python3.13").stdout.splitlines()
    text = "\n".join(lines)

    assert "  libc          glibc 2.26 -> glibc 2.34" in lines
    assert "libcrypt.so.1, libcrypto.so.10" in text
    assert "  libz.so.1: ZLIB_1.2.5.2 -> ZLIB_1.2.9" in lines
    assert any(line.startswith("C-API names removed: ") for line in lines)
    assert "PyUnicode_AsUnicode," in text


def test_the_difference_as_json_keeps_the_private_names(call: Run) -> None:
    found = json.loads(call("targets", "diff", "python3.12", "python3.13", "--json").stdout)

    assert found["facts"]["python"] == {"before": "3.12", "after": "3.13"}
    assert "_PyArg_NoKwnames" in found["c_api"]["removed"]


def test_the_same_target_has_no_difference(call: Run) -> None:
    result = call("targets", "diff", "python3.13", "lambda-python3.13-x86_64")

    assert result.stdout.splitlines()[-1] == "no difference"


def test_the_other_machine_has_other_vector_mathematics(call: Run) -> None:
    text = call("targets", "diff", "python3.13", "python3.13-arm64").stdout

    assert "machine       x86_64 -> arm64" in text
    assert "libmvec.so.1" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("targets", "targets takes a verb"),
        ("targets show", "Missing argument 'NAME'"),
        ("targets show python3.19", "unknown target 'python3.19'"),
        ("targets diff python3.12", "Missing argument 'AFTER'"),
        ("targets nonsense", "No such command 'nonsense'"),
        ("targets show python3.12 --as-of yesterday", "not a date such as"),
    ],
)
def test_a_wrong_request_is_refused(call: Run, arguments: str, message: str) -> None:
    result = call(*arguments.split())

    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr


def test_a_folder_called_targets_is_written_as_a_path(call: Run, tmp_path: Path) -> None:
    (tmp_path / "targets").mkdir()
    (tmp_path / "targets" / "handler.py").write_text("", encoding="utf-8")

    assert call("./targets", cwd=tmp_path).stdout.startswith("PASS")


@pytest.mark.parametrize("name", ["python3.10-arm64", "lambda-python3.13-x86_64-image"])
def test_what_is_shown_and_compared_fits_a_terminal(call: Run, name: str) -> None:
    for arguments in (("show", name), ("diff", "python3.14", name)):
        printed = call("targets", *arguments).stdout

        assert printed
        assert [line for line in printed.splitlines() if len(line) > WIDTH] == []


def test_a_folder_for_a_target_is_called_one(call: Run, tmp_path: Path) -> None:
    result = call("targets", "show", str(tmp_path))

    assert result.returncode == 2
    assert "a folder and no profile; `abicheck capture`" in result.stderr
