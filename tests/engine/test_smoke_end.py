"""However a smoke import ends, nothing that was made for it is left in the engine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import pytest
from tests.smokebase import REFERENCE, request_for

from abicheck.smoke import run
from abicheck.smoke._reaper import RUN, UNTIL

pytestmark = pytest.mark.engine

_PROGRAM: Final = """
import sys
from pathlib import Path
from tests.smokebase import request_for
from abicheck.smoke import run
run(request_for(sys.argv[1], Path(sys.argv[2]), "waits", timeout=300))
"""
_ROOT: Final = Path(__file__).resolve().parents[2]
_PATIENCE: Final = 60
_THINGS: Final = {
    "containers": ("ps", "--all", "--quiet", "--no-trunc"),
    "volumes": ("volume", "ls", "--quiet"),
    "images": ("images", "--quiet"),
}


def _left(docker: Callable[..., str], run: str) -> dict[str, list[str]]:
    """Return what carries the label of a run."""
    return {
        what: found
        for what, command in _THINGS.items()
        if (found := docker(*command, "--filter", f"label={RUN}={run}").split())
    }


def _begun(docker: Callable[..., str], *, running: bool) -> str:
    """Wait for a container of the stand-in, and return which run it is of."""
    state = ("--filter", "status=running") if running else ()
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        words = ("--format", f'{{{{.Label "{RUN}"}}}}', "--filter", f"ancestor={REFERENCE}")
        runs = set(docker("ps", "--all", *words, "--filter", f"label={RUN}", *state).split())
        if runs:
            (run,) = runs
            return run
        time.sleep(0.05)
    pytest.fail("no container was started")


@pytest.mark.parametrize("running", [True, False], ids=["while it imports", "while it begins"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_one_that_is_killed(
    base: str,
    docker: Callable[..., str],
    package: Callable[[Mapping[str, str]], Path],
    number: signal.Signals,
    *,
    running: bool,
) -> None:
    """By whatever signal."""
    source = package({"waits.py": "import time; time.sleep(300)"})
    command = [sys.executable, "-c", _PROGRAM, base, str(source)]
    environment = {**os.environ, "PYTHONPATH": f"{_ROOT}:{_ROOT}/src"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
        run = _begun(docker, running=running)
        before = _left(docker, run)
        process.send_signal(number)
        process.communicate()

    assert set(before) >= {"containers"}
    deadline = time.monotonic() + _PATIENCE
    while _left(docker, run) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert _left(docker, run) == {}


def test_what_was_left_is_removed_by_the_next(
    base: str, docker: Callable[..., str], package: Callable[[Mapping[str, str]], Path]
) -> None:
    """Where the machine itself went down; but not what may still be at work."""
    ids = [
        docker("create", "--label", f"{RUN}={name}", "--label", f"{UNTIL}={until}", base, "x")
        for name, until in (("dead", 1), ("alive", int(time.time()) + 600))
    ]
    try:
        run(request_for(base, package({"m.py": ""}), "m"))

        assert _left(docker, "dead") == {}
        assert _left(docker, "alive") == {"containers": [ids[1].strip()]}
    finally:
        docker("rm", "--force", ids[1].strip())
