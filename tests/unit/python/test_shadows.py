"""Which files stand behind others of the same dotted name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

import pytest
from tests.factories import INTERPRETER

from abicheck.filesystem import Entry, Kind, Tree
from abicheck.python.shadows import Shadows

PATH = tuple(map(PurePosixPath, ("/a", "/b", "/b/inner")))


def over(path: str, *files: str, source: bytes = b"") -> str | None:
    tree = Tree({file: Entry(Kind.FILE) for file in (path, *files)})
    interpreter = replace(INTERPRETER, path=PATH)
    return Shadows(tree, interpreter, lambda _: source).over(path)


@pytest.mark.parametrize(
    ("path", "files", "expected"),
    [
        ("/b/x.so", ["/a/x.py"], "/a/x.py"),
        ("/b/x.so", ["/a/x/__init__.py"], "/a/x/__init__.py"),
        ("/b/x.so", ["/a/x/y.py"], None),
        ("/b/x.so", ["/a/y.py"], None),
        ("/a/x.so", ["/b/x.py"], None),
        ("/b/p/x.so", ["/b/p/__init__.py", "/a/p/__init__.py"], "/a/p/__init__.py"),
        ("/b/p/x.so", ["/b/p/__init__.py", "/a/p.py"], "/a/p.py"),
        ("/b/p/x.so", ["/a/p/y.py"], None),
        ("/b/p/x.so", ["/a/p/x.py"], "/a/p/x.py"),
        ("/b/p/x.so", ["/b/p/__init__.py", "/a/p/x.py"], None),
        ("/a/p/x.so", ["/b/p/__init__.py"], "/b/p/__init__.py"),
        ("/b/n/p/x.so", ["/b/n/p/__init__.py", "/a/n/q.py"], None),
        ("/b/n/p/x.so", ["/b/n/p/__init__.py", "/a/n/p/__init__.py"], "/a/n/p/__init__.py"),
        ("/b/p/__init__.so", ["/a/p/__init__.py"], "/a/p/__init__.py"),
        ("/b/inner/x.so", ["/b/x.py"], "/b/x.py"),
        ("/elsewhere/x.so", ["/a/x.py"], None),
    ],
)
def test_the_first_entry_of_sys_path_with_a_module_hides_the_rest(
    path: str, files: list[str], expected: str | None
) -> None:
    """A folder without `__init__` is a portion, and loses to any package on any entry."""
    assert over(path, *files) == expected


@pytest.mark.parametrize(
    "source",
    [
        b"__path__ = __import__('pkgutil').extend_path(__path__, __name__)",
        b"__import__('pkg_resources').declare_namespace(__name__)",
    ],
)
def test_a_package_that_looks_elsewhere_too_hides_nothing(source: bytes) -> None:
    files = ("/b/p/x.so", "/b/p/__init__.py", "/a/p/__init__.py")

    assert over(*files, source=source) is None
    assert over(*files) == "/a/p/__init__.py"
