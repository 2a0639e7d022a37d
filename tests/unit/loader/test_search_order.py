"""Where a needed library is looked for, and what comes of each place (`_dl_map_object`)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.factories import (
    ENOENT,
    LIBZ,
    a_loader,
    a_profile,
    an_object,
    found,
    load,
    names,
    said,
    target_path,
)

from abicheck.loader._search import split_path
from abicheck.model import Failure, FoundBy, Halt, LinkMap, Trouble


def how(link_map: LinkMap, name: str) -> tuple[str | None, FoundBy | None]:
    """The file that came for `name`, relative to /var/task, and how it was found."""
    (provider, by) = next((p, b) for n, p, b in found(link_map) if n == name)
    return None if provider is None else provider.removeprefix("/var/task/"), by


# --- the order of places ---


def test_rpath_is_searched_before_ld_library_path() -> None:
    link_map = load(
        an_object("mod.so", needed=["liby.so"], rpath="$ORIGIN/libs"),
        an_object("libs/liby.so"),
        an_object("liby.so"),
    )

    assert how(link_map, "liby.so") == ("libs/liby.so", FoundBy.RPATH)


def test_runpath_is_searched_after_ld_library_path() -> None:
    link_map = load(
        an_object("mod.so", needed=["liby.so"], runpath="$ORIGIN/libs"),
        an_object("libs/liby.so"),
        an_object("liby.so"),
    )

    assert how(link_map, "liby.so") == ("liby.so", FoundBy.LIBRARY_PATH)


def test_runpath_is_searched_where_ld_library_path_has_nothing() -> None:
    link_map = load(
        an_object("mod.so", needed=["liby.so"], runpath="$ORIGIN/libs"),
        an_object("libs/liby.so"),
    )

    assert how(link_map, "liby.so") == ("libs/liby.so", FoundBy.RUNPATH)


def test_the_default_directories_are_searched_last() -> None:
    link_map = load(
        an_object("mod.so", needed=["libz.so.1"]),
        profile=replace(a_profile(), library_path=()),
    )

    assert how(link_map, "libz.so.1") == ("/lib64/libz.so.1", FoundBy.DEFAULT_PATH)


def test_the_system_copy_beats_a_vendored_one_found_by_runpath() -> None:
    link_map = load(
        an_object("mod.so", needed=["libz.so.1"], runpath="$ORIGIN"),
        an_object("libz.so.1"),
    )

    assert how(link_map, "libz.so.1") == ("/lib64/libz.so.1", FoundBy.LIBRARY_PATH)


def test_a_vendored_copy_found_by_rpath_beats_the_system_one() -> None:
    link_map = load(
        an_object("mod.so", needed=["libz.so.1"], rpath="$ORIGIN"),
        an_object("libz.so.1"),
    )

    assert how(link_map, "libz.so.1") == ("libz.so.1", FoundBy.RPATH)


def test_directories_of_a_path_are_tried_from_left_to_right() -> None:
    link_map = load(
        an_object("mod.so", needed=["liby.so"], rpath="$ORIGIN/b:$ORIGIN/a"),
        an_object("a/liby.so"),
        an_object("b/liby.so"),
    )

    assert how(link_map, "liby.so") == ("b/liby.so", FoundBy.RPATH)


def test_hwcaps_folders_come_before_the_directory_itself() -> None:
    link_map = load(
        an_object("mod.so", needed=["liby.so"], rpath="$ORIGIN"),
        an_object("liby.so"),
        an_object("x86_64/liby.so"),
        an_object("glibc-hwcaps/x86-64-v3/liby.so"),
    )

    assert how(link_map, "liby.so") == ("glibc-hwcaps/x86-64-v3/liby.so", FoundBy.RPATH)


def test_a_hwcaps_folder_of_a_better_processor_is_not_looked_into() -> None:
    link_map = load(
        an_object("mod.so", needed=["liby.so"], rpath="$ORIGIN"),
        an_object("glibc-hwcaps/x86-64-v4/liby.so"),
    )

    assert said(link_map) == f"liby.so: {ENOENT}"


def test_a_library_in_no_folder_that_is_searched_is_missing() -> None:
    link_map = load(an_object("mod.so", needed=["liby.so"]), an_object("elsewhere/liby.so"))

    assert how(link_map, "liby.so") == (None, None)
    assert said(link_map) == f"liby.so: {ENOENT}"


# --- RPATH is inherited, RUNPATH is not ---


def test_the_rpath_of_a_parent_serves_its_dependencies() -> None:
    link_map = load(
        an_object("mod.so", needed=["libmid.so"], rpath="$ORIGIN/libs"),
        an_object("libs/libmid.so", needed=["libleaf.so"]),
        an_object("libs/libleaf.so"),
    )

    assert how(link_map, "libleaf.so") == ("libs/libleaf.so", FoundBy.RPATH)


def test_the_rpath_of_a_grandparent_serves_too() -> None:
    link_map = load(
        an_object("mod.so", needed=["liba.so"], rpath="$ORIGIN/libs"),
        an_object("libs/liba.so", needed=["libb.so"]),
        an_object("libs/libb.so", needed=["libleaf.so"]),
        an_object("libs/libleaf.so"),
    )

    assert how(link_map, "libleaf.so") == ("libs/libleaf.so", FoundBy.RPATH)


def test_the_runpath_of_a_parent_does_not_serve_its_dependencies() -> None:
    link_map = load(
        an_object("mod.so", needed=["libmid.so"], runpath="$ORIGIN/libs"),
        an_object("libs/libmid.so", needed=["libleaf.so"]),
        an_object("libs/libleaf.so"),
    )

    assert said(link_map) == f"libleaf.so: {ENOENT}"


def test_a_runpath_makes_the_rpath_of_the_same_object_void() -> None:
    link_map = load(
        an_object("mod.so", needed=["liby.so"], rpath="$ORIGIN/libs", runpath="$ORIGIN/no"),
        an_object("libs/liby.so"),
    )

    assert said(link_map) == f"liby.so: {ENOENT}"


def test_a_runpath_shuts_out_every_rpath_above_it() -> None:
    link_map = load(
        an_object("mod.so", needed=["libmid.so"], rpath="$ORIGIN/libs"),
        an_object("libs/libmid.so", needed=["libleaf.so"], runpath="$ORIGIN/no"),
        an_object("libs/libleaf.so"),
    )

    assert said(link_map) == f"libleaf.so: {ENOENT}"


def test_an_object_with_a_runpath_on_the_way_up_is_passed_over() -> None:
    """Its own RPATH is void, and the one above it still serves."""
    link_map = load(
        an_object("mod.so", needed=["liba.so"], rpath="$ORIGIN/libs"),
        an_object("libs/liba.so", needed=["libb.so"], rpath="$ORIGIN/x", runpath="$ORIGIN"),
        an_object("libs/libb.so", needed=["libleaf.so"]),
        an_object("libs/x/libleaf.so"),
        an_object("libs/libleaf.so"),
    )

    assert how(link_map, "libleaf.so") == ("libs/libleaf.so", FoundBy.RPATH)


def test_the_nearest_rpath_is_searched_first() -> None:
    link_map = load(
        an_object("mod.so", needed=["libmid.so"], rpath="$ORIGIN/libs"),
        an_object("libs/libmid.so", needed=["libleaf.so"], rpath="$ORIGIN/own"),
        an_object("libs/own/libleaf.so"),
        an_object("libs/libleaf.so"),
    )

    assert how(link_map, "libleaf.so") == ("libs/own/libleaf.so", FoundBy.RPATH)


def test_an_empty_runpath_is_no_place_but_makes_the_rpath_void() -> None:
    link_map = load(
        an_object("mod.so", needed=["liby.so"], rpath="$ORIGIN/libs", runpath=""),
        an_object("libs/liby.so"),
    )

    assert said(link_map) == f"liby.so: {ENOENT}"


# --- what is in the process already ---


def test_a_library_of_the_start_up_is_never_searched_for() -> None:
    """A vendored libc.so.6 is not even looked at."""
    link_map = load(
        an_object("mod.so", needed=["libc.so.6"], rpath="$ORIGIN"),
        an_object("libc.so.6"),
    )

    assert how(link_map, "libc.so.6") == ("/lib64/libc.so.6", FoundBy.ALREADY_LOADED)


def test_a_name_that_was_asked_for_before_is_not_searched_again() -> None:
    link_map = load(
        an_object("mod.so", needed=["liba.so", "liby.so"], rpath="$ORIGIN/libs"),
        an_object("libs/liba.so", needed=["liby.so"], runpath="$ORIGIN/other"),
        an_object("libs/liby.so"),
        an_object("libs/other/liby.so"),
    )

    assert found(link_map)[-1] == ("liby.so", target_path("libs/liby.so"), FoundBy.ALREADY_LOADED)


def test_a_soname_that_is_loaded_under_another_file_name_is_taken() -> None:
    link_map = load(
        an_object("mod.so", needed=["liby-1.2.so", "liby.so.1"], rpath="$ORIGIN"),
        an_object("liby-1.2.so", soname="liby.so.1"),
        an_object("liby.so.1"),
    )

    assert how(link_map, "liby.so.1") == ("liby-1.2.so", FoundBy.ALREADY_LOADED)
    assert names(link_map) == ["mod.so", "liby-1.2.so"]


def test_a_soname_nobody_has_loaded_is_only_a_file_name() -> None:
    link_map = load(
        an_object("mod.so", needed=["liby.so.1"], rpath="$ORIGIN"),
        an_object("liby-1.2.so", soname="liby.so.1"),
    )

    assert said(link_map) == f"liby.so.1: {ENOENT}"


def test_two_names_of_one_file_are_one_object() -> None:
    """The loader compares inodes, so a link is the same library."""
    link_map = load(
        an_object("mod.so", needed=["liby.so", "liby.so.1"], rpath="$ORIGIN"),
        an_object("liby.so.1.2"),
        links={"liby.so": "liby.so.1.2", "liby.so.1": "liby.so.1.2"},
    )

    assert names(link_map) == ["mod.so", "liby.so.1.2"]
    assert said(link_map) is None


def test_what_was_opened_before_serves_by_its_soname() -> None:
    loader = a_loader(
        an_object("pkg/_second.so", needed=["liby.so.1"]),
        an_object("pkg/.libs/liby-0a1b2c3d.so.1", soname="liby.so.1"),
    )

    alone = loader.open(target_path("pkg/_second.so"))
    after = loader.open(
        target_path("pkg/_second.so"), [target_path("pkg/.libs/liby-0a1b2c3d.so.1")]
    )

    assert said(alone) == f"liby.so.1: {ENOENT}"
    assert said(after) is None


def test_what_failed_to_open_before_serves_nobody() -> None:
    loader = a_loader(
        an_object("second.so", needed=["liby.so.1"]),
        an_object("elsewhere/liby.so", soname="liby.so.1", needed=["libgone.so"]),
    )

    after = loader.open(target_path("second.so"), [target_path("elsewhere/liby.so")])

    assert said(after) == f"liby.so.1: {ENOENT}"


# --- names ---


def test_a_name_with_a_slash_is_a_path_and_not_searched() -> None:
    link_map = load(
        an_object("mod.so", needed=["/opt/abs/liby.so"], rpath="$ORIGIN"),
        an_object("liby.so"),
    )

    assert said(link_map) == f"/opt/abs/liby.so: {ENOENT}"


def test_a_relative_path_starts_at_the_working_directory() -> None:
    link_map = load(an_object("pkg/mod.so", needed=["libs/liby.so"]), an_object("libs/liby.so"))

    assert found(link_map) == [("libs/liby.so", target_path("libs/liby.so"), FoundBy.PATH)]


def test_the_origin_may_stand_in_dt_needed_itself() -> None:
    link_map = load(
        an_object("pkg/mod.so", needed=["$ORIGIN/../libs/liby.so"]), an_object("libs/liby.so")
    )

    assert said(link_map) is None


@pytest.mark.parametrize(
    ("run_path", "folder"),
    [
        ("$ORIGIN/libs", "pkg/libs"),
        ("${ORIGIN}/libs", "pkg/libs"),
        ("$ORIGIN/../pkg.libs", "pkg.libs"),
        ("/var/task/$LIB", "lib64"),
        ("/var/task/${LIB}", "lib64"),
        ("/var/task/$PLATFORM", "x86_64"),
        ("/var/task/libs///", "libs"),
        ("libs", "libs"),
        ("", None),
        (":", ""),
        ("$ORIGIN/none:", ""),
        ("$ORIGINAL", None),
        ("$ORIGIN_", None),
        ("{ORIGIN}/libs", None),
        ("ORIGIN/libs", None),
        ("${ORIGIN/libs", None),
        ("$UNKNOWN/libs", None),
    ],
)
def test_a_run_path_leads_to(run_path: str, folder: str | None) -> None:
    """Tokens as `_dl_dst_substitute` reads them; an empty element is the working directory."""
    places = ("pkg/libs", "pkg.libs", "pkg", "lib64", "x86_64", "libs", "")
    things = [an_object(f"{place}/liby.so".lstrip("/")) for place in places]
    profile = replace(a_profile(), library_path=(), hwcaps=())

    link_map = load(
        an_object("pkg/mod.so", needed=["liby.so"], rpath=run_path), *things, profile=profile
    )

    expected = None if folder is None else f"{folder}/liby.so".lstrip("/")
    assert how(link_map, "liby.so")[0] == expected


def test_the_origin_is_the_folder_by_which_the_object_was_opened() -> None:
    """`l_origin` comes from the name, not from the file behind a link."""
    loader = a_loader(
        an_object("real/mod.so", needed=["liby.so"], rpath="$ORIGIN"),
        an_object("real/liby.so"),
        links={"linked/mod.so": "../real/mod.so"},
    )

    assert said(loader.open(target_path("real/mod.so"))) is None
    assert said(loader.open(target_path("linked/mod.so"))) == f"liby.so: {ENOENT}"


# --- breadth first, each object once ---


def test_the_search_list_is_breadth_first() -> None:
    link_map = load(
        an_object("mod.so", needed=["liba.so", "libb.so"], rpath="$ORIGIN"),
        an_object("liba.so", needed=["libdeep.so"]),
        an_object("libb.so", needed=["libwide.so"]),
        an_object("libdeep.so"),
        an_object("libwide.so"),
    )

    assert names(link_map) == ["mod.so", "liba.so", "libb.so", "libdeep.so", "libwide.so"]


def test_an_object_needed_twice_is_listed_once() -> None:
    link_map = load(
        an_object("mod.so", needed=["liby.so", "liby.so", "libx.so"], rpath="$ORIGIN"),
        an_object("libx.so", needed=["liby.so"]),
        an_object("liby.so"),
    )

    assert names(link_map) == ["mod.so", "liby.so", "libx.so"]


def test_a_circle_of_needs_ends() -> None:
    link_map = load(
        an_object("mod.so", needed=["liba.so"], rpath="$ORIGIN"),
        an_object("liba.so", needed=["libb.so"]),
        an_object("libb.so", needed=["liba.so", "libb.so"]),
    )

    assert names(link_map) == ["mod.so", "liba.so", "libb.so"]
    assert said(link_map) is None


def test_the_needs_of_the_root_are_asked_for_before_those_of_its_dependencies() -> None:
    link_map = load(
        an_object("mod.so", needed=["liba.so", "libgone.so"], rpath="$ORIGIN"),
        an_object("liba.so", needed=["libgone-deeper.so"]),
    )

    assert said(link_map) == f"libgone.so: {ENOENT}"


def test_every_missing_library_is_named_although_the_first_ends_the_load() -> None:
    link_map = load(
        an_object("mod.so", needed=["liba.so", "libgone.so"], rpath="$ORIGIN"),
        an_object("liba.so", needed=["libgone-deeper.so"]),
    )

    missing = [d.name for d in link_map.dependencies if d.provider is None]
    assert missing == ["libgone.so", "libgone-deeper.so"]


def test_libraries_of_the_target_bring_what_they_need() -> None:
    link_map = load(an_object("mod.so", needed=["libz.so.1"]))

    assert names(link_map) == ["mod.so", "libz.so.1", "libc.so.6", "ld-linux-x86-64.so.2"]


# --- opening by name ---


def test_a_file_that_is_not_there_cannot_be_opened() -> None:
    link_map = a_loader().open("/var/task/mod.so")

    assert said(link_map) == f"/var/task/mod.so: {ENOENT}"
    assert isinstance(link_map.halt, Halt)
    assert link_map.halt.trouble is Trouble.FILE


def test_opening_a_file_twice_gives_the_same_answer() -> None:
    loader = a_loader(an_object("mod.so", needed=["libgone.so"]))

    assert loader.open("/var/task/mod.so") is loader.open("/var/task/mod.so")


def test_a_library_of_the_target_is_reached_by_either_name_of_its_folder() -> None:
    link_map = load(an_object("mod.so", needed=["/usr/lib64/libz.so.1"]))

    assert found(link_map)[0] == (
        "/usr/lib64/libz.so.1",
        str(LIBZ.path),
        FoundBy.PATH,
    )


@pytest.mark.parametrize(
    ("entry", "folder", "oldest"),
    [
        ("$ORIGIN/x", "/var/task/x/", True),
        ("$ORIGIN", "/var/task/", True),
        ("${ORIGIN}-x", "/var/task-x/", True),
        ("$ORIGIN-x", "/var/task-x/", False),
        ("$ORIGIN.x", "/var/task.x/", False),
    ],
)
def test_in_2_26_a_token_without_braces_is_a_whole_path_element(
    entry: str, folder: str, *, oldest: bool
) -> None:
    """From 2.27 on it is the longest identifier."""
    answers = [split_path(entry, "/var/task", a_profile(libc=libc)) for libc in ((2, 26), (2, 27))]

    assert answers == [(folder if oldest else f"{entry}/",), (folder,)]


@pytest.mark.parametrize("libc", [(2, 26), (2, 42)])
def test_a_longer_identifier_is_no_token(libc: tuple[int, int]) -> None:
    assert split_path("$ORIGINx", "/var/task", a_profile(libc=libc)) == ("$ORIGINx/",)


# --- a process that has opened others before ---


def test_what_came_with_an_earlier_one_is_there_for_all_that_follow() -> None:
    """As robotpy's packages open their libraries one after the other, each by its own path."""
    loader = a_loader(
        an_object("mod.so", needed=["libmiddle.so"]),
        an_object("a/liblowest.so", soname="liblowest.so"),
        an_object("b/libmiddle.so", soname="libmiddle.so", needed=["liblowest.so"]),
    )
    before = [target_path("a/liblowest.so"), target_path("b/libmiddle.so")]

    assert loader.open(target_path("mod.so"), before).loads
    assert not loader.open(target_path("mod.so"), before[1:]).loads


