"""What a handler can come to, also where names and folders do not end."""

from __future__ import annotations

from tests.factories import INTERPRETER

from abicheck.filesystem import Entry, Kind, Tree
from abicheck.python.reach import Reach
from abicheck.python.source import Source, read_source


def _reach(files: dict[str, str]) -> Reach:
    data = {f"/var/task/{path}": text.encode() for path, text in files.items()}

    def read(path: str, module: str, is_package: bool) -> Source:  # noqa: FBT001
        return read_source(data[path], is_package=is_package, module=module)

    tree = Tree({path: Entry(Kind.FILE) for path in data})
    return Reach("h", tree, data.get, INTERPRETER, read)


def test_imports_inside_functions_are_reached() -> None:
    """Calling the handler may run them; what nothing names is not reached."""
    reach = _reach({"h.py": "def f():\n    import a.b\n", "a/b.py": "", "a/c.py": ""})

    assert reach.covers("a.b")
    assert not reach.covers("a.c")


def test_imports_for_another_version_are_not_reached() -> None:
    old = "import sys\nif sys.version_info < (3, 8):\n    import a\nelse:\n    import b\n"
    reach = _reach({"h.py": old, "a.py": "", "b.py": ""})

    assert reach.covers("b")
    assert not reach.covers("a")


def test_a_package_of_a_hundred_folders_is_reached_as_a_whole() -> None:
    """As deep as folders are read."""
    folder = "/".join("a" * 100)
    reach = _reach(
        {"h.py": "import a\n", "a/__init__.py": "__import__(x)\n", f"{folder}/mod.py": ""}
    )

    assert reach.covers(f"{folder.replace('/', '.')}.mod")


def test_a_name_of_a_thousand_parts_reaches_nothing() -> None:
    """No importer comes to its end."""
    half = "a." * 250
    reach = _reach({"h.py": f"__import__('{half}' '{half}' '{half}' '{half}a')\nimport b\n"})

    assert reach.covers("b")
    assert not reach.covers("a")
