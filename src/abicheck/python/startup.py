"""What is in sys.modules before any code of a function runs."""

from __future__ import annotations

from typing import Final

from abicheck.filesystem import Tree
from abicheck.model import Interpreter

# Frozen or imported before any code of the artifact runs, besides the built-in ones.
_STARTUP: Final = frozenset(
    (
        "_collections_abc", "_sitebuiltins", "_weakrefset", "abc", "codecs", "encodings",
        "genericpath", "importlib", "io", "ntpath", "os", "posixpath", "site", "stat", "zipimport",
    )
)  # fmt: skip

# What is in sys.modules before /var/task is on sys.path: `import awslambdaric.__main__`, release
# 4.2.2, was run on each CPython.  Some releases import more, the last of them first.
_BOOTSTRAP: Final = frozenset(
    (
        "__future__", "_decimal", "_json", "atexit", "awslambdaric", "collections", "copyreg",
        "decimal", "enum", "functools", "itertools", "json", "keyword", "linecache", "logging",
        "math", "numbers", "operator", "re", "reprlib", "runtime_client", "simplejson", "string",
        "threading", "traceback", "types", "warnings", "weakref",
    )
)  # fmt: skip
_BOOTSTRAP_SOME: Final = (
    ((3, 9), (3, 9), frozenset(("_bootlocale", "heapq"))),
    ((3, 9), (3, 10), frozenset(("_locale", "sre_compile", "sre_constants", "sre_parse"))),
    ((3, 9), (3, 12), frozenset(("token", "tokenize"))),
    ((3, 11), (3, 99), frozenset(("contextlib", "textwrap"))),
    ((3, 13), (3, 99), frozenset(("_colorize",))),
)
_BOOTSTRAP_FILE: Final = "/var/runtime/bootstrap.py"


def loaded_before(interpreter: Interpreter, tree: Tree) -> frozenset[str]:
    """Return the top-level modules that no file hides: built in, frozen, or imported before.

    Lambda's bootstrap has imported its client, and all that this one needs,
    before it puts /var/task on sys.path; its file tells it in an image.
    """
    known = interpreter.builtin | _STARTUP
    if "awslambdaric" not in interpreter.shipped and not tree.is_file(_BOOTSTRAP_FILE):
        return known
    some = (names for first, last, names in _BOOTSTRAP_SOME if first <= interpreter.version <= last)
    return known.union(_BOOTSTRAP, *some)
