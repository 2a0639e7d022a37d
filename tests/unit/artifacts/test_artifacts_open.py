"""What an artifact is, is told by its content, whatever it is called."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import socket
import zipfile
from pathlib import Path

import pytest

from abicheck.artifacts import DEFAULT_LIMITS, open_artifact
from abicheck.errors import AbicheckError, ArtifactError, UsageError
from abicheck.model import ArtifactKind, Irregular

ELF = b"\x7fELF" + bytes(60)
MACH_O = b"\xcf\xfa\xed\xfe" + bytes(60)


def _a_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.py", "pass")
    return buffer.getvalue()


def _kind(path: Path) -> tuple[ArtifactKind, list[Irregular]]:
    with open_artifact(path, DEFAULT_LIMITS) as artifact:
        list(artifact.members(lambda *_: False))
        return artifact.kind, [i.kind for i in artifact.irregularities]


@pytest.mark.parametrize(
    ("name", "content", "kind", "irregular"),
    [
        ("function.zip", _a_zip(), ArtifactKind.ZIP, []),
        ("function.dat", _a_zip(), ArtifactKind.ZIP, []),
        ("function", _a_zip(), ArtifactKind.ZIP, []),
        ("mod.so", _a_zip(), ArtifactKind.ZIP, []),
        ("mod.so", ELF, ArtifactKind.OBJECT, []),
        ("mod.zip", ELF, ArtifactKind.OBJECT, []),
        ("program", ELF + _a_zip(), ArtifactKind.OBJECT, []),
        ("mod.so", MACH_O, ArtifactKind.OBJECT, []),
        ("mod.bin", MACH_O, ArtifactKind.OBJECT, []),
        ("mod.pyd", b"MZ" + bytes(100), ArtifactKind.OBJECT, []),
        ("mod.so", b"version https://git-lfs.github.com/spec/v1\n", ArtifactKind.OBJECT, []),
        ("libx.so.1.2", b"libx.so.1.2.3", ArtifactKind.OBJECT, []),
        ("mod.so", b"", ArtifactKind.OBJECT, []),
        ("function.zip", b"", ArtifactKind.UNREADABLE, [Irregular.EMPTY_ARCHIVE]),
        ("function.zip", b"text", ArtifactKind.UNREADABLE, [Irregular.NOT_AN_ARCHIVE]),
        ("function.zip", b"PK\3\4text", ArtifactKind.ZIP, [Irregular.TRUNCATED]),
    ],
)
def test_the_content_says_what_an_artifact_is(
    tmp_path: Path, name: str, content: bytes, kind: ArtifactKind, irregular: list[Irregular]
) -> None:
    """A name helps only where the content says nothing."""
    path = tmp_path / name
    path.write_bytes(content)

    assert _kind(path) == (kind, irregular)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (gzip.compress(b"x"), "no container image"),
        (b"\x28\xb5\x2f\xfd" + bytes(20), "no container image"),
        (bytes(257) + b"ustar\0" + bytes(300), "no container image"),
        (b"<!DOCTYPE html><html>", "an HTML or XML page"),
        (b'<?xml version="1.0"?><Error>', "an HTML or XML page"),
        (bytes(10_240), "an empty tar"),
        (b"UEsDBBQAAAAI", "base64"),
        (b"{}", "neither a ZIP nor a shared object"),
    ],
)
def test_what_is_no_artifact_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    """In the words of whoever made the mistake."""
    path = tmp_path / "function.zip"
    path.write_bytes(content)
    with open_artifact(path, DEFAULT_LIMITS) as artifact:
        (irregularity,) = artifact.irregularities

    assert irregularity.kind is Irregular.NOT_AN_ARCHIVE
    assert words in irregularity.detail


def test_nothing_at_the_path_is_an_error_of_usage(tmp_path: Path) -> None:
    """The request is wrong, and nothing was examined."""
    with (
        pytest.raises(UsageError, match="no such file or folder"),
        open_artifact(tmp_path / "function.zip", DEFAULT_LIMITS),
    ):
        pass


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are POSIX's")
def test_a_named_pipe_is_an_error_of_usage(tmp_path: Path) -> None:
    """Opening it would wait for a writer for ever."""
    os.mkfifo(tmp_path / "function.zip")

    with (
        pytest.raises(UsageError, match=r"a pipe, .*; write them to a file first"),
        open_artifact(tmp_path / "function.zip", DEFAULT_LIMITS),
    ):
        pass


@pytest.mark.skipif(not Path("/dev/fd").is_dir(), reason="not every system names its descriptors")
def test_the_pipe_of_a_process_substitution_is_an_error_of_usage() -> None:
    """`abicheck <(cat function.zip)`: a shell gives the name of a descriptor."""
    reader, writer = os.pipe()
    try:
        with (
            pytest.raises(UsageError, match=f"/dev/fd/{reader}: a pipe"),
            open_artifact(Path(f"/dev/fd/{reader}"), DEFAULT_LIMITS),
        ):
            pass
    finally:
        os.close(reader)
        os.close(writer)


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="sockets with names are POSIX's")
def test_a_socket_is_an_error_of_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be connected to, and not be opened."""
    monkeypatch.chdir(tmp_path)  # the path of a socket may have 108 bytes
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("function.zip")
        with (
            pytest.raises(UsageError, match="a socket"),
            open_artifact(Path("function.zip"), DEFAULT_LIMITS),
        ):
            pass


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="a device of POSIX")
def test_a_device_is_an_error_of_usage() -> None:
    """It may have no end."""
    with (
        pytest.raises(UsageError, match="a device"),
        open_artifact(Path("/dev/zero"), DEFAULT_LIMITS),
    ):
        pass


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_a_file_that_may_not_be_read_is_no_finding(tmp_path: Path) -> None:
    """The reason is not in its bytes."""
    path = tmp_path / "function.zip"
    path.write_bytes(_a_zip())
    path.chmod(0)

    with (
        pytest.raises(ArtifactError, match="Permission denied"),
        open_artifact(path, DEFAULT_LIMITS),
    ):
        pass


