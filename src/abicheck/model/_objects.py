"""Binaries: what the loader reads from an object, and what is no object."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from abicheck.model._places import Location


@dataclass(frozen=True, slots=True)
class VersionNeed:
    """One entry of DT_VERNEED: version `version` must be defined by `soname`.

    `hashed` is False where it bears the hash of another name, so that no definition is it.
    """

    soname: str
    version: str
    weak: bool = False
    hashed: bool = True

    def __str__(self) -> str:
        return f"{self.soname}({self.version})"


@dataclass(frozen=True, slots=True)
class SymbolRef:
    """An undefined dynamic symbol that a relocation names.

    `soname` is the file its version is expected of (`vn_file`); the loader
    binds by version name alone and uses it only to detect a broken library.
    """

    name: str
    version: str | None = None
    soname: str | None = None
    weak: bool = False
    data: bool = False

    def __str__(self) -> str:
        return self.name if self.version is None else f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class SymbolDef:
    """One definition of a name: its version, and whether it is the default (`@@`).

    `index` is the DT_VERSYM index without the hidden bit.  An unversioned
    reference takes index 0, 1 or 2 at once and else needs a default version.
    """

    version: str | None = None
    hidden: bool = False
    index: int = 1


class SymbolTable:
    """What one library offers, indexed as a loader asks for it.

    The same type serves a shipped object and a library of the target.
    `versions` is None where the library has no DT_VERDEF; `versioned` says
    whether it has DT_VERSYM.  `complete` is False where only the version
    nodes are known: such a table never proves that a symbol is missing.
    The definitions are decoded on the first question, since most objects are
    never asked.
    """

    __slots__ = ("_definitions", "_found", "_load", "_search", "complete", "versioned", "versions")

    def __init__(
        self,
        load: Callable[[], Mapping[str, tuple[SymbolDef, ...]]],
        *,
        versions: tuple[str, ...] | None = None,
        versioned: bool = False,
        complete: bool = True,
        search: Callable[[str], tuple[SymbolDef, ...]] | None = None,
    ) -> None:
        self._search = search
        self._found: dict[str, tuple[SymbolDef, ...]] = {}
        self._load: Callable[[], Mapping[str, tuple[SymbolDef, ...]]] | None = load
        self._definitions: Mapping[str, tuple[SymbolDef, ...]] = {}
        self.versions = versions
        self.versioned = versioned
        self.complete = complete

    @property
    def definitions(self) -> Mapping[str, tuple[SymbolDef, ...]]:
        """Every name the loader could find here, with its definitions."""
        if self._load is not None:
            self._definitions = self._load()
            self._load = None
        return self._definitions

    def find(self, name: str) -> tuple[SymbolDef, ...]:
        """Return the definitions of a name that a search comes to: those the hash table leads to.

        Of a library that is only described, these are all it has.
        """
        if self._search is None:
            return self.definitions.get(name, ())
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = self._search(name)
        return found


def _no_definitions() -> Mapping[str, tuple[SymbolDef, ...]]:
    return {}


NO_SYMBOLS: Final = SymbolTable(_no_definitions)


@dataclass(frozen=True, slots=True)
class ElfHeader:
    """The fields of `Elf_Ehdr` that glibc's `open_verify` looks at."""

    ei_class: int
    ei_data: int
    ei_version: int
    osabi: int
    abiversion: int
    padding: bytes
    type: int
    machine: int
    version: int
    phoff: int
    phentsize: int
    phnum: int


@dataclass(frozen=True, slots=True)
class Segment:
    """One program header; offsets and sizes in bytes."""

    type: int
    flags: int
    offset: int
    vaddr: int
    filesz: int
    memsz: int
    align: int


class Assertion(enum.StrEnum):
    """What the loader asserts of a table, and dies of where it is not so."""

    PLTREL = "DT_PLTREL is not DT_RELA"
    RELAENT = "DT_RELAENT is not the size of a relocation"
    RELRENT = "DT_RELRENT is not the size of a word"
    BLOOM = "the words of DT_GNU_HASH's filter are no power of two"
    RELATIVE = "DT_RELACOUNT counts relocations that are not relative"


