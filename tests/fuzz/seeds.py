"""Where fuzzing starts: the fixtures, and the smallest file of every other kind."""

from __future__ import annotations

import base64
import datetime as dt
import io
import json
import tarfile
import tomllib
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from tests.elfbuilder import Elf
from tests.factories import a_profile
from tests.imagebuilder import (
    FORMS,
    Image,
    Tarred,
    archive,
    folder,
    hard_link,
    link,
    opaque,
    tar,
    whiteout,
)
from tests.rootbuilder import a_root
from tests.wheelbuilder import wheel_members

from abicheck.profiles import DEFAULT_TARGET, write_profile

_FIXTURES: Final = Path(__file__).parents[2] / "fixtures"
_SMALL: Final = 16 << 10
_DIGEST: Final = "0" * 64


def archives() -> Iterator[bytes]:
    """Yield every small ZIP of the fixtures."""
    for place in ("archives", "cases"):
        for path in sorted((_FIXTURES / place).glob("*.zip")):
            if path.stat().st_size <= _SMALL:
                yield path.read_bytes()


@cache
def _members(accept: Callable[[str], bool]) -> tuple[bytes, ...]:
    found = set()
    for path in sorted((_FIXTURES / "cases").glob("*.zip")):
        with zipfile.ZipFile(path) as opened:
            for info in opened.infolist():
                if accept(info.filename) and info.file_size <= _SMALL:
                    found.add(opened.read(info))
    return tuple(sorted(found))


def objects() -> Iterator[bytes]:
    """Yield every small object of the fixtures, and one of each class and byte order."""
    yield from _members(_is_object)
    for wide in (True, False):
        for little in (True, False):
            yield Elf(wide=wide, little=little, soname="x", needed=("libc.so.6",)).build()


def _is_object(name: str) -> bool:
    return name.endswith(".so") or ".so." in name


def sources() -> Iterator[bytes]:
    """Yield the Python sources and path files of the fixtures."""
    yield from _members(_is_source)


def _is_source(name: str) -> bool:
    return name.endswith((".py", ".pth"))


def metadata() -> Iterator[bytes]:
    """Yield what dist-info and egg-info folders hold."""
    yield from _members(_is_metadata)
    yield from wheel_members("pkg", "1.0", {"pkg/__init__.py": "x = 1\n"}).values()
    yield b'{"url": "file:///src", "dir_info": {"editable": true}}'
    yield b"numpy>=1.26; python_version < '3.13' and extra == 'fast'\n\n[fast]\nuvloop\n"


def _is_metadata(name: str) -> bool:
    return ".dist-info/" in name or ".egg-info" in name


def bytecode() -> Iterator[bytes]:
    """Yield the beginning of a `.pyc` of two releases, and of one that is checked by its hash."""
    for magic in (b"\xf3\r\r\n", b"\xa7\r\r\n"):
        yield magic + bytes(12) + b"\xe3" + bytes(60) + b"NN)\x01"
    yield b"\xf3\r\r\n\3" + bytes(11)


def tars() -> Iterator[bytes]:
    """Yield tars of every format, with everything that a layer may hold."""
    entries = (
        folder("opt"),
        Tarred("opt/app.py", b"import mod\n"),
        link("opt/link", "../var/task"),
        hard_link("opt/hard", "opt/app.py"),
        whiteout("opt/gone"),
        opaque("var"),
        Tarred("opt/" + "long/" * 40 + "name", b"x"),
        Tarred("dev/null", type=tarfile.CHRTYPE),
        Tarred("dev/pipe", type=tarfile.FIFOTYPE),
    )
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        yield tar(entries, form)
    yield _sparse()


