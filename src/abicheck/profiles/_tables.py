"""Symbol tables as text: one symbol a line, sections by library, parsed when asked.

    [libc.so.6]
    GLIBC_2.14 memcpy F

A version of `-` means none; a third word `h` marks a version that is hidden
(`@`), anything else one that may be the default (`@@`).  References, which only
captured profiles have, name the file of their version as well:

    GLIBC_2.14 libc.so.6 memcpy F

with `-` twice where there is no version; a fourth word of `w` marks a weak
reference, `D` one to data, `W` a weak one to data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Final

from abicheck.errors import ProfileError
from abicheck.model import SymbolDef, SymbolRef, SymbolTable, VersionNeed

_FIRST_VERSION: Final = 2  # DT_VERSYM indices 0 and 1 are local and global


def split_sections(text: str) -> dict[str, str]:
    """Return the lines of each `[soname]` section, unparsed."""
    sections = {}
    for part in ("\n" + text).split("\n[")[1:]:
        soname, _, body = part.partition("]\n")
        sections[soname] = body
    return sections


def parse_symbols(
    body: str, where: str, numbers: Mapping[str, int] | None = None, *, cut: bool = False
) -> Mapping[str, tuple[SymbolDef, ...]]:
    """Return a section's definitions by name.

    `numbers` are the DT_VERSYM indices of versions; others are numbered as
    they come, or left out where the table is `cut` off at the versions known.
    """
    found: dict[str, tuple[SymbolDef, ...]] = {}
    indices = dict(numbers or {})
    made: dict[tuple[str, bool], SymbolDef] = {}
    for line in filter(None, body.split("\n")):
        words = line.split(" ")
        if len(words) != 3:  # noqa: PLR2004 - version, name, kind
            reason = f"{where}: not 'version name kind': {line[:60]!r}"
            raise ProfileError(reason)
        version, name, kind = words
        key = (version, kind == "h")
        definition = made.get(key)
        if definition is None:
            if cut and version not in indices and version != "-":
                continue
            if version == "-":
                definition = SymbolDef()
            else:
                index = indices.setdefault(version, len(indices) + _FIRST_VERSION)
                definition = SymbolDef(version, kind == "h", index)
            made[key] = definition
        found[name] = (*found[name], definition) if name in found else (definition,)
    return found


def table_of(  # noqa: PLR0913 - what a profile says of one
    body: Callable[[], str],
    where: str,
    versions: tuple[str, ...] | None,
    *,
    soname: str = "",
    versioned: bool = False,
    complete: bool = True,
) -> SymbolTable:
    """Return a table whose definitions are parsed on the first question.

    `versions` stand in the order of DT_VERDEF; the first may be the base
    definition, which is called as the library is.  `versioned` says that there
    is a DT_VERSYM even where there are no versions of its own.  A stand-in of a
    newer release, which is not `complete`, is cut off at `versions`.
    """
    if versions is None:
        lines = (line.split(" ", 1)[0] for line in body().splitlines())
        versions = tuple(dict.fromkeys(version for version in lines if version != "-")) or None
        numbers = None
    else:
        base = soname != "" and versions[0] == soname
        numbers = dict(zip(versions, count(_FIRST_VERSION - base)))
    return SymbolTable(
        lambda: parse_symbols(body(), where, numbers, cut=numbers is not None and not complete),
        versions=versions,
        versioned=versioned or versions is not None,
        complete=complete,
    )


def parse_references(body: str, where: str) -> tuple[SymbolRef, ...]:
    """Return what an object looks up, in the order of the lines."""
    references = []
    for line in filter(None, body.split("\n")):
        words = line.split(" ")
        if len(words) != 4:  # noqa: PLR2004 - version, file, name, kind
            reason = f"{where}: not 'version file name kind': {line[:60]!r}"
            raise ProfileError(reason)
        version, soname, name, kind = words
        references.append(
            SymbolRef(
                name,
                None if version == "-" else version,
                None if soname == "-" else soname,
                weak=kind in ("w", "W"),
                data=kind in ("D", "W"),
            )
        )
    return tuple(references)


def parse_version_need(text: str, where: str) -> VersionNeed:
    """Return `libc.so.6(GLIBC_2.14)`; a `?` at the end marks a weak one."""
    soname, bracket, version = text.removesuffix("?").removesuffix(")").rpartition("(")
    if not bracket:
        reason = f"{where}: not 'file(version)': {text[:60]!r}"
        raise ProfileError(reason)
    return VersionNeed(soname, version, text.endswith("?"))
