"""The tables of a report: every binary, and every top-level name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Final

from abicheck.filesystem import Places
from abicheck.loader import Loader
from abicheck.model import (
    Case,
    Distribution,
    ElfFacts,
    ExtensionModule,
    ForeignFile,
    Inventory,
    ObjectKind,
    ObjectReport,
    PackageReport,
    Prediction,
)
from abicheck.pipeline._owners import tops_of

_ET_EXEC: Final = 2
_DF_1_PIE: Final = 0x08000000


def object_reports(
    case: Case, loader: Loader, places: Places, extensions: Mapping[str, ExtensionModule]
) -> tuple[ObjectReport, ...]:
    """Return every binary with what importing and what opening it does, sorted by path.

    `extensions` are by their target path.
    """
    inventory = case.inventory
    by_path = {str(root.path): root for root in case.roots}
    missing = {
        places.target(sibling.location): found
        for found in case.missing
        for sibling in found.module.siblings
    }
    reports = []
    for path in sorted((*inventory.objects, *inventory.foreign)):
        thing = inventory.objects.get(path) or inventory.foreign[path]
        root = by_path.get(path)
        extension = extensions.get(path)
        alone = loader.open(path)
        module = extension.name if extension is not None else None
        prediction = root.prediction if root is not None else None
        if path in missing:
            module, prediction = missing[path].module.name, missing[path].prediction
        reports.append(
            ObjectReport(
                path=PurePosixPath(path),
                location=thing.location,
                kind=_kind(thing, is_module=module is not None),
                facts=thing,
                distribution=case.owners.get(thing.location),
                module=module,
                prediction=prediction,
                link_map=root.link_map if root is not None else alone,
                alone=alone.halt,
            )
        )
    return tuple(reports)


def package_reports(
    inventory: Inventory, predict: Callable[[str], Prediction]
) -> tuple[PackageReport, ...]:
    """Return every top-level name with what importing it does."""
    tops: dict[str, Distribution] = {}
    for distribution in inventory.distributions:
        for top in tops_of(distribution):
            tops.setdefault(top.name.removesuffix(".py"), distribution)
    return tuple(PackageReport(name, tops.get(name), predict(name)) for name in inventory.packages)


def is_program(facts: ElfFacts) -> bool:
    """Whether an ELF file is run and not opened: an executable, position independent or not."""
    header = facts.header
    if header is None:
        return False
    return header.type == _ET_EXEC or bool(facts.flags_1 & _DF_1_PIE)


def _kind(thing: ElfFacts | ForeignFile, *, is_module: bool) -> ObjectKind:
    if not isinstance(thing, ElfFacts):
        return ObjectKind.FOREIGN
    if is_program(thing) and not is_module:
        return ObjectKind.PROGRAM
    return ObjectKind.EXTENSION if is_module else ObjectKind.LIBRARY
