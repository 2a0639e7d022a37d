"""Base images in real engines, and requests to import in them."""

from __future__ import annotations

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
