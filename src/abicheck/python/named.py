"""Which sources have an import statement that asks for a module.

Pure.  Parsing a source takes a hundred times as long as looking whether one of its
import statements can have a word in it, and most cannot.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from posixpath import commonprefix
from typing import Final

from abicheck.python.source import Source, read_source, references

_STATEMENTS: Final = (b"import", b"from")
_FUNCTIONS: Final = (b"import_module", b"__import__")
# What stands on a line before a name of a list in parentheses, or behind a backslash; and,
# where modules are imported by a function, before a text that is given to it.
_LISTED: Final = re.compile(rb"[\s\w\x80-\xff,.();\\]*")
_QUOTED: Final = re.compile(rb"[\s\w\x80-\xff,.();\\\"']*")


def may_name(data: bytes, word: bytes) -> bool:
    """Whether an import of a source may have `word` as a part of what it names; errs on yes."""
    if word not in data:
        return False
    before = _QUOTED if any(each in data for each in _FUNCTIONS) else _LISTED
    whole = re.compile(rb"(?<![A-Za-z0-9_])%s(?![A-Za-z0-9_])" % re.escape(word))
    for line in data.splitlines():
        found = whole.search(line) if word in line else None
        if found is None:
            continue
        if any(each in line for each in _STATEMENTS) or before.fullmatch(line, 0, found.start()):
            return True
    return False


def any_named(modules: Sequence[str], sources: Mapping[str, bytes], root: str) -> bool:
    """Whether a source below `root` has an import statement, wherever, that asks for one of these.

    Only sources that may name one are parsed, and each once.
    """
    words = {module: module.rpartition(".")[2].encode() for module in modules}
    # Libraries mostly begin alike, and a text without that has none of them.
    shared = commonprefix(tuple(words.values())) or b""
    for path, data in sources.items():
        if not words or shared not in data or not path.endswith(".py"):
            continue
        asked = [module for module, word in words.items() if may_name(data, word)]
        if asked:
            found = references(_read_file(path.removeprefix(f"{root}/"), data))
            if any(each.asks_for(module) for each in found for module in asked):
                return True
    return False


def _read_file(path: str, data: bytes) -> Source:
    """Parse a file by its path below an entry of sys.path."""
    dotted = path.removesuffix(".py").replace("/", ".")
    is_package = dotted.rpartition(".")[2] == "__init__"
    return read_source(data, is_package=is_package, module=dotted.removesuffix(".__init__"))
