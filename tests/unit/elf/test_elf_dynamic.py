"""The dynamic section: names, run paths, flags.  Written by tag, read by tag, kept raw."""

from __future__ import annotations

import pytest
from tests.elfbuilder import (
    DT_FLAGS,
    DT_FLAGS_1,
    DT_GNU_HASH,
    DT_RELA,
    DT_RELR,
    DT_RELRSZ,
    DT_RPATH,
    DT_SONAME,
    DT_STRTAB,
    DT_SYMTAB,
    DT_TEXTREL,
    DT_VERDEF,
    DT_VERNEED,
    DT_VERSYM,
    Elf,
    Note,
    Reloc,
    Shipped,
    definition,
    read,
    reference,
)

import elfpatch
from abicheck.model import VersionNeed

KINDS = pytest.mark.parametrize(
    ("wide", "little"),
    [
        pytest.param(True, True, id="64-bit little-endian"),
        pytest.param(True, False, id="64-bit big-endian"),
        pytest.param(False, True, id="32-bit little-endian"),
        pytest.param(False, False, id="32-bit big-endian"),
    ],
)


@KINDS
def test_the_names_of_the_dynamic_section(*, wide: bool, little: bool) -> None:
    """DT_SONAME, DT_NEEDED in order, and both run paths, in every class and byte order."""
    facts = Elf(
        wide=wide,
        little=little,
        soname="libv.so.1",
        needed=("libz.so.1", "libc.so.6"),
        rpath="/opt/lib",
        runpath="$ORIGIN/../mod.libs:${LIB}",
    ).facts()

    assert facts.soname == "libv.so.1"
    assert facts.needed == ("libz.so.1", "libc.so.6")
    assert facts.rpath == "/opt/lib"
    assert facts.runpath == "$ORIGIN/../mod.libs:${LIB}"
    assert facts.defect is None


def test_what_the_file_does_not_say_is_none() -> None:
    """`None` is silence; an empty string is something that was said."""
    silent, empty = Elf().facts(), Elf(soname="", rpath="", runpath="").facts()

    assert (silent.soname, silent.rpath, silent.runpath) == (None, None, None)
    assert (empty.soname, empty.rpath, empty.runpath) == ("", "", "")


@pytest.mark.parametrize(
    ("case", "rpath", "runpath"),
    [
        ("rpath-origin", "$ORIGIN/mod.libs", None),
        ("runpath-origin", None, "$ORIGIN/mod.libs"),
        ("runpath-makes-an-rpath-void", "$ORIGIN/mod.libs", "$ORIGIN/nowhere"),
    ],
)
def test_rpath_is_not_runpath(
    shipped: Shipped, case: str, rpath: str | None, runpath: str | None
) -> None:
    """Which of them counts is the loader's affair; here each is what its tag says."""
    facts = read(shipped(case))

    assert (facts.rpath, facts.runpath) == (rpath, runpath)


def test_needed_libraries_may_repeat() -> None:
    """Every DT_NEEDED is kept, in order, also one that repeats."""
    assert Elf(needed=("b", "a", "b")).facts().needed == ("b", "a", "b")


def test_the_last_of_two_equal_tags_counts() -> None:
    """As `elf_get_dynamic_info` fills `l_info`: a later tag overwrites an earlier one."""
    data = Elf(soname="first.so", rpath="second.so").build()

    assert read(elfpatch.tag(DT_RPATH, DT_SONAME)(data)).soname == "second.so"


def test_tags_after_dt_null_do_not_count(shipped: Shipped) -> None:
    """The section ends at DT_NULL, whatever the segment says of its size."""
    data = shipped("runpath-origin")
    ended = elfpatch.tag(elfpatch.DT_RUNPATH, elfpatch.DT_NULL)(data)

    assert read(data).runpath == "$ORIGIN/mod.libs"
    assert read(ended).runpath is None


def test_a_dynamic_section_without_dt_null_is_malformed() -> None:
    """It ends with the bytes that are mapped, and the loader reads on."""
    data = Elf(soname="libv.so.1", tags={0x60000000: 1}).build()
    dynamic = read(data).segments[1]
    end = dynamic.offset + dynamic.filesz - 16
    page = -end % 4096
    padded = data[: dynamic.offset] + b"\1" * page + data[dynamic.offset : end]
    moved = elfpatch.segment(
        elfpatch.PT_DYNAMIC, p_offset=dynamic.offset + page, p_vaddr=dynamic.vaddr + page
    )
    whole = elfpatch.segment(elfpatch.PT_LOAD, p_filesz=end + page, p_memsz=end + page)
    facts = read(whole(moved(padded)))

    assert (end + page) % 4096 == 0
    assert facts.defect == "malformed: the dynamic table has no end"
    assert facts.soname is None


