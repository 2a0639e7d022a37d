"""The nouns of abicheck, on one page.

Pure: values and the few questions they answer about themselves.  No I/O, no
clock, no environment.  Paths inside a target or an artifact are
`PurePosixPath`, so that they can never be opened on the checking machine by
mistake.  `None` means "the file does not say", never "failed".
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Final


class Severity(enum.IntEnum):
    """How much a finding matters: a note is worth knowing, an error will not load."""

    NOTE = 1
    WARNING = 2
    ERROR = 3

    def __str__(self) -> str:
        return self.name.lower()


# --- places -----------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """Where a file is in its artifact; path and layer are its whole identity."""

    path: PurePosixPath
    layer: str = ""

    def __str__(self) -> str:
        return f"{self.layer}:{self.path}" if self.layer else str(self.path)


# --- symbols ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VersionNeed:
    """One entry of DT_VERNEED: version `version` must be defined by `soname`."""

    soname: str
    version: str
    weak: bool = False

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

    __slots__ = ("_definitions", "_load", "complete", "versioned", "versions")

    def __init__(
        self,
        load: Callable[[], Mapping[str, tuple[SymbolDef, ...]]],
        *,
        versions: tuple[str, ...] | None = None,
        versioned: bool = False,
        complete: bool = True,
    ) -> None:
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


def _no_definitions() -> Mapping[str, tuple[SymbolDef, ...]]:
    return {}


NO_SYMBOLS: Final = SymbolTable(_no_definitions)


# --- objects ----------------------------------------------------------------


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


@dataclass(frozen=True, slots=True)
class ElfFacts:
    """What the loader reads from one object, and nothing it does not.

    `needed`, `rpath` and `runpath` are the raw strings of the dynamic table.
    `references` are the undefined symbols that relocations name, in
    relocation order (DT_RELA, then DT_JMPREL).  `defect` is glibc's text for
    a header it refuses to read further (`file too short`, `cannot read file
    data`), or a sentence beginning with "malformed" where a table lies.
    `beyond_end` says that a segment reaches past the end of the file, so that
    touching it is a SIGBUS.
    """

    location: Location
    size: int
    header: ElfHeader | None
    segments: tuple[Segment, ...] = ()
    dynamic: bool = False
    soname: str | None = None
    needed: tuple[str, ...] = ()
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
    textrel: bool = False
    unknown_relocation: int | None = None
    build_id: str | None = None
    compilers: tuple[str, ...] = ()
    defect: str | None = None
    beyond_end: bool = False

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


# --- Python -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sibling:
    """A file beside the selected one that the importer does not open, and why."""

    location: Location
    suffix: str
    reason: str


@dataclass(frozen=True, slots=True)
class ExtensionModule:
    """A dotted name for which the artifact ships compiled files.

    `selected` is the file the target's importer opens; None where every file
    has a suffix that it does not know.  `shadowed_by` is a source file or
    package that the importer finds first.  `init` is the init function that
    CPython looks up in the opened file.
    """

    name: str
    selected: Location | None
    siblings: tuple[Sibling, ...] = ()
    shadowed_by: Location | None = None
    stub_folder: bool = False
    init: str = ""


@dataclass(frozen=True, slots=True)
class Distribution:
    """One `*.dist-info`: METADATA's name and version, WHEEL's tags, RECORD's paths."""

    name: str
    version: str
    location: Location
    tags: tuple[str, ...] = ()
    files: frozenset[str] = frozenset()
    requires_python: str | None = None

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class Verdict(enum.StrEnum):
    """The outcome of one `import_module` or one `dlopen` in a fresh process."""

    LOADS = "loads"
    FAILS = "fails"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class Site:
    """A line of Python source; for chains such as `handler.py:1 > pkg/__init__.py:8`."""

    path: PurePosixPath
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Failure:
    """How a load or an import ends when it does not succeed.

    `exception` is the class name and `message` its text, word for word; both
    are None for a death without a message, which `crash` names (`SIGBUS`,
    `SIGSEGV`, `SIGABRT`, `exit 127`).  `stderr` is what the loader prints
    before such a death.  `decided_by` is the object at fault.
    """

    exception: str | None
    message: str | None
    crash: str | None = None
    stderr: str | None = None
    decided_by: PurePosixPath | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """What `importlib.import_module(module)` does in a fresh process of the target."""

    module: str
    verdict: Verdict
    failure: Failure | None = None
    via: tuple[Site, ...] = ()


# --- targets ----------------------------------------------------------------


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


# --- what the loader would do -----------------------------------------------


