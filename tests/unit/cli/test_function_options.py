"""Layers, variables and a size budget, on the command line and in the configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from abicheck.cli._function import read_environment, read_size
from abicheck.errors import UsageError

if TYPE_CHECKING:
    from tests.unit.cli.process import Run


@pytest.fixture
def archives(fixtures: Path) -> Path:
    return fixtures / "archives"


FUNCTION = "function-of-a-layer.zip"
HANDLER = ("--handler", "handler.lambda_handler")


def test_a_layer_is_named_once_for_each(call: Run, archives: Path) -> None:
    result = call(FUNCTION, "--layer", "layer.zip", *HANDLER, cwd=archives)

    assert (result.returncode, result.stderr) == (0, "")


def test_a_list_of_layers_in_the_environment_has_commas(call: Run, archives: Path) -> None:
    env = {"ABICHECK_LAYER": "layer-for-another-python.zip, layer.zip"}
    result = call(FUNCTION, *HANDLER, "--format=json", cwd=archives, env=env)
    (found,) = json.loads(result.stdout)["artifacts"]

    assert result.returncode == 0
    assert [layer["name"] for layer in found["layers"]] == [
        "layer-for-another-python.zip",
        "layer.zip",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--layer", "laier.zip"], "--layer laier.zip: no such file or folder; did you mean"),
        (["--layer", ""], "--layer '': no such file or folder"),
        (["--layer", "layer.zip", "--layer", "./layer.zip"], "./layer.zip: named twice"),
        (["--layer", "../dashboard.zip", "python-only.zip"], "--layer goes with one artifact"),
        (["--env", "PYTHONPATH"], "--env 'PYTHONPATH': expected NAME=VALUE"),
        (["--env", "AWS_REGION=x"], "Reserved keys used in this request: AWS_REGION"),
        (["--env", "_HANDLER=x"], "Reserved keys used in this request: _HANDLER"),
        (["--env", "1A=x"], "--env '1A': Lambda takes names of letters"),
        (["--env", f"LARGE={'x' * 4096}"], "--env: 4,101 bytes; Lambda takes 4,096"),
        (["--size-budget", "large"], "--size-budget 'large': expected a size such as 100MB"),
        (["--size-budget", "0"], "--size-budget '0': expected a size"),
    ],
)
def test_what_lambda_would_refuse_is_a_wrong_request(
    call: Run, archives: Path, arguments: list[str], message: str
) -> None:
    result = call(FUNCTION, *arguments, cwd=archives)

    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr.replace("\\", "/")


def test_a_layer_of_an_image_is_a_wrong_request(call: Run, archives: Path) -> None:
    result = call("docker:app", "--layer", "layer.zip", cwd=archives)

    assert (result.returncode, result.stdout) == (2, "")
    assert "Lambda layers are not supported for functions created with container" in result.stderr


def test_a_budget_that_is_exceeded_fails(call: Run, archives: Path) -> None:
    result = call(FUNCTION, "--layer", "layer.zip", "--size-budget", "500 B", cwd=archives)

    assert result.returncode == 1
    assert "error ABI012 over-budget" in result.stdout
    assert "greeting 1.0 (layer.zip)" in result.stdout


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", 1),
        ("10 B", 10),
        ("1k", 1 << 10),
        ("100MB", 100 << 20),
        ("100 mib", 100 << 20),
        ("1.5GiB", 3 << 29),
        ("2G", 2 << 30),
    ],
)
def test_units_are_powers_of_1024_as_in_lambdas_quotas(text: str, expected: int) -> None:
    assert read_size(text) == expected


@pytest.mark.parametrize("text", ["", "-1", "1.MB", "MB", "1TB", "1 000", "0.1", "1e6", "\u0661MB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected a size such as 100MB"):
        read_size(text)


def test_of_several_values_the_last_counts() -> None:
    assert read_environment(["A1=x", "B1=", "A1=y=z"]) == {"A1": "y=z", "B1": ""}


# --- the configuration ---

CONFIGURATION = """
[functions.greeter]
artifact = "ARCHIVES/function-of-a-layer.zip"
handler = "handler.lambda_handler"
layers = ["ARCHIVES/layer.zip"]
size-budget = "1MB"
environment = { PYTHONPATH = "/opt/python", GREETING = "hello" }
"""


def _configured(folder: Path, archives: Path, text: str = CONFIGURATION) -> None:
    (folder / ".git").mkdir(exist_ok=True)
    (folder / "abicheck.toml").write_text(
        text.replace("ARCHIVES", archives.as_posix()), encoding="utf-8"
    )


def test_a_function_of_the_configuration_has_all_that_lambda_gives_it(
    call: Run, tmp_path: Path, archives: Path
) -> None:
    _configured(tmp_path, archives)
    result = call(cwd=tmp_path)

    assert (result.returncode, result.stderr) == (0, "")
    assert "PASS  greeter (" in result.stdout
    assert "with 1 layer" in result.stdout


def test_variables_of_the_command_line_are_added_to_the_functions(
    call: Run, tmp_path: Path, archives: Path
) -> None:
    """Name by name: what is said here of one leaves the others as they are."""
    _configured(tmp_path, archives)

    assert call("--env", "OTHER=1", cwd=tmp_path).returncode == 0
    taken_off = call("--env", "PYTHONPATH=/x", cwd=tmp_path)
    assert taken_off.returncode == 1
    assert "ABI623" in taken_off.stdout


def test_layers_of_the_command_line_take_the_place_of_the_functions(
    call: Run, tmp_path: Path, archives: Path
) -> None:
    _configured(tmp_path, archives)
    layer = str(archives / "layer-for-another-python.zip")

    assert "ABI621" in call("--layer", layer, cwd=tmp_path).stdout


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("layers = 'x.zip'", "functions.greeter.layers: expected a list of texts"),
        ("layers = ['gone.zip']", "gone.zip: no such file or folder"),
        ("layer = ['x.zip']", "functions.greeter.layer: unknown key; did you mean layers?"),
        ("environment = ['A=b']", "functions.greeter.environment: expected a table"),
        ("environment = {A1 = 3}", "functions.greeter.environment.A1: expected text"),
        ("environment = {AWS_REGION = 'x'}", "Reserved keys used in this request: AWS_REGION"),
        ("size-budget = 'x'", "expected a size such as 100MB"),
    ],
)
def test_a_function_that_is_configured_wrong_is_a_wrong_request(
    call: Run, tmp_path: Path, archives: Path, line: str, message: str
) -> None:
    text = f'[functions.greeter]\nartifact = "ARCHIVES/function-of-a-layer.zip"\n{line}\n'
    _configured(tmp_path, archives, text)
    result = call(cwd=tmp_path)

    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr


def test_the_configuration_is_shown_as_it_is_written(
    call: Run, tmp_path: Path, archives: Path
) -> None:
    _configured(tmp_path, archives)
    shown = call("config", "show", cwd=tmp_path).stdout

    assert 'environment = { "PYTHONPATH" = "/opt/python", "GREETING" = "hello" }' in shown
    assert "layers = [" in shown


# --- other commands ---


def test_matrix_takes_layers_and_variables(call: Run, archives: Path) -> None:
    arguments = ("matrix", FUNCTION, *HANDLER, "--layer", "layer.zip")

    assert "ABI623" not in call(*arguments, cwd=archives).stdout
    assert "ABI623" in call(*arguments, "--env", "PYTHONPATH=/x", cwd=archives).stdout


def test_inspect_takes_layers_of_one_artifact(call: Run, archives: Path) -> None:
    assert call("inspect", FUNCTION, "--layer", "layer.zip", cwd=archives).returncode == 0
    many = call("inspect", FUNCTION, FUNCTION, "--layer", "layer.zip", cwd=archives)
    assert many.returncode == 2
