"""Real wheels, pinned by hash, and abicheck run on them as its user runs it.

The shelf is one temporary folder for the session.  Every install, and every
fix that abicheck prints, is served from there and from nowhere else.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from tests.shelf import Shelf, read_pins

PINS: Final = read_pins(
    tomllib.loads((Path(__file__).parent / "pins.toml").read_text(encoding="utf-8"))
)
DASHBOARD: Final = ("fastapi==0.121.3", "mangum==0.19.0", "sse-starlette==3.0.3", "boto3==1.41.0")
HANDLER: Final = "from fastapi import FastAPI\nlambda_handler = FastAPI()\n"


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    root = tmp_path_factory.mktemp("shelf")
    yield Shelf(root, PINS)
    shutil.rmtree(root)


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """Keeps nothing for later sessions: these folders are hundreds of megabytes large."""
    yield tmp_path
    shutil.rmtree(tmp_path)


@pytest.fixture(scope="session")
def wheel(shelf: Shelf) -> Callable[..., Path]:
    """`wheel("numpy")`, `wheel("pydantic-core==2.41.5", "musl")`: the path of a pinned wheel."""
    return shelf.wheel


@pytest.fixture(scope="session")
def install(shelf: Shelf) -> Callable[..., Path]:
    """`install(folder, "lightgbm")`: the folder, with the distribution and its dependencies."""
    return shelf.install


@pytest.fixture(scope="session")
def dashboard(
    shelf: Shelf, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str, str], Path]]:
    """`dashboard("cp311", "2.12.4")`: the application built so, with that pydantic; read only."""
    root = tmp_path_factory.mktemp("dashboards")

    def built(build: str, pydantic: str) -> Path:
        folder = root / f"{build}-{pydantic}"
        if not folder.exists():
            shelf.install(folder, *DASHBOARD, f"pydantic=={pydantic}", build=build)
            (folder / "handler.py").write_text(HANDLER, encoding="utf-8")
        return folder

    yield built
    shutil.rmtree(root)


@pytest.fixture(scope="session")
def examine() -> Callable[..., tuple[int, Any]]:
    """`examine(path, *options)`: the exit status, and what the JSON says of the artifact."""

    def examined(path: Path, *options: str) -> tuple[int, Any]:
        command = [sys.executable, "-m", "abicheck", str(path), "--format=json", *options]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)

        assert ran.returncode in {0, 1}, ran.stderr
        [artifact] = json.loads(ran.stdout)["artifacts"]
        return ran.returncode, artifact

    return examined


@pytest.fixture(scope="session")
def paste(shelf: Shelf) -> Callable[[str, Path], None]:
    """`paste(fix, folder)`: runs a printed fix in a shell, in a folder that is its BUILD_DIR.

    pip is offered every build of the wheels, so that only the command's own
    options lead it to the right one.
    """

    def pasted(fix: str, folder: Path) -> None:
        pip = f'pip() {{ {shlex.quote(sys.executable)} -m pip "$@"; }}\n'
        ran = subprocess.run(
            ["sh", "-euc", pip + fix.replace("BUILD_DIR", shlex.quote(str(folder)))],
            capture_output=True,
            text=True,
            cwd=folder,
            env=shelf.offer(*PINS),
            check=False,
        )

        assert ran.returncode == 0, ran.stderr

    return pasted
