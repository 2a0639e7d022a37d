"""Which sources can ask for a module, told without parsing them."""

from __future__ import annotations

import pytest

from abicheck.python.named import any_named, may_name
from abicheck.python.source import read_source, references

ASKING = {
    "import": "import pkg.lib.thing",
    "import of a submodule": "import pkg.lib.thing.inner",
    "second of two": "import os, pkg.lib.thing as t",
    "from": "from pkg.lib import thing",
    "from it": "from pkg.lib.thing import name",
    "in parentheses": "from pkg.lib import (\n    other,\n    thing,\n)",
    "behind others in parentheses": "from pkg.lib import (\n    other, more as m, thing as t\n)",
    "behind a comment": "from pkg.lib import (  # all of it\n    other,  # and\n    thing)",
    "behind a backslash": "from pkg.lib import \\\n    thing",
    "behind two backslashes": "import os, \\\n    sys, \\\n    pkg.lib.thing",
    "name behind a backslash": "from pkg.lib.thing \\\n  import name",
    "behind a semicolon": "x = 1; import pkg.lib.thing",
    "in a function": "def f():\n    if x: import pkg.lib.thing",
    "relative": "from . import thing",
    "by a function": "importlib.import_module('pkg.lib.thing')",
    "by a function, on a line of its own": "x = import_module(\n    'pkg.lib.thing'\n)",
    "by a function, relative": "import_module(\n  '.thing', __package__)",
    "with carriage returns": "from pkg.lib import (\r    thing\r)",
    "with a form feed": "\fimport pkg.lib.thing",
}
SILENT = {
    "attribute": "x = lib.thing",
    "text": 'load("thing.so")',
    "list of texts": '__all__ = [\n    "thing",\n]',
    "comment": "x = 1  # thing",
    "part of another name": "import something, things, thing_",
    "call": "f(x=thing)",
}


@pytest.mark.parametrize("text", ASKING.values(), ids=ASKING)
def test_every_way_to_ask_for_a_module_is_seen_in_the_text(text: str) -> None:
    data = text.encode()
    source = read_source(data, is_package=False, module="pkg.lib.other")
    assert any(each.asks_for("pkg.lib.thing") for each in references(source))
    assert may_name(data, b"thing")


@pytest.mark.parametrize("text", SILENT.values(), ids=SILENT)
def test_a_text_that_imports_no_such_name_is_not_parsed(text: str) -> None:
    assert not may_name(text.encode(), b"thing")


def test_a_long_line_is_looked_through_once() -> None:
    data = b"x = [" + b"thing, " * 200_000 + b"]"
    assert not may_name(data, b"thing")


def test_a_name_of_other_letters_is_a_whole_word_too() -> None:
    assert may_name("from a import größe".encode(), "größe".encode())
    assert not may_name("from a import aöße".encode(), "öße".encode())


def test_a_module_is_named_where_a_statement_asks_for_it() -> None:
    sources = {
        "/root/pkg/__init__.py": b"from .lib import thing",
        "/root/pkg/other.py": b"# from .lib import nothing\nx = thing",
    }
    assert any_named(["pkg.lib.thing"], sources, "/root")
    assert any_named(["pkg.lib.nothing", "pkg.lib.thing"], sources, "/root")
    assert not any_named(["pkg.lib.nothing"], sources, "/root")
    assert not any_named(["pkg.thing"], sources, "/root")
    assert not any_named([], sources, "/root")
