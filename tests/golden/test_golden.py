"""The exact report that a user sees, reviewed as text.

A folder holds `case.toml`, what is run below fixtures/, and what comes of it: `expected.txt`
and `expected.json`, and of any other format that it has a file of.  VERSION stands for
abicheck's own.

python -m pytest tests/catalogue tests/golden --update-snapshots
"""

from __future__ import annotations

import difflib
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
from tests.unit.cli.process import COMMAND, environment

from abicheck import __version__

HERE: Final = Path(__file__).parent
FORMATS: Final = {
    "expected.txt": "text",
    "expected.json": "json",
    "expected.sarif": "sarif",
    "expected.md": "markdown",
    "expected.xml": "junit",
    "expected-concise.txt": "concise",
    "expected-github.txt": "github",
    "expected-gitlab.json": "gitlab",
}
CASES: Final[dict[str, dict[str, Any]]] = {
    path.parent.name: tomllib.loads(path.read_text(encoding="utf-8"))
    for path in sorted(HERE.glob("*/case.toml"))
}


def reports(name: str, fixtures: Path, folder: Path) -> dict[str, str]:
    """Run a case in all its formats at once; it must end with its status and complain of nothing."""
    case = CASES[name]
    files = [file for file in FORMATS if (HERE / name / file).exists()]
    result = subprocess.run(
        [*COMMAND, *case["arguments"], *(f"--format={FORMATS[f]}={folder / f}" for f in files)],
        cwd=fixtures,
        env=environment({"PYTHONIOENCODING": "utf-8"}),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )

    assert (result.returncode, result.stdout, result.stderr) == (case["status"], "", "")
    return {
        file: re.sub(rf'(?i)(version"?: "){re.escape(__version__)}"', r'\1VERSION"', text)
        for file in files
        for text in [(folder / file).read_text(encoding="utf-8")]
    }


@pytest.mark.skipif(sys.platform == "win32", reason="paths are written with slashes")
@pytest.mark.parametrize("name", CASES)
def test_the_report_is_the_one_that_was_reviewed(
    name: str, fixtures: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    for file, found in reports(name, fixtures, tmp_path).items():
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
    for name in folders:
        assert {"expected.txt", "expected.json"} <= {path.name for path in (HERE / name).iterdir()}
    assert all(case["title"].endswith(".") for case in CASES.values())
