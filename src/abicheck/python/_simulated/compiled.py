"""Modules without a source: what opening them does, and what their code may import.

The authorities are `_PyImport_LoadDynamicModule` (`Python/importdl.c`) and
`_classify_pyc` (`Lib/importlib/_bootstrap_external.py`) of CPython 3.13.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Final

from abicheck.python._simulated.machine import Machine, Task
from abicheck.python._simulated.raising import DiedError, GaveUpError, RaisedError
from abicheck.python._simulated.values import Module
from abicheck.python.finder import FoundKind, find

# What every module that cffi has generated imports, wherever it comes from.
_CFFI: Final = "_cffi_backend"

# Extensions of the standard library that a build of CPython may lack.
_OPTIONAL: Final = ("_bz2", "_curses", "_dbm", "_gdbm", "_lzma", "_sqlite3", "_tkinter")


class Compiled(Machine):
    """The part of a process that loads extensions and bytecode."""

    def entries(self, owner: Module | None) -> tuple[list[str], bool]:
        """Return where submodules of `owner` are sought, and whether that is all."""
        items = self.path.items if owner is None else owner.search
        known = [item for item in items or () if isinstance(item, str)]
        return known, items is not None and len(known) == len(items)

    def import_mentioned(self, module: Module) -> Task:
        """Import what an extension's init function imports, as far as that can be seen.

        Cython's `cimport`, the C API of numpy and cffi name the compiled
        module that they take functions from as a plain string.  Sources that
        are named so may be imported later or never; those are left alone.
        """
        for name in self.setting.mentions(module.file):
            if name in self.modules or module.name.startswith(f"{name}."):
                continue
            if name == _CFFI or self._is_compiled(name):
                yield self.load(name)
        return None

    def doubt_what_it_names(self, module: Module) -> None:
        """Note the failures of what an extension's init function may import.

        Compiled code imports by strings of its own, at once or when a function
        is called: that a sibling cannot be imported now is only a doubt.  Of
        one that a source imports its author has made sure that it can be.
        """
        for name in self._named_by(module):
            trial = self.fork()
            try:
                trial.run(trial.load(name))
            except (RaisedError, DiedError) as error:
                self.doubt(error)
            except GaveUpError:
                pass  # it tells nothing about this module

    def _named_by(self, module: Module) -> Iterator[str]:
        """Yield the modules not yet loaded that the strings of an extension name."""
        words = self.setting.words(module.file)
        if not words:
            return
        for name in _OPTIONAL:
            if b"\0%b\0" % name.encode() in words and name not in self.modules:
                yield name
        if self.frames:
            return
        package = module.name.rpartition(".")[0]
        # Cython packs its strings without a gap, and its own name may begin like another.
        others = words.replace(module.name.encode(), b"")
        if not package or package.encode() not in others:
            return
        for child in sorted(self.world.tree.children(posixpath.dirname(module.file))):
            name = f"{package}.{child.removesuffix('.py')}"
            if child.endswith(".py") and name not in self.modules and name.encode() in others:
                yield name

    def _is_compiled(self, name: str) -> bool:
        """Whether the artifact has a module only as a shared object, of whatever tag."""
        *parents, tail = name.split(".")
        entries, _ = self.entries(None)
        folders = ["/".join((entry, *parents)) for entry in entries]
        found = find(self.world.tree, tail, folders, self.world.interpreter)
        if found is not None and found.kind is not FoundKind.NAMESPACE:
            return found.kind is FoundKind.EXTENSION
        return any(
            child.startswith(f"{tail}.") and child.endswith((".so", ".pyd"))
            for folder in folders
            for child in self.world.tree.children(folder)
        )

    def open_extension(self, module: Module) -> None:
        failure = self.setting.loads.extension(
            module.file, module.name, tuple(self.opened), self.everywhere
        )
        if failure is None and module.file in self.opened:
            # Under another name its init function runs again, in a process that it has changed.
            text = f"{module.file} has been imported by another name"
            self.doubt(self.failed(text, "ImportError", name=module.name, path=module.file))
        if failure is not None:
            self.fail(failure, "ImportError", module.file, name=module.name, path=module.file)
        self.mark_opened(module.file, self.dlopen_flags)

    def check_magic(self, module: Module) -> None:
        """Mirror `_classify_pyc`: bytecode of another release is refused by its first bytes."""
        magic = (self.setting.head(module.file) or b"")[:4]
        own = self.world.interpreter.magic
        if magic and own and magic != own:
            text = f"bad magic number in {module.name!r}: {magic!r}"
            raise self.failed(text, "ImportError", name=module.name, path=module.file)
