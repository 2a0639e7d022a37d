"""What a smoke import saw: the artifact's modules, imported for real."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from abicheck.model._outcomes import Failure
from abicheck.model._places import Location


class SmokeOutcome(enum.StrEnum):
    """How one import ended in the container.

    `DIED` is a death of its own: a signal, or an exit in the middle of it.
    `TIMED_OUT` and `OUT_OF_BOUNDS` are limits of the run and not of the
    loader's: what would have come after them is not known.
    """

    LOADED = "loaded"
    FAILED = "failed"
    DIED = "died"
    TIMED_OUT = "timed out"
    OUT_OF_BOUNDS = "out of bounds"


class Agreement(enum.StrEnum):
    """A prediction beside what happened.

    `ONLY_IN_BASE` is what Lambda's base image was predicted to do, and its
    managed runtime was not: they do not have the same libraries.
    """

    AGREED = "agreed"
    ONLY_IN_BASE = "as predicted of the base image, and not of the managed runtime"
    LOADED_AFTER_ALL = "predicted to fail, but loaded"
    FAILED_AFTER_ALL = "predicted to load, but failed"
    OTHER_MESSAGE = "failed with another message"
    UNDECIDED = "the prediction was uncertain"
    UNFINISHED = "the import did not end within its limits"


@dataclass(frozen=True, slots=True)
class ImportTime:
    """One line of `-X importtime`: `self_us` and `total_us` in microseconds."""

    module: str
    self_us: int
    total_us: int


@dataclass(frozen=True, slots=True)
class SmokeImport:
    """One module, imported in a process of its own.

    `failure` is the exception, or the death, that ended it; None where it
    loaded.  Of one that met a limit its `message` says which; of every other it
    is the artifact's own text, as is `stderr`: data, and never to be printed as
    it is.  `microseconds` is the wall time of the import statement alone.
    `times` is CPython's own accounting of what it brought with it, in the
    order in which the imports ended; empty where it was not asked for.
    """

    module: str
    outcome: SmokeOutcome
    failure: Failure | None = None
    microseconds: int = 0
    times: tuple[ImportTime, ...] = ()


@dataclass(frozen=True, slots=True)
class SmokeRun:
    """Everything that was imported, and where.

    `image` is the reference that was asked for; `digest` its repository
    digest, or where it has none (built here, never pushed) "", and `id` the
    digest of its configuration.  `engine` is the engine's own name and version.
    `discarded` is how many containers had to be thrown away.
    """

    image: str
    id: str
    digest: str
    platform: str
    engine: str
    python: str
    imports: tuple[SmokeImport, ...]
    discarded: int = 0

    @property
    def pinned(self) -> str:
        """The reference that always names this image; "" where it has no digest to name it by."""
        name, at, _ = self.image.partition("@")
        if at:
            return self.image
        folder, _, last = name.rpartition("/")
        name = f"{folder}/{last.partition(':')[0]}".lstrip("/")
        return f"{name}@{self.digest}" if self.digest else ""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """One import with what had been predicted for it.

    `predicted` is how it was said to fail; None where it was said to load.
    `location` is the module's file, or the name of its package.
    """

    made: SmokeImport
    agreement: Agreement
    location: Location
    predicted: Failure | None = None


@dataclass(frozen=True, slots=True)
class ImportShare:
    """What the modules below one top-level name took themselves, in microseconds."""

    name: str
    self_us: int


@dataclass(frozen=True, slots=True)
class ColdStart:
    """How long the imports of a cold start took where they were made, in microseconds.

    `module` is the handler's; None where none was named, and then each module
    that any package brought counts once.  `shares` add up to `total_us`, the
    slowest first.  `budget_us` is what was allowed, if anything was said.
    """

    module: str | None
    total_us: int
    shares: tuple[ImportShare, ...]
    budget_us: int | None = None
