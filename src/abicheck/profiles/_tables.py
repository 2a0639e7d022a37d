"""Symbol tables as text: one symbol a line, sections by library, parsed when asked.

    [libc.so.6]
    GLIBC_2.14 memcpy F

A version of `-` means none; a third word `h` marks a version that is hidden
(`@`), anything else one that may be the default (`@@`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from abicheck.errors import ProfileError
from abicheck.model import SymbolDef, SymbolTable

_FIRST_VERSION: Final = 2  # DT_VERSYM indices 0 and 1 are local and global


def split_sections(text: str) -> dict[str, str]:
    """Return the lines of each `[soname]` section, unparsed."""
    sections = {}
    for part in ("\n" + text).split("\n[")[1:]:
        soname, _, body = part.partition("]\n")
        sections[soname] = body
    return sections


def parse_symbols(body: str, where: str) -> Mapping[str, tuple[SymbolDef, ...]]:
    """Return a section's definitions by name."""
    found: dict[str, tuple[SymbolDef, ...]] = {}
    indices: dict[str, int] = {}
    made: dict[tuple[str, bool], SymbolDef] = {}
    for line in body.splitlines():
        words = line.split(" ")
        if len(words) != 3:  # noqa: PLR2004 - version, name, kind
            reason = f"{where}: not 'version name kind': {line[:60]!r}"
            raise ProfileError(reason)
        version, name, kind = words
        key = (version, kind == "h")
        definition = made.get(key)
        if definition is None:
            if version == "-":
                definition = SymbolDef()
            else:
                index = indices.setdefault(version, len(indices) + _FIRST_VERSION)
                definition = SymbolDef(version, kind == "h", index)
            made[key] = definition
        found[name] = (*found[name], definition) if name in found else (definition,)
    return found


def table_of(
    body: str, where: str, versions: tuple[str, ...] | None, *, complete: bool
) -> SymbolTable:
    """Return a table whose definitions are parsed on the first question."""
    load: Callable[[], Mapping[str, tuple[SymbolDef, ...]]] = lambda: parse_symbols(body, where)  # noqa: E731
    if versions is None:
        lines = (line.split(" ", 1)[0] for line in body.splitlines())
        versions = tuple(dict.fromkeys(version for version in lines if version != "-")) or None
    return SymbolTable(load, versions=versions, versioned=versions is not None, complete=complete)
