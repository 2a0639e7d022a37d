"""`abicheck capture`, and `check` against what it has written."""

from __future__ import annotations

import json
import subprocess
import sys
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


@pytest.mark.parametrize(
    ("place", "message"),
    [("no/probe.zip", "there is no folder no"), (".", "a file is asked for"), ("", "a file")],
)
def test_a_place_that_cannot_be_written_is_named_before_anything_is_read(
    tmp_path: Path, call: Run, place: str, message: str
) -> None:
    done = call("capture", "nowhere", "-o", place, cwd=tmp_path)

    assert done.returncode == 2
    assert f"--output {place}: {message}" in done.stderr


def test_standard_output_is_a_place(tmp_path: Path) -> None:
    """`-`, which is no file's name."""
    folder = write_root(tmp_path / "root", a_root())
    command = [sys.executable, "-m", "abicheck", "capture", str(folder), "-o", "-"]
    done = subprocess.run(command, capture_output=True, check=True, cwd=tmp_path)

    assert json.loads(done.stdout)["libc_version"] == "2.36"
    assert not (tmp_path / "-").exists()


@pytest.mark.parametrize(
    "option", ["--name=mine", "--python=/usr/bin/python3", "--as-of=2025-01-01"]
)
def test_the_function_heeds_no_other_option(tmp_path: Path, call: Run, option: str) -> None:
    """They are said of its reply."""
    done = call("capture", "--emit-function", option, "-o", "probe.zip", cwd=tmp_path)

    assert done.returncode == 2
    assert f"--emit-function does without {option.partition('=')[0]}" in done.stderr


def test_an_architecture_is_held_against_what_is_captured(tmp_path: Path, call: Run) -> None:
    write_root(tmp_path / "root", a_root())
    wrong = call("capture", "root", "--architecture=arm64", "-o", "a.json", cwd=tmp_path)
    right = call("capture", "root", "--architecture=x86_64", "-o", "a.json", cwd=tmp_path)

    assert (wrong.returncode, right.returncode) == (2, 0)
    assert "--architecture arm64: root is of another, x86_64" in wrong.stderr


def test_the_engine_is_not_asked_for_an_image_without_a_name(tmp_path: Path, call: Run) -> None:
    """Neither to capture it nor to check it."""
    for arguments in (("capture", "docker:", "-o", "a.json"), ("docker:",)):
        done = call(*arguments, cwd=tmp_path)

        assert done.returncode == 2
        assert "docker:: the image's name is missing" in done.stderr


def test_the_day_of_a_reproducible_build_is_the_day_of_the_facts(tmp_path: Path, call: Run) -> None:
    folder = write_root(tmp_path / "root", a_root())
    out = tmp_path / "mine.json"

    call("capture", str(folder), "-o", str(out), env={"SOURCE_DATE_EPOCH": "86400"})

    assert json.loads(out.read_text())["as_of"] == "1970-01-02"
