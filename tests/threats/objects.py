"""Hostile ELF objects: tables that lie, lie over one another, or never end."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from tests.elfbuilder import (
    DT_HASH,
    DT_NEEDED,
    DT_RUNPATH,
    DT_SONAME,
    DT_STRSZ,
    DT_SYMTAB,
    DT_VERNEED,
    Elf,
    Need,
    Note,
    Reloc,
    definition,
    read,
    reference,
)
from tests.factories import write_zip
from tests.threats.threat import Request, Threat, checked, threat

_MODULE: Final = "mod.cpython-313-x86_64-linux-gnu.so"
_PLAIN: Final = Elf(
    needed=("libc.so.6",),
    symbols=(reference("memcpy", "GLIBC_2.14", of="libc.so.6"), definition("PyInit_mod")),
    rela=(Reloc("memcpy", 6),),
)
_DT_GNU_HASH: Final = 0x6FFFFEF5
_DT_RELASZ: Final = 8
_GLOB_DAT: Final = 6


def _module(place: Path, data: bytes, **others: bytes) -> Request:
    write_zip(
        place / "app.zip",
        {"app.py": "import mod\n\ndef handler(*_): ...\n", _MODULE: data, **others},
    )
    return checked("app.zip", "--handler", "app.handler")


def _tags(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield each dynamic tag: where it stands in the file, its number and value."""
    dynamic = read(data).segments[1]
    for at in range(dynamic.offset, dynamic.offset + dynamic.filesz, 16):
        yield at, *struct.unpack_from("<QQ", data, at)


def _address(data: bytes, wanted: int) -> int:
    return next(value for _, tag, value in _tags(data) if tag == wanted)


def _with_tag(data: bytes, wanted: int, value: int) -> bytes:
    image = bytearray(data)
    at = next(at for at, tag, _ in _tags(data) if tag == wanted)
    struct.pack_into("<Q", image, at + 8, value)
    return bytes(image)


@threat("an object that ends within its program headers", code="ABI107")
def elf_cut_off(place: Path) -> Request:
    return _module(place, _PLAIN.build()[:100])


@threat("program headers said to lie behind the end", code="ABI107")
def elf_headers_elsewhere(place: Path) -> Request:
    image = bytearray(_PLAIN.build())
    struct.pack_into("<Q", image, 32, 1 << 62)
    return _module(place, bytes(image))


@threat("65,535 program headers", code="ABI107")
def elf_many_headers(place: Path) -> Request:
    image = bytearray(_PLAIN.build())
    struct.pack_into("<H", image, 56, 0xFFFF)
    return _module(place, bytes(image))


@threat("a segment of 2^63 bytes", code="ABI108")
def elf_huge_segment(place: Path) -> Request:
    image = bytearray(_PLAIN.build())
    struct.pack_into("<QQ", image, 64 + 32, 1 << 63, 1 << 63)
    return _module(place, bytes(image))


@threat("section headers that say something else than the segments", status=0)
def elf_sections_lie(place: Path) -> Request:
    image = bytearray(_PLAIN.build())
    lie = struct.pack("<2I4Q2I2Q", 1, 6, 7, 0, 1 << 60, 1 << 60, 9, 9, 1, 0)
    struct.pack_into("<Q", image, 40, len(image))
    struct.pack_into("<3H", image, 58, 64, 3, 2)
    return _module(place, bytes(image) + lie * 3)


@threat("DT_RUNPATH twice: the loader takes the last, and finds nothing there", code="ABI401")
def elf_tag_twice(place: Path) -> Request:
    elf = Elf(
        needed=("liba.so.1",),
        soname="$ORIGIN/good",
        runpath="$ORIGIN/none",
        symbols=(definition("PyInit_mod"),),
    )
    image = bytearray(elf.build())
    at = next(at for at, tag, _ in _tags(bytes(image)) if tag == DT_SONAME)
    struct.pack_into("<Q", image, at, DT_RUNPATH)
    return _module(place, bytes(image), **{"good/liba.so.1": Elf(soname="liba.so.1").build()})


@threat("a string table said to be far longer than its segment", code="ABI109")
def elf_strings_beyond_segment(place: Path) -> Request:
    data = _with_tag(_PLAIN.build(), DT_STRSZ, 1 << 40)
    return _module(place, _with_tag(data, DT_NEEDED, 1 << 39))


