"""`abicheck capture`, and `check` against what it has written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests import imagebuilder
from tests.elfbuilder import Elf, definition
from tests.imagebuilder import Tarred
from tests.rootbuilder import a_root, write_root

if TYPE_CHECKING:
    from tests.unit.cli.process import Run


def an_extension(*needed: str) -> bytes:
    return Elf(needed=needed, symbols=(definition("PyInit_mod"),), stack=6).build()


@pytest.fixture
def target(tmp_path: Path, call: Run) -> Path:
    folder = write_root(tmp_path / "root", a_root())
    file = tmp_path / "mine.json"
    assert call("capture", str(folder), "-o", str(file), "--name", "mine").returncode == 0
    return file


def test_a_folder_becomes_a_target_that_check_takes(
    tmp_path: Path, target: Path, call: Run
) -> None:
    artifact = tmp_path / "task"
    artifact.mkdir()
    name = "mod.cpython-313-x86_64-linux-gnu.so"
    (artifact / name).write_bytes(an_extension("libz.so.1"))

    good = call("check", str(artifact), "--target", str(target))
    (artifact / name).write_bytes(an_extension("libnone.so.1"))
    bad = call("check", str(artifact), "--target", str(target))

    assert (good.returncode, bad.returncode) == (0, 1)
    assert "python3.13, x86_64, Some Linux 12 (glibc 2.36)" in good.stdout
    assert "libnone.so.1: cannot open shared object file" in bad.stdout


def test_an_image_archive_becomes_a_target(tmp_path: Path, call: Run) -> None:
    entries = [
        imagebuilder.link(path.lstrip("/"), content)
        if isinstance(content, str)
        else Tarred(path.lstrip("/"), content)
        for path, content in a_root().items()
    ]
    image = imagebuilder.Image(layers=(imagebuilder.tar(entries),))
    archive = tmp_path / "image.tar"
    archive.write_bytes(imagebuilder.archive(imagebuilder.docker_old(image)))
    out = tmp_path / "mine.json"

    done = call("capture", str(archive), "-o", str(out))

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(out.read_text())["libc_version"] == "2.36"


def test_the_function_is_written_where_it_was_asked(tmp_path: Path, call: Run) -> None:
    out = tmp_path / "probe.zip"

    assert call("capture", "--emit-function", "-o", str(out)).returncode == 0
    assert out.read_bytes().startswith(b"PK\x03\x04")


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ((), 2, "name one SOURCE, or --host, or --emit-function"),
        (("--host", "root"), 2, "name one SOURCE, or --host, or --emit-function"),
        (("nowhere",), 2, "nowhere: no such file or folder"),
        (("text.txt",), 2, "neither a root file system nor an image nor a function's reply"),
        (("empty",), 3, "no CPython at"),
        (("empty", "--env", "LD_LIBRARY_PATH"), 2, "expected NAME=VALUE"),
        (("empty", "--as-of", "yesterday"), 2, "--as-of yesterday"),
        (("empty", "--task-root", "task"), 2, "not an absolute path"),
        (("empty", "--isa-level", "5"), 2, "--isa-level"),
    ],
)
def test_the_status_says_whether_the_request_or_its_execution_is_at_fault(
    tmp_path: Path, call: Run, arguments: tuple[str, ...], status: int, message: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.txt").write_text("nothing\n" * 100)

    done = call("capture", *arguments, "-o", "out.json", cwd=tmp_path)

    assert done.returncode == status
    assert message in done.stderr
    assert not (tmp_path / "out.json").exists()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, call: Run) -> None:
    done = call("capture", "--emit-function", "-o", str(tmp_path / "no" / "probe.zip"))

    assert done.returncode == 3
    assert "No such file or directory" in done.stderr


def test_the_day_of_a_reproducible_build_is_the_day_of_the_facts(tmp_path: Path, call: Run) -> None:
    folder = write_root(tmp_path / "root", a_root())
    out = tmp_path / "mine.json"

    call("capture", str(folder), "-o", str(out), env={"SOURCE_DATE_EPOCH": "86400"})

    assert json.loads(out.read_text())["as_of"] == "1970-01-02"
