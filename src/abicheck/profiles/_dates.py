"""A target as it was on a day: what it was served later is taken away."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from abicheck.model import Library, SymbolDef, SymbolTable, TargetProfile


def as_of(profile: TargetProfile, day: dt.date) -> TargetProfile:
    """Return the profile as of a day: judged by that day's release, and by no newer one.

    Version nodes that were introduced later are missing, with all that they
    carry; those that were there are as certain as any.  Before the first day
    that the profile knows of, its oldest release is what counts.
    """
    libraries = {path: _library(library, day) for path, library in profile.libraries.items()}
    return replace(
        profile,
        title=f"{profile.title} as of {day.isoformat()}",
        as_of=min(profile.as_of, day.isoformat()),
        libraries=MappingProxyType(libraries),
    )


def _library(library: Library, day: dt.date) -> Library:
    later = frozenset(
        node for node, since in library.introduced.items() if dt.date.fromisoformat(since) > day
    )
    if not later:
        return replace(library, introduced=MappingProxyType({}))
    table = library.table

    def definitions() -> Mapping[str, tuple[SymbolDef, ...]]:
        kept = {
            name: tuple(d for d in found if d.version not in later)
            for name, found in table.definitions.items()
        }
        return {name: found for name, found in kept.items() if found}

    older = SymbolTable(
        definitions,
        versions=tuple(node for node in table.versions or () if node not in later),
        versioned=table.versioned,
        complete=table.complete,
    )
    return replace(library, table=older, introduced=MappingProxyType({}))
