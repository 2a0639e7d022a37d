"""Whether one file can be opened at all (`open_verify`, `_dl_map_object_from_fd`)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.factories import (
    ENOENT,
    HEADER,
    Thing,
    a_foreign_file,
    a_loader,
    a_profile,
    a_segment,
    an_object,
    load,
    location,
    said,
    target_path,
    with_header,
)

from abicheck.model import ElfFacts, Foreign

SOUND = an_object("mod.so")
OTHER_MACHINE = with_header(SOUND, machine=183)
OTHER_CLASS = with_header(SOUND, ei_class=1)
EXECUTABLE = with_header(SOUND, type=2)
NEWER_KERNEL = replace(SOUND, kernel=(6, 1, 0))
DATA = "cannot read file data"
NOT_ELF = "invalid ELF header"
SHORT = "file too short"
OSABI = "ELF file OS ABI invalid"
ABIVERSION = "ELF file ABI version invalid"


@pytest.mark.parametrize(
    ("thing", "text"),
    [
        (SOUND, None),
        (a_foreign_file("mod.so", Foreign.MACH_O), NOT_ELF),
        (a_foreign_file("mod.so", Foreign.TEXT), NOT_ELF),
        (a_foreign_file("mod.so", Foreign.TEXT, 63), SHORT),
        (a_foreign_file("mod.so", Foreign.TEXT, 64), NOT_ELF),
        (a_foreign_file("mod.so", Foreign.EMPTY, 0), SHORT),
        (a_foreign_file("mod.so", Foreign.ELF_TRUNCATED, 40), SHORT),
        (ElfFacts(location("mod.so"), 20, None, defect=SHORT), SHORT),
        (replace(SOUND, defect=DATA), DATA),
        (OTHER_CLASS, "wrong ELF class: ELFCLASS32"),
        (with_header(SOUND, ei_data=2), "ELF file data encoding not little-endian"),
        (with_header(SOUND, ei_version=2), "ELF file version ident does not match current one"),
        (with_header(SOUND, osabi=3), None),
        (with_header(SOUND, osabi=9), OSABI),
        (with_header(SOUND, abiversion=1), ABIVERSION),
        (with_header(SOUND, osabi=3, abiversion=1), None),
        (with_header(SOUND, osabi=3, abiversion=200), ABIVERSION),
        (with_header(SOUND, padding=b"\0\0\1\0\0\0\0"), "nonzero padding in e_ident"),
        (with_header(SOUND, version=2), "ELF file version does not match current one"),
        (OTHER_MACHINE, ENOENT),
        (with_header(SOUND, type=1), "only ET_DYN and ET_EXEC can be loaded"),
        (EXECUTABLE, "cannot dynamically load executable"),
        (with_header(SOUND, phentsize=32), "ELF file's phentsize not the expected size"),
        (NEWER_KERNEL, ENOENT),
        (replace(SOUND, kernel=(5, 10, 0)), None),
        (replace(SOUND, kernel=(2, 6, 32), kernel_os=1), ENOENT),
        (replace(SOUND, segments=()), "object file has no loadable segments"),
        (replace(SOUND, dynamic=False), "object file has no dynamic section"),
        (
            replace(SOUND, flags_1=0x08000000),
            "cannot dynamically load position-independent executable",
        ),
        (replace(SOUND, flags_1=0x40), "shared object cannot be dlopen()ed"),
        (
            replace(SOUND, segments=(replace(a_segment(), memsz=1 << 47),)),
            "failed to map segment from shared object",
        ),
    ],
)
def test_a_file_that_is_opened_by_name_gets_this_answer(thing: Thing, text: str | None) -> None:
    assert said(load(thing)) == (None if text is None else f"/var/task/mod.so: {text}")


@pytest.mark.parametrize(
    ("thing", "signal"),
    [
        (replace(SOUND, beyond_end=True), "SIGBUS"),
        (replace(SOUND, defect="malformed: a table leads nowhere"), "SIGSEGV"),
    ],
)
def test_a_file_that_ends_too_soon_or_lies_kills_the_process(thing: Thing, signal: str) -> None:
    assert said(load(thing)) == signal


def test_the_machine_is_looked_at_before_the_segments() -> None:
    """An aarch64 file that is cut off is passed over and never mapped."""
    assert said(load(replace(OTHER_MACHINE, beyond_end=True))) == f"/var/task/mod.so: {ENOENT}"


def test_the_class_is_looked_at_before_the_byte_order() -> None:
    thing = with_header(OTHER_CLASS, ei_data=2)

    assert said(load(thing)) == "/var/task/mod.so: wrong ELF class: ELFCLASS32"


# --- what searching does with the same files ---


def first_of_two(first: Thing) -> str | None:
    """Search for a library of which `first` is the copy that is found first."""
    return said(
        load(
            an_object("mod.so", needed=["liby.so"], rpath="$ORIGIN/first:$ORIGIN/second"),
            replace(first, location=location("first/liby.so")),
            an_object("second/liby.so"),
        )
    )


@pytest.mark.parametrize("thing", [OTHER_MACHINE, OTHER_CLASS, NEWER_KERNEL])
def test_a_search_passes_over_files_for_another_system(thing: Thing) -> None:
    assert first_of_two(thing) is None


@pytest.mark.parametrize(
    ("thing", "text"),
    [
        (a_foreign_file("x.so", Foreign.LINKER_SCRIPT), NOT_ELF),
        (a_foreign_file("x.so", Foreign.LINKER_SCRIPT, 30), SHORT),
        (replace(SOUND, defect=DATA), DATA),
        (with_header(SOUND, osabi=9), OSABI),
        (EXECUTABLE, "cannot dynamically load executable"),
    ],
)
def test_any_other_defect_of_the_first_candidate_ends_the_search(thing: Thing, text: str) -> None:
    assert first_of_two(thing) == f"/var/task/first/liby.so: {text}"


def test_a_candidate_that_is_cut_off_kills_the_process() -> None:
    assert first_of_two(replace(SOUND, beyond_end=True)) == "SIGBUS"


@pytest.mark.parametrize(
    ("thing", "text"), [(OTHER_MACHINE, ENOENT), (OTHER_CLASS, "wrong ELF class: ELFCLASS32")]
)
def test_where_all_were_passed_over_the_message_is_about_the_name(thing: Thing, text: str) -> None:
    link_map = load(
        an_object("mod.so", needed=["liby.so"], rpath="$ORIGIN"),
        replace(thing, location=location("liby.so")),
    )

    assert said(link_map) == f"liby.so: {text}"


def test_what_was_passed_over_is_remembered() -> None:
    link_map = load(
        an_object("mod.so", needed=["liby.so"], rpath="$ORIGIN/libs"),
        replace(OTHER_MACHINE, location=location("libs/liby.so")),
    )

    assert [str(path) for path in link_map.dependencies[0].skipped] == ["/var/task/libs/liby.so"]


def test_a_folder_of_the_name_is_opened_and_cannot_be_read() -> None:
    loader = a_loader(
        an_object("mod.so", needed=["liby.so"], rpath="$ORIGIN/first:$ORIGIN/second"),
        an_object("second/liby.so"),
        folders=["first/liby.so"],
    )

    assert said(loader.open("/var/task/mod.so")) == (
        "/var/task/first/liby.so: cannot read file data: Is a directory"
    )


# --- permissions ---


def test_a_file_that_others_may_not_read_is_refused() -> None:
    loader = a_loader(SOUND, modes={"mod.so": 0o640})

    assert said(loader.open("/var/task/mod.so")) == (
        "/var/task/mod.so: cannot open shared object file: Permission denied"
    )


def test_a_folder_that_others_may_not_search_hides_what_is_in_it() -> None:
    loader = a_loader(an_object("pkg/mod.so"), folders=["pkg"], modes={"pkg": 0o750})

    assert said(loader.open("/var/task/pkg/mod.so")) == (
        "/var/task/pkg/mod.so: cannot open shared object file: Permission denied"
    )


@pytest.mark.parametrize("mode", [0o644, 0o444, 0o604])
def test_modes_that_let_others_read_are_enough(mode: int) -> None:
    assert said(a_loader(SOUND, modes={"mod.so": mode}).open("/var/task/mod.so")) is None


def test_a_search_passes_over_what_may_not_be_read() -> None:
    loader = a_loader(
        an_object("mod.so", needed=["liby.so"], rpath="$ORIGIN/first:$ORIGIN/second"),
        an_object("first/liby.so"),
        an_object("second/liby.so"),
        modes={"first/liby.so": 0o600},
    )

    assert said(loader.open("/var/task/mod.so")) is None


# --- what depends on the release of glibc ---

OLD, NEW = (2, 34), (2, 35)
NOT_PAGE = "ELF load command alignment not page-aligned"
NOT_PROPER = "ELF load command address/offset not properly aligned"
NOT_CONGRUENT = "ELF load command address/offset not page-aligned"


@pytest.mark.parametrize(
    ("align", "vaddr", "old", "new"),
    [
        (0x1000, 0x1000, None, None),
        (0x1, 0x1000, NOT_PAGE, None),
        (0x200, 0x1000, NOT_PAGE, None),
        (0x1800, 0x1000, NOT_PAGE, None),
        (0x0, 0x1000, NOT_PROPER, None),
        (0x0, 0x0, None, None),
        (0x4000, 0x1000, NOT_PROPER, None),
        (0x3000, 0x1000, None, None),
        (0x3000, 0x2000, NOT_PROPER, None),
        (0x10000, 0x10000, None, None),
        (0x1000, 0x1010, NOT_PROPER, NOT_CONGRUENT),
        (0x200, 0x1010, NOT_PAGE, NOT_CONGRUENT),
    ],
)
def test_alignment_is_judged_in_two_ways(
    align: int, vaddr: int, old: str | None, new: str | None
) -> None:
    """Up to 2.34 p_align counts; from 2.35 on only address and offset modulo the page."""
    thing = replace(SOUND, segments=(a_segment(), a_segment(align=align, vaddr=vaddr)))
    answers = [said(load(thing, profile=a_profile(libc=libc))) for libc in (OLD, NEW)]

    assert answers == [text and f"/var/task/mod.so: {text}" for text in (old, new)]


@pytest.mark.parametrize(
    ("exec_stack", "libc", "loads"),
    [
        (True, (2, 34), True),
        (True, (2, 40), True),
        (True, (2, 41), False),
        (None, (2, 40), True),
        (None, (2, 41), False),
        (False, (2, 41), True),
    ],
)
def test_an_executable_stack_is_refused_from_2_41_on(
    *, exec_stack: bool | None, libc: tuple[int, int], loads: bool
) -> None:
    """On x86_64 an object that does not say (no PT_GNU_STACK) asks for one."""
    link_map = load(replace(SOUND, exec_stack=exec_stack), profile=a_profile(libc=libc))

    text = "cannot enable executable stack as shared object requires: Invalid argument"
    assert said(link_map) == (None if loads else f"/var/task/mod.so: {text}")


def test_a_position_independent_executable_was_let_in_before_2_30() -> None:
    thing = replace(SOUND, flags_1=0x08000000)

    assert said(load(thing, profile=a_profile(libc=(2, 28)))) is None


def test_a_header_of_another_machine_is_sound_where_that_machine_is_the_target() -> None:
    profile = replace(a_profile(), machine="aarch64")

    assert said(load(OTHER_MACHINE, profile=profile)) is None
    assert said(load(SOUND, profile=profile)) == f"/var/task/mod.so: {ENOENT}"
    assert HEADER.machine == 62


def test_the_answer_names_the_file_by_the_path_it_was_opened_by() -> None:
    loader = a_loader(
        replace(SOUND, location=location("real.so"), segments=()),
        links={"link.so": "real.so"},
    )

    assert said(loader.open(target_path("link.so"))) == (
        "/var/task/link.so: object file has no loadable segments"
    )
