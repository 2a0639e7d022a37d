"""The same imports behind podman's socket."""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import docker
import pytest
from tests import hostile
from tests.smokebase import REFERENCE, request_for

from abicheck.model import SmokeOutcome
from abicheck.smoke import run

pytestmark = pytest.mark.engine

_ROOT: Final = Path(__file__).resolve().parents[2]
_ATTACKS: Final = {
    "bombs": hostile.FORK_BOMB,
    "endless": hostile.ENDLESS,
    "kills": hostile.KILLS,
    "limits": hostile.LIMITS,
    "stays": hostile.STAYS,
}
_PROGRAM: Final = """
import sys
from pathlib import Path
from tests.smokebase import request_for
from abicheck.smoke import run
run(request_for(sys.argv[1], Path(sys.argv[2]), "waits", timeout=300))
"""


def test_podman_seals_as_docker_does(
    podmans_socket: str,
    package: Callable[[Mapping[str, str]], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And a hostile package changes nothing but its own verdict there."""
    monkeypatch.setenv("DOCKER_HOST", podmans_socket)
    files = {"told.py": hostile.INSIDE}
    for name, text in _ATTACKS.items():
        files |= {f"{name}.py": text, f"after_{name}.py": hostile.INNOCENT}
    names = [name.removesuffix(".py") for name in files]
    made = run(request_for(REFERENCE, package(files), *names, timeout=5))

    told, *rest = made.imports
    outcomes = {each.module: each.outcome for each in rest}
    assert "Podman" in made.engine
    assert told.failure is not None
    assert ast.literal_eval(told.failure.message or "") == hostile.FOUND_INSIDE
    assert {outcomes[f"after_{name}"] for name in _ATTACKS} == {SmokeOutcome.LOADED}
    assert outcomes["bombs"] is SmokeOutcome.OUT_OF_BOUNDS
    assert outcomes["endless"] is SmokeOutcome.OUT_OF_BOUNDS
    assert outcomes["kills"] is SmokeOutcome.FAILED


def test_podman_keeps_nothing_of_one_that_is_killed(
    podmans_socket: str, package: Callable[[Mapping[str, str]], Path]
) -> None:
    """By SIGKILL, in the midst of an import."""
    source = package({"waits.py": "import time; time.sleep(300)"})
    environment = {
        **os.environ,
        "PYTHONPATH": f"{_ROOT}:{_ROOT}/src",
        "DOCKER_HOST": podmans_socket,
    }
    command = [sys.executable, "-c", _PROGRAM, REFERENCE, str(source)]
    client = docker.DockerClient(podmans_socket)
    try:
        with subprocess.Popen(command, env=environment) as process:
            assert _wait_for(lambda: "running" in json.dumps(_left(client)))
            process.send_signal(signal.SIGKILL)
        assert _wait_for(lambda: not _left(client))
    finally:
        client.close()


def _wait_for(reached: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 60
    while not reached() and time.monotonic() < deadline:
        time.sleep(0.2)
    return reached()


def _left(client: Any) -> list[object]:  # noqa: ANN401 - the SDK ships no types
    chosen = {"label": "abicheck.run"}
    return [
        *client.api.containers(all=True, filters=chosen),
        *(client.api.volumes(filters=chosen)["Volumes"] or ()),
    ]
