"""Version needs, object by object and before any symbol (`_dl_check_map_versions`)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.factories import (
    ENOENT,
    a_library,
    a_profile,
    an_object,
    load,
    need,
    said,
    table,
)

from abicheck.model import LinkMap, Outcome, RecentNeed, Trouble

NO_FILE_KILLS = (
    "Inconsistency detected by ld.so: dl-version.c: 205: _dl_check_map_versions: "
    "Assertion `needed != NULL' failed!"
)


def trouble(link_map: LinkMap) -> Trouble | None:
    return None if link_map.halt is None else link_map.halt.trouble


def needing(*needs: str) -> LinkMap:
    """Open an extension that needs libc and these versions."""
    return load(an_object("mod.so", needed=["libc.so.6"], needs=needs))


def test_a_version_that_the_library_defines_is_met() -> None:
    assert said(needing("libc.so.6(GLIBC_2.34)")) is None


def test_a_version_that_it_does_not_define_ends_the_load() -> None:
    assert said(needing("libc.so.6(GLIBC_2.38)")) == (
        "/lib64/libc.so.6: version `GLIBC_2.38' not found (required by /var/task/mod.so)"
    )


def test_the_first_need_in_the_order_of_the_table_is_the_one_that_is_seen() -> None:
    link_map = needing("libc.so.6(GLIBC_2.38)", "libc.so.6(GLIBC_2.35)")

    assert said(link_map) == (
        "/lib64/libc.so.6: version `GLIBC_2.38' not found (required by /var/task/mod.so)"
    )
    assert [unmet.need.version for unmet in link_map.unmet_versions] == ["GLIBC_2.38", "GLIBC_2.35"]


def test_a_weak_need_may_stay_unmet() -> None:
    link_map = load(
        an_object("mod.so", needed=["libc.so.6"], needs=[need("libc.so.6(GLIBC_2.38)", weak=True)])
    )

    assert said(link_map) is None
    assert link_map.unmet_versions == ()


def test_a_library_that_defines_no_version_meets_every_need() -> None:
    """`match_symbol` speaks of it only in verbose mode."""
    link_map = load(
        an_object("mod.so", needed=["liby.so"], rpath="$ORIGIN", needs=["liby.so(V_1)"]),
        an_object("liby.so", "f"),
    )

    assert said(link_map) is None


def test_the_library_is_called_as_it_was_opened() -> None:
    link_map = load(
        an_object("mod.so", needed=["liby.so"], rpath="$ORIGIN/libs", needs=["liby.so(V_2)"]),
        an_object("libs/liby.so", "f@@V_1"),
    )

    assert said(link_map) == (
        "/var/task/libs/liby.so: version `V_2' not found (required by /var/task/mod.so)"
    )


# --- the order of failures ---


def test_a_missing_library_is_reported_before_a_missing_version() -> None:
    link_map = load(
        an_object("mod.so", needed=["libc.so.6", "libgone.so"], needs=["libc.so.6(GLIBC_2.38)"])
    )

    assert said(link_map) == f"libgone.so: {ENOENT}"


def test_a_missing_version_is_reported_before_a_missing_symbol() -> None:
    link_map = load(
        an_object("mod.so", needed=["libc.so.6"], needs=["libc.so.6(GLIBC_2.38)"], refers=["gone"])
    )

    assert trouble(link_map) is Trouble.VERSION


def test_versions_of_the_root_are_checked_before_symbols_of_its_dependencies() -> None:
    """Symbols are bound from the leaves up; versions are checked from the root down, and first."""
    link_map = load(
        an_object("mod.so", needed=["liby.so"], rpath="$ORIGIN", needs=["libc.so.6(GLIBC_2.38)"]),
        an_object("liby.so", refers=["gone"]),
    )

    assert trouble(link_map) is Trouble.VERSION


def test_versions_are_checked_in_the_order_of_the_search_list() -> None:
    link_map = load(
        an_object("mod.so", needed=["liba.so", "libb.so"], rpath="$ORIGIN"),
        an_object("liba.so", needs=["libc.so.6(GLIBC_2.35)"]),
        an_object("libb.so", needs=["libc.so.6(GLIBC_2.36)"]),
    )

    assert said(link_map) == (
        "/lib64/libc.so.6: version `GLIBC_2.35' not found (required by /var/task/liba.so)"
    )


def test_a_symbol_of_a_version_that_is_not_there_has_that_outcome() -> None:
    """One fault: the missing version explains its symbols."""
    link_map = load(
        an_object(
            "mod.so",
            needed=["libc.so.6"],
            needs=["libc.so.6(GLIBC_2.38)"],
            refers=["strtol@GLIBC_2.38"],
        )
    )

    assert [binding.outcome for binding in link_map.bindings] == [Outcome.NO_VERSION]


# --- what kills the process ---


def test_a_version_of_a_file_that_nothing_loaded_is_called_kills_the_process() -> None:
    link_map = load(an_object("mod.so", needs=["libgone.so.1(V_1)"]))

    assert said(link_map) == "exit 127"
    assert trouble(link_map) is Trouble.VERSION_FILE
    assert link_map.halt is not None
    assert link_map.halt.failure.stderr == NO_FILE_KILLS


@pytest.mark.parametrize(
    ("libc", "line"),
    [((2, 26), 224), ((2, 27), 205), ((2, 34), 205), ((2, 35), 204), ((2, 42), 204)],
)
def test_the_assertion_stands_at_another_line_in_other_releases(
    libc: tuple[int, int], line: int
) -> None:
    link_map = load(an_object("mod.so", needs=["libgone.so.1(V_1)"]), profile=a_profile(libc=libc))

    assert link_map.halt is not None
    assert link_map.halt.failure.stderr == NO_FILE_KILLS.replace("205", str(line))


def test_a_weak_need_is_no_protection_against_that() -> None:
    link_map = load(an_object("mod.so", needs=[need("libgone.so.1(V_1)", weak=True)]))

    assert said(link_map) == "exit 127"


def test_a_version_of_a_library_of_the_process_needs_no_dt_needed() -> None:
    assert said(load(an_object("mod.so", needs=["libc.so.6(GLIBC_2.34)"]))) is None


def test_a_library_is_called_by_the_names_it_was_asked_for_and_not_by_its_soname() -> None:
    """`_dl_name_match_p` knows the path and the names in DT_NEEDED."""
    link_map = load(
        an_object("mod.so", needed=["libs/liby.so"], needs=["liby.so.1(V_1)"]),
        an_object("libs/liby.so", "f@@V_1", soname="liby.so.1"),
    )

    assert said(link_map) == "exit 127"


def test_a_missing_library_comes_before_the_assertion_about_it() -> None:
    link_map = load(an_object("mod.so", needed=["libgone.so.1"], needs=["libgone.so.1(V_1)"]))

    assert said(link_map) == f"libgone.so.1: {ENOENT}"


def test_versions_without_dt_versym_are_a_null_pointer() -> None:
    facts = an_object("mod.so", needs=["libc.so.6(GLIBC_2.34)"])

    link_map = load(replace(facts, table=table(versioned=False)))

    assert said(link_map) == "SIGSEGV"


# --- what only newer releases of the target have ---


def test_a_version_that_came_with_a_newer_release_is_met_and_dated() -> None:
    profile = a_profile(a_library("libcxx.so.6", "f@@CXX_2", introduced={"CXX_2": "2025-04-01"}))

    link_map = load(
        an_object("mod.so", needed=["libcxx.so.6"], needs=["libcxx.so.6(CXX_2)"]), profile=profile
    )

    assert said(link_map) is None
    assert link_map.recent == (RecentNeed(link_map.root, need("libcxx.so.6(CXX_2)"), "2025-04-01"),)


def test_a_weak_need_of_it_is_not_worth_a_word() -> None:
    profile = a_profile(a_library("libcxx.so.6", "f@@CXX_2", introduced={"CXX_2": "2025-04-01"}))

    link_map = load(
        an_object("mod.so", needed=["libcxx.so.6"], needs=[need("libcxx.so.6(CXX_2)", weak=True)]),
        profile=profile,
    )

    assert link_map.recent == ()
