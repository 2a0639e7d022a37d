"""What is checked when new objects are relocated: order, processor, TLS, packed relocations."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.factories import a_loader, a_profile, an_object, load, said, target_path, with_header

from abicheck.loader import TlsBlock, static_tls_room
from abicheck.loader._sort import initialisation_order
from abicheck.loader._tls import take_static_tls
from abicheck.model import ElfFacts, Trouble

OLDEST, OLD, NEW = (2, 31), (2, 34), (2, 35)


class Map:
    """An object with its direct dependencies, as the sorting sees it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.dependencies: list[Map] = []


def order(needs: dict[str, str], libc: tuple[int, int], old: str = "") -> str:
    """Sort objects with one-letter names; the keys of `needs` are the search list.

    Those in `old` were there before.
    """
    maps = {name: Map(name) for name in needs}
    for name, wanted in needs.items():
        maps[name].dependencies = [maps[other] for other in wanted]
    search_list = list(maps.values())
    new = [entry for entry in search_list if entry.name not in old]
    return "".join(entry.name for entry in initialisation_order(search_list, new, libc))


# --- the order of three eras ---


@pytest.mark.parametrize("libc", [OLDEST, OLD, NEW])
@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        ({"r": ""}, "r"),
        ({"r": "a", "a": ""}, "ra"),
        ({"r": "ab", "a": "", "b": ""}, "rab"),
        ({"r": "ab", "a": "", "b": "a"}, "rba"),
        ({"r": "abc", "a": "b", "b": "c", "c": ""}, "rabc"),
        ({"r": "abc", "a": "", "b": "a", "c": "b"}, "rcba"),
    ],
)
def test_every_object_stands_before_what_it_needs(
    needs: dict[str, str], expected: str, libc: tuple[int, int]
) -> None:
    """The list is walked backwards, so that dependencies are relocated first."""
    assert order(needs, libc) == expected


@pytest.mark.parametrize(
    ("needs", "oldest", "old", "new"),
    [
        # What nobody needs stays where the breadth-first walk has put it.
        ({"r": "abc", "a": "", "b": "a", "c": ""}, "rbac", "rbac", "rbac"),
        ({"r": "abcd", "a": "d", "b": "", "c": "a", "d": ""}, "rbcad", "rbcad", "rbcad"),
        # A circle: the quadratic sort counts its rounds, the depth-first one cuts the last edge.
        ({"r": "ab", "a": "b", "b": "a"}, "rab", "rab", "rba"),
        # A circle through the root: up to 2.31 the root is sorted like the others.
        ({"r": "a", "a": "br", "b": "r"}, "rab", "rab", "rab"),
        ({"r": "ab", "a": "", "b": "r"}, "rba", "rab", "rab"),
        ({"r": "a", "a": "rb", "b": "a"}, "rba", "rab", "rba"),
    ],
)
def test_the_order_of_the_three_sorts(
    needs: dict[str, str], oldest: str, old: str, new: str
) -> None:
    assert [order(needs, libc) for libc in (OLDEST, OLD, NEW)] == [oldest, old, new]


def test_what_was_there_before_is_not_sorted_again_up_to_2_31() -> None:
    needs = {"r": "zab", "z": "", "a": "", "b": "a"}

    assert [order(needs, libc, old="z") for libc in (OLDEST, OLD)] == ["rba", "rzba"]


@pytest.mark.parametrize("libc", [OLD, NEW])
def test_the_root_stays_first_even_if_its_dependencies_need_it(libc: tuple[int, int]) -> None:
    assert order({"r": "a", "a": "r"}, libc) == "ra"


@pytest.mark.parametrize("libc", [OLDEST, OLD, NEW])
def test_a_circle_is_sorted_in_finite_time_and_completely(libc: tuple[int, int]) -> None:
    needs = {"r": "abcde", "a": "b", "b": "c", "c": "d", "d": "e", "e": "a"}

    assert sorted(order(needs, libc)) == sorted(needs)


