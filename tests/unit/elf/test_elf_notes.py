"""Notes and PT_GNU_STACK: ISA level, ABI tag, build id, executable stack."""

from __future__ import annotations

import struct

import pytest
from tests.elfbuilder import Elf, Note, Shipped, read

import elfpatch

NT_ABI_TAG, NT_BUILD_ID, NT_PROPERTY = 1, 3, 5
ISA_1_NEEDED, ISA_1_USED, FEATURE_1_AND = 0xC0008002, 0xC0010002, 0xC0000002
KINDS = pytest.mark.parametrize(
    ("wide", "little"), [(True, True), (True, False), (False, True), (False, False)]
)


def _property(*entries: tuple[int, int], align: int = 8) -> Note:
    """Return a property note of 32-bit values, each padded to `align`."""
    rows = (struct.pack("<III", kind, 4, value).ljust(8 + align, b"\0") for kind, value in entries)
    return Note(NT_PROPERTY, b"".join(rows), align=align)


def _abi_tag(system: int, *kernel: int, order: str = "<") -> Note:
    return Note(NT_ABI_TAG, struct.pack(order + "4I", system, *kernel))


# --- the ISA level --------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "level"),
    [
        ("sound", 0),
        ("isa-level-v2", 2),
        ("isa-level-v3", 4),
        ("isa-level-v4", 8),
        ("isa-level-of-no-processor", 0x100),
        ("isa-level-used", 0),
        ("isa-note-misaligned", 0),
        ("isa-level-v4-in-gnu-property", 0),
    ],
)
def test_the_isa_level_that_an_object_needs(shipped: Shipped, case: str, level: int) -> None:
    """GNU_PROPERTY_X86_ISA_1_NEEDED of a PT_NOTE with the class's own alignment; nothing else."""
    assert read(shipped(case)).isa_needed == level


def test_the_isa_level_among_other_properties() -> None:
    """Properties are sorted by type; the level need not be the first."""
    entries = ((FEATURE_1_AND, 3), (ISA_1_NEEDED, 0b1111), (ISA_1_USED, 0xFF))

    assert Elf(notes=(_property(*entries),)).facts().isa_needed == 0b1111


def test_two_property_notes_in_one_segment_are_none() -> None:
    """`_dl_process_property_note` trusts neither of two; and of two segments the last counts."""
    data = Elf(notes=(_property((ISA_1_NEEDED, 4)), _property((ISA_1_NEEDED, 8)))).build()
    one, two = (segment for segment in read(data).segments if segment.type == 4)
    size = two.offset + two.filesz - one.offset
    joined = elfpatch.segment(elfpatch.PT_NOTE, 0, p_filesz=size, p_memsz=size)
    alone = elfpatch.segment(elfpatch.PT_NOTE, 1, p_type=0)

    assert read(data).isa_needed == 8
    assert read(alone(data)).isa_needed == 4
    assert read(joined(alone(data))).isa_needed == 0


@pytest.mark.parametrize(("align", "level"), [(8, 4), (4, 0)])
def test_a_property_note_has_the_alignment_of_its_class(align: int, level: int) -> None:
    """Eight in a 64-bit object; a linker's mistake is ignored."""
    facts = Elf(notes=(_property((ISA_1_NEEDED, 4), align=align),)).facts()

    assert facts.isa_needed == level


@pytest.mark.parametrize("size", [0, 3, 5, 8, 0xFFFFFFFF])
def test_an_isa_level_of_another_size_is_none(size: int) -> None:
    """Four bytes or nothing; a size that leaves the note ends the walk."""
    desc = struct.pack("<IIQ", ISA_1_NEEDED, size, 8)

    assert Elf(notes=(Note(NT_PROPERTY, desc, align=8),)).facts().isa_needed == 0


# --- the ABI tag ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "kernel"),
    [
        ("abi-tag-of-an-older-kernel", (3, 0, 0)),
        ("abi-tag-of-a-newer-kernel", (99, 0, 0)),
        ("sound", None),
    ],
)
def test_the_kernel_that_an_object_needs(
    shipped: Shipped, case: str, kernel: tuple[int, int, int] | None
) -> None:
    """NT_GNU_ABI_TAG: the earliest kernel, major, minor, patch."""
    assert read(shipped(case)).kernel == kernel


