"""What loading looks up in an object: its symbols, in the order of its relocations."""

from __future__ import annotations

from itertools import takewhile
from typing import Any

from abicheck.elf._budget import MalformedError
from abicheck.elf._hash import GnuHash, NoHash, SysvHash
from abicheck.elf._image import Image, Strings
from abicheck.elf._relocations import read_lookups
from abicheck.elf._symtab import SYMBOL, Symbols
from abicheck.elf._tags import TAG
from abicheck.elf._versions import Versions
from abicheck.model import Assertion, ElfHeader, SymbolTable


def read_symbol_facts(
    image: Image, header: ElfHeader, tags: dict[int, int], strings: Strings, versions: Versions
) -> dict[str, Any]:
    kind = (header.ei_class, header.ei_data)
    address, size = tags[TAG["DT_SYMTAB"]], SYMBOL[kind][0].size
    mapped = len(image.rest(address)) // size
    flaw: dict[str, Any] = {}
    hashed = NoHash()
    gnu_hash = tags.get(TAG["DT_GNU_HASH"])
    try:
        hashed = _read_hash(image, kind, tags)
    except MalformedError as error:
        flaw = {"defect": f"malformed: {error}", "unsearchable": True}
    count, first = hashed.count, hashed.first
    if count > mapped:
        reason = f"malformed: symbol {count - 1} is beyond its table"
        flaw, count = {"defect": reason, "unsearchable": True}, mapped
    asked = read_lookups(image, header, kind, tags)
    within = list(takewhile(mapped.__gt__, asked.symbols))
    used = max(within, default=-1) + 1
    if gnu_hash is not None and not count:
        # Where nothing is exported, linkers disagree what the first hashed symbol would be.
        used = max(used, first if first <= mapped else 0)
    image.symbols.take(max(count, used))
    # bytes(), because the tables must outlive the object they were read from.
    table = bytes(image.read(address, max(count, used) * size))
    broken = asked.broken if len(within) == len(asked.symbols) else "a symbol beyond its table"
    versym = tags.get(TAG["DT_VERSYM"])
    if versym is not None:
        part, missing = image.mapped(versym, max(count, used) * 2)
        versions.read_versym(part, kind[1])
        broken = broken or missing
    symbols = Symbols(table, strings, versions, kind, hashed)
    references = []
    try:
        # One by one, so that those before an unreadable one are kept.
        for reference in symbols.references(within):
            references.append(reference)  # noqa: PERF402 - as said
    except MalformedError as error:
        broken = str(error)
    if asked.misrelative:
        flaw = {"defect": f"malformed: {Assertion.RELATIVE}", "unrelocatable": True} | flaw
    if broken:
        flaw = {"defect": f"malformed: {broken}", "unrelocatable": True} | flaw
    # DT_GNU_HASH leaves the undefined symbols out: they all lie before its first one.
    limit = first if gnu_hash is not None and count else max(count, used)
    undefined = symbols.undefined(limit)
    symbols.detach()
    return flaw | {
        "references": tuple(references),
        "undefined": undefined,
        "static_tls": any(symbols.is_own(index) for index in asked.static_tls if index < used),
        "unknown_relocation": None if broken else asked.unknown,
        "misrelative": asked.misrelative,
        "table": SymbolTable(
            lambda: symbols.definitions(first) if count > first else {},
            versions=versions.names,
            versioned=versym is not None,
            search=symbols.search,
        ),
    }


def _read_hash(image: Image, kind: tuple[int, int], tags: dict[int, int]) -> NoHash:
    """Return the table that a search uses: DT_GNU_HASH where there is one."""
    for tag, read in (("DT_GNU_HASH", GnuHash), ("DT_HASH", SysvHash)):
        address = tags.get(TAG[tag])
        if address is not None:
            return read(image, address, kind)
    return NoHash()
