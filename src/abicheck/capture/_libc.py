"""The C library and its loader: release, default directories, subdirectories.

What the loader was compiled with stands in its own read-only data; nothing of
it is guessed from the distribution's name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from abicheck.capture._root import Root
from abicheck.errors import ArtifactError

# `banner` of csu/version.c; a distribution's own words stand between the parentheses.
_BANNER: Final = re.compile(rb"GNU C Library [^\0\n]*? version (\d+)\.(\d+)")
# `system_dirs` of elf/dl-load.c: each ends in a slash and a zero byte.
_DIRECTORIES: Final = re.compile(rb"(?:/[\w./+-]+/\0){2,}")


@dataclass(frozen=True, slots=True)
class Libc:
    """glibc as a root file system has it.

    `directories` are where it looks by itself, `lib` is what `$LIB` means.
    """

    version: tuple[int, int]
    banner: str
    directories: tuple[str, ...]
    lib: str


def read_libc(root: Root, loader: str, libc: str) -> Libc:
    """Return what the files of the loader and of libc.so.6 say of themselves."""
    found = _BANNER.search(root.read(libc) or b"")
    if found is None:
        reason = f"{libc}: not the GNU C Library: it has no release banner"
        raise ArtifactError(reason)
    directories = _system_directories(root.read(loader) or b"")
    if not directories:
        reason = f"{loader}: not a loader of the GNU C Library: it has no default directories"
        raise ArtifactError(reason)
    return Libc(
        version=(int(found[1]), int(found[2])),
        banner=found[0].decode("ascii", "replace"),
        directories=directories,
        lib=directories[0].lstrip("/"),
    )


def _system_directories(data: bytes) -> tuple[str, ...]:
    for found in _DIRECTORIES.finditer(data):
        names = found[0].decode("ascii").split("\0")[:-1]
        if all("/lib" in name for name in names):
            return tuple(name.rstrip("/") for name in names)
    return ()
