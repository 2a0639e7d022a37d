"""The tree that a process sees: image-spec's layer.md, unpacked layer by layer."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from abicheck.artifacts._image._squash import Record, Squashed, clean, squash
from abicheck.artifacts._image._tar import TarType
from abicheck.filesystem import Kind
from abicheck.model import Irregular


def f(name: str) -> Record:
    return Record(name, TarType.FILE)


def d(name: str, mode: int = 0o755) -> Record:
    return Record(name, TarType.DIRECTORY, mode)


def ln(name: str, target: str) -> Record:
    return Record(name, TarType.SYMLINK, target=target)


def hard(name: str, target: str) -> Record:
    return Record(name, TarType.HARD_LINK, target=target)


def _tree(*layers: Sequence[Record]) -> dict[str, tuple[int, int]]:
    """Return the layer and record that brought each visible path."""
    return {path.name: (path.layer, path.record) for path in squash(layers).visible}


def _misfits(*layers: Sequence[Record]) -> list[tuple[str, Irregular]]:
    return [(misfit.name, misfit.kind) for misfit in squash(layers).misfits]


def test_the_topmost_file_of_a_name_is_seen() -> None:
    """Whatever lower layers hold there."""
    assert _tree([f("a"), f("b")], [f("a")]) == {"a": (1, 0), "b": (0, 1)}


def test_the_last_of_two_entries_of_a_layer_is_seen() -> None:
    """Unpackers replace what is there."""
    assert _tree([f("a"), f("a")]) == {"a": (0, 1)}


def test_a_whiteout_hides_what_lower_layers_brought() -> None:
    """A file, or a folder with all that is in it; a later layer may bring it back."""
    base = [d("x"), f("x/a"), f("x/b")]

    assert set(_tree(base, [f("x/.wh.a")])) == {"x", "x/b"}
    assert set(_tree(base, [f(".wh.x")])) == set()
    assert _tree(base, [f(".wh.x")], [d("x"), f("x/a")]) == {"x": (2, 0), "x/a": (2, 1)}


@pytest.mark.parametrize("first", [True, False])
def test_a_whiteout_hides_nothing_of_its_own_layer(*, first: bool) -> None:
    """Whatever their order in the tar."""
    own = [d("x"), f("x/new")]
    marks = [f(".wh.x")]

    upper = [*marks, *own] if first else [*own, *marks]
    assert set(_tree([d("x"), f("x/old")], upper)) == {"x", "x/new"}


@pytest.mark.parametrize("first", [True, False])
def test_an_opaque_folder_hides_all_below_it(*, first: bool) -> None:
    """And keeps what its own layer brings, whatever the order."""
    own = [d("x"), f("x/new"), d("x/s"), f("x/s/new")]
    mark = f("x/.wh..wh..opq")
    upper = [own[0], mark, *own[1:]] if first else [*own, mark]

    assert set(_tree([d("x"), f("x/old"), d("x/s"), f("x/s/old")], upper)) == {
        "x",
        "x/new",
        "x/s",
        "x/s/new",
    }


def test_a_file_named_like_an_opaque_mark_elsewhere_is_a_whiteout_of_nothing() -> None:
    """AUFS kept files of its own under `.wh..wh.`; nobody sees them."""
    assert _tree([f(".wh..wh.aufs"), d(".wh..wh.plnk"), f(".wh..wh.plnk/1.2"), f("a")]) == {
        "a": (0, 3)
    }


def test_a_whiteout_of_what_is_not_there_hides_nothing() -> None:
    """Its folder need not exist either."""
    assert _tree([f("a")], [f(".wh.b"), f("x/y/.wh.c")]) == {"a": (0, 0)}


@pytest.mark.parametrize("name", [".wh.", ".wh..", ".wh...", "x/.wh."])
def test_a_whiteout_of_no_name_is_a_misfit(name: str) -> None:
    """It would name its own folder, or the one above."""
    assert _misfits([d("x")], [f(name)]) == [(name, Irregular.BAD_NAME)]


def test_a_folder_keeps_its_content_where_a_layer_names_it_again() -> None:
    """Only its attributes change."""
    result = squash([[d("x"), f("x/a")], [d("x", 0o700)]])

    assert [(p.name, p.mode, p.layer) for p in result.visible] == [
        ("x", 0o700, 1),
        ("x/a", 0o644, 0),
    ]


@pytest.mark.parametrize("instead", [f("x"), ln("x", "y"), hard("x", "y")])
def test_a_folder_replaced_by_a_file_is_gone(instead: Record) -> None:
    """With all that was in it."""
    assert set(_tree([d("x"), f("x/a"), f("y")], [instead])) == {"x", "y"}


def test_a_file_replaced_by_a_folder_is_gone() -> None:
    """Also where it was a link: what it led to stays as it was."""
    assert _tree([d("y"), f("y/a"), ln("x", "y")], [d("x"), f("x/b")]) == {
        "y": (0, 0),
        "y/a": (0, 1),
        "x": (1, 0),
        "x/b": (1, 1),
    }


def test_a_linked_folder_is_written_through() -> None:
    """`lib64 -> usr/lib64` in the base, `lib64/x.so` in a later layer."""
    base = [d("usr"), d("usr/lib64"), ln("lib64", "usr/lib64")]

    assert _tree(base, [f("lib64/x.so")])["usr/lib64/x.so"] == (1, 0)
    assert "lib64/x.so" not in _tree(base, [f("lib64/x.so")])


def test_a_whiteout_in_a_linked_folder_hides_what_the_link_leads_to() -> None:
    """As removing it there would."""
    base = [d("usr"), d("usr/lib64"), f("usr/lib64/x.so"), ln("lib64", "usr/lib64")]

    assert "usr/lib64/x.so" not in _tree(base, [f("lib64/.wh.x.so")])


@pytest.mark.parametrize("mark", ["lib64/.wh..wh..opq", "lib64/.wh.x.so"])
def test_an_opaque_folder_in_the_place_of_a_link_spares_what_the_link_led_to(mark: str) -> None:
    """Overlay marks a folder opaque that was made where something had been removed."""
    base = [d("usr"), d("usr/lib64"), f("usr/lib64/x.so"), ln("lib64", "usr/lib64")]

    tree = _tree(base, [d("lib64"), f(mark), f("lib64/y.so")])
    assert set(tree) == {"usr", "usr/lib64", "usr/lib64/x.so", "lib64", "lib64/y.so"}


def test_absolute_and_climbing_links_stay_inside() -> None:
    """The root is its own parent."""
    base = [d("usr"), ln("a", "/usr"), ln("b", "../../../usr"), d("x"), ln("x/c", "../usr/.")]

    tree = _tree(base, [f("a/1"), f("b/2"), f("x/c/3")])
    assert {"usr/1", "usr/2", "usr/3"} <= set(tree)


def test_a_loop_of_links_is_a_misfit() -> None:
    """After as many links as Linux follows."""
    assert _misfits([ln("a", "b"), ln("b", "a"), f("a/x"), f("c")]) == [("a/x", Irregular.CORRUPT)]


def test_a_file_below_a_file_is_a_misfit() -> None:
    """No unpacker makes a folder of a file."""
    assert _misfits([f("a"), f("a/b"), f("a/b/c")]) == [
        ("a/b", Irregular.CORRUPT),
        ("a/b/c", Irregular.CORRUPT),
    ]


def test_a_hard_link_is_the_file_it_names() -> None:
    """In its own layer or a lower one, also when that name is gone later."""
    assert _tree([f("a"), hard("b", "a")]) == {"a": (0, 0), "b": (0, 0)}
    assert _tree([f("a")], [hard("b", "./a")]) == {"a": (0, 0), "b": (0, 0)}
    assert _tree([f("a"), hard("b", "/a")], [f(".wh.a")]) == {"b": (0, 0)}
    assert _tree([f("a"), hard("b", "a")], [f("a")]) == {"a": (1, 0), "b": (0, 0)}


def test_a_hard_link_to_a_link_is_that_link() -> None:
    """link(2) follows the folders above and not the name itself."""
    result = squash([[f("a"), d("x"), ln("x/l", "../a"), ln("y", "x"), hard("m", "y/l")]])

    assert {p.name: p.kind for p in result.visible}["m"] is Kind.SYMLINK


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([hard("b", "a")], Irregular.CORRUPT),
        ([hard("b", "x/a")], Irregular.CORRUPT),
        ([f("b"), hard("b", "b")], Irregular.CORRUPT),
        ([hard("b", "")], Irregular.CORRUPT),
        ([d("a"), hard("b", "a")], Irregular.CORRUPT),
        ([hard("b", "../a")], Irregular.CLIMBS_OUT),
    ],
)
def test_a_hard_link_that_names_no_file_is_a_misfit(
    records: list[Record], expected: Irregular
) -> None:
    """Unpackers stop there."""
    assert _misfits(records) == [("b", expected)]


def test_a_device_hides_and_is_not_listed() -> None:
    """Base images have `/dev/null`; no file is behind it."""
    assert _tree([f("a"), f("b")], [Record("a", TarType.DEVICE)]) == {"b": (0, 1)}


def test_folders_that_no_entry_brought_are_there_and_named() -> None:
    """Lambda's unpacker refuses a file whose folder has not come before it."""
    result = squash([[d("x"), f("x/a"), f("y/z/b"), f("y/c")], [f("x/d"), f("q/e")]])

    assert result.orphans == [(0, "y/z/b"), (1, "q/e")]
    assert [(p.name, p.mode) for p in result.visible if p.record < 0] == [
        ("q", 0o755),
        ("y", 0o755),
        ("y/z", 0o755),
    ]