def test_symbols_of_a_dependency_are_bound_before_those_of_the_root() -> None:
    link_map = load(
        an_object("mod.so", needed=["liby.so"], rpath="$ORIGIN", refers=["gone_from_root"]),
        an_object("liby.so", refers=["gone_from_dependency"]),
    )

    assert said(link_map) == "/var/task/liby.so: undefined symbol: gone_from_dependency"


def test_a_circle_is_relocated_in_another_order_by_another_release() -> None:
    things = (
        an_object("mod.so", needed=["liba.so", "libb.so"], rpath="$ORIGIN"),
        an_object("liba.so", needed=["libb.so"], refers=["gone_a"]),
        an_object("libb.so", needed=["liba.so"], refers=["gone_b"]),
    )

    answers = [said(load(*things, profile=a_profile(libc=libc))) for libc in (OLD, NEW)]

    assert answers == [
        "/var/task/libb.so: undefined symbol: gone_b",
        "/var/task/liba.so: undefined symbol: gone_a",
    ]


# --- the processor ---

ISA = "CPU ISA level is lower than required"


@pytest.mark.parametrize(
    ("needed", "loads"),
    [
        (0, True),
        (0b1, True),
        (0b11, True),
        (0b100, True),
        (0b111, True),
        (0b1000, False),
        (0b1111, False),
        (0x8000, False),
    ],
)
def test_every_bit_of_the_isa_note_must_be_the_processor_s(needed: int, *, loads: bool) -> None:
    """The target guarantees x86-64-v3: baseline, v2 and v3 are bits 1, 2 and 4."""
    link_map = load(replace(an_object("mod.so"), isa_needed=needed))

    assert said(link_map) == (None if loads else f"/var/task/mod.so: {ISA}")


def test_the_processor_of_a_dependency_counts_as_well() -> None:
    link_map = load(
        an_object("mod.so", needed=["liby.so"], rpath="$ORIGIN"),
        replace(an_object("liby.so"), isa_needed=8),
    )

    assert said(link_map) == f"/var/task/liby.so: {ISA}"


def test_the_processor_is_checked_after_versions_and_before_symbols() -> None:
    version = replace(
        an_object("mod.so", needed=["libc.so.6"], needs=["libc.so.6(GLIBC_2.38)"]), isa_needed=8
    )
    symbol = replace(an_object("mod.so", refers=["gone"]), isa_needed=8)

    halts = [load(version).halt, load(symbol).halt]

    assert [halt and halt.trouble for halt in halts] == [Trouble.VERSION, Trouble.ISA]


def test_no_release_before_2_33_reads_the_isa_note() -> None:
    thing = replace(an_object("mod.so"), isa_needed=8)

    assert said(load(thing, profile=a_profile(libc=(2, 32)))) is None


def test_the_isa_note_is_one_of_x86() -> None:
    thing = replace(with_header(an_object("mod.so"), machine=183), isa_needed=8)

    assert said(load(thing, profile=replace(a_profile(), machine="aarch64"))) is None


# --- static thread-local storage ---

TLS = "cannot allocate memory in static TLS block"


def with_tls(facts: ElfFacts, size: int, *, static: bool = True) -> ElfFacts:
    return replace(facts, tls_size=size, tls_align=8, static_tls=static)


@pytest.mark.parametrize(("size", "loads"), [(0, True), (1664, True), (1665, False)])
def test_static_tls_comes_out_of_a_reserve(size: int, *, loads: bool) -> None:
    link_map = load(with_tls(an_object("mod.so"), size))

    assert said(link_map) == (None if loads else f"/var/task/mod.so: {TLS}")


def test_general_dynamic_tls_has_no_limit() -> None:
    assert said(load(with_tls(an_object("mod.so"), 1 << 20, static=False))) is None


def test_the_objects_of_one_load_share_the_reserve() -> None:
    link_map = load(
        with_tls(an_object("mod.so", needed=["liby.so"], rpath="$ORIGIN"), 1000),
        with_tls(an_object("liby.so"), 1000),
    )

    assert said(link_map) == f"/var/task/mod.so: {TLS}"


