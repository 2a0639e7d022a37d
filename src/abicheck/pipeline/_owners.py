"""Which distribution brought each binary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from abicheck.model import Distribution, ElfFacts, ForeignFile, Inventory, Location


def owners_of(inventory: Inventory) -> Mapping[Location, Distribution]:
    """Return the distribution whose RECORD lists each binary, else whose folder it lies in."""
    owners: dict[Location, Distribution] = {}
    by_file: dict[str, Distribution] = {}
    by_top: dict[PurePosixPath, Distribution] = {}
    for distribution in inventory.distributions:
        by_file.update(dict.fromkeys(distribution.files, distribution))
        for top in tops_of(distribution):
            by_top.setdefault(top, distribution)
    things: list[ElfFacts | ForeignFile] = [
        *inventory.objects.values(),
        *inventory.foreign.values(),
    ]
    for thing in things:
        path = thing.location.path
        found = by_file.get(str(path))
        if found is None:
            found = next(
                (by_top[above] for above in (path, *path.parents) if above in by_top), None
            )
        if found is not None:
            owners[thing.location] = found
    return owners


def tops_of(distribution: Distribution) -> Iterator[PurePosixPath]:
    """Yield what a distribution has beside its own metadata, as paths of the artifact."""
    folder = distribution.location.path.parent
    prefix = "" if folder == PurePosixPath() else f"{folder}/"
    names = {
        file[len(prefix) :].partition("/")[0]
        for file in distribution.files
        if file.startswith(prefix)
    }
    yield from (folder / name for name in sorted(names) if name not in {"", ".."})
