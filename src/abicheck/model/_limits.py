"""How much of an artifact is examined at most; what lies beyond is a finding."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final


def _limit(default: int, what: str, *, is_size: bool = False) -> int:
    found: int = field(default=default, metadata={"what": what, "is_size": is_size})
    return found


@dataclass(frozen=True, slots=True)
class Limits:
    """One number a limit; what each counts is in its metadata, and sizes are in bytes.

    Lambda itself stops at 250 MiB unpacked for a function and 10 GiB for an
    image, so that none of these is met by what could be deployed.
    """

    members: int = _limit(500_000, "members of an archive, files of a folder, of all layers")
    total: int = _limit(4 << 30, "all of a ZIP or folder, unpacked", is_size=True)
    member: int = _limit(2 << 30, "one file, unpacked", is_size=True)
    ratio: int = _limit(200, "bytes unpacked for each one packed, beyond the first 256 MiB")
    path: int = _limit(4096, "characters of a name")
    nesting: int = _limit(100, "folders in one another")
    layers: int = _limit(16 << 30, "all layers of an image, unpacked", is_size=True)
    layer_count: int = _limit(1000, "layers of an image")
    symbols: int = _limit(2_000_000, "dynamic symbols of a shared object")
    versions: int = _limit(100_000, "symbol versions that an object defines and needs")
    notes: int = _limit(10_000, "notes of an object")
    source: int = _limit(8 << 20, "one Python source", is_size=True)
    nodes: int = _limit(500_000, "nodes of a syntax tree, guessed by its punctuation")
    depth: int = _limit(1000, "levels of a syntax tree; those of elif are none")


DEFAULT_LIMITS: Final = Limits()


def reached(name: str, detail: str) -> str:
    """Return what is said where the limit `name` was reached."""
    return f"{detail} (--limit {name.replace('_', '-')})"
