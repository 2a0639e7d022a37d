"""What loading looks up in an object: its symbols, in the order of its relocations."""

from __future__ import annotations

from itertools import takewhile
from typing import Any, Final, NamedTuple

from elftools.elf.enums import ENUM_D_TAG_COMMON

from abicheck.elf._image import Image, MalformedError, Strings
from abicheck.elf._symtab import SYMBOL, Symbols, count_symbols, read_relocations
from abicheck.elf._versions import Versions
from abicheck.model import ElfHeader, SymbolTable

TAG: Final[dict[str, int]] = {
    **ENUM_D_TAG_COMMON,
    "DT_RELRSZ": 35,
    "DT_RELR": 36,
}


def read_symbol_facts(
    image: Image, header: ElfHeader, tags: dict[int, int], strings: Strings, versions: Versions
) -> dict[str, Any]:
    kind = (header.ei_class, header.ei_data)
    address, size = tags[TAG["DT_SYMTAB"]], SYMBOL[kind][0].size
    mapped = len(image.rest(address)) // size
    flaw: dict[str, Any] = {}
    count = first = 0
    try:
        count, first = count_symbols(
            image, kind, tags.get(TAG["DT_GNU_HASH"]), tags.get(TAG["DT_HASH"])
        )
    except MalformedError as error:
        flaw = {"defect": f"malformed: {error}", "unsearchable": True}
    if count > mapped:
        reason = f"malformed: symbol {count - 1} is beyond its table"
        flaw, count = {"defect": reason, "unsearchable": True}, mapped
    asked = _read_relocations(image, header, kind, tags)
    within = list(takewhile(mapped.__gt__, asked.symbols))
    used = max(within, default=-1) + 1
    hashed = tags.get(TAG["DT_GNU_HASH"]) is not None
    if hashed and not count:
        # Where nothing is exported, linkers disagree what the first hashed symbol would be.
        used = max(used, first if first <= mapped else 0)
    image.symbols.take(max(count, used))
    # bytes(), because the tables must outlive the object they were read from.
    table = bytes(image.read(address, max(count, used) * size))
    versym = tags.get(TAG["DT_VERSYM"])
    if versym is not None:
        versions.read_versym(image.read(versym, max(count, used) * 2), kind[1])
    symbols = Symbols(table, strings, versions, kind)
    references = []
    broken = asked.broken if len(within) == len(asked.symbols) else "a symbol beyond its table"
    try:
        # One by one, so that those before an unreadable one are kept.
        for reference in symbols.references(within):
            references.append(reference)  # noqa: PERF402 - as said
    except MalformedError as error:
        broken = str(error)
    if broken:
        flaw = flaw or {"defect": f"malformed: {broken}", "unrelocatable": True}
    # DT_GNU_HASH leaves the undefined symbols out: they all lie before its first one.
    undefined = tuple(symbols.undefined(first if hashed and count else max(count, used)))
    symbols.detach()
    return flaw | {
        "references": tuple(references),
        "undefined": undefined,
        "static_tls": any(symbols.is_own(index) for index in asked.static_tls if index < used),
        "unknown_relocation": None if broken else asked.unknown,
        "table": SymbolTable(
            lambda: symbols.definitions(first) if count > first else {},
            versions=versions.names,
            versioned=versym is not None,
        ),
    }


class _Asked(NamedTuple):
    """What the relocations ask of the loader, in the order of `_dl_relocate_object`.

    `unknown` is the type, not one of the machine's, at which it stops; `broken`
    says why a table cannot be read to its end.
    """

    symbols: list[int]
    static_tls: list[int]
    unknown: int | None
    broken: str


def _read_relocations(
    image: Image, header: ElfHeader, kind: tuple[int, int], tags: dict[int, int]
) -> _Asked:
    """Return what is looked up with RTLD_NOW, and which symbols need static TLS."""
    found: dict[int, None] = {}
    static_tls: list[int] = []
    unknown: int | None = None
    broken = ""
    plt_addend = tags.get(TAG["DT_PLTREL"]) != TAG["DT_REL"]
    for start, size, addend in (
        ("DT_REL", "DT_RELSZ", False),
        ("DT_RELA", "DT_RELASZ", True),
        ("DT_JMPREL", "DT_PLTRELSZ", plt_addend),
    ):
        address, length = tags.get(TAG[start]), tags.get(TAG[size], 0)
        if address is None or not length:
            continue
        table, broken = image.mapped(address, length)
        relocations = read_relocations(table, kind, header.machine, addend=addend)
        found.update(dict.fromkeys(relocations.symbols))
        static_tls += relocations.static_tls
        unknown = relocations.unknown
        if unknown is not None or broken:
            break  # here the loader stops, or dies
    return _Asked(list(found), static_tls, unknown, broken if unknown is None else "")
