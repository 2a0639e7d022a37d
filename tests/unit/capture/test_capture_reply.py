"""A function's reply: the probe runs alone, and what it says becomes the same profile."""

from __future__ import annotations

import base64
import copy
import json
import platform
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rootbuilder import LOADER, MULTIARCH, a_root

from abicheck.capture import Request, capture_reply, function_archive, is_reply
from abicheck.capture._running import PROBE
from abicheck.errors import AbicheckError, ProfileError

on_glibc = pytest.mark.skipif(
    sys.platform != "linux" or platform.libc_ver()[0] != "glibc",
    reason="only a Linux with glibc can be asked",
)
REQUEST: Final = Request("mine", "a reply")
Change = Callable[[dict[str, Any]], object]


def a_reply() -> dict[str, Any]:
    """What the probe would say in the root of these tests: whole files in one part each."""
    root = a_root()
    files = {path: data for path, data in root.items() if isinstance(data, bytes)}
    return {
        "schema": 1,
        "runtime": {
            "schema": 1,
            "version": "3.13.5",
            "implementation": "cpython",
            "executable": "/usr/bin/python3.13",
            "folder": "/tmp/probe",  # noqa: S108 - a path of the target
            "path": ["/tmp/probe", "/usr/lib/python3.13"],  # noqa: S108
            "suffixes": [".cpython-313-x86_64-linux-gnu.so", ".so"],
            "builtin": ["sys", "time"],
            "magic": "f30d0d0a",
            "loaded": [f"{MULTIARCH}/libc.so.6", f"{MULTIARCH}/libz.so.1.2.13"],
            "environment": {"LD_LIBRARY_PATH": "/opt/lib"},
            "machine": "x86_64",
            "kernel": "6.1.0-13-amd64",
            "page_size": 4096,
            "libc": "glibc 2.36",
            "isa_level": 4,
            "date": "2026-02-03",
        },
        "entries": {
            path: data if isinstance(data, str) else len(data) for path, data in root.items()
        },
        "chunks": {path: [[0, len(data)], packed(data)] for path, data in files.items()},
        "left_out": [],
    }


def packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data)).decode()


def read(reply: object) -> Any:  # noqa: ANN401 - a profile, in short
    return capture_reply(json.dumps(reply).encode(), "reply.json", REQUEST).profile


def test_what_the_process_said_goes_before_what_files_tell() -> None:
    profile = read(a_reply())

    assert profile.kernel == (6, 1, 0)
    assert profile.isa_level == 4
    assert profile.as_of == "2026-02-03"
    assert profile.library_path == ("/opt/lib",)
    assert profile.interpreter.suffixes == (".cpython-313-x86_64-linux-gnu.so", ".so")
    assert profile.interpreter.builtin == {"sys", "time"}
    assert list(map(str, profile.interpreter.path)) == ["/var/task", "/usr/lib/python3.13"]


def test_what_was_loaded_besides_start_up_is_in_the_process_and_in_no_scope() -> None:
    python = read(a_reply()).interpreter

    assert python.startup[-1] == LOADER
    assert python.preloaded == (f"{MULTIARCH}/libz.so.1.2.13",)


def test_a_library_whose_symbols_did_not_fit_proves_nothing_missing() -> None:
    reply = a_reply()
    reply["left_out"] = [f"{MULTIARCH}/libz.so.1.2.13"]

    library = read(reply).libraries[f"{MULTIARCH}/libz.so.1.2.13"]

    assert (library.soname, library.table.complete) == ("libz.so.1", False)


def test_a_reply_in_the_body_of_an_http_answer_is_one() -> None:
    body = {"statusCode": 200, "body": json.dumps(a_reply())}

    assert read(body).kernel == (6, 1, 0)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_reply_may_have_been_encoded_by_a_shell_and_once_more(encoding: str, times: int) -> None:
    """With a byte order mark, and as a JSON text that holds JSON."""
    text: object = a_reply()
    for _ in range(times):
        text = json.dumps(text)
    data = str(text).encode(encoding)

    assert is_reply(data[:64])
    assert capture_reply(data, "a reply", REQUEST).profile.kernel == (6, 1, 0)


