"""Symbol tables, read as arrays.

One `struct.iter_unpack` over a table costs a fortieth of a parser object per
symbol; a single library may have hundreds of thousands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from operator import itemgetter
from struct import Struct
from typing import Final

from abicheck.elf._budget import MalformedError
from abicheck.elf._hash import NoHash
from abicheck.elf._image import Strings
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

_SHN_UNDEF = 0
_SHN_ABS = 0xFFF1
_STB_LOCAL = 0
_STB_WEAK = 2
_BINDINGS: Final = frozenset({1, 2, 10})  # GLOBAL, WEAK, GNU_UNIQUE
# check_match: NOTYPE, OBJECT, FUNC, COMMON, TLS, GNU_IFUNC and nothing else.
_TYPES: Final = frozenset({0, 1, 2, 5, 6, 10})
_STT_OBJECT = 1
_STT_TLS = 6
_LOCAL_VISIBILITY: Final = frozenset({1, 2})  # STV_INTERNAL, STV_HIDDEN

_FOUND: Final = frozenset(binding << 4 | kind for binding in _BINDINGS for kind in _TYPES)
_WIDE = 24  # sizeof (Elf64_Sym)


def _is_definition(row: tuple[int, int, int, int, int]) -> bool:
    """Whether a search may end at a symbol: `check_match` and the end of `do_lookup_x`."""
    _, info, other, section, value = row
    return not (
        section == _SHN_UNDEF
        or info not in _FOUND
        or other & 3 in _LOCAL_VISIBILITY
        or (value == 0 and section != _SHN_ABS and info & 15 != _STT_TLS)
    )


class Symbols:
    """The dynamic symbol table of one object, with its own copy of the bytes."""

    def __init__(
        self,
        table: bytes,
        strings: Strings,
        versions: Versions,
        kind: tuple[int, int],
        hashed: NoHash,
    ) -> None:
        self._layout, self._pick = SYMBOL[kind]
        self._table = table
        self._hash = hashed
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

    def references(self, indexes: Iterable[int]) -> Iterator[SymbolRef]:
        """Yield the references that these symbols make; each must lie in the table.

        Local symbols and those with hidden visibility are bound in the object
        itself (`RESOLVE_MAP`), defined ones by their own definition, unless the hash
        table does not lead to it.
        """
        # Most are defined here: their section says so, in either byte order.
        sections = self._sections()
        for index in indexes:
            if not sections[index]:
                reference = self.reference(index)
            elif self._finds(index):
                continue
            else:
                name, info, *_ = self.row(index)
                reference = self._asked(index, name, info)
            if reference is not None:
                self._versions.check(index)
                yield reference

    def _sections(self) -> list[int]:
        """Return the column `st_shndx`; numbers but zero may have their bytes the wrong way."""
        place, size = (3, 12) if self._layout.size == _WIDE else (7, 8)
        return memoryview(self._table).cast("H")[place::size].tolist()

    def reference(self, index: int) -> SymbolRef | None:
        """Return the reference that an undefined symbol makes, or None where it makes none."""
        known = self._references
        if index not in known:
            known[index] = self._reference(index, *self.row(index)[:4])
        return known[index]

    def _finds(self, index: int) -> bool:
        """Whether the loader, in search of a symbol that is defined here, comes to it."""
        row = self.row(index)
        name, info, other, _, _ = row
        if info >> 4 == _STB_LOCAL or other & 3 in _LOCAL_VISIBILITY:
            return True  # it does not search
        return _is_definition(row) and self._hash.leads_to(
            self._strings.at(name).encode("latin-1"), index
        )

    def search(self, name: str) -> tuple[SymbolDef, ...]:
        """Return the definitions to which the hash table leads: `do_lookup_x`, in one object."""
        raw = name.encode("latin-1", "replace")
        return tuple(
            self._definition(index)
            for index in self._hash.candidates(raw)
            if index < len(self)
            and _is_definition(row := self.row(index))
            and self._strings.text[row[0] : row[0] + len(name) + 1] == f"{name}\0"
        )

    def _definition(self, index: int) -> SymbolDef:
        versym = self._versions.versym
        if versym is None:
            return SymbolDef()
        raw = versym[index] if index < len(versym) else 1
        number = raw & VERSYM_INDEX
        return SymbolDef(self._versions.defined.get(number), bool(raw & VERSYM_HIDDEN), number)

    def _reference(
        self, index: int, name: int, info: int, other: int, section: int
    ) -> SymbolRef | None:
        if section != _SHN_UNDEF or info >> 4 == _STB_LOCAL or other & 3 in _LOCAL_VISIBILITY:
            return None
        return self._asked(index, name, info)

    def _asked(self, index: int, name: int, info: int) -> SymbolRef:
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

    def undefined(self, limit: int) -> tuple[SymbolRef, ...]:
        """Return the undefined symbols below `limit`, whether a relocation names them or not.

        The loader does not read them, so that one whose name leads nowhere harms nobody.
        """
        pick = self._pick
        known = self._references
        found = []
        rows = self._layout.iter_unpack(memoryview(self._table)[: limit * self._layout.size])
        for index, row in enumerate(rows):
            name, info, other, section, _ = pick(row)
            if index and section == _SHN_UNDEF:
                if index not in known:
                    try:
                        known[index] = self._reference(index, name, info, other, section)
                    except MalformedError:
                        continue
                reference = known[index]
                if reference is not None and reference.name:
                    found.append(reference)
        return tuple(found)

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
            # As in `_is_definition`, spelled out: this is asked of every symbol there is.
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
