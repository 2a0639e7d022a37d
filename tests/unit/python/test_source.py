"""What is read from a module's source."""

from __future__ import annotations

import codecs

import pytest

from abicheck.python.source import Guard, Reference, bound_names, read_source, references, resolve


def read(text: str, *, module: str = "pkg.mod", is_package: bool = False) -> list[Reference]:
    source = read_source(text.encode(), is_package=is_package, module=module)
    assert source.unreadable is None
    return list(references(source))


# --- reading ---


def test_a_coding_cookie_is_honoured() -> None:
    source = read_source(b"# coding: latin-1\nimport \xe9t\xe9\n", is_package=False, module="m")

    assert references(source) == (Reference("été", 2),)


def test_a_byte_order_mark_is_honoured() -> None:
    source = read_source(codecs.BOM_UTF8 + b"import a\n", is_package=False, module="m")

    assert references(source) == (Reference("a", 1),)


@pytest.mark.parametrize(
    "data",
    [
        b"print 'two'\n",
        b"import a\0\n",
        b"# coding: no-such-codec\nimport a\n",
        b"\xff\xfe\xfa",
        b"def f():\n    print 'two'\n",
        b"x = " + b"(" * 5000 + b")" * 5000,
    ],
)
def test_what_cannot_be_parsed_is_unreadable_with_a_reason(data: bytes) -> None:
    source = read_source(data, is_package=False, module="m")

    assert source.unreadable
    assert source.body == ()


def test_a_source_beyond_all_measure_is_not_parsed() -> None:
    source = read_source(b"#" * (9 << 20), is_package=False, module="m")

    assert source.unreadable == "9,437,184 bytes, more than 8,388,608; not read (--limit source)"


@pytest.mark.parametrize("part", [b"1,", b"1\n", b"1+", b"f(", b"[", b"a and ", b"x=", b"-"])
def test_a_source_of_too_many_expressions_is_not_parsed(part: bytes) -> None:
    """Its syntax tree would take a gigabyte; the file itself deflates to a few kilobytes."""
    source = read_source(part * 600_000, is_package=False, module="m")

    assert source.unreadable == "more than 500,000 expressions; not read (--limit nodes)"


def test_invalid_escapes_do_not_matter() -> None:
    assert read("import a\nx = '\\d'\n") == [Reference("a", 1)]


@pytest.mark.parametrize(
    "text",
    [
        "type Pair[T] = tuple[\n    T, T\n]\nimport a\n",
        "type Name = str\nimport a\n",
        "def first[T: (int, str)](x: T) -> T:\n    return x\nimport a\n",
        "class Box[\n    T,\n]:\n    x = 1\nimport a\n",
        'label = f"{names["first"]}"\nimport a\n',
        'def show():\n    return f"{"\\n".join(x)}"\n\nimport a\n',
    ],
)
def test_syntax_newer_than_the_running_interpreter_is_read_all_the_same(text: str) -> None:
    found = read(text)

    assert [reference.module for reference in found] == ["a"]
    assert found[0].line == text.count("\n")


def test_names_that_functions_rebind_are_known() -> None:
    source = read_source(b"def f():\n    global a, b\n    a = 1\n", is_package=False, module="m")

    assert source.rebound == {"a", "b"}


# --- names ---


@pytest.mark.parametrize(
    ("name", "level", "package", "expected"),
    [
        ("a.b", 0, "pkg", "a.b"),
        ("a", 1, "pkg.sub", "pkg.sub.a"),
        ("", 1, "pkg", "pkg"),
        ("a", 2, "pkg.sub", "pkg.a"),
        ("a", 2, "pkg", None),
        ("a", 1, "", None),
    ],
)
def test_relative_names_start_from_the_package(
    name: str, level: int, package: str, expected: str | None
) -> None:
    assert resolve(name, level, package) == expected


def test_every_way_to_bind_a_name_counts() -> None:
    text = """
import a.b, c as d
from e import f as g
h = i, j = 1, 2
k: int = 3
l += 1
for m in x: n = 1
with y as o: pass
def p(): q = 1
class r: s = 1
t = [u for u in x if (v := u)]
"""
    source = read_source(text.encode(), is_package=False, module="m")

    assert set("adghijklmnoprtuv") == bound_names(source.body)


# --- references ---


def test_imports_are_found_with_their_lines_and_names() -> None:
    text = "import a.b, c\nfrom . import x, y as z\nfrom ..up import *\nfrom q import r\n"

    assert read(text, module="top.pkg", is_package=True) == [
        Reference("a.b", 1),
        Reference("c", 1),
        Reference("top.pkg", 2, ("x", "y")),
        Reference("top.up", 3, ("*",)),
        Reference("q", 4, ("r",)),
    ]


def test_a_relative_import_beyond_the_top_is_no_reference() -> None:
    assert read("from ...x import y", module="pkg.mod") == []


@pytest.mark.parametrize(
    "text",
    ["importlib.import_module('a.b')", "x = import_module('a.b')", "return_ = __import__('a.b')"],
)
def test_a_literal_dynamic_import_is_a_reference(text: str) -> None:
    assert read(text) == [Reference("a.b", 1)]


