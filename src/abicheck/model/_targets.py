"""Targets: everything that decides whether an object loads there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from abicheck.model._objects import SymbolRef, SymbolTable, VersionNeed


def _no_references() -> tuple[SymbolRef, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Library:
    """A shared object of the target: its place, what it offers and needs.

    `path` is its real path, no link in it.  An executable that exports symbols
    is one as well, and mostly has no `soname`.  `introduced` maps version nodes
    that only newer releases of the target have to the day (ISO) from which they
    are served.  `doubtful` says why its presence is not certain, or is empty.
    `load_references` gives what its relocations look up, where that is known:
    it is asked only when the library meets something that is not the target's.
    """

    soname: str | None
    path: PurePosixPath
    table: SymbolTable
    needed: tuple[str, ...] = ()
    rpath: str | None = None
    runpath: str | None = None
    version_needs: tuple[VersionNeed, ...] = ()
    load_references: Callable[[], tuple[SymbolRef, ...]] = field(
        default=_no_references, compare=False
    )
    introduced: Mapping[str, str] = field(default_factory=dict)
    doubtful: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """The CPython of a target, as far as loading extensions depends on it.

    `exports` are the names of its dynamic symbol table; `sometimes` are those
    among them that not every patch release has.  `startup` is what the process
    holds before anything is imported, by the loader's own names and in the
    order of its search list, the executable first where it is known.
    `preloaded` is what was opened after that, before any code of the artifact:
    it is in the process, but in nobody's scope.  `path` is sys.path.  `soname`
    is that of libpython, and empty where the executable itself is the
    interpreter.  `magic` are the first bytes of its bytecode files.
    """

    version: tuple[int, int]
    suffixes: tuple[str, ...]
    exports: frozenset[str]
    sometimes: frozenset[str]
    path: tuple[PurePosixPath, ...]
    soname: str
    startup: tuple[str, ...]
    builtin: frozenset[str]
    stdlib: frozenset[str]
    stable_abi: Mapping[str, tuple[int, int]]
    shipped: frozenset[str] = frozenset()
    magic: bytes = b""
    executable: PurePosixPath | None = None
    preloaded: tuple[str, ...] = ()

    @property
    def tag(self) -> str:
        """The interpreter tag of PEP 425, for instance `cp313`."""
        return f"cp{self.version[0]}{self.version[1]}"

    @property
    def dotted(self) -> str:
        """`3.13`."""
        return f"{self.version[0]}.{self.version[1]}"


@dataclass(frozen=True, slots=True)
class TargetProfile:
    """Everything about a target that decides whether an object loads there.

    `libraries` are keyed by their real path.  `links` are symbolic links of
    the target, path to target text, relative or absolute.  `cache` is what
    ld.so.cache has for a name: paths, of which the loader takes the first.
    `package` is Lambda's package type, `zip` for the managed runtime or `image`
    for its base image.  `deprecation` are the days (ISO) on which a runtime is
    deprecated and may no longer be created or updated.  `preliminary` says why
    the whole target is not certain yet, or is empty.  `provenance` says of each
    kind of fact where it comes from and how sure it is.
    """

    name: str
    title: str
    runtime: str
    machine: str
    libc_version: tuple[int, int]
    os: str
    library_path: tuple[str, ...]
    default_path: tuple[str, ...]
    hwcaps: tuple[str, ...]
    lib: str
    platform: str
    page_size: int
    kernel: tuple[int, int, int]
    isa_level: int
    static_tls: int
    libraries: Mapping[str, Library]
    interpreter: Interpreter
    task_root: PurePosixPath
    wheel_platforms: tuple[str, ...]
    as_of: str
    image: str
    limits: Mapping[str, int] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    cache: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    package: str = ""
    deprecation: Mapping[str, str] = field(default_factory=dict)
    preliminary: str = ""
    provenance: Mapping[str, str] = field(default_factory=dict)

    @property
    def architecture(self) -> str:
        """The machine in Lambda's words: `x86_64` or `arm64`."""
        return "arm64" if self.machine == "aarch64" else self.machine

    @property
    def glibc(self) -> str:
        """`2.34`."""
        return f"{self.libc_version[0]}.{self.libc_version[1]}"
