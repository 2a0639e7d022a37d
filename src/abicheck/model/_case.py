"""What the rules judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from types import MappingProxyType

from abicheck.model._findings import Severity
from abicheck.model._installed import Installed
from abicheck.model._inventory import Inventory, StrayFolder
from abicheck.model._layout import LayoutFacts
from abicheck.model._links import Halt, LinkMap
from abicheck.model._outcomes import Failure, Prediction
from abicheck.model._pins import PinReport
from abicheck.model._places import Location, Site
from abicheck.model._python import Distribution, ExtensionModule
from abicheck.model._smoke import ColdStart, Reconciled, SmokeRun
from abicheck.model._targets import TargetProfile


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
class MissingModule:
    """An extension module of which the artifact has only files the importer ignores."""

    module: ExtensionModule
    prediction: Prediction
    severity: Severity = Severity.ERROR
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AbsentLibrary:
    """A library that a source opens by its name alone, while it is imported, and is not there.

    `via` leads from the importing root to the line that opens it.
    """

    name: str
    failure: Failure
    via: tuple[Site, ...]
    severity: Severity = Severity.ERROR
    reason: str = ""


@dataclass(frozen=True, slots=True)
class MissedImport:
    """A module that lies in a stray folder only, and an import of it that fails for that."""

    stray: StrayFolder
    prediction: Prediction
    severity: Severity = Severity.ERROR
    reason: str = ""


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file or folder that a variable of the function leads to, and whether it is there."""

    path: PurePosixPath
    there: bool
    executable: bool = False


@dataclass(frozen=True, slots=True)
class HandlerFacts:
    """Lambda's setting as it was given, and what may have been meant where it names nothing.

    `deeper` are files of the artifact that would be the module, were they not
    one or more folders too deep; `near` are settings that are almost the same.
    """

    setting: str
    deeper: tuple[PurePosixPath, ...] = ()
    near: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """All that the rules judge: the artifact, the target, and what would happen there.

    `wheel_author` says that who asks is going to publish the artifact, so that
    what only others would suffer from matters.  `smoke`, `reconciled` and
    `cold_start` are there where the artifact was imported for real, and `pins` is
    where it was compared with what is pinned.
    """

    inventory: Inventory
    profile: TargetProfile
    roots: tuple[Root, ...]
    missing: tuple[MissingModule, ...]
    owners: Mapping[Location, Distribution]
    handler: Prediction | None = None
    handler_facts: HandlerFacts | None = None
    layout: LayoutFacts = field(default_factory=LayoutFacts)
    wheel_author: bool = False
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    size_budget: int | None = None
    missed: tuple[MissedImport, ...] = ()
    absent: tuple[AbsentLibrary, ...] = ()
    named: Mapping[str, NamedFile] = field(default_factory=lambda: MappingProxyType({}))
    smoke: SmokeRun | None = None
    reconciled: tuple[Reconciled, ...] = ()
    cold_start: ColdStart | None = None
    pins: PinReport | None = None
    installed: Installed = field(default_factory=Installed)
