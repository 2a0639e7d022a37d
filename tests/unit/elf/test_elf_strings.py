"""String tables: DT_STRSZ is never consulted, and an index outside every segment is a defect."""

from __future__ import annotations

import pytest
from tests.elfbuilder import (
    DT_NEEDED,
    DT_STRSZ,
    DT_STRTAB,
    Elf,
    Need,
    Reloc,
    Shipped,
    definition,
    read,
    reference,
)

import elfpatch
from abicheck.model import SymbolDef, VersionNeed


def _an_object(**tags: int) -> bytes:
    numbers = {"strsz": DT_STRSZ, "strtab": DT_STRTAB}
    return Elf(
        needed=("libc.so.6",),
        soname="libv.so.1",
        symbols=(reference("memcpy", "GLIBC_2.14", "libc.so.6"), definition("f", "V_1")),
        versions=("V_1",),
        rela=(Reloc("memcpy", 6),),
        tags={numbers[name]: value for name, value in tags.items()},
    ).build()


@pytest.mark.parametrize("size", [0, 1, 5, 20, 60, 1 << 20, (1 << 64) - 1])
def test_dt_strsz_may_lie(size: int) -> None:
    """Law: the loader never looks at it, so it changes no fact."""
    facts = read(_an_object(strsz=size))

    assert facts.needed == ("libc.so.6",)
    assert facts.soname == "libv.so.1"
    assert [str(ref) for ref in facts.references] == ["memcpy@GLIBC_2.14"]
    assert [str(need) for need in facts.version_needs] == ["libc.so.6(GLIBC_2.14)"]
    assert facts.table.definitions == {"f": (SymbolDef("V_1", index=2),)}
    assert facts.defect is None


@pytest.mark.parametrize("size", range(1, 11))
def test_dt_strsz_may_end_inside_a_name(size: int) -> None:
    """Law: a definition is found by its whole name, also where nothing else reads so far."""
    facts = read(Elf(symbols=(definition("function"),), tags={DT_STRSZ: size}).build())

    assert facts.table.definitions == {"function": (SymbolDef(),)}


@pytest.mark.parametrize(
    ("raw", "name"),
    [("bücher".encode(), "bücher"), (b"b\xfccher", "b\udcfccher"), (b"b\x80", "b\udc80")],
)
def test_names_of_files_are_text_as_the_file_system_has_it(raw: bytes, name: str) -> None:
    """DT_NEEDED, DT_SONAME, run paths and version needs: UTF-8 with surrogate escapes (PEP 383).

    So they are equal to the names of members, which are decoded alike.
    """
    facts = Elf(
        needed=(f"lib{name}.so.1",),
        soname=f"{name}.so",
        rpath=f"$ORIGIN/{name}",
        runpath=f"/opt/{name}",
        needs=(Need(f"lib{name}.so.1", "V_1"),),
    ).facts()

    assert name.encode("utf-8", "surrogateescape") == raw
    assert facts.needed == (f"lib{name}.so.1",)
    assert facts.soname == f"{name}.so"
    assert facts.rpath == f"$ORIGIN/{name}"
    assert facts.runpath == f"/opt/{name}"
    assert facts.version_needs == (VersionNeed(f"lib{name}.so.1", "V_1"),)


def test_a_string_table_without_a_size(shipped: Shipped) -> None:
    """The same in an object of a real linker, which loads."""
    facts = read(shipped("string-table-of-no-size"))

    assert facts.defect is None
    assert facts.table.definitions == {"PyInit_mod": (SymbolDef(),)}


@pytest.mark.parametrize(
    "case", ["string-table-beyond-the-end", "needed-name-beyond-the-string-table"]
)
def test_a_name_outside_every_segment_is_malformed(shipped: Shipped, case: str) -> None:
    """The loader dies of it; here it is a defect in a sentence."""
    facts = read(shipped(case))

    assert (facts.defect or "").startswith("malformed: ")
    assert facts.needed == ()


def test_a_reference_whose_name_lies_outside_every_segment_is_malformed(shipped: Shipped) -> None:
    """No reference is made up for it."""
    facts = read(shipped("symbol-name-beyond-the-string-table"))

    assert (facts.defect or "").startswith("malformed: ")
    assert facts.references == ()


@pytest.mark.parametrize("index", [1 << 20, 1 << 31, 1 << 62, (1 << 64) - 1])
def test_an_absurd_index_of_a_needed_name_is_malformed(index: int) -> None:
    """Not an empty name, not another one's."""
    facts = read(elfpatch.tag(DT_NEEDED, value=index)(_an_object()))

    assert (facts.defect or "").startswith("malformed: ")


def test_names_may_share_their_ends() -> None:
    """An index into the middle of another string is a string, as linkers merge tails."""
    data = Elf(needed=("libzlib.so",)).build()
    inside = data.index(b"lib.so\0") - data.index(b"\0libzlib.so\0")

    assert read(elfpatch.tag(DT_NEEDED, value=inside)(data)).needed == ("lib.so",)
