"""Writes small root file systems: a loader, a C library, an interpreter, laid out as Debian does.

`a_root()` is a mapping of target paths to bytes, or to a link's target as text; tests change
it and hand it to `write_root`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from tests.elfbuilder import Elf, definition, reference
from tests.imagebuilder import Tarred, folder, link, tar

Root = dict[str, bytes | str]

MULTIARCH: Final = "/usr/lib/x86_64-linux-gnu"
LOADER: Final = "/lib64/ld-linux-x86-64.so.2"
BANNER: Final = b"\0GNU C Library (Somebody GLIBC 2.36-9) stable release version 2.36.\n\0"
FOLDERS: Final = (
    b"\0/lib/x86_64-linux-gnu/\0/usr/lib/x86_64-linux-gnu/\0/lib/\0/usr/lib/\0unrelated\0"
)
SUFFIXES: Final = b"\0.cpython-313-x86_64-linux-gnu.so\0.abi3.so\0.so\0"
PYTHON: Final = Elf(
    interpreter=LOADER,
    needed=("libc.so.6",),
    symbols=(
        reference("memcpy", "GLIBC_2.14", "libc.so.6"),
        definition("PyModule_Create2"),
        definition("PyInit_time"),
    ),
)
LIBC: Final = Elf(
    soname="libc.so.6",
    needed=("ld-linux-x86-64.so.2",),
    symbols=(definition("memcpy", "GLIBC_2.14"),),
    versions=("GLIBC_2.2.5", "GLIBC_2.14"),
)
LD_SO: Final = Elf(soname="ld-linux-x86-64.so.2", symbols=(definition("_dl_x"),))


def a_root() -> Root:
    """A Debian-like root with CPython 3.13 linked statically, and one library besides."""
    return {
        "/lib": "usr/lib",
        "/lib64": "usr/lib64",
        "/usr/lib64/ld-linux-x86-64.so.2": "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
        f"{MULTIARCH}/ld-linux-x86-64.so.2": LD_SO.build() + FOLDERS,
        f"{MULTIARCH}/libc.so.6": LIBC.build() + BANNER,
        f"{MULTIARCH}/libz.so.1": "libz.so.1.2.13",
        f"{MULTIARCH}/libz.so.1.2.13": a_library("libz.so.1", "inflate"),
        "/usr/bin/python3": "python3.13",
        "/usr/bin/python3.13": PYTHON.build() + SUFFIXES + b"\x003.13.5\0",
        "/usr/lib/python3.13/os.py": b"",
        "/usr/lib/python3.13/site.py": b"# ... dist-packages ...\n",
        "/usr/lib/python3.13/json/__init__.py": b"",
        "/usr/lib/python3.13/lib-dynload/_bz2.cpython-313-x86_64-linux-gnu.so": Elf(
            needed=("libz.so.1",), symbols=(definition("PyInit__bz2"),)
        ).build(),
        "/usr/lib/python3/dist-packages/six.py": b"",
        "/etc/os-release": b'NAME="Some Linux"\nVERSION_ID="12"\n',
    }


def a_library(soname: str, *names: str, needed: Sequence[str] = ()) -> bytes:
    """A shared object that defines these functions."""
    symbols = tuple(map(definition, names))
    return Elf(soname=soname, needed=tuple(needed), symbols=symbols).build()


def write_root(base: Path, root: Mapping[str, bytes | str]) -> Path:
    """Write the files and links below a folder, which is returned."""
    for path, content in root.items():
        place = base / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            place.symlink_to(content)
        else:
            place.write_bytes(content)
    return base


def layer_of(root: Mapping[str, bytes | str]) -> bytes:
    """Return a layer that holds the files and links."""
    return tar(entries_of(root))


def entries_of(root: Mapping[str, bytes | str]) -> list[Tarred]:
    """Return the entries of such a layer, each folder before what is in it."""
    names = [path.lstrip("/") for path in root]
    above = {str(place) for name in names for place in PurePosixPath(name).parents} - {"."}
    entries = [folder(name) for name in sorted(above - set(names))]
    for name, content in zip(names, root.values(), strict=True):
        if isinstance(content, str):
            entries.append(link(name, content))
        else:
            entries.append(Tarred(name, content, mode=0o755))
    return entries


# --- ld.so.cache ---

Entry = tuple[str, str, int, int]
"""Name, path, flags, hwcap."""

X86_64: Final = 0x303
EXTENSION: Final = 1 << 62


def new_cache(entries: Sequence[Entry], hwcaps: Sequence[str] = (), flags: int = 2) -> bytes:
    """Write the format of glibc 2.32, with its extension where `hwcaps` are given."""
    count = len(entries)
    base = 48 + 24 * count
    strings = bytearray()

    def add(text: str) -> int:
        strings.extend(text.encode() + b"\0")
        return base + len(strings) - len(text.encode()) - 1

    rows = b"".join(
        struct.pack("<iIIIQ", kind, add(name), add(path), 0, hwcap)
        for name, path, kind, hwcap in entries
    )
    words = [add(name) for name in hwcaps]
    strings.extend(bytes(-len(strings) % 4))
    extension = base + len(strings) if words else 0
    tail = b""
    if words:
        tail = struct.pack("<II", 0xEAA42174, 1)
        tail += struct.pack("<IIII", 1, 0, extension + 24, 4 * len(words))
        tail += struct.pack(f"<{len(words)}I", *words)
    head = b"glibc-ld.so.cache1.1"
    head += struct.pack("<IIB3xI12x", count, len(strings), flags, extension)
    return head + rows + bytes(strings) + tail


def old_cache(entries: Sequence[Entry], inner: bytes = b"") -> bytes:
    """Write the format before glibc 2.2, with a new cache inside it where one is given."""
    strings = bytearray()
    rows = b""
    for name, path, kind, _ in entries:
        key = len(strings)
        strings.extend(name.encode() + b"\0")
        rows += struct.pack("<iII", kind, key, len(strings))
        strings.extend(path.encode() + b"\0")
    head = b"ld.so-1.7.0\0" + struct.pack("<I", len(entries)) + rows
    if inner:
        return head + bytes(-len(head) % 8) + inner
    return head + bytes(strings)
