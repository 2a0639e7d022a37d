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

from abicheck.model import ElfFacts, Foreign, Segment

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


def answers(thing: ElfFacts, *releases: tuple[int, int]) -> list[str | None]:
    """What each release says of a file that is opened by name, without the name."""
    texts = [said(load(thing, profile=a_profile(libc=libc))) for libc in releases]
    return [text and text.removeprefix("/var/task/mod.so: ") for text in texts]


NO_DYNAMIC = "object file has no dynamic section"
CANNOT_MAP = "failed to map segment from shared object"
EXECUTABLE_REFUSED = "cannot dynamically load executable"
EMPTY_DYNAMIC = Segment(2, 6, 0, 0, 0, 0x800, 8)


def test_a_position_independent_executable_was_let_in_before_2_28() -> None:
    thing = replace(SOUND, flags_1=0x08000000)

    assert answers(thing, (2, 27), (2, 28)) == [
        None,
        "cannot dynamically load position-independent executable",
    ]


def test_the_abi_tag_is_not_read_from_2_36_on() -> None:
    assert answers(NEWER_KERNEL, (2, 35), (2, 36)) == [ENOENT, None]


@pytest.mark.parametrize(
    ("machine", "libc", "greatest"),
    [
        ("x86_64", (2, 27), 2),
        ("x86_64", (2, 28), 3),
        ("x86_64", (2, 42), 3),
        ("aarch64", (2, 27), 1),
        ("aarch64", (2, 28), 2),
    ],
)
def test_each_release_knows_its_abi_versions(
    machine: str, libc: tuple[int, int], greatest: int
) -> None:
    """LIBC_ABI_MAX: unique symbols, then IFUNC, which aarch64 leaves out, then absolute ones."""
    profile = replace(a_profile(libc=libc), machine=machine)
    number = {"x86_64": 62, "aarch64": 183}[machine]
    things = [
        with_header(SOUND, machine=number, osabi=3, abiversion=version)
        for version in (greatest, greatest + 1)
    ]

    assert [said(load(thing, profile=profile)) for thing in things] == [
        None,
        f"/var/task/mod.so: {ABIVERSION}",
    ]


def test_an_executable_is_refused_before_or_after_its_segments_are_looked_at() -> None:
    thing = replace(EXECUTABLE, segments=(a_segment(vaddr=16),))

    assert answers(thing, (2, 30), (2, 31)) == [EXECUTABLE_REFUSED, NOT_PROPER]


def test_a_missing_dynamic_section_is_noticed_after_or_before_mapping() -> None:
    huge = replace(SOUND, dynamic=False, segments=(replace(a_segment(), memsz=1 << 47),))

    assert answers(huge, (2, 32), (2, 33)) == [CANNOT_MAP, NO_DYNAMIC]


def test_one_empty_dynamic_section_is_as_bad_as_none_from_2_33_on() -> None:
    """Files of objcopy --only-keep-debug have one; before, another PT_DYNAMIC would do."""
    thing = replace(SOUND, segments=(a_segment(), EMPTY_DYNAMIC))

    assert answers(thing, (2, 32), (2, 33)) == [None, NO_DYNAMIC]


def test_a_debug_file_kills_2_26() -> None:
    """Its only PT_DYNAMIC is empty, and its memory is all zeroes."""
    thing = replace(SOUND, dynamic=False, segments=(a_segment(), EMPTY_DYNAMIC))

    assert answers(thing, (2, 26), (2, 27), (2, 36)) == ["SIGSEGV", NO_DYNAMIC, NO_DYNAMIC]


def test_a_dynamic_section_that_is_not_there_is_noticed_before_the_end_of_the_file() -> None:
    """Mapping touches nothing; reading the dynamic section is what would be a SIGBUS."""
    thing = replace(SOUND, dynamic=False, beyond_end=True)

    assert answers(thing, (2, 31), (2, 34)) == [NO_DYNAMIC, NO_DYNAMIC]


