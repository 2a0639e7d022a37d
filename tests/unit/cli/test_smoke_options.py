"""`--smoke` on the command line: what is refused, and what an engine that is not there means."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from abicheck.cli._smoke import microseconds
from abicheck.errors import UsageError
from abicheck.model import TargetProfile
from abicheck.profiles import write_profile

if TYPE_CHECKING:
    from tests.unit.cli.process import Run

NOWHERE = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("dashboard.zip --smoke-image python:3.13", "--smoke-image goes with --smoke"),
        ("dashboard.zip --smoke-timeout 5s", "--smoke-timeout goes with --smoke"),
        ("dashboard.zip --cold-start-budget 1s", "--cold-start-budget goes with --smoke"),
        ("dashboard.zip --smoke --cold-start-budget 1", "--cold-start-budget '1': not a time such"),
        ("dashboard.zip --smoke --cold-start-budget 0s", "--cold-start-budget '0s': not a time"),
        ("dashboard.zip --smoke --smoke-timeout -1s", "--smoke-timeout '-1s': not a time such as"),
    ],
)
def test_a_wrong_request_is_2_and_no_engine_is_asked(
    call: Run, arguments: str, message: str
) -> None:
    result = call(*arguments.split(), env=NOWHERE)

    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr


def test_a_lone_object_has_no_module_to_import(call: Run, fixtures: Path, tmp_path: Path) -> None:
    shutil.unpack_archive(fixtures / "dashboard-good.zip", tmp_path)
    (extension,) = tmp_path.glob("pydantic_core/*.so")

    result = call(str(extension), "--smoke", env=NOWHERE)

    assert (result.returncode, result.stdout) == (2, "")
    assert "--smoke imports modules, and this is one file" in result.stderr


def test_a_target_without_an_image_needs_one(
    call: Run, tmp_path: Path, target: TargetProfile
) -> None:
    file = tmp_path / "mine.json"
    mine = replace(target, name="mine", image="")
    file.write_text(write_profile(mine, {}), encoding="utf-8")

    result = call("dashboard-good.zip", "--smoke", "--target", str(file), env=NOWHERE)

    assert (result.returncode, result.stdout) == (2, "")
    assert "--smoke: mine names no image to import in; say --smoke-image REF" in result.stderr


@pytest.mark.parametrize("artifact", ["dashboard-good.zip", "dashboard.zip"])
def test_without_an_engine_the_report_is_kept_and_the_status_is_3(run: Run, artifact: str) -> None:
    """3 outweighs 1, and what was read is told all the same."""
    result = run(artifact, "--smoke", env=NOWHERE)

    good = artifact == "dashboard-good.zip"
    assert result.returncode == 3
    assert result.stdout.startswith("INCOMPLETE  " if good else "FAIL  ")
    assert "\nNo smoke import: no container engine answers at unix:///none" in result.stdout
    assert result.stderr.startswith(f"abicheck: {artifact}: --smoke: no container engine answers")
    assert len(result.stderr.splitlines()) == 1


def test_exit_zero_does_not_forgive_that_nothing_was_imported(run: Run) -> None:
    assert run("dashboard-good.zip", "--smoke", "--exit-zero", env=NOWHERE).returncode == 3


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("json", '"verdict": "incomplete"'),
        ("sarif", '"executionSuccessful": false'),
        ("github", "::error title=abicheck::dashboard-good.zip: --smoke: no container engine"),
        ("junit", "<error message="),
        ("markdown", "No smoke import: `no container engine"),
        ("html", "<p>No smoke import: no container engine"),
    ],
)
def test_no_format_takes_it_for_a_pass(run: Run, form: str, said: str) -> None:
    result = run("dashboard-good.zip", "--smoke", "--format", form, env=NOWHERE)

    assert result.returncode == 3
    assert said in result.stdout


@pytest.mark.parametrize("artifact", ["archives/not-an-archive.bin", "archives/no-bytes.zip"])
def test_what_holds_nothing_to_import_fails_for_its_own_reason(run: Run, artifact: str) -> None:
    result = run(artifact, "--smoke", env=NOWHERE)

    assert (result.returncode, result.stderr) == (1, "")


def test_the_configuration_asks_for_it_and_one_run_may_do_without(
    run: Run, fixtures: Path, tmp_path: Path
) -> None:
    shutil.copy(fixtures / "dashboard-good.zip", tmp_path / "a.zip")
    (tmp_path / "abicheck.toml").write_text(
        'cold-start-budget = "1s"\n'
        "[functions.imported]\nartifact = 'a.zip'\nsmoke = true\nsmoke-timeout = '5s'\n"
        "[functions.read]\nartifact = 'a.zip'\n",
        encoding="utf-8",
    )

    both = run(cwd=tmp_path, env=NOWHERE)
    neither = run("--no-smoke", cwd=tmp_path, env=NOWHERE)

    assert both.returncode == 3
    assert "INCOMPLETE  imported (a.zip)" in both.stdout
    assert "PASS  read (a.zip)" in both.stdout
    assert (neither.returncode, neither.stderr) == (0, "")


def test_the_environment_asks_for_it(run: Run) -> None:
    result = run("dashboard-good.zip", env={**NOWHERE, "ABICHECK_SMOKE": "true"})

    assert result.returncode == 3


@pytest.mark.parametrize(
    ("text", "value"),
    [("1s", 1_000_000), ("800ms", 800_000), ("1.5s", 1_500_000), (" 2s ", 2_000_000)],
)
def test_a_time_is_a_number_with_its_unit(text: str, value: int) -> None:
    assert microseconds("--x", text) == value


@pytest.mark.parametrize("text", ["", "1", "s", "1m", "1 s", "-1s", "1e3s", "0ms", "nan", "9" * 99])
def test_a_time_without_a_unit_or_a_length_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not a time such as"):
        microseconds("--x", text)
