"""Which modules a handler can come to, imports inside functions included."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from typing import Final

from abicheck.filesystem import Tree
from abicheck.model import Interpreter
from abicheck.python.finder import Found, FoundKind, find
from abicheck.python.source import Source, references

# An import by a name that is no literal; then anything of the package may be meant.
_DYNAMIC: Final = re.compile(rb"\b(?:import_module|__import__)\(\s*(?![\"'\s])")


class Reach:
    """What importing one module and calling what it has can lead to.

    Errs on the side of reaching: from an import by a computed name on, and
    from an extension on (compiled code imports unseen), the whole top-level
    package counts.  `sources` gives a file's bytes, and `read` its statements, by its
    path, its module's name, and whether it is a package.
    """

    def __init__(
        self,
        module: str,
        tree: Tree,
        sources: Callable[[str], bytes | None],
        interpreter: Interpreter,
        read: Callable[[str, str, bool], Source],
    ) -> None:
        self._tree = tree
        self._sources = sources
        self._parse = read
        self._interpreter = interpreter
        self._path = tuple(map(str, interpreter.path))
        self._found: dict[str, Found | None] = {}
        self._modules: set[str] = set()
        self._whole: set[str] = set()
        self._todo = [module]
        while self._todo:
            self._visit(self._todo.pop())

    def covers(self, module: str) -> bool:
        """Whether a module, by its dotted name, can be reached."""
        return module in self._modules or module.partition(".")[0] in self._whole

    def covers_package(self, name: str) -> bool:
        """Whether anything below a top-level name can be reached."""
        return name in self._modules

    def _visit(self, name: str) -> None:
        if name in self._modules:
            return
        # Also what is asked for and not there: it may be there under another name.
        self._modules.add(name)
        parent, _, _ = name.rpartition(".")
        if parent:
            self._todo.append(parent)
        found = self._locate(name)
        if found is None:
            return
        if found.kind is FoundKind.SOURCE:
            self._read(name, found)
        elif found.kind is not FoundKind.NAMESPACE:
            self._take_whole(name)

    def _read(self, name: str, found: Found) -> None:
        data = self._sources(found.path) or b""
        source = self._parse(found.path, name, found.is_package)
        if source.unreadable is not None or _DYNAMIC.search(data):
            self._take_whole(name)
        for reference in references(source, self._interpreter.version):
            if reference.never:
                continue
            self._todo.append(reference.module)
            self._todo += (f"{reference.module}.{each}" for each in reference.names)

    def _take_whole(self, name: str) -> None:
        """Count everything of the module's top-level package as reached."""
        top = name.partition(".")[0]
        if top in self._whole:
            return
        self._whole.add(top)
        found = self._locate(top)
        for folder in found.search if found is not None else ():
            self._walk(folder, top)

    def _walk(self, folder: str, package: str) -> None:
        for child in sorted(self._tree.children(folder)):
            stem = child.partition(".")[0]
            if stem.isidentifier() and stem != "__init__":  # which is the package itself
                self._todo.append(f"{package}.{stem}")
                if stem == child and self._tree.is_dir(posixpath.join(folder, child)):
                    self._walk(posixpath.join(folder, child), f"{package}.{stem}")

    def _locate(self, name: str) -> Found | None:
        if name not in self._found:
            parent, _, tail = name.rpartition(".")
            above = self._locate(parent) if parent else None
            search = self._path if not parent else above.search if above is not None else ()
            self._found[name] = find(self._tree, tail, search, self._interpreter)
        return self._found[name]
