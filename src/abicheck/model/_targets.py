"""Targets: everything that decides whether an object loads there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from abicheck.model._objects import SymbolTable


@dataclass(frozen=True, slots=True)
class Library:
    """A shared library of the target: its place, what it offers and needs.

    `introduced` maps version nodes that only newer releases of the target
    have to the day (ISO) from which they are served.  `doubtful` says why its
    presence is not certain, or is empty.
    """

    soname: str
    path: PurePosixPath
    table: SymbolTable
    needed: tuple[str, ...] = ()
    runpath: str | None = None
    introduced: Mapping[str, str] = field(default_factory=dict)
    doubtful: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """The CPython of a target, as far as loading extensions depends on it.

    `exports` are the names of its dynamic symbol table; `sometimes` are those
    among them that not every patch release has.  `startup` are the sonames
    that the process holds before anything is imported.  `path` is sys.path.
    `magic` are the first bytes of its bytecode files.
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
    """Everything about a target that decides whether an object loads there."""

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

    @property
    def glibc(self) -> str:
        """`2.34`."""
        return f"{self.libc_version[0]}.{self.libc_version[1]}"
