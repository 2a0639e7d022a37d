"""The command as it is installed, packed and documented."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Final

import pytest
from tests.unit.cli.process import COMMAND, environment

from abicheck import __version__

ROOT: Final = Path(__file__).resolve().parents[2]
GOLDEN: Final = ROOT / "tests" / "golden"


def output(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    result = subprocess.run(
        command,
        cwd=cwd,
        env=environment(env),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert result.stderr == ""
    return result.stdout


@pytest.mark.parametrize("name", ["abicheck", "lambda-abicheck"])
def test_both_commands_are_installed_and_are_the_same(name: str, fixtures: Path) -> None:
    found = shutil.which(name, path=sysconfig.get_path("scripts"))

    assert found is not None
    expected = output(*COMMAND, "dashboard.zip", cwd=fixtures)
    assert output(found, "dashboard.zip", cwd=fixtures) == expected


@pytest.mark.skipif(shutil.which("bash") is None, reason="a shell with pipefail")
def test_a_pipeline_ends_with_the_verdict_s_status(fixtures: Path) -> None:
    command = f"set -o pipefail; '{sys.executable}' -m abicheck dashboard.zip | head -n 1"

    result = subprocess.run(
        ["bash", "-c", command],
        cwd=fixtures,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )

    assert (result.returncode, result.stderr) == (1, "")
    assert result.stdout.startswith("FAIL  dashboard.zip")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("dashboard", "ABI201"),
        ("dashboard-stub", "ABI201"),
        ("glibc-too-new", "ABI301"),
        ("missing-library", "ABI401"),
        ("mach-o", "ABI101"),
        ("exit-127", "ABI306"),
    ],
)
def test_what_the_report_predicts_leads_back_to_its_rule(
    name: str, code: str, fixtures: Path
) -> None:
    """The log of the function that was deployed all the same, piped into `explain -`."""
    report = (GOLDEN / name / "expected.txt").read_text(encoding="utf-8")
    log = report.partition("Lambda would log:\n")[2].partition("\n\n")[0]

    result = subprocess.run(
        [*COMMAND, "explain", "-"],
        cwd=fixtures,
        env=environment(),
        input=f"START RequestId: 1\n{log}\nEND RequestId: 1\n",
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )

    assert result.returncode == 0
    assert f"# {code} " in result.stdout


def test_the_readme_shows_the_real_report() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    start = lines.index("    $ abicheck dashboard.zip --handler handler.lambda_handler") + 1
    shown = []
    for line in lines[start:]:
        if line and not line.startswith("    "):
            break
        shown.append(line.removeprefix("    "))

    expected = (GOLDEN / "dashboard" / "expected.txt").read_text(encoding="utf-8")
    assert "\n".join(shown).rstrip() == expected.rstrip()


def test_the_readme_names_every_option_that_it_shows(fixtures: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    usage = output(*COMMAND, "--help", cwd=fixtures)

    for option in ("--handler", "--format", "--fail-level", "--exit-zero"):
        assert option in text
        assert option in usage


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of what a source distribution would have."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(
        ROOT / "src", source / "src", ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
    )
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", source / "dist"],
        cwd=source,
        env=environment(),
        capture_output=True,
        timeout=120,
        check=True,
    )
    (built,) = (source / "dist").glob("*.whl")
    return built


def test_the_wheel_holds_the_package_with_all_its_data_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}

    package = ROOT / "src" / "abicheck"
    expected = {
        path.relative_to(package.parent).as_posix()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if ".dist-info/" not in name} == expected
    for data in ("py.typed", "reporters/schema/report-v1.json"):
        assert f"abicheck/{data}" in names


def test_what_was_packed_says_the_same_as_what_is_developed(
    wheel: Path, fixtures: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    env = {"PYTHONPATH": str(tmp_path)}
    where = "import abicheck; print(abicheck.__file__)"

    assert output(sys.executable, "-c", where, cwd=fixtures, env=env).startswith(
        str(tmp_path) + os.sep
    )
    assert output(*COMMAND, "dashboard.zip", cwd=fixtures, env=env) == output(
        *COMMAND, "dashboard.zip", cwd=fixtures
    )
    assert output(*COMMAND, "--version", cwd=fixtures, env=env) == f"abicheck {__version__}\n"
