"""What is measured: real wheels, and a function, an image and closures made of such."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tests.elfbuilder import Elf, Reloc, definition, reference
from tests.hostimage import host_layer
from tests.imagebuilder import Image, Tarred, archive, oci, tar
from tests.shelf import Shelf, read_pins

HERE: Final = Path(__file__).parent
_SYMBOLS: Final = 100  # that each library of a closure defines, and that are asked of it
_GLOB_DAT: Final = 6  # R_X86_64_GLOB_DAT
_OLD: Final = (1980, 1, 1, 0, 0, 0)


class Artifacts:
    """Everything to be measured, made or downloaded once in a folder."""

    def __init__(self, root: Path) -> None:
        pins = tomllib.loads((HERE / "pins.toml").read_text(encoding="utf-8"))
        self.folder = self._root = root
        self._shelf = Shelf(root / "shelf", read_pins(pins))

    def wheel(self, name: str, build: str = "lambda") -> Path:
        """Return the pinned wheel of a distribution."""
        return self._shelf.wheel(name, build)

    def function(self) -> Path:
        """Return a function's ZIP of thousands of small files: fastapi and boto3."""
        path = self._root / "fastapi-boto3.zip"
        if not path.exists():
            folder = self._root / "fastapi-boto3"
            options = ("--only-binary=:all:", "--no-compile", "--no-deps", "--require-hashes")
            tags = ("manylinux_2_28_x86_64", "manylinux2014_x86_64", "manylinux_2_17_x86_64")
            pip(
                sys.executable,
                "install",
                *options,
                "--python-version=3.13",
                *(f"--platform={tag}" for tag in tags),
                f"--target={folder}",
                f"--requirement={HERE / 'function.txt'}",
            )
            files = (file for file in sorted(folder.rglob("*")) if file.is_file())
            _pack(path, ((str(file.relative_to(folder)), file.read_bytes()) for file in files))
        return path

    def copies(self, number: int) -> Path:
        """Return a ZIP with so many copies of one package, each under a name of its own."""
        path = self._root / f"copies-{number}.zip"
        if not path.exists():
            with zipfile.ZipFile(self.wheel("msgpack")) as wheel:
                members = [
                    (name.removeprefix("msgpack/"), wheel.read(name))
                    for name in wheel.namelist()
                    if name.startswith("msgpack/") and not name.endswith("/")
                ]
            _pack(
                path,
                (
                    (f"copy{copy:03}/{name}", data)
                    for copy in range(number)
                    for name, data in members
                ),
            )
        return path

    def closure(self, number: int) -> Path:
        """Return a ZIP with one extension that needs so many libraries, and these all the first."""
        path = self._root / f"closure-{number}.zip"
        if not path.exists():
            members = [("mod.cpython-313-x86_64-linux-gnu.so", _extension(number))]
            members += [(f"lib/liblink{each}.so", _library(each)) for each in range(1, number + 1)]
            _pack(path, members)
        return path

    def image(self) -> Path:
        """Return an image archive: this machine's interpreter below numpy, scipy and pyarrow."""
        path = self._root / "image.tar"
        if not path.exists():
            packages = [
                Tarred(f"var/task/{name}", data)
                for distribution in ("numpy", "scipy", "pyarrow")
                for name, data in _members(self.wheel(distribution))
            ]
            layers = (host_layer(), tar(packages))
            path.write_bytes(archive(oci(Image(layers, run={"Entrypoint": ["/entry/python3"]}))))
        return path

    def tools(self) -> Path:
        """Return the folder of the programs that abicheck is compared with."""
        folder = self._root / "tools"
        if not (folder / "bin" / "auditwheel").exists():
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            pip(
                str(folder / "bin" / "python"),
                "install",
                "--no-deps",
                "--require-hashes",
                f"--requirement={HERE / 'tools.txt'}",
            )
        return folder / "bin"


def pip(python: str, *arguments: str) -> None:
    """Run pip; its own configuration says where it downloads from."""
    subprocess.run([python, "-m", "pip", "--quiet", *arguments], check=True)


def _members(path: Path) -> Iterable[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as wheel:
        for info in wheel.infolist():
            if not info.is_dir():
                yield info.filename, wheel.read(info)


def _pack(path: Path, members: Iterable[tuple[str, bytes]]) -> None:
    """Write a ZIP as packers do: deflated, on their usual level."""
    unfinished = path.with_suffix(".unfinished")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members:
            info = zipfile.ZipInfo(name, _OLD)
            info.external_attr = 0o100644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(info, data)
    unfinished.replace(path)


def _library(number: int) -> bytes:
    asked = () if number == 1 else tuple(_name(1, each) for each in range(_SYMBOLS))
    return Elf(
        needed=() if number == 1 else ("liblink1.so",),
        soname=f"liblink{number}.so",
        runpath="$ORIGIN",
        symbols=(
            *map(reference, asked),
            *(definition(_name(number, each)) for each in range(_SYMBOLS)),
        ),
        rela=tuple(Reloc(name, _GLOB_DAT) for name in asked),
    ).build()


def _extension(libraries: int) -> bytes:
    asked = tuple(
        _name(number, each) for number in range(1, libraries + 1) for each in range(_SYMBOLS)
    )
    return Elf(
        # The first comes last, so that what all ask for is found at the end of the scope.
        needed=tuple(f"liblink{number}.so" for number in range(libraries, 0, -1)),
        runpath="$ORIGIN/lib",
        symbols=(*map(reference, asked), definition("PyInit_mod")),
        rela=tuple(Reloc(name, _GLOB_DAT) for name in asked),
    ).build()


def _name(library: int, symbol: int) -> str:
    return f"link{library}_symbol{symbol}"