@threat("a symbol table that lies outside of every segment", code="ABI109")
def elf_symbols_elsewhere(place: Path) -> Request:
    return _module(place, _with_tag(_PLAIN.build(), DT_SYMTAB, 1 << 47))


@threat("version needs whose chain goes on from its own beginning", code="ABI109")
def elf_version_chain_loops(place: Path) -> Request:
    image = bytearray(Elf(needs=(Need("libc.so.6", "GLIBC_2.14"),)).build())
    at = _address(bytes(image), DT_VERNEED)
    struct.pack_into("<I", image, at + 12, 0xFFFFFFF0)  # the next file: sixteen bytes back
    struct.pack_into("<I", image, at + 16 + 12, 0xFFFFFFF0)
    return _module(place, bytes(image))


@threat("a thousand files whose version needs share one chain of a thousand", code="ABI002")
def elf_version_chains_shared(place: Path) -> Request:
    count = 1000
    versions = tuple(Need("libc.so.6", f"V_{number}") for number in range(count))
    others = tuple(Need(f"lib{number}.so", "V") for number in range(count))
    image = bytearray(Elf(needs=(*others, *versions)).build())
    first = _address(bytes(image), DT_VERNEED)
    last = first + count * 32  # each file but the last has one version
    for here in range(first, last, 32):
        struct.pack_into("<I", image, here + 8, last + 16 - here)
    return _module(place, bytes(image))


@threat("a hash table of four thousand million buckets", code="ABI109")
def elf_hash_lies(place: Path) -> Request:
    image = bytearray(Elf(symbols=(definition("PyInit_mod"),), hash="sysv").build())
    struct.pack_into("<2I", image, _address(bytes(image), DT_HASH), 0xFFFFFFFF, 0xFFFFFFFF)
    return _module(place, bytes(image))


@threat("a GNU hash table whose chains have no end", code="ABI109")
def elf_gnu_hash_lies(place: Path) -> Request:
    image = bytearray(_PLAIN.build())
    at = _address(bytes(image), _DT_GNU_HASH)
    struct.pack_into("<4I", image, at, 0xFFFFFFF, 1, 0xFFFFFFF, 0)
    return _module(place, bytes(image))


@threat("relocations of more bytes than there are", code="ABI109")
def elf_relocations_beyond(place: Path) -> Request:
    return _module(place, _with_tag(_PLAIN.build(), _DT_RELASZ, 24 * 10**9))


@threat("a hundred thousand needed libraries", code="ABI109")
def elf_many_needed(place: Path) -> Request:
    return _module(place, Elf(needed=tuple(f"lib{n}.so" for n in range(100_000))).build())


@threat("a RUNPATH that climbs out of the artifact, to the checking machine", code="ABI401")
def elf_climbing_runpath(place: Path) -> Request:
    (place / "libhost.so.1").write_bytes(Elf(soname="libhost.so.1").build())
    path = f"{place}:$ORIGIN/../../../../../..{place}"
    return _module(place, Elf(needed=("libhost.so.1",), runpath=path).build())


@threat("an alignment of zero, and one that is no power of two", code="ABI501")
def elf_absurd_alignment(place: Path) -> Request:
    image = bytearray(_PLAIN.build())
    struct.pack_into("<Q", image, 64 + 48, 0x1001)
    return _module(place, bytes(image))


@threat("names in the dynamic section that are terminal commands", code="ABI401")
def elf_terminal_names(place: Path) -> Request:
    data = Elf(soname="\x1b]0;owned\x07", needed=("lib\x1b[2J\u202e.so\r\n::error::x",)).build()
    return _module(place, data)


@threat("a note of 2^32 bytes", status=0)
def elf_note_lies(place: Path) -> Request:
    data = Elf(notes=(Note(5, b"\2\0\0\xc0" + struct.pack("<I", 0xFFFFFFFF)),),
               symbols=(definition("PyInit_mod"),)).build()  # fmt: skip
    return _module(place, data)


THREATS: Final[Iterable[Threat]] = (
    elf_cut_off,
    elf_headers_elsewhere,
    elf_many_headers,
    elf_huge_segment,
    elf_sections_lie,
    elf_tag_twice,
    elf_strings_beyond_segment,
    elf_symbols_elsewhere,
    elf_version_chain_loops,
    elf_version_chains_shared,
    elf_hash_lies,
    elf_gnu_hash_lies,
    elf_relocations_beyond,
    elf_many_needed,
    elf_climbing_runpath,
    elf_absurd_alignment,
    elf_terminal_names,
    elf_note_lies,
)
