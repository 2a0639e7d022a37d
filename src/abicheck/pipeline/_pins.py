"""What is installed in an artifact against what is pinned, and against the wheels it came from."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from abicheck.errors import UsageError
from abicheck.filesystem import Entry, Kind, Places, Tree
from abicheck.model import ArtifactKind, PinReport, Pins
from abicheck.pipeline._inventory import Contents
from abicheck.pipeline._wheels import Wheels
from abicheck.python.installed_wheels import compare_with_wheels
from abicheck.python.pinned import hold_against_pins


def compare_with_pins(contents: Contents, pins: Pins, wheels: Wheels | None) -> PinReport:
    """Return how an artifact differs from what is pinned, and from the pinned wheels.

    Raises `UsageError` for a wheel or an object alone, in which nothing is
    installed, and for an image where there are wheels; `ArtifactError` where a
    wheel cannot be read.
    """
    inventory = contents.inventory
    if inventory.kind in (ArtifactKind.WHEEL, ArtifactKind.OBJECT):
        reason = (
            f"{inventory.artifact}: --requirements are held against what is installed; "
            f"in a {inventory.kind} alone nothing is"
        )
        raise UsageError(reason)
    if wheels is not None and inventory.kind is ArtifactKind.IMAGE:
        # Of an image's files only code and metadata are hashed, and a part proves nothing.
        reason = (
            f"{inventory.artifact}: --wheels compares archives and folders, and no image; "
            "compare the folder that is copied into it"
        )
        raise UsageError(reason)
    places, entries = contents.places, set(map(str, contents.profile.interpreter.path))
    # What packages carry with them for themselves is nobody's to pin.
    found = tuple(
        distribution
        for distribution in inventory.distributions
        if posixpath.dirname(places.target(distribution.location)) in entries
    )
    report = hold_against_pins(found, pins, contents.profile)
    if wheels is None or report.foreign:
        return report
    files = dict(_files(contents.tree, places))
    compared = compare_with_wheels(found, report, wheels, files, places)
    return replace(report, wheels=compared)


def _files(tree: Tree, places: Places) -> Iterator[tuple[str, Entry]]:
    """Yield the artifact's own regular files by target path, and under the names of links too."""
    for path in chain(tree.files(), tree.links()):
        if places.holds(path):
            real = tree.real(path)
            entry = tree.entry(real) if real is not None else None
            if entry is not None and entry.kind is Kind.FILE:
                yield path, entry
