"""Which distribution brought each binary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from abicheck.filesystem import Places
from abicheck.model import Distribution, ElfFacts, ForeignFile, Inventory, Location


def owners_of(inventory: Inventory, places: Places) -> Mapping[Location, Distribution]:
    """Return the distribution whose RECORD lists each binary, else whose folder it lies in.

    What counts is where a file lies on the target: one layer's distribution
    owns what another layer wrote over its files.  A distribution's own
    metadata belongs to it as well.
    """
    owners: dict[Location, Distribution] = {}
    by_file: dict[str, Distribution] = {}
    by_top: dict[str, Distribution] = {}
    for distribution in inventory.distributions:
        owners[distribution.location] = distribution
        root = places.top(distribution.location.layer)
        by_file.update((f"{root}/{file}", distribution) for file in distribution.files)
        for top in tops_of(distribution):
            by_top.setdefault(f"{root}/{top}", distribution)
    things: list[ElfFacts | ForeignFile] = [
        *inventory.objects.values(),
        *inventory.foreign.values(),
    ]
    for thing in things:
        path = places.target(thing.location)
        found = by_file.get(path)
        if found is None:
            above = (path, *map(str, PurePosixPath(path).parents))
            found = next((by_top[each] for each in above if each in by_top), None)
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
