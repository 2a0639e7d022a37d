"""Findings: a law that was broken, where, and the facts that prove it."""

from __future__ import annotations

import enum
import hashlib
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from abicheck.model._outcomes import Failure
from abicheck.model._places import Location, Site
from abicheck.model._python import Distribution

# What auditwheel adds to the name of a library that it vendors, and it alone knows why.
_GRAFTED: Final = re.compile(r"-[0-9a-f]{8}(?=\.|$)")
# What a layer of an image is called; a function's has the name of its file.
_OF_AN_IMAGE: Final = re.compile(r"sha256:[0-9a-f]+|layer-\d+")
_PYTHON_FOLDER: Final = re.compile(r"\bpython3\.\d+(?=/)")


class Severity(enum.IntEnum):
    """How much a finding matters: a note is worth knowing, an error will not load."""

    NOTE = 1
    WARNING = 2
    ERROR = 3

    def __str__(self) -> str:
        return self.name.lower()


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
    with the reason in the message.  `origin` says what brought the file into an
    image: its layer, and the command that made it.  `pin` is the line of a
    requirements or lock file that the fault is about.
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
    origin: str = ""
    pin: Site | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault, in one place, with the facts that prove it."""

    rule: RuleInfo
    severity: Severity
    fault: Fault
    distribution: Distribution | None = None

    @property
    def fingerprint(self) -> str:
        """Stable across rebuilds: rule, file and subject, without what a rebuild renames."""
        path, layer = self.fault.location.path, self.fault.location.layer
        if layer and not _OF_AN_IMAGE.fullmatch(layer):
            path = PurePosixPath("/opt", path)  # beside the function's own file of that name
        stem = _GRAFTED.sub("", path.name).split(".", 1)[0]
        place = _PYTHON_FOLDER.sub("python3", str(path.parent / stem))
        key = "\0".join((self.rule.code, place, _GRAFTED.sub("", self.fault.subject)))
        return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:32]


class Suppressor(enum.StrEnum):
    """What may keep a finding from counting."""

    CONFIGURATION = "configuration"
    BASELINE = "baseline"


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A finding that was made and does not count; `expires` is an ISO day."""

    finding: Finding
    by: Suppressor
    reason: str
    expires: str | None = None