def test_what_follows_a_segment_is_mapped_to_the_end_of_its_page() -> None:
    """So a DT_NULL behind p_filesz ends the dynamic section, as long as it is in the file."""
    data = Elf(soname="libv.so.1").build()
    dynamic = read(data).segments[1]
    size = dynamic.offset + dynamic.filesz - 16
    shorter = elfpatch.segment(elfpatch.PT_LOAD, p_filesz=size, p_memsz=size)
    facts = read(shorter(data))

    assert (facts.defect, facts.soname) == (None, "libv.so.1")


def test_a_dynamic_section_is_ended_by_the_zeros_behind_the_file() -> None:
    """Where the segment is larger in memory, zeros follow, and a zero tag is DT_NULL."""
    data = Elf(soname="libv.so.1").build()
    dynamic = read(data).segments[1]
    size = dynamic.offset + dynamic.filesz - 16
    shorter = elfpatch.segment(elfpatch.PT_LOAD, p_filesz=size, p_memsz=size + 16)
    facts = read(shorter(data))

    assert (facts.defect, facts.soname) == (None, "libv.so.1")


def test_a_byte_order_that_there_is_not_is_read_in_the_loaders_own(shipped: Shipped) -> None:
    """EI_DATA is refused for itself, so the rest of the header must not be."""
    data = bytearray(shipped("no-dynamic-segment"))
    data[5] = 0x7F
    header = read(bytes(data)).header

    assert header is not None
    assert (header.ei_data, header.machine) == (0x7F, 62)


def test_relocations_that_leave_their_segment_are_read_as_far_as_they_go() -> None:
    """The loader finds libraries and symbols in vain before it comes to their end."""
    data = Elf(symbols=(reference("no_such_symbol"),), rela=(Reloc("no_such_symbol", 6),)).build()
    endless = elfpatch.tag(elfpatch.DT_RELASZ, value=1 << 40)
    facts = read(endless(data))

    assert facts.unrelocatable
    assert [reference.name for reference in facts.references] == ["no_such_symbol"]


def test_an_object_without_a_dynamic_segment_has_no_names(shipped: Shipped) -> None:
    """Without PT_DYNAMIC nothing is needed and nothing is wrong here; the loader refuses it."""
    facts = read(shipped("no-dynamic-segment"))

    assert (facts.dynamic, facts.needed, facts.defect) == (False, (), None)


def test_a_dynamic_segment_without_bytes_is_none() -> None:
    """What `objcopy --only-keep-debug` leaves; glibc takes l_ld only where p_filesz is not 0."""
    data = Elf(needed=("libc.so.6",)).build()
    facts = read(elfpatch.segment(elfpatch.PT_DYNAMIC, p_filesz=0)(data))

    assert (facts.dynamic, facts.needed, facts.defect) == (False, (), None)


def test_the_last_dynamic_segment_that_has_bytes_counts() -> None:
    """`_dl_map_object_from_fd` overwrites l_ld with each PT_DYNAMIC it meets."""
    data = Elf(soname="libv.so.1", notes=(Note(3, b"build id"),)).build()
    first = read(data).segments[1]
    null = first.vaddr + first.filesz - 16  # its DT_NULL, which is a whole table too
    with_bytes, without = (
        elfpatch.segment(elfpatch.PT_NOTE, p_type=elfpatch.PT_DYNAMIC, p_vaddr=null, p_filesz=size)(
            data
        )
        for size in (16, 0)
    )

    assert read(with_bytes).soname is None
    assert read(without).soname == "libv.so.1"


def test_an_unknown_tag_is_passed_over(shipped: Shipped) -> None:
    """Also one whose number the loader has never heard of."""
    facts = read(shipped("unknown-dynamic-tag"))

    assert facts.defect is None
    assert [ref.name for ref in facts.references] == ["PyModule_Create2"]


@pytest.mark.parametrize(
    ("tags", "textrel"),
    [({}, False), ({DT_TEXTREL: 0}, True), ({DT_FLAGS: 4}, True), ({DT_FLAGS: 2}, False)],
)
def test_text_relocations(tags: dict[int, int], *, textrel: bool) -> None:
    """Either DT_TEXTREL or DF_TEXTREL says that relocations write into the text."""
    assert Elf(tags=tags).facts().textrel is textrel