def test_alignment_eats_of_the_reserve() -> None:
    """Each block goes to the lowest place that fits its alignment, counted from the end."""
    y = with_tls(an_object("liby.so"), 100)
    mod = with_tls(an_object("mod.so", needed=["liby.so"], rpath="$ORIGIN"), 1536)

    answers = [said(load(mod, replace(y, tls_align=align))) for align in (8, 64)]

    assert answers == [None, None]
    assert said(load(with_tls(mod, 1537), replace(y, tls_align=64))) == f"/var/task/mod.so: {TLS}"


def test_a_block_of_larger_alignment_than_the_whole_area_never_fits() -> None:
    thing = replace(with_tls(an_object("mod.so"), 8), tls_align=128)

    assert said(load(thing)) == f"/var/task/mod.so: {TLS}"


def test_what_was_opened_before_has_its_share_of_the_reserve() -> None:
    loader = a_loader(with_tls(an_object("mod.so"), 1000), with_tls(an_object("first.so"), 1000))

    assert said(loader.open("/var/task/mod.so")) is None
    assert said(loader.open("/var/task/mod.so", ["/var/task/first.so"])) == (
        f"/var/task/mod.so: {TLS}"
    )


# What was measured with blocks of every size: bullseye, bookworm and trixie, CPython in the executable.
@pytest.mark.parametrize(
    ("libc", "machine", "startup", "room"),
    [
        ((2, 31), "x86_64", [(144, 8)], 1712),
        ((2, 36), "x86_64", [(144, 8)], 1712),
        ((2, 41), "x86_64", [(25, 8), (136, 8)], 1696),
        ((2, 40), "x86_64", [(25, 8), (136, 8)], 1688),
        ((2, 34), "x86_64", [(128, 8)], 1664),
        ((2, 34), "x86_64", [(0, 1), (1, 128)], 1664),
        ((2, 34), "aarch64", [(144, 8)], 1664),
        ((2, 34), "aarch64", [(140, 8)], 1668),
        ((2, 35), "aarch64", [(140, 8)], 1668),
        ((2, 41), "aarch64", [(140, 8)], 1664),
    ],
)
def test_what_start_up_leaves_of_static_tls(
    libc: tuple[int, int], machine: str, startup: list[tuple[int, int]], room: int
) -> None:
    """A surplus of 1,664 bytes, and what rounding up the whole area adds."""
    blocks = [TlsBlock(size, align) for size, align in startup]

    assert static_tls_room(libc, machine, blocks) == room


@pytest.mark.parametrize(
    ("machine", "room", "block", "left"),
    [
        ("x86_64", 1712, TlsBlock(1712, 8), 0),
        ("x86_64", 1712, TlsBlock(1713, 1), None),
        ("x86_64", 1712, TlsBlock(1000, 64), 704),
        ("x86_64", 1712, TlsBlock(8, 16, first=8), 1704),
        ("aarch64", 1664, TlsBlock(1664, 16), 0),
        ("aarch64", 1668, TlsBlock(1664, 16), 0),
        ("aarch64", 1668, TlsBlock(1665, 16), None),
        ("aarch64", 100, TlsBlock(10, 8), 86),
    ],
)
def test_one_block_takes_of_the_room(
    machine: str, room: int, block: TlsBlock, left: int | None
) -> None:
    assert take_static_tls((2, 34), machine, room, block) == left


# --- packed relative relocations ---


def with_relr(*needs: str) -> ElfFacts:
    module = an_object("mod.so", "PyInit_mod", needed=["libc.so.6"], needs=needs)
    return replace(module, relr=True)


def test_packed_relocations_are_skipped_by_a_glibc_that_does_not_know_them() -> None:
    """Nothing is said of it, and the first pointer that was not relocated kills the process."""
    loader = a_loader(with_relr("libc.so.6(GLIBC_2.2.5)"))

    link_map, halt = loader.open_extension(target_path("mod.so"), "mod")

    assert said(link_map) is None  # nothing of it has run yet
    assert halt is not None
    assert (halt.trouble, halt.failure.crash) == (Trouble.RELR, "SIGSEGV")