@pytest.mark.parametrize("data", [b"", b"[1]", b'"text"', b"\x1f\x8b\x08", b"PK\x03\x04", b"7"])
def test_what_begins_otherwise_is_no_reply(data: bytes) -> None:
    assert not is_reply(data)


def put(value: object, *keys: str) -> Change:
    def change(data: dict[str, Any]) -> None:
        for key in keys[:-1]:
            data = data[key]
        data[keys[-1]] = value

    return change


LIBC: Final = f"{MULTIARCH}/libc.so.6"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put(2, "schema"), "schema: this version reads replies of schema 1"),
        (put("pypy", "runtime", "implementation"), "pypy is not judged, only CPython is"),
        (put("soon", "runtime", "date"), "runtime: Invalid isoformat string"),
        (put("zz", "runtime", "magic"), "runtime: non-hexadecimal number"),
        (put(3, "runtime", "path"), "runtime.path: expected list, found int"),
        (put(-1, "entries", LIBC), "expected a size, a link's target or null"),
        (put(None, "entries", "relative"), "relative is not absolute"),
        (put([[0, 10**9], packed(b"")], "chunks", LIBC), "expected an offset and a length"),
        (put([[0, 4], packed(b"ab")], "chunks", LIBC), "expected an offset and a length"),
        (put([], "chunks", LIBC), "not a file of the entries"),
        (put(["?"], "chunks", LIBC), r"chunks\./usr"),
        (
            put([base64.b64encode(b"not deflated").decode()], "chunks", LIBC),
            "incorrect header check",
        ),
        (put([[0, 1], packed(b"x")], "chunks", "/nowhere"), "not a file of the entries"),
        (put(1, "surprise"), "surprise: unknown key"),
    ],
)
def test_a_reply_that_lies_is_refused_with_the_address(change: Change, message: str) -> None:
    reply = a_reply()
    change(reply)

    with pytest.raises(AbicheckError, match=message):
        read(reply)


def test_a_reply_that_would_fill_the_memory_is_refused() -> None:
    reply = a_reply()
    engine = zlib.compressobj()
    bomb = b"".join([*(engine.compress(bytes(1 << 20)) for _ in range(257)), engine.flush()])
    reply["chunks"][LIBC] = [[0, 4], base64.b64encode(bomb).decode()]

    with pytest.raises(ProfileError, match="more than 256 MiB in all"):
        read(reply)


@given(st.data())
def test_no_reply_gives_anything_but_a_profile_or_an_error_of_ours(data: st.DataObject) -> None:
    reply = copy.deepcopy(a_reply())
    here: Any = reply
    while isinstance(here, dict) and here:
        key = data.draw(st.sampled_from(sorted(here)))
        if not isinstance(here[key], dict) or data.draw(st.booleans()):
            junk = st.none() | st.integers() | st.text(max_size=5) | st.lists(st.text(max_size=3))
            here[key] = data.draw(junk)
            break
        here = here[key]
    with suppress(AbicheckError):
        assert read(reply).machine == "x86_64"


# --- the probe itself ---


def test_the_function_is_the_same_archive_every_time() -> None:
    with zipfile.ZipFile(BytesIO(function_archive())) as archive:
        assert archive.namelist() == ["handler.py"]
        assert archive.read("handler.py") == PROBE.read_bytes()
    assert function_archive() == function_archive()


@on_glibc
def test_the_probe_describes_the_process_that_runs_it(tmp_path: Path) -> None:
    alone = tmp_path / "handler.py"
    alone.write_bytes(PROBE.read_bytes())

    done = subprocess.run(
        [sys.executable, "-I", "-B", str(alone), "runtime"], capture_output=True, check=True
    )

    said = json.loads(done.stdout)
    assert said["version"] == platform.python_version().rstrip("+")
    assert set(sys.builtin_module_names) <= set(said["builtin"])
    assert any("libc" in path for path in said["loaded"])
    assert not any("lib-dynload/zlib" in path for path in said["loaded"])
