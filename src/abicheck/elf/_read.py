"""`read_elf`: one object's bytes to `ElfFacts`, through program headers alone."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from functools import lru_cache
from io import BytesIO
from itertools import takewhile
from typing import Any, Final, NamedTuple

from elftools.common.exceptions import ELFError
from elftools.common.utils import struct_parse
from elftools.elf.enums import ENUM_D_TAG_COMMON
from elftools.elf.structs import ELFStructs

from abicheck.elf._image import Image, MalformedError, Strings, TooMuchError, readable
from abicheck.elf._notes import is_stripped, read_comment, read_notes
from abicheck.elf._symtab import ORDER, SYMBOL, Symbols, count_symbols, read_relocations
from abicheck.elf._versions import Versions
from abicheck.model import (
    ElfFacts,
    ElfHeader,
    Location,
    Segment,
    SymbolRef,
    SymbolTable,
)

MAGIC: Final = b"\x7fELF"
_EHDR_SIZE: Final = 64  # sizeof (Elf64_Ehdr): what open_verify insists on
_PAGE: Final = 4096

_PT_LOAD, _PT_DYNAMIC, _PT_INTERP, _PT_TLS = 1, 2, 3, 7
_PT_GNU_STACK: Final = 0x6474E551
_PF_X, _PF_R = 1, 4
_DF_TEXTREL, _DF_STATIC_TLS = 4, 16
_MAX_DYNAMIC: Final = 65_536
_MAX_SEARCHED: Final = 64 << 20
_IMPORTER: Final = "PyImport_ImportModule"
# What holds more is mostly tables; but Cython's modules, which are known by a name
# that all of them ask for, may hold more.
_MAX_CONSTANTS: Final = 256 << 10
_MAX_CYTHON_CONSTANTS: Final = 4 << 20
_CYTHON: Final = b"cython_runtime\0"

_TAG: Final[dict[str, int]] = {
    **ENUM_D_TAG_COMMON,
    "DT_RELRSZ": 35,
    "DT_RELR": 36,
}

# What was seen to escape pyelftools on mutated headers, besides its own errors.
_MALFORMED: Final = (
    MalformedError,
    ELFError,
    AssertionError,
    OverflowError,
    ValueError,
    struct.error,
)


@lru_cache(maxsize=16)
def _structs(ei_class: int, ei_data: int) -> Any:  # noqa: ANN401 - pyelftools is untyped
    structs = ELFStructs(little_endian=ei_data == 1, elfclass=64 if ei_class == 2 else 32)
    structs.create_basic_structs()
    structs.create_advanced_structs()
    return structs


def read_elf(data: bytes | memoryview, location: Location) -> ElfFacts:
    """Return the facts of one object; any bytes give facts, and nothing is raised.

    Where the loader itself would stop reading, `ElfFacts.defect` has its
    words; where a table lies, a sentence that begins with "malformed".
    """
    view = memoryview(data)
    size = len(view)
    if size < _EHDR_SIZE:
        return ElfFacts(location, size, None, defect="file too short")
    header = _read_header(view)
    if header.ei_class not in (1, 2) or header.ei_data not in (1, 2):
        return ElfFacts(location, size, header, defect="malformed: unknown class or byte order")
    if header.phentsize != (56 if header.ei_class == 2 else 32):
        return ElfFacts(location, size, header)
    if header.phoff + header.phnum * header.phentsize > size:
        return ElfFacts(location, size, header, defect="cannot read file data")
    facts: dict[str, Any] = {}
    segments = _read_segments(view, header)
    facts["segments"] = segments
    facts["beyond_end"] = any(
        s.type == _PT_LOAD and s.filesz and s.offset + s.filesz > _round_up(size) for s in segments
    )
    # One table that lies leaves what the others say.
    _learn(facts, lambda: _read_segment_facts(view, header, segments))
    _learn(facts, lambda: _read_sections(view, header))
    _read_dynamic_facts(view, header, segments, facts)
    if "limit" in facts:
        # What was not read is not known to be missing.
        facts.setdefault("table", SymbolTable(dict, complete=False))
    facts["mentions"] = _read_mentions(data, facts.get("undefined", ()))
    facts["constants"] = _read_constants(data, segments, facts.get("undefined", ()))
    return ElfFacts(location, size, header, **facts)


_FLAW: Final = ("defect", "unsearchable", "unrelocatable")


def _learn(facts: dict[str, Any], read: Callable[[], Mapping[str, Any]]) -> None:
    """Add what one part of the object says, or why it cannot be read; the first reason stays."""
    try:
        found = read()
        known = () if "defect" not in facts else _FLAW
        facts.update({name: value for name, value in found.items() if name not in known})
    except TooMuchError as error:
        facts.setdefault("limit", str(error))
    except _MALFORMED as error:
        facts.setdefault("defect", f"malformed: {error}" if str(error) else "malformed")


def _read_mentions(data: bytes | memoryview, undefined: tuple[SymbolRef, ...]) -> tuple[str, ...]:
    """Return `_cffi_backend` for what cffi has generated: it imports that module by this string."""
    if len(data) > _MAX_SEARCHED or not any(ref.name == _IMPORTER for ref in undefined):
        return ()
    return ("_cffi_backend",) if bytes(data).find(b"\0_cffi_backend\0") >= 0 else ()


def _read_constants(
    data: bytes | memoryview, segments: tuple[Segment, ...], undefined: tuple[SymbolRef, ...]
) -> bytes:
    """Return the segments that are only read, where code can import by a string in them."""
    if not any(ref.name.startswith(_IMPORTER) for ref in undefined):
        return b""
    read_only = [s for s in segments if s.type == _PT_LOAD and s.flags == _PF_R]
    if sum(s.filesz for s in read_only) > _MAX_CYTHON_CONSTANTS:
        return b""
    # The first one mostly begins with the file header, which is no data of the program.
    starts = [max(s.offset, _EHDR_SIZE) for s in read_only]
    ends = [s.offset + s.filesz for s in read_only]
    constants = b"".join(bytes(data[a:b]) for a, b in zip(starts, ends, strict=True))
    return constants if len(constants) <= _MAX_CONSTANTS or _CYTHON in constants else b""


def _round_up(size: int) -> int:
    # mmap shows zeroes up to the end of the file's last page; only beyond it is SIGBUS.
    return (size + _PAGE - 1) // _PAGE * _PAGE


def _read_header(view: memoryview) -> ElfHeader:
    ident = bytes(view[:16])
    if ident[4] not in (1, 2):
        return ElfHeader(
            ident[4], ident[5], ident[6], ident[7], ident[8], ident[9:16], 0, 0, 0, 0, 0, 0
        )
    # An order that there is not is read in the loader's own.
    data = ident[5] if ident[5] in ORDER else 1
    structs = _structs(ident[4], data)
    image = ident[:5] + bytes([data]) + bytes(view[6:_EHDR_SIZE])
    raw = struct_parse(structs.Elf_Ehdr, BytesIO(image), 0)
    order = ORDER[data]
    # pyelftools turns numbers into names; the loader compares numbers.
    kind, machine, version = struct.unpack(order + "HHI", view[16:24])
    return ElfHeader(
        ident[4],
        ident[5],
        ident[6],
        ident[7],
        ident[8],
        ident[9:16],
        kind,
        machine,
        version,
        raw["e_phoff"],
        raw["e_phentsize"],
        raw["e_phnum"],
    )


_PHDR: Final = {
    # type, flags, offset, vaddr, filesz, memsz, align as indices into the row.
    1: ("8I", (0, 6, 1, 2, 4, 5, 7)),
    2: ("2I6Q", (0, 1, 2, 3, 5, 6, 7)),
}


def _read_segments(view: memoryview, header: ElfHeader) -> tuple[Segment, ...]:
    layout, pick = _PHDR[header.ei_class]
    rows = struct.Struct(ORDER[header.ei_data] + layout).iter_unpack(
        view[header.phoff : header.phoff + header.phnum * header.phentsize]
    )
    return tuple(Segment(*(row[i] for i in pick)) for row in rows)


def _read_segment_facts(
    view: memoryview, header: ElfHeader, segments: tuple[Segment, ...]
) -> dict[str, Any]:
    order, wide = ORDER[header.ei_data], header.ei_class == 2
    facts: dict[str, Any] = {}
    for segment in segments:
        if segment.type == _PT_INTERP:
            raw = bytes(view[segment.offset : segment.offset + min(segment.filesz, _PAGE)])
            facts["interpreter"] = raw.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")
        elif segment.type == _PT_GNU_STACK:
            facts["exec_stack"] = bool(segment.flags & _PF_X)
        elif segment.type == _PT_TLS and segment.memsz:
            facts["tls_size"], facts["tls_align"] = segment.memsz, segment.align
    isa, tag, build_id = read_notes(view, segments, order, wide=wide)
    facts["isa_needed"], facts["build_id"] = isa, build_id
    if tag is not None:
        facts["kernel_os"], facts["kernel"] = tag
    return facts


def _read_sections(view: memoryview, header: ElfHeader) -> dict[str, Any]:
    order, wide = ORDER[header.ei_data], header.ei_class == 2
    return {
        "compilers": read_comment(view, order, wide=wide),
        "stripped": is_stripped(view, order, wide=wide),
    }


def _read_dynamic(
    image: Image, header: ElfHeader, segment: Segment
) -> tuple[dict[int, int], list[int]]:
    """Return the tags: every DT_NEEDED, and the last of each other one, as the loader keeps it."""
    width = "q" if header.ei_class == 2 else "i"
    layout = struct.Struct(ORDER[header.ei_data] + width + width.upper())
    table = image.rest(segment.vaddr)
    whole = len(table) // layout.size * layout.size
    tags: dict[int, int] = {}
    needed: list[int] = []
    for count, (tag, value) in enumerate(layout.iter_unpack(table[:whole])):
        if tag == 0:
            return tags, needed
        if count > _MAX_DYNAMIC:
            break
        if tag == _TAG["DT_NEEDED"]:
            needed.append(value)
        tags[tag] = value
    else:
        if image.is_filled(segment.vaddr):
            return tags, needed  # the zeros behind the file's part are a DT_NULL
    reason = "the dynamic table has no end"
    raise MalformedError(reason)


def _read_dynamic_facts(
    view: memoryview, header: ElfHeader, segments: tuple[Segment, ...], facts: dict[str, Any]
) -> None:
    # Debug files of objcopy --only-keep-debug have a PT_DYNAMIC without bytes; glibc skips it.
    dynamic = [s for s in segments if s.type == _PT_DYNAMIC and s.filesz]
    if not dynamic:
        return
    image = Image(view, segments)
    tags: dict[int, int] = {}
    needed: list[int] = []
    _learn(facts, lambda: _read_flags(image, header, dynamic[-1], tags, needed))
    if "dynamic" not in facts:
        return
    address = tags.get(_TAG["DT_STRTAB"])
    if address is None:
        if _TAG["DT_SYMTAB"] in tags or needed:
            facts.setdefault("defect", "malformed: names without a string table")
        return
    try:
        strings = Strings(image, address, tags.get(_TAG["DT_STRSZ"], 0))
    except MalformedError as error:
        facts.setdefault("defect", f"malformed: {error}")
        return
    _learn(facts, lambda: {"needed": tuple(readable(strings.at(value)) for value in needed)})
    _learn(facts, lambda: _read_names(strings, tags))
    versions = Versions()
    _learn(facts, lambda: _read_versions(image, header, tags, strings, versions))
    if _TAG["DT_SYMTAB"] in tags:
        _learn(facts, lambda: _read_symbol_facts(image, header, tags, strings, versions))


def _read_flags(
    image: Image, header: ElfHeader, segment: Segment, tags: dict[int, int], needed: list[int]
) -> dict[str, Any]:
    """Fill the tags in, and return what they say by themselves."""
    found, names = _read_dynamic(image, header, segment)
    tags.update(found)
    needed += names
    flags = tags.get(_TAG["DT_FLAGS"], 0)
    return {
        "dynamic": True,
        "flags_1": tags.get(_TAG["DT_FLAGS_1"], 0),
        "relr": bool(tags.get(_TAG["DT_RELR"])) and bool(tags.get(_TAG["DT_RELRSZ"])),
        "initialisers": tags.get(_TAG["DT_INIT_ARRAYSZ"], 0) > 0,
        "textrel": _TAG["DT_TEXTREL"] in tags or bool(flags & _DF_TEXTREL),
        "static_tls": bool(flags & _DF_STATIC_TLS),
    }


def _read_names(strings: Strings, tags: dict[int, int]) -> dict[str, Any]:
    return {
        key: readable(strings.at(tags[_TAG[name]]))
        for key, name in (("soname", "DT_SONAME"), ("rpath", "DT_RPATH"), ("runpath", "DT_RUNPATH"))
        if _TAG[name] in tags
    }


def _read_versions(
    image: Image, header: ElfHeader, tags: dict[int, int], strings: Strings, versions: Versions
) -> dict[str, Any]:
    order = ORDER[header.ei_data]
    for name, read in (
        ("DT_VERNEED", versions.read_needs),
        ("DT_VERDEF", versions.read_definitions),
    ):
        value = tags.get(_TAG[name])
        if value is not None:
            read(image, strings, value, order)
    return {"version_needs": tuple(versions.needs)}


def _read_symbol_facts(
    image: Image, header: ElfHeader, tags: dict[int, int], strings: Strings, versions: Versions
) -> dict[str, Any]:
    kind = (header.ei_class, header.ei_data)
    address, size = tags[_TAG["DT_SYMTAB"]], SYMBOL[kind][0].size
    mapped = len(image.rest(address)) // size
    flaw: dict[str, Any] = {}
    count = first = 0
    try:
        count, first = count_symbols(
            image, kind, tags.get(_TAG["DT_GNU_HASH"]), tags.get(_TAG["DT_HASH"])
        )
    except MalformedError as error:
        flaw = {"defect": f"malformed: {error}", "unsearchable": True}
    if count > mapped:
        reason = f"malformed: symbol {count - 1} is beyond its table"
        flaw, count = {"defect": reason, "unsearchable": True}, mapped
    asked = _read_relocations(image, header, kind, tags)
    within = list(takewhile(mapped.__gt__, asked.symbols))
    used = max(within, default=-1) + 1
    hashed = tags.get(_TAG["DT_GNU_HASH"]) is not None
    if hashed and not count:
        # Where nothing is exported, linkers disagree what the first hashed symbol would be.
        used = max(used, first if first <= mapped else 0)
    # bytes(), because the tables must outlive the object they were read from.
    table = bytes(image.read(address, max(count, used) * size))
    versym = tags.get(_TAG["DT_VERSYM"])
    if versym is not None:
        versions.read_versym(image.read(versym, max(count, used) * 2), kind[1])
    symbols = Symbols(table, strings, versions, kind)
    references = []
    broken = asked.broken if len(within) == len(asked.symbols) else "a symbol beyond its table"
    try:
        for index in within:
            reference = symbols.reference(index)
            if reference is not None:
                references.append(reference)
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
    plt_addend = tags.get(_TAG["DT_PLTREL"]) != _TAG["DT_REL"]
    for start, size, addend in (
        ("DT_REL", "DT_RELSZ", False),
        ("DT_RELA", "DT_RELASZ", True),
        ("DT_JMPREL", "DT_PLTRELSZ", plt_addend),
    ):
        address, length = tags.get(_TAG[start]), tags.get(_TAG[size], 0)
        if address is None or not length:
            continue
        table, broken = _mapped_part(image, address, length)
        relocations = read_relocations(table, kind, header.machine, addend=addend)
        found.update(dict.fromkeys(relocations.symbols))
        static_tls += relocations.static_tls
        unknown = relocations.unknown
        if unknown is not None or broken:
            break  # here the loader stops, or dies
    return _Asked(list(found), static_tls, unknown, broken if unknown is None else "")


def _mapped_part(image: Image, address: int, length: int) -> tuple[memoryview, str]:
    """Return what is mapped of a table, and why that is not all of it."""
    try:
        return image.read(address, length), ""
    except MalformedError as error:
        reason = str(error)
    try:
        return image.rest(address), reason
    except MalformedError:
        return memoryview(b""), reason
