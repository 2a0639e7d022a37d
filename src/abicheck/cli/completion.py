"""`abicheck completion`: what a shell needs to complete our words, and the answers to it.

click's protocol: the shell's function calls abicheck with `_ABICHECK_COMPLETE`
in the environment, and the words of the line in variables of their own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Final

import click
from click.shell_completion import CompletionItem, ShellComplete, get_completion_class

from abicheck.cli import COMMANDS
from abicheck.cli._shared import print_report

VARIABLE: Final = "_ABICHECK_COMPLETE"
_SHELLS: Final = ("bash", "zsh", "fish")
_RULES: Final = ("--select", "--extend-select", "--ignore")
_FILES: Final = (
    *("--anchor", "--baseline", "--config", "--dockerfile", "--layer", "--requirements"),
    "--wheels",
)


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
    items += list(_values(name, rest, incomplete))
    if not words and not incomplete.startswith("-"):
        commands = [CompletionItem(c, help=h) for c, h in COMMANDS.items()]
        items = [*(item for item in commands if item.value.startswith(incomplete)), *items]
    return items


def _values(command: str, words: list[str], incomplete: str) -> Iterator[CompletionItem]:
    """Complete what an option or an argument takes, where click knows it for a text only."""
    last = words[-1] if words else ""
    if last in _FILES:
        yield CompletionItem(incomplete, type="dir" if last == "--wheels" else "file")
    known: Iterable[str] = ()
    if last in _RULES or (command == "explain" and not words):
        known = _rules()
    elif last == "--format":
        known = _formats()
    elif last == "--runtime":
        known = _runtimes()
    elif last == "--target" or (command == "targets" and words[:1] in (["show"], ["diff"])):
        known = _targets()
        if last == "--target":
            yield CompletionItem(incomplete, type="file")
    # A list may have commas: what stands before the last one stays.
    before, comma, word = incomplete.rpartition(",")
    for each in known:
        if each.startswith(word):
            yield CompletionItem(f"{before}{comma}{each}")


def _rules() -> Iterator[str]:
    from abicheck.rules import ALL_RULES  # noqa: PLC0415 - asked of few words

    for rule in ALL_RULES:
        yield rule.info.code
        yield rule.info.name


def _formats() -> Iterable[str]:
    from abicheck.reporters import FORMATS  # noqa: PLC0415 - as above

    return FORMATS


def _runtimes() -> Iterable[str]:
    from abicheck.cli._targets import runtimes  # noqa: PLC0415 - as above

    return runtimes()


def _targets() -> Iterator[str]:
    from abicheck.profiles import list_profiles  # noqa: PLC0415 - as above

    for name in list_profiles():
        yield name
        yield name.removeprefix("lambda-").removesuffix("-x86_64")


def _shell(shell: str, name: str = "check") -> ShellComplete:
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - the choice above is among click's own
    command_of: click.Command = import_module(f"abicheck.cli.{name}").command
    return found(command_of, {}, "abicheck", VARIABLE)
