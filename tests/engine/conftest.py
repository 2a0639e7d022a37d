"""Base images in real engines, and requests to import in them."""

from __future__ import annotations

import os
import subprocess
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from tests import smokebase
from tests.oracle import debian
from tests.smokebase import request_for

from abicheck.model import SmokeRun
from abicheck.smoke import run


@pytest.fixture(scope="session")
def base_archive(roots: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the stand-in for Lambda's base image, as a tar archive of its files."""
    root = debian.make_root("trixie", roots)
    return smokebase.write_archive(root, tmp_path_factory.mktemp("base") / "base.tar")


@pytest.fixture(scope="session")
def base(base_archive: Path, docker: Callable[..., str]) -> Iterator[str]:
    """Return the name of the stand-in in the local engine, while it is there."""
    yield smokebase.give(base_archive)
    docker("rmi", "--force", smokebase.REFERENCE)


@pytest.fixture
def package(tmp_path: Path) -> Callable[[Mapping[str, str]], Path]:
    """Return the maker of a ZIP: names of Python files to their text."""

    def make(files: Mapping[str, str]) -> Path:
        path = tmp_path / "package.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in files.items():
                info = zipfile.ZipInfo(name)
                info.external_attr = 0o644 << 16  # Lambda's user owns nothing here
                archive.writestr(info, text)
        return path

    return make


@pytest.fixture
def smoke(base: str) -> Callable[..., SmokeRun]:
    """Return the importer of modules of one archive in the stand-in."""

    def importing(source: Path, *modules: str, timeout: float = 20) -> SmokeRun:
        return run(request_for(base, source, *modules, timeout=timeout))

    return importing


@pytest.fixture(scope="session")
def podmans_socket(
    base_archive: Path, tmp_path_factory: pytest.TempPathFactory, tool: Callable[..., str]
) -> Iterator[str]:
    """Return the address of a podman of our own that has the stand-in, while it serves."""
    tool("podman", "--version")
    home = tmp_path_factory.mktemp("podman")
    settings = home / "containers.conf"
    settings.write_text(smokebase.PODMAN, encoding="utf-8")
    command = [f"--root={home}/root", f"--runroot={home}/run", "--storage-driver=vfs"]
    environment = {**os.environ, "CONTAINERS_CONF": str(settings)}
    socket = home / "socket"
    serve = ["podman", *command, "system", "service", "--time=0", f"unix://{socket}"]
    with subprocess.Popen(serve, env=environment, stderr=subprocess.DEVNULL) as service:
        try:
            smokebase.give(base_archive, client=("podman", *command))
            yield f"unix://{socket}"
        finally:
            service.terminate()
