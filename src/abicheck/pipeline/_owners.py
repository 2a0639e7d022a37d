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
    things: list[ElfFacts | ForeignFile] = [
        *inventory.objects.values(),
        *inventory.foreign.values(),
    ]
    paths = [places.target(thing.location) for thing in things]
    owners: dict[Location, Distribution] = {}
    by_file: dict[str, Distribution] = {}
    by_top: dict[str, Distribution] = {}
    below: dict[str, set[str]] = {}  # the binaries' paths by the folder that an archive fills
    for distribution in inventory.distributions:
        owners[distribution.location] = distribution
        root = places.top(distribution.location.layer)
        if root not in below:
            inside = f"{root}/"
            below[root] = {p.removeprefix(inside) for p in paths if p.startswith(inside)}
        own = below[root] & distribution.files
        by_file.update((f"{root}/{file}", distribution) for file in own)
        for top in tops_of(distribution):
            by_top.setdefault(f"{root}/{top}", distribution)
    for thing, path in zip(things, paths, strict=True):
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
