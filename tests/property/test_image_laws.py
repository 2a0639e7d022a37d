"""Laws of images: layers fold into what unpacking them gives, and forms do not matter."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.imagebuilder import (
    FORMS,
    PACKERS,
    Image,
    Tarred,
    archive,
    folder,
    lay_out,
    link,
    oci,
    tar,
)

from abicheck.artifacts import DEFAULT_LIMITS, open_artifact, open_image
from abicheck.artifacts._image._squash import Record, clean, squash
from abicheck.artifacts._image._tar import TarType
from abicheck.errors import AbicheckError

on_linux: Final = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="links and modes of the kernel that is mirrored"
)

names = st.sampled_from(["a", "b", "c", "lib64"])
paths = st.lists(names, min_size=1, max_size=3).map("/".join)
# Relative, and never further up than the root is away: on the real disk nothing leaves it.
targets = st.sampled_from(["a", "b", "c/a", "lib64", "a/b", "."])
modes = st.sampled_from([0o755, 0o700, 0o555])


def _record(kind: TarType, name: str, target: str, mode: int) -> Record:
    return Record(name, kind, mode | 0o700, 0, target if kind is not TarType.FILE else "")


records = st.builds(
    _record,
    st.sampled_from([TarType.FILE, TarType.DIRECTORY, TarType.SYMLINK, TarType.HARD_LINK]),
    paths,
    targets,
    modes,
)


def _mark(path: str, *, opaque: bool) -> Record:
    head, slash, base = path.rpartition("/")
    name = f"{path}/.wh..wh..opq" if opaque else f"{head}{slash}.wh.{base}"
    return Record(name, TarType.FILE)


layer = st.tuples(
    st.lists(st.builds(_mark, paths, opaque=st.booleans()), max_size=3),
    st.lists(records, max_size=8),
)


class _Disk:
    """Layers unpacked by the kernel, one after the other: the definition, said the slow way."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def apply(self, number: int, marks: Sequence[Record], entries: Sequence[Record]) -> None:
        own = {entry.name for entry in entries if entry.type is TarType.DIRECTORY}
        for mark in sorted(marks, key=lambda mark: (mark.name.count("/"), mark.name)):
            self._hide(mark.name, own)
        for place, entry in enumerate(entries, len(marks)):
            self._bring(f"{number}.{place}", entry)

    def _hide(self, name: str, own: set[str]) -> None:
        parent, _, base = name.rpartition("/")
        path = self.root / parent
        # A directory that the layer brings in the place of a link has nothing below it yet.
        # Beyond the first link a name means another folder, which no entry of the layer replaces.
        for above in [*reversed(Path(parent).parents), Path(parent)]:
            if not (self.root / above).is_dir() or (self.root / above).is_symlink():
                if str(above) in own:
                    return
                break
        if not path.is_dir():
            return
        path = path.resolve()  # the link itself may be among what is removed
        if base == ".wh..wh..opq":
            for child in path.iterdir():
                _remove(child)
        else:
            _remove(path / base.removeprefix(".wh."))

    def _bring(self, content: str, entry: Record) -> None:
        path = self.root / entry.name
        try:
            parent = self.root / os.path.realpath(path.parent)
            parent.mkdir(parents=True, exist_ok=True)
            path = parent / path.name
            if entry.type is TarType.DIRECTORY and path.is_dir() and not path.is_symlink():
                path.chmod(entry.mode)
                return
            _remove(path)
            if entry.type is TarType.DIRECTORY:
                path.mkdir()
                path.chmod(entry.mode)
            elif entry.type is TarType.SYMLINK:
                path.symlink_to(entry.target)
            elif entry.type is TarType.HARD_LINK:
                os.link(self.root / entry.target, path, follow_symlinks=False)
            else:
                path.write_text(content)
                path.chmod(entry.mode)
        except OSError:
            return  # a misfit

    def listed(self) -> dict[str, tuple[str, str | int, str]]:
        found: dict[str, tuple[str, str | int, str]] = {}
        for above, folders, files in os.walk(self.root):
            for name in (*folders, *files):
                path = Path(above) / name
                status = path.lstat()
                key = str(path.relative_to(self.root))
                if stat.S_ISLNK(status.st_mode):
                    found[key] = ("link", str(path.readlink()), "")
                elif stat.S_ISDIR(status.st_mode):
                    found[key] = ("folder", stat.S_IMODE(status.st_mode), "")
                else:
                    found[key] = ("file", stat.S_IMODE(status.st_mode), path.read_text())
        return found


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.is_dir():
        shutil.rmtree(path)


