"""The CPython of a root file system, read from its files and never run."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from abicheck.capture._root import Root
from abicheck.errors import ArtifactError
from abicheck.model import ElfFacts

_PROGRAM: Final = re.compile(r"python3(\.\d+)?t?")
_VERSION: Final = re.compile(r"python(\d)\.(\d+)(t?)")
# `_PyImport_DynLoadFiletab` of Python/dynload_shlib.c, where its strings lie.
_SUFFIX: Final = re.compile(rb"\0(\.(?:cpython-\d+[a-z]*(?:-[\w-]+)?|abi3(?:-[\w-]+)?)\.so)(?=\0)")
_RELEASE: Final = rb"\0(%d\.%d\.\d+(?:(?:a|b|rc)\d+)?\+?)\0"
_MULTIARCH: Final = "{0}-linux-gnu"

# importlib.util.MAGIC_NUMBER of each release (Lib/importlib/_bootstrap_external.py,
# later Include/internal/pycore_magic_number.h).
_MAGIC: Final[Mapping[tuple[int, int], int]] = {
    (3, 8): 3413,
    (3, 9): 3425,
    (3, 10): 3439,
    (3, 11): 3495,
    (3, 12): 3531,
    (3, 13): 3571,
    (3, 14): 3627,
}

# Built in, and initialised by other means than a PyInit_ function of that name.
_WITHOUT_INIT: Final = frozenset({"builtins", "sys", "marshal", "gc", "_warnings"})
_FROZEN_SINCE: Final = (3, 11)
# Python/frozen.c: imported from the executable itself, whatever sys.path has.
_FROZEN_ALWAYS: Final = frozenset({"zipimport", "_frozen_importlib", "_frozen_importlib_external"})
_FROZEN: Final = frozenset(
    {
        "_collections_abc",
        "_sitebuiltins",
        "abc",
        "codecs",
        "genericpath",
        "io",
        "ntpath",
        "os",
        "posixpath",
        "runpy",
        "site",
        "stat",
    }
)
_NOT_IN_TABLE: Final = frozenset({"_frozen_importlib", "_frozen_importlib_external"})
_LANDMARK: Final = "os.py"


@dataclass(frozen=True, slots=True)
class Program:
    """An interpreter's executable: where it lies, and which CPython it is.

    `name` is the path by which it was found, which may be that of a virtual
    environment, and `path` the real one.  `library` is the DT_NEEDED name of
    libpython, or empty where the executable is the interpreter itself.  `flags`
    is `t` for a free-threaded build.
    """

    name: str
    path: str
    facts: ElfFacts
    version: tuple[int, int]
    flags: str
    library: str

    @property
    def dotted(self) -> str:
        """`3.13`, and `3.13t` where it is free-threaded."""
        return f"{self.version[0]}.{self.version[1]}{self.flags}"


def find_program(root: Root, wanted: str | None, search: Sequence[str]) -> Program:
    """Return the interpreter at `wanted`, or the first in these folders.

    Raises `ArtifactError` where there is none.
    """
    names = [wanted] if wanted is not None else list(_candidates(root, search))
    for name in names:
        real = root.real(name)
        facts = root.facts(name)
        if real is None or facts is None:
            continue
        program = _identify(name, real, facts)
        if program is not None:
            return program
    where = wanted if wanted is not None else ", ".join(search)
    reason = f"no CPython at {where}; `abicheck capture --python PATH` takes one from elsewhere"
    raise ArtifactError(reason)


def _candidates(root: Root, search: Sequence[str]) -> Iterator[str]:
    for folder in search:
        names = (n for n in root.children(folder) if _PROGRAM.fullmatch(n))
        yield from (posixpath.join(folder, name) for name in sorted(names, key=_preference))


def _preference(name: str) -> tuple[bool, int, str]:
    """Put `python3`, which is what a user would run, before the newest of the others."""
    minor = name.rstrip("t").rpartition(".")[2]
    return (name != "python3", -int(minor) if minor.isdecimal() else 0, name)


def _identify(name: str, real: str, facts: ElfFacts) -> Program | None:
    library = next((name for name in facts.needed if name.startswith("libpython")), "")
    found = _VERSION.search(library) or _VERSION.fullmatch(posixpath.basename(real))
    if found is None:
        return None
    return Program(name, real, facts, (int(found[1]), int(found[2])), found[3], library)


def standard_library(root: Root, program: Program, home: str = "") -> str:
    """Return the folder of the standard library, as `getpath` finds it from the executable.

    Mirrors `search_up` of Modules/getpath.py: upwards to `lib/python3.X/os.py`.  `home` is
    PYTHONHOME, which leaves no choice.
    """
    prefix = home.partition(":")[0]
    if prefix:
        folder = posixpath.join(prefix, "lib", f"python{program.dotted}")
        if root.is_file(posixpath.join(folder, _LANDMARK)):
            return folder
        reason = (
            f"{program.path} would not start: PYTHONHOME={home}, and {folder} has no {_LANDMARK}"
        )
        raise ArtifactError(reason)
    above = posixpath.dirname(program.path)
    while above != "/":
        above = posixpath.dirname(above)
        for lib in ("lib", "lib64"):
            folder = posixpath.join(above, lib, f"python{program.dotted}")
            if root.is_file(posixpath.join(folder, _LANDMARK)):
                return folder
    reason = f"{program.path}: no standard library above it (lib/python{program.dotted}/os.py)"
    raise ArtifactError(reason)


def release(data: bytes, version: tuple[int, int]) -> str:
    """Return the full version that stands in an interpreter's data, or the short one."""
    found = re.search(_RELEASE % version, data)
    return found[1].decode("ascii") if found is not None else f"{version[0]}.{version[1]}"


