"""Symbols: what relocations ask for, what a lookup could find, and what says how many there are."""

from __future__ import annotations

import pytest
from tests.elfbuilder import (
    SHN_ABS,
    SHN_UNDEF,
    Binding,
    Elf,
    HashStyle,
    Reloc,
    Shipped,
    Symbol,
    Type,
    Visibility,
    definition,
    read,
    reference,
)

import elfpatch
from abicheck.model import SymbolDef, SymbolRef

# R_X86_64_...
NONE, R_64, COPY, GLOB_DAT, JUMP_SLOT, RELATIVE, DTPMOD64, TPOFF64 = 0, 1, 5, 6, 7, 8, 16, 18
IRELATIVE = 37
KINDS = pytest.mark.parametrize(
    ("wide", "little"), [(True, True), (True, False), (False, True), (False, False)]
)


def _names(references: tuple[SymbolRef, ...]) -> list[str]:
    return [reference.name for reference in references]


# --- references ---------------------------------------------------------------


def test_references_stand_in_the_order_of_relocation() -> None:
    """DT_RELA, then DT_JMPREL, each as the table has it; not in symbol order."""
    facts = Elf(
        symbols=tuple(reference(name) for name in "abcdef"),
        jmprel=(Reloc("b", JUMP_SLOT), Reloc("a", JUMP_SLOT)),
        rela=(Reloc("f", GLOB_DAT), Reloc("c", R_64)),
        rel=(Reloc("e", R_64),),
    ).facts()

    assert _names(facts.references) == ["f", "c", "b", "a"]  # x86_64 has no DT_REL
    assert _names(facts.undefined) == ["a", "b", "c", "d", "e", "f"]


def test_data_is_asked_for_before_functions(shipped: Shipped) -> None:
    """DT_RELA before DT_JMPREL, in an object of a real linker."""
    assert _names(read(shipped("undefined-data-before-undefined-function")).references) == [
        "no_such_object",
        "no_such_function",
        "PyModule_Create2",
    ]


def test_a_symbol_is_asked_for_once() -> None:
    """However many relocations name it, where the first of them does."""
    facts = Elf(
        symbols=(reference("a"), reference("b")),
        rela=(Reloc("b", GLOB_DAT), Reloc("a", R_64), Reloc("b", R_64)),
        jmprel=(Reloc("b", JUMP_SLOT), Reloc("a", JUMP_SLOT)),
    ).facts()

    assert _names(facts.references) == ["b", "a"]


def test_what_no_relocation_names_is_undefined_and_not_asked_for(shipped: Shipped) -> None:
    """A lookup is a relocation's; an entry of the symbol table alone asks nothing."""
    facts = read(shipped("undefined-without-a-relocation"))

    assert _names(facts.references) == ["PyModule_Create2"]
    assert set(_names(facts.undefined)) > {"PyModule_Create2"}


def test_a_reference_says_what_kind_it_is() -> None:
    """Weak by its binding, data by its type."""
    facts = Elf(
        symbols=(reference("f"), reference("w", weak=True), reference("d", data=True)),
        rela=(Reloc("f", GLOB_DAT), Reloc("w", GLOB_DAT), Reloc("d", COPY)),
    ).facts()

    assert facts.references == (
        SymbolRef("f"),
        SymbolRef("w", weak=True),
        SymbolRef("d", data=True),
    )


@pytest.mark.parametrize("number", [NONE, RELATIVE])
def test_some_relocations_look_nothing_up(number: int) -> None:
    """R_X86_64_NONE and RELATIVE ignore the symbol they name; IRELATIVE does not."""
    facts = Elf(symbols=(reference("f"),), rela=(Reloc("f", number),)).facts()

    assert facts.references == ()
    assert _names(facts.undefined) == ["f"]


def test_symbol_zero_is_no_symbol() -> None:
    """STN_UNDEF in a relocation means the value 0, not a name."""
    assert Elf(symbols=(reference("f"),), rela=(Reloc(0, R_64),)).facts().references == ()


@pytest.mark.parametrize("visibility", ["internal", "hidden"])
def test_a_hidden_undefined_symbol_is_not_looked_up(visibility: Visibility) -> None:
    """`dl_symbol_visibility_binds_local_p`: it stands for the object itself."""
    symbol = Symbol(name="f", visibility=visibility)

    assert Elf(symbols=(symbol,), rela=(Reloc("f", GLOB_DAT),)).facts().references == ()


