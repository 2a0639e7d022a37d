"""Which bytes lie at which address, and what is read there as soon as they do."""

from __future__ import annotations

import struct

import pytest
from tests.elfbuilder import (
    DT_GNU_HASH,
    DT_JMPREL,
    DT_PLTREL,
    DT_PLTRELSZ,
    DT_RELAENT,
    Elf,
    Reloc,
    definition,
    read,
    reference,
)

import elfpatch
from abicheck.elf._budget import TooMuchError
from abicheck.elf._mapping import Span, lay_out
from abicheck.model import Assertion, Segment

DT_FILTER = 0x7FFFFFFF
GLOB_DAT, R_64, RELATIVE = 6, 1, 8


def _load(vaddr: int, filesz: int, memsz: int = 0, offset: int = -1, flags: int = 4) -> Segment:
    return Segment(1, flags, vaddr if offset < 0 else offset, vaddr, filesz, memsz or filesz, 4096)


def test_whole_pages_are_mapped_and_zeros_follow_the_end_of_the_file() -> None:
    assert lay_out([_load(0, 0x800)], 0x900) == [
        Span(0, 0x900, 0, 4),
        Span(0x900, 0x1000, None, 4),
    ]


def test_pages_behind_the_end_of_the_file_must_not_be_touched() -> None:
    assert lay_out([_load(0, 0x2800)], 0x900)[-1] == Span(0x1000, 0x3000, None, 4, beyond=True)


def test_zeros_are_written_behind_what_the_file_fills() -> None:
    spans = lay_out([_load(0, 0x800, 0x2000, flags=6)], 0x2000)

    assert spans == [
        Span(0, 0x800, 0, 6),
        Span(0x800, 0x1000, None, 6),
        Span(0x1000, 0x2000, None, 6),
    ]


def test_a_gap_between_segments_is_taken_away_and_later_ones_lie_over_earlier() -> None:
    spans = lay_out([_load(0, 0x1000), _load(0x3000, 0x1000, offset=0x1000)], 0x2000)
    twice = lay_out([_load(0, 0x3000), _load(0x1000, 0x2000, offset=0, flags=6)], 0x3000)

    assert spans == [
        Span(0, 0x1000, 0, 4),
        Span(0x1000, 0x3000, None, 0),
        Span(0x3000, 0x4000, 0x1000, 4),
    ]
    assert [span for span in twice if span.flags] == [
        Span(0, 0x1000, 0, 4),
        Span(0x1000, 0x3000, 0, 6),
    ]


def test_more_segments_than_any_linker_makes_are_not_laid_out() -> None:
    with pytest.raises(TooMuchError):
        lay_out([_load(0x1000 * n, 0x1000) for n in range(5000)], 0x1000)


# --- program headers --------------------------------------------------------------------


def _with_phoff(value: int) -> bytes:
    data = bytearray(Elf(soname="libv.so").build())
    struct.pack_into("<Q", data, 32, value & (1 << 64) - 1)
    return bytes(data)


@pytest.mark.parametrize(
    ("phoff", "defect"),
    [
        (1 << 63, "cannot read file data: Invalid argument"),
        (1 << 40, "cannot read file data"),
        (-9, "malformed: the program headers begin before the file"),
    ],
)
def test_program_headers_that_cannot_be_had(phoff: int, defect: str) -> None:
    assert read(_with_phoff(phoff)).defect == defect


def test_program_headers_a_byte_before_the_file_are_read_there() -> None:
    """The sum of e_phoff and their length wraps, and lies in what was read of the file."""
    (first, *_) = read(_with_phoff(-1)).segments

    assert first.type == int.from_bytes(b"\0\x7fEL", "little")


# --- as soon as it is mapped -------------------------------------------------------------


@pytest.mark.parametrize(
    ("tags", "assertion"),
    [
        ({}, None),
        ({DT_RELAENT: 23}, Assertion.RELAENT),
        ({DT_PLTREL: 17, DT_JMPREL: 0, DT_PLTRELSZ: 0}, Assertion.PLTREL),
        ({36: 64, 35: 8, 37: 4}, Assertion.RELRENT),
    ],
)
def test_what_the_loader_asserts_of_the_dynamic_table(
    tags: dict[int, int], assertion: Assertion | None
) -> None:
    facts = Elf(symbols=(reference("f"),), rela=(Reloc("f", GLOB_DAT),), tags=tags).facts()

    assert facts.assertion is assertion


def test_a_relocation_table_without_the_size_of_an_entry_is_malformed() -> None:
    data = Elf(symbols=(reference("f"),), rela=(Reloc("f", GLOB_DAT),)).build()
    facts = read(elfpatch.tag(DT_RELAENT, 0x60001234)(data))

    assert facts.defect == "malformed: DT_RELA without DT_RELAENT"


def _hash_at(data: bytes) -> int:
    dynamic = read(data).segments[1]
    rows = struct.iter_unpack("<QQ", data[dynamic.offset : dynamic.offset + dynamic.filesz])
    return next(int(value) for tag, value in rows if tag == DT_GNU_HASH)


@pytest.mark.parametrize(("words", "assertion"), [(1, None), (3, Assertion.BLOOM)])
def test_the_words_of_the_filter_are_a_power_of_two(
    words: int, assertion: Assertion | None
) -> None:
    data = bytearray(Elf(symbols=(definition("f"),)).build())
    struct.pack_into("<I", data, _hash_at(bytes(data)) + 8, words)

    assert read(bytes(data)).assertion is assertion


