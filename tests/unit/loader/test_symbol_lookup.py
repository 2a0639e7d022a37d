"""Which definition a reference is bound to, or why to none (`do_lookup_x`, `check_match`)."""

from __future__ import annotations

import pytest
from tests.factories import (
    a_library,
    a_loader,
    a_profile,
    an_object,
    load,
    ref,
    said,
    target_path,
)

from abicheck.loader._messages import provider_without_versions
from abicheck.model import Binding, LinkMap, Outcome, SymbolRef, Trouble

UNVERSIONED_KILLS = (
    "Inconsistency detected by ld.so: dl-lookup.c: 105: check_match: Assertion "
    "`version->filename == NULL || ! _dl_name_match_p (version->filename, map)' failed!"
)


def against(
    reference: str | SymbolRef, *definitions: str, versioned: bool | None = None
) -> LinkMap:
    """Open an extension that refers to a symbol, with a library that has these definitions."""
    return load(
        an_object("mod.so", needed=["liby.so"], rpath="$ORIGIN", refers=[reference]),
        an_object("liby.so", *definitions, versioned=versioned),
    )


def outcomes(link_map: LinkMap) -> list[tuple[str, Outcome]]:
    return [(str(binding.ref), binding.outcome) for binding in link_map.bindings]


# --- check_match ---


