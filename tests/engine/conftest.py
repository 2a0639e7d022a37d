"""Container engines and their tools, as they are on this machine.

Where one is missing the tests skip with a reason; on a build server they fail instead.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest


def _missing(reason: str) -> None:
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
