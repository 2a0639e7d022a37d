"""Files that the importer never comes to: another entry of sys.path has their package first."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Callable
from typing import Final

from abicheck.filesystem import Tree
from abicheck.model import Interpreter
from abicheck.python.finder import Found, FoundKind, find

# pkgutil.extend_path, pkg_resources.declare_namespace, or an assignment: a package that
# looks for its parts elsewhere too.
_EXTENDS: Final = re.compile(rb"__path__|declare_namespace")


class Shadows:
    """Which files of a tree stand behind others of the same dotted name.

    `sources` gives the bytes of a Python file by its target path.  A package
    that changes its `__path__` shadows nothing here: where it then looks is for
    the simulated import to tell.
    """

    def __init__(
        self, tree: Tree, interpreter: Interpreter, sources: Callable[[str], bytes | None]
    ) -> None:
        self._tree = tree
        self._interpreter = interpreter
        self._sources = sources
        self._path = tuple(map(str, interpreter.path))
        self._entries = sorted(self._path, key=len, reverse=True)
        names = Counter(
            top
            for entry in dict.fromkeys(self._path)
            for top in {name.partition(".")[0] for name in tree.children(entry)}
        )
        self._twice = frozenset(name for name, count in names.items() if count > 1)
        self._known: dict[str, tuple[str | None, tuple[str, ...]]] = {}

    def over(self, path: str) -> str | None:
        """Return the file that the importer takes instead of the one at `path`, or None.

        Follows `PathFinder.find_spec` from sys.path down to the file's folder.
        """
        if not self._twice:
            return None
        entry = next((e for e in self._entries if path.startswith(f"{e}/")), None)
        if entry is None:
            return None
        *packages, name = path[len(entry) + 1 :].split("/")
        if (packages[0] if packages else name.partition(".")[0]) not in self._twice:
            return None
        folder = posixpath.dirname(path)
        shadow, search = self._search(folder, entry)
        if shadow is not None or name.startswith("__init__."):
            return shadow
        found = find(self._tree, name.partition(".")[0], search, self._interpreter)
        if found is None or found.kind is FoundKind.NAMESPACE:
            return None
        home = posixpath.dirname(found.search[0] if found.is_package else found.path)
        return found.path if home != folder else None

    def _search(self, folder: str, entry: str) -> tuple[str | None, tuple[str, ...]]:
        """Return what stands before a package's folder, and where its modules are sought."""
        if folder == entry:
            return None, self._path
        known = self._known.get(folder)
        if known is None:
            known = self._known[folder] = self._search_anew(folder, entry)
        return known

    def _search_anew(self, folder: str, entry: str) -> tuple[str | None, tuple[str, ...]]:
        shadow, search = self._search(posixpath.dirname(folder), entry)
        if shadow is not None:
            return shadow, ()
        found = find(self._tree, posixpath.basename(folder), search, self._interpreter)
        if found is None or folder in found.search:
            return None, found.search if found is not None else (folder,)
        if self._extends(found):
            return None, (*found.search, folder)
        return found.path, ()

    def _extends(self, found: Found) -> bool:
        return _EXTENDS.search(self._sources(found.path) or b"") is not None
