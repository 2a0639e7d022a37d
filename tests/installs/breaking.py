"""One thing broken in an install, chosen by chance: what it is, and what it is about."""

from __future__ import annotations

import csv
import shutil
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from hypothesis import strategies as st

from abicheck.elf import MAGIC

Draw = Callable[[st.SearchStrategy[str]], str]


@dataclass(frozen=True, slots=True)
class Broken:
    """What was done, and the words of which every finding that comes of it has one."""

    what: str
    about: tuple[str, ...]


def _listed(folder: Path) -> Mapping[str, Sequence[str]]:
    """Return what each RECORD lists, by the name of its dist-info."""
    found = {}
    for record in sorted(folder.glob("*.dist-info/RECORD")):
        rows = csv.reader(record.read_text(encoding="utf-8").splitlines())
        found[record.parent.name] = [row[0] for row in rows if row]
    return found


def _records(folder: Path) -> Mapping[str, Sequence[str]]:
    """Return the files of each distribution that are below the folder."""
    return {
        name: [f for f in files if not f.startswith(("..", "/")) and (folder / f).is_file()]
        for name, files in _listed(folder).items()
    }


def _distribution(name: str) -> str:
    return name.partition("-")[0]


def _replace(path: Path, data: bytes) -> None:
    """Give a file other bytes, and leave those that are linked elsewhere."""
    mode = path.stat().st_mode
    path.unlink()
    path.write_bytes(data)
    path.chmod(mode)


def _owned(folder: Path, accept: Callable[[str], bool]) -> list[str]:
    return [f for files in _records(folder).values() for f in files if accept(f)]


def prune(folder: Path, draw: Draw) -> Broken | None:
    """Delete a file that RECORD lists."""
    files = _owned(folder, lambda name: ".dist-info/" not in name)
    chosen = draw(st.sampled_from(files))
    (folder / chosen).unlink()
    return Broken(f"{chosen} deleted", (chosen, _owner(folder, chosen), *_modules(chosen)))


def flip(folder: Path, draw: Draw) -> Broken | None:
    """Change one byte of a binary, outside its headers and its dynamic tables."""
    files = _owned(folder, lambda name: (folder / name).read_bytes()[:4] == MAGIC)
    if not files:
        return None
    chosen = draw(st.sampled_from(files))
    data = bytearray((folder / chosen).read_bytes())
    at = _code(bytes(data))
    data[at] ^= 0xFF
    _replace(folder / chosen, bytes(data))
    return Broken(f"byte {at} of {chosen} changed", (chosen, _owner(folder, chosen)))


def _code(data: bytes) -> int:
    """Return the offset of a byte in the middle of the segment that is executed."""
    start, count = *struct.unpack_from("<Q", data, 32), *struct.unpack_from("<H", data, 56)
    for index in range(count):
        kind, flags, offset, _, _, size = struct.unpack_from("<IIQQQQ", data, start + 56 * index)
        if kind == 1 and flags & 1:
            return int(offset + size // 2)
    return len(data) - 1


def remove(folder: Path, draw: Draw) -> Broken | None:
    """Remove a distribution with everything that it installed."""
    records = _records(folder)
    if len(records) == 1:
        return None
    chosen = draw(st.sampled_from(sorted(records)))
    tops = {name.partition("/")[0] for name in records[chosen]}
    for name in records[chosen]:
        (folder / name).unlink()
    shutil.rmtree(folder / chosen, ignore_errors=True)
    for top in tops:
        _tidy(folder / top)
    names = {_distribution(chosen), _distribution(chosen).replace("_", "-"), *tops}
    return Broken(f"{chosen} removed", tuple(sorted(n.removesuffix(".py") for n in names)))


def _tidy(top: Path) -> None:
    if top.is_dir():
        for path in sorted((p for p in top.rglob("*") if p.is_dir()), reverse=True):
            if not any(path.iterdir()):
                path.rmdir()
        if not any(top.iterdir()):
            top.rmdir()


def close(folder: Path, draw: Draw) -> Broken | None:
    """Let only its owner read a source that its package cannot do without."""
    files = _owned(folder, lambda name: name.count("/") == 1 and name.endswith("/__init__.py"))
    files = [name for name in files if (folder / name).stat().st_size]
    if not files:
        return None
    chosen = draw(st.sampled_from(files))
    _replace(folder / chosen, (folder / chosen).read_bytes())
    (folder / chosen).chmod(0o600)
    return Broken(f"{chosen} closed", (chosen, _owner(folder, chosen), *_modules(chosen)))


def downgrade(folder: Path, draw: Draw) -> Broken | None:
    """Leave the metadata of a release that no other distribution takes."""
    asked = {line for path in folder.glob("*.dist-info/METADATA") for line in _asked(path)}
    there = [name for name in _records(folder) if _distribution(name).lower() in asked]
    if not there:
        return None
    chosen = draw(st.sampled_from(there))
    version = chosen.removesuffix(".dist-info").partition("-")[2]
    older = chosen.replace(version, "0.0.1")
    (folder / chosen).rename(folder / older)
    for name in ("METADATA", "RECORD"):
        path = folder / older / name
        text = path.read_text(encoding="utf-8")
        text = text.replace(f"\nVersion: {version}", "\nVersion: 0.0.1").replace(chosen, older)
        _replace(path, text.encode())
    name = _distribution(chosen)
    return Broken(f"{chosen} is 0.0.1", (name, name.replace("_", "-"), name.lower()))


def _asked(metadata: Path) -> list[str]:
    """Return what a distribution asks for in a version, and under no condition."""
    found = []
    for line in metadata.read_text(encoding="utf-8").splitlines():
        name, _, asked = line.partition(": ")
        if name == "Requires-Dist" and ";" not in asked and (">" in asked or "=" in asked):
            plain = asked.replace("(", " ").replace(">", " ").replace("=", " ").replace("<", " ")
            found.append(
                plain.replace("!", " ").replace("~", " ").split()[0].lower().replace("-", "_")
            )
    return found


def _owner(folder: Path, file: str) -> str:
    return next(_distribution(name) for name, files in _listed(folder).items() if file in files)


def _modules(file: str) -> tuple[str, ...]:
    stem = file.partition(".")[0].removesuffix("/__init__")
    return (stem.replace("/", "."), PurePosixPath(stem).name)


BREAKERS: Final[Mapping[str, Callable[[Path, Draw], Broken | None]]] = {
    "file pruned": prune,
    "byte flipped": flip,
    "dependency removed": remove,
    "mode changed": close,
    "package downgraded": downgrade,
}