class FoundBy(enum.StrEnum):
    """How the loader came upon a needed library, in the order it tries."""

    ROOT = "opened by name"
    ALREADY_LOADED = "already loaded"
    PATH = "path in DT_NEEDED"
    RPATH = "RPATH"
    LIBRARY_PATH = "LD_LIBRARY_PATH"
    RUNPATH = "RUNPATH"
    CACHE = "ld.so.cache"
    DEFAULT_PATH = "default directories"


class Outcome(enum.Enum):
    """How the search for one symbol reference ended; exactly one each."""

    BOUND = enum.auto()
    WEAK_UNBOUND = enum.auto()
    NO_LIBRARY = enum.auto()
    NO_VERSION = enum.auto()
    NO_SYMBOL = enum.auto()


@dataclass(frozen=True, slots=True)
class Dependency:
    """One DT_NEEDED entry: who asked, for what, what came, and how it was found.

    `provider` is the target path of the file that came, or None.  `defect` is
    the loader's text where the first candidate ended the load.
    """

    requester: PurePosixPath
    name: str
    provider: PurePosixPath | None
    found_by: FoundBy | None = None
    defect: str | None = None
    skipped: tuple[PurePosixPath, ...] = ()


@dataclass(frozen=True, slots=True)
class UnmetVersion:
    """A version need that its provider does not define."""

    requester: PurePosixPath
    provider: PurePosixPath
    need: VersionNeed


@dataclass(frozen=True, slots=True)
class Binding:
    """One symbol reference of one object, and how its search ended.

    `doubt` names a stand-in table that should have had the symbol: only the
    real library could tell.
    """

    requester: PurePosixPath
    ref: SymbolRef
    outcome: Outcome
    doubt: str = ""


class Trouble(enum.Enum):
    """What kind of fault ended a load; rules ask for the one they are about."""

    FILE = enum.auto()
    LIBRARY = enum.auto()
    VERSION = enum.auto()
    VERSION_FILE = enum.auto()
    UNVERSIONED_PROVIDER = enum.auto()
    ISA = enum.auto()
    RELOCATION = enum.auto()
    EXEC_STACK = enum.auto()
    SYMBOL = enum.auto()
    STATIC_TLS = enum.auto()
    INIT = enum.auto()
    RELR = enum.auto()


@dataclass(frozen=True, slots=True)
class Halt:
    """The first failure in the loader's own order, as it would have been seen."""

    trouble: Trouble
    at: PurePosixPath
    failure: Failure
    certain: bool = True


@dataclass(frozen=True, slots=True)
class RecentNeed:
    """A version need that only newer releases of the target serve; `since` is an ISO day."""

    requester: PurePosixPath
    need: VersionNeed
    since: str