def _folded(layers: Sequence[Sequence[Record]]) -> dict[str, tuple[str, str | int, str]]:
    found: dict[str, tuple[str, str | int, str]] = {}
    for path in squash(layers).visible:
        kind = path.kind.name
        if kind == "SYMLINK":
            found[path.name] = ("link", layers[path.layer][path.record].target, "")
        elif kind == "DIRECTORY":
            found[path.name] = ("folder", path.mode, "")
        else:
            found[path.name] = ("file", path.mode, f"{path.layer}.{path.record}")
    return found


@on_linux
@given(st.lists(layer, max_size=4))
def test_the_fold_is_what_unpacking_gives(
    stack: list[tuple[list[Record], list[Record]]],
) -> None:
    """Law: the same paths, kinds, modes, links and contents as on a disk."""
    previous = os.umask(0o022)
    try:
        with tempfile.TemporaryDirectory() as root:
            disk = _Disk(Path(root).resolve())
            for number, (marks, entries) in enumerate(stack):
                disk.apply(number, marks, entries)

            assert _folded([[*marks, *entries] for marks, entries in stack]) == disk.listed()
    finally:
        os.umask(previous)


@given(st.lists(layer, max_size=3), st.randoms(use_true_random=False))
def test_the_place_of_a_whiteout_in_its_layer_is_immaterial(
    stack: list[tuple[list[Record], list[Record]]], random: object
) -> None:
    """Law: marks first, last or between; only what they hide counts."""
    choose = random.randint  # type: ignore[attr-defined]
    first, mixed = [], []
    for marks, entries in stack:
        first.append([*marks, *entries])
        other = list(entries)
        for mark in marks:
            other.insert(choose(0, len(other)), mark)
        mixed.append(other)

    def seen(layers: Sequence[Sequence[Record]]) -> list[tuple[str, str, int]]:
        return [(path.name, path.kind.name, path.mode) for path in squash(layers).visible]

    assert seen(first) == seen(mixed)


@given(st.text(alphabet="a/.\\\0", max_size=12))
def test_a_clean_name_leads_nowhere_else(name: str) -> None:
    """Law: relative, without a step up, and clean already."""
    cleaned = clean(name)
    if cleaned is not None:
        assert not cleaned.startswith("/")
        assert ".." not in cleaned.split("/")
        assert clean(cleaned) == cleaned


contents = st.binary(max_size=700)
leaves = st.dictionaries(
    st.lists(st.sampled_from(["pkg", "b.py", "c.so", "é"]), min_size=1, max_size=3).map("/".join),
    contents,
    max_size=6,
)


def _without_conflicts(files: dict[str, bytes]) -> dict[str, bytes]:
    return {
        name: data
        for name, data in files.items()
        if not any(other.startswith(f"{name}/") for other in files)
    }


@given(leaves.map(_without_conflicts), st.sampled_from(sorted(PACKERS)))
def test_a_folder_a_zip_and_an_image_of_one_tree_have_the_same_members(
    files: dict[str, bytes], packing: str
) -> None:
    """Law: names, sizes, first bytes and contents do not depend on the container."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        (place / "folder").mkdir()
        lay_out(files, place / "folder")
        with zipfile.ZipFile(place / "zip", "w") as packed:
            for name, data in files.items():
                packed.writestr(name, data)
        image = Image((tar([Tarred(name, data) for name, data in files.items()]),), packing=packing)
        (place / "image").write_bytes(archive(oci(image)))
        found = []
        for kind in ("folder", "zip", "image"):
            with open_artifact(place / kind, DEFAULT_LIMITS) as artifact:
                members = [m for m in artifact.members(lambda *_: True) if m.data is not None]
            found.append({m.name: (m.kind, m.size, m.head, bytes(m.data or b"")) for m in members})

    assert found[0] == found[1] == found[2]
    assert {name: member[3] for name, member in found[0].items()} == files


@given(
    form=st.sampled_from(sorted(FORMS)),
    packing=st.sampled_from(sorted(PACKERS)),
    edits=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
    keep=st.floats(0, 1),
)
def test_a_damaged_image_gives_members_or_an_error_of_ours(
    form: str, packing: str, edits: list[tuple[float, int]], keep: float
) -> None:
    """Bytes changed anywhere, and the end cut off: no other exception leaves the reader."""
    base = tar([folder("a"), Tarred("a/b.py", b"b" * 900), link("l", "a")])
    data = bytearray(archive(FORMS[form](Image((base, base), packing=packing))))
    for place, byte in edits:
        data[int(place * len(data))] = byte
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "image.tar"
        path.write_bytes(data[: 512 + int(keep * len(data))])
        try:
            with open_image(path, DEFAULT_LIMITS) as image:
                list(image.members(lambda *_: True))
        except AbicheckError:
            return
