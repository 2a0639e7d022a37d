"""Real wheels, pinned by hash.

pip is the only way to a package.  What it downloads must have the hash that
its pin says: a run next year sees the bytes that this one sees.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from abicheck.profiles import DEFAULT_TARGET, load_profile


@dataclass(frozen=True, slots=True)
class Pin:
    """One wheel: a release of a distribution, the file, and its hash in hexadecimal."""

    distribution: str
    version: str
    file: str
    sha256: str


def read_pins(tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> Mapping[str, tuple[Pin, ...]]:
    """Return the pins of each build, the first release of a distribution first."""
    return {build: tuple(Pin(**pin) for pin in pins) for build, pins in tables.items()}


_OLD_TAGS: Final = ("manylinux2010_x86_64", "manylinux1_x86_64")


class Shelf:
    """The pinned wheels, one folder a build, each filled when it is first asked for.

    What an earlier session left in `root` is not downloaded again.
    """

    def __init__(self, root: Path, pins: Mapping[str, Sequence[Pin]]) -> None:
        manylinux = load_profile(DEFAULT_TARGET).wheel_platforms
        musl = ("musllinux_1_1_x86_64", "musllinux_1_2_x86_64")
        root.mkdir(parents=True, exist_ok=True)
        self._root = root
        self._pins = pins
        self._filled: set[str] = set()
        self._options = {
            "any": _options("3.13", manylinux),
            "lambda": _options("3.13", manylinux),
            "manylinux_2_35": _options("3.13", [*manylinux, "manylinux_2_35_x86_64"]),
            "cp311": _options("3.11", manylinux),
            "cp312": _options("3.12", manylinux),
            "aarch64": _options("3.13", [tag.replace("x86_64", "aarch64") for tag in manylinux]),
            "musl": _options("3.13", musl),
            "abi3": _options("3.13", (*reversed(manylinux), *_OLD_TAGS)),
            "cp313t": [*_options("3.13", manylinux), "--abi=cp313t"],
            "cp314t": [*_options("3.14", manylinux), "--abi=cp314t"],
        }

    def wheel(self, requirement: str, build: str = "lambda") -> Path:
        """Return the pinned wheel of a distribution, or of one release of it: `name==version`."""
        pin = next(
            pin
            for pin in self._pins[build]
            if requirement in {pin.distribution, f"{pin.distribution}=={pin.version}"}
        )
        return self._fill(build) / pin.file

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
            wanted = [pin for pin in self._pins[build] if not _is_there(pin, folder)]
            for number, pins in enumerate(_rounds(wanted)):
                listing = self._root / f"{build}-{number}.txt"
                listing.write_text("".join(map(_requirement, pins)), encoding="utf-8")
                options = [*self._options[build], "--no-deps", "--require-hashes"]
                _pip("download", *options, f"--dest={folder}", f"--requirement={listing}")
            self._filled.add(build)
        return folder


def _options(python: str, platforms: Iterable[str]) -> list[str]:
    tags = (f"--platform={tag}" for tag in platforms)
    return ["--only-binary=:all:", f"--python-version={python}", *tags]


def _is_there(pin: Pin, folder: Path) -> bool:
    try:
        with (folder / pin.file).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == pin.sha256
    except FileNotFoundError:
        return False


def _requirement(pin: Pin) -> str:
    return f"{pin.distribution}=={pin.version} --hash=sha256:{pin.sha256}\n"


def _rounds(pins: Sequence[Pin]) -> Iterator[list[Pin]]:
    """Yield the pins in groups, for pip takes one release of a distribution at a time."""
    while pins:
        first = {pin.distribution: pin for pin in reversed(pins)}
        yield list(first.values())
        pins = [pin for pin in pins if pin not in first.values()]


def _pip(*arguments: str, env: dict[str, str] | None = None) -> None:
    command = [sys.executable, "-m", "pip", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, env=env, check=False)

    assert ran.returncode == 0, ran.stderr
