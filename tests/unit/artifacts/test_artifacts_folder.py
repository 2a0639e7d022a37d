"""Folders: every file of them once, no link followed, nothing left out in silence."""

from __future__ import annotations

import hashlib
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from abicheck.artifacts import DEFAULT_LIMITS, Limits, Member, open_artifact
from abicheck.filesystem import Kind
from abicheck.model import ArtifactKind, Irregular

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links, modes and pipes are POSIX's")

AS_ROOT = pytest.mark.skipif(
    hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read everything"
)


def _read(
    folder: Path, limits: Limits = DEFAULT_LIMITS
) -> tuple[list[Member], list[tuple[Irregular, str]]]:
    with open_artifact(folder, limits) as artifact:
        assert artifact.kind is ArtifactKind.FOLDER
        members = list(artifact.members(lambda *_: True))
        return members, [(i.kind, str(i.location)) for i in artifact.irregularities]


def _names(folder: Path, limits: Limits = DEFAULT_LIMITS) -> list[str]:
    return [member.name for member in _read(folder, limits)[0]]


def test_members_are_sorted_folder_by_folder(tmp_path: Path) -> None:
    """The order does not depend on the file system; a folder comes before what is in it."""
    for name in ("b/z.py", "b/a.py", "a.py", "b.py", "B.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    members, irregular = _read(tmp_path)

    assert [(m.name, m.kind) for m in members] == [
        ("B.py", Kind.FILE),
        ("a.py", Kind.FILE),
        ("b", Kind.DIRECTORY),
        ("b/a.py", Kind.FILE),
        ("b/z.py", Kind.FILE),
        ("b.py", Kind.FILE),
    ]
    assert [bytes(m.data or b"").decode() for m in members if m.data] == [
        m.name for m in members if m.kind is Kind.FILE
    ]
    assert irregular == []


@contextmanager
def _nested(folder: Path, name: str, depth: int) -> Iterator[None]:
    """Make folders in one another, step by step, and take them away in the same manner.

    What removes `tmp_path` calls itself once a level, and names each by its whole path.
    """
    here = os.open(folder, os.O_RDONLY)
    for step in [name] * depth:
        os.mkdir(step, dir_fd=here)
        above, here = here, os.open(step, os.O_RDONLY, dir_fd=here)
        os.close(above)
    try:
        yield
    finally:
        for step in [name] * depth:
            below, here = here, os.open("..", os.O_RDONLY, dir_fd=here)
            os.close(below)
            os.rmdir(step, dir_fd=here)
        os.close(here)


def test_folders_may_nest_deeper_than_calls_may(tmp_path: Path) -> None:
    """Each of fifteen hundred folders in one another is a member, where that many may be."""
    with _nested(tmp_path, "d", 1500):
        members, irregular = _read(tmp_path, Limits(nesting=1500))

    assert [len(m.name) for m in members] == [*range(1, 3000, 2)]
    assert irregular == []


def test_folders_nest_a_hundred_deep(tmp_path: Path) -> None:
    """What lies deeper is not read, and named once."""
    with _nested(tmp_path, "d", 300):
        members, irregular = _read(tmp_path)

    assert [m.name.count("/") for m in members] == [*range(101)]
    assert irregular == [(Irregular.LIMIT, "/".join("d" * 102))]


def test_what_no_system_call_can_name_is_reported(tmp_path: Path) -> None:
    """Beyond PATH_MAX a folder can be made step by step, and not be opened by its path."""
    with _nested(tmp_path, "d" * 250, 20):
        members, irregular = _read(tmp_path)

    assert 10 < len(members) < 20
    assert irregular[0][0] is Irregular.UNREADABLE


def test_an_empty_folder_has_no_members(tmp_path: Path) -> None:
    """And nothing is irregular about it; whether it may pass is a rule's affair."""
    assert _read(tmp_path) == ([], [])


def test_a_folder_has_no_digest(tmp_path: Path) -> None:
    """It has no bytes of its own."""
    with open_artifact(tmp_path, DEFAULT_LIMITS) as artifact:
        assert artifact.sha256() is None


def test_modes_are_those_of_the_file_system(tmp_path: Path) -> None:
    """Permission bits and nothing else."""
    (tmp_path / "a.so").write_bytes(b"")
    (tmp_path / "a.so").chmod(0o640)
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg").chmod(0o711)

    assert [(m.name, m.mode) for m in _read(tmp_path)[0]] == [("a.so", 0o640), ("pkg", 0o711)]


def test_head_is_the_beginning_and_data_the_whole(tmp_path: Path) -> None:
    """Where the filter says no, only 512 bytes are kept."""
    (tmp_path / "a.so").write_bytes(b"x" * 2000)
    asked: list[tuple[str, int, int]] = []

    def wanted(name: str, head: bytes, size: int) -> bool:
        asked.append((name, len(head), size))
        return False

    with open_artifact(tmp_path, DEFAULT_LIMITS) as artifact:
        (member,) = artifact.members(wanted)

    assert asked == [("a.so", 512, 2000)]
    assert (member.head, member.data, member.size) == (b"x" * 512, None, 2000)


@pytest.mark.parametrize("size", [0, 1, 512, 5000, 3 << 20])
def test_every_file_has_its_digest(tmp_path: Path, size: int) -> None:
    """Law: the SHA-256 of all bytes, whether they are kept or only pass by."""
    content = os.urandom(size)
    (tmp_path / "a.py").write_bytes(content)
    (tmp_path / "b.txt").write_bytes(content)
    (tmp_path / "c").mkdir()
    (tmp_path / "d").symlink_to("a.py")
    with open_artifact(tmp_path, DEFAULT_LIMITS) as artifact:
        members = list(artifact.members(lambda name, *_: name == "a.py"))

    assert [m.sha256 for m in members] == [hashlib.sha256(content).digest()] * 2 + [None] * 2
    assert [m.size for m in members] == [size, size, 0, 0]


def test_links_are_kept_as_links(tmp_path: Path) -> None:
    """To a file inside, to nothing, to a folder outside, to itself: none is followed."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.py").write_text("secret")
    root = tmp_path / "function"
    root.mkdir()
    (root / "liby.so.1.2").write_bytes(b"y")
    for name, target in {
        "absolute": "/opt/python",
        "dangling.so": "nowhere.so",
        "liby.so": "liby.so.1.2",
        "loop": "loop",
        "out": "../outside",
    }.items():
        (root / name).symlink_to(target)
    members, irregular = _read(root)

    assert [(m.name, m.kind, m.target) for m in members] == [
        ("absolute", Kind.SYMLINK, "/opt/python"),
        ("dangling.so", Kind.SYMLINK, "nowhere.so"),
        ("liby.so", Kind.SYMLINK, "liby.so.1.2"),
        ("liby.so.1.2", Kind.FILE, ""),
        ("loop", Kind.SYMLINK, "loop"),
        ("out", Kind.SYMLINK, "../outside"),
    ]
    assert irregular == []


def test_a_folder_may_be_named_by_a_link(tmp_path: Path) -> None:
    """Who names the artifact means what the link leads to."""
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "a.py").write_text("")
    (tmp_path / "current").symlink_to("build")

    assert _names(tmp_path / "current") == ["a.py"]


def test_a_pipe_is_reported_and_never_opened(tmp_path: Path) -> None:
    """Opening it would wait for a writer for ever."""
    os.mkfifo(tmp_path / "pipe.so")
    (tmp_path / "a.py").write_text("")
    members, irregular = _read(tmp_path)

    assert [m.name for m in members] == ["a.py"]
    assert irregular == [(Irregular.SPECIAL_FILE, "pipe.so")]


def test_a_socket_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a file nor a folder nor a link."""
    monkeypatch.chdir(tmp_path)  # the path of a socket may have 108 bytes
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s.sock")
        _, irregular = _read(tmp_path)

    assert irregular == [(Irregular.SPECIAL_FILE, "s.sock")]


def test_irregularities_come_in_the_order_of_the_folder(tmp_path: Path) -> None:
    """Whether a name tells or only opening does."""
    os.mkfifo(tmp_path / "a")
    (tmp_path / "b\\c").write_text("")
    os.mkfifo(tmp_path / "d")

    assert [name for _, name in _read(tmp_path)[1]] == ["a", "b\\c", "d"]


@AS_ROOT
def test_a_file_that_may_not_be_read_is_reported(tmp_path: Path) -> None:
    """Its bytes could not be had; the others could."""
    (tmp_path / "a.so").write_bytes(b"a")
    (tmp_path / "a.so").chmod(0)
    (tmp_path / "b.so").write_bytes(b"b")
    members, irregular = _read(tmp_path)

    assert [m.name for m in members] == ["b.so"]
    assert irregular == [(Irregular.UNREADABLE, "a.so")]


@AS_ROOT
def test_a_folder_that_may_not_be_entered_is_reported(tmp_path: Path) -> None:
    """Nobody knows what is in it."""
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "a.py").write_text("")
    (tmp_path / "pkg").chmod(0)
    try:
        members, irregular = _read(tmp_path)
    finally:
        (tmp_path / "pkg").chmod(stat.S_IRWXU)

    assert [m.name for m in members] == ["pkg"]
    assert [(kind, name.rstrip("/")) for kind, name in irregular] == [(Irregular.UNREADABLE, "pkg")]