def test_a_local_symbol_is_not_looked_up() -> None:
    """`RESOLVE_MAP` passes STB_LOCAL over."""
    symbol = Symbol(name="f", binding="local")

    assert Elf(symbols=(symbol,), rela=(Reloc("f", GLOB_DAT),)).facts().references == ()


def test_what_is_defined_here_is_no_reference() -> None:
    """Its own definition meets it, wherever else it may be bound."""
    facts = Elf(symbols=(definition("f"),), rela=(Reloc("f", GLOB_DAT),)).facts()

    assert (facts.references, facts.undefined) == ((), ())


def test_a_relocation_that_names_no_symbol_of_the_table_is_malformed() -> None:
    """Symbol 4,000,000 of a table that ends with the file."""
    facts = Elf(symbols=(reference("f"),), rela=(Reloc(4_000_000, GLOB_DAT),)).facts()

    assert (facts.defect or "").startswith("malformed")
    assert facts.references == ()


@KINDS
def test_relocations_with_and_without_addends(*, wide: bool, little: bool) -> None:
    """r_info is 32 bits of symbol over 32 of type in one class, 24 over 8 in the other."""
    facts = Elf(
        wide=wide,
        little=little,
        machine=22 if wide else 3,
        symbols=tuple(reference(name) for name in "abc"),
        rel=(Reloc("c", 1),),
        rela=(Reloc("b", 1),),
        jmprel=(Reloc("a", 7),),
    ).facts()

    assert facts.defect is None
    # DT_JMPREL goes with the table of its own kind.
    assert _names(facts.references) == (["c", "b", "a"] if wide else ["c", "a", "b"])


@pytest.mark.parametrize(
    ("case", "names"),
    [
        ("wrong-class", ["PyModule_Create2"]),
        ("wrong-byte-order", ["PyModule_Create2"]),
        ("wrong-machine-abi3", ["PyModule_Create2"]),
    ],
)
def test_references_of_another_machine(shipped: Shipped, case: str, names: list[str]) -> None:
    """i386 (REL), s390x (big-endian) and aarch64 objects of a real linker."""
    member = "mod.so" if case == "wrong-class" else "mod.abi3.so"
    facts = read(shipped(case, member))

    assert (facts.defect, _names(facts.references)) == (None, names)
    assert facts.table.definitions == {"PyInit_mod": (SymbolDef(),)}


# --- relocation types ---------------------------------------------------------


def test_an_unknown_relocation_type_is_a_fact(shipped: Shipped) -> None:
    """The first one that `elf_machine_rela` does not handle, in relocation order."""
    built = Elf(
        symbols=(reference("f"),),
        rela=(Reloc("f", GLOB_DAT), Reloc("f", 0x99), Reloc("f", 0x40)),
        jmprel=(Reloc("f", 0x41),),
    )

    assert read(shipped("unknown-relocation")).unknown_relocation == 0x40
    assert read(shipped("sound")).unknown_relocation is None
    assert built.facts().unknown_relocation == 0x99


def test_the_types_of_another_machine_are_not_judged() -> None:
    """What a relocation means is the machine's; only those of x86-64 are known."""
    facts = Elf(machine=258, symbols=(reference("f"),), rela=(Reloc("f", 0x99),)).facts()

    assert facts.unknown_relocation is None


@pytest.mark.parametrize(
    ("case", "size", "static"),
    [
        ("thread-local-storage", 100_000, False),
        ("static-thread-local-storage-of-1664-bytes", 1664, True),
        ("static-thread-local-storage-of-1700-bytes", 1700, True),
        ("sound", 0, False),
    ],
)
def test_thread_local_storage(shipped: Shipped, case: str, size: int, *, static: bool) -> None:
    """PT_TLS says how much; R_X86_64_TPOFF64 against a symbol of its own says from where."""
    facts = read(shipped(case))

    assert (facts.tls_size, facts.static_tls) == (size, static)


def test_static_storage_of_another_object_is_not_its_own() -> None:
    """TPOFF64 against an undefined symbol draws on the block of whoever defines it."""
    own = Symbol(name="t", section=7, type="tls")
    other = Symbol(name="t", type="tls")

    assert Elf(symbols=(own,), rela=(Reloc("t", TPOFF64),)).facts().static_tls is True
    assert Elf(symbols=(other,), rela=(Reloc("t", TPOFF64),)).facts().static_tls is False
    assert Elf(symbols=(own,), rela=(Reloc("t", DTPMOD64),)).facts().static_tls is False
    assert Elf(rela=(Reloc(0, TPOFF64),)).facts().static_tls is True


