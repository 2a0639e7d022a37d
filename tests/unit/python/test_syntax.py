"""Which CPython compiles a source, whatever CPython asks."""

from __future__ import annotations

import ast
import sys
from typing import Final

import pytest

from abicheck.python.syntax import RefusedError, parse

NEW: Final = {
    (3, 10): {"match": "match x:\n    case 1: pass\n"},
    (3, 11): {"except star": "try: pass\nexcept* OSError: pass\n"},
    (3, 12): {
        "type parameters of a function": "def f[T](a: T) -> T: ...\n",
        "type parameters of a class": "class C[T]: ...\n",
        "a type statement": "type X = int\n",
        "the same quotes": 'x = f"{d["a"]}"\n',
        "a backslash in braces": 'x = f"{chr(10) + "\\\\n"}"\n'.replace('"\\\\n"', "'\\\\n'"),
    },
    (3, 14): {"except without parentheses": "try: pass\nexcept A, B: pass\n"},
}
NOWHERE: Final = {
    "an operator too many": "x = = 1\n",
    "no block": "def f():\nx = 1\n",
    "an open bracket": "x = (\n",
    "Python 2": "print 'two'\n",
    "a conflict": "<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> main\n",
}
TARGETS: Final = [(3, minor) for minor in range(9, 15)]


def verdict(text: str, version: tuple[int, int]) -> str:
    try:
        parse(text.encode(), "/var/task/app.py", version)
    except RefusedError:
        return "refused"
    except SyntaxError:
        return "not known"
    return "taken"


@pytest.mark.parametrize(
    ("since", "text"), [(v, t) for v, texts in NEW.items() for t in texts.values()]
)
def test_new_syntax_is_taken_from_its_release_on(since: tuple[int, int], text: str) -> None:
    """A match statement is no error for 3.13, and one for 3.9: on every CPython that asks."""
    for version in TARGETS:
        assert verdict(text, version) == ("refused" if version < since else "taken"), version


@pytest.mark.parametrize("name", NOWHERE)
def test_what_no_release_compiles_is_refused(name: str) -> None:
    """Of a release that is newer than all that is known here, nothing is claimed."""
    for version in TARGETS:
        known = version <= max((3, 13), sys.version_info[:2])
        assert verdict(NOWHERE[name], version) == ("refused" if known else "not known"), version


@pytest.mark.parametrize("name", NOWHERE)
def test_the_text_is_that_of_the_compiler(name: str) -> None:
    with pytest.raises(SyntaxError) as raised:
        ast.parse(NOWHERE[name], "/var/task/app.py")

    with pytest.raises(RefusedError) as refused:
        parse(NOWHERE[name].encode(), "/var/task/app.py", sys.version_info[:2])

    assert refused.value.text == str(raised.value)
    assert refused.value.exception == type(raised.value).__name__
    assert refused.value.line == raised.value.lineno


@pytest.mark.parametrize(
    "text",
    [
        "x = f\"{d['a']}\"\n",
        'x = f"""{d["a"]} {d[\'b\']}"""\n',
        "x = f'{a!r:>{width}}' \"b\"\n",
        'x = "a" f"{b}" "c"\n',
        'x = f"a\\n{b}"\n',
        'x = rf"\\d{b}"\n',
        'x = f"{{}}" # "\n',
    ],
)
def test_strings_that_every_release_takes_are_taken(text: str) -> None:
    assert {verdict(text, version) for version in TARGETS} == {"taken"}