def test_names_that_are_no_text(tmp_path: Path) -> None:
    """A name is bytes on Linux; what is not UTF-8 is kept by surrogate escapes (PEP 383)."""
    (tmp_path / os.fsdecode(b"\xff.py")).write_text("")
    (tmp_path / "módulo.py").write_text("")

    assert sorted(os.fsencode(name) for name in _names(tmp_path)) == sorted(
        [b"\xff.py", "módulo.py".encode()]
    )


def test_a_backslash_in_the_name_of_a_file_is_reported(tmp_path: Path) -> None:
    """As in an archive: it is a character of the name, and somebody thought otherwise."""
    (tmp_path / "pkg\\a.py").write_text("")
    members, irregular = _read(tmp_path)

    assert [m.name for m in members] == ["pkg\\a.py"]
    assert irregular == [(Irregular.BACKSLASH, "pkg\\a.py")]


@pytest.mark.parametrize(
    ("limits", "names", "irregular"),
    [
        (Limits(members=2), ["a.py", "b.py"], [(Irregular.LIMIT, "c.py")]),
        (Limits(total=25), ["a.py", "b.py"], [(Irregular.LIMIT, "c.py")]),
        (Limits(member=10), ["a.py", "c.py"], [(Irregular.LIMIT, "b.py")]),
        (Limits(nesting=0), ["a.py", "b.py", "c.py"], []),
        (Limits(members=3, total=31, member=11), ["a.py", "b.py", "c.py"], []),
    ],
)
def test_a_limit_that_was_reached_is_reported(
    tmp_path: Path, limits: Limits, names: list[str], irregular: list[tuple[Irregular, str]]
) -> None:
    """The same limits as for an archive, with the same words."""
    for name, size in {"a.py": 10, "b.py": 11, "c.py": 10}.items():
        (tmp_path / name).write_bytes(b"x" * size)
    members, found = _read(tmp_path, limits)

    assert ([m.name for m in members], found) == (names, irregular)


def test_a_folder_is_left_as_it_was(tmp_path: Path) -> None:
    """Nothing is written, removed or touched."""
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "a.so").write_bytes(b"\x7fELF")
    before = {str(p): p.lstat().st_mtime_ns for p in (tmp_path, *tmp_path.rglob("*"))}
    _read(tmp_path)

    assert {str(p): p.lstat().st_mtime_ns for p in (tmp_path, *tmp_path.rglob("*"))} == before
