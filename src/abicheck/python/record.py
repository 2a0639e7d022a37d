"""RECORD: what an installer put where, and what has become of it (PEP 376, PEP 427).

An installer writes the paths relative to the folder of packages.  `pip install
--target` moves what lies outside of it afterwards and leaves the lines as they
were, so a script that is listed as `../../bin/x` is in `bin/x`; uv writes where
it is.  Of such files nothing is expected: they are not imported, and packing a
folder of packages leaves them out.
"""

from __future__ import annotations

import binascii
import csv
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import PurePosixPath
from typing import Final, TypeAlias

from abicheck.filesystem import Entry, Places
from abicheck.model import Altered, Distribution, Location, Overlap, RecordedFile, RecordReport

# Whoever puts files into a system by packages of its own rewrites them as it likes.
_PACKAGERS: Final = frozenset({"apk", "conda", "debian", "dpkg", "nix", "portage", "rpm"})
_SCRIPTS: Final = ("bin/", "Scripts/")

Claims: TypeAlias = Mapping[str, Sequence[tuple[Distribution, RecordedFile]]]
Lookup = Callable[[str], Entry | None]
"""Give the regular file at a target path, links followed; None where there is none."""


def read_record(data: bytes, root: str) -> tuple[RecordedFile, ...]:
    """Return the lines of a RECORD whose distribution lies in the folder `root` of the artifact.

    A RECORD that is no CSV lists nothing.
    """
    lines = data.decode("utf-8", "replace").splitlines()
    try:
        rows = list(csv.reader(lines))
    except csv.Error:  # a field beyond csv's limit: no RECORD that pip wrote
        return ()
    return tuple(_line(row, root) for row in rows if row)


def _line(row: list[str], root: str) -> RecordedFile:
    path = posixpath.normpath(f"{root}/{row[0]}" if root else row[0])
    size = row[2] if len(row) > 2 else ""  # noqa: PLR2004 - path, hash, size
    return RecordedFile(
        path,
        _sha256(row[1]) if len(row) > 1 else None,
        int(size) if size.isascii() and size.isdigit() and len(size) < 20 else None,  # noqa: PLR2004
    )


def _sha256(text: str) -> bytes | None:
    """Return the digest in `sha256=...`, URL-safe base64 without padding; None for another."""
    algorithm, _, value = text.partition("=")
    if algorithm != "sha256":
        return None
    try:
        # What `base64.urlsafe_b64decode` does; a RECORD may have tens of thousands.
        digest = binascii.a2b_base64(value.replace("-", "+").replace("_", "/") + "==")
    except (binascii.Error, ValueError):
        return None
    return digest if len(digest) == 32 else None  # noqa: PLR2004 - bytes of a SHA-256


def check_records(
    distributions: Iterable[Distribution], places: Places, lookup: Lookup
) -> tuple[RecordReport, ...]:
    """Hold what every RECORD lists against what is there.

    What several of them list need only be what one of them says; the others
    were overwritten.  Bytecode may be gone, since it is made again, and so may
    what lies outside the folder of packages.
    """
    found = tuple(d for d in distributions if d.record)
    # Most artifacts are as their RECORDs say, and nobody asks.
    claims = cache(lambda: _claims(found, places))
    return tuple(_check(distribution, claims, places, lookup) for distribution in found)


def _claims(distributions: Iterable[Distribution], places: Places) -> Claims:
    """Return by target path what each RECORD says of a file."""
    claims: dict[str, list[tuple[Distribution, RecordedFile]]] = {}
    for distribution in distributions:
        root = places.top(distribution.location.layer)
        for line in distribution.record:
            claims.setdefault(f"{root}/{line.path}", []).append((distribution, line))
    return claims


def _check(
    distribution: Distribution,
    claims: Callable[[], Claims],
    places: Places,
    lookup: Lookup,
) -> RecordReport:
    lost: list[Location] = []
    altered: list[Altered] = []
    overlaps: list[Overlap] = []
    listed = kept = metadata = 0
    layer = distribution.location.layer
    own = f"{distribution.location.path}/"
    root = places.top(layer)
    for line in _expected(distribution):
        listed += 1
        metadata += line.path.startswith(own)
        target = f"{root}/{line.path}"
        entry = lookup(target)
        if entry is None:
            lost.append(Location(PurePosixPath(line.path), layer))
        elif fits(entry, line):
            kept += 1
        else:
            other = _claimed(claims()[target], distribution, entry)
            there = places.location(target)
            if other is not None:
                overlaps.append(Overlap(there, other))
            else:
                altered.append(Altered(there, line.size))
    return RecordReport(
        distribution,
        listed,
        kept,
        tuple(lost),
        tuple(altered),
        tuple(overlaps),
        packaged=_is_packaged(distribution),
        metadata=metadata,
    )


def _claimed(
    claims: Iterable[tuple[Distribution, RecordedFile]], loser: Distribution, entry: Entry
) -> Distribution | None:
    """Return another distribution whose RECORD says just what is there."""
    return next((d for d, line in claims if d is not loser and fits(entry, line)), None)


def _is_packaged(distribution: Distribution) -> bool:
    return distribution.installer.lower() in _PACKAGERS


def _expected(distribution: Distribution) -> Iterator[RecordedFile]:
    """Yield the lines about files that an installed package needs to be whole."""
    folder = distribution.location.path
    above = "" if folder.parent == PurePosixPath() else f"{folder.parent}/"
    own = {f"{folder}/{name}" for name in ("RECORD", "INSTALLER", "REQUESTED")}
    outside = tuple(above + each for each in ("../", *_SCRIPTS))
    for line in distribution.record:
        path = line.path
        if (
            path.startswith(above)
            and not path.startswith(outside)
            and not path.endswith(".pyc")
            and path not in own
        ):
            yield line


def fits(entry: Entry, line: RecordedFile) -> bool:
    """Whether a file is what a line of a RECORD says, as far as both are known."""
    if entry.sha256 is not None and line.sha256 is not None:
        return entry.sha256 == line.sha256
    return line.size is None or entry.size == line.size


def strangers(
    binaries: Iterable[Location], distributions: Iterable[Distribution], places: Places
) -> Iterator[tuple[Location, Distribution]]:
    """Yield the binaries that no RECORD lists, and in whose folder a distribution has files."""
    listed: set[str] = set()
    folders: dict[str, Distribution] = {}
    everybody: set[str] = set()
    for distribution in distributions:
        if _is_packaged(distribution):
            continue
        root = places.top(distribution.location.layer)
        everybody.add(posixpath.dirname(places.target(distribution.location)))
        for line in distribution.record:
            listed.add(f"{root}/{line.path}")
            folders.setdefault(f"{root}/{line.path}".rpartition("/")[0], distribution)
    for place in binaries:
        target = places.target(place)
        if target in listed:
            continue
        above = (str(up) for up in PurePosixPath(target).parents if str(up) not in everybody)
        owner = next((folders[up] for up in above if up in folders), None)
        if owner is not None:
            yield place, owner