def test_size_and_alignment_of_thread_local_storage() -> None:
    """p_memsz and p_align; an empty PT_TLS is none."""
    some, none = Elf(tls=(1664, 64)).facts(), Elf(tls=(0, 64)).facts()

    assert (some.tls_size, some.tls_align) == (1664, 64)
    assert (none.tls_size, none.tls_align) == (0, 0)


# --- definitions --------------------------------------------------------------


@pytest.mark.parametrize(
    ("binding", "found"), [("local", False), ("global", True), ("weak", True), ("unique", True)]
)
def test_a_binding_that_a_lookup_finds(binding: Binding, *, found: bool) -> None:
    """`do_lookup_x` takes STB_GLOBAL, STB_WEAK and STB_GNU_UNIQUE."""
    symbol = Symbol(name="f", section=1, value=64, binding=binding)

    assert ("f" in Elf(symbols=(symbol,)).facts().table.definitions) is found


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("notype", True),
        ("object", True),
        ("func", True),
        ("section", False),
        ("tls", True),
        ("ifunc", True),
    ],
)
def test_a_type_that_a_lookup_finds(kind: Type, *, found: bool) -> None:
    """`check_match`: NOTYPE, OBJECT, FUNC, COMMON, TLS and GNU_IFUNC, nothing else."""
    symbol = Symbol(name="f", section=1, value=64, type=kind)

    assert ("f" in Elf(symbols=(symbol,)).facts().table.definitions) is found


@pytest.mark.parametrize(
    ("visibility", "found"),
    [("default", True), ("protected", True), ("hidden", False), ("internal", False)],
)
def test_a_visibility_that_a_lookup_finds(visibility: Visibility, *, found: bool) -> None:
    """`dl_symbol_visibility_binds_local_p` hides STV_HIDDEN and STV_INTERNAL from others."""
    symbol = Symbol(name="f", section=1, value=64, visibility=visibility)

    assert ("f" in Elf(symbols=(symbol,)).facts().table.definitions) is found


@pytest.mark.parametrize(
    ("section", "value", "kind", "found"),
    [
        (1, 64, "func", True),
        (1, 0, "func", False),
        (SHN_ABS, 0, "object", True),
        (7, 0, "tls", True),
        (SHN_UNDEF, 64, "func", False),
    ],
)
def test_a_value_of_zero_defines_only_what_is_absolute_or_thread_local(
    section: int, value: int, kind: Type, *, found: bool
) -> None:
    """`check_match`: st_value 0 is no definition but for SHN_ABS and STT_TLS."""
    symbol = Symbol(name="f", section=section, value=value, type=kind)

    assert ("f" in Elf(hash="sysv", symbols=(symbol,)).facts().table.definitions) is found


@pytest.mark.parametrize(
    ("case", "member", "found"),
    [
        ("protected-symbol", "libprotected.so.1", True),
        ("indirect-function", "libifunc.so.1", True),
        ("function-found-as-data", "libdata.so.1", True),
        ("hidden-symbol", "liblocal.so.1", False),
    ],
)
def test_definitions_of_a_real_linker(
    shipped: Shipped, case: str, member: str, *, found: bool
) -> None:
    """Protected, indirect, data: found.  Hidden: not even in the table."""
    assert ("f" in read(shipped(case, member)).table.definitions) is found


# --- hash tables --------------------------------------------------------------


@pytest.mark.parametrize(
    ("style", "definitions"),
    [
        ("gnu", {"f": (SymbolDef(),), "g": (SymbolDef(),)}),
        ("sysv", {"f": (SymbolDef(),), "g": (SymbolDef(),)}),
        ("both", {"f": (SymbolDef(),), "g": (SymbolDef(),)}),
        ("none", {}),
    ],
)
@KINDS
def test_only_a_hash_table_says_what_can_be_found(
    style: HashStyle, definitions: dict[str, tuple[SymbolDef, ...]], *, wide: bool, little: bool
) -> None:
    """Either table will do; without one a lookup finds nothing, and references stay."""
    facts = Elf(
        wide=wide,
        little=little,
        machine=62 if wide else 3,
        hash=style,
        symbols=(reference("a"), definition("f"), definition("g")),
        rela=(Reloc("a", 1),),
    ).facts()

    assert facts.table.definitions == definitions
    assert _names(facts.references) == _names(facts.undefined) == ["a"]
    assert facts.defect is None


