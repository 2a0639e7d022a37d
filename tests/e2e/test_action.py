"""The action's own shell steps, as they are written, in what a runner would give them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from tests.actionfile import ACTION, Step, evaluate, read_action
from tests.unit.cli.process import environment

BASH: Final = shutil.which("bash")
ROOT: Final = ACTION.parent

pytestmark = pytest.mark.skipif(
    BASH is None or sys.platform == "win32", reason="a POSIX shell and its paths"
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the check step ended, what it wrote, and the outputs of the action."""

    status: int
    stdout: str
    stderr: str
    outputs: dict[str, str]
    summary: str


Act = Callable[..., Outcome]


def execute(step: Step, context: dict[str, str], temp: Path, cwd: Path) -> tuple[int, str, str]:
    """Run a step's code as the runner does; its outputs become part of the context."""
    script, output = temp / "step.sh", temp / "output"
    script.write_text(step.run, encoding="utf-8")
    output.write_text("", encoding="utf-8")
    result = subprocess.run(
        [str(BASH), "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
        cwd=cwd,
        env=environment(
            {
                **{name: evaluate(value, context) for name, value in step.env.items()},
                "RUNNER_TEMP": str(temp),
                "GITHUB_OUTPUT": str(output),
                "GITHUB_STEP_SUMMARY": str(temp / "summary"),
                "GITHUB_ACTIONS": "true",
                "CI": "true",
            }
        ),
        capture_output=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    for line in output.read_text("utf-8").splitlines():
        name, _, value = line.partition("=")
        context[f"steps.{step.id}.outputs.{name}"] = value
    return result.returncode, result.stdout, result.stderr


def outcome(inputs: dict[str, str], temp: Path, cwd: Path, *, install: bool) -> Outcome:
    action = read_action()
    assert inputs.keys() <= action.inputs.keys()
    context = {
        "github.action_path": str(ROOT),
        "runner.temp": str(temp),
        "steps.python.outputs.python-path": sys.executable,
        **{f"inputs.{name}": value for name, value in {**action.inputs, **inputs}.items()},
    }
    installing, checking = (step for step in action.steps if step.run)
    if install:
        status, _, stderr = execute(installing, context, temp, cwd)
        assert status == 0, stderr
    status, stdout, stderr = execute(checking, context, temp, cwd)
    known = {name: value for name, value in context.items() if name.startswith("steps.check.")}
    outputs = {name: evaluate(value, known) for name, value in action.outputs.items()}
    summary = temp / "summary"
    text = summary.read_text("utf-8") if summary.exists() else ""
    return Outcome(status, stdout, stderr, outputs, text)


@pytest.fixture
def act(tmp_path: Path, fixtures: Path) -> Act:
    """Return a function that runs the check step, with what is installed here as installed."""
    programs = tmp_path / "abicheck" / "bin"
    programs.mkdir(parents=True)
    for name, arguments in (("python", ""), ("abicheck", "-m abicheck ")):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments}"$@"\n', "utf-8")
        program.chmod(0o755)

    def run(cwd: Path = fixtures, **inputs: str) -> Outcome:
        named = {name.replace("_", "-"): value for name, value in inputs.items()}
        return outcome(named, tmp_path, cwd, install=False)

    return run


def test_an_artifact_that_loads_passes_and_every_output_is_set(act: Act) -> None:
    result = act(artifacts="dashboard-good.zip", handler="handler.lambda_handler")

    assert (result.status, result.stderr) == (0, "")
    assert "::" not in result.stdout
    assert (result.outputs["verdict"], result.outputs["exit-code"]) == ("pass", "0")
    assert (result.outputs["errors"], result.outputs["warnings"]) == ("0", "0")
    for kind in ("json", "sarif", "html"):
        assert Path(result.outputs[f"{kind}-file"]).stat().st_size > 500


def test_one_that_does_not_fails_the_step_and_the_outputs_are_set_all_the_same(act: Act) -> None:
    result = act(artifacts="dashboard.zip", handler="handler.lambda_handler")

    assert (result.status, result.stderr) == (1, "")
    assert result.stdout.startswith("::error file=fixtures/dashboard.zip,line=1,title=ABI201 ")
    assert (result.outputs["verdict"], result.outputs["exit-code"]) == ("fail", "1")
    assert result.outputs["errors"] == "1"
    assert "❌ FAIL" in result.summary
    report = json.loads(Path(result.outputs["json-file"]).read_text("utf-8"))
    assert report["artifacts"][0]["handler"]["module"] == "handler"


def test_a_wrong_request_is_an_error_and_no_report_is_an_empty_output(act: Act) -> None:
    result = act(artifacts="no-such.zip")

    assert result.status == 2
    assert "no-such.zip: no such file or folder" in result.stderr
    assert (result.outputs["verdict"], result.outputs["exit-code"]) == ("error", "2")
    assert result.outputs["sarif-file"] == ""


def test_patterns_are_expanded_and_blanks_are_part_of_a_name(
    act: Act, fixtures: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "my build"
    folder.mkdir()
    for name in ("a b.zip", "-c.zip"):
        shutil.copy(fixtures / "dashboard-good.zip", folder / name)

    result = act(folder, artifacts="*.zip\n\n")

    assert result.status == 0
    assert "a b.zip" in result.stdout
    assert "-c.zip" in result.stdout


def test_without_artifacts_the_configured_functions_are_checked(
    act: Act, fixtures: Path, tmp_path: Path
) -> None:
    shutil.copy(fixtures / "dashboard.zip", tmp_path / "a.zip")
    (tmp_path / "abicheck.toml").write_text(
        '[functions.api]\nartifact = "a.zip"\n', encoding="utf-8"
    )

    result = act(tmp_path, annotations="false")

    assert result.status == 1
    assert result.stdout.startswith("FAIL  api (a.zip)")
    assert result.summary == ""


def test_inputs_are_options(act: Act) -> None:
    assert act(artifacts="dashboard.zip", ignore="ABI201,ABI3").status == 0
    assert act(artifacts="dashboard.zip", args="--exit-zero\n").status == 0
    warned = act(artifacts="archives/duplicate-names.zip", fail_level="warning")
    assert (warned.status, warned.outputs["warnings"]) == (1, "1")


@pytest.mark.parametrize("evil", ["$(touch pwned)", "`touch pwned`", '"; touch pwned; "', "a\n-h"])
def test_an_input_is_never_code(act: Act, tmp_path: Path, evil: str) -> None:
    for name in ("artifacts", "handler", "args", "category", "select"):
        act(tmp_path, **{name: evil})

    assert not (tmp_path / "pwned").exists()


def test_a_second_use_leaves_the_reports_of_the_first_alone(act: Act) -> None:
    first = act(artifacts="dashboard.zip")
    second = act(artifacts="dashboard-good.zip")

    assert first.outputs["json-file"] != second.outputs["json-file"]
    assert '"fail"' in Path(first.outputs["json-file"]).read_text("utf-8")


def test_no_expression_stands_in_code_and_every_action_is_pinned() -> None:
    """An expression in code is code to whoever sets it; a tag is whatever its owner says today."""
    steps = read_action().steps

    assert len(steps) == 4
    for step in steps:
        assert "${{" not in step.run
        assert bool(step.uses) != bool(step.run)
        assert not step.uses or re.search(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", step.uses)


@pytest.mark.network
def test_every_step_as_it_is_written(tmp_path: Path, fixtures: Path) -> None:
    """The install too, from a package index, with hashes."""
    result = outcome({"artifacts": "dashboard.zip"}, tmp_path, fixtures, install=True)

    assert (result.status, result.outputs["verdict"]) == (1, "fail")
