"""Symbol versions: needed, weakly needed, defined, hidden.  DT_VERNEED, DT_VERDEF, DT_VERSYM."""

from __future__ import annotations

import pytest
from tests.elfbuilder import (
    DT_VERDEF,
    DT_VERNEED,
    Elf,
    Need,
    Reloc,
    Shipped,
    definition,
    read,
    reference,
)

import elfpatch
from abicheck.model import SymbolDef, SymbolRef, VersionNeed

KINDS = pytest.mark.parametrize(
    ("wide", "little"), [(True, True), (True, False), (False, True), (False, False)]
)
LIBV = "mod.libs/libv.so.1"


@KINDS
def test_needs_and_definitions_in_every_class_and_byte_order(*, wide: bool, little: bool) -> None:
    """The records of the version tables are the same in either class; only the order differs."""
    facts = Elf(
        wide=wide,
        little=little,
        machine=62 if wide else 3,
        soname="libv.so.1",
        symbols=(
            reference("memcpy", "GLIBC_2.14", "libc.so.6"),
            definition("f", "V_1", hidden=True),
            definition("f", "V_2"),
            definition("bare"),
        ),
        versions=("V_1", "V_2"),
        needs=(Need("libm.so.6", "GLIBC_2.35", weak=True),),
    ).facts()

    assert facts.version_needs == (
        VersionNeed("libc.so.6", "GLIBC_2.14"),
        VersionNeed("libm.so.6", "GLIBC_2.35", weak=True),
    )
    assert facts.table.versions == ("libv.so.1", "V_1", "V_2")
    assert facts.table.definitions == {
        "f": (SymbolDef("V_1", hidden=True, index=2), SymbolDef("V_2", index=3)),
        "bare": (SymbolDef(None, index=1),),
    }


def test_a_weak_version_need_is_weak(shipped: Shipped) -> None:
    """VER_FLG_WEAK is the need's own; a weak reference alone does not set it."""
    marked, unmarked = (
        read(shipped(case)) for case in ("weak-version-need", "weak-reference-strong-version-need")
    )
    arc4random = SymbolRef("arc4random", "GLIBC_2.36", "libc.so.6", weak=True)

    assert marked.version_needs == (VersionNeed("libc.so.6", "GLIBC_2.36", weak=True),)
    assert unmarked.version_needs == (VersionNeed("libc.so.6", "GLIBC_2.36", weak=False),)
    assert marked.references[0] == unmarked.references[0] == arc4random


def test_needs_keep_the_order_of_the_file(shipped: Shipped) -> None:
    """The first that is not met is the one that the loader names."""
    facts = read(shipped("three-versions-too-new"))

    assert [need.version for need in facts.version_needs] == [
        "GLIBC_2.35",
        "GLIBC_2.36",
        "GLIBC_2.38",
    ]


def test_one_version_of_two_files() -> None:
    """A version belongs to the file that it is expected of."""
    facts = Elf(
        symbols=(
            reference("sin", "GLIBC_2.2.5", "libm.so.6"),
            reference("puts", "GLIBC_2.2.5", "libc.so.6"),
        ),
        rela=(Reloc("puts", 6), Reloc("sin", 6)),
    ).facts()

    assert facts.version_needs == (
        VersionNeed("libm.so.6", "GLIBC_2.2.5"),
        VersionNeed("libc.so.6", "GLIBC_2.2.5"),
    )
    assert [ref.soname for ref in facts.references] == ["libc.so.6", "libm.so.6"]


def test_a_default_version_and_a_hidden_one(shipped: Shipped) -> None:
    """`f@@V_2` is what a new link finds; `f@V_1` is for those who ask by name."""
    facts = read(shipped("two-versions-of-one-symbol", LIBV))

    assert set(facts.table.definitions["f"]) == {
        SymbolDef("V_1", hidden=True, index=2),
        SymbolDef("V_2", hidden=False, index=3),
    }


def test_a_hidden_definition_of_a_later_node(shipped: Shipped) -> None:
    """The index is kept, for an unversioned reference takes 0, 1 and 2 whatever is hidden."""
    first, later = (
        read(shipped(f"unversioned-reference-to-a-hidden-{which}-node", LIBV))
        for which in ("first", "later")
    )

    assert first.table.definitions["f"] == (SymbolDef("V_1", hidden=True, index=2),)
    assert later.table.definitions["f"] == (SymbolDef("V_2", hidden=True, index=3),)


def test_the_base_definition_names_the_file_and_no_version(shipped: Shipped) -> None:
    """VER_FLG_BASE: its name is among the names, and no symbol is defined under it."""
    facts = read(shipped("vendored-library-lacks-a-version", LIBV))

    assert facts.table.versions == ("libv.so.1", "V_1")
    assert all(d.version != "libv.so.1" for ds in facts.table.definitions.values() for d in ds)


