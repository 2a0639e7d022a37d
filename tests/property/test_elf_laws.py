"""Laws of `read_elf`: it is total, it is quick, and it says no more than the bytes do."""

from __future__ import annotations

import struct
import time
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final

from hypothesis import given
from hypothesis import strategies as st
from tests.elfbuilder import (
    DT_STRSZ,
    Elf,
    Need,
    Reloc,
    definition,
    read,
    reference,
    spelled_out,
)

from abicheck.elf import identify, read_elf
from abicheck.model import ElfFacts, Foreign, Location, SymbolDef, SymbolRef, VersionNeed

LIMIT: Final = 2.0
"""Seconds that no object of a few kilobytes may take."""
INTERESTING: Final = (0, 1, 2, 8, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 1 << 31, (1 << 32) - 1, (1 << 64) - 1)

# A change of some bytes: where (as a fraction of the file), how wide, to what; None cuts there.
places = st.floats(0, 1, exclude_max=True)
changes = st.one_of(
    st.tuples(st.just("flip"), places, st.integers(0, 7)),
    st.tuples(st.just("set"), places, st.sampled_from(INTERESTING)),
    st.tuples(st.just("cut"), places, st.integers(1, 200)),
    st.tuples(st.just("end"), places, st.none()),
    st.tuples(st.just("insert"), places, st.binary(min_size=1, max_size=40)),
)


def _changed(data: bytes, edits: Sequence[tuple[str, float, object]]) -> bytes:
    """Apply edits one after the other; the magic stays, for without it there is no object."""
    image = bytearray(data)
    for kind, place, argument in edits:
        at = 4 + int(place * (len(image) - 4))
        if at >= len(image):
            continue
        match kind, argument:
            case "flip", int(bit):
                image[at] ^= 1 << bit
            case "set", int(value):
                width = 8 if value > 0xFFFFFFFF else 4
                word = at // width * width
                if 4 <= word <= len(image) - width:
                    image[word : word + width] = value.to_bytes(width, "little")
            case "cut", int(size):
                del image[at : at + size]
            case "end", _:
                del image[at:]
            case "insert", bytes(more):
                image[at:at] = more
            case _:
                raise AssertionError(kind)
    return bytes(image)


def _timed(data: bytes) -> tuple[ElfFacts, float]:
    """Return the facts, and the seconds that it took to know all of them."""
    start = time.perf_counter()
    facts = read(data)
    spelled_out(facts)
    return facts, time.perf_counter() - start


@given(st.binary(max_size=2000))
def test_any_bytes_behind_the_magic_give_facts(data: bytes) -> None:
    """Whatever follows it; what cannot be read is itself a fact."""
    facts, seconds = _timed(b"\x7fELF" + data)

    assert facts.size == 4 + len(data)
    assert (facts.header is None) == (facts.size < 64)
    assert seconds < LIMIT


@given(
    st.sampled_from([(1, 1), (1, 2), (2, 1), (2, 2)]),
    st.integers(0, 40),
    st.binary(min_size=48, max_size=48),
    st.binary(max_size=3000),
)
def test_any_tables_behind_a_plausible_header_give_facts(
    kind: tuple[int, int], count: int, rest: bytes, tables: bytes
) -> None:
    """The header says where program headers are and how many; the rest is chance."""
    header = bytearray(b"\x7fELF" + bytes((*kind, 1)).ljust(12, b"\0") + rest)
    order = "<" if kind[1] == 1 else ">"
    if kind[0] == 2:
        struct.pack_into(order + "Q", header, 32, 64)
        struct.pack_into(order + "HH", header, 54, 56, count)
    else:
        struct.pack_into(order + "I", header, 28, 64)
        struct.pack_into(order + "HH", header, 42, 32, count)
    facts, seconds = _timed(bytes(header) + tables)

    assert facts.size == 64 + len(tables)
    assert len(facts.segments) in (0, count)
    assert seconds < LIMIT


