"""Tables that lie: what the loader says or dies of, and when."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.factories import a_profile, a_segment, an_object, found, load, said, table

from abicheck.model import Assertion, Segment, VersionNeed

SOUND = an_object("mod.so")
PT_DYNAMIC = 2
READ, READ_WRITE = 4, 6


@pytest.mark.parametrize(
    ("assertion", "libc", "place"),
    [
        (Assertion.RELAENT, (2, 34), "get-dynamic-info.h: 110: elf_get_dynamic_info: "),
        (Assertion.RELAENT, (2, 36), "get-dynamic-info.h: 123: elf_get_dynamic_info: "),
        (Assertion.PLTREL, (2, 31), "get-dynamic-info.h: 123: elf_get_dynamic_info: "),
        (Assertion.PLTREL, (2, 41), "get-dynamic-info.h: 115: elf_get_dynamic_info: "),
        (Assertion.BLOOM, (2, 26), "dl-lookup.c: 971: _dl_setup_hash: "),
        (Assertion.BLOOM, (2, 36), "dl-setup_hash.c: 36: _dl_setup_hash: "),
        (Assertion.RELRENT, (2, 36), "get-dynamic-info.h: 130: elf_get_dynamic_info: "),
    ],
)
def test_an_assertion_names_the_line_of_its_release(
    assertion: Assertion, libc: tuple[int, int], place: str
) -> None:
    thing = replace(SOUND, assertion=assertion, defect=f"malformed: {assertion}")
    halt = load(thing, profile=a_profile(libc=libc)).halt

    assert halt is not None
    assert halt.failure.crash == "exit 127"
    assert (halt.failure.stderr or "").startswith(f"Inconsistency detected by ld.so: {place}")


def test_packed_relocations_are_looked_at_from_2_36_on() -> None:
    thing = replace(SOUND, assertion=Assertion.RELRENT)

    assert said(load(thing, profile=a_profile(libc=(2, 35)))) is None


def test_relocations_counted_as_relative_kill_when_they_are_applied() -> None:
    """What is needed has been looked for by then."""
    thing = replace(SOUND, misrelative=True, unrelocatable=True, defect="malformed: count")
    lonely = replace(thing, needed=("liby.so",))

    assert said(load(thing)) == "exit 127"
    assert (said(load(lonely)) or "").startswith("liby.so: cannot open shared object file")


@pytest.mark.parametrize(
    ("flags", "libc", "fate"),
    [
        (READ, (2, 33), "SIGSEGV"),
        (READ, (2, 34), None),
        (READ_WRITE, (2, 33), "SIGSEGV"),
        (READ_WRITE, (2, 36), "SIGSEGV"),
    ],
)
def test_the_loader_writes_into_a_dynamic_table_that_says_it_is_writable(
    flags: int, libc: tuple[int, int], fate: str | None
) -> None:
    """Up to 2.33 into any."""
    dynamic = Segment(PT_DYNAMIC, flags, 0, 0, 0x100, 0x100, 8)
    thing = replace(SOUND, segments=(a_segment(), dynamic), fixed_dynamic=True)

    assert said(load(thing, profile=a_profile(libc=libc))) == fate


def test_records_of_another_revision_are_refused_in_words() -> None:
    needs = an_object("mod.so", needed=["liby.so"], runpath="$ORIGIN", needs=["liby.so(V_1)"])
    other = replace(an_object("liby.so", nodes=["V_0"]), verdef=7)

    assert said(load(replace(SOUND, verneed=2))) == (
        "/var/task/mod.so: unsupported version 2 of Verneed record"
    )
    assert said(load(needs, other)) == "/var/task/liby.so: unsupported version 7 of Verdef record"


def test_a_version_is_its_name_and_the_hash_of_it() -> None:
    """A need that bears another hash is met by nothing."""
    thing = an_object(
        "mod.so",
        needed=["liby.so"],
        runpath="$ORIGIN",
        needs=[VersionNeed("liby.so", "V_1", hashed=False)],
    )
    library = an_object("liby.so", nodes=["V_1"])

    assert said(load(thing, library)) == (
        "/var/task/liby.so: version `V_1' not found (required by /var/task/mod.so)"
    )


def test_versions_are_compared_up_to_the_one_that_lies() -> None:
    lying = replace(
        an_object("mod.so", needed=["liby.so"], runpath="$ORIGIN", needs=["liby.so(V_1)"]),
        defect="malformed: a chain",
        misversioned=True,
    )

    assert said(load(lying, an_object("liby.so", nodes=["V_1"]))) == "SIGSEGV"
    assert "version `V_1' not found" in (said(load(lying, an_object("liby.so", nodes=["V"]))) or "")


def test_names_that_lead_nowhere_are_met_before_anything_is_looked_for() -> None:
    thing = replace(SOUND, needed=("liby.so",), defect="malformed: a name", misnamed=True)

    assert said(load(thing)) == "SIGSEGV"


def test_an_empty_name_is_the_program_itself() -> None:
    """Its l_name is empty, so that `_dl_name_match_p` finds it."""
    assert said(load(an_object("mod.so", needed=[""]))) is None


def test_a_filter_is_needed_like_any_library() -> None:
    """DT_FILTER: what it names must be there; only DT_AUXILIARY may be absent."""
    link_map = load(replace(SOUND, filters=("liby.so",)))

    assert (said(link_map) or "").startswith("liby.so: cannot open shared object file")
    assert found(link_map) == [("liby.so", None, None)]


def test_what_is_to_be_protected_must_be_mapped() -> None:
    assert said(load(replace(SOUND, loose_relro=True))) == (
        "/var/task/mod.so: cannot apply additional memory protection after relocation: "
        "Cannot allocate memory"
    )


def test_a_symbol_that_no_bucket_leads_to_is_not_there() -> None:
    """The symbol table has it, and a search does not come to it."""
    lost = table("f")
    hidden = type(lost)(lambda: lost.definitions, search=lambda _: ())
    thing = an_object("mod.so", needed=["liby.so"], runpath="$ORIGIN", refers=["f"])
    library = an_object("liby.so", "f")

    assert said(load(thing, library)) is None
    assert said(load(thing, replace(library, table=hidden))) == (
        "/var/task/mod.so: undefined symbol: f"
    )


def test_bytes_that_are_no_text_stand_in_the_message_as_cpython_has_them() -> None:
    r"""A symbol's name is kept byte by byte; `PyUnicode_DecodeLocale` makes \xff a surrogate."""
    assert said(load(an_object("mod.so", refers=["f\xff"]))) == (
        "/var/task/mod.so: undefined symbol: f\udcff"
    )
    assert said(load(an_object("mod.so", refers=["b\xc3\xbc"]))) == (
        "/var/task/mod.so: undefined symbol: bü"
    )


