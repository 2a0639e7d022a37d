"""Read `action.yml` as far as it needs to be run: inputs, outputs, and steps with shell code.

Not YAML: the few forms that the file has, and nothing else; another form is an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Final

ACTION: Final = Path(__file__).resolve().parents[1] / "action.yml"
_EXPRESSION: Final = re.compile(r"\$\{\{ ([\w.-]+) \}\}")


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its id, the action that it uses or the code that it runs, its environment."""

    name: str
    id: str = ""
    uses: str = ""
    run: str = ""
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Action:
    """Inputs with their defaults, outputs with their expressions, the steps in order."""

    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    steps: tuple[Step, ...]


def read_action() -> Action:
    """Return the action of the working tree."""
    text = ACTION.read_text(encoding="utf-8")
    inputs = re.findall(
        r"^  ([\w-]+):\n    description: .+\n    default: (.*)\n",
        _section(text, "inputs"),
        re.MULTILINE,
    )
    outputs = re.findall(
        r"^  ([\w-]+):\n    description: .+\n    value: (.*)\n",
        _section(text, "outputs"),
        re.MULTILINE,
    )
    steps = _section(text, "runs").split("    - name: ")[1:]
    return Action(
        {name: value.strip('"') for name, value in inputs},
        dict(outputs),
        tuple(map(_step, steps)),
    )


def _section(text: str, name: str) -> str:
    found = re.search(rf"^{name}:\n((?:[ #].*\n|\n)+)", text, re.MULTILINE)
    assert found is not None, name
    return found[1]


def _step(text: str) -> Step:
    name, _, rest = text.partition("\n")
    rest = re.sub(r"^ {4}#.*\n", "", rest, flags=re.MULTILINE)
    run = re.search(r"^ {6}run: \|\n((?: {8}.*\n|\n)+)", rest, re.MULTILINE)
    env = re.search(r"^ {6}env:\n((?: {8}.*\n)+)", rest, re.MULTILINE)
    return Step(
        name,
        _value(rest, "id"),
        _value(rest, "uses"),
        dedent(run[1]) if run else "",
        dict(re.findall(r"^ {8}(\w+): (.*)$", env[1], re.MULTILINE)) if env else {},
    )


def _value(text: str, key: str) -> str:
    found = re.search(rf"^ {{6}}{key}: (.*)$", text, re.MULTILINE)
    return found[1] if found else ""


def evaluate(value: str, context: Mapping[str, str]) -> str:
    """Return a value with its expressions filled in; one that is not known is an error."""
    return _EXPRESSION.sub(lambda match: context[match[1]], value)
