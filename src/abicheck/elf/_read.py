"""`read_elf`: one object's bytes to `ElfFacts`, through program headers alone."""

from __future__ import annotations

import re
import struct
from functools import lru_cache
from io import BytesIO
from typing import Any, Final

from elftools.common.utils import struct_parse
from elftools.elf.structs import ELFStructs

from abicheck.elf._dynamic import learn, read_dynamic_facts
from abicheck.elf._notes import is_stripped, read_comment, read_notes
from abicheck.elf._relocations import ORDER
from abicheck.model import (
    DEFAULT_LIMITS,
    ElfFacts,
    ElfHeader,
    Limits,
    Location,
    Segment,
    SymbolRef,
    SymbolTable,
)

MAGIC: Final = b"\x7fELF"
_EHDR_SIZE: Final = 64  # sizeof (Elf64_Ehdr): what open_verify insists on
_PAGE: Final = 4096
_FIRST_READ: Final = 832  # the size of `struct filebuf`'s buffer
_LENGTH_FIELD: Final = 8  # and of the field before it
_WRAP: Final = 1 << 64

_PT_LOAD, _PT_INTERP, _PT_TLS = 1, 3, 7
_PT_GNU_STACK: Final = 0x6474E551
_PF_X, _PF_R = 1, 4
_MAX_SEARCHED: Final = 64 << 20
_IMPORTER: Final = "PyImport_ImportModule"
# What holds more is mostly tables; but Cython's modules, which are known by a name
# that all of them ask for, may hold more.
_MAX_CONSTANTS: Final = 256 << 10
_MAX_CYTHON_CONSTANTS: Final = 4 << 20
_CYTHON: Final = b"cython_runtime\0"
_MYPYC: Final = re.compile(rb"\0(?!PyInit_)([A-Za-z0-9_.]+__mypyc)(?=\0)")


@lru_cache(maxsize=16)
def _structs(ei_class: int, ei_data: int) -> Any:  # noqa: ANN401 - pyelftools is untyped
    structs = ELFStructs(little_endian=ei_data == 1, elfclass=64 if ei_class == 2 else 32)
    structs.create_basic_structs()
    structs.create_advanced_structs()
    return structs


def read_elf(
    data: bytes | memoryview, location: Location, limits: Limits = DEFAULT_LIMITS
) -> ElfFacts:
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
    table, defect = _program_headers(view, header)
    if defect:
        return ElfFacts(location, size, header, defect=defect)
    facts: dict[str, Any] = {}
    segments = _read_segments(table, header)
    facts["segments"] = segments
    facts["beyond_end"] = any(
        s.type == _PT_LOAD and s.filesz and s.offset + s.filesz > _round_up(size) for s in segments
    )
    # One table that lies leaves what the others say.
    learn(facts, lambda: _read_segment_facts(view, header, segments, limits.notes))
    learn(facts, lambda: _read_sections(view, header))
    read_dynamic_facts(view, header, segments, limits, facts)
    if "limit" in facts:
        # What was not read is not known to be missing.
        facts.setdefault("table", SymbolTable(dict, complete=False))
    undefined = facts.get("undefined", ())
    facts["constants"] = _read_constants(data, segments, undefined)
    facts["mentions"] = _read_mentions(data, undefined, facts["constants"])
    return ElfFacts(location, size, header, **facts)


def _read_mentions(
    data: bytes | memoryview, undefined: tuple[SymbolRef, ...], constants: bytes
) -> tuple[str, ...]:
    """Return what generated code is known to import by a string of its own.

    That is `_cffi_backend` for what cffi has generated, and for a module that mypyc has compiled
    with others the one that holds the code of them all.
    """
    shared = (name.decode("ascii") for name in dict.fromkeys(_MYPYC.findall(constants)))
    if len(data) > _MAX_SEARCHED or not any(ref.name == _IMPORTER for ref in undefined):
        return tuple(shared)
    found = bytes(data).find(b"\0_cffi_backend\0") >= 0
    return ("_cffi_backend", *shared) if found else tuple(shared)


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


def _program_headers(view: memoryview, header: ElfHeader) -> tuple[memoryview, str]:
    """Return the program headers, and why they cannot be had.

    Mirrors `open_verify`: they are taken from what was read of the file at first, where
    e_phoff and their length, added up as 64-bit numbers, do not exceed it; so that with
    an e_phoff below zero they begin with the field before that, its length.
    """
    size = header.phnum * header.phentsize
    begun = min(len(view), _FIRST_READ)
    end = (header.phoff + size) % _WRAP
    if end < size and end <= begun:
        before = _WRAP - header.phoff
        if before > _LENGTH_FIELD:
            return view[:0], "malformed: the program headers begin before the file"
        length = begun.to_bytes(_LENGTH_FIELD, "little")
        return memoryview(length[-before:] + bytes(view[:end])), ""
    if header.phoff >= _WRAP // 2:
        return view[:0], "cannot read file data: Invalid argument"
    if size and header.phoff + size > len(view):
        return view[:0], "cannot read file data"
    return view[header.phoff : header.phoff + size], ""


def _read_segments(table: memoryview, header: ElfHeader) -> tuple[Segment, ...]:
    layout, pick = _PHDR[header.ei_class]
    rows = struct.Struct(ORDER[header.ei_data] + layout).iter_unpack(table)
    return tuple(Segment(*(row[i] for i in pick)) for row in rows)


def _read_segment_facts(
    view: memoryview, header: ElfHeader, segments: tuple[Segment, ...], most_notes: int
) -> dict[str, Any]:
    order = ORDER[header.ei_data]
    facts: dict[str, Any] = {}
    for segment in segments:
        if segment.type == _PT_INTERP:
            raw = bytes(view[segment.offset : segment.offset + min(segment.filesz, _PAGE)])
            facts["interpreter"] = raw.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")
        elif segment.type == _PT_GNU_STACK:
            facts["exec_stack"] = bool(segment.flags & _PF_X)
        elif segment.type == _PT_TLS and segment.memsz:
            facts["tls_size"], facts["tls_align"] = segment.memsz, segment.align
    tag, facts["build_id"] = read_notes(view, segments, order, most_notes)
    if tag is not None:
        facts["kernel_os"], facts["kernel"] = tag
    return facts


def _read_sections(view: memoryview, header: ElfHeader) -> dict[str, Any]:
    order, wide = ORDER[header.ei_data], header.ei_class == 2
    return {
        "compilers": read_comment(view, order, wide=wide),
        "stripped": is_stripped(view, order, wide=wide),
    }
