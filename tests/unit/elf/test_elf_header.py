"""The header and the segments: what `open_verify` looks at, in glibc's own words."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import asdict

import pytest
from tests.elfbuilder import PT_DYNAMIC, PT_LOAD, Elf, Shipped, definition, read, spelled_out

import elfpatch
from abicheck.model import ElfHeader, Segment

_SECTION_FIELDS = {2: (("Q", 40), ("H", 60), ("H", 62)), 1: (("I", 32), ("H", 48), ("H", 50))}


def _with_sections(data: bytes, start: int, count: int, names: int) -> bytes:
    """Set e_shoff, e_shnum and e_shstrndx of an object of either class and byte order."""
    image = bytearray(data)
    order = "<" if data[5] == 1 else ">"
    values = (start, count, names)
    for (layout, offset), value in zip(_SECTION_FIELDS[data[4]], values, strict=True):
        struct.pack_into(order + layout, image, offset, value)
    return bytes(image)


def _but_compilers(data: bytes) -> Mapping[str, object]:
    return {**spelled_out(read(data)), "compilers": ()}


# --- e_ident and the rest of the header ----------------------------------------


def test_every_field_that_the_loader_looks_at() -> None:
    """`Elf_Ehdr` as it stands in the file, names not put in the place of numbers."""
    edit = elfpatch.header(ei_version=2, ei_osabi=9, ei_abiversion=7, e_version=3, e_type=2)
    facts = read(edit(Elf().build()))

    assert facts.header == ElfHeader(
        ei_class=2,
        ei_data=1,
        ei_version=2,
        osabi=9,
        abiversion=7,
        padding=bytes(7),
        type=2,
        machine=62,
        version=3,
        phoff=64,
        phentsize=56,
        phnum=2,
    )


@pytest.mark.parametrize(
    ("case", "field", "value"),
    [
        ("sound", "osabi", 0),
        ("osabi-gnu", "osabi", 3),
        ("osabi-freebsd", "osabi", 9),
        ("osabi-solaris", "osabi", 6),
        ("abi-version-out-of-range", "abiversion", 9),
        ("ident-version-two", "ei_version", 2),
        ("file-version-two", "version", 2),
        ("padding-in-the-ident", "padding", b"\1\0\0\0\0\0\0"),
        ("executable", "type", 2),
        ("relocatable-object", "type", 1),
        ("sound", "type", 3),
        ("wrong-machine-number-in-the-right-class", "machine", 3),
        ("wrong-machine-under-the-right-tag", "machine", 183),
        ("big-endian-flag", "ei_data", 2),
        ("no-program-headers", "phnum", 0),
        ("wrong-program-header-size", "phentsize", 32),
    ],
)
def test_the_field_of_the_header_that_a_case_is_about(
    shipped: Shipped, case: str, field: str, value: object
) -> None:
    """One byte decides what the loader says, so it is kept as it is."""
    header = read(shipped(case)).header

    assert header is not None
    assert asdict(header)[field] == value


@pytest.mark.parametrize(
    ("number", "machine"),
    [(62, "x86_64"), (183, "aarch64"), (3, "i386"), (40, "arm"), (22, "s390x"), (9999, "EM_9999")],
)
def test_machines_in_the_words_of_uname(number: int, machine: str) -> None:
    """A number without a word keeps its number."""
    assert Elf(machine=number).facts().machine == machine


def test_a_file_without_a_header_has_no_machine() -> None:
    """Nothing is guessed where nothing was read."""
    assert read(b"\x7fELF").machine == ""


@pytest.mark.parametrize("size", [0, 4, 40, 63])
def test_less_than_a_header_is_too_short(size: int) -> None:
    """`open_verify` wants sizeof (Elf64_Ehdr), whatever the file says of its class."""
    facts = read(Elf().build()[:size])

    assert (facts.defect, facts.header, facts.size) == ("file too short", None, size)


@pytest.mark.parametrize(
    "case",
    [
        "cut-after-the-elf-header",
        "cut-after-300-bytes",
        "program-headers-beyond-the-end",
        "65535-program-headers",
    ],
)
def test_program_headers_that_cannot_be_read(shipped: Shipped, case: str) -> None:
    """`pread` comes back short: the loader's words, and the header is known."""
    facts = read(shipped(case))

    assert facts.defect == "cannot read file data"
    assert facts.header is not None
    assert facts.segments == ()


def test_program_headers_of_another_size_are_not_read(shipped: Shipped) -> None:
    """e_phentsize is judged before the table is; that is the loader's refusal, not a defect."""
    facts = read(shipped("wrong-program-header-size"))

    assert (facts.segments, facts.defect) == ((), None)


@pytest.mark.parametrize(("ei_class", "ei_data"), [(0, 1), (3, 1), (2, 0), (2, 3), (255, 255)])
def test_an_unknown_class_or_byte_order_is_malformed(ei_class: int, ei_data: int) -> None:
    """What cannot be decoded is not guessed at; the two bytes themselves are kept."""
    facts = read(elfpatch.header(ei_class=ei_class, ei_data=ei_data)(Elf().build()))

    assert facts.defect == "malformed: unknown class or byte order"
    assert facts.header is not None
    assert (facts.header.ei_class, facts.header.ei_data) == (ei_class, ei_data)


# --- segments -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("wide", "little"), [(True, True), (True, False), (False, True), (False, False)]
)
def test_segments_in_every_class_and_byte_order(*, wide: bool, little: bool) -> None:
    """Elf32_Phdr and Elf64_Phdr hold the same fields in another order."""
    data = Elf(wide=wide, little=little, machine=62 if wide else 3).build()
    load, dynamic = read(data).segments
    size = len(data)

    assert load == Segment(PT_LOAD, 6, 0, 0, size, size, 0x1000)
    assert (dynamic.type, dynamic.flags, dynamic.align) == (PT_DYNAMIC, 6, 8)
    assert dynamic.offset == dynamic.vaddr


