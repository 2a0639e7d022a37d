"""Write tiny ELF objects from the words of the field, including ones that no linker makes.

`Elf(needed=("libc.so.6",)).build()` is a shared object in a few hundred bytes, of
either class and byte order.  One PT_LOAD shows the whole file at address 0, so that
an address is an offset.  The tables are those of the gABI and of the GNU extensions;
there are section headers only where `comment` asks for them.

What a linker would refuse to write is said in one of three ways: `tags` overrides or
adds dynamic tags, a `Reloc` may name a symbol by a number that no table has, and
`elfpatch` of the fixtures edits what was built.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import PurePosixPath
from typing import Final, Literal

from abicheck.elf import read_elf
from abicheck.model import ElfFacts, Location

PT_LOAD: Final = 1
PT_DYNAMIC: Final = 2
PT_INTERP: Final = 3
PT_NOTE: Final = 4
PT_TLS: Final = 7
PT_GNU_STACK: Final = 0x6474E551

DT_NEEDED: Final = 1
DT_PLTRELSZ: Final = 2
DT_HASH: Final = 4
DT_STRTAB: Final = 5
DT_SYMTAB: Final = 6
DT_RELA: Final = 7
DT_RELASZ: Final = 8
DT_RELAENT: Final = 9
DT_STRSZ: Final = 10
DT_SONAME: Final = 14
DT_RPATH: Final = 15
DT_REL: Final = 17
DT_RELSZ: Final = 18
DT_RELENT: Final = 19
DT_PLTREL: Final = 20
DT_TEXTREL: Final = 22
DT_JMPREL: Final = 23
DT_RUNPATH: Final = 29
DT_FLAGS: Final = 30
DT_RELRSZ: Final = 35
DT_RELR: Final = 36
DT_RELRENT: Final = 37
DT_GNU_HASH: Final = 0x6FFFFEF5
DT_VERSYM: Final = 0x6FFFFFF0
DT_FLAGS_1: Final = 0x6FFFFFFB
DT_VERDEF: Final = 0x6FFFFFFC
DT_VERNEED: Final = 0x6FFFFFFE

_ENTRIES: Final = {DT_RELA: DT_RELAENT, DT_REL: DT_RELENT}

SHN_UNDEF: Final = 0
SHN_ABS: Final = 0xFFF1

_SHT_PROGBITS: Final = 1
_SHT_STRTAB: Final = 3
_HIDDEN: Final = 0x8000
_VER_FLG_BASE: Final = 1
_VER_FLG_WEAK: Final = 2
_BINDINGS: Final = {"local": 0, "global": 1, "weak": 2, "unique": 10}
_TYPES: Final = {"notype": 0, "object": 1, "func": 2, "section": 3, "tls": 6, "ifunc": 10}
_VISIBILITIES: Final = {"default": 0, "internal": 1, "hidden": 2, "protected": 3}

Binding = Literal["local", "global", "weak", "unique"]
Type = Literal["notype", "object", "func", "section", "tls", "ifunc"]
Visibility = Literal["default", "internal", "hidden", "protected"]
HashStyle = Literal["gnu", "sysv", "both", "none"]

Shipped = Callable[..., bytes]
"""`shipped(case)` is the extension `mod` of a case, `shipped(case, member)` any member."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """One entry of the dynamic symbol table.

    With `of`, the file its version is expected of, or without a section it is
    undefined.  `hidden` is the hidden bit of its version (`name@V` and not `name@@V`),
    which is not `visibility`.
    """

    name: str
    version: str = ""
    of: str = ""
    section: int = SHN_UNDEF
    value: int = 0
    binding: Binding = "global"
    type: Type = "func"
    visibility: Visibility = "default"
    hidden: bool = False


def reference(
    name: str, version: str = "", of: str = "", *, weak: bool = False, data: bool = False
) -> Symbol:
    """Return an undefined symbol; `of` is the file its version is expected of."""
    return Symbol(
        name=name,
        version=version,
        of=of,
        binding="weak" if weak else "global",
        type="object" if data else "func",
    )


def definition(name: str, version: str = "", *, hidden: bool = False) -> Symbol:
    """Return a defined function, under the default version unless it is hidden."""
    return Symbol(name=name, version=version, section=1, value=0x1000, hidden=hidden)


@dataclass(frozen=True, slots=True)
class Need:
    """One entry of DT_VERNEED for version `version` of `file`."""

    file: str
    version: str
    weak: bool = False


@dataclass(frozen=True, slots=True)
class Reloc:
    """One relocation: a symbol by name, or by a number, and its type."""

    symbol: str | int
    type: int


@dataclass(frozen=True, slots=True)
class Note:
    """One note in a PT_NOTE of its own; `align` is that segment's p_align."""

    type: int
    desc: bytes
    name: bytes = b"GNU\0"
    align: int = 4


