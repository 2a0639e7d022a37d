"""Modules without a source: what opening them does, and what their code may import.

The authorities are `_PyImport_LoadDynamicModule` (`Python/importdl.c`) and
`_classify_pyc` (`Lib/importlib/_bootstrap_external.py`) of CPython 3.13.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from abicheck.python._simulated.machine import Machine, Task
from abicheck.python._simulated.raising import (
    DiedError,
    GaveUpError,
    RaisedError,
    failure_of,
    is_circular,
)
from abicheck.python._simulated.values import ExceptionValue, Module, ModuleKind
from abicheck.python.finder import FoundKind, find

# What every module that cffi has generated imports, wherever it comes from.
_CFFI: Final = "_cffi_backend"

# The module that holds the code of all that mypyc has compiled together ends so.
_MYPYC: Final = "__mypyc"

# A name that every module compiled by Cython asks for, and names in the strings of such.
_CYTHON: Final = b"cython_runtime\0"
_DOTTED: Final = re.compile(rb"\0([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)(?=\0)")

# The module behind numpy's C API, now and before 2.0, and what imports it for Cython.
_NUMPY_API: Final = ("numpy._core._multiarray_umath", "numpy.core._multiarray_umath")
_IMPORT_ARRAY: Final = "numpy.import_array"
_NO_ARRAY: Final = "numpy._core.multiarray failed to import"

_IMPORT_ERROR: Final = ExceptionValue("ImportError")

# Extensions of the standard library that a build of CPython may lack.
_OPTIONAL: Final = ("_bz2", "_curses", "_dbm", "_gdbm", "_lzma", "_sqlite3", "_tkinter")


def _is_directive(name: str) -> bool:
    """Whether a module is there for Cython's compiler alone, to which it speaks."""
    return name == "cython" or name.startswith("cython.")


