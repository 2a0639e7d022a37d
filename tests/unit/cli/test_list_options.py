"""Options that take a list: again for each, with commas, or in the environment."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from abicheck.cli.baseline import prune, write
from abicheck.cli.check import command as check
from abicheck.cli.inspect import command as inspect
from abicheck.cli.matrix import command as matrix

if TYPE_CHECKING:
    from tests.unit.cli.process import Run


@pytest.mark.parametrize("text", ["ABI3,ABI201", "ABI3, ABI201", "ABI201,", " ABI201 ", ",ABI201"])
def test_rules_are_taken_with_commas(call: Run, text: str) -> None:
    """Blanks around a comma and a comma too many mean nothing."""
    arguments = call("dashboard.zip", "--select", text)
    variable = call("dashboard.zip", env={"ABICHECK_SELECT": text})

    assert (arguments.returncode, variable.returncode) == (1, 1)
    assert arguments.stdout == variable.stdout


@pytest.mark.parametrize("option", ["--select", "--extend-select", "--ignore"])
def test_each_of_several_rules_must_be_one(call: Run, option: str) -> None:
    result = call("dashboard.zip", option, "ABI201,ABI999")

    assert result.returncode == 2
    assert f"{option[2:]}: no rule is called 'ABI999'" in result.stderr


@pytest.mark.parametrize("text", ["", ","])
def test_nothing_is_no_rule(call: Run, text: str) -> None:
    assert "no rule is called ''" in call("dashboard.zip", "--select", text).stderr


def test_rules_that_are_ignored_with_commas_are_ignored_each(call: Run) -> None:
    assert call("dashboard.zip", "--ignore=wrong-python-tag,ABI3").returncode == 0


def test_formats_are_taken_with_commas(call: Run, fixtures: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.json"

    result = call(str(fixtures / "dashboard.zip"), f"--format=concise,json={file}", cwd=tmp_path)

    assert result.stdout.count("\n") == 1
    assert file.read_text(encoding="utf-8").startswith("{")


def test_layers_are_taken_with_commas_and_a_file_may_have_one(
    call: Run, fixtures: Path, tmp_path: Path
) -> None:
    for name in ("a.zip", "b.zip", "with,comma.zip"):
        shutil.copy(fixtures / "archives" / "layer.zip", tmp_path / name)
    function = str(fixtures / "dashboard-good.zip")

    two = call(function, "--layer", "a.zip,b.zip", cwd=tmp_path)
    one = call(function, "--layer", "with,comma.zip", cwd=tmp_path)
    none = call(function, "--layer", "a.zip,no.zip", cwd=tmp_path)

    assert "with 2 layers" in two.stdout
    assert "with 1 layer " in one.stdout
    assert "--layer no.zip: no such file or folder" in none.stderr


def test_the_value_of_a_variable_may_have_commas(call: Run) -> None:
    """On the command line; in the environment the comma is what ends an assignment."""
    assert call("dashboard-good.zip", "--env", "NO_PROXY=a,b").returncode == 0
    both = {"ABICHECK_ENV": "PYTHONPATH=/opt,LANG=C"}
    assert call("dashboard-good.zip", env=both).returncode == 0
    assert "--env 'b'" in call("dashboard-good.zip", env={"ABICHECK_ENV": "NO_PROXY=a,b"}).stderr


def test_a_list_of_the_configuration_is_taken_as_it_is(call: Run, tmp_path: Path) -> None:
    (tmp_path / "abicheck.toml").write_text('select = ["ABI2,ABI3"]\n', encoding="utf-8")

    (tmp_path / "x.zip").write_bytes(b"")
    result = call("x.zip", cwd=tmp_path)

    assert "no rule is called 'ABI2,ABI3'" in result.stderr


@pytest.mark.parametrize("command", [check, write, prune, matrix, inspect], ids=lambda c: c.name)
def test_every_option_is_the_variable_of_its_name(command: click.Command) -> None:
    """`ABICHECK_` and the long name: what the documentation says of all of them."""
    ctx = command.make_context("abicheck", [], resilient_parsing=True)

    for option in command.params:
        if not isinstance(option, click.Option) or "--version" in option.opts:
            continue
        (name,) = [each for each in option.opts if each.startswith("--")]
        if name == "--json":
            continue  # how the answer of one call is printed
        variable = f"ABICHECK_{name[2:].replace('-', '_').upper()}"
        assert f"env var: {variable}" in " ".join(
            (option.get_help_record(ctx) or ("", ""))[1].split()
        )