def test_the_root_itself_is_no_path() -> None:
    """Many tars begin with it."""
    assert _tree([d(""), f("a")]) == {"a": (0, 1)}
    assert _misfits([f("")]) == [("", Irregular.BAD_NAME)]


def test_no_layers_are_an_empty_tree() -> None:
    """`FROM scratch` and nothing else."""
    assert squash([]) == Squashed()


def test_names_are_sorted_and_folders_come_first() -> None:
    """As they do when a folder is read."""
    records = [f("b"), d("a"), f("a/z"), f("a.b"), f("a/b")]

    assert list(_tree(records)) == ["a", "a/b", "a/z", "a.b", "b"]


def test_a_deep_tree_is_no_deep_recursion() -> None:
    """Names are hostile."""
    name = "/".join("a" * 2000)

    assert len(_tree([f(name)])) == 2000


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a", "a"),
        ("./a//b/", "a/b"),
        ("/etc/x", "etc/x"),
        ("//x", "x"),
        ("a/../b", "b"),
        ("/../x", None),
        (".", ""),
        ("./", ""),
        ("/", ""),
        ("", ""),
        ("..", None),
        ("a/../../b", None),
        ("...", "..."),
        ("..a", "..a"),
    ],
)
def test_names_are_cleaned(name: str, expected: str | None) -> None:
    """A name that climbs out of the root is none."""
    assert clean(name) == expected
