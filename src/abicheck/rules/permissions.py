"""ABI6xx: what the user that Lambda runs a function as may not read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from abicheck.model import ArtifactKind, Case, Fault, Locked, Severity
from abicheck.rules._rule import rule

_FIX: Final = "chmod -R a+rX BUILD_DIR"
_METADATA: Final = (".dist-info", ".egg-info")


@rule(
    "ABI608",
    Severity.ERROR,
    "a file that Lambda's user may not read",
    explanation="Lambda keeps the modes that a ZIP made on Unix records, and runs the function as "
    "a user that owns nothing of it.  A source that only its owner may read is found and cannot be "
    "opened; a folder that others may not enter or list hides what lies in it, so that the "
    "importer says that there is no such module.  A ZIP without modes, as Windows makes them, is "
    "readable.",
    messages=(
        "[Errno 13] Permission denied: '*'",
        "*: cannot open shared object file: Permission denied",
        "No module named '*'",
        "cannot import name '*' from '*' (unknown location)",
    ),
    causes=(
        "a build machine with a tight umask (027, 077)",
        "`ZipFile.writestr` with a plain name, which records 0600",
    ),
    fixes=(_FIX, "info.external_attr = 0o644 << 16, where Python's zipfile writes the archive"),
)
def unreadable_for_others(case: Case) -> Iterator[Fault]:
    """What a function imports is readable by everybody."""
    for locked in case.layout.locked:
        yield Fault(
            locked.location,
            f"{_what(locked)} is {locked.mode & 0o777:04o}: {_effect(locked)}",
            subject="mode",
            why="Lambda's user owns nothing; files want o+r, folders o+rx",
            fix=_fix(case),
            failure=locked.failure,
            severity=_severity(locked),
        )


def _what(locked: Locked) -> str:
    return "the folder" if locked.folder else "its mode"


def _effect(locked: Locked) -> str:
    if not locked.folder:
        return "others may not read it"
    files = "a file" if locked.files == 1 else f"{locked.files:,} files"
    if locked.mode & 0o001:
        return f"others may not list it, and {files} lie in it"
    return f"others may not enter it, and {files} lie in it"


def _severity(locked: Locked) -> Severity | None:
    if locked.failure is not None:
        return None
    if locked.code:
        return Severity.WARNING if locked.reached else Severity.NOTE
    # What is no code may never be opened; of a distribution's description that is all but sure.
    is_metadata = any(part.endswith(_METADATA) for part in locked.location.path.parts)
    return Severity.NOTE if is_metadata else Severity.WARNING


def _fix(case: Case) -> str:
    return _FIX if case.inventory.kind is not ArtifactKind.FOLDER else "chmod -R a+rX ."


RULES: Final = (unreadable_for_others,)
