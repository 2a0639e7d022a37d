"""Tables of symbols as text: a line a symbol, a section a library."""

from __future__ import annotations

import pytest

from abicheck.errors import ProfileError
from abicheck.model import SymbolDef
from abicheck.profiles._tables import parse_symbols, split_sections, table_of

TEXT = """\
# where it comes from
[liba.so.1]
A_1 f F
A_2 f F
[libb.so.1]
- g D
"""


def test_sections_are_split_by_soname_and_comments_are_left_out() -> None:
    assert split_sections(TEXT) == {
        "liba.so.1": "A_1 f F\nA_2 f F",
        "libb.so.1": "- g D\n",
    }


def test_a_table_without_a_section_is_empty() -> None:
    assert split_sections("# only a comment\n") == {}


def test_nodes_are_numbered_in_the_order_of_the_lines() -> None:
    assert parse_symbols("A_1 f F\nA_2 g F\nA_1 h F", "a table") == {
        "f": (SymbolDef("A_1", hidden=False, index=2),),
        "g": (SymbolDef("A_2", hidden=False, index=3),),
        "h": (SymbolDef("A_1", hidden=False, index=2),),
    }


def test_an_h_marks_a_hidden_version() -> None:
    assert parse_symbols("A_1 f h\nA_2 f d", "a table")["f"] == (
        SymbolDef("A_1", hidden=True, index=2),
        SymbolDef("A_2", hidden=False, index=3),
    )


def test_a_dash_is_no_version() -> None:
    assert parse_symbols("- f F", "a table") == {"f": (SymbolDef(),)}


@pytest.mark.parametrize("line", ["f", "A_1 f", "A_1 f F more", "A_1  F F"])
def test_a_line_of_another_shape_is_named(line: str) -> None:
    with pytest.raises(ProfileError, match=r"^a table: not 'version name kind'"):
        parse_symbols(line, "a table")


def test_a_table_is_parsed_when_it_is_asked() -> None:
    table = table_of(lambda: "this is not a table", "a table", None, complete=True)

    with pytest.raises(ProfileError):
        _ = table.definitions


def test_nodes_may_be_more_than_symbols_name() -> None:
    """Since 2.34 libpthread has nodes, and hardly a symbol."""
    table = table_of(lambda: "A_1 f F", "a table", ("A_1", "A_2"), complete=True)

    assert table.versions == ("A_1", "A_2")


def test_nodes_are_gathered_from_the_lines_where_none_are_given() -> None:
    assert table_of(lambda: "A_2 f F\nA_1 g F\n- h F", "x", None, complete=True).versions == (
        "A_2",
        "A_1",
    )


def test_a_table_without_versions_has_no_versym() -> None:
    table = table_of(lambda: "- f F", "a table", None, complete=True)

    assert (table.versions, table.versioned) == (None, False)


def test_a_stand_in_of_a_newer_release_is_cut_off_at_the_nodes_of_the_target() -> None:
    """What has no version at all stays; what the target's own table lists, it all has."""
    body = "A_1 old F\nA_2 new F\n- plain F"
    nodes = ("liba.so.1", "A_1")

    stand_in = table_of(lambda: body, "x", nodes, soname="liba.so.1", complete=False)
    captured = table_of(lambda: body, "x", nodes, soname="liba.so.1", complete=True)

    assert stand_in.definitions.keys() == {"old", "plain"}
    assert captured.definitions.keys() == {"old", "new", "plain"}


def test_a_table_with_nodes_given_is_not_read_before_it_is_asked() -> None:
    def unread() -> str:
        reason = "read"
        raise ProfileError(reason)

    assert table_of(unread, "x", ("A_1",)).versions == ("A_1",)
