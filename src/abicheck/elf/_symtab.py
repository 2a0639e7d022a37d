"""Symbol tables, hash tables and relocations, read as arrays.

One `struct.iter_unpack` over a table costs a fortieth of a parser object per
symbol; a single library may have hundreds of thousands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from struct import Struct
from sys import byteorder
from typing import Final

from abicheck.elf._image import Image, MalformedError, Strings
from abicheck.elf._versions import VERSYM_HIDDEN, VERSYM_INDEX, Versions
from abicheck.model import SymbolDef, SymbolRef

# Elf32_Sym and Elf64_Sym hold the same fields in another order; the itemgetter
# gives name, info, other, shndx, value.  Keys are (EI_CLASS, EI_DATA).
SYMBOL: Final = {
    (1, 1): (Struct("<IIIBBH"), itemgetter(0, 3, 4, 5, 1)),
    (1, 2): (Struct(">IIIBBH"), itemgetter(0, 3, 4, 5, 1)),
    (2, 1): (Struct("<IBBHQQ"), itemgetter(0, 1, 2, 3, 4)),
    (2, 2): (Struct(">IBBHQQ"), itemgetter(0, 1, 2, 3, 4)),
}
ORDER: Final = {1: "<", 2: ">"}

_SHN_UNDEF = 0
_SHN_ABS = 0xFFF1
_STB_WEAK = 2
_BINDINGS: Final = frozenset({1, 2, 10})  # GLOBAL, WEAK, GNU_UNIQUE
# check_match: NOTYPE, OBJECT, FUNC, COMMON, TLS, GNU_IFUNC and nothing else.
_TYPES: Final = frozenset({0, 1, 2, 5, 6, 10})
_STT_OBJECT = 1
_STT_TLS = 6
_LOCAL_VISIBILITY: Final = frozenset({1, 2})  # STV_INTERNAL, STV_HIDDEN

_FOUND: Final = frozenset(binding << 4 | kind for binding in _BINDINGS for kind in _TYPES)
_WIDE = 24  # sizeof (Elf64_Sym)

# Relocations that name no symbol to look up, and those that draw on the
# static TLS block, by e_machine.
_NO_LOOKUP: Final[Mapping[int, frozenset[int]]] = {
    62: frozenset({0, 8, 37, 38}),
    183: frozenset({0, 256, 1027, 1032}),
}
_STATIC_TLS: Final[Mapping[int, int]] = {62: 18, 183: 1030}
# What `elf_machine_rela` of sysdeps/x86_64 handles; anything else ends the load.
_KNOWN_TYPES: Final[Mapping[int, frozenset[int]]] = {
    62: frozenset({0, 1, 2, 5, 6, 7, 8, 10, 16, 17, 18, 32, 33, 36, 37, 38}),
}


_PIECE: Final = 1 << 16  # relocations that are looked at in one go


class Symbols:
    """The dynamic symbol table of one object, with its own copy of the bytes."""

    def __init__(
        self, table: bytes, strings: Strings, versions: Versions, kind: tuple[int, int]
    ) -> None:
        self._layout, self._pick = SYMBOL[kind]
        self._table = table
        self._strings = strings
        self._versions = versions
        self._references: dict[int, SymbolRef | None] = {}

    def __len__(self) -> int:
        return len(self._table) // self._layout.size

    def row(self, index: int) -> tuple[int, int, int, int, int]:
        """Return name, info, other, section index and value of one symbol."""
        offset = index * self._layout.size
        if index < 0 or offset + self._layout.size > len(self._table):
            reason = f"symbol {index} is beyond its table"
            raise MalformedError(reason)
        row: tuple[int, int, int, int, int] = self._pick(
            self._layout.unpack_from(self._table, offset)
        )
        return row

    def reference(self, index: int) -> SymbolRef | None:
        """Return the reference that symbol `index` makes, or None where it makes none.

        Local symbols and those with hidden visibility are bound in the object
        itself (`RESOLVE_MAP`), defined ones by their own definition.
        """
        known = self._references
        if index not in known:
            known[index] = self._reference(index, *self.row(index)[:4])
        return known[index]

    def _reference(
        self, index: int, name: int, info: int, other: int, section: int
    ) -> SymbolRef | None:
        if section != _SHN_UNDEF or info >> 4 not in _BINDINGS or other & 3 in _LOCAL_VISIBILITY:
            return None
        version, soname = self._versions.of_reference(index)
        return SymbolRef(
            self._strings.at(name),
            version,
            soname,
            weak=info >> 4 == _STB_WEAK,
            data=info & 15 == _STT_OBJECT,
        )

    def is_own(self, index: int) -> bool:
        """Whether symbol `index` is defined here (or is no symbol at all)."""
        return index == 0 or self.row(index)[3] != _SHN_UNDEF

    def detach(self) -> None:
        """Keep only copies, so that the object's own bytes can be freed."""
        # st_name is the first word of a symbol in either class.
        words = Struct(self._layout.format[:1] + "I" + f"{self._layout.size - 4}x")
        self._strings.detach([name for (name,) in words.iter_unpack(self._table)])

    def references(self, indexes: Iterable[int]) -> Iterator[SymbolRef]:
        """Yield the references that these symbols make; each must lie in the table."""
        # Most are defined here: their section says so, in either byte order.
        sections = self._sections()
        for index in indexes:
            if not sections[index]:
                reference = self.reference(index)
                if reference is not None:
                    yield reference

    def _sections(self) -> list[int]:
        """Return the column `st_shndx`; numbers but zero may have their bytes the wrong way."""
        place, size = (3, 12) if self._layout.size == _WIDE else (7, 8)
        return memoryview(self._table).cast("H")[place::size].tolist()

    def undefined(self, limit: int) -> Iterator[SymbolRef]:
        """Yield the undefined symbols below `limit`, whether a relocation names them or not."""
        pick = self._pick
        known = self._references
        rows = self._layout.iter_unpack(memoryview(self._table)[: limit * self._layout.size])
        for index, row in enumerate(rows):
            name, info, other, section, _ = pick(row)
            if index and section == _SHN_UNDEF:
                if index not in known:
                    known[index] = self._reference(index, name, info, other, section)
                reference = known[index]
                if reference is not None and reference.name:
                    yield reference

    def definitions(self, first: int) -> Mapping[str, tuple[SymbolDef, ...]]:
        """Return what a lookup could find from symbol `first` on, by name.

        The conditions are those of `check_match` and `do_lookup_x`.
        """
        found: dict[str, tuple[SymbolDef, ...]] = {}
        more: dict[str, list[SymbolDef]] = {}
        text = self._strings.text
        versym = self._versions.versym
        unversioned = SymbolDef()
        find = text.find
        pick = self._pick
        made: dict[int, SymbolDef] = {}
        rows = self._layout.iter_unpack(memoryview(self._table)[first * self._layout.size :])
        for index, (name, info, other, section, value) in enumerate(map(pick, rows), first):
            if (
                section == _SHN_UNDEF
                or info not in _FOUND
                or other & 3 in _LOCAL_VISIBILITY
                or (value == 0 and section != _SHN_ABS and info & 15 != _STT_TLS)
            ):
                continue
            end = find("\0", name)
            if end < 0:
                continue  # a name beyond its table: no lookup can ask for it
            key = text[name:end]
            if versym is None:
                definition = unversioned
            else:
                raw = versym[index] if index < len(versym) else 1
                known = made.get(raw)
                if known is None:
                    number = raw & VERSYM_INDEX
                    version = self._versions.defined.get(number)
                    known = SymbolDef(version, bool(raw & VERSYM_HIDDEN), number)
                    made[raw] = known
                definition = known
            if key in found:
                more.setdefault(key, []).append(definition)
            else:
                found[key] = (definition,)
        for key, others in more.items():
            found[key] += tuple(others)
        return found


