"""Real installs: what pip and uv make of a list of pinned wheels, as a folder and as a ZIP."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from abicheck.profiles import DEFAULT_TARGET, load_profile

LOCKS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = tomllib.loads(
    Path(__file__).with_name("locks.toml").read_text(encoding="utf-8")
)
PIP, UV = "pip", "uv"


def requirements(name: str, folder: Path) -> Path:
    """Write the requirements file of an install, every line with its hash, and return it."""
    path = folder / f"{name}.txt"
    lines = [f"{which}=={v} --hash=sha256:{h}\n" for which, (v, h) in LOCKS[name].items()]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def install(name: str, folder: Path, installer: str = PIP) -> Path:
    """Install into a folder, as for Lambda's python3.13 on x86_64, and return the folder."""
    listing = requirements(name, folder.parent)
    if installer == UV:
        program = find_uv()
        if program is None:
            reason = "uv is not installed"
            raise RuntimeError(reason)
        command = [
            *(program, "pip", "install", "--quiet", "--no-config", "--no-deps", "--require-hashes"),
            *("--python-version", "3.13", "--python-platform", "x86_64-manylinux_2_34"),
            *("--target", str(folder), "--requirements", str(listing)),
        ]
    else:
        platforms = load_profile(DEFAULT_TARGET).wheel_platforms
        command = [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"),
            *("--only-binary=:all:", "--python-version", "3.13", "--target", str(folder)),
            *(word for tag in platforms for word in ("--platform", tag)),
            *("--no-compile", "--ignore-requires-python", "--requirement", str(listing)),
        ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = f"{installer} {name}: {done.stderr}"
        raise RuntimeError(reason)
    return folder


def find_uv() -> str | None:
    """Return uv's program: that of this environment, else the machine's, else None."""
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.exists() else shutil.which("uv")


def pack(folder: Path, archive: Path) -> Path:
    """Zip the content of a folder, with its modes, and return the archive."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                target.write(path, path.relative_to(folder))
    return archive


def link(folder: Path, copy: Path) -> Path:
    """Make a second folder of the same files, which are shared until one is replaced."""
    shutil.copytree(folder, copy, copy_function=os.link)
    return copy