def _sparse() -> bytes:
    """Return a tar with a sparse file of pax format 1.0."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as opened:
        info = tarfile.TarInfo("GNUSparseFile.0/sparse")
        content = b"1\n0\n5\n".ljust(512, b"\0") + b"hello"
        info.size = len(content)
        info.pax_headers = {
            "GNU.sparse.major": "1",
            "GNU.sparse.minor": "0",
            "GNU.sparse.name": "sparse",
            "GNU.sparse.realsize": "1000",
        }
        opened.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def images() -> Iterator[bytes]:
    """Yield an image in every form that an engine saves, each with another packing."""
    layers = [
        tar([folder("usr"), Tarred("usr/lib/libx.so", Elf(soname="libx.so").build())]),
        tar([Tarred("etc/os-release", b'ID="amzn"\nVERSION_ID="2023"\n'), whiteout("usr/lib/y")]),
        tar([Tarred("var/task/app.py", b"import mod\n"), link("usr/lib64", "lib")]),
    ]
    run = {"Env": ["PATH=/usr/bin"], "Cmd": ["app.handler"], "WorkingDir": "/var/task"}
    for number, form in enumerate(FORMS.values()):
        packing = ("", "gzip", "zstd")[number % 3]
        yield archive(form(Image(layers, packing=packing, run=run)))


def profiles() -> Iterator[bytes]:
    """Yield a built-in profile, whole and without its parts, and what is none."""
    text = (files("abicheck.profiles") / "data" / f"{DEFAULT_TARGET}.json").read_bytes()
    yield text if len(text) <= 1 << 16 else b"{}"
    yield _written()


def _written() -> bytes:
    """Return a profile as `capture` writes one."""
    return write_profile(a_profile(), {"source": "fuzz"}).encode()


def replies() -> Iterator[bytes]:
    """Yield what a function sends of the machine it runs on, as it is and in an HTTP answer."""
    files = {path: data for path, data in a_root().items() if isinstance(data, bytes)}
    reply = {
        "schema": 1,
        "runtime": {
            "schema": 1,
            "version": "3.13.5",
            "implementation": "cpython",
            "executable": "/usr/bin/python3.13",
            "folder": "/probe",
            "path": ["/probe", "/usr/lib/python3.13"],
            "suffixes": [".cpython-313-x86_64-linux-gnu.so", ".so"],
            "builtin": ["sys", "time"],
            "magic": "f30d0d0a",
            "loaded": ["/lib/x86_64-linux-gnu/libc.so.6"],
            "environment": {"LD_LIBRARY_PATH": "/opt/lib"},
            "machine": "x86_64",
            "kernel": "6.1.0",
            "page_size": 4096,
            "libc": "glibc 2.36",
            "isa_level": 4,
            "date": "2026-02-03",
        },
        "entries": {path: len(data) for path, data in files.items()} | {"/lib64": "usr/lib64"},
        "chunks": {
            path: [[0, len(data)], base64.b64encode(zlib.compress(data)).decode()]
            for path, data in files.items()
        },
        "left_out": [],
    }
    yield json.dumps(reply, indent=0).encode()
    yield json.dumps({"body": json.dumps(reply)}).encode()


def configurations() -> Iterator[bytes]:
    """Yield a configuration with every kind of value."""
    yield b"""required-version = ">=0.1"
fail-level = "warning"
ignore-rules = ["ABI6"]
exit-zero = true
env = ["A=b"]

[functions.api]
artifact = "api.zip"
handler = "app.handler"
layers = ["layer.zip"]
environment = { PYTHONPATH = "/opt" }

[[ignore]]
rule = "ABI201"
path = "vendor/*"
reason = "known"
expires = 2027-01-01
"""
    yield b'[tool.abicheck]\nhandler = "a.b"\nlayer = ["x"]\n'


def baselines() -> Iterator[bytes]:
    """Yield a baseline with an entry, and an empty one."""
    entry = {"code": "ABI201", "path": "a.so", "function": None, "fingerprint": "0" * 64}
    yield json.dumps({"version": 1, "findings": [entry]}).encode()
    yield b'{"version": 1, "findings": []}'


def requirements() -> Iterator[bytes]:
    """Yield a requirements file with every kind of line."""
    yield f"""# a comment
numpy==2.1.0 ; python_version >= "3.9" and sys_platform == "linux" \\
    --hash=sha256:{_DIGEST}
pkg[extra] @ file:///wheels/pkg-1.0-py3-none-any.whl#sha256={_DIGEST}
-e ./local
-c constraints.txt
--index-url https://example.invalid/simple
./wheels/other-1.0-py3-none-any.whl
${{TOKEN}}
""".encode()


def locks() -> Iterator[bytes]:
    """Yield a pylock.toml."""
    text = f"""lock-version = "1.0"
created-by = "fuzz"
requires-python = ">=3.9"
environments = ["sys_platform == 'linux'"]

[[packages]]
name = "numpy"
version = "2.1.0"
marker = "python_version >= '3.9'"

[[packages.wheels]]
name = "numpy-2.1.0-cp313-cp313-manylinux_2_17_x86_64.whl"
url = "https://example.invalid/numpy-2.1.0-cp313-cp313-manylinux_2_17_x86_64.whl"
hashes = {{ sha256 = "{_DIGEST}" }}
upload-time = {dt.datetime(2026, 1, 1, tzinfo=dt.UTC).isoformat()}
"""
    tomllib.loads(text)
    yield text.encode()


def dockerfiles() -> Iterator[bytes]:
    """Yield a Dockerfile with arguments and stages."""
    yield b"""ARG TAG=3.13
FROM --platform=linux/amd64 public.example/lambda/python:${TAG:-3.12} AS build
RUN pip install \\
    numpy
FROM scratch
COPY --from=build /a /b
"""


def logs() -> Iterator[bytes]:
    """Yield what a runtime logs."""
    yield (
        b"[ERROR] Runtime.ImportModuleError: Unable to import module 'app': /lib64/libm.so.6: "
        b"version `GLIBC_2.38' not found (required by /var/task/mod.so)\nTraceback (most recent\n"
    )
    yield b"ImportError: libGL.so.1: cannot open shared object file: No such file or directory\n"