def test_a_file_below_a_file_cannot_be_opened(tmp_path: Path) -> None:
    """`ENOTDIR` is the file system's reason, and an exception of ours."""
    (tmp_path / "function.zip").write_bytes(_a_zip())

    with (
        pytest.raises(AbicheckError),
        open_artifact(tmp_path / "function.zip" / "a.py", DEFAULT_LIMITS),
    ):
        pass


def test_a_single_object_lies_alone(tmp_path: Path) -> None:
    """Its neighbours are not read."""
    path = tmp_path / "mod.so"
    path.write_bytes(ELF)
    (tmp_path / "liby.so").write_bytes(ELF)
    with open_artifact(path, DEFAULT_LIMITS) as artifact:
        members = list(artifact.members(lambda *_: True))
        digest = artifact.sha256()

    assert [(m.name, m.size, bytes(m.data or b"")) for m in members] == [("mod.so", 64, ELF)]
    assert digest == hashlib.sha256(ELF).hexdigest()


@pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")
def test_an_object_may_be_named_by_a_link(tmp_path: Path) -> None:
    """Who names the artifact means what the link leads to, under the name it was given."""
    (tmp_path / "liby.so.1.2").write_bytes(ELF)
    (tmp_path / "liby.so").symlink_to("liby.so.1.2")
    with open_artifact(tmp_path / "liby.so", DEFAULT_LIMITS) as artifact:
        (member,) = artifact.members(lambda *_: True)

    assert (member.name, member.size) == ("liby.so", 64)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only Linux says what is open")
@pytest.mark.parametrize("name", ["function.zip", "mod.so", "folder"])
def test_the_file_is_let_go_of(tmp_path: Path, name: str) -> None:
    """Nothing of the artifact stays open or mapped, also when reading broke off."""
    path = tmp_path / name
    if name == "folder":
        path.mkdir()
        (path / "a.py").write_text("")
    else:
        path.write_bytes(_a_zip() if name.endswith(".zip") else ELF)
    with open_artifact(path, DEFAULT_LIMITS) as artifact:
        next(iter(artifact.members(lambda *_: True)))
    held = [os.path.realpath(descriptor) for descriptor in Path("/proc/self/fd").iterdir()]
    mapped = Path("/proc/self/maps").read_text(encoding="utf-8")

    assert artifact.kind is not ArtifactKind.UNREADABLE  # it is still there, and holds nothing
    assert str(path) not in mapped
    assert [target for target in held if target.startswith(str(path))] == []