@dataclass(frozen=True, slots=True)
class LinkMap:
    """What the target's loader makes of one object opened with RTLD_NOW.

    `objects` is the search list, breadth first, as the loader names it.
    `bindings` holds every reference that is neither bound nor harmlessly
    weak; `bound` counts those that are, and `assumed` those among them that
    rest on a library whose symbols are not known.  `halt` is what the process
    would have seen; the other fields name every fault, also those that a
    process would meet only after the first is mended.
    """

    root: PurePosixPath
    objects: tuple[PurePosixPath, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    unmet_versions: tuple[UnmetVersion, ...] = ()
    bindings: tuple[Binding, ...] = ()
    bound: int = 0
    assumed: int = 0
    recent: tuple[RecentNeed, ...] = ()
    halt: Halt | None = None

    @property
    def loads(self) -> bool:
        """Whether `dlopen` succeeds."""
        return self.halt is None

    @property
    def certain(self) -> bool:
        """Whether the outcome rests on facts alone and not on a stand-in table."""
        return self.halt is None or self.halt.certain


@dataclass(frozen=True, slots=True)
class Root:
    """One object that something opens, judged: an extension, or a library by itself.

    `module` is the dotted name that imports it, None for a library; `halt` is
    how opening it ends, after what its package loads before it.  `severity`
    is what a fault in its link map amounts to, and `reason` says why it is
    less than an error.
    """

    path: PurePosixPath
    location: Location
    link_map: LinkMap
    halt: Halt | None
    module: str | None = None
    prediction: Prediction | None = None
    severity: Severity = Severity.ERROR
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """All that the rules judge: the artifact, the target, and what would happen there."""

    inventory: Inventory
    profile: TargetProfile
    roots: tuple[Root, ...]
    missing: tuple[MissingModule, ...]
    owners: Mapping[PurePosixPath, Distribution]
    handler: Prediction | None = None


@dataclass(frozen=True, slots=True)
class MissingModule:
    """An extension module of which the artifact has only files the importer ignores."""

    module: ExtensionModule
    prediction: Prediction
    severity: Severity = Severity.ERROR
    reason: str = ""


# --- findings ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """The identity card of a rule; it travels with every finding."""

    code: str
    name: str
    severity: Severity
    summary: str
    explanation: str = ""
    messages: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    fixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """What a rule found; code, name and severity are added for it.

    `subject` is what the fault is about (a soname, a version, a symbol) and
    part of the fingerprint.  `severity` overrides the card's only downwards,
    with the reason in the message.
    """

    location: Location
    message: str
    subject: str = ""
    why: str = ""
    evidence: tuple[str, ...] = ()
    fix: str = ""
    module: str | None = None
    failure: Failure | None = None
    via: tuple[Site, ...] = ()
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault, in one place, with the facts that prove it."""

    rule: RuleInfo
    severity: Severity
    fault: Fault
    distribution: Distribution | None = None

    @property
    def fingerprint(self) -> str:
        """Stable across rebuilds: rule, file without its tag, and subject."""
        path = self.fault.location.path
        stem = path.name.split(".", 1)[0]
        key = "\0".join((self.rule.code, str(path.parent / stem), self.fault.subject))
        return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:32]


# --- what was learnt from an artifact ---------------------------------------


class ArtifactKind(enum.StrEnum):
    """What an artifact is, told by its content."""

    ZIP = "zip"
    WHEEL = "wheel"
    FOLDER = "folder"
    OBJECT = "object"
    UNREADABLE = "unreadable"


class Irregular(enum.Enum):
    """What can be wrong with an archive or one of its members."""

    NOT_AN_ARCHIVE = enum.auto()
    EMPTY_ARCHIVE = enum.auto()
    TRUNCATED = enum.auto()
    ENCRYPTED = enum.auto()
    METHOD = enum.auto()
    CORRUPT = enum.auto()
    CLIMBS_OUT = enum.auto()
    BACKSLASH = enum.auto()
    BAD_NAME = enum.auto()
    DUPLICATE = enum.auto()
    LIMIT = enum.auto()
    DANGLING_LINK = enum.auto()
    SPECIAL_FILE = enum.auto()
    NESTED_ARCHIVE = enum.auto()
    UNREADABLE = enum.auto()
    DISAGREEMENT = enum.auto()


@dataclass(frozen=True, slots=True)
class Irregularity:
    """One thing wrong with the archive itself; `location` is empty for the whole."""

    kind: Irregular
    location: Location
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Bytecode:
    """A compiled Python file without its source.

    `magic` are its first four bytes; None for one in `__pycache__`, which the
    importer never takes on its own.
    """

    location: Location
    module: str
    magic: bytes | None


@dataclass(frozen=True, slots=True)
class Counts:
    """How much was examined; sizes in bytes, unpacked."""

    members: int = 0
    size: int = 0
    python_files: int = 0


@dataclass(frozen=True, slots=True)
class Inventory:
    """All that was learnt from an artifact before anything was judged.

    `objects` and `foreign` are keyed by target path; `irregularities` are in
    the order of the archive.
    """

    artifact: str
    kind: ArtifactKind
    sha256: str | None
    objects: Mapping[str, ElfFacts]
    foreign: Mapping[str, ForeignFile]
    extensions: tuple[ExtensionModule, ...]
    bytecode: tuple[Bytecode, ...]
    distributions: tuple[Distribution, ...]
    packages: tuple[str, ...]
    irregularities: tuple[Irregularity, ...]
    counts: Counts


# --- the report -------------------------------------------------------------


class ObjectKind(enum.StrEnum):
    """What a binary of the artifact is."""

    EXTENSION = "extension"
    LIBRARY = "library"
    FOREIGN = "foreign"
    PROGRAM = "program"


@dataclass(frozen=True, slots=True)
class ObjectReport:
    """One binary: what it is, what importing its module does, what opening it alone does.

    `prediction` is None where nothing imports it.  `alone` is how `dlopen` of
    the file by itself in a fresh process ends: None where it loads.
    """

    path: PurePosixPath
    location: Location
    kind: ObjectKind
    facts: ElfFacts | ForeignFile
    distribution: Distribution | None
    module: str | None
    prediction: Prediction | None
    link_map: LinkMap
    alone: Halt | None


@dataclass(frozen=True, slots=True)
class PackageReport:
    """One top-level package or module, and what importing it does."""

    name: str
    distribution: Distribution | None
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a reporter prints, already in printing order."""

    inventory: Inventory
    profile: TargetProfile
    findings: tuple[Finding, ...]
    objects: tuple[ObjectReport, ...]
    packages: tuple[PackageReport, ...]
    handler: Prediction | None = None

    def count(self, severity: Severity) -> int:
        """Return how many findings have exactly this severity."""
        return sum(finding.severity is severity for finding in self.findings)

    def at_least(self, severity: Severity) -> bool:
        """Whether a finding has this severity or a higher one."""
        return any(finding.severity >= severity for finding in self.findings)