@pytest.mark.parametrize("case", ["gnu-hash-only", "sysv-hash-only", "both-hash-tables"])
def test_hash_tables_of_a_real_linker(shipped: Shipped, case: str) -> None:
    """The choice of a hash table changes no other fact."""
    extension, library = read(shipped(case)), read(shipped(case, "liby.so.1"))

    assert extension.table.definitions == {"PyInit_mod": (SymbolDef(),)}
    assert set(_names(extension.undefined)) == {"f", "PyModule_Create2"}
    assert library.table.definitions == {"f": (SymbolDef(),)}


@pytest.mark.parametrize("case", ["no-hash-table", "hash-table-without-buckets"])
def test_an_object_without_a_usable_hash_table_defines_nothing(shipped: Shipped, case: str) -> None:
    """Not even its init function is found; what it asks for is another matter."""
    facts = read(shipped(case))

    assert facts.table.definitions == {}
    assert _names(facts.references) == ["PyModule_Create2"]
    assert facts.defect is None


@pytest.mark.parametrize("first", [0, 1, 2, 4, 1000])
def test_an_object_that_exports_nothing(first: int) -> None:
    """GNU ld writes an empty hash table that begins at symbol 1, others at the last.

    No lookup comes so far, so any number is as good; what relocations name is undefined.
    """
    data = Elf(
        symbols=(reference("a"), reference("b"), reference("c")),
        rela=(Reloc("b", GLOB_DAT), Reloc("c", GLOB_DAT)),
    ).build()
    facts = read(elfpatch.table(elfpatch.DT_GNU_HASH, 4, first)(data))

    assert facts.defect is None
    assert _names(facts.references) == ["b", "c"]
    assert _names(facts.undefined) == ["a", "b", "c"]
    assert facts.table.definitions == {}


def test_what_no_relocation_names_is_undefined_up_to_the_hashed_symbols() -> None:
    """Where nothing is hashed, the linker's word for the first such symbol is all there is."""
    facts = Elf(symbols=(reference("a"), reference("b"))).facts()

    assert _names(facts.undefined) == ["a", "b"]


def test_the_gnu_hash_table_is_the_one_that_is_read() -> None:
    """`do_lookup_x` asks for `l_gnu_bitmask` first: DT_HASH may say what it likes beside it."""
    data = Elf(hash="both", symbols=(reference("a"), definition("f"))).build()
    lying = elfpatch.table(elfpatch.DT_HASH, 4, 2)(data)

    assert read(lying).table.definitions == {"f": (SymbolDef(),)}


def test_symbols_before_the_hashed_ones_are_never_found() -> None:
    """`symoffset` of DT_GNU_HASH: what stands before it has no chain."""
    data = Elf(symbols=(definition("f"), definition("g"))).build()
    hashed_from_two = elfpatch.table(elfpatch.DT_GNU_HASH, 4, 2)(data)
    bucket = elfpatch.table(elfpatch.DT_GNU_HASH, 24, 2)(hashed_from_two)
    only_g = elfpatch.table(elfpatch.DT_GNU_HASH, 28, 1)(bucket)

    assert set(read(only_g).table.definitions) == {"g"}


@pytest.mark.parametrize(
    ("offset", "what"), [(0, "nbuckets"), (8, "bloom_size"), (24, "the first bucket")]
)
@pytest.mark.parametrize("count", [0x10000, 0x40000000, 0xFFFFFFFF])
def test_absurd_counts_of_a_gnu_hash_table_are_malformed(
    offset: int, what: str, count: int
) -> None:
    """A table that leaves its segment kills the process, and costs no memory here."""
    data = Elf(symbols=(definition("f"),)).build()
    facts = read(elfpatch.table(elfpatch.DT_GNU_HASH, offset, count)(data))

    assert (facts.defect or "").startswith("malformed"), what
    assert facts.table.definitions == {}


@pytest.mark.parametrize("count", [0x10000, 0xFFFFFFFF])
def test_an_absurd_count_of_a_sysv_hash_table_is_malformed(count: int) -> None:
    """`nchain` is the only count of dynamic symbols there is."""
    data = Elf(hash="sysv", symbols=(definition("f"),)).build()
    facts = read(elfpatch.table(elfpatch.DT_HASH, 4, count)(data))

    assert (facts.defect or "").startswith("malformed")
