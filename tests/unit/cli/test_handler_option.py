"""`--handler`: what Lambda's own import of the function would end in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.factories import write_zip

if TYPE_CHECKING:
    from tests.unit.cli.process import Run

EXTENSION = "mod.cpython-313-x86_64-linux-gnu.so"


def test_the_report_begins_with_what_lambda_would_log(run: Run) -> None:
    lines = run("dashboard.zip", "--handler", "handler.lambda_handler").stdout.splitlines()

    assert lines[2:4] == [
        "Lambda would log:",
        (
            "  [ERROR] Runtime.ImportModuleError: Unable to import module 'handler': "
            "No module named 'pydantic_core._pydantic_core'"
        ),
    ]


def test_the_way_from_the_handler_is_shown(call: Run) -> None:
    document = json.loads(
        call("dashboard.zip", "--handler", "handler.lambda_handler", "--format", "json").stdout
    )

    (artifact,) = document["artifacts"]
    assert artifact["handler"]["import"] == "fails"
    assert artifact["handler"]["via"][0] == "handler.py:1"
    assert artifact["handler"]["via"][-1] == artifact["findings"][0]["via"][-1]


def test_a_module_that_is_not_there_is_reached_by_who_asks_for_it(call: Run) -> None:
    """The extension is to blame, and not the handler."""
    result = call("dashboard.zip", "--handler", "handler.lambda_handler", "--format", "json")

    findings = json.loads(result.stdout)["artifacts"][0]["findings"]
    assert [(f["code"], f["severity"]) for f in findings] == [("ABI201", "error")]


def test_a_handler_that_is_imported_passes(call: Run) -> None:
    result = call("dashboard-good.zip", "--handler", "handler.lambda_handler")

    assert result.returncode == 0
    assert "Lambda would log" not in result.stdout


def test_a_handler_in_a_package_is_named_with_dots(call: Run) -> None:
    result = call("dashboard.zip", "--handler", "pydantic_core.nothing.handler")

    assert "Unable to import module 'pydantic_core.nothing'" in result.stdout


def test_a_handler_may_be_named_with_slashes(call: Run) -> None:
    """The runtime's bootstrap replaces them by dots."""
    dots = call("dashboard.zip", "--handler", "pydantic_core._x.handler", "--format", "json")
    slashes = call("dashboard.zip", "--handler", "pydantic_core/_x.handler", "--format", "json")

    messages = [
        json.loads(result.stdout)["artifacts"][0]["handler"]["runtime_message"]
        for result in (dots, slashes)
    ]
    assert messages[0] == messages[1]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"other.py": "x = 1\n"}, "No module named 'app'"),
        ({"app.py": "import no_such_module\n"}, "No module named 'no_such_module'"),
        ({"app.py": "raise ImportError('nope')\n"}, "nope"),
    ],
)
def test_a_handler_that_cannot_be_imported_never_passes(
    call: Run, tmp_path: Path, files: dict[str, str], message: str
) -> None:
    write_zip(tmp_path / "a.zip", files)

    result = call("a.zip", "--handler", "app.handler", cwd=tmp_path)

    assert result.returncode == 1
    assert f"Unable to import module 'app': {message}" in result.stdout


@pytest.mark.parametrize("handler", ["", "handler", ".handler", "handler."])
def test_what_is_no_handler_is_a_wrong_request(call: Run, handler: str) -> None:
    """Lambda takes `module.function` and nothing else."""
    result = call("dashboard-good.zip", "--handler", handler)

    assert (result.returncode, result.stdout) == (2, "")


@pytest.fixture
def unreached(tmp_path: Path, shipped: Callable[..., bytes]) -> Path:
    """An artifact whose broken extension its handler does not import."""
    return write_zip(
        tmp_path / "a.zip",
        {"app.py": "def handler(event, context):\n    pass\n", EXTENSION: shipped("needs-libgl")},
    )


def test_lambda_does_not_log_what_its_handler_does_not_meet(call: Run, unreached: Path) -> None:
    result = call(str(unreached), "--handler", "app.handler")

    assert "Unable to import module 'app'" not in result.stdout


def test_what_a_named_handler_cannot_reach_is_a_note(call: Run, unreached: Path) -> None:
    result = call(str(unreached), "--handler", "app.handler")

    assert result.returncode == 0
    assert "note ABI401" in result.stdout


def test_a_module_that_loads_is_not_said_to_fail(call: Run, unreached: Path) -> None:
    """Without a handler `app` is a guess, and the same report predicts that it loads."""
    result = call(str(unreached))

    assert result.returncode == 1
    assert "Unable to import module 'app'" not in result.stdout


def test_without_a_handler_every_extension_counts(call: Run, unreached: Path) -> None:
    assert call(str(unreached)).returncode == 1