class Compiled(Machine):
    """The part of a process that loads extensions and bytecode."""

    def entries(self, owner: Module | None) -> tuple[list[str], bool]:
        """Return where submodules of `owner` are sought, and whether that is all."""
        items = self.path.items if owner is None else owner.search
        known = [item for item in items or () if isinstance(item, str)]
        whole = items is not None and len(known) == len(items)
        return known, whole and not any(map(self._is_filled_later, known))

    def _is_filled_later(self, entry: str) -> bool:
        """Whether a folder is one in which the function itself puts what is imported from it.

        serverless-python-requirements unpacks an archive there.  A target may as well have its
        task root below /tmp: what is there already, or was searched from the start, is known.
        """
        if entry != "/tmp" and not entry.startswith("/tmp/"):  # noqa: S108 - the target's, not ours
            return False
        world = self.world
        return not world.tree.is_dir(entry) and entry not in map(str, world.interpreter.path)

    def import_mentioned(self, module: Module) -> Task:
        """Import what an extension's init function imports, as far as that can be seen.

        Cython's `cimport`, the C API of numpy and cffi name the compiled
        module that they take functions from as a plain string.  Sources that
        are named so may be imported later or never; those are left alone.
        """
        named = self._cimported(module.file)
        for name in (*self.setting.mentions(module.file), *named):
            if name in self.modules or module.name.startswith(f"{name}."):
                continue
            if name == module.name.rpartition(".")[2]:
                continue  # a copy of cffi's backend within a package names itself
            is_known = name == _CFFI or name.endswith(_MYPYC)
            if not is_known and not self._is_compiled(name, module.file):
                continue
            try:
                yield self.load(name)
            except RaisedError as error:
                if name not in _NUMPY_API or _IMPORT_ARRAY not in named:
                    raise
                raise self._without_numpy(module, error) from error
        return None

    def is_compiled_away(self, name: str) -> bool:
        """Whether an import stands in a source that Cython has compiled, and is none there."""
        inside = bool(self.frames) and self.frames[-1].module.kind is ModuleKind.EXTENSION
        return inside and _is_directive(name)

    def run_original(self, module: Module) -> Task:
        """Run the source that a compiled module was made from, where that lies beside it.

        The compiled code does the same, but for what is said of names that another module does
        not have: Cython's `__Pyx_ImportFrom` has words of its own, and mypyc looks them up later.
        """
        source = self._source_beside(module.file)
        if not self._is_compiled_from(module, source):
            return None
        before = frozenset(self.modules)
        try:
            yield self.run_source(module, source)
        except RaisedError as error:
            if error.is_own:
                return None
            name = error.value.attributes.get("name_from")
            here = self.relative(source)
            if not isinstance(name, str) or [site.path for site in error.value.via[-1:]] != [here]:
                raise
            if _CYTHON in self.setting.words(module.file) and is_circular(error.value):
                return None  # a compiled type is there before its module's first statement runs
            if _CYTHON in self.setting.words(module.file):
                text = f"cannot import name {name}"
                failure = replace(failure_of(error.value), message=text)
                raise RaisedError(
                    ExceptionValue("ImportError", (text,), {}, failure, error.value.via)
                ) from error
            self.doubt(error)
        finally:
            # The compiler has taken these imports out.
            for name in [name for name in self.modules if name not in before]:
                if _is_directive(name) and self.modules[name].kind is ModuleKind.ASSUMED:
                    del self.modules[name]
        return None

    def _source_beside(self, file: str) -> str:
        """Return where the source of an extension would lie."""
        suffixes = self.world.interpreter.suffixes
        suffix = next((suffix for suffix in suffixes if file.endswith(suffix)), "")
        return f"{file.removesuffix(suffix)}.py"

    def _is_compiled_from(self, module: Module, source: str) -> bool:
        """Whether a source is the one that an extension was compiled from."""
        if not self.world.tree.is_file(source):
            return False
        words = self.setting.words(module.file)
        if _CYTHON in words:
            return b"%b\0" % posixpath.basename(source).encode() in words
        return any(name.endswith(_MYPYC) for name in self.setting.mentions(module.file))

    def is_registered(self, name: str, entries: Sequence[str]) -> bool:
        """Whether an extension that has been loaded may have put a module into `sys.modules`.

        One written in C, C++ or Rust that has submodules of its own does so by the full name,
        and a stub may tell of them.  What there is a file of, if only for another target, is
        no such module; and Cython keeps names of modules for other reasons.
        """
        top, tail = name.partition(".")[0], name.rpartition(".")[2]
        children = [
            child
            for entry in entries
            for child in self.world.tree.children(entry)
            if child == tail or child.startswith(f"{tail}.")
        ]
        if any(not child.endswith(".pyi") for child in children):
            return False
        loaded = (
            self.setting.words(module.file)
            for module in self.modules.values()
            if module.kind is ModuleKind.EXTENSION and module.name.partition(".")[0] == top
        )
        return any(
            _CYTHON not in words and (children or (b"modules" in words and name.encode() in words))
            for words in loaded
        )

    def _cimported(self, file: str) -> tuple[str, ...]:
        """Return what may be modules among the plain strings of one that Cython has compiled.

        In `__Pyx_modinit_type_import_code` and its like such a string is what
        `__Pyx_PyImport_ImportModule` is called with.
        """
        known = self.setting.cimports.get(file)
        if known is None:
            words = self.setting.words(file)
            found = _DOTTED.findall(words) if _CYTHON in words else ()
            names = dict.fromkeys(name.decode("ascii") for name in found)
            # A compiled `__init__` calls itself so, and nothing imports it by that name.
            known = tuple(name for name in names if not name.endswith(".__init__"))
            self.setting.cimports[file] = known
        return known

    def _without_numpy(self, module: Module, error: RaisedError) -> RaisedError:
        """Return what `import_array` of Cython's `numpy/__init__.pxd` makes of any failure."""
        old = _NO_ARRAY.replace("_core", "core")
        text = old if old.encode() in self.setting.words(module.file) else _NO_ARRAY
        failure = failure_of(error.value)
        failure = replace(failure, exception="ImportError", message=text)
        return RaisedError(ExceptionValue("ImportError", (text,), {}, failure, error.value.via))

    def doubt_what_it_names(self, module: Module) -> None:
        """Note the failures of what an extension's init function may import.

        Compiled code imports by strings of its own, at once or when a function
        is called: that a sibling cannot be imported now is only a doubt.  Of
        one that a source imports its author has made sure that it can be,
        unless the source is prepared for the contrary.
        """
        prepared = any(each.catches(_IMPORT_ERROR) is not False for each in self.tries)
        for name in self._named_by(module, prepared=prepared):
            trial = self.fork()
            try:
                trial.run(trial.load(name))
            except DiedError as error:
                self.doubt(error)
            except RaisedError as error:
                cause = error.value.cause
                if self.frames and not is_circular(error.value):
                    self.suspect(error)
                elif not self.frames and (cause is None or not self.is_left_out(cause)):
                    self.doubt(error)
            except GaveUpError:
                pass  # it tells nothing about this module

    def _named_by(self, module: Module, *, prepared: bool) -> Iterator[str]:
        """Yield the modules not yet loaded that the strings of an extension name."""
        words = self.setting.words(module.file)
        if not words:
            return
        for name in _OPTIONAL:
            if b"\0%b\0" % name.encode() in words and name not in self.modules:
                yield name
        if self.frames and not (prepared and _CYTHON in words):
            return
        package = module.name.rpartition(".")[0]
        # Cython packs its strings without a gap, and its own name may begin like another.
        others = words.replace(module.name.encode(), b"")
        # Relative imports have but the last part; a source's author knows of those.
        packages = [("", package)] if self.frames else self._packages(module)
        for child in sorted(self.world.tree.children(posixpath.dirname(module.file))):
            if not child.endswith(".py") or child == "__init__.py" or not package:
                continue
            stem = child.removesuffix(".py")
            for said, meant in packages:
                name = f"{meant}.{stem}"
                if name not in self.modules and f"{said}{stem}".encode() in others:
                    yield name

    def _packages(self, module: Module) -> list[tuple[str, str]]:
        """Return how an extension's strings may begin that name siblings, and their packages.

        One that Cython has compiled under a shorter name imports by that one,
        from a folder that its package would have to put on sys.path.
        """
        whole = module.name.rpartition(".")[0]
        names = [whole]
        names += (
            own.rpartition(".")[0]
            for own in self._cimported(module.file)
            if module.name.endswith(f".{own}")
        )
        return [(f"{name}.", name) for name in names if name]

    def _is_compiled(self, name: str, by: str) -> bool:
        """Whether the artifact has a module only as a shared object, of whatever tag.

        Or would have: one that is declared to Cython is compiled, and one may
        lie where its name does not lead.
        """
        *parents, tail = name.split(".")
        entries, _ = self.entries(None)
        folders = ["/".join((entry, *parents)) for entry in entries]
        found = find(self.world.tree, tail, folders, self.world.interpreter)
        if found is not None and found.kind is not FoundKind.NAMESPACE:
            return found.kind is FoundKind.EXTENSION
        return self._is_built(name, by) or any(
            child.startswith(f"{tail}.") and child.endswith((".so", ".pyd", ".pxd"))
            for folder in folders
            for child in self.world.tree.children(folder)
        )

    def _is_built(self, name: str, by: str) -> bool:
        """Whether another extension lies in a folder of the package's name."""
        if self.setting.built is None:
            ends = (path.rsplit("/", 2)[-2:] for path in self.setting.objects())
            self.setting.built = frozenset(
                f"{end[0]}.{end[-1].partition('.')[0]}" for end in ends if len(end) > 1
            )
        last = ".".join(name.split(".")[-2:])
        own = posixpath.basename(by).partition(".")[0]
        return last in self.setting.built and name.rpartition(".")[2] != own

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

    def has_cache(self, module: Module) -> bool:
        """Whether bytecode may stand for a source; its time and size would have to fit as well."""
        folder, name = posixpath.split(module.file)
        tag = self.world.interpreter.tag.replace("cp", "cpython-")
        cached = f"{folder}/__pycache__/{name.removesuffix('.py')}.{tag}.pyc"
        return self.world.tree.is_file(cached) and self.world.tree.may_read(cached)

    def check_mode(self, module: Module) -> None:
        """Mirror `FileLoader.get_data`, by which a file is opened that only was looked for."""
        if not self.world.tree.may_read(module.file):
            text = f"[Errno 13] Permission denied: {module.file!r}"
            raise self.failed(text, "PermissionError")

    def check_magic(self, module: Module) -> None:
        """Mirror `_classify_pyc`: bytecode of another release is refused by its first bytes."""
        magic = (self.setting.head(module.file) or b"")[:4]
        own = self.world.interpreter.magic
        if magic and own and magic != own:
            text = f"bad magic number in {module.name!r}: {magic!r}"
            raise self.failed(text, "ImportError", name=module.name, path=module.file)
