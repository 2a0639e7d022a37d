"""The configuration: functions, options, suppressions, the baseline; a process as a user has it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import subprocess

    from tests.unit.cli.process import Run

Call = Callable[..., "subprocess.CompletedProcess[str]"]
DAY = {"SOURCE_DATE_EPOCH": "1767225600"}  # 2026-01-01


@pytest.fixture
def project(tmp_path: Path, fixtures: Path) -> Path:
    (tmp_path / ".git").mkdir()
    for name in ("dashboard.zip", "dashboard-good.zip"):
        shutil.copy(fixtures / name, tmp_path)
    return tmp_path


@pytest.fixture
def check(call: Run, project: Path) -> Call:
    """Return a function that writes a configuration and runs abicheck beside it."""

    def run(
        configuration: str,
        *arguments: str,
        env: dict[str, str] | None = None,
        cwd: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        (project / "abicheck.toml").write_text(configuration, encoding="utf-8")
        return call(*arguments, cwd=cwd or project, env={**DAY, **(env or {})})

    return run


FUNCTIONS = """
[functions.api]
artifact = "dashboard.zip"
handler = "handler.lambda_handler"

[functions.worker]
artifact = "dashboard-good.zip"
"""


# --- functions ---


def test_every_function_is_checked_when_nothing_is_named(check: Call) -> None:
    result = check(FUNCTIONS)

    assert (result.returncode, result.stderr) == (1, "")
    assert "FAIL  api (dashboard.zip)" in result.stdout
    assert "Unable to import module 'handler'" in result.stdout
    assert "PASS  worker (dashboard-good.zip)" in result.stdout


def test_a_function_is_known_by_its_artifact(check: Call) -> None:
    result = check(FUNCTIONS, "./dashboard-good.zip", "--format=concise", "--format=text=out.txt")

    assert result.returncode == 0


def test_paths_are_relative_to_the_configuration(check: Call, project: Path) -> None:
    (project / "deep" / "er").mkdir(parents=True)

    result = check(FUNCTIONS, cwd=project / "deep" / "er")

    assert result.returncode == 1
    assert "api (../../dashboard.zip)" in result.stdout.replace("\\", "/")


def test_what_is_said_on_the_command_line_wins_over_a_function(check: Call) -> None:
    result = check(FUNCTIONS, "dashboard.zip", "--handler", "other.handler")

    assert "other" in result.stdout


@pytest.mark.parametrize(
    ("functions", "message"),
    [
        ("[functions.api]\n", "abicheck.toml: functions.api: the artifact is missing"),
        ("[functions]\napi = 3\n", "functions.api: expected a table, found a number"),
        ('[functions.api]\nartifact = "x"\nhandle = "y"\n', "did you mean handler?"),
        ('[functions.api]\nartifact = "no.zip"\n', "functions.api: no.zip: no such file"),
        ('[functions.api]\nartifact = ["a"]\n', "functions.api.artifact: expected text"),
        ('functions = "x"\n', "functions: expected tables, found text"),
    ],
)
def test_a_function_that_is_wrong_is_a_wrong_request(
    check: Call, functions: str, message: str
) -> None:
    result = check(functions)

    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr


def test_a_handler_is_of_one_function(check: Call) -> None:
    assert check(FUNCTIONS, "--handler", "a.b").returncode == 2


# --- options ---


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ('fail-levle = "note"\n', "fail-levle: unknown key; did you mean fail-level?"),
        ("fail-level = 3\n", "fail-level: expected text, found a number"),
        ('exit-zero = "yes"\n', "exit-zero: expected true or false, found text"),
        ('format = "json"\n', "format: expected a list of texts, found text"),
        ('fail-level = "fatal"\n', "'fatal' is not one of"),
        ("fail-level\n", "abicheck.toml: "),
        ('required-version = ">=99"\n', "required-version: >=99, and this is abicheck "),
        ('required-version = "new"\n', "required-version: Invalid specifier"),
        ('select = ["ABI999"]\n', "select: no rule is called 'ABI999'"),
        (f"select = {'[' * 3000}\n", "abicheck.toml: "),
        (f"select = {'9' * 5000}\n", "abicheck.toml: "),
    ],
)
def test_a_configuration_that_is_wrong_is_a_wrong_request(
    check: Call, configuration: str, message: str
) -> None:
    result = check(configuration, "dashboard.zip")

    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr


def test_an_option_is_taken_from_the_configuration(check: Call) -> None:
    assert check("exit-zero = true\n", "dashboard.zip").returncode == 0


def test_the_command_line_wins_over_the_environment_and_that_over_the_configuration(
    check: Call,
) -> None:
    configured = 'format = ["concise"]\n'
    said = {"ABICHECK_FORMAT": "json"}

    assert check(configured, "dashboard.zip").stdout.startswith("dashboard.zip/pydantic_core/")
    assert check(configured, "dashboard.zip", env=said).stdout.startswith("{")
    assert check(configured, "dashboard.zip", "--format=text", env=said).stdout.startswith("FAIL")


def test_a_list_in_the_environment_has_commas(check: Call, project: Path) -> None:
    check("", "dashboard.zip", env={"ABICHECK_FORMAT": "text, json=out.json"})

    assert json.loads((project / "out.json").read_text("utf-8"))["schema_version"] == 1


def test_variables_of_another_program_are_left_alone(check: Call) -> None:
    """Another program of the same name uses the same prefix."""
    assert check("", "dashboard-good.zip", env={"ABICHECK_HEADERS": "x"}).returncode == 0


def test_an_empty_variable_says_nothing(check: Call) -> None:
    assert check("", "dashboard-good.zip", env={"ABICHECK_HANDLER": ""}).returncode == 0


def test_the_project_s_table_is_read_and_only_that(call: Run, project: Path) -> None:
    file = project / "pyproject.toml"
    file.write_text("[tool.other]\nx = 1\n[tool.abicheck]\nexit-zero = true\n", encoding="utf-8")

    assert call("dashboard.zip", cwd=project).returncode == 0
    file.write_text("[tool.abicheck]\nnonsense = true\n", encoding="utf-8")
    wrong = call("dashboard.zip", cwd=project)
    assert wrong.returncode == 2
    assert "pyproject.toml: tool.abicheck.nonsense: unknown key" in wrong.stderr


def test_the_search_ends_at_the_root_of_the_repository(call: Run, project: Path) -> None:
    (project / "abicheck.toml").write_text("exit-zero = true\n", encoding="utf-8")
    inner = project / "inner"
    (inner / ".git").mkdir(parents=True)

    assert call("../dashboard.zip", cwd=inner).returncode == 1


def test_an_isolated_run_reads_no_configuration(check: Call) -> None:
    assert check("nonsense = 1\n", "dashboard-good.zip", "--isolated").returncode == 0


def test_a_named_configuration_is_the_one(check: Call, project: Path) -> None:
    (project / "other.toml").write_text("exit-zero = true\n", encoding="utf-8")

    result = check("nonsense = 1\n", "dashboard.zip", "--config", "other.toml")

    assert result.returncode == 0


# --- selection ---


@pytest.mark.parametrize(
    ("configuration", "status"),
    [
        ('ignore = ["ABI201"]\n', 0),
        ('ignore = ["ABI2"]\n', 0),
        ('ignore = ["wrong-python-tag"]\n', 0),
        ('ignore = ["ABI3"]\n', 1),
        ('select = ["ABI3"]\n', 0),
        ('select = ["ABI3"]\nextend-select = ["ABI201"]\n', 1),
        ('select = ["ABI201"]\nignore = ["ABI2"]\n', 1),
        ('select = ["ABI201"]\nignore = ["wrong-python-tag"]\n', 0),
    ],
)
def test_the_longest_pattern_decides_whether_a_rule_is_asked(
    check: Call, configuration: str, status: int
) -> None:
    assert check(configuration, "dashboard.zip").returncode == status


# --- suppressions ---


def ignore(*lines: str) -> str:
    return "[[ignore]]\n" + "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize(
    "lines",
    [
        ['rule = "ABI201"'],
        ['rule = "wrong-python-tag"', 'path = "pydantic_core/*.so"'],
        ['rule = "ABI2"', 'distribution = "pydantic-core"'],
        ['rule = "ABI201"', 'subject = "pydantic_core._pydantic_core"'],
        ['rule = "ABI201"', "expires = 2026-01-02"],
        ['rule = "ABI201"', 'expires = "2026-01-02"'],
    ],
)
def test_a_suppressed_finding_does_not_count_and_is_counted(check: Call, lines: list[str]) -> None:
    result = check(ignore(*lines, 'reason = "imported by no handler"'), "dashboard.zip")

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("PASS  dashboard.zip")
    assert "Nothing found, 1 suppressed." in result.stdout


@pytest.mark.parametrize(
    "lines",
    [
        ['rule = "ABI301"'],
        ['rule = "ABI201"', 'path = "other/*"'],
        ['rule = "ABI201"', 'distribution = "pydantic"'],
        ['rule = "ABI201"', 'function = "api"'],
    ],
)
def test_a_suppression_that_meets_nothing_is_named(check: Call, lines: list[str]) -> None:
    result = check(ignore(*lines, 'reason = "x"'), "dashboard.zip")

    assert result.returncode == 1
    assert "abicheck: abicheck.toml: ignore[0] (ABI" in result.stderr
    assert "meets no finding" in result.stderr


def test_a_suppression_ends_on_its_day_and_says_so(check: Call) -> None:
    result = check(
        ignore('rule = "ABI201"', 'reason = "x"', "expires = 2026-01-01"), "dashboard.zip"
    )

    assert result.returncode == 1
    assert "ignore[0] (ABI201) expired on 2026-01-01; what it meant counts again" in result.stderr


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (['rule = "ABI201"'], "ignore[0]: the reason is missing"),
        (['rule = "ABI201"', 'reason = ""'], "ignore[0]: the reason is missing"),
        (['reason = "x"'], "ignore[0]: the rule is missing"),
        (['rule = "ABI999"', 'reason = "x"'], "ignore[0]: no rule is called 'ABI999'"),
        (['rule = "ABI201"', 'reason = "x"', 'expire = "x"'], "did you mean expires?"),
        (['rule = "ABI201"', 'reason = "x"', 'expires = "soon"'], "expected a day"),
        (['rule = "ABI201"', 'reason = "x"', "expires = 3"], "expected a day"),
    ],
)
def test_a_suppression_that_is_wrong_is_a_wrong_request(
    check: Call, lines: list[str], message: str
) -> None:
    result = check(ignore(*lines), "dashboard.zip")

    assert result.returncode == 2
    assert message in result.stderr


# --- the baseline ---


def entries(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["findings"]
    return found


def test_what_is_in_the_baseline_does_not_count(check: Call, project: Path) -> None:
    wrote = check(FUNCTIONS, "baseline", "write")

    assert (wrote.returncode, wrote.stderr) == (0, "")
    assert wrote.stdout == "abicheck-baseline.json: 1 finding written\n"
    (entry,) = entries(project / "abicheck-baseline.json")
    assert (entry["code"], entry["function"]) == ("ABI201", "api")
    known = check(FUNCTIONS, "--baseline=abicheck-baseline.json")
    assert known.returncode == 0
    assert "1 suppressed" in known.stdout
    assert check(f'baseline = "abicheck-baseline.json"\n{FUNCTIONS}').returncode == 0


def test_what_one_function_knows_counts_in_another(check: Call, project: Path) -> None:
    check(FUNCTIONS, "baseline", "write")
    shutil.copy(project / "dashboard.zip", project / "dashboard-good.zip")

    result = check(FUNCTIONS, "--baseline=abicheck-baseline.json")

    assert result.returncode == 1
    assert "FAIL  worker" in result.stdout


def test_pruning_drops_what_was_mended_and_adds_nothing(check: Call, project: Path) -> None:
    check(FUNCTIONS, "baseline", "write")
    again = check(FUNCTIONS, "baseline", "prune")
    assert again.stdout == "abicheck-baseline.json: 1 finding left, 0 entries dropped\n"
    shutil.copy(project / "dashboard-good.zip", project / "dashboard.zip")

    result = check(FUNCTIONS, "baseline", "prune")

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "abicheck-baseline.json: 0 findings left, 1 entry dropped\n"
    assert entries(project / "abicheck-baseline.json") == []


def test_pruning_keeps_what_was_not_examined(check: Call, project: Path) -> None:
    check(FUNCTIONS, "baseline", "write")

    check(FUNCTIONS, "baseline", "prune", "dashboard-good.zip")

    assert len(entries(project / "abicheck-baseline.json")) == 1


@pytest.mark.parametrize(
    "content",
    [
        *("", "[]", '{"version": 2}', '{"version": 1}'),
        *('{"version": 1, "findings": [{"code": "x"}]}', "[" * 100_000),
    ],
)
def test_a_file_that_is_no_baseline_is_a_wrong_request(
    check: Call, project: Path, content: str
) -> None:
    (project / "b.json").write_text(content, encoding="utf-8")

    result = check("", "dashboard.zip", "--baseline=b.json")

    assert (result.returncode, result.stdout) == (2, "")


# --- config show ---


def test_every_value_says_where_it_comes_from(check: Call) -> None:
    accepted = ignore('rule = "ABI2"', 'reason = "x"')
    configuration = f'fail-level = "warning"\n{FUNCTIONS}{accepted}'

    result = check(configuration, "config", "show", env={"ABICHECK_FORMAT": "text,json=x"})

    assert (result.returncode, result.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert 'fail-level = "warning" # ' in "\n".join(lines)
    assert any(line.startswith("fail-level") and "abicheck.toml" in line for line in lines)
    assert 'format = ["text", "json=x"] # environment: ABICHECK_FORMAT' in lines
    assert "exit-zero = false # default" in lines
    assert any(line.startswith('[functions."api"]') for line in lines)
    assert 'rule = "ABI2"' in lines


def test_a_configuration_that_is_wrong_cannot_be_shown(check: Call) -> None:
    assert check("nonsense = 1\n", "config", "show").returncode == 2
    assert check("nonsense = 1\n", "config", "show", "--isolated").returncode == 0
