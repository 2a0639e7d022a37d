"""What the package promises by name, and no more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import abicheck


@pytest.mark.parametrize("name", abicheck.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(abicheck, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"^module 'abicheck' has no attribute 'nonsense'$"):
        _ = abicheck.nonsense  # type: ignore[attr-defined]


def test_the_names_can_be_imported_all_at_once() -> None:
    scope: dict[str, object] = {}
    exec("from abicheck import *", scope)  # noqa: S102 - that is the question

    assert set(abicheck.__all__) <= scope.keys()


def test_the_package_is_typed() -> None:
    assert Path(abicheck.__file__).with_name("py.typed").is_file()


def test_importing_the_package_costs_nothing_yet() -> None:
    """Who only asks for the version need not wait for parsers, tables and terminals."""
    code = "import sys, abicheck; print([m for m in ('elftools', 'rich', 'click', 'docker') if m in sys.modules])"

    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60, check=True
    )

    assert result.stdout == "[]\n"


def test_a_plain_run_imports_neither_rich_nor_docker(fixtures: Path) -> None:
    code = (
        "import sys; from abicheck.cli import main; main(['dashboard.zip', '--format=json']); "
        "print([m for m in ('rich', 'docker') if m in sys.modules], file=sys.stderr)"
    )

    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=fixtures,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )

    assert result.stderr == "[]\n"
