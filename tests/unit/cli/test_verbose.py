"""`-v`: on standard error, what was read, on which target and why, what came of it, how long."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.cli.process import Run

GOOD = "dashboard-good.zip"


def test_the_report_is_the_same_and_the_rest_is_on_standard_error(call: Run) -> None:
    plain, told = call("dashboard.zip"), call("dashboard.zip", "-v")

    assert (plain.stdout, plain.returncode) == (told.stdout, told.returncode)
    assert plain.stderr == ""
    assert all(line.startswith("abicheck: ") for line in told.stderr.splitlines())


def test_it_says_what_was_read_and_what_is_in_it(call: Run) -> None:
    errors = call(GOOD, "-v").stderr

    assert "abicheck: configuration: none\n" in errors
    assert f"abicheck: {GOOD}\n" in errors
    assert re.search(
        r"  read as a zip: 21 files, [\d,]+ bytes unpacked, sha256 [0-9a-f]{64}\n", errors
    )
    assert "  1 extension, 3 distributions\n" in errors
    assert re.search(
        r"  extension pydantic_core/_pydantic_core\S+: "
        r"import pydantic_core._pydantic_core loads, \d+ references bound",
        errors,
    )
    assert re.search(r"  (\d+) of \1 rules asked; found: nothing\n", errors)
    assert errors.endswith("abicheck: exit status 0: nothing found that counts\n")


def test_a_library_is_named_with_where_it_was_found_and_how(call: Run) -> None:
    errors = call("cases/dependency-with-its-own-runpath.zip", "-v").stderr

    assert re.search(r"; lib\S+ is /var/task/\S+, by (RPATH|RUNPATH|LD_LIBRARY_PATH)", errors)


@pytest.mark.parametrize(
    ("arguments", "env", "why"),
    [
        ((), {}, "(the default)"),
        (("--runtime=python3.12",), {}, "(--runtime python3.12: the command line)"),
        ((), {"ABICHECK_RUNTIME": "python3.12"}, "(--runtime python3.12: ABICHECK_RUNTIME)"),
        (("--target=python3.12",), {}, "(--target python3.12: the command line)"),
        (("--as-of=2026-01-01",), {}, "(--as-of 2026-01-01: the command line)"),
    ],
)
def test_it_says_why_this_target(
    call: Run, arguments: tuple[str, ...], env: dict[str, str], why: str
) -> None:
    errors = call(GOOD, "-v", *arguments, env=env).stderr

    (line,) = [line for line in errors.splitlines() if "  target lambda-python3.1" in line]
    assert line.endswith(why)


def test_it_says_which_of_several_settings_holds(call: Run, tmp_path: Path, fixtures: Path) -> None:
    """The function's own win over what is for all, and the command line over both."""
    file = tmp_path / "abicheck.toml"
    artifact = fixtures / GOOD
    text = 'runtime = "python3.11"\nselect = ["ABI2", "ABI3"]\n[functions.api]\n'
    file.write_text(f"{text}artifact = '{artifact}'\nruntime = \"python3.12\"\n", encoding="utf-8")

    configured = call("-v", cwd=tmp_path).stderr
    named = call("-v", "--runtime=python3.13", cwd=tmp_path).stderr

    assert f"abicheck: configuration: {file}, with the functions api\n" in configured
    assert f"abicheck: --select ABI2, ABI3: {file}\n" in configured
    assert f"(--runtime python3.12: the function in {file})" in configured
    assert "(--runtime python3.13: the command line)" in named


def test_each_stage_has_its_time_and_they_are_not_more_than_the_whole(call: Run) -> None:
    errors = call("dashboard.zip", "-v").stderr

    found = re.search(r"  ([\d.]+) s: (reading .*)\n", errors)
    assert found is not None
    times = dict(part.rsplit(" ", 1) for part in found[2].split(", "))
    assert list(times) == [
        *("reading", "importing on paper", "asking the rules", "judging on other runtimes")
    ]
    assert sum(map(float, times.values())) <= float(found[1]) + 0.03  # each is rounded


def test_what_was_written_and_why_the_status_is_what_it_is(call: Run, tmp_path: Path) -> None:
    file = tmp_path / "o.json"

    errors = call("dashboard.zip", "-v", f"--format=json={file}").stderr

    assert f"abicheck: json written to {file}\n" in errors
    assert errors.endswith("abicheck: exit status 1: findings at or above --fail-level\n")


def test_nothing_of_an_artifact_is_a_command_to_the_terminal(call: Run, tmp_path: Path) -> None:
    name = "a\x1b[2J.zip"
    (tmp_path / name).write_bytes(b"no archive")

    errors = call(name, "-v", cwd=tmp_path).stderr

    assert "\x1b" not in errors
    assert r"a\x1b[2J.zip" in errors


def test_quiet_and_verbose_do_not_go_together(call: Run) -> None:
    result = call(GOOD, "-q", "-v")

    assert (result.returncode, result.stdout) == (2, "")
    assert "--quiet and --verbose do not go together" in result.stderr