def count_symbols(
    image: Image, kind: tuple[int, int], gnu_hash: int | None, sysv_hash: int | None
) -> tuple[int, int]:
    """Return how many dynamic symbols there are, and the first that can be found.

    Only the hash tables say it; a lookup uses DT_GNU_HASH where there is one,
    which gives no number where it is empty (0).
    """
    order = ORDER[kind[1]]
    if gnu_hash is not None:
        buckets, first, bloom, _ = Struct(order + "4I").unpack(image.read(gnu_hash, 16))
        where = gnu_hash + 16 + bloom * (8 if kind[0] == 2 else 4)
        heads = [
            head for (head,) in Struct(order + "I").iter_unpack(image.read(where, buckets * 4))
        ]
        last = max(heads, default=0)
        if last == 0 or last < first:
            return 0, first
        chains = image.rest(where + buckets * 4)
        entry = Struct(order + "I")
        while True:
            offset = (last - first) * 4
            if offset + 4 > len(chains):
                reason = "the last chain of DT_GNU_HASH has no end"
                raise MalformedError(reason)
            if entry.unpack_from(chains, offset)[0] & 1:
                return last + 1, first
            last += 1
    if sysv_hash is not None:
        _, chain = Struct(order + "2I").unpack(image.read(sysv_hash, 8))
        return chain, 1
    return 0, 0


@dataclass(frozen=True, slots=True)
class Relocations:
    """One relocation table: symbols in order without repeats, and what is special.

    `static_tls` holds the symbols of relocations that need static TLS,
    `unknown` the first type that the machine's loader does not know.
    """

    symbols: list[int]
    static_tls: list[int]
    unknown: int | None


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
    return Relocations(list(symbols), static_tls, unknown)
