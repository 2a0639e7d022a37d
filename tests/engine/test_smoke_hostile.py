"""Packages that attack what imports them: nothing changes but their own verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import pytest
from tests import hostile

from abicheck.model import SmokeImport, SmokeOutcome, SmokeRun

pytestmark = pytest.mark.engine

Importing = Callable[..., SmokeRun]

_ESCAPES: Final = "\x1b]0;owned\x07\x1b[2J\u202e\r\n::error::"

_ESCAPING: Final = f"""
import sys
text = {_ESCAPES!r}
sys.stderr.write(text)
raise type(text, (Exception,), {{}})(text)
"""


def _around(source: str) -> tuple[dict[str, str], list[str]]:
    """Return a package with one module in the midst of six others, and their order."""
    names = [f"innocent{number}" for number in range(6)]
    files = {f"{name}.py": hostile.INNOCENT for name in names} | {"hostile.py": source}
    return files, [*names[:2], "hostile", *names[2:]]


@pytest.mark.parametrize(
    ("source", "outcome", "message"),
    [
        pytest.param(
            hostile.FORK_BOMB,
            SmokeOutcome.OUT_OF_BOUNDS,
            "started more than 1,024 processes and threads",
            id="fork-bomb",
        ),
        pytest.param(
            hostile.NEVER_ENDS, SmokeOutcome.TIMED_OUT, "had not ended after 5 s", id="never-ends"
        ),
        pytest.param(
            hostile.ENDLESS,
            SmokeOutcome.OUT_OF_BOUNDS,
            "printed more than 16 MiB",
            id="endless-output",
        ),
        pytest.param(
            hostile.FILLS,
            SmokeOutcome.OUT_OF_BOUNDS,
            "wrote more than 512 MiB to /tmp",
            id="fills-the-disk",
        ),
        pytest.param(
            hostile.HOGS,
            SmokeOutcome.OUT_OF_BOUNDS,
            "needed more than 1,024 MiB of memory",
            id="fills-the-memory",
        ),
        pytest.param(
            hostile.KILLS,
            SmokeOutcome.FAILED,
            "('still here, and so is', 1)",
            id="kills-its-parent",
        ),
        pytest.param(hostile.LOOKS_INTO, SmokeOutcome.FAILED, "[]", id="looks-into-its-parent"),
        pytest.param(hostile.LIMITS, SmokeOutcome.LOADED, None, id="limits-its-parent"),
        pytest.param(hostile.STAYS, SmokeOutcome.LOADED, None, id="stays"),
        pytest.param(hostile.LEAVES, SmokeOutcome.LOADED, None, id="leaves-things"),
        pytest.param(_ESCAPING, SmokeOutcome.FAILED, _ESCAPES, id="escape-sequences"),
    ],
)
def test_a_hostile_package_changes_nothing_but_its_own_verdict(
    smoke: Importing,
    package: Callable[[Mapping[str, str]], Path],
    source: str,
    outcome: SmokeOutcome,
    message: str | None,
) -> None:
    """Whatever it does, the others load, and find the place as if it had never been there."""
    files, names = _around(source)
    made = smoke(package(files), *names, timeout=5)

    own = _own(made.imports)
    assert [each.module for each in made.imports] == names
    assert (own.outcome, own.failure and own.failure.message) == (outcome, message)
    assert {e.module: e.failure for e in made.imports if e is not own} == {
        name: None for name in names if name != "hostile"
    }


def test_forged_results_are_the_forgers_own(
    smoke: Importing, package: Callable[[Mapping[str, str]], Path]
) -> None:
    """On whatever descriptor they are written, they say nothing about another module."""
    files, names = _around(hostile.FORGES)
    made = smoke(package(files), *names, timeout=5)

    own = _own(made.imports)
    assert own.outcome is not SmokeOutcome.LOADED
    assert {e.failure for e in made.imports if e is not own} == {None}


def _own(imports: tuple[SmokeImport, ...]) -> SmokeImport:
    (own,) = (each for each in imports if each.module == "hostile")
    return own
