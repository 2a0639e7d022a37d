"""Real installs against the wheels that they came from, to the last byte.

RECORD lies in the artifact: who changes a binary and its line of RECORD has
changed nothing that RECORD could tell.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest
from tests.installs.installing import find_uv, pack
from tests.shelf import Pin, Shelf, read_pins
from tests.wheelbuilder import record_line, sha256

pytestmark = pytest.mark.network

Examine = Callable[..., tuple[int, Any]]

# An extension alone, modules and scripts without one, a namespace, vendored libraries.
SETS: Final = {
    "orjson": ("orjson", "pydantic-core==2.50.4", "typing-extensions", "fastapi"),
    "boto3": ("boto3", "jmespath", "s3transfer", "python-dateutil", "six", "urllib3"),
    "numpy": ("numpy", "pillow", "protobuf", "psutil", "cryptography"),
}
BUILDS: Final = ("lambda", "abi3", "any")
LISTING: Final = Path(__file__).parent / "pins.toml"
# The sets are parts of applications, and lack requirements: that is another matter.
OF_FILES: Final = ("--select=ABI71", "--select=ABI72")
INSTALLERS: Final = ("pip", "pip without bytecode", "uv")


@pytest.fixture(scope="module")
def pinned(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str], tuple[Path, Path]]]:
    """`pinned("lxml")`: requirements with hashes, and a folder with those wheels alone."""
    root = tmp_path_factory.mktemp("pinned")
    listed = read_pins(tomllib.loads(LISTING.read_text(encoding="utf-8")))
    wanted = {name for names in SETS.values() for name in names}
    few = {
        build: [pin for pin in listed[build] if not wanted.isdisjoint(_names(pin))]
        for build in BUILDS
    }
    shelf = Shelf(root / "shelf", few)

    def made(name: str) -> tuple[Path, Path]:
        folder, requirements = root / name, root / f"{name}.txt"
        if not folder.exists():
            folder.mkdir()
            lines = []
            for requirement in SETS[name]:
                path = _find(shelf, requirement)
                shutil.copy(path, folder)
                release = "==".join(path.name.split("-")[:2])
                lines.append(f"{release} --hash={sha256(path)}\n")
            requirements.write_text("".join(lines), encoding="utf-8")
        return requirements, folder

    yield made
    shutil.rmtree(root)


def _names(pin: Pin) -> set[str]:
    return {pin.distribution, f"{pin.distribution}=={pin.version}"}


def _find(shelf: Shelf, requirement: str) -> Path:
    """Return the wheel for the target, be it for any Python or for any platform."""
    for build in BUILDS:
        with suppress(StopIteration):
            return shelf.wheel(requirement, build)
    raise LookupError(requirement)


def installed(installer: str, folder: Path, requirements: Path, wheels: Path) -> Path:
    """Return an archive of what an installer makes of pinned wheels, from nowhere else."""
    offline = ["--no-deps", "--require-hashes", "--no-index", f"--find-links={wheels}"]
    where = [f"--target={folder}", f"--requirement={requirements}"]
    if installer == "uv":
        platform = ["--python-platform=x86_64-manylinux_2_28", "--python-version=3.13"]
        python = [f"--python={sys.executable}", "--no-python-downloads"]
        command = [str(find_uv()), "pip", "install", *offline, *where, *platform, *python]
    else:
        platforms = ("manylinux2014_x86_64", "manylinux_2_28_x86_64")
        target = ["--python-version=3.13", "--ignore-requires-python", "--only-binary=:all:"]
        target += [f"--platform={platform}" for platform in platforms]
        target += ["--no-compile"] if installer == "pip without bytecode" else []
        command = [sys.executable, "-m", "pip", "install", *offline, *where, *target]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr
    return pack(folder, folder.with_suffix(".zip"))


def said(artifact: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the code and the message of whatever is above a note."""
    return [
        (finding["code"], finding["message"])
        for finding in artifact["findings"]
        if finding["severity"] != "note"
    ]


@pytest.mark.parametrize("installer", INSTALLERS)
@pytest.mark.parametrize("name", SETS)
def test_what_installers_make_of_pinned_wheels_is_what_they_hold(
    name: str,
    installer: str,
    pinned: Callable[[str], tuple[Path, Path]],
    examine: Examine,
    tmp_path: Path,
) -> None:
    """And a byte of a binary that is changed, with its line of RECORD, is found and named."""
    if installer == "uv" and find_uv() is None:
        pytest.skip("uv is not installed: requirements/network.txt")
    requirements, wheels = pinned(name)
    folder = tmp_path / "function"
    archive = installed(installer, folder, requirements, wheels)
    options = (f"--requirements={requirements}", f"--wheels={wheels}", *OF_FILES)
    status, sound = examine(archive, *options)

    assert (status, said(sound)) == (0, [])

    victim = next((path for path in sorted(folder.rglob("*.so"))), folder / "six.py")
    forge(folder, victim)
    status, broken = examine(pack(folder, folder.with_suffix(".zip")), *options)
    [(code, message)] = said(broken)

    assert (status, code) == (1, "ABI726")
    assert message.startswith(f"{victim.relative_to(folder).as_posix()}: not what ")


def forge(folder: Path, victim: Path) -> None:
    """Change a byte of a binary or end a source with one more, and say the same in RECORD."""
    content = bytearray(victim.read_bytes())
    if victim.suffix == ".so":
        content[len(content) // 2] ^= 1
    content += b"\n" if victim.suffix == ".py" else b""
    victim.write_bytes(content)
    name = victim.relative_to(folder).as_posix()
    for record in folder.glob("*.dist-info/RECORD"):
        lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
        if any(line.startswith(f"{name},") for line in lines):
            kept = [line for line in lines if not line.startswith(f"{name},")]
            record.write_text("".join((*kept, record_line(name, bytes(content)))), encoding="utf-8")
            return
    reason = f"no RECORD lists {name}"
    raise AssertionError(reason)


def test_another_release_than_the_pinned_one_is_found(
    pinned: Callable[[str], tuple[Path, Path]],
    examine: Examine,
    tmp_path: Path,
) -> None:
    requirements, wheels = pinned("boto3")
    archive = installed("pip without bytecode", tmp_path / "function", requirements, wheels)
    other = tmp_path / "other.txt"
    text = requirements.read_text(encoding="utf-8").replace("six==", "six==99.")
    other.write_text(text.replace("urllib3==", "urllib4=="), encoding="utf-8")
    status, artifact = examine(archive, f"--requirements={other}", *OF_FILES)

    assert status == 1
    assert [code for code, _ in said(artifact)] == ["ABI722", "ABI723", "ABI721"]
