"""Real packages, right and wrong, as folders on which any target's loader can be asked.

`wheels.toml` says what there is.  A wheel is downloaded once, unpacked once, and linked into
every tree that holds it: numpy is a part of two dozen.  pip would make the same folders (a
test compares them), in five times the time and nearly twice the space.
"""

from __future__ import annotations

import shutil
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from tests.shelf import Pin, Shelf, read_pins

_TABLES: Final[Mapping[str, Any]] = tomllib.loads(
    Path(__file__).with_name("wheels.toml").read_text(encoding="utf-8")
)
PINS: Final = read_pins(_TABLES["pins"])
_MEANT: Final = ("any", "lambda", "manylinux_2_35")
"""The builds that a tree takes its wheels from, where it does not say otherwise."""

# PEP 427: where an installer puts what a wheel keeps in `NAME-VERSION.data/SCHEME`, relative to
# pip's --target.
_SCHEMES: Final = {
    "purelib": PurePosixPath(),
    "platlib": PurePosixPath(),
    "data": PurePosixPath(),
    "scripts": PurePosixPath("bin"),
    "headers": PurePosixPath("include"),
}


@dataclass(frozen=True, slots=True)
class Removed:
    """A file, or a folder with all that is in it, is not there."""

    path: PurePosixPath


@dataclass(frozen=True, slots=True)
class Renamed:
    """A file has another path."""

    path: PurePosixPath
    to: PurePosixPath


@dataclass(frozen=True, slots=True)
class Truncated:
    """A file ends after `size` bytes."""

    path: PurePosixPath
    size: int


Edit = Removed | Renamed | Truncated


@dataclass(frozen=True, slots=True)
class Wheel:
    """A pin, and the build whose options lead pip to it."""

    build: str
    pin: Pin


@dataclass(frozen=True, slots=True)
class Tree:
    """One distribution with what it needs to be imported, or a wrong variant of that.

    `variant_of` names the right tree and is empty for a right one.  `unasked` has the modules
    that are not to be imported, with the reason.
    """

    name: str
    field: str
    wheels: tuple[Wheel, ...]
    unasked: Mapping[str, str]
    variant_of: str = ""
    edit: Edit | None = None


@dataclass(frozen=True, slots=True)
class File:
    """A file of a tree: where its bytes are, and how many of them count (`None`: all)."""

    source: Path
    size: int | None = None


class Warehouse:
    """The wheels that trees are made of, downloaded and unpacked when they are first needed."""

    def __init__(self, root: Path) -> None:
        """Keep all in `root`; what an earlier run left there is used again."""
        self._shelf = Shelf(root / "shelf", PINS)
        self._unpacked = root / "unpacked"

    def make_tree(self, tree: Tree, folder: Path) -> Path:
        """Make the folder, which must not be there yet, and return it.

        The files are links to those of the warehouse: nobody may write to them.
        """
        files: Mapping[PurePosixPath, File] = {
            path: file for wheel in tree.wheels for path, file in self._files(wheel)
        }
        if tree.edit is not None:
            files = edited(files, tree.edit)
        folder.mkdir(parents=True)
        for path, file in files.items():
            _lay(file, folder / path)
        return folder

    def archive(self, wheel: Wheel) -> Path:
        """Return the wheel itself."""
        return self._shelf.wheel(f"{wheel.pin.distribution}=={wheel.pin.version}", wheel.build)

    def _files(self, wheel: Wheel) -> Iterator[tuple[PurePosixPath, File]]:
        folder = self._unpacked / wheel.pin.sha256
        if not folder.exists():
            half = folder.with_suffix(".half")  # whole or not there, whenever a run is ended
            shutil.rmtree(half, ignore_errors=True)
            unpack(self.archive(wheel), half)
            half.rename(folder)
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                yield PurePosixPath(path.relative_to(folder).as_posix()), File(path)


def read_trees() -> Mapping[str, Tree]:
    """Return every tree by its name, the wrong ones after the right ones."""
    right = {
        name: Tree(
            name,
            table["field"],
            tuple(_wheel(distribution) for distribution in table["wheels"]),
            table.get("unasked", {}),
        )
        for name, table in _TABLES["trees"].items()
    }
    wrong = {
        name: _wrong(name, right[table["tree"]], table) for name, table in _TABLES["wrong"].items()
    }
    return right | wrong


def edited(files: Mapping[PurePosixPath, File], edit: Edit) -> Mapping[PurePosixPath, File]:
    """Return the files of a tree after an edit, which must change something."""
    changed = dict(files)
    match edit:
        case Removed(path):
            changed = {p: file for p, file in files.items() if path not in {p, *p.parents}}
        case Renamed(path, to):
            changed = {to if p == path else p: file for p, file in files.items()}
        case Truncated(path, size):
            changed = {
                p: File(file.source, size) if p == path else file for p, file in files.items()
            }
    if changed == files:
        reason = f"nothing is at {edit.path}"
        raise ValueError(reason)
    return changed


def unpack(wheel: Path, folder: Path) -> None:
    """Put the files of a wheel where pip's --target puts them; the folder must not be there.

    The binary distribution format's "Installing a wheel", less what only an installer can
    know: the interpreter of scripts, and the record of the installation.
    """
    folder.mkdir(parents=True)
    with zipfile.ZipFile(wheel) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            path = folder / _installed(PurePosixPath(info.filename))
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(info) as member, path.open("wb") as file:
                shutil.copyfileobj(member, file, 1 << 20)
            path.chmod(0o755 if info.external_attr >> 16 & 0o111 else 0o644)


def _installed(path: PurePosixPath) -> PurePosixPath:
    top, *rest = path.parts
    if not top.endswith(".data") or len(rest) < 2:
        return path
    return _SCHEMES[rest[0]].joinpath(*rest[1:])


def _lay(file: File, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if file.size is None:
        path.hardlink_to(file.source)
        return
    with file.source.open("rb") as stream:
        path.write_bytes(stream.read(file.size))
    path.chmod(file.source.stat().st_mode)


def _wheel(distribution: str, builds: tuple[str, ...] = _MEANT) -> Wheel:
    [wheel] = (
        Wheel(build, pin)
        for build in builds
        for pin in PINS[build]
        if pin.distribution == distribution
    )
    return wheel


def _wrong(name: str, right: Tree, table: Mapping[str, Any]) -> Tree:
    builds: Mapping[str, str] = table.get("builds", {})
    wheels = tuple(
        _wheel(wheel.pin.distribution, (builds[wheel.pin.distribution],))
        if wheel.pin.distribution in builds
        else wheel
        for wheel in right.wheels
    )
    return Tree(name, right.field, wheels, right.unasked, right.name, _edit(table))


def _edit(table: Mapping[str, Any]) -> Edit | None:
    match table:
        case {"remove": str(path)}:
            return Removed(PurePosixPath(path))
        case {"rename": str(path), "to": str(to)}:
            return Renamed(PurePosixPath(path), PurePosixPath(to))
        case {"truncate": str(path), "size": int(size)}:
            return Truncated(PurePosixPath(path), size)
        case {"builds": _}:
            return None
        case _:
            reason = f"neither another build nor an edit: {dict(table)}"
            raise ValueError(reason)