@pytest.mark.parametrize(
    ("reference", "definitions", "bound"),
    [
        ("f@V_1", ["f@@V_1"], True),
        ("f@V_1", ["f@V_1"], True),
        ("f@V_1", ["f@@V_2", "f@V_1"], True),
        ("f@V_1", ["f@@V_2", "g@@V_1"], False),
        ("f@V_1", ["f", "g@@V_1"], True),
        ("f@V_1", ["f"], True),
        ("f", ["f"], True),
        ("f", ["f@@V_1"], True),
        ("f", ["f@V_1"], True),
        ("f", ["g@@V_1", "f@V_2"], False),
        ("f", ["g@@V_1", "f@@V_2"], True),
        ("f", ["g@@V_1", "f@V_2", "f@@V_3"], True),
        ("f", ["g"], False),
        ("f@V_1", ["g@@V_1"], False),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_a_reference_is_met_by_these_definitions(
    reference: str, definitions: list[str], *, bound: bool
) -> None:
    """A hidden version serves who asks for it by name.

    An unversioned reference takes a default version, or a hidden one of the
    first node (index 2).
    """
    assert (said(against(reference, *definitions)) is None) is bound


def test_a_library_with_versym_and_no_definitions_of_versions_accepts_any_version() -> None:
    """It needs versions itself, so it has DT_VERSYM, and its own symbols have none."""
    assert said(against(ref("f@V_1", "liby.so"), "f", versioned=True)) is None


def test_a_versioned_reference_into_a_library_without_versions_kills_the_process() -> None:
    link_map = against(ref("f@V_1", "liby.so"), "f")

    assert said(link_map) == "exit 127"
    assert link_map.halt is not None
    assert link_map.halt.trouble is Trouble.UNVERSIONED_PROVIDER
    assert link_map.halt.failure.stderr == UNVERSIONED_KILLS


def test_a_weak_reference_is_no_protection_against_that() -> None:
    assert said(against(ref("f@V_1", "liby.so", weak=True), "f")) == "exit 127"


def test_a_version_expected_of_another_library_is_met_by_any_that_has_the_name() -> None:
    """`vn_file` is compared only to find a broken library, never to choose one."""
    assert said(against(ref("f@V_1", "libother.so"), "f")) is None


@pytest.mark.parametrize(
    ("libc", "line"),
    [
        ((2, 26), 127),
        ((2, 27), 110),
        ((2, 28), 111),
        ((2, 31), 111),
        ((2, 32), 105),
        ((2, 34), 105),
        ((2, 35), 106),
        ((2, 36), 107),
        ((2, 38), 107),
        ((2, 39), 106),
        ((2, 40), 106),
    ],
)
def test_the_assertion_stands_at_another_line_in_other_releases(
    libc: tuple[int, int], line: int
) -> None:
    assert provider_without_versions(libc) == UNVERSIONED_KILLS.replace("105", str(line))


def test_no_line_is_said_of_a_release_that_was_not_read() -> None:
    assert provider_without_versions((2, 25)) is None
    assert provider_without_versions((2, 43)) is None


def test_a_library_without_versions_is_accepted_from_2_41_on() -> None:
    link_map = load(
        an_object("mod.so", needed=["liby.so"], rpath="$ORIGIN", refers=[ref("f@V_1", "liby.so")]),
        an_object("liby.so", "f"),
        profile=a_profile(libc=(2, 41)),
    )

    assert said(link_map) is None


# --- where a versioned symbol may come from ---


def moved(reference: SymbolRef, libc: tuple[int, int], *library: str) -> str | None:
    """Refer to a symbol of liby that libother, behind it, has."""
    return said(
        load(
            an_object(
                "mod.so", needed=["liby.so", "libother.so"], rpath="$ORIGIN", refers=[reference]
            ),
            an_object("liby.so", *library),
            an_object("libother.so", "f@@V_1"),
            profile=a_profile(libc=libc),
        )
    )


NOT_IN_ITS_FILE = "version V_1 not defined in file liby.so with link time reference"


def test_up_to_2_29_a_versioned_symbol_must_be_in_the_file_that_the_reference_names() -> None:
    reference = ref("f@V_1", "liby.so")

    answers = [moved(reference, libc, "g@@V_1") for libc in ((2, 26), (2, 27), (2, 29), (2, 30))]

    assert answers == [
        f"/var/task/mod.so: symbol f, {NOT_IN_ITS_FILE}",
        f"/var/task/mod.so: symbol f {NOT_IN_ITS_FILE}",
        f"/var/task/mod.so: symbol f {NOT_IN_ITS_FILE}",
        None,
    ]


@pytest.mark.parametrize(
    ("reference", "library"),
    [
        (ref("f@V_1", "liby.so", weak=True), ["g@@V_1"]),
        (ref("f@V_1", "liby.so"), ["f@@V_2"]),
    ],
    ids=["weak", "of another version"],
)
def test_nor_is_a_weak_reference_or_another_version_a_way_around_it(
    reference: SymbolRef, library: list[str]
) -> None:
    assert moved(reference, (2, 29), *library) == f"/var/task/mod.so: symbol f {NOT_IN_ITS_FILE}"


@pytest.mark.parametrize(
    ("reference", "library"),
    [
        (ref("f"), ["g@@V_1"]),
        (ref("f@V_1", "libother.so"), ["g@@V_1"]),
        (ref("f@V_1", "liby.so"), ["f@V_1"]),
        (ref("f@V_1", "liby.so"), []),
    ],
    ids=["without a version", "of another file", "found there", "an empty hash table"],
)
def test_these_references_are_met_by_a_later_library_all_the_same(
    reference: SymbolRef, library: list[str]
) -> None:
    assert moved(reference, (2, 29), *library) is None


def test_a_start_up_library_that_lacks_the_symbol_ends_the_search_as_well() -> None:
    """GLIBC_2.14 is there, memmove under it is not; no local library is asked."""
    link_map = load(
        an_object(
            "mod.so",
            needed=["libc.so.6", "liby.so"],
            rpath="$ORIGIN",
            refers=[ref("memmove@GLIBC_2.14", "libc.so.6")],
        ),
        an_object("liby.so", "memmove"),
        profile=a_profile(libc=(2, 28)),
    )

    assert said(link_map) == (
        "/var/task/mod.so: symbol memmove version GLIBC_2.14 not defined in file libc.so.6 "
        "with link time reference"
    )


# --- outcomes ---


def test_a_strong_reference_that_nothing_meets_ends_the_load() -> None:
    link_map = against("gone", "f")

    assert said(link_map) == "/var/task/mod.so: undefined symbol: gone"
    assert outcomes(link_map) == [("gone", Outcome.NO_SYMBOL)]


def test_a_versioned_one_is_called_with_its_version() -> None:
    link_map = against("gone@V_1", "f@@V_1")

    assert said(link_map) == "/var/task/mod.so: undefined symbol: gone, version V_1"
    assert outcomes(link_map) == [("gone@V_1", Outcome.NO_SYMBOL)]


def test_a_version_that_no_library_in_scope_has_is_an_outcome_of_its_own() -> None:
    assert outcomes(against("f@V_9", "f@@V_1")) == [("f@V_9", Outcome.NO_VERSION)]


def test_a_weak_reference_may_stay_unbound() -> None:
    link_map = against(ref("gone", weak=True), "f")

    assert said(link_map) is None
    assert outcomes(link_map) == []


def test_a_missing_library_explains_its_symbols() -> None:
    link_map = load(an_object("mod.so", needed=["libgone.so"], refers=["f", "g"]))

    assert outcomes(link_map) == [("f", Outcome.NO_LIBRARY), ("g", Outcome.NO_LIBRARY)]
    assert link_map.halt is not None
    assert link_map.halt.trouble is Trouble.LIBRARY


def test_references_are_looked_up_in_the_order_of_the_relocations() -> None:
    link_map = load(an_object("mod.so", refers=["second_by_name", "a_first_by_name"]))

    assert said(link_map) == "/var/task/mod.so: undefined symbol: second_by_name"


def test_every_unbound_reference_is_named_although_the_first_ends_the_load() -> None:
    link_map = load(an_object("mod.so", refers=["b", "a"]))

    assert outcomes(link_map) == [("b", Outcome.NO_SYMBOL), ("a", Outcome.NO_SYMBOL)]


def test_references_that_are_met_are_counted() -> None:
    link_map = load(
        an_object("mod.so", refers=["PyLong_FromLong", "memcpy@GLIBC_2.14", "own"], versioned=True),
    )

    assert (link_map.bound, len(link_map.bindings)) == (2, 1)


# --- scope ---


def test_the_interpreter_and_its_libraries_come_first() -> None:
    """They are the global scope, so a vendored `printf` is never bound to."""
    link_map = load(
        an_object("mod.so", needed=["liby.so"], rpath="$ORIGIN", refers=[ref("printf", "liby.so")]),
        an_object("liby.so", "printf"),
    )

    assert said(link_map) is None
    assert link_map.bound == 1


def test_a_library_may_ask_the_object_that_needs_it() -> None:
    link_map = load(
        an_object("mod.so", "of_the_parent", needed=["liby.so"], rpath="$ORIGIN"),
        an_object("liby.so", refers=["of_the_parent"]),
    )

    assert said(link_map) is None


def test_a_symbol_of_a_dependency_of_a_dependency_is_in_scope() -> None:
    link_map = load(
        an_object("mod.so", needed=["liba.so"], rpath="$ORIGIN", refers=["deep"]),
        an_object("liba.so", needed=["libb.so"]),
        an_object("libb.so", "deep"),
    )

    assert said(link_map) is None


def test_what_was_opened_locally_before_is_not_in_scope() -> None:
    """CPython opens extensions with RTLD_LOCAL."""
    loader = a_loader(an_object("first.so", "shared"), an_object("second.so", refers=["shared"]))

    link_map = loader.open(target_path("second.so"), [target_path("first.so")])

    assert said(link_map) == "/var/task/second.so: undefined symbol: shared"


def test_two_roots_that_share_a_library_each_have_their_own_scope() -> None:
    """What one root has settled for the library does not hold for another that lacks the provider."""
    loader = a_loader(
        an_object("good.so", "needed_of_root", needed=["liby.so"], rpath="$ORIGIN"),
        an_object("bad.so", needed=["liby.so"], rpath="$ORIGIN"),
        an_object("liby.so", refers=["needed_of_root"]),
    )

    assert said(loader.open(target_path("good.so"))) is None
    assert said(loader.open(target_path("bad.so"))) == (
        "/var/task/liby.so: undefined symbol: needed_of_root"
    )
    assert said(loader.open(target_path("good.so"))) is None


# --- what is not known for certain ---


def test_what_a_stand_in_lacks_is_in_doubt() -> None:
    profile = a_profile(a_library("libstandin.so.1", "has@@V_1", complete=False))

    link_map = load(
        an_object("mod.so", needed=["libstandin.so.1"], refers=["lacks@V_1"], versioned=True),
        profile=profile,
    )

    assert link_map.bindings == (
        Binding(link_map.root, ref("lacks@V_1"), Outcome.NO_SYMBOL, doubt="libstandin.so.1"),
    )
    assert not link_map.certain


def test_what_a_stand_in_has_is_bound_and_counted() -> None:
    """The count says how much of an answer rests on another build of the same release."""
    profile = a_profile(a_library("libstandin.so.1", "has@@V_1", complete=False))

    link_map = load(
        an_object("mod.so", needed=["libstandin.so.1"], refers=["has@V_1"], versioned=True),
        profile=profile,
    )

    assert said(link_map) is None
    assert (link_map.bound, link_map.assumed) == (1, 1)


def test_a_library_of_which_no_symbol_is_known_is_taken_to_have_them() -> None:
    """That it is there is known, and so are its version nodes; the count says what was assumed."""
    profile = a_profile(a_library("libdark.so.1", complete=False))

    link_map = load(
        an_object("mod.so", needed=["libdark.so.1"], refers=["anything"]), profile=profile
    )

    assert said(link_map) is None
    assert (link_map.bound, link_map.assumed) == (1, 1)


@pytest.mark.parametrize("name", ["PyNumber_Long", "_PyLong_New"])
def test_no_library_is_taken_to_have_the_c_api(name: str) -> None:
    profile = a_profile(a_library("libdark.so.1", complete=False))

    link_map = load(an_object("mod.so", needed=["libdark.so.1"], refers=[name]), profile=profile)

    assert said(link_map) == f"/var/task/mod.so: undefined symbol: {name}"


def test_a_stand_in_without_the_version_node_does_not_have_the_symbol() -> None:
    """Nodes stay hard: only a name under a node that is there can be in doubt."""
    profile = a_profile(a_library("libstandin.so.1", "has@@V_1", complete=False))

    link_map = load(
        an_object("mod.so", needed=["libstandin.so.1"], refers=["lacks@V_9"], versioned=True),
        profile=profile,
    )

    assert outcomes(link_map) == [("lacks@V_9", Outcome.NO_VERSION)]
    assert link_map.certain
