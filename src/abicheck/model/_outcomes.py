"""How an import or a load ends."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import PurePosixPath

from abicheck.model._places import Site


class Verdict(enum.StrEnum):
    """The outcome of one `import_module` or one `dlopen` in a fresh process."""

    LOADS = "loads"
    FAILS = "fails"
    UNCERTAIN = "uncertain"


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
