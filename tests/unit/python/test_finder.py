"""What CPython's path-based finder takes for a name (`FileFinder.find_spec`, `PathFinder`)."""

from __future__ import annotations

import pytest
from tests.factories import INTERPRETER

from abicheck.filesystem import Entry, Kind, Tree
from abicheck.python.finder import Found, FoundKind, find

EXT = ".cpython-313-x86_64-linux-gnu.so"


def tree(*paths: str, links: dict[str, str] | None = None) -> Tree:
    entries = {f"/{path}": Entry(Kind.FILE) for path in paths}
    entries |= {
        f"/{path}": Entry(Kind.SYMLINK, target=target) for path, target in (links or {}).items()
    }
    return Tree(entries)


def taken(name: str, *paths: str, search: tuple[str, ...] = ("/a", "/b")) -> str | None:
    """The file that is taken, `ns` and its portions for a namespace package, or None."""
    found = find(tree(*paths), name, search, INTERPRETER)
    if found is None:
        return None
    return found.path or f"ns {' '.join(found.search)}"


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ((f"a/m{EXT}", "a/m.abi3.so", "a/m.so", "a/m.py"), f"/a/m{EXT}"),
        (("a/m.abi3.so", "a/m.so", "a/m.py"), "/a/m.abi3.so"),
        (("a/m.so", "a/m.py", "a/m.pyc"), "/a/m.so"),
        (("a/m.py", "a/m.pyc"), "/a/m.py"),
        (("a/m.pyc",), "/a/m.pyc"),
    ],
)
def test_extension_suffixes_come_before_source_and_bytecode(
    paths: tuple[str, ...], expected: str
) -> None:
    assert taken("m", *paths) == expected


@pytest.mark.parametrize(
    "file",
    [
        "m.cpython-311-x86_64-linux-gnu.so",
        "m.cpython-313t-x86_64-linux-gnu.so",
        "m.cpython-313-aarch64-linux-gnu.so",
        "m.cpython-313-x86_64-linux-musl.so",
        "m.cpython-313-darwin.so",
        "m.cp313-win_amd64.pyd",
        "m.pyi",
        "__pycache__/m.cpython-313.pyc",
    ],
)
def test_a_file_with_another_suffix_is_not_there(file: str) -> None:
    assert taken("m", f"a/{file}") is None


def test_a_package_hides_a_module_of_its_name() -> None:
    assert taken("m", "a/m/__init__.py", f"a/m{EXT}", "a/m.py") == "/a/m/__init__.py"


def test_a_compiled_init_beats_the_source() -> None:
    assert taken("m", f"a/m/__init__{EXT}", "a/m/__init__.py") == f"/a/m/__init__{EXT}"


def test_a_package_is_searched_where_it_lies() -> None:
    found = find(tree("a/m/__init__.py"), "m", ["/a"], INTERPRETER)

    assert found == Found(FoundKind.SOURCE, "/a/m/__init__.py", is_package=True, search=("/a/m",))


def test_a_module_is_no_package() -> None:
    found = find(tree("a/m.pyc"), "m", ["/a"], INTERPRETER)

    assert found == Found(FoundKind.BYTECODE, "/a/m.pyc", is_package=False)


def test_the_first_entry_that_matches_hides_the_rest() -> None:
    assert taken("m", "a/m.py", f"b/m{EXT}") == "/a/m.py"


def test_a_folder_without_init_loses_to_a_module_beside_it() -> None:
    assert taken("m", "a/m/x.py", "a/m.py") == "/a/m.py"


def test_a_folder_without_init_loses_to_a_package_on_a_later_entry() -> None:
    assert taken("m", "a/m/x.py", "b/m/__init__.py") == "/b/m/__init__.py"


def test_folders_without_init_make_one_namespace() -> None:
    assert taken("m", "a/m/x.pyi", "b/m/y.py") == "ns /a/m /b/m"


def test_names_are_case_sensitive() -> None:
    assert taken("pil", "a/PIL/__init__.py", "a/Pil.py") is None


def test_a_folder_named_like_a_module_is_none() -> None:
    assert taken("m", "a/m.py/x", "a/m.so/x") is None


def test_links_are_followed() -> None:
    linked = tree("real/core.so", links={"a/m.so": "../real/core.so", "a/n.so": "nowhere"})

    assert find(linked, "m", ["/a"], INTERPRETER) is not None
    assert find(linked, "n", ["/a"], INTERPRETER) is None


def test_an_entry_that_does_not_exist_is_passed_over() -> None:
    assert taken("m", "a/m.py", search=("/nowhere", "/a/m.py", "/a/")) == "/a/m.py"
