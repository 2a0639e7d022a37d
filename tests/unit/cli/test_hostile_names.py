"""Nothing of an artifact reaches the terminal as a command."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.factories import write_zip

if TYPE_CHECKING:
    from tests.unit.cli.process import Run

CLEAR, RED, TITLE, BELL = "\x1b[2J", "\x1b[31m", "\x1b]0;owned\x07", "\x07"
BIDI, ISOLATE, C1 = "\u202egnp", "\u2066", "\x9b31m"
EVIL = f"{RED}{TITLE}{BIDI}{ISOLATE}{C1}"
FORBIDDEN = ("\x1b", BELL, "\u202e", ISOLATE, "\x9b", "\r")


@pytest.fixture
def hostile(tmp_path: Path, shipped: Callable[..., bytes]) -> Path:
    """A ZIP whose names, metadata and dynamic strings all carry terminal commands."""
    missing = shipped("needs-libgl")
    soname = missing.replace(b"libGL.so.1", b"lib\x1b[2J.so")
    assert soname != missing
    return write_zip(
        tmp_path / f"evil{RED}{BIDI}.zip",
        {
            f"../{EVIL}.py": "x = 1\n",
            f"lib{EVIL}.so": missing,
            "mod.cpython-313-x86_64-linux-gnu.so": soname,
            "pkg/_core.cpython-311-x86_64-linux-gnu.so": missing,
            "pkg/__init__.py": "from . import _core\n",
            f"twice{EVIL}.py": "x = 1\n",
            f"back\\slash{EVIL}.py": "x = 1\n",
            "pkg-1.dist-info/METADATA": f"Name: pkg{EVIL}\nVersion: 1{EVIL}\n",
            "pkg-1.dist-info/WHEEL": f"Tag: {EVIL}\n",
            "pkg-1.dist-info/RECORD": "pkg/_core.cpython-311-x86_64-linux-gnu.so,,\n",
            "pkg-1.dist-info/INSTALLER": "pip\n",
        },
    )


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--handler", "pkg.handler"],
        ["--format", "json"],
        ["inspect"],
    ],
)
def test_no_control_or_bidi_character_is_printed(
    run: Run, hostile: Path, arguments: list[str]
) -> None:
    command = arguments[:1] if arguments == ["inspect"] else []

    result = run(*command, str(hostile), *arguments[len(command) :])

    assert "Traceback" not in result.stderr
    for character in FORBIDDEN:
        assert character not in result.stdout
    assert "evil" in result.stdout


def test_colour_lets_nothing_of_it_through_either(run: Run, hostile: Path) -> None:
    result = run(str(hostile), "--color", "always")

    for character in FORBIDDEN[1:]:
        assert character not in result.stdout
    for command in (CLEAR, "\x1b]"):
        assert command not in result.stdout


def test_the_names_are_there_as_escapes(run: Run, hostile: Path) -> None:
    report = run(str(hostile)).stdout

    assert r"../\x1b[31m\x1b]0;owned\x07\u202egnp\u2066\x9b31m.py" in report
    assert r"lib\x1b[2J.so" in report


def test_json_has_the_names_as_they_are(run: Run, hostile: Path) -> None:
    document = json.loads(run(str(hostile), "--format", "json").stdout)

    paths = {finding["path"] for finding in document["artifacts"][0]["findings"]}
    assert f"../{EVIL}.py" in paths


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are Unicode")
def test_a_name_that_is_no_text_is_no_obstacle(
    run: Run, tmp_path: Path, shipped: Callable[..., bytes]
) -> None:
    folder = os.fsencode(tmp_path)
    with open(folder + b"/lib\xff\xfe.so", "wb") as file:  # noqa: PTH123 - bytes
        file.write(shipped("needs-libgl"))
    (tmp_path / "app.py").write_text("x = 1\n", encoding="utf-8")

    text, document = run(".", cwd=tmp_path), run(".", "--format", "json", cwd=tmp_path)

    assert "Traceback" not in text.stderr + document.stderr
    assert r"lib\udcff\udcfe.so" in text.stdout
    objects = json.loads(document.stdout)["artifacts"][0]["objects"]
    assert objects[0]["path"] == "lib\udcff\udcfe.so"


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
def test_an_error_about_a_hostile_path_is_escaped_too(run: Run) -> None:
    result = run(f"no{RED}such{BIDI}.zip")

    assert result.returncode == 2
    for character in FORBIDDEN:
        assert character not in result.stderr
