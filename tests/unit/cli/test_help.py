"""What somebody meets who knows nothing yet: `--help`, `help`, and a word that is nearly one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest

from abicheck.cli import COMMANDS
from abicheck.cli.check import command as check

if TYPE_CHECKING:
    from tests.unit.cli.process import Run


def test_help_names_every_command_and_every_option_once(call: Run) -> None:
    result = call("--help")

    assert (result.returncode, result.stderr) == (0, "")
    before, _, commands = result.stdout.partition("\nCommands:\n")
    assert "Usage: abicheck" in before
    for name, what in COMMANDS.items():
        assert f"\n  {name:<12}{what.split(maxsplit=3)[0]} " in f"\n{commands}"
    for param in check.params:
        if isinstance(param, click.Option):
            long = next(name for name in param.opts if name.startswith("--"))
            found = [line for line in commands.splitlines() if f"{long} " in f"{line} "[:36]]
            assert found, long


def test_an_option_that_has_a_section_is_not_among_the_others(call: Run) -> None:
    text = call("--help").stdout
    others = text[text.index("Other options:") :]

    assert "--version" in others
    assert "--config" in others
    assert "--runtime" not in others
    assert text.index("What counts:") < text.index("--fail-level") < text.index("The report:")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_no_line_of_help_is_wider_than_a_terminal(call: Run, command: str) -> None:
    lines = call(*filter(None, [command]), "--help").stdout.splitlines()

    assert max(map(len, lines)) <= 80


def test_the_word_help_is_the_option(call: Run) -> None:
    assert call("help").stdout == call("--help").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["inspcet"], "did you mean inspect?"),
        (["targets", "shwo"], "Did you mean 'show'?"),
        (["targets", "show", "pyhton3.13"], "did you mean python3.13?"),
        (["dashboard.zip", "--target", "python3.13-amr64"], "did you mean python3.13-arm64?"),
        (["dashboard.zip", "--runtime", "pyton3.12"], "did you mean python3.12?"),
        (["dashboard.zip", "--format", "jsn"], "did you mean json?"),
        (["dashboard.zip", "--handlr", "a.b"], "--handler"),
        (["dashbord.zip"], "did you mean dashboard.zip?"),
        (["explain", "glibc-to-new"], "did you mean glibc-too-new?"),
    ],
)
def test_a_word_that_is_nearly_one_is_answered_with_it(
    call: Run, arguments: list[str], said: str
) -> None:
    result = call(*arguments)

    assert (result.returncode, result.stdout) == (2, "")
    assert said in result.stderr