@pytest.mark.parametrize(
    ("tags", "relr"),
    [({}, False), ({DT_RELR: 64, DT_RELRSZ: 8}, True), ({DT_RELR: 64, DT_RELRSZ: 0}, False)],
)
def test_packed_relative_relocations(tags: dict[int, int], *, relr: bool) -> None:
    """DT_RELR matters where DT_RELRSZ says that it is not empty."""
    assert Elf(tags=tags).facts().relr is relr


@pytest.mark.parametrize(
    ("case", "mark"),
    [
        ("packed-relocations-with-libc", ("GLIBC_2.2.5", "GLIBC_ABI_DT_RELR")),
        ("packed-relocations-with-libc-and-no-mark", ("GLIBC_2.2.5",)),
        ("packed-relocations-without-libc", ()),
    ],
)
def test_packed_relocations_with_and_without_their_mark(
    shipped: Shipped, case: str, mark: tuple[str, ...]
) -> None:
    """The version need GLIBC_ABI_DT_RELR is a need like any other; DT_RELR is another fact."""
    facts = read(shipped(case))

    assert facts.relr is True
    assert facts.version_needs == tuple(VersionNeed("libc.so.6", name) for name in mark)


def test_dt_flags_1_is_kept_whole(shipped: Shipped) -> None:
    """DF_1_NOOPEN (0x40) and DF_1_PIE (0x8000000) forbid dlopen."""
    assert read(shipped("no-dlopen-flag")).flags_1 & 0x40
    assert read(shipped("position-independent-executable")).flags_1 & 0x08000000
    assert Elf(tags={DT_FLAGS_1: 0x48}).facts().flags_1 == 0x48
    assert Elf().facts().flags_1 == 0


def test_the_interpreter_of_a_program() -> None:
    """PT_INTERP, up to its zero byte."""
    assert Elf(interpreter="/lib64/ld-linux-x86-64.so.2").facts().interpreter == (
        "/lib64/ld-linux-x86-64.so.2"
    )
    assert Elf().facts().interpreter is None


@pytest.mark.parametrize("needed", [(), ("libc.so.6",)])
def test_names_without_a_string_table_are_malformed(needed: tuple[str, ...]) -> None:
    """The loader dereferences what is not there."""
    data = Elf(needed=needed, symbols=(reference("f"),)).build()
    facts = read(elfpatch.tag(DT_STRTAB, 0x60001234)(data))

    assert facts.defect == "malformed: names without a string table"
    assert facts.needed == ()


# --- one table that lies --------------------------------------------------------


@pytest.mark.parametrize(
    "tag", [DT_SYMTAB, DT_VERNEED, DT_VERDEF, DT_VERSYM, DT_GNU_HASH, DT_RELA, DT_SONAME]
)
def test_one_table_that_lies_leaves_what_the_others_say(tag: int) -> None:
    """The file is malformed, and what it needs is known all the same."""
    facts = Elf(
        soname="libv.so.1",
        needed=("libc.so.6",),
        runpath="$ORIGIN",
        symbols=(reference("memcpy", "GLIBC_2.14", "libc.so.6"), definition("f", "V_1")),
        versions=("V_1",),
        rela=(Reloc("memcpy", 6),),
        tags={tag: 1 << 40},
    ).facts()

    assert (facts.defect or "").startswith("malformed: ")
    assert facts.dynamic
    assert facts.needed == ("libc.so.6",)
    assert facts.runpath == (None if tag == DT_SONAME else "$ORIGIN")
    assert [str(need) for need in facts.version_needs] == (
        [] if tag == DT_VERNEED else ["libc.so.6(GLIBC_2.14)"]
    )
    assert [ref.name for ref in facts.references] == (
        ["memcpy"] if tag in (DT_VERDEF, DT_SONAME, DT_GNU_HASH) else []
    )
    assert facts.misnamed == (tag == DT_SONAME)
    assert facts.misversioned == (tag in (DT_VERNEED, DT_VERDEF))
    assert facts.unrelocatable == (tag in (DT_SYMTAB, DT_VERSYM, DT_RELA))


def test_without_a_string_table_the_flags_stand() -> None:
    """They are numbers of the dynamic table itself."""
    facts = Elf(needed=("libc.so.6",), tags={DT_STRTAB: 1 << 40, DT_FLAGS_1: 8}).facts()

    assert (facts.defect or "").startswith("malformed: ")
    assert (facts.dynamic, facts.flags_1, facts.needed) == (True, 8, ())
