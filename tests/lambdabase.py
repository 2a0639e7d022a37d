"""A base image laid out as Lambda's is, with libraries written from what is on record of it.

No file of Lambda's is in it: each library has the names and versions of its table and no code,
the interpreter's modules are empty, and nothing of it runs anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.elfbuilder import Elf, definition
from tests.imagebuilder import Image, Tarred, folder, link, tar

from abicheck.model import Library, TargetProfile

_FOLDERS: Final = b"\0/lib64/\0/usr/lib64/\0unrelated\0"
_BANNER: Final = b"\0GNU C Library (GNU libc) stable release version 2.34.\n\0"
_SUFFIXES: Final = b"\0.cpython-313-x86_64-linux-gnu.so\0.abi3.so\0.so\0\x003.13.5\0"


def lambda_base(profile: TargetProfile) -> Image:
    """Return the base image for a profile of python3.13 on x86_64."""
    return Image(
        (tar(list(_entries(profile))),),
        run={
            "Env": [
                f"LD_LIBRARY_PATH={':'.join(profile.library_path)}",
                "PATH=/var/lang/bin:/usr/local/bin:/usr/bin",
                "LAMBDA_TASK_ROOT=/var/task",
            ],
            "Entrypoint": ["/lambda-entrypoint.sh"],
            "WorkingDir": "/var/task",
        },
    )


def _entries(profile: TargetProfile) -> Iterator[Tarred]:
    stdlib = "var/lang/lib/python3.13"
    files = {f"{stdlib}/{name}.py": b"" for name in profile.interpreter.stdlib}
    for path, library in profile.libraries.items():
        files[path.lstrip("/")] = _library(library)
    files |= {
        f"{stdlib}/os.py": b"",
        f"{stdlib}/site.py": b"",
        "var/lang/bin/python3.13": Elf(
            interpreter="/lib64/ld-linux-x86-64.so.2",
            needed=("libpython3.13.so.1.0", "libc.so.6"),
        ).build(),
        "var/runtime/bootstrap": b"#!/bin/sh\n",
        "lambda-entrypoint.sh": b"#!/bin/sh\n",
        "etc/os-release": b'NAME="Amazon Linux"\nVERSION_ID="2023"\n',
    }
    above = {str(place) for name in files for place in _above(name)} | {
        f"{stdlib}/lib-dynload",
        "usr",
        "var/task",
        "opt",
    }
    yield from (folder(name) for name in sorted(above))
    yield from (Tarred(name, data, mode=0o755) for name, data in sorted(files.items()))
    yield from (link(name.lstrip("/"), target) for name, target in profile.links.items())
    yield link("var/lang/bin/python3", "python3.13")


def _above(name: str) -> Iterator[str]:
    parts = name.split("/")
    yield from ("/".join(parts[:count]) for count in range(1, len(parts)))


def _library(library: Library) -> bytes:
    data = Elf(
        soname=library.soname,
        needed=library.needed,
        symbols=tuple(
            definition(name, each.version or "", hidden=each.hidden)
            for name, all_of_them in library.table.definitions.items()
            for each in all_of_them
        ),
        versions=tuple(library.table.versions or ()),
        stack=6,
    ).build()
    soname = library.soname or ""
    if soname.startswith("libpython3."):
        return data + _SUFFIXES
    return data + {"libc.so.6": _BANNER, "ld-linux-x86-64.so.2": _FOLDERS}.get(soname, b"")
