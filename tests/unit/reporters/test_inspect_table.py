"""The table of `abicheck inspect`: facts, no verdict."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

from tests.factories import (
    a_foreign_file,
    a_report,
    an_inventory,
    an_object,
    an_object_report,
    need,
)

from abicheck.model import Foreign, ObjectKind, Report
from abicheck.reporters import write_inspect


def rows(*reports: Report) -> list[list[str]]:
    """The table's cells, which are at least two blanks apart."""
    stream = StringIO()
    write_inspect(reports, stream)
    return [[c for c in line.split("  ") if c] for line in stream.getvalue().splitlines()]


def test_a_binary_has_a_row_of_facts() -> None:
    facts = replace(
        an_object(
            "pkg/mod.so",
            needed=["libc.so.6", "liby.so"],
            rpath="$ORIGIN/libs",
            needs=["libc.so.6(GLIBC_2.9)", "libc.so.6(GLIBC_2.34)", "libc.so.6(GLIBC_PRIVATE)"],
        ),
        compilers=("GCC: (GNU) 14.2",),
    )

    table = rows(a_report(objects=[an_object_report(facts, module="pkg.mod")]))

    assert [[cell.strip() for cell in row] for row in table] == [
        ["a.zip"],
        ["path", "kind", "machine", "module", "glibc", "run path", "needed", "built with"],
        [
            "pkg/mod.so",
            "extension",
            "x86_64",
            "pkg.mod",
            "2.34",
            "RPATH $ORIGIN/libs",
            "libc.so.6 liby.so",
            "GCC: (GNU) 14.2",
        ],
    ]


def test_versions_are_compared_as_numbers_and_weak_needs_do_not_count() -> None:
    facts = an_object(
        "mod.so",
        needs=[
            need("libc.so.6(GLIBC_2.9)"),
            need("libc.so.6(GLIBC_2.17)"),
            need("libc.so.6(GLIBC_2.38)", weak=True),
        ],
    )

    table = rows(a_report(objects=[an_object_report(facts)]))

    assert table[2][4].strip() == "2.17"


def test_a_runpath_is_called_one_and_goes_before_an_rpath() -> None:
    facts = an_object("mod.so", rpath="/void", runpath="$ORIGIN")

    table = rows(a_report(objects=[an_object_report(facts)]))

    assert table[2][5].strip() == "RUNPATH $ORIGIN"


def test_what_is_not_elf_is_named_for_what_it_is() -> None:
    thing = a_foreign_file("mod.so", Foreign.MACH_O)

    table = rows(a_report(objects=[an_object_report(thing, ObjectKind.FOREIGN)]))

    assert [cell.strip() for cell in table[2]][:3] == ["mod.so", "foreign", "Mach-O (macOS)"]


def test_an_artifact_without_binaries_says_so() -> None:
    assert rows(a_report())[-1] == ["no binaries"]


def test_several_artifacts_are_told_apart_by_an_empty_line() -> None:
    stream = StringIO()
    write_inspect([a_report(), a_report(inventory=an_inventory(artifact="b.zip"))], stream)

    assert "no binaries\n\nb.zip\n" in stream.getvalue()


def test_hostile_text_is_escaped() -> None:
    evil = "\x1b[31m\u202e"
    facts = replace(
        an_object(f"{evil}.so", needed=[evil], runpath=evil, soname=evil), compilers=(evil,)
    )
    stream = StringIO()
    report = a_report(
        inventory=an_inventory(artifact=evil), objects=[an_object_report(facts, module=evil)]
    )
    write_inspect([report], stream)

    assert "\x1b" not in stream.getvalue()
    assert "\u202e" not in stream.getvalue()
