"""The nouns of abicheck.

Pure: values and the few questions they answer about themselves.  No I/O, no
clock, no environment.  Paths inside a target or an artifact are
`PurePosixPath`, so that they can never be opened on the checking machine by
mistake.  `None` means "the file does not say", never "failed".
"""

from abicheck.model._case import Case, MissingModule, Root
from abicheck.model._findings import (
    Fault,
    Finding,
    RuleInfo,
    Severity,
    Suppressed,
    Suppressor,
)
from abicheck.model._images import (
    BaseChange,
    BaseDrift,
    Compression,
    EntryPoint,
    HistoryStep,
    ImageChild,
    ImageConfig,
    ImageFacts,
    ImageLayer,
    Platform,
)
from abicheck.model._inventory import (
    ArtifactKind,
    Counts,
    FunctionLayer,
    Inventory,
    Irregular,
    Irregularity,
)
from abicheck.model._links import (
    Binding,
    Dependency,
    FoundBy,
    Halt,
    LinkMap,
    Outcome,
    RecentNeed,
    Trouble,
    UnmetVersion,
)
from abicheck.model._objects import (
    MACHINES,
    NO_SYMBOLS,
    ElfFacts,
    ElfHeader,
    Foreign,
    ForeignFile,
    Segment,
    SymbolDef,
    SymbolRef,
    SymbolTable,
    VersionNeed,
    is_musl,
)
from abicheck.model._outcomes import Failure, Prediction, Verdict
from abicheck.model._pins import LockFile, Pin, PinnedWheel, Pins, UnpinnedWheel
from abicheck.model._places import Location, Site, heading
from abicheck.model._python import Bytecode, Distribution, ExtensionModule, Sibling
from abicheck.model._report import Elsewhere, ObjectKind, ObjectReport, PackageReport, Report
from abicheck.model._smoke import (
    Agreement,
    ImportTime,
    Reconciled,
    SmokeImport,
    SmokeOutcome,
    SmokeRun,
)
from abicheck.model._targets import Interpreter, Library, TargetProfile

__all__ = [
    "MACHINES",
    "NO_SYMBOLS",
    "Agreement",
    "ArtifactKind",
    "BaseChange",
    "BaseDrift",
    "Binding",
    "Bytecode",
    "Case",
    "Compression",
    "Counts",
    "Dependency",
    "Distribution",
    "ElfFacts",
    "ElfHeader",
    "Elsewhere",
    "EntryPoint",
    "ExtensionModule",
    "Failure",
    "Fault",
    "Finding",
    "Foreign",
    "ForeignFile",
    "FoundBy",
    "FunctionLayer",
    "Halt",
    "HistoryStep",
    "ImageChild",
    "ImageConfig",
    "ImageFacts",
    "ImageLayer",
    "ImportTime",
    "Interpreter",
    "Inventory",
    "Irregular",
    "Irregularity",
    "Library",
    "LinkMap",
    "Location",
    "LockFile",
    "MissingModule",
    "ObjectKind",
    "ObjectReport",
    "Outcome",
    "PackageReport",
    "Pin",
    "PinnedWheel",
    "Pins",
    "Platform",
    "Prediction",
    "RecentNeed",
    "Reconciled",
    "Report",
    "Root",
    "RuleInfo",
    "Segment",
    "Severity",
    "Sibling",
    "Site",
    "SmokeImport",
    "SmokeOutcome",
    "SmokeRun",
    "Suppressed",
    "Suppressor",
    "SymbolDef",
    "SymbolRef",
    "SymbolTable",
    "TargetProfile",
    "Trouble",
    "UnmetVersion",
    "UnpinnedWheel",
    "Verdict",
    "VersionNeed",
    "heading",
    "is_musl",
]
