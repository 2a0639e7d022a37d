"""What every test may lean on: hypothesis profiles, the fixtures' bytes, the target.

`dev` explores a little on every run; `ci` does the same search each time, so that a red
build means the change; `nightly` explores and takes its time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pytest
from hypothesis import settings

_ROOT: Final = Path(__file__).resolve().parents[1]
# `pytest` alone, unlike `python -m pytest`, does not find `tests.elfbuilder` and `elfpatch`.
for _folder in (_ROOT / "fixtures", _ROOT):
    if str(_folder) not in sys.path:
        sys.path.append(str(_folder))

from tests.oracle import debian  # noqa: E402 - the path above comes first

from abicheck.model import TargetProfile  # noqa: E402 - the path above comes first
from abicheck.profiles import load_profile  # noqa: E402

settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile(
    "ci", max_examples=200, deadline=None, derandomize=True, database=None, print_blob=True
)
settings.register_profile("nightly", max_examples=20_000, deadline=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """Return the folder of the committed fixtures."""
    return _ROOT / "fixtures"


@pytest.fixture(scope="session")
def shipped(fixtures: Path) -> Callable[..., bytes]:
    """Return the reader of one member of one case."""

    def read(case: str, member: str = "mod.cpython-313-x86_64-linux-gnu.so") -> bytes:
        with zipfile.ZipFile(fixtures / "cases" / f"{case}.zip") as archive:
            return archive.read(member)

    return read


@pytest.fixture(scope="session")
def every_object(fixtures: Path) -> Mapping[str, bytes]:
    """Return each distinct ELF object of the cases, by `case:member`."""
    found: dict[bytes, str] = {}
    with (fixtures / "cases.toml").open("rb") as file:
        cases = tomllib.load(file)
    for name, case in sorted(cases.items()):
        with zipfile.ZipFile(fixtures / case["file"]) as archive:
            for info in archive.infolist():
                with archive.open(info) as member:
                    if member.read(4) != b"\x7fELF":
                        continue
                found.setdefault(archive.read(info), f"{name}:{info.filename}")
    return MappingProxyType({name: data for data, name in found.items()})


@pytest.fixture(scope="session")
def target() -> TargetProfile:
    """Return the main target: Lambda's python3.13 on x86_64."""
    return load_profile("lambda-python3.13-x86_64")


# --- container engines and their tools ---


def _missing(reason: str) -> None:
    """Skip; on a build server, fail: there every tool is installed."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def tool() -> Callable[..., str]:
    """Return the runner of a command line tool; it returns what the tool says."""

    def run(name: str, *arguments: str | Path) -> str:
        if shutil.which(name) is None:
            _missing(f"{name} is not installed")
        done = subprocess.run(
            [name, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"{name} {arguments}: {done.stderr}"
        return done.stdout

    return run


@pytest.fixture(scope="session")
def docker(tool: Callable[..., str]) -> Callable[..., str]:
    """Return the runner of docker's client, with an engine behind it."""
    if shutil.which("docker") is None:
        _missing("docker is not installed")
    answer = subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=60)
    if answer.returncode != 0:
        _missing("no docker engine answers")
    return lambda *arguments: tool("docker", *arguments)


@pytest.fixture(scope="session")
def podman(
    tool: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., str]:
    """Return the runner of podman, with a store of its own that goes with the tests."""
    store = tmp_path_factory.mktemp("podman")
    options = ("--root", store / "root", "--runroot", store / "run", "--storage-driver", "vfs")
    return lambda *arguments: tool("podman", *options, *arguments)


@pytest.fixture(scope="session")
def roots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of root file systems: the one that ABICHECK_ROOTS names, or one that goes.

    Without what makes and runs them a test skips; on a build server it fails.
    """
    try:
        debian.require_tools()
    except debian.MissingToolError as error:
        _missing(str(error))
    kept = os.environ.get("ABICHECK_ROOTS")
    return Path(kept) if kept else tmp_path_factory.mktemp("roots")