# --- dlopen of a name ---


@pytest.mark.parametrize(
    ("name", "expected"),
    [("libz.so.1", "/lib64/libz.so.1"), ("liby.so", "/var/task/lib/liby.so")],
)
def test_a_name_without_a_slash_is_searched_for(name: str, expected: str) -> None:
    assert a_loader(an_object("lib/liby.so")).search(name) == expected


def test_a_name_that_leads_nowhere_gives_the_words_of_the_loader() -> None:
    failure = a_loader(an_object("elsewhere/liby.so")).search("liby.so")

    assert isinstance(failure, Failure)
    assert failure.message == f"liby.so: {ENOENT}"


def test_a_name_may_be_that_of_an_object_which_has_been_opened() -> None:
    loader = a_loader(an_object("elsewhere/liby.so", soname="liby.so.1"))
    path = target_path("elsewhere/liby.so")

    assert loader.search("liby.so.1", [path]) == path


@pytest.mark.parametrize(
    ("beginning", "expected"),
    [("libz.", True), ("liby.", True), ("libx.", False), ("liba.", False)],
)
def test_libraries_lie_in_the_folders_that_are_searched(
    beginning: str,
    expected: bool,  # noqa: FBT001 - a parameter
) -> None:
    loader = a_loader(an_object("lib/liby.so.3"), an_object("elsewhere/libx.so"))

    assert loader.has_library(beginning) is expected