@given(data=st.data(), edits=st.lists(changes, min_size=1, max_size=8))
def test_a_damaged_object_gives_facts(
    every_object: Mapping[str, bytes], data: st.DataObject, edits: list[tuple[str, float, object]]
) -> None:
    """Bits flipped, numbers made absurd, bytes inserted, taken out, cut off."""
    name = data.draw(st.sampled_from(sorted(every_object)))
    damaged = _changed(every_object[name], edits)
    facts, seconds = _timed(damaged)

    assert facts.size == len(damaged)
    assert seconds < LIMIT


@given(data=st.data())
def test_one_absurd_number_anywhere_gives_facts(
    every_object: Mapping[str, bytes], data: st.DataObject
) -> None:
    """Law: no count, size, index or link of a file is believed before it is bounded."""
    whole = every_object[data.draw(st.sampled_from(sorted(every_object)))]
    width = data.draw(st.sampled_from([2, 4, 8]))
    at = data.draw(st.integers(1, max(1, len(whole) // width - 1))) * width
    value = data.draw(st.sampled_from([n for n in INTERESTING if n < 1 << 8 * width]))
    facts, seconds = _timed(whole[:at] + value.to_bytes(width, "little") + whole[at + width :])

    assert facts.size >= len(whole)
    assert seconds < LIMIT


@given(data=st.data())
def test_reading_twice_says_the_same(
    every_object: Mapping[str, bytes], data: st.DataObject
) -> None:
    """Law: facts depend on the bytes alone, not on what was read before or how they are held."""
    whole = every_object[data.draw(st.sampled_from(sorted(every_object)))]
    location = Location(PurePosixPath("mod.so"))

    assert spelled_out(read(whole)) == spelled_out(read_elf(memoryview(whole), location))


@given(data=st.data(), size=st.integers(0, 20_000))
def test_a_truncated_object_needs_no_more_than_the_whole(
    every_object: Mapping[str, bytes], data: st.DataObject, size: int
) -> None:
    """Law: cutting a file off at the end of a page adds no name to it.

    Inside of a page it may: zeros follow to its end, so that names end sooner.
    """
    whole = every_object[data.draw(st.sampled_from(sorted(every_object)))]
    cut, full = read(whole[: size // 4096 * 4096]), read(whole)

    assert set(cut.needed) <= set(full.needed)
    assert set(cut.version_needs) <= set(full.version_needs)
    assert set(cut.references) <= set(full.references)


# --- what was written is what is read ---------------------------------------------

names = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=12)
sonames = st.lists(names, unique=True, max_size=4)
versions = st.lists(names, unique=True, max_size=4)


@given(
    wide=st.booleans(),
    little=st.booleans(),
    needed=sonames,
    soname=st.none() | names,
    rpath=st.none() | names,
    runpath=st.none() | names,
    undefined=st.lists(st.tuples(names, st.booleans()), unique_by=lambda row: row[0], max_size=6),
    defined=st.lists(names, unique=True, max_size=6),
    nodes=versions,
    data=st.data(),
)
def test_what_was_written_is_what_is_read(  # noqa: PLR0913 - everything there is to say
    *,
    wide: bool,
    little: bool,
    needed: list[str],
    soname: str | None,
    rpath: str | None,
    runpath: str | None,
    undefined: list[tuple[str, bool]],
    defined: list[str],
    nodes: list[str],
    data: st.DataObject,
) -> None:
    """Round trip, in every class and byte order, with and without versions."""
    order = data.draw(st.permutations([name for name, _ in undefined]))
    hidden = data.draw(st.lists(st.booleans(), min_size=len(defined), max_size=len(defined)))
    node = data.draw(st.sampled_from(nodes)) if nodes else ""
    built = Elf(
        wide=wide,
        little=little,
        machine=62 if wide else 3,
        needed=tuple(needed),
        soname=soname,
        rpath=rpath,
        runpath=runpath,
        symbols=(
            *(reference(name, "LIBC_1", "libc.so.6", weak=weak) for name, weak in undefined),
            *(
                definition(n, node, hidden=h and bool(node))
                for n, h in zip(defined, hidden, strict=True)
            ),
        ),
        versions=tuple(nodes),
        hash=data.draw(st.sampled_from(["gnu", "sysv", "both"])),
        # x86_64 has no DT_REL; elsewhere DT_JMPREL comes with the table of its own kind.
        rel=() if wide else tuple(Reloc(name, 1) for name in order[:1]),
        rela=tuple(Reloc(name, 1) for name in (order[:3] if wide else order[3:])),
        jmprel=tuple(Reloc(name, 7) for name in (order[3:] if wide else order[1:3])),
    )
    facts = built.facts()
    weak = dict(undefined)
    index = 2 + nodes.index(node) if node else 1

    assert facts.defect is None
    assert (facts.soname, facts.rpath, facts.runpath) == (soname, rpath, runpath)
    assert facts.needed == tuple(needed)
    assert facts.references == tuple(
        SymbolRef(name, "LIBC_1", "libc.so.6", weak=weak[name]) for name in order
    )
    assert facts.undefined == tuple(
        SymbolRef(name, "LIBC_1", "libc.so.6", weak=weak) for name, weak in undefined
    )
    assert facts.version_needs == ((VersionNeed("libc.so.6", "LIBC_1"),) if undefined else ())
    assert facts.table.versions == ((soname or "", *nodes) if nodes else None)
    assert facts.table.definitions == {
        name: (SymbolDef(node or None, hidden=hide and bool(node), index=index),)
        for name, hide in zip(defined, hidden, strict=True)
    }


@given(
    st.dictionaries(
        names, st.lists(st.tuples(names, st.booleans()), min_size=1, max_size=4), max_size=4
    )
)
def test_version_needs_are_read_file_by_file(needs: dict[str, list[tuple[str, bool]]]) -> None:
    """Round trip: each file once, each of its versions once, weak or not, in order."""
    wanted = {
        (file, version): Need(file, version, weak)
        for file, rows in needs.items()
        for version, weak in reversed(rows)
    }
    facts = Elf(needs=tuple(wanted.values())).facts()

    assert facts.version_needs == tuple(
        VersionNeed(need.file, need.version, need.weak) for need in wanted.values()
    )


@given(size=st.integers(0, 1 << 64) | st.integers(0, 64))
def test_the_size_of_the_string_table_changes_no_name(size: int) -> None:
    """Law: DT_STRSZ is not looked at.  What is needed, asked for and called stays the same."""
    honest = Elf(
        soname="libv.so.1",
        needed=("libc.so.6",),
        symbols=(reference("memcpy", "GLIBC_2.14", "libc.so.6"),),
        rela=(Reloc("memcpy", 6),),
    )
    tags = {DT_STRSZ: size & ((1 << 64) - 1)}
    lying = Elf(
        soname="libv.so.1",
        needed=("libc.so.6",),
        symbols=honest.symbols,
        rela=honest.rela,
        tags=tags,
    )

    assert spelled_out(lying.facts()) == spelled_out(honest.facts())


# --- identify ---------------------------------------------------------------------


@given(st.binary(max_size=600), st.integers(0, 1 << 40))
def test_any_bytes_are_identified(head: bytes, more: int) -> None:
    """Law: `identify` is total, and what is empty is EMPTY."""
    kind = identify(head[:512], len(head) + more)

    assert isinstance(kind, Foreign)
    assert (kind is Foreign.EMPTY) == (len(head) + more == 0)


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_what_holds_a_zero_byte_is_no_text(before: bytes, after: bytes) -> None:
    """Law: TEXT is for what a person could read."""
    content = before + b"\0" + after

    assert identify(content, len(content)) is not Foreign.TEXT