def suffixes(data: bytes, program: Program, machine: str) -> tuple[str, ...]:
    """Return the extension suffixes in CPython's order: the tagged one, abi3, the bare one."""
    texts = {match[1].decode("ascii") for match in _SUFFIX.finditer(data)}
    tagged = sorted(text for text in texts if text.startswith(".cpython-"))
    stable = sorted((text for text in texts if text.startswith(".abi3")), key=len)
    if not tagged:
        number = f"{program.version[0]}{program.version[1]}{program.flags}"
        tagged = [f".cpython-{number}-{_MULTIARCH.format(machine)}.so"]
        stable = [] if program.flags else [".abi3.so"]
    return (*tagged, *stable, ".so")


def built_in(exports: AbstractSet[str], version: tuple[int, int]) -> frozenset[str]:
    """Return the modules that come from the interpreter itself: compiled in, or frozen."""
    compiled = {name.removeprefix("PyInit_") for name in exports if name.startswith("PyInit_")}
    frozen = _FROZEN if version >= _FROZEN_SINCE else frozenset()
    return frozenset(compiled | _WITHOUT_INIT | frozen | _FROZEN_ALWAYS)


def magic_number(version: tuple[int, int]) -> bytes:
    """Return the first four bytes of the bytecode files of a release; empty for others."""
    number = _MAGIC.get(version)
    return b"" if number is None else number.to_bytes(2, "little") + b"\r\n"


def search_path(root: Root, program: Program, stdlib: str, python_path: str) -> tuple[str, ...]:
    """Return sys.path after the entry of the script: PYTHONPATH, the library, site's folders.

    Mirrors Modules/getpath.py and `site.getsitepackages`, with the folders that
    Debian's site.py has instead.
    """
    prefix = posixpath.dirname(posixpath.dirname(stdlib))
    number = f"{program.version[0]}{program.version[1]}{program.flags}"
    own = (
        posixpath.join(posixpath.dirname(stdlib), f"python{number}.zip"),
        stdlib,
        posixpath.join(stdlib, "lib-dynload"),
    )
    if b"dist-packages" in (root.read(posixpath.join(stdlib, "site.py")) or b""):
        site: tuple[str, ...] = (
            f"{prefix.removesuffix('/')}/local/lib/python{program.dotted}/dist-packages",
            f"{prefix.removesuffix('/')}/lib/python3/dist-packages",
        )
    else:
        site = (posixpath.join(stdlib, "site-packages"),)
    given = tuple(entry for entry in python_path.split(":") if entry)
    return (*given, *own, *(folder for folder in site if root.is_dir(folder)))


def modules(root: Root, folder: str, suffix: Sequence[str]) -> frozenset[str]:
    """Return the top-level names that a folder of sys.path could serve."""
    found = set()
    for name in root.children(folder):
        path = posixpath.join(folder, name)
        stem = name.split(".", 1)[0]
        if not stem.isidentifier():
            continue
        rest = name[len(stem) :]
        if rest in (".py", ".pyc", *suffix) or (not rest and _is_package(root, path)):
            found.add(stem)
    return frozenset(found - {"__pycache__"})


def _is_package(root: Root, folder: str) -> bool:
    return root.is_dir(folder) and any(
        name.endswith((".py", ".pyc", ".so")) or root.is_dir(posixpath.join(folder, name))
        for name in root.children(folder)
    )
