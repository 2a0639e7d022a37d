"""Real wheels, pinned by hash, and abicheck run on them as its user runs it.

pip is the only way to a package.  What it downloads must have the hash that
`pins.toml` says, and is kept in one temporary folder for the session.  Every
install, and every fix that abicheck prints, is served from there and from
nowhere else: a run next year sees the bytes that this one sees.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from abicheck.profiles import DEFAULT_TARGET, load_profile

PINS: Final[dict[str, list[dict[str, str]]]] = tomllib.loads(
    (Path(__file__).parent / "pins.toml").read_text(encoding="utf-8")
)
DASHBOARD: Final = ("fastapi==0.121.3", "mangum==0.19.0", "sse-starlette==3.0.3", "boto3==1.41.0")
HANDLER: Final = "from fastapi import FastAPI\nlambda_handler = FastAPI()\n"


class Shelf:
    """The pinned wheels, one folder a build, each filled when it is first asked for."""

    def __init__(self, root: Path) -> None:
        manylinux = load_profile(DEFAULT_TARGET).wheel_platforms
        musl = ("musllinux_1_1_x86_64", "musllinux_1_2_x86_64")
        self._root = root
        self._filled: set[str] = set()
        self._options = {
            "any": _options("3.13", manylinux),
            "lambda": _options("3.13", manylinux),
            "cp311": _options("3.11", manylinux),
            "aarch64": _options("3.13", [tag.replace("x86_64", "aarch64") for tag in manylinux]),
            "musl": _options("3.13", musl),
            "cp313t": [*_options("3.13", manylinux), "--abi=cp313t"],
            "cp314t": [*_options("3.14", manylinux), "--abi=cp314t"],
        }

    def wheel(self, requirement: str, build: str = "lambda") -> Path:
        """Return the pinned wheel of a distribution, or of one release of it: `name==version`."""
        pin = next(
            pin
            for pin in PINS[build]
            if requirement in {pin["distribution"], f"{pin['distribution']}=={pin['version']}"}
        )
        return self._fill(build) / pin["file"]

    def install(self, folder: Path, *requirements: str, build: str = "lambda") -> Path:
        """Install requirements, with all that they depend on, into a folder; return the folder."""
        options = [*self._options[build], "--no-compile", f"--target={folder}"]
        options.append("--ignore-requires-python")  # older pips ask the Python they run on
        _pip("install", *options, *requirements, env=self.offer("any", build))
        return folder

    def offer(self, *builds: str) -> dict[str, str]:
        """Return an environment in which pip finds the wheels of some builds, and no others."""
        folders = " ".join(self._fill(build).as_uri() for build in builds)
        return os.environ | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": folders}

    def _fill(self, build: str) -> Path:
        folder = self._root / build
        if build not in self._filled:
            for number, pins in enumerate(_rounds(PINS[build])):
                listing = self._root / f"{build}-{number}.txt"
                listing.write_text("".join(map(_requirement, pins)), encoding="utf-8")
                options = [*self._options[build], "--no-deps", "--require-hashes"]
                _pip("download", *options, f"--dest={folder}", f"--requirement={listing}")
            self._filled.add(build)
        return folder


def _options(python: str, platforms: Iterable[str]) -> list[str]:
    tags = (f"--platform={tag}" for tag in platforms)
    return ["--only-binary=:all:", f"--python-version={python}", *tags]


def _requirement(pin: dict[str, str]) -> str:
    return f"{pin['distribution']}=={pin['version']} --hash=sha256:{pin['sha256']}\n"


def _rounds(pins: Sequence[dict[str, str]]) -> Iterator[list[dict[str, str]]]:
    """Yield the pins in groups, for pip takes one release of a distribution at a time."""
    while pins:
        first = {pin["distribution"]: pin for pin in reversed(pins)}
        yield list(first.values())
        pins = [pin for pin in pins if pin not in first.values()]


def _pip(*arguments: str, env: dict[str, str] | None = None) -> None:
    command = [sys.executable, "-m", "pip", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, env=env, check=False)

    assert ran.returncode == 0, ran.stderr


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    root = tmp_path_factory.mktemp("shelf")
    yield Shelf(root)
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
