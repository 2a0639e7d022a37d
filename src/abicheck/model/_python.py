"""What the importer and the installer know: modules and distributions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from abicheck.model._places import Location


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
    package that the importer finds first.
    """

    name: str
    selected: Location | None
    siblings: tuple[Sibling, ...] = ()
    shadowed_by: Location | None = None
    stub_folder: bool = False


@dataclass(frozen=True, slots=True)
class Bytecode:
    """A compiled Python file without its source.

    `magic` are its first four bytes; None for one in `__pycache__`, which the
    importer never takes on its own.
    """

    location: Location
    module: str
    magic: bytes | None


class RecordedFile(NamedTuple):
    """One line of a RECORD: a path of the artifact, and what was installed there.

    `path` is normalised and may begin with `..`, for what lies outside the folder
    of packages; `sha256` and `size` (bytes) are None where the line does not say.
    """

    path: str
    sha256: bytes | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Distribution:
    """One `*.dist-info` or `*.egg-info`: METADATA's name and version, WHEEL's tags, RECORD's lines.

    `files` are the paths of `record`.  `requires` are the Requires-Dist lines
    as they stand, `installer` is who put it there in its own words, `pure` is
    Root-Is-Purelib, and `editable` says that only a reference to a source
    folder was installed (PEP 660), which `origin` names as a URL.
    """

    name: str
    version: str
    location: Location
    tags: tuple[str, ...] = ()
    files: frozenset[str] = frozenset()
    requires_python: str | None = None
    requires: tuple[str, ...] = ()
    record: tuple[RecordedFile, ...] = field(default=(), repr=False, compare=False)
    installer: str = ""
    pure: bool | None = None
    editable: bool = False
    origin: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version}"