@dataclass(frozen=True, slots=True)
class _Placed:
    """A part of the file whose place is known."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Elf:
    """One object, said in the words of the field.

    `symbols` stand in the table in this order, after the null symbol; those without a
    section must come first, as DT_GNU_HASH demands.  `versions` are the nodes that the
    object defines.  `needs` are version needs besides those that `symbols` imply.
    """

    wide: bool = True
    little: bool = True
    machine: int = 62
    needed: tuple[str, ...] = ()
    soname: str | None = None
    rpath: str | None = None
    runpath: str | None = None
    interpreter: str | None = None
    symbols: tuple[Symbol, ...] = ()
    versions: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    rel: tuple[Reloc, ...] = ()
    rela: tuple[Reloc, ...] = ()
    jmprel: tuple[Reloc, ...] = ()
    hash: HashStyle = "gnu"
    notes: tuple[Note, ...] = ()
    stack: int | None = None
    tls: tuple[int, int] | None = None
    comment: bytes = b""
    constants: bytes | None = None
    tags: Mapping[int, int] = field(default_factory=dict)

    def build(self) -> bytes:
        """Return the bytes of the object."""
        return _Writer(self).write()

    def facts(self) -> ElfFacts:
        """Return what abicheck reads of it."""
        return read(self.build())


def read(data: bytes) -> ElfFacts:
    """Read an object as if it were `mod.so` of an artifact."""
    return read_elf(data, Location(PurePosixPath("mod.so")))


def spelled_out(facts: ElfFacts) -> Mapping[str, object]:
    """Return every fact by name, with the symbol table as the values it stands for.

    Two tables are never equal, because their definitions are decoded when they are first
    asked for; this asks.
    """
    table = facts.table
    values = {field.name: getattr(facts, field.name) for field in fields(facts)}
    return values | {
        "table": (dict(table.definitions), table.versions, table.versioned, table.complete)
    }


def gnu_hash(name: str) -> int:
    """Return the hash of DT_GNU_HASH (`dl_new_hash`)."""
    value = 5381
    for byte in name.encode():
        value = (value * 33 + byte) & 0xFFFFFFFF
    return value


def elf_hash(name: str) -> int:
    """Return the hash of DT_HASH, and of a version (`_dl_elf_hash`)."""
    value = 0
    for byte in name.encode():
        value = (value << 4) + byte
        value = (value ^ (value >> 24 & 0xF0)) & 0x0FFFFFFF
    return value


class _Strings:
    """A string table under construction."""

    def __init__(self) -> None:
        self.data = bytearray(1)
        self._known: dict[bytes, int] = {b"": 0}

    def add(self, text: str) -> int:
        raw = text.encode("utf-8", "surrogateescape")
        if raw not in self._known:
            self._known[raw] = len(self.data)
            self.data += raw + b"\0"
        return self._known[raw]


class _Writer:
    """Lays the parts of one object out, one after the other."""

    def __init__(self, elf: Elf) -> None:
        self._elf = elf
        self._order = "<" if elf.little else ">"
        self._word = "Q" if elf.wide else "I"
        self._strings = _Strings()
        self._parts: list[_Placed] = []
        self._segments: list[tuple[int, int, int, int, int, int]] = []
        self._versions = _version_indices(elf)
        self._end = 0

    def _pack(self, layout: str, *values: int) -> bytes:
        return struct.pack(self._order + layout.replace("W", self._word), *values)

    def _place(self, data: bytes) -> int:
        """Append a part, aligned to eight, and return its offset."""
        offset = (self._end + 7) // 8 * 8
        self._parts.append(_Placed(offset, data))
        self._end = offset + len(data)
        return offset

    def write(self) -> bytes:
        elf = self._elf
        # PT_LOAD, PT_DYNAMIC and whatever else was asked for.
        count = 2 + len(elf.notes)
        count += sum(
            wish is not None for wish in (elf.stack, elf.tls, elf.interpreter, elf.constants)
        )
        self._end = (64 if elf.wide else 52) + count * (56 if elf.wide else 32)
        for note in elf.notes:
            data = self._pack("III", len(note.name), len(note.desc), note.type)
            data += note.name + bytes(-(12 + len(note.name)) % note.align)
            data += note.desc + bytes(-len(note.desc) % note.align)
            self._segment(PT_NOTE, self._place(data), len(data), align=note.align)
        if elf.interpreter is not None:
            text = elf.interpreter.encode() + b"\0"
            self._segment(PT_INTERP, self._place(text), len(text), align=1)
        if elf.stack is not None:
            self._segment(PT_GNU_STACK, 0, 0, flags=elf.stack)
        if elf.tls is not None:
            self._segment(PT_TLS, 0, 0, memsz=elf.tls[0], align=elf.tls[1])
        if elf.constants is not None:
            place = self._place(elf.constants)
            self._segments.append((PT_LOAD, 4, place, len(elf.constants), len(elf.constants), 8))
        tags = self._tables()
        dynamic = b"".join(self._pack("WW", tag, value) for tag, value in (*tags, (0, 0)))
        where = self._place(dynamic)
        sections = self._sections()
        load = (PT_LOAD, 6, 0, self._end, self._end, 0x1000)
        table = (PT_DYNAMIC, 6, where, len(dynamic), len(dynamic), 8)
        headers = b"".join(self._header(row) for row in (load, table, *self._segments))
        image = bytearray(self._end)
        for part in (_Placed(0, self._ehdr(count, sections) + headers), *self._parts):
            image[part.offset : part.offset + len(part.data)] = part.data
        return bytes(image)

    def _segment(  # noqa: PLR0913 - the fields of Elf_Phdr
        self, kind: int, offset: int, size: int, *, flags: int = 4, memsz: int = 0, align: int = 8
    ) -> None:
        self._segments.append((kind, flags, offset, size, memsz or size, align))

    def _header(self, row: tuple[int, int, int, int, int, int]) -> bytes:
        kind, flags, offset, filesz, memsz, align = row
        if self._elf.wide:
            return self._pack("2I6W", kind, flags, offset, offset, offset, filesz, memsz, align)
        return self._pack("8I", kind, offset, offset, offset, filesz, memsz, flags, align)

    def _ehdr(self, count: int, sections: tuple[int, int]) -> bytes:
        elf = self._elf
        size, entry, section = (64, 56, 64) if elf.wide else (52, 32, 40)
        ident = bytes((2 if elf.wide else 1, 1 if elf.little else 2, 1)).ljust(12, b"\0")
        start, number = sections
        return (
            b"\x7fELF"
            + ident
            + self._pack("HHI3WI", 3, elf.machine, 1, 0, size, start, 0)
            + self._pack("6H", size, entry, count, section, number, max(number - 1, 0))
        )

    def _tables(self) -> list[tuple[int, int]]:
        """Place every table that a dynamic tag points to; return the tags."""
        elf = self._elf
        tags = [(DT_NEEDED, self._strings.add(name)) for name in elf.needed]
        for tag, text in (
            (DT_SONAME, elf.soname),
            (DT_RPATH, elf.rpath),
            (DT_RUNPATH, elf.runpath),
        ):
            if text is not None:
                tags.append((tag, self._strings.add(text)))
        tags.append((DT_SYMTAB, self._place(self._symtab())))
        if self._versions:
            tags.append((DT_VERSYM, self._place(self._versym())))
        if elf.versions:
            tags.append((DT_VERDEF, self._place(self._verdef())))
        needs = _needs(elf)
        if needs:
            tags.append((DT_VERNEED, self._place(self._verneed(needs))))
        if elf.hash in ("sysv", "both"):
            tags.append((DT_HASH, self._place(self._sysv_hash())))
        if elf.hash in ("gnu", "both"):
            tags.append((DT_GNU_HASH, self._place(self._gnu_hash())))
        tags += self._relocations()
        tags.append((DT_STRTAB, self._place(bytes(self._strings.data))))
        tags.append((DT_STRSZ, len(self._strings.data)))
        tags = [(tag, value) for tag, value in tags if tag not in elf.tags]
        return [*tags, *elf.tags.items()]

    def _symtab(self) -> bytes:
        rows = [self._sym(0, 0, 0, 0, 0)]
        for symbol in self._elf.symbols:
            info = _BINDINGS[symbol.binding] << 4 | _TYPES[symbol.type]
            other = _VISIBILITIES[symbol.visibility]
            name = self._strings.add(symbol.name)
            rows.append(self._sym(name, info, other, symbol.section, symbol.value))
        return b"".join(rows)

    def _sym(self, name: int, info: int, other: int, section: int, value: int) -> bytes:
        if self._elf.wide:
            return self._pack("IBBHQQ", name, info, other, section, value, 0)
        return self._pack("IIIBBH", name, value, 0, info, other, section)

    def _versym(self) -> bytes:
        numbers = [0]
        for symbol in self._elf.symbols:
            unversioned = 0 if symbol.section == SHN_UNDEF else 1
            number = self._versions.get((symbol.of, symbol.version), unversioned)
            numbers.append(number | (_HIDDEN if symbol.hidden else 0))
        return self._pack(f"{len(numbers)}H", *numbers)

    def _verdef(self) -> bytes:
        names = [self._elf.soname or "", *self._elf.versions]
        rows = []
        for number, name in enumerate(names, 1):
            flags = _VER_FLG_BASE if number == 1 else 0
            following = 0 if number == len(names) else 28
            rows.append(self._pack("4H3I", 1, flags, number, 1, elf_hash(name), 20, following))
            rows.append(self._pack("II", self._strings.add(name), 0))
        return b"".join(rows)

    def _verneed(self, needs: Mapping[str, list[Need]]) -> bytes:
        rows = []
        for place, (file, entries) in enumerate(needs.items(), 1):
            size = 16 + 16 * len(entries)
            following = 0 if place == len(needs) else size
            name = self._strings.add(file)
            rows.append(self._pack("HHIII", 1, len(entries), name, 16, following))
            for count, need in enumerate(entries, 1):
                flags = _VER_FLG_WEAK if need.weak else 0
                number = self._versions[file, need.version]
                text = self._strings.add(need.version)
                link = 0 if count == len(entries) else 16
                rows.append(self._pack("IHHII", elf_hash(need.version), flags, number, text, link))
        return b"".join(rows)

    def _sysv_hash(self) -> bytes:
        count = len(self._elf.symbols) + 1
        # One bucket; each symbol's chain goes on with the next one.
        chain = [*range(1, count), 0]
        chain = [0, *chain[1:]]
        return self._pack(f"{3 + count}I", 1, count, 1 if count > 1 else 0, *chain)

    def _gnu_hash(self) -> bytes:
        symbols = self._elf.symbols
        first = next((i for i, s in enumerate(symbols, 1) if s.section), len(symbols) + 1)
        hashes = [gnu_hash(symbol.name) & ~1 for symbol in symbols[first - 1 :]]
        if hashes:
            hashes[-1] |= 1
        bloom = self._pack("W", (1 << (64 if self._elf.wide else 32)) - 1)
        head = self._pack("4I", 1, first, 1, 0) + bloom
        return head + self._pack(f"{1 + len(hashes)}I", first if hashes else 0, *hashes)

    def _relocations(self) -> list[tuple[int, int]]:
        elf = self._elf
        tags = []
        plt_addend = elf.wide
        for table, start, size, addend in (
            (elf.rel, DT_REL, DT_RELSZ, False),
            (elf.rela, DT_RELA, DT_RELASZ, True),
            (elf.jmprel, DT_JMPREL, DT_PLTRELSZ, plt_addend),
        ):
            if not table:
                continue
            data = b"".join(self._reloc(entry, addend=addend) for entry in table)
            tags += [(start, self._place(data)), (size, len(data))]
            if start in _ENTRIES:
                tags.append((_ENTRIES[start], len(data) // len(table)))
        if elf.jmprel:
            tags.append((DT_PLTREL, DT_RELA if plt_addend else DT_REL))
        return tags

    def _reloc(self, entry: Reloc, *, addend: bool) -> bytes:
        symbol = entry.symbol
        if isinstance(symbol, str):
            symbol = [s.name for s in self._elf.symbols].index(symbol) + 1
        info = symbol << (32 if self._elf.wide else 8) | entry.type
        return self._pack("WWW" if addend else "WW", 0, info, *([0] if addend else []))

    def _sections(self) -> tuple[int, int]:
        """Place section headers for `.comment`; return where they begin and their number."""
        comment = self._elf.comment
        if not comment:
            return 0, 0
        names = b"\0.comment\0.shstrtab\0"
        places = (
            (1, _SHT_PROGBITS, self._place(comment), len(comment)),
            (10, _SHT_STRTAB, self._place(names), len(names)),
        )
        empty = bytes(64 if self._elf.wide else 40)
        rows = [
            self._pack("II4WIIWW", name, kind, 0, 0, offset, size, 0, 0, 1, 0)
            for name, kind, offset, size in places
        ]
        return self._place(b"".join((empty, *rows))), 3


def _needs(elf: Elf) -> dict[str, list[Need]]:
    """Return the version needs by file: those that symbols imply, then those said outright."""
    needs: dict[str, list[Need]] = {}
    implied = (Need(s.of, s.version) for s in elf.symbols if s.of)
    for need in (*implied, *elf.needs):
        entries = needs.setdefault(need.file, [])
        if need.version not in [entry.version for entry in entries]:
            entries.append(need)
    return needs


def _version_indices(elf: Elf) -> dict[tuple[str, str], int]:
    """Number the versions as a linker does: 1 is the file itself, then its nodes, then needs."""
    names = [("", name) for name in elf.versions]
    names += [(need.file, need.version) for entries in _needs(elf).values() for need in entries]
    return {name: number for number, name in enumerate(names, 2)}
