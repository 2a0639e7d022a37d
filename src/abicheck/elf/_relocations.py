"""Which symbols the relocations of an object look up, in the order in which they do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from struct import Struct
from sys import byteorder
from typing import Final, NamedTuple

from abicheck.elf._image import Image
from abicheck.elf._tags import TAG
from abicheck.model import ElfHeader

ORDER: Final = {1: "<", 2: ">"}

# Relocations that name no symbol to look up, and those that draw on the
# static TLS block, by e_machine.
_NO_LOOKUP: Final[Mapping[int, frozenset[int]]] = {
    62: frozenset({0, 8, 38}),
    183: frozenset({0, 256, 1027, 1032}),
}
_STATIC_TLS: Final[Mapping[int, int]] = {62: 18, 183: 1030}
# What `elf_machine_rela` of sysdeps/x86_64 handles; anything else ends the load.
_KNOWN_TYPES: Final[Mapping[int, frozenset[int]]] = {
    62: frozenset({0, 1, 2, 5, 6, 7, 8, 10, 16, 17, 18, 32, 33, 36, 37, 38}),
}

_PIECE: Final = 1 << 16  # relocations that are looked at in one go
# Machines of whose two kinds of tables the loader reads DT_RELA alone.
_NO_REL: Final = frozenset({62, 183})
_RELATIVE: Final[Mapping[int, frozenset[int]]] = {62: frozenset({8, 38})}
_WORDS: Final = 1 << 64  # numbers are added up as these are
_WRAPS: Final = _WORDS - (1 << 47)  # sizes that end before they begin, wherever that is


class Asked(NamedTuple):
    """What the relocations ask of the loader, in the order of `_dl_relocate_object`.

    `unknown` is the type, not one of the machine's, at which it stops; `broken`
    says why a table cannot be read to its end; `misrelative` that DT_RELACOUNT counts
    others than the relative ones among those.
    """

    symbols: list[int]
    static_tls: list[int]
    unknown: int | None
    broken: str
    misrelative: bool = False


class _Range(NamedTuple):
    start: int
    size: int
    addend: bool
    relative: int = 0


def read_lookups(
    image: Image, header: ElfHeader, kind: tuple[int, int], tags: dict[int, int]
) -> Asked:
    """Return what is looked up with RTLD_NOW, and which symbols need static TLS."""
    found: dict[int, None] = {}
    static_tls: list[int] = []
    unknown: int | None = None
    ranges, missing = _ranges(header.machine, tags)
    broken = ""
    for part in ranges:
        row = (8 if kind[0] == 2 else 4) * (3 if part.addend else 2)
        size = 0 if part.size >= _WRAPS else -(-part.size // row) * row
        relative = part.relative * row
        if relative:
            first, broken = image.mapped(part.start, relative)
            types = read_relocations(first, kind, header.machine, addend=part.addend).types
            if not types <= _RELATIVE.get(header.machine, types):
                return Asked(list(found), static_tls, None, "", misrelative=True)
            if broken:
                break
        if size > relative:
            table, broken = image.mapped(part.start + relative, size - relative)
            relocations = read_relocations(table, kind, header.machine, addend=part.addend)
            found.update(dict.fromkeys(relocations.symbols))
            static_tls += relocations.static_tls
            unknown = relocations.unknown
        if unknown is not None or broken:
            break  # here the loader stops, or dies
    broken = missing or broken
    return Asked(list(found), static_tls, unknown, broken if unknown is None else "")


def _ranges(machine: int, tags: dict[int, int]) -> tuple[list[_Range], str]:
    """Return the tables in order, and which tag is missing that the loader relies on.

    Mirrors `_ELF_DYNAMIC_DO_RELOC`, which makes one of two tables that adjoin.
    """
    ranges: list[_Range] = []
    if machine not in _NO_REL:
        ranges += _table(tags, "DT_REL", "DT_RELSZ", addend=False)
    first = _Range(0, 0, addend=True)
    if tags.get(TAG["DT_RELA"]):
        if TAG["DT_RELASZ"] not in tags:
            return ranges, "DT_RELA without DT_RELASZ"
        start, size = tags[TAG["DT_RELA"]], tags[TAG["DT_RELASZ"]]
        first = _Range(start, size, addend=True, relative=tags.get(TAG["DT_RELACOUNT"], 0))
    if TAG["DT_PLTREL"] not in tags:
        return [*ranges, first], ""
    if not {TAG["DT_JMPREL"], TAG["DT_PLTRELSZ"]} <= tags.keys():
        return ranges, "DT_PLTREL without DT_JMPREL or DT_PLTRELSZ"
    addend = machine in _NO_REL or tags[TAG["DT_PLTREL"]] != TAG["DT_REL"]
    start, size = tags[TAG["DT_JMPREL"]], tags[TAG["DT_PLTRELSZ"]]
    if not addend:
        return [*ranges, _Range(start, size, addend=False), first], ""
    if not first.start:
        first = first._replace(start=start)
    if (first.start + first.size - start - size) % _WORDS == 0:
        first = first._replace(size=(first.size - size) % _WORDS)
    if (first.start + first.size - start) % _WORDS == 0:
        return [*ranges, first._replace(size=(first.size + size) % _WORDS)], ""
    return [*ranges, first, _Range(start, size, addend=True)], ""


def _table(tags: dict[int, int], start: str, size: str, *, addend: bool) -> list[_Range]:
    address = tags.get(TAG[start])
    return [] if address is None else [_Range(address, tags.get(TAG[size], 0), addend)]


@dataclass(frozen=True, slots=True)
class Relocations:
    """One relocation table: symbols in order without repeats, and what is special.

    `static_tls` holds the symbols of relocations that need static TLS,
    `unknown` the first type that the machine's loader does not know.
    """

    symbols: list[int]
    static_tls: list[int]
    unknown: int | None
    types: frozenset[int]


def read_relocations(
    table: memoryview, kind: tuple[int, int], machine: int, *, addend: bool
) -> Relocations:
    """Return what one relocation table asks of the loader, up to the first type it does not know.

    There the load ends, once the relocation's own symbol has been found.
    """
    wide = kind[0] == 2
    width, shift = (8, 32) if wide else (4, 8)
    mask = (1 << shift) - 1
    fields = 3 if addend else 2
    whole = len(table) // (width * fields) * (width * fields)
    # Without repeats: most relocations name no symbol, and are alike.
    infos: dict[int, None] = {}
    if (kind[1] == 1) == (byteorder == "little"):
        words = table[:whole].cast("Q") if wide else table[:whole].cast("I")
        step = _PIECE * fields
        for start in range(0, len(words), step):
            infos.update(dict.fromkeys(words[start : start + step][1::fields].tolist()))
    else:
        rows = Struct(ORDER[kind[1]] + ("Q" if wide else "I") * fields).iter_unpack(table[:whole])
        infos = dict.fromkeys(row[1] for row in rows)
    skipped = _NO_LOOKUP.get(machine, frozenset())
    types = _KNOWN_TYPES.get(machine)
    static = _STATIC_TLS.get(machine)
    symbols: dict[int, None] = {}
    static_tls: list[int] = []
    unknown: int | None = None
    for info in infos:
        number = info & mask
        if number == static:
            static_tls.append(info >> shift)
        if info >> shift and number not in skipped:
            symbols[info >> shift] = None
        if types is not None and number not in types:
            unknown = number
            break
    numbers = frozenset(info & mask for info in infos)
    return Relocations(list(symbols), static_tls, unknown, numbers)
