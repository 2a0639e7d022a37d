"""All that was learnt from an artifact, before anything is judged."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from abicheck.model._images import ImageFacts
from abicheck.model._objects import ElfFacts, ForeignFile
from abicheck.model._places import Location
from abicheck.model._python import Bytecode, Distribution, ExtensionModule


class ArtifactKind(enum.StrEnum):
    """What an artifact is, told by its content."""

    ZIP = "zip"
    WHEEL = "wheel"
    FOLDER = "folder"
    OBJECT = "object"
    IMAGE = "image"
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
    CLASH = enum.auto()
    LIMIT = enum.auto()
    DANGLING_LINK = enum.auto()
    ENDLESS_LINK = enum.auto()
    SPECIAL_FILE = enum.auto()
    NESTED_ARCHIVE = enum.auto()
    UNREADABLE = enum.auto()
    DISAGREEMENT = enum.auto()
    STRAY_BYTES = enum.auto()
    WRONG_DIGEST = enum.auto()
    MISSING_BLOB = enum.auto()
    LAYER_CLASH = enum.auto()


@dataclass(frozen=True, slots=True)
class Irregularity:
    """One thing wrong with the archive itself; `location` is empty for the whole."""

    kind: Irregular
    location: Location
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much was examined; sizes in bytes, unpacked."""

    members: int = 0
    size: int = 0
    python_files: int = 0


@dataclass(frozen=True, slots=True)
class FunctionLayer:
    """One layer of a function, the lowest first; `name` is what `Location.layer` holds.

    `source` is how it was named, `packed` the size of its ZIP (None for a
    folder), and `counts` are of all that is in it, what a later layer hides
    included.
    """

    name: str
    source: str
    kind: ArtifactKind
    sha256: str | None
    packed: int | None
    counts: Counts


@dataclass(frozen=True, slots=True)
class StrayFolder:
    """A folder of a layer that holds modules and that sys.path does not have.

    `names` are the modules' top-level names.  `version` is the Python whose
    folder it is, such as `3.8`, empty where its name has none.  `usual` says
    that the runtime has it on sys.path unless the function sets PYTHONPATH, and
    `whole` that nothing else of the layer lies where anything is looked for.
    """

    location: Location
    names: tuple[str, ...]
    version: str = ""
    usual: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Inventory:
    """All that was learnt from an artifact before anything was judged.

    `objects` and `foreign` are keyed by target path; `irregularities` are in
    the order of the archive.  `image` is there where the artifact is one.
    `sizes` are the unpacked bytes below each heading of its files
    (`heading`), and `packed` those of the ZIP itself.  `layers` are a
    function's, and `strays` what of them no import finds; `is_layer` says that the
    artifact is one itself.  `counts` are of all of them together.
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
    image: ImageFacts | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)
    packed: int | None = None
    layers: tuple[FunctionLayer, ...] = ()
    is_layer: bool = False
    strays: tuple[StrayFolder, ...] = ()
