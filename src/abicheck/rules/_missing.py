"""Extension modules that are there only under names the importer does not know."""

from __future__ import annotations

import enum
from collections.abc import Iterator

from abicheck.model import Case, Fault, MissingModule, Severity, Sibling
from abicheck.rules import _fixes


class Cause(enum.IntEnum):
    """Why a file's name does not fit, the most telling reason first."""

    MACOS = 1
    WINDOWS = 2
    ARCHITECTURE = 3
    MUSL = 4
    FREE_THREADED = 5
    VERSION = 6


def cause_of(sibling: Sibling, machine: str) -> Cause:
    """Return the reason that decides which rule speaks of a file."""
    suffix = sibling.suffix
    if suffix.endswith(".pyd"):
        return Cause.WINDOWS
    if "darwin" in suffix or suffix.endswith(".dylib"):
        return Cause.MACOS
    if "-linux-" in suffix and f"-{machine}-" not in suffix:
        return Cause.ARCHITECTURE
    if "musl" in suffix:
        return Cause.MUSL
    if "free-threaded" in sibling.reason:
        return Cause.FREE_THREADED
    return Cause.VERSION


def nearest(missing: MissingModule, machine: str) -> Sibling:
    """Return the file that comes closest to what the importer looks for."""
    return max(missing.module.siblings, key=lambda sibling: cause_of(sibling, machine))


def missing_modules(case: Case, cause: Cause) -> Iterator[Fault]:
    """Yield a fault for each module that is missing for this reason."""
    interpreter = case.profile.interpreter
    for missing in case.missing:
        sibling = nearest(missing, case.profile.machine)
        if cause_of(sibling, case.profile.machine) is not cause:
            continue
        opens = ", ".join(interpreter.suffixes)
        why = f"{sibling.reason}; {interpreter.dotted} opens {opens}"
        if missing.reason:
            why += f"; {missing.reason}"
        yield Fault(
            location=sibling.location,
            message=f"{missing.module.name} is there only as {sibling.location.path.name}",
            subject=missing.module.name,
            why=why,
            evidence=tuple(str(s.location.path) for s in missing.module.siblings),
            fix=_fixes.reinstall(case, sibling.location),
            module=missing.module.name,
            failure=missing.prediction.failure,
            via=missing.prediction.via,
            severity=None if missing.severity is Severity.ERROR else missing.severity,
        )