def test_relocations_counted_as_relative_must_be() -> None:
    symbols, rela = (reference("f"),), (Reloc(0, RELATIVE), Reloc("f", GLOB_DAT))

    assert not Elf(symbols=symbols, rela=rela, tags={elfpatch.DT_RELACOUNT: 1}).facts().misrelative
    assert Elf(symbols=symbols, rela=rela, tags={elfpatch.DT_RELACOUNT: 2}).facts().misrelative


def test_procedure_linkage_is_relocated_only_where_dt_pltrel_says_how() -> None:
    data = Elf(symbols=(reference("f"),), jmprel=(Reloc("f", 7),)).build()

    assert [str(ref) for ref in read(data).references] == ["f"]
    assert read(elfpatch.tag(DT_PLTREL, 0x60001234)(data)).references == ()


def test_a_table_whose_size_wraps_has_one_entry_less_than_it_adjoins() -> None:
    """Sizes are added up as 64-bit numbers: minus one byte still leaves a last entry begun."""
    symbols = (reference("f"), reference("g"))
    data = Elf(symbols=symbols, rela=(Reloc("f", 6),), jmprel=(Reloc("g", 7),)).build()
    facts = read(elfpatch.tag(DT_PLTRELSZ, value=(1 << 64) - 1)(data))

    assert [str(ref) for ref in facts.references] == ["f"]


# --- hash tables ------------------------------------------------------------------------


def test_an_object_looks_its_own_symbols_up_in_its_own_table() -> None:
    """One that the hash table does not lead to is a reference like any other."""
    sound = Elf(symbols=(definition("f"),), rela=(Reloc("f", GLOB_DAT),)).build()
    image = bytearray(sound)
    chain = _hash_at(sound) + 16 + 8 + 4
    image[chain + 3] ^= 0x10
    lost = read(bytes(image))

    assert read(sound).references == ()
    assert [str(ref) for ref in lost.references] == ["f"]
    assert lost.table.find("f") == ()
    assert read(sound).table.find("f") != ()


def test_a_name_that_was_changed_has_another_hash() -> None:
    data = Elf(symbols=(definition("frobnicate"),)).build()
    facts = read(data.replace(b"frobnicate", b"grobnicate"))

    assert "grobnicate" in facts.table.definitions
    assert facts.table.find("grobnicate") == ()


@pytest.mark.parametrize("style", ["gnu", "sysv"])
def test_a_search_comes_to_what_is_there(style: str) -> None:
    names = [f"f{number}" for number in range(40)]
    symbols = tuple(definition(name) for name in names)
    facts = Elf(symbols=symbols, hash="gnu" if style == "gnu" else "sysv").facts()

    assert all(facts.table.find(name) == facts.table.definitions[name] for name in names)
    assert facts.table.find("g") == ()


# --- the rest ---------------------------------------------------------------------------


def test_a_filter_is_named_apart_from_what_is_needed() -> None:
    data = Elf(needed=("liba.so", "libb.so")).build()
    facts = read(elfpatch.tag(1, DT_FILTER)(data))

    assert (facts.needed, facts.filters) in (
        (("libb.so",), ("liba.so",)),
        ((), ("liba.so", "libb.so")),
    )


@pytest.mark.parametrize(("size", "loose"), [(0x10, False), (1 << 20, True)])
def test_what_is_to_be_protected_may_not_be_mapped(size: int, *, loose: bool) -> None:
    data = Elf(soname="x", stack=6).build()
    relro = elfpatch.segment(
        elfpatch.PT_GNU_STACK, p_type=elfpatch.PT_GNU_RELRO, p_vaddr=0, p_memsz=size
    )

    assert read(relro(data)).loose_relro is loose


def test_a_segment_that_may_not_be_written_to_holds_the_dynamic_table_fast() -> None:
    data = Elf(soname="x").build()

    assert not read(data).fixed_dynamic
    assert read(elfpatch.segment(elfpatch.PT_LOAD, p_flags=4)(data)).fixed_dynamic


def test_a_dynamic_table_at_address_zero_is_none() -> None:
    """`_dl_map_object_from_fd` asks whether l_ld is zero, not whether there is a PT_DYNAMIC."""
    data = Elf(soname="x").build()

    assert not read(elfpatch.segment(elfpatch.PT_DYNAMIC, p_vaddr=0)(data)).dynamic


def test_an_entry_that_the_end_of_the_file_cuts_is_completed_with_zeros() -> None:
    """A DT_NEEDED of which only the tag is left needs the name at 0 of a table that is not."""
    data = Elf(needed=("libx.so",)).build()
    dynamic = read(data).segments[1]
    facts = read(data[: dynamic.offset + 8])

    assert facts.defect == "malformed: names without a string table"
    assert facts.misnamed


def test_a_hash_table_that_lies_hides_no_relocation_that_does() -> None:
    """Where nothing is searched, the first of them harms nobody, and the second kills."""
    data = bytearray(Elf(symbols=(definition("f"),), rela=(Reloc(4000, GLOB_DAT),)).build())
    struct.pack_into("<I", data, _hash_at(bytes(data)) + 24, 4000)
    facts = read(bytes(data))

    assert facts.unsearchable
    assert facts.unrelocatable