def test_a_segment_beyond_the_end_of_the_file(shipped: Shipped) -> None:
    """Mapped without complaint, and a SIGBUS when it is touched."""
    assert read(shipped("cut-after-5000-bytes")).beyond_end is True
    assert read(shipped("segment-beyond-the-end-of-the-file")).beyond_end is True
    assert read(shipped("whole-bulk")).beyond_end is False


def test_the_last_page_of_a_file_is_mapped_whole() -> None:
    """What lies between the end of the file and the end of its page reads as zeros."""
    data = Elf().build()
    page, beyond = (elfpatch.segment(PT_LOAD, p_filesz=size)(data) for size in (4096, 4097))

    assert read(page).beyond_end is False
    assert read(beyond).beyond_end is True


def test_only_the_segments_that_are_loaded_can_lie_beyond_the_end() -> None:
    """A note that was cut off is not touched."""
    data = Elf().build()
    moved = elfpatch.segment(PT_DYNAMIC, p_type=4, p_offset=1 << 30, p_filesz=64)(data)

    assert read(moved).beyond_end is False


# --- section headers are for people ---------------------------------------------


def test_section_headers_change_no_fact_but_the_compilers(
    every_object: Mapping[str, bytes],
) -> None:
    """Law: the loader never looks at them, so no verdict may rest on them."""
    changed = [
        name
        for name, data in every_object.items()
        if len(data) >= 64 and _but_compilers(data) != _but_compilers(_with_sections(data, 0, 0, 0))
    ]

    assert changed == []


@pytest.mark.parametrize(
    ("start", "count", "names"),
    [(1 << 30, 0xFFFE, 0xFFFD), (0xFFFFFFFF, 1, 0), (64, 0xFFFF, 0), (1, 2, 0xFFFF)],
)
@pytest.mark.parametrize(
    ("wide", "little"), [(True, True), (True, False), (False, True), (False, False)]
)
def test_false_section_headers_change_no_fact(
    start: int, count: int, names: int, *, wide: bool, little: bool
) -> None:
    """However absurd they are: not even a defect."""
    data = Elf(
        wide=wide,
        little=little,
        machine=62 if wide else 3,
        soname="libv.so.1",
        symbols=(definition("f", "V_1"),),
        versions=("V_1",),
        comment=b"GCC: (GNU) 14.2.0\0",
    ).build()

    assert _but_compilers(_with_sections(data, start, count, names)) == _but_compilers(data)


def test_an_object_without_section_headers_is_as_good_as_one_with_them(shipped: Shipped) -> None:
    """The objects of the cases were linked alike; one had its section headers removed."""
    whole = shipped("sound")

    assert _but_compilers(shipped("no-section-headers")) == _but_compilers(whole)
    assert _but_compilers(shipped("false-section-headers")) == _but_compilers(whole)
    assert read(shipped("no-section-headers")).compilers == ()


@pytest.mark.parametrize(
    ("wide", "little"), [(True, True), (True, False), (False, True), (False, False)]
)
def test_compilers_are_those_of_the_comment_section(*, wide: bool, little: bool) -> None:
    """Each once, in order; empty strings between them are padding."""
    comment = b"\0GCC: (GNU) 14.2.0\0clang version 19\0\0GCC: (GNU) 14.2.0\0"
    facts = Elf(wide=wide, little=little, machine=62 if wide else 3, comment=comment).facts()

    assert facts.compilers == ("GCC: (GNU) 14.2.0", "clang version 19")


def test_a_comment_of_megabytes_is_cut() -> None:
    """It is shown to people; the first four kibibytes are enough for them."""
    facts = Elf(comment=b"x" * 5_000_000).facts()

    assert [len(text) for text in facts.compilers] == [4096]


# --- truncation ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "member"),
    [
        ("whole-bulk", "mod.cpython-313-x86_64-linux-gnu.so"),
        ("both-hash-tables", "mod.cpython-313-x86_64-linux-gnu.so"),
        ("two-versions-of-one-symbol", "mod.libs/libv.so.1"),
        ("wrong-class", "mod.so"),
        ("wrong-byte-order", "mod.abi3.so"),
    ],
)
def test_every_truncation_gives_facts(shipped: Shipped, case: str, member: str) -> None:
    """Cut after every sixty-fourth byte: a defect or not, but never an exception."""
    data = shipped(case, member)
    sizes = list(range(0, len(data), 64))
    facts = [read(data[:size]) for size in sizes]

    assert [spelled_out(fact)["size"] for fact in facts] == sizes
    assert facts[0].defect == "file too short"
    assert facts[1].defect == "cannot read file data"


@pytest.mark.parametrize("case", ["sound", "three-versions-too-new", "isa-level-v4"])
def test_a_truncated_object_never_says_more_than_the_whole_one(shipped: Shipped, case: str) -> None:
    """A shorter file has no name, no need and no symbol that the whole file has not.

    Cut off inside of a page, it may have ends of names less: zeros follow.
    """
    data = shipped(case)
    whole = read(data)
    symbols = set(whole.table.definitions)
    for size in range(0, len(data), 4096):
        part = read(data[:size])

        assert set(part.needed) <= set(whole.needed)
        assert set(part.version_needs) <= set(whole.version_needs)
        assert set(part.references) <= set(whole.references)
        assert set(part.table.definitions) <= symbols