def test_initialisers_that_were_not_relocated_kill_the_process_that_opens_them() -> None:
    link_map = load(replace(with_relr("libc.so.6(GLIBC_2.2.5)"), initialisers=True))

    assert said(link_map) == "SIGSEGV"


# --- a hash table that leads nowhere ---


def test_a_broken_hash_table_kills_who_looks_a_symbol_up_in_it() -> None:
    broken = replace(
        an_object("mod.so", needed=["libc.so.6"], refers=["PyModule_Create2"]), unsearchable=True
    )
    loader = a_loader(broken)

    link_map, halt = loader.open_extension(target_path("mod.so"), "mod")

    assert said(link_map) is None  # the interpreter came first, and had it
    assert halt is not None
    assert halt.failure.crash == "SIGSEGV"


def test_a_reference_that_start_up_does_not_meet_comes_to_the_broken_table() -> None:
    broken = replace(an_object("mod.so", refers=["nobody_has_it"]), unsearchable=True)

    assert said(load(broken)) == "SIGSEGV"


def test_the_marker_version_makes_it_say_so() -> None:
    link_map = load(with_relr("libc.so.6(GLIBC_ABI_DT_RELR)"))

    assert said(link_map) == (
        "/lib64/libc.so.6: version `GLIBC_ABI_DT_RELR' not found (required by /var/task/mod.so)"
    )


def test_a_glibc_that_knows_them_insists_on_the_marker() -> None:
    profile = a_profile(libc=(2, 36))

    assert said(load(with_relr("libc.so.6(GLIBC_2.2.5)"), profile=profile)) == (
        "/var/task/mod.so: DT_RELR without GLIBC_ABI_DT_RELR dependency"
    )


def test_it_insists_where_the_versions_are_another_library_s() -> None:
    """What counts is DT_NEEDED of libc and any version need (`_dl_check_map_versions`)."""
    thing = replace(
        an_object("mod.so", needed=["libc.so.6", "libm.so.6"], needs=["libm.so.6(GLIBC_2.2.5)"]),
        relr=True,
    )

    assert said(load(thing, profile=a_profile(libc=(2, 36)))) == (
        "/var/task/mod.so: DT_RELR without GLIBC_ABI_DT_RELR dependency"
    )


@pytest.mark.parametrize("needed", [[], ["libc.so.6"], ["libm.so.6"]])
def test_it_does_not_where_libc_or_every_version_need_is_missing(needed: list[str]) -> None:
    thing = replace(an_object("mod.so", needed=needed), relr=True)

    assert said(load(thing, profile=a_profile(libc=(2, 36)))) is None


def test_it_insists_before_any_processor_and_any_symbol() -> None:
    thing = replace(with_relr("libc.so.6(GLIBC_2.2.5)"), isa_needed=8)

    halt = load(thing, profile=a_profile(libc=(2, 36))).halt

    assert halt is not None
    assert halt.trouble is Trouble.RELR


def test_a_missing_symbol_is_said_before_a_skipped_relocation_kills() -> None:
    """Every object is relocated before any of its code runs."""
    mod = replace(an_object("mod.so", needed=["liby.so"], rpath="$ORIGIN", refers=["gone"]))
    liby = replace(an_object("liby.so"), relr=True)

    assert said(load(mod, liby)) == "/var/task/mod.so: undefined symbol: gone"


# --- relocation types ---


@pytest.mark.parametrize(
    ("number", "text"), [(0x40, "0x40"), (0x5, "0x05"), (0x646F6D, "0x00646f6d")]
)
def test_a_relocation_of_an_unknown_type_ends_the_load(number: int, text: str) -> None:
    """Types of one byte have two digits, others eight (`_dl_reloc_bad_type`)."""
    link_map = load(replace(an_object("mod.so"), unknown_relocation=number))

    assert said(link_map) == f"/var/task/mod.so: unexpected reloc type {text}"
