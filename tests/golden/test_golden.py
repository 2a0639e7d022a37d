"""The exact report that a user sees, reviewed as text.

A folder holds `case.toml`, what is run below fixtures/, and `expected.txt` and
`expected.json`, what comes of it.  VERSION stands for abicheck's own.

python -m pytest tests/catalogue tests/golden --update-snapshots
"""

from __future__ import annotations

import difflib
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
from tests.unit.cli.process import COMMAND, environment

from abicheck import __version__

HERE: Final = Path(__file__).parent
CASES: Final[dict[str, dict[str, Any]]] = {
    path.parent.name: tomllib.loads(path.read_text(encoding="utf-8"))
    for path in sorted(HERE.glob("*/case.toml"))
}


def reports(case: dict[str, Any], fixtures: Path, folder: Path) -> dict[str, str]:
    """Run a case in both formats at once; it must end with its status and complain of nothing."""
    document = folder / "report.json"
    result = subprocess.run(
        [*COMMAND, *case["arguments"], "--format", "text", "--format", f"json={document}"],
        cwd=fixtures,
        env=environment({"PYTHONIOENCODING": "utf-8"}),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )

    assert (result.returncode, result.stderr) == (case["status"], "")
    json = document.read_text(encoding="utf-8").replace(__version__, "VERSION", 1)
    return {"expected.txt": result.stdout, "expected.json": json}


@pytest.mark.skipif(sys.platform == "win32", reason="paths are written with slashes")
@pytest.mark.parametrize("name", CASES)
def test_the_report_is_the_one_that_was_reviewed(
    name: str, fixtures: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    for file, found in reports(CASES[name], fixtures, tmp_path).items():
        expected = HERE / name / file
        if request.config.getoption("update_snapshots", default=False):
            expected.write_text(found, encoding="utf-8", newline="\n")

        wanted = expected.read_text(encoding="utf-8")
        difference = difflib.unified_diff(
            wanted.splitlines(), found.splitlines(), f"{name}/{file}", "found", lineterm=""
        )
        assert found == wanted, "\n".join(difference)


def test_every_folder_is_a_case_and_states_its_law() -> None:
    folders = {path.name for path in HERE.iterdir() if path.is_dir() and path.name[0] not in "._"}

    assert folders == CASES.keys()
    assert all(case["title"].endswith(".") for case in CASES.values())
