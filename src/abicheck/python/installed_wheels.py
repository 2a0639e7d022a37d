"""Installed files against the wheels that they came from.

RECORD lies in the artifact, so whoever changes a file can change its line too.
A wheel whose hash is pinned lies outside of it.  What an installer writes by
itself is in no wheel: its own notes in dist-info, scripts of entry points, the
first line of scripts that name their interpreter, bytecode.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from abicheck.filesystem import Entry, Places
from abicheck.model import (
    Departure,
    Distribution,
    Location,
    PinnedWheel,
    PinReport,
    UnpinnedWheel,
    Unvouched,
    WheelReport,
)

# What installers write themselves, whatever the wheel has of it (PEP 376, 610, 710).
INSTALLERS_OWN: Final = frozenset(
    {
        *("INSTALLER", "RECORD", "RECORD.jws", "RECORD.p7s", "REQUESTED"),
        *("direct_url.json", "provenance_url.json", "uv_build.json", "uv_cache.json"),
    }
)
_SCRIPTS: Final = ("bin", "Scripts")


class WheelFolder(Protocol):
    """The wheels that there are of a release, those whose hash is pinned and the others."""

    def pinned(self, name: str, version: str) -> tuple[PinnedWheel, ...]:
        """Return the content of those whose hash is pinned."""
        ...

    def unpinned(self, name: str, version: str) -> tuple[UnpinnedWheel, ...]:
        """Return those whose hash is not."""
        ...


def compare_with_wheels(
    distributions: Iterable[Distribution],
    report: PinReport,
    wheels: WheelFolder,
    files: Mapping[str, Entry],
    places: Places,
) -> WheelReport:
    """Return how what is installed differs from what the pinned wheels hold.

    `report` says what of it is pinned; `files` are the regular files of the
    artifact by target path.  Where several wheels of a release are pinned, for
    several platforms, the one that fits best was installed.
    """
    comparison = _Comparison(files, places)
    unvouched: list[Unvouched] = []
    unnamed = {each.distribution.location for each in report.unpinned}
    other = {each.distribution.location for each in report.others}
    for distribution in distributions:
        if distribution.location in other:
            comparison.leave(distribution)  # of another version than is pinned, and said to be
            continue
        found = wheels.pinned(distribution.name, distribution.version)
        if found:
            comparison.take(distribution, found)
            continue
        known = distribution.location not in unnamed
        there = wheels.unpinned(distribution.name, distribution.version)
        unvouched.append(Unvouched(distribution, there, pinned=known))
        comparison.leave(distribution)
    return comparison.report(tuple(unvouched))


@dataclass(slots=True)
class _Found:
    """How one distribution differs from one wheel: target paths, while they are compared."""

    wheel: PinnedWheel
    same: int = 0
    altered: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def fit(self) -> tuple[int, int, str]:
        """Return what is less the better the wheel fits."""
        return len(self.altered) + len(self.added) + len(self.lost), -self.same, self.wheel.file


class _Comparison:
    """All distributions with their wheels: only together do they say what is in none."""

    def __init__(self, files: Mapping[str, Entry], places: Places) -> None:
        self._files = files
        self._places = places
        self._chosen: list[tuple[Distribution, _Found]] = []
        self._held: dict[str, set[bytes | None]] = {}
        self._packages: dict[str, int] = {}
        self._left: set[str] = set()

    def take(self, distribution: Distribution, wheels: Iterable[PinnedWheel]) -> None:
        """Compare a distribution with the wheels that it may be of."""
        best = min((self._compare(distribution, wheel) for wheel in wheels), key=_Found.fit)
        folder = self._folder(distribution)
        for path, digest in best.wheel.files.items():
            place = f"{folder}/{path}"
            self._held.setdefault(place, set()).add(digest)
            if posixpath.basename(path).startswith("__init__."):
                self._packages[posixpath.dirname(place)] = len(self._chosen)
        self._chosen.append((distribution, best))

    def leave(self, distribution: Distribution) -> None:
        """Hold nothing against the files of a distribution that has no wheel."""
        self._left.update(self._recorded(distribution))

    def _folder(self, distribution: Distribution) -> str:
        """Return the folder of packages that a distribution lies in."""
        return posixpath.dirname(self._places.target(distribution.location))

    def _recorded(self, distribution: Distribution) -> set[str]:
        """Return where the files lie that RECORD lists.

        `pip install --target` moves scripts after it has written `../../bin/x`.
        """
        top = self._places.top(distribution.location.layer)
        return {f"{top}/{_inside(file)}" for file in distribution.files}

    def _compare(self, distribution: Distribution, wheel: PinnedWheel) -> _Found:
        found = _Found(wheel)
        folder, recorded = self._folder(distribution), self._recorded(distribution)
        for path, digest in wheel.files.items():
            place = f"{folder}/{path}"
            entry = self._files.get(place)
            if entry is not None:
                self._file(found, place, entry.sha256 == digest)
            elif place not in recorded and not path.endswith(".pyc"):
                found.lost.append(place)
        for place in sorted(recorded):
            inside = place.removeprefix(f"{folder}/")
            entry = self._files.get(place)
            if inside in wheel.files or entry is None:
                continue
            end = next((each for each in _ends(inside) if each in wheel.placed), None)
            if end is not None:
                self._file(found, place, wheel.placed[end] in (None, entry.sha256))
            elif not _is_installers(inside, distribution, wheel):
                found.added.append(place)
        return found

    def _file(self, found: _Found, place: str, same: bool) -> None:  # noqa: FBT001 - the answer
        if same:
            found.same += 1
        else:
            found.altered.append(place)

    def report(self, unvouched: tuple[Unvouched, ...]) -> WheelReport:
        """Return what became of all of them."""
        strangers: dict[int, set[str]] = {}
        bytecode: list[str] = []
        for path in self._files:
            package = self._package(path)
            if package is None or path in self._held or path in self._left:
                continue
            if is_cached(path):
                bytecode.append(path)
            else:
                strangers.setdefault(self._packages[package], set()).add(path)
        departures = []
        for index, (distribution, found) in enumerate(self._chosen):
            # A file that two distributions install has the content of one of them.
            altered = {path for path in found.altered if not self._is_anothers(path)}
            added = {path for path in found.added if path not in self._held}
            added |= strangers.get(index, set())
            if altered or added or found.lost:
                locations = (self._locations(paths) for paths in (altered, added, found.lost))
                departures.append(Departure(distribution, found.wheel.file, *locations))
        compared = sum(found.same for _, found in self._chosen)
        return WheelReport(unvouched, tuple(departures), compared, self._locations(bytecode))

    def _locations(self, paths: Iterable[str]) -> tuple[Location, ...]:
        return tuple(map(self._places.location, sorted(paths)))

    def _is_anothers(self, path: str) -> bool:
        return self._files[path].sha256 in self._held.get(path, ())

    def _package(self, path: str) -> str | None:
        """Return the nearest package that a wheel has and a file lies in."""
        folder = posixpath.dirname(path)
        while folder not in self._packages:
            if folder in ("", "/"):
                return None
            folder = posixpath.dirname(folder)
        return folder


def _is_installers(inside: str, distribution: Distribution, wheel: PinnedWheel) -> bool:
    """Whether an installer makes a file by itself, so that no wheel has it.

    `inside` is relative to the folder of packages, absolute where the file lies elsewhere.
    """
    folder, _, name = inside.rpartition("/")
    if folder == distribution.location.path.name:
        return name in INSTALLERS_OWN
    if folder in _SCRIPTS or (inside.startswith("/") and posixpath.basename(folder) in _SCRIPTS):
        return name in wheel.commands
    return is_cached(inside)


def is_cached(path: str) -> bool:
    """Whether a file is bytecode that the importer takes only beside its source (PEP 3147)."""
    return "__pycache__/" in path and path.endswith(".pyc")


def _inside(file: str) -> str:
    """Return a path without the folders that it climbs."""
    while file.startswith("../"):
        file = file[3:]
    return file


def _ends(path: str) -> Iterator[str]:
    """Yield a path without its first folders, the longest first."""
    parts = path.split("/")
    yield from ("/".join(parts[index:]) for index in range(len(parts)))
