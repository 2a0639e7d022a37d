"""`abicheck completion`: what a shell needs to complete our words, and the answers to it.

click's protocol: the shell's function calls abicheck with `_ABICHECK_COMPLETE`
in the environment, and the words of the line in variables of their own.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Final

import click
from click.shell_completion import CompletionItem, ShellComplete, get_completion_class

from abicheck.cli import COMMANDS
from abicheck.cli._shared import print_report

VARIABLE: Final = "_ABICHECK_COMPLETE"
_SHELLS: Final = ("bash", "zsh", "fish")


@click.command("completion", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("shell", type=click.Choice(_SHELLS))
def command(shell: str) -> int:
    """Print the completion script for SHELL.

    bash and zsh: eval "$(abicheck completion bash)" in their start-up file.
    fish: abicheck completion fish > ~/.config/fish/completions/abicheck.fish
    """
    found = _shell(shell)
    # Not `source()`, which asks the bash of this machine for its version.
    print_report(found.source_template % found.source_vars())
    return 0


def answer(instruction: str) -> int:
    """Print the words that may follow, for `bash_complete` and the like; 1 for another request."""
    name, _, verb = instruction.partition("_")
    if name not in _SHELLS or verb != "complete":
        return 1
    shell = _shell(name)
    words, incomplete = shell.get_completion_args()
    for item in _items(name, words, incomplete):
        sys.stdout.write(f"{shell.format_completion(item)}\n")
    return 0


def _items(shell: str, words: list[str], incomplete: str) -> list[CompletionItem]:
    """Complete a command's name in first place, and else what the command takes."""
    name, rest = ("check", words)
    if words and words[0] in COMMANDS:
        name, rest = words[0], words[1:]
    items = _shell(shell, name).get_completions(rest, incomplete)
    if not words and not incomplete.startswith("-"):
        commands = [CompletionItem(c, help=h) for c, h in COMMANDS.items()]
        items = [*(item for item in commands if item.value.startswith(incomplete)), *items]
    return items


def _shell(shell: str, name: str = "check") -> ShellComplete:
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - the choice above is among click's own
    command_of: click.Command = import_module(f"abicheck.cli.{name}").command
    return found(command_of, {}, "abicheck", VARIABLE)