@pytest.mark.parametrize(
    ("case", "versions", "versioned"),
    [
        ("versioned-reference-to-an-unversioned-library", None, False),
        ("versioned-reference-to-a-library-that-only-needs-versions", None, True),
        ("vendored-library-lacks-a-version", ("libv.so.1", "V_1"), True),
    ],
)
def test_no_dt_verdef_is_not_no_dt_versym(
    shipped: Shipped, case: str, versions: tuple[str, ...] | None, *, versioned: bool
) -> None:
    """`check_match` asks the one and `_dl_check_map_versions` the other."""
    table = read(shipped(case, LIBV)).table

    assert (table.versions, table.versioned) == (versions, versioned)


def test_needs_without_versym_leave_references_unversioned(shipped: Shipped) -> None:
    """Which version a symbol asks for is said by DT_VERSYM alone."""
    facts = read(shipped("versions-without-versym"))

    assert facts.version_needs == (VersionNeed("libc.so.6", "GLIBC_2.2.5"),)
    assert facts.references[0] == SymbolRef("getpid", None, None)
    assert facts.table.versioned is False


def test_the_hidden_bit_of_a_reference_is_not_part_of_its_version() -> None:
    """`VERSYM_HIDDEN` is masked out before the index is looked up."""
    facts = Elf(
        symbols=(elf_hidden := reference("f", "V_1", "libv.so.1"),),
        rela=(Reloc("f", 6),),
    ).facts()
    data = Elf(symbols=(elf_hidden,), rela=(Reloc("f", 6),)).build()
    hidden = read(elfpatch.table(elfpatch.DT_VERSYM, 2, 0x8002, "<H")(data))

    assert hidden.references == facts.references == (SymbolRef("f", "V_1", "libv.so.1"),)


def test_a_reference_to_a_version_that_the_object_defines_itself() -> None:
    """Without a DT_VERNEED entry of that number it is the object's own node, of no file."""
    data = Elf(
        soname="libv.so.1",
        symbols=(reference("f"), definition("g", "V_1")),
        versions=("V_1",),
        rela=(Reloc("f", 6),),
    ).build()
    own = read(elfpatch.table(elfpatch.DT_VERSYM, 2, 2, "<H")(data))

    assert own.references == (SymbolRef("f", "V_1", None),)


def test_the_number_of_needs_is_not_looked_at(shipped: Shipped) -> None:
    """DT_VERNEEDNUM and vn_cnt may lie: `_dl_check_map_versions` follows the links."""
    data = shipped("a-billion-version-needs")
    honest, lying = read(data), read(elfpatch.table(DT_VERNEED, 2, 0xFFFF, "<H")(data))

    assert honest.version_needs == (VersionNeed("libc.so.6", "GLIBC_2.2.5"),)
    assert lying.version_needs == honest.version_needs
    assert lying.defect is None


@pytest.mark.parametrize(
    ("tag", "offset", "what"),
    [
        pytest.param(DT_VERNEED, 12, "vn_next", id="needs-by-file"),
        pytest.param(DT_VERNEED, 16 + 12, "vna_next", id="needs-of-one-file"),
        pytest.param(DT_VERNEED, 8, "vn_aux", id="first-need-of-a-file"),
        pytest.param(DT_VERDEF, 16, "vd_next", id="definitions"),
        pytest.param(DT_VERDEF, 12, "vd_aux", id="name-of-a-definition"),
    ],
)
@pytest.mark.parametrize("link", [0xFFFFFFF0, 0xFFFFFFFF, 0x7FFFFFFF, 0x10000])
def test_a_chain_that_leaves_the_object_is_malformed(
    tag: int, offset: int, what: str, link: int
) -> None:
    """A link is unsigned: minus sixteen leads four gigabytes on, not back to the start."""
    data = Elf(
        soname="libv.so.1",
        symbols=(reference("f", "A_1", "a.so"), definition("g", "V_1")),
        versions=("V_1",),
    ).build()
    facts = read(elfpatch.table(tag, offset, link)(data))

    assert (facts.defect or "").startswith("malformed"), what


@pytest.mark.parametrize("step", [1, 2, 3, 4, 8, 12, 15])
@pytest.mark.parametrize(("tag", "offset"), [(DT_VERNEED, 12), (DT_VERDEF, 16)])
def test_a_chain_of_records_that_overlap_comes_to_an_end(tag: int, offset: int, step: int) -> None:
    """A link shorter than its record makes nonsense of the next one, and the walk still ends."""
    data = Elf(
        soname="libv.so.1",
        symbols=(reference("f", "A_1", "a.so"), definition("g", "V_1")),
        versions=("V_1", "V_2", "V_3"),
    ).build()
    facts = read(elfpatch.table(tag, offset, step)(data))

    assert facts.size == len(data)
