"""The README, followed word for word on a machine that has nothing but Python.

A container of Debian 13 with python3 and venv in it, no network, and a fresh
clone.  What pip would download is downloaded here, by the hashes of
`requirements/`, and lies in a folder that pip is told of.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from tests.oracle.debian import mirror

pytestmark = [pytest.mark.engine, pytest.mark.network]

ROOT: Final = Path(__file__).resolve().parents[2]
README: Final = (ROOT / "README.md").read_text(encoding="utf-8")
NAME: Final = "abicheck-readme-walk"
# What each row of the README's table comes to, on the artifact that is broken on purpose.
ROWS: Final = {
    "abicheck ARTIFACT": ("fixtures/dashboard.zip", 1, "No module named"),
    "--runtime python3.12 --architecture arm64": (
        "fixtures/dashboard.zip --runtime python3.12 --architecture arm64",
        1,
        "python3.12, arm64",
    ),
    "--as-of 2025-03-01": ("fixtures/dashboard.zip --as-of 2025-03-01", 1, "FAIL"),
    "--handler app.handler": (
        "fixtures/dashboard.zip --handler handler.lambda_handler",
        1,
        "Runtime.ImportModuleError",
    ),
    "--fail-level": ("fixtures/dashboard.zip --exit-zero", 0, "FAIL"),
    "abicheck inspect ARTIFACT": ("inspect fixtures/dashboard.zip", 0, "_pydantic_core"),
    "abicheck matrix ARTIFACT": ("matrix fixtures/dashboard.zip", 0, "python3.11"),
    "abicheck targets list": ("targets list", 0, "python3.13"),
    "abicheck explain ABI301": ("explain ABI301", 0, "GLIBC_"),
}


@pytest.fixture(scope="module")
def wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with all that the README's commands install, for Debian 13's Python."""
    folder = tmp_path_factory.mktemp("wheelhouse")
    for wanted in ("test.txt", "run.txt"):
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
                *("--python-version", "3.13", "--only-binary=:all:", "--dest", folder),
                *("--requirement", ROOT / "requirements" / wanted),
            ],
            check=True,
            timeout=600,
        )
    return folder


@pytest.fixture(scope="module")
def machine(
    wheelhouse: Path,
    tmp_path_factory: pytest.TempPathFactory,
    tool: Callable[..., str],
    docker: Callable[..., str],
) -> Iterator[Callable[[str], subprocess.CompletedProcess[str]]]:
    """Return what runs a command in a fresh clone, inside the container."""
    root = tmp_path_factory.mktemp("debian") / "root.tar"
    tool("mmdebstrap", "--variant=minbase", "--include=python3-venv", "trixie", root, mirror())
    docker("import", root, NAME)
    root.unlink()
    clone = tmp_path_factory.mktemp("walk") / "abicheck"
    tool("git", "clone", "--quiet", ROOT, clone)
    docker(
        "create", "--name", NAME, "--network=none", "--workdir=/home/abicheck", NAME, "sleep", "1h"
    )
    docker("cp", clone, f"{NAME}:/home/")
    docker("cp", wheelhouse, f"{NAME}:/wheels")
    docker("start", NAME)

    def run(command: str) -> subprocess.CompletedProcess[str]:
        settings = ("PIP_NO_INDEX=1", "PIP_FIND_LINKS=/wheels", "PYTEST_ADDOPTS=tests/unit/cli")
        given = [word for setting in settings for word in ("--env", setting)]
        return subprocess.run(
            ["docker", "exec", *given, NAME, "bash", "-c", command],
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )

    yield run
    docker("rm", "--force", "--volumes", NAME)
    docker("rmi", "--force", NAME)


def _command(containing: str) -> str:
    found: str
    (found,) = set(re.findall(rf"^    (python3 -m venv .*{containing}.*)$", README, re.MULTILINE))
    return found


def _first_screen() -> tuple[str, str]:
    """Return the command of the README's first screen, and what it says that comes of it."""
    block = README.split("    $ abicheck ", 1)[1].split("\nNothing of the artifact", 1)[0]
    command, _, rest = block.partition("\n")
    return command, "\n".join(line.removeprefix("    ") for line in rest.splitlines()).strip()


def test_a_new_user_gets_what_the_readme_promises(
    machine: Callable[[str], subprocess.CompletedProcess[str]],
) -> None:
    """Every command in the README's own order, with its exit status and what it shows."""
    tried = machine(_command(re.escape("fixtures/dashboard.zip")))
    assert (tried.returncode, tried.stderr) == (1, "")
    assert "FAIL  fixtures/dashboard.zip" in tried.stdout

    command, promised = _first_screen()
    shown = machine(f"cd fixtures && ../.venv/bin/abicheck {command}")
    assert shown.stdout.strip() == promised

    for row, (arguments, status, text) in ROWS.items():
        assert f"`{row}" in README
        done = machine(f".venv/bin/abicheck {arguments}")
        assert (done.returncode, done.stderr) == (status, ""), arguments
        assert text in done.stdout, arguments

    tested = machine(_command(re.escape("requirements/test.txt")))
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert re.search(r"\d+ passed", tested.stdout)


def test_a_clone_that_was_used_is_clean(
    machine: Callable[[str], subprocess.CompletedProcess[str]],
    docker: Callable[..., str],
    tool: Callable[..., str],
    tmp_path: Path,
) -> None:
    """What the commands make beside the sources is ignored by git."""
    machine(_command(re.escape("fixtures/dashboard.zip")))
    docker("cp", f"{NAME}:/home/abicheck", tmp_path)

    assert tool("git", "-C", tmp_path / "abicheck", "status", "--porcelain") == ""
