"""Container images, imported in themselves."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from tests.imagebuilder import Image, Tarred, archive, folder, lay_out, oci, tar
from tests.smokebase import only

from abicheck.model import TargetProfile
from abicheck.pipeline import check
from abicheck.smoke import SmokeRequest, run

pytestmark = pytest.mark.engine

_NAME: Final = "localhost/abicheck-smoke-app:1"
_APP: Final = """
import os
try:
    open("/data/x", "w")
except OSError as error:
    said = os.strerror(error.errno)
raise ValueError(os.environ["FROM_IMAGE"], os.getcwd(), os.listdir("/data"), said)
"""


@pytest.fixture(scope="module")
def saved(base_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the archive of an image that declares a volume, and a name of somebody else's."""
    own = tar([folder("var/task"), Tarred("var/task/app.py", _APP.encode()), folder("data", 0o777)])
    environment = ["FROM_IMAGE=yes", "LD_LIBRARY_PATH=/var/task/lib", "PATH=/var/lang/bin"]
    run = {
        "Env": environment,
        "Entrypoint": ["/var/lang/bin/python3.13", "-m", "awslambdaric"],
        "Cmd": ["app.handler"],
        "WorkingDir": "/var/task",
        "Volumes": {"/data": {}},
        "Healthcheck": {"Test": ["CMD", "/var/lang/bin/python3.13"], "Interval": 10**9},
    }
    image = Image((base_archive.read_bytes(), own), run=run, name=_NAME)
    folder_of_it = tmp_path_factory.mktemp("saved")
    path = folder_of_it / "image.tar"
    path.write_bytes(archive(oci(image)))
    lay_out(oci(image), folder_of_it / "layout")
    return path


@pytest.fixture
def in_engine(saved: Path, tool: Callable[..., str], docker: Callable[..., str]) -> Iterator[str]:
    """Return the image's name in the local engine, while it is there."""
    tool("skopeo", "copy", f"oci:{saved.parent}/layout:{_NAME}", f"docker-daemon:{_NAME}")
    yield _NAME
    docker("rmi", "--force", _NAME)


def test_an_archive_is_imported_in_itself(
    saved: Path, target: TargetProfile, docker: Callable[..., str]
) -> None:
    """With its own environment; it gives no name to anything in the engine, and is not left."""
    profile = check(saved, target).profile
    made = run(SmokeRequest.on(profile, ["app"], image=saved))
    failure = only(made).failure

    assert failure is not None
    assert failure.message == "('yes', '/var/task', [], 'Read-only file system')"
    assert made.digest.startswith("sha256:")
    assert made.id not in docker("images", "--all", "--no-trunc", "--quiet").split()
    assert subprocess.run(["docker", "inspect", _NAME], capture_output=True, check=False).returncode


def test_an_image_of_the_engine_is_imported_in_itself(
    in_engine: str, target: TargetProfile, docker: Callable[..., str]
) -> None:
    """Its volumes cannot be written either, its health is not asked for, and it stays."""
    profile = check(f"docker:{in_engine}", target).profile
    made = run(SmokeRequest.on(profile, ["app"], image=in_engine))
    failure = only(made).failure

    assert failure is not None
    assert failure.message == "('yes', '/var/task', [], 'Read-only file system')"
    assert json.loads(docker("inspect", in_engine))[0]["Id"] == made.id