# --- segments -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("segments", "text"),
    [
        (
            (a_segment(), replace(a_segment(vaddr=0x1000), offset=1 << 63)),
            "failed to map segment from shared object",
        ),
        ((replace(a_segment(), filesz=0, memsz=0),), "failed to map segment from shared object"),
        (
            (replace(a_segment(), flags=6, filesz=1 << 41, memsz=1 << 41),),
            "failed to map segment from shared object",
        ),
        (
            (replace(a_segment(), memsz=1 << 41), a_segment(vaddr=0x1000)),
            "cannot map zero-fill pages",
        ),
    ],
)
def test_what_the_kernel_refuses(segments: tuple[Segment, ...], text: str) -> None:
    assert said(load(replace(SOUND, segments=segments))) == f"/var/task/mod.so: {text}"


def test_a_segment_that_is_laid_over_its_neighbours_kills() -> None:
    """The room for all is as long as the last one says."""
    long = replace(a_segment(), memsz=0x9000, flags=6)

    assert said(load(replace(SOUND, segments=(long, a_segment(vaddr=0x1000))))) == "SIGSEGV"


def test_a_file_that_ends_too_soon_kills_where_zeros_are_written_behind_its_end() -> None:
    """Before anything is looked for; otherwise when it is relocated, or its code is called."""
    cut = replace(SOUND, needed=("liby.so",), beyond_end=True)
    last = Segment(1, 6, 0x2000, 0x2000, 0x10, 0x20, 0x1000)

    assert said(load(replace(cut, segments=(a_segment(), last)))) == "SIGBUS"
    assert (said(load(cut)) or "").startswith("liby.so: cannot open shared object file")
    assert said(load(replace(cut, needed=()))) == "SIGBUS"