def test_a_relative_dynamic_import_starts_from_the_package() -> None:
    assert read("import_module('.b', __package__)") == [Reference("pkg.b", 1)]


def test_an_import_in_a_function_is_deferred_and_one_in_a_class_is_not() -> None:
    assert read("def f():\n    import a\nclass C:\n    import b\n") == [
        Reference("a", 2, deferred=True),
        Reference("b", 4),
    ]


def test_a_try_guards_its_body_alone() -> None:
    text = """
try:
    import a
except (ImportError, OSError):
    import b
else:
    import c
finally:
    import d
"""
    guard = Guard(("ImportError", "OSError"), imports=(Reference("b", 5),))

    assert read(text) == [
        Reference("a", 3, guards=((guard,),)),
        Reference("b", 5),
        Reference("c", 7),
        Reference("d", 9),
    ]


def test_nested_guards_come_innermost_first() -> None:
    # The outer `except` names no class on purpose: that is the guard to be read.
    text = """
try:
    try:
        import a
    except KeyError:
        pass
except:
    raise
"""
    (reference,) = read(text)

    assert reference.guards == ((Guard(("KeyError",)),), (Guard(None, reraises=True),))


def test_suppress_is_a_guard_without_a_fallback() -> None:
    (reference,) = read("with contextlib.suppress(ImportError, x.Error):\n    import a\n")

    assert reference.guards == ((Guard(("ImportError", "x.Error")),),)


def test_a_function_leaves_the_guards_around_its_definition() -> None:
    text = "try:\n    def f():\n        import a\nexcept ImportError:\n    pass\n"

    assert read(text) == [Reference("a", 3, deferred=True)]


def test_a_branch_that_linux_never_takes_is_marked() -> None:
    text = "if TYPE_CHECKING:\n    import a\nelse:\n    import b\n"

    assert read(text) == [Reference("a", 2, never=True), Reference("b", 4)]


def test_every_kind_of_block_is_looked_into() -> None:
    text = """
if x:
    import a
for y in z:
    import b
while x:
    import c
match x:
    case 1:
        import d
with x:
    import e
"""

    assert [reference.module for reference in read(text)] == ["a", "b", "c", "d", "e"]


# --- what nests without end ---


def test_a_long_chain_of_branches_is_followed_to_its_end() -> None:
    """Each `elif` stands in the one before, deeper than calls may nest."""
    chain = "".join(f"elif x == {number}:\n    import m{number}\n" for number in range(1500))

    found = read(f"if x:\n    pass\n{chain}")

    assert found == [Reference(f"m{number}", 4 + 2 * number) for number in range(1500)]


def test_handlers_in_handlers_are_read_once() -> None:
    """Sixty levels, each of them the fallback of the one above."""
    levels = "".join(
        f"{' ' * depth}try:\n{' ' * depth} import a{depth}\n{' ' * depth}except ImportError:\n"
        for depth in range(60)
    )

    found = read(f"{levels}{' ' * 60}import last\n")

    assert [reference.module for reference in found] == [*(f"a{n}" for n in range(60)), "last"]
    assert len(found[0].guards[0][0].imports) == 60
    assert found[59].guards == ((Guard(("ImportError",), imports=(Reference("last", 181),)),),)


@pytest.mark.parametrize(
    "text",
    [
        "if a{}:\n    import m\n",
        "with a{}(ImportError):\n    import m\n",
        "with suppress(a{}):\n    import m\n",
        "try:\n    import m\nexcept a{}:\n    pass\n",
    ],
)
def test_an_expression_that_nests_too_deeply_says_nothing(text: str) -> None:
    """No test of the platform and no class of exceptions is written like that."""
    (found,) = read(text.format("[0]" * 900))

    assert (found.module, found.never) == ("m", False)
    assert not any(name for guard in found.guards for each in guard for name in each.caught or ())


@pytest.mark.parametrize(
    "text", ["import a{}", "from a{} import b", "import x, \\\n a{}", "x = a{}\n"]
)
@pytest.mark.parametrize("part", [".a", " . a", "\\\n.\\\na"])
def test_a_name_without_end_is_not_parsed(text: str, part: str) -> None:
    """CPython joins the parts of a name in quadratic time; its importer ends in a RecursionError."""
    source = read_source(text.format(part * 300).encode(), is_package=False, module="m")

    assert source.unreadable == "a name has more parts than can be imported"


def test_a_dynamic_import_of_a_name_without_end_is_no_reference() -> None:
    """As above, by a string, which may be written in two."""
    half = "a." * 150

    assert read(f"import importlib\nimportlib.import_module('{half}' '{half}a')\n") == [
        Reference("importlib", 1)
    ]


def test_brackets_that_are_never_closed_are_looked_for_once() -> None:
    """Each might hold type parameters up to the end of the file."""
    source = read_source(b"def f[\n" * 50_000, is_package=False, module="m")

    assert source.unreadable
