"""The line of progress: what, how far, and with what it is busy, in the columns there are."""

from __future__ import annotations

import pytest

from abicheck.cli._watch import progress_line


@pytest.mark.parametrize(
    ("done", "of", "bar"),
    [
        (0, 4, "[....................]  0 of 4"),
        (1, 4, "[#####...............]  1 of 4"),
        (4, 4, "[####################]  4 of 4"),
        (9, 4, "[####################]  9 of 4"),
        (1200, 2626, "[#########...........]  1,200 of 2,626"),
    ],
)
def test_how_far_it_is_where_the_end_is_known(done: int, of: int, bar: str) -> None:
    assert progress_line("reading a.zip", "", done, of, columns=80) == f"reading a.zip  {bar}"


def test_where_the_end_is_not_known_files_are_counted() -> None:
    line = progress_line("reading image.tar", "etc/passwd", 1200, None, columns=80)

    assert line == "reading image.tar  1,200 files  etc/passwd"


def test_of_a_long_name_its_end_is_shown() -> None:
    name = "numpy/_core/" + "x" * 80 + "/_multiarray_umath.so"

    line = progress_line("reading a.zip", name, 1, 2, columns=80)

    assert len(line) == 79
    assert "  ...x" in line
    assert line.endswith("xx/_multiarray_umath.so")


@pytest.mark.parametrize("columns", [1, 10, 40, 79, 200])
def test_a_line_never_wraps(columns: int) -> None:
    """Of what wraps only the last row would be wiped out."""
    line = progress_line("reading a.zip", "a/b/c" * 50, 17, 2626, columns=columns)

    assert len(line) < columns


@pytest.mark.parametrize("name", ["拡張.py", "a\x1b[2J", "a\nb", "\u202egpj.so"])
def test_a_name_takes_as_many_columns_as_it_has_characters(name: str) -> None:
    line = progress_line("reading a.zip", name, 1, 2, columns=80)

    assert line.isascii()
    assert line.isprintable()
