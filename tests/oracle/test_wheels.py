"""The corpus of real packages: what is pinned, and that its folders are those that pip makes."""

from __future__ import annotations

import stat
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Final

import pytest
from tests.oracle.wheels import (
    PINS,
    File,
    Removed,
    Renamed,
    Tree,
    Truncated,
    Warehouse,
    edited,
    read_trees,
    unpack,
)

TREES: Final = read_trees()
RIGHT: Final = tuple(tree for tree in TREES.values() if not tree.variant_of)
WRONG: Final = tuple(tree for tree in TREES.values() if tree.variant_of)

RECORDED: Final = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
"""What only an installer can write: how and by whom a distribution was installed."""

LIBRARY: Final = PurePosixPath("pkg.libs/libz.so.1")
FILES: Final = {
    PurePosixPath("pkg/__init__.py"): File(Path("a")),
    PurePosixPath("pkg/mod.so"): File(Path("b")),
    LIBRARY: File(Path("c")),
}


# --- what is pinned ---


def test_the_corpus_has_sixty_compiled_distributions_and_fifteen_made_wrong() -> None:
    compiled = [tree for tree in RIGHT if any(wheel.build != "any" for wheel in tree.wheels)]

    assert len(compiled) >= 60
    assert len({tree.variant_of for tree in WRONG}) >= 15


def test_every_field_has_several_trees() -> None:
    assert min(Counter(tree.field for tree in RIGHT).values()) >= 5


def test_every_pin_is_used() -> None:
    """What no tree holds would be downloaded for nothing."""
    used = {wheel.pin for tree in TREES.values() for wheel in tree.wheels}

    assert {pin for pins in PINS.values() for pin in pins} == used


def test_a_distribution_is_pinned_once_in_a_tree() -> None:
    for tree in TREES.values():
        names = [wheel.pin.distribution for wheel in tree.wheels]

        assert len(names) == len(set(names)), tree.name


@pytest.mark.parametrize("tree", WRONG, ids=lambda tree: tree.name)
def test_one_thing_is_wrong_with_a_wrong_variant(tree: Tree) -> None:
    """Either another wheel or an edited file: of two causes, the loader names only one."""
    others = set(tree.wheels) - set(TREES[tree.variant_of].wheels)

    assert len(others) + (tree.edit is not None) == 1


# --- edits ---


def test_removing_a_folder_removes_all_that_is_in_it() -> None:
    assert LIBRARY not in edited(FILES, Removed(PurePosixPath("pkg.libs")))
    assert len(edited(FILES, Removed(PurePosixPath("pkg")))) == 1


def test_a_renamed_file_keeps_its_content() -> None:
    to = PurePosixPath("pkg.libs/libz-1.so.1")

    files = edited(FILES, Renamed(LIBRARY, to))

    assert files[to] == FILES[LIBRARY]
    assert LIBRARY not in files


def test_a_truncated_file_is_the_only_one_to_change() -> None:
    files = edited(FILES, Truncated(LIBRARY, 64))

    assert files == FILES | {LIBRARY: File(Path("c"), 64)}


def test_an_edit_of_nothing_is_refused() -> None:
    """A wrong variant that is right would prove abicheck's silence."""
    with pytest.raises(ValueError, match=r"nothing is at pkg/other\.so"):
        edited(FILES, Removed(PurePosixPath("pkg/other.so")))


# --- folders ---


def test_what_a_wheel_keeps_for_a_scheme_goes_where_the_installer_puts_it(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "mod-1.whl", "w") as archive:
        for name in (
            "pkg/mod.py",
            "mod-1.data/platlib/pkg/mod.so",
            "mod-1.data/data/share/mod.1",
            "mod-1.data/scripts/mod",
        ):
            archive.writestr(name, name)

    unpack(tmp_path / "mod-1.whl", tmp_path / "tree")

    assert sorted(_modes(tmp_path / "tree")) == [
        "bin/mod",
        "pkg/mod.py",
        "pkg/mod.so",
        "share/mod.1",
    ]


@pytest.mark.network
@pytest.mark.parametrize("name", ["psutil", "gevent", "soundfile", "pyzmq"])
def test_a_tree_is_what_pip_installs(name: str, warehouse: Warehouse, tmp_path: Path) -> None:
    """The same files with the same modes, but for the record of the installation."""
    tree = TREES[name]
    wheels = [warehouse.archive(wheel) for wheel in tree.wheels]
    installed = tmp_path / "installed"
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--no-compile"]
    command += ["--only-binary=:all:", "--python-version=3.13", "--ignore-requires-python"]
    command += [f"--platform=manylinux_2_{minor}_x86_64" for minor in (17, 24, 26, 27, 28)]
    subprocess.run([*command, f"--target={installed}", *wheels], check=True, capture_output=True)

    made = _modes(warehouse.make_tree(tree, tmp_path / "made"))

    assert _without_commands(made) == _without_commands(_modes(installed))


def _modes(folder: Path) -> dict[str, int]:
    """The permissions of each file that a wheel has brought."""
    return {
        path.relative_to(folder).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in folder.rglob("*")
        if path.is_file() and path.name not in RECORDED
    }


def _without_commands(modes: dict[str, int]) -> dict[str, int]:
    """Without scripts and headers: pip writes those for the interpreter that it runs on."""
    return {path: mode for path, mode in modes.items() if not path.startswith(("bin/", "include/"))}


@pytest.mark.network
def test_a_wrong_variant_leaves_the_right_tree_alone(warehouse: Warehouse, tmp_path: Path) -> None:
    """The folders share their files: only a copy may be cut off."""
    extension = "bcrypt/_bcrypt.abi3.so"

    wrong = warehouse.make_tree(TREES["bcrypt-cut-in-header"], tmp_path / "wrong")
    right = warehouse.make_tree(TREES["bcrypt"], tmp_path / "right")

    assert (wrong / extension).stat().st_size == 40
    assert (right / extension).stat().st_size > 100_000