@KINDS
def test_the_abi_tag_in_every_class_and_byte_order(*, wide: bool, little: bool) -> None:
    """Words of the object's own byte order; each part of the version is one byte of it."""
    note = _abi_tag(1, 3, 0x102, 0, order="<" if little else ">")
    facts = Elf(wide=wide, little=little, machine=62 if wide else 3, notes=(note,)).facts()

    assert (facts.kernel_os, facts.kernel) == (1, (3, 2, 0))


def test_the_first_abi_tag_counts() -> None:
    """`open_verify` stops at the first that it meets."""
    facts = Elf(notes=(_abi_tag(0, 3, 2, 0), _abi_tag(0, 99, 0, 0))).facts()

    assert facts.kernel == (3, 2, 0)


def test_a_note_of_another_owner_is_not_read() -> None:
    """Types are the owner's: 1 and 3 mean something else to everybody but GNU."""
    stranger = Note(NT_ABI_TAG, struct.pack("<4I", 0, 99, 0, 0), name=b"XYZ\0")
    facts = Elf(notes=(stranger, Note(NT_BUILD_ID, b"\xab", name=b"XYZ\0"))).facts()

    assert (facts.kernel, facts.build_id) == (None, None)


# --- the build id ---------------------------------------------------------------


@KINDS
def test_the_build_id_is_written_in_hexadecimal(*, wide: bool, little: bool) -> None:
    """As `file` and `readelf -n` show it."""
    note = Note(NT_BUILD_ID, bytes.fromhex("00ff1234"))
    facts = Elf(wide=wide, little=little, machine=62 if wide else 3, notes=(note,)).facts()

    assert facts.build_id == "00ff1234"
    assert Elf().facts().build_id is None


def test_several_notes_in_one_segment() -> None:
    """Each begins where the one before it ends, aligned."""
    build_id = b"\4\0\0\0\3\0\0\0\3\0\0\0GNU\0\xaa\xbb\xcc\0"
    first = Note(NT_ABI_TAG, struct.pack("<4I", 0, 3, 2, 0))
    data = Elf(notes=(first, Note(NT_BUILD_ID, b"\xaa\xbb\xcc"))).build()
    one, two = (segment for segment in read(data).segments if segment.type == 4)
    joined = elfpatch.segment(elfpatch.PT_NOTE, 0, p_filesz=two.offset + two.filesz - one.offset)

    assert build_id in data
    assert two.offset == one.offset + one.filesz
    assert read(joined(data)).build_id == "aabbcc"


@pytest.mark.parametrize("field", ["p_offset", "p_filesz"])
@pytest.mark.parametrize("value", [1 << 20, (1 << 63) - 1, (1 << 64) - 1])
def test_notes_beyond_the_end_of_the_file_are_not_read(field: str, value: int) -> None:
    """What is not there says nothing, and the rest of the object is read all the same."""
    data = Elf(soname="libv.so.1", notes=(Note(NT_BUILD_ID, b"\xaa"),)).build()
    facts = read(elfpatch.segment(elfpatch.PT_NOTE, **{field: value})(data))

    assert facts.soname == "libv.so.1"
    assert facts.build_id == (None if field == "p_offset" else "aa")


@pytest.mark.parametrize("word", [0, 1])
def test_a_note_of_absurd_length_ends_the_walk(word: int) -> None:
    """A namesz or a descsz of four gigabytes: nothing is read, nothing is allocated."""
    data = Elf(notes=(Note(NT_BUILD_ID, b"\xaa"),)).build()
    (note,) = (segment for segment in read(data).segments if segment.type == 4)
    image = bytearray(data)
    struct.pack_into("<I", image, note.offset + 4 * word, 0xFFFFFFFF)

    assert read(bytes(image)).build_id is None


# --- the stack ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "executable"),
    [("sound", False), ("executable-stack", True), ("no-stack-header", None)],
)
def test_an_executable_stack(shipped: Shipped, case: str, *, executable: bool | None) -> None:
    """PT_GNU_STACK with PF_X asks for one; without the header the file does not say."""
    assert read(shipped(case)).exec_stack is executable


@pytest.mark.parametrize(
    ("flags", "executable"), [(None, None), (6, False), (7, True), (1, True), (0, False)]
)
def test_only_pf_x_makes_a_stack_executable(flags: int | None, *, executable: bool | None) -> None:
    """PF_R and PF_W say nothing about it."""
    assert Elf(stack=flags).facts().exec_stack is executable