@dataclass(frozen=True, slots=True)
class ElfFacts:
    """What the loader reads from one object, and nothing it does not.

    `needed`, `filters` (DT_FILTER, as good as needed), `rpath` and `runpath` are the raw
    strings of the dynamic table.
    `references` are the undefined symbols that relocations name, in
    relocation order (DT_RELA, then DT_JMPREL).  `defect` is glibc's text for
    a header it refuses to read further (`file too short`, `cannot read file
    data`), or a sentence beginning with "malformed" where a table lies.
    `mentions` are modules that its init function is known to import; `constants`
    is the read-only data of one that can import modules, where that is small.
    `limit` says why not all of it was examined: tables that overlap.
    Where the defect is met later than at once, one of four says when: `misnamed` when
    what it needs is looked for, `misversioned` when the versions are compared,
    `unsearchable` by whoever looks a symbol up in it, `unrelocatable` when it is relocated.
    `assertion` is one of the loader's own that it does not meet; `misrelative` says that
    relocations are counted as relative which are not; `fixed_dynamic` that the
    loader cannot write into its dynamic table, `loose_relro` that not all is mapped
    of what PT_GNU_RELRO would protect.  `verneed` and `verdef` are the revisions of those
    tables' records, of which the loader knows 1.  `initialisers` says that it has a
    DT_INIT_ARRAY, which the loader calls.  `beyond_end` says that a segment reaches past the
    end of the file, so that touching it is a SIGBUS; `stripped` that the dynamic symbol
    table is its only one.
    """

    location: Location
    size: int
    header: ElfHeader | None
    segments: tuple[Segment, ...] = ()
    dynamic: bool = False
    soname: str | None = None
    needed: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    rpath: str | None = None
    runpath: str | None = None
    interpreter: str | None = None
    flags_1: int = 0
    version_needs: tuple[VersionNeed, ...] = ()
    table: SymbolTable = NO_SYMBOLS
    references: tuple[SymbolRef, ...] = ()
    undefined: tuple[SymbolRef, ...] = ()
    isa_needed: int = 0
    kernel: tuple[int, int, int] | None = None
    kernel_os: int = 0
    exec_stack: bool | None = None
    tls_size: int = 0
    tls_align: int = 0
    static_tls: bool = False
    relr: bool = False
    initialisers: bool = False
    textrel: bool = False
    unknown_relocation: int | None = None
    mentions: tuple[str, ...] = ()
    constants: bytes = field(default=b"", repr=False)
    build_id: str | None = None
    compilers: tuple[str, ...] = ()
    stripped: bool = False
    defect: str | None = None
    misnamed: bool = False
    misversioned: bool = False
    unsearchable: bool = False
    unrelocatable: bool = False
    beyond_end: bool = False
    assertion: Assertion | None = None
    misrelative: bool = False
    fixed_dynamic: bool = False
    loose_relro: bool = False
    verneed: int = 1
    verdef: int = 1
    limit: str | None = None

    @property
    def machine(self) -> str:
        """The architecture in `uname -m`'s words, or `EM_n`."""
        return (
            ""
            if self.header is None
            else MACHINES.get(self.header.machine, f"EM_{self.header.machine}")
        )

    @property
    def needs_musl(self) -> bool:
        """Whether it was linked against musl's C library, which `is_musl` knows by name."""
        return any(map(is_musl, self.needed))


def is_musl(soname: str) -> bool:
    """Whether a soname is musl's C library; its development name is `libc.so`."""
    return soname.startswith(("libc.musl-", "ld-musl-")) or soname == "libc.so"


MACHINES: Final[Mapping[int, str]] = MappingProxyType(
    {
        2: "sparc",
        3: "i386",
        8: "mips",
        20: "ppc",
        21: "ppc64le",
        22: "s390x",
        40: "arm",
        62: "x86_64",
        183: "aarch64",
        243: "riscv64",
        258: "loongarch64",
    }
)


class Foreign(enum.StrEnum):
    """What a file named like an extension is when it is not ELF."""

    MACH_O = "Mach-O (macOS)"
    PE = "PE (Windows)"
    XCOFF = "XCOFF (AIX)"
    EMPTY = "empty file"
    LFS_POINTER = "Git LFS pointer"
    HTML = "HTML page"
    LINKER_SCRIPT = "linker script (text)"
    ARCHIVE = "static library (ar)"
    BITCODE = "LLVM bitcode"
    TEXT = "text"
    ELF_TRUNCATED = "truncated ELF header"
    UNKNOWN = "unknown data"


@dataclass(frozen=True, slots=True)
class ForeignFile:
    """A file with a shared object's name that is something else."""

    location: Location
    size: int
    kind: Foreign
