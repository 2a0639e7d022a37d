"""Where CPython's path-based finder looks for a module, and what it takes.

Pure: questions to a `Tree`.  The authority is `Lib/importlib/_bootstrap_external.py`
of the target's release; each function names the one it mirrors.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from abicheck.filesystem import Tree
from abicheck.model import Interpreter

_SOURCE_SUFFIX = ".py"
_BYTECODE_SUFFIX = ".pyc"


class FoundKind(enum.Enum):
    """Which loader the importer would give the module to."""

    EXTENSION = enum.auto()
    SOURCE = enum.auto()
    BYTECODE = enum.auto()
    NAMESPACE = enum.auto()


@dataclass(frozen=True, slots=True)
class Found:
    """What the importer takes for one name.

    `path` is the file, or empty for a namespace package.  `search` is where
    submodules are sought (`submodule_search_locations`); empty unless
    `is_package`.
    """

    kind: FoundKind
    path: str
    is_package: bool
    search: tuple[str, ...] = ()


def find(tree: Tree, name: str, search: Sequence[str], interpreter: Interpreter) -> Found | None:
    """Return what a process would import for the last component `name`, or None.

    `search` is `sys.path` for a top-level name and the parent's `__path__`
    otherwise.  Mirrors `PathFinder._get_spec`: the first entry with a module
    or a package ends the search; folders without `__init__` are collected as
    portions of a namespace package and count only if nothing else matched.
    """
    loaders = (
        *((suffix, FoundKind.EXTENSION) for suffix in interpreter.suffixes),
        (_SOURCE_SUFFIX, FoundKind.SOURCE),
        (_BYTECODE_SUFFIX, FoundKind.BYTECODE),
    )
    portions: list[str] = []
    for entry in search:
        found = _find_in(tree, name, entry, loaders)
        if found is None:
            continue
        if found.kind is not FoundKind.NAMESPACE:
            return found
        portions.extend(portion for portion in found.search if portion not in portions)
    if portions:
        return Found(FoundKind.NAMESPACE, "", is_package=True, search=tuple(portions))
    return None


def _find_in(
    tree: Tree, name: str, entry: str, loaders: Sequence[tuple[str, FoundKind]]
) -> Found | None:
    """Mirror `FileFinder.find_spec` for one directory.

    The directory listing decides, as its cache does there, so a name that
    differs in case only is not found on any file system.
    """
    listing = tree.children(entry)
    if not listing:
        return None
    base = f"{entry.rstrip('/')}/{name}"
    is_folder = name in listing and tree.is_dir(base)
    if is_folder:
        inside = tree.children(base)
        for suffix, kind in loaders:
            init = f"__init__{suffix}"
            # Asked for by name: the folder need not let itself be listed.
            if (not inside or init in inside) and tree.is_file(f"{base}/{init}"):
                return Found(kind, f"{base}/{init}", is_package=True, search=(base,))
    for suffix, kind in loaders:
        if f"{name}{suffix}" in listing and tree.is_file(f"{base}{suffix}"):
            return Found(kind, f"{base}{suffix}", is_package=False)
    if is_folder:
        return Found(FoundKind.NAMESPACE, "", is_package=True, search=(base,))
    return None
