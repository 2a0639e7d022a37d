"""An image in a real engine, checked by name and through a pipe."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from tests.hostimage import host_layer
from tests.imagebuilder import Image, lay_out, oci

pytestmark = pytest.mark.engine

REFERENCE: Final = "localhost/abicheck-host:1"
ABICHECK: Final = (sys.executable, "-m", "abicheck", "--quiet", "--format", "json")


@pytest.fixture(scope="module")
def in_docker(
    tmp_path_factory: pytest.TempPathFactory, tool: Callable[..., str], docker: Callable[..., str]
) -> Iterator[str]:
    """Return the name of an image of this host in the local engine, while it is there."""
    program = os.path.realpath(sys.executable)
    run = {
        "Entrypoint": [program, "-m", "awslambdaric"],
        "Cmd": ["app.handler"],
        "WorkingDir": "/var/task",
    }
    image = Image((host_layer(),), run=run, name="host")
    layout = lay_out(oci(image), tmp_path_factory.mktemp("host") / "layout")
    tool("skopeo", "copy", f"oci:{layout}:host", f"docker-daemon:{REFERENCE}")
    yield REFERENCE
    docker("rmi", "--force", REFERENCE)


def _without_name(report: str, name: str) -> str:
    return report.replace(f'"{name}"', '"X"')


def test_archive_stream_and_engine_give_one_report(
    in_docker: str, docker: Callable[..., str], tmp_path: Path
) -> None:
    """`docker save IMAGE | abicheck -` is the archive on disk is `docker:IMAGE`."""
    archive = tmp_path / "image.tar"
    docker("save", "--output", archive, in_docker)
    saved = subprocess.run([*ABICHECK, archive], capture_output=True, text=True, check=False)
    with subprocess.Popen(["docker", "save", in_docker], stdout=subprocess.PIPE) as saving:
        piped = subprocess.run(
            [*ABICHECK, "-"], stdin=saving.stdout, capture_output=True, text=True, check=False
        )
    name = f"docker:{in_docker}"
    asked = subprocess.run([*ABICHECK, name], capture_output=True, text=True, check=False)

    assert (saved.returncode, saved.stderr) == (0, "")
    assert _without_name(piped.stdout, "-") == _without_name(saved.stdout, str(archive))
    assert _without_name(asked.stdout, name) == _without_name(saved.stdout, str(archive))


def test_without_an_engine_the_request_cannot_be_carried_out() -> None:
    """Exit status 3, and one line that says what to do."""
    asked = subprocess.run(
        [*ABICHECK, f"docker:{REFERENCE}"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "DOCKER_HOST": "tcp://127.0.0.1:1"},
    )

    assert asked.returncode == 3
    assert "no engine answers at tcp://127.0.0.1:1; start it" in asked.stderr
    assert len(asked.stderr.splitlines()) == 1