@pytest.mark.parametrize(
    ("align", "new"),
    [(1 << 45, None), (1 << 46, CANNOT_MAP), (1 << 63, CANNOT_MAP), ((1 << 46) + 0x1000, None)],
)
def test_room_for_the_largest_alignment_is_needed_from_2_35_on(align: int, new: str | None) -> None:
    """Twice the alignment is mapped; what is no power of two does not count."""
    thing = replace(SOUND, segments=(a_segment(align=align),))

    assert answers(thing, (2, 35)) == [new]


def test_segments_with_a_gap_must_be_in_order_from_2_35_on() -> None:
    long = replace(a_segment(), filesz=0x3000, memsz=0x3000)
    thing = replace(SOUND, segments=(long, a_segment(vaddr=0x5000), a_segment(vaddr=0x1000)))

    assert answers(thing, (2, 34), (2, 35)) == ["cannot change memory protections", NOT_CONGRUENT]


def test_segments_of_which_the_last_ends_before_the_first_begins_are_refused() -> None:
    """The length of the whole is then below zero, which is more than there is room for."""
    thing = replace(SOUND, segments=(a_segment(vaddr=0x3000, offset=0x3000), a_segment()))

    assert answers(thing, (2, 34), (2, 35)) == ["failed to map segment from shared object"] * 2


def test_zeroes_that_no_memory_can_hold_are_refused() -> None:
    thing = replace(SOUND, segments=(replace(a_segment(), memsz=1 << 46), a_segment(vaddr=0x1000)))

    assert answers(thing, (2, 34)) == ["cannot map zero-fill pages"]


@pytest.mark.parametrize(
    ("os", "text"),
    [
        ("Amazon Linux 2023", "ELF file data encoding not little-endian"),
        ("Debian GNU/Linux 12 (bookworm)", ENOENT),
        ("Ubuntu 24.04", ENOENT),
    ],
)
def test_debian_looks_at_the_machine_before_the_byte_order(os: str, text: str) -> None:
    """A patch of Debian's passes a big-endian machine over; another machine's number is enough."""
    profile = replace(a_profile(), os=os)
    foreign, own = (with_header(SOUND, ei_data=2, machine=m) for m in (22, 0x3E00))

    assert said(load(foreign, profile=profile)) == f"/var/task/mod.so: {text}"
    assert said(load(own, profile=profile)) == (
        "/var/task/mod.so: ELF file data encoding not little-endian"
    )


@pytest.mark.parametrize(
    ("broken", "libc", "name", "text"),
    [
        (with_header(SOUND, ei_version=2), (2, 34), "/var/task/", None),
        (replace(SOUND, dynamic=False), (2, 34), "", NO_DYNAMIC),
        (replace(SOUND, segments=(a_segment(vaddr=16),)), (2, 34), "", NOT_PROPER),
        (EXECUTABLE, (2, 30), "/var/task/", EXECUTABLE_REFUSED),
        (EXECUTABLE, (2, 31), "", EXECUTABLE_REFUSED),
    ],
)
def test_a_file_that_a_search_has_found_is_named_as_it_was_asked_for_once_it_is_open(
    broken: ElfFacts, libc: tuple[int, int], name: str, text: str | None
) -> None:
    """`open_verify` knows the path, `_dl_map_object_from_fd` only the name in DT_NEEDED."""
    link_map = load(
        an_object("mod.so", needed=["liby.so"], rpath="$ORIGIN"),
        replace(broken, location=location("liby.so")),
        profile=a_profile(libc=libc),
    )

    text = text or "ELF file version ident does not match current one"
    assert said(link_map) == f"{name}liby.so: {text}"


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


# --- what is not named like a library ---


@pytest.mark.parametrize(
    ("size", "text"), [(0, "file too short"), (63, "file too short"), (64, "invalid ELF header")]
)
def test_any_file_may_be_needed_and_opened(size: int, text: str) -> None:
    """DT_NEEDED and ctypes take any name; what is opened so is read like a library."""
    loader = a_loader(
        an_object("mod.so", needed=["README"], rpath="$ORIGIN"), others={"README": size}
    )

    assert said(loader.open(target_path("mod.so"))) == f"/var/task/README: {text}"
    assert said(loader.open(target_path("README"))) == f"/var/task/README: {text}"
