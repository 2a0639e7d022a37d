"""What other rules speak of already: one fault is one finding."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from abicheck.model import Case, Failure, Irregular, Severity, inside
from abicheck.rules._blame import failure_of

_LEADS_NOWHERE: Final = (
    Irregular.DANGLING_LINK,
    Irregular.ENDLESS_LINK,
    Irregular.LAYER_CLASH,
)


def told_of_files(case: Case) -> Iterator[str | None]:
    """Yield the messages that the rules about links, layers, modes and binaries speak of."""
    for irregularity in case.inventory.irregularities:
        if irregularity.kind in _LEADS_NOWHERE:
            yield f"No module named {module_of(case, irregularity.location.path)!r}"
    yield from (words(each.failure) for each in case.layout.locked if each.failure is not None)
    for root in case.roots:
        if root.halt is not None and root.severity is Severity.ERROR:
            yield words(failure_of(root))
    for absent in case.absent:
        if absent.severity is Severity.ERROR:
            yield words(absent.failure)
    for missing in case.missing:
        if missing.severity is Severity.ERROR:
            yield words(missing.prediction.failure)
    errors = (missed for missed in case.missed if missed.severity is Severity.ERROR)
    yield from (words(missed.prediction.failure) for missed in errors)


def told(case: Case) -> Iterator[str | None]:
    """Yield besides them the messages that the metadata of distributions explains."""
    yield from told_of_files(case)
    for failed in case.installed.failures:
        if failed.severity is Severity.ERROR and (failed.lost or failed.metadata or failed.unmet):
            yield words(failed.prediction.failure)


def words(failure: Failure | None) -> str | None:
    """Return what a failure is known by: its message, or the death it is."""
    return (failure.message or failure.crash) if failure is not None else None


def module_of(case: Case, path: PurePosixPath) -> str:
    """Return the dotted name that a file would be imported by."""
    if case.inventory.image is not None:
        # Its places are relative to the root, and its folders of packages lie anywhere.
        entries = sorted(case.profile.interpreter.path, key=lambda e: len(e.parts), reverse=True)
        whole = PurePosixPath("/", path)
        path = whole.relative_to(next((e for e in entries if e in whole.parents), "/"))
    elif case.inventory.is_layer or case.inventory.layers:
        path = PurePosixPath(inside(str(path)))
    name = path.name
    for suffix in (*case.profile.interpreter.suffixes, ".py"):
        if name.endswith(suffix):
            name = name.removesuffix(suffix)
            break
    return ".".join((*path.parent.parts, name))
