"""The importer: how names become modules, and what is said when they do not.

The authorities are `Lib/importlib/_bootstrap.py` and `import_from` in
`Python/ceval.c` of CPython 3.13, whose texts are given word for word.  Those of
3.9 to 3.14 differ from them only where the target's version is asked for.
"""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Generator, Mapping, Sequence
from typing import Final

from abicheck.python._simulated.classes import is_a
from abicheck.python._simulated.compiled import Compiled
from abicheck.python._simulated.frames import Frame
from abicheck.python._simulated.machine import Task
from abicheck.python._simulated.questions import items_of
from abicheck.python._simulated.raising import DiedError, GaveUpError, RaisedError
from abicheck.python._simulated.values import (
    ABSENT,
    ANY,
    THING,
    ExceptionValue,
    Function,
    ListValue,
    Module,
    ModuleKind,
    Scope,
    Value,
)
from abicheck.python._simulated.world import is_absent
from abicheck.python.finder import Found, FoundKind, find
from abicheck.python.source import resolve

# What `from ctypes import *` brings that opens libraries.
_STARRED: Final = {"ctypes": ("CDLL", "PyDLL", "RTLD_GLOBAL", "cdll", "pydll")}

# Packages of the standard library that cannot be imported without one of them.
_CORES: Final = {
    "bz2": "_bz2", "curses": "_curses", "lzma": "_lzma", "sqlite3": "_sqlite3",
    "tkinter": "_tkinter", "turtle": "_tkinter",
}  # fmt: skip

# Modules that may hold more than is known, and submodules that no file shows.
_OPAQUE: Final = (ModuleKind.ASSUMED, ModuleKind.ALIAS, ModuleKind.EXTENSION)


class Importer(Compiled):
    """The part of a process that imports."""

    def load(self, name: str) -> Task:
        """Import a module and its parents; mirrors `_find_and_load_unlocked`."""
        if name in self.modules:
            return None
        parent, _, _ = name.rpartition(".")
        if parent:
            yield self.load(parent)
            if name in self.modules:
                return None
        found = self._find(name, self.modules.get(parent))
        if isinstance(found, Found):
            yield from self._execute(name, found)
        else:
            self.modules[name] = found
        return None

    # --- finding ---

    def _find(self, name: str, owner: Module | None) -> Found | Module:
        """Return what to run for a name, or the module it stands for."""
        assumed = Module(name, ModuleKind.ASSUMED, scope=Scope(open=True))
        parent, _, tail = name.rpartition(".")
        if owner is None and name in self.world.loaded_before:
            return assumed
        if self.is_compiled_away(name):
            return assumed
        if owner is not None and not owner.is_package:
            if owner.kind in _OPAQUE or owner.scope.open or self._is_hooked(name):
                return assumed
            text = f"No module named {name!r}; {parent!r} is not a package"
            raise self.failed(text, "ModuleNotFoundError", name=name)
        entries, whole = self.entries(owner)
        found = find(self.world.tree, tail, entries, self.world.interpreter)
        if found is not None:
            return assumed if owner is None and self._is_standard(name, found) else found
        if owner is None and self._is_provided(name):
            compiled = _CORES.get(name)
            if compiled is not None and compiled not in self.modules:
                self._find(compiled, None)
            return assumed
        if not whole or self._is_hooked(name) or self._is_elsewhere(owner):
            return assumed
        if owner is not None and self.is_registered(name, entries):
            return assumed
        text = f"No module named {name!r}"
        raise self.failed(text, "ModuleNotFoundError", name=name)

    def _is_provided(self, name: str) -> bool:
        if self.world.provides(name):
            return True
        # setuptools' `.pth` file brings distutils back.
        if name not in ("distutils", "_distutils_hack"):
            return False
        entries, _ = self.entries(None)
        return find(self.world.tree, "setuptools", entries, self.world.interpreter) is not None

    def _is_standard(self, name: str, found: Found) -> bool:
        """Whether what was found in an image is the standard library's own."""
        if name not in self.world.interpreter.stdlib:
            return False
        folder = posixpath.dirname(found.search[0] if found.is_package else found.path)
        # The landmark of Modules/getpath.py, and its folder for extension modules.
        is_extension = posixpath.basename(folder) == "lib-dynload"
        return is_extension or "os.py" in self.world.tree.children(folder)

    def _is_elsewhere(self, owner: Module | None) -> bool:
        """Whether what the tree lacks may come from a distribution that is not in it."""
        if not self.setting.assume_missing_installed:
            return False
        return owner is None or owner.kind is ModuleKind.NAMESPACE

    def _is_hooked(self, name: str) -> bool:
        """Whether the package has import hooks of its own, as six has for `six.moves`."""
        top = name.partition(".")[0]
        return any(
            module.hooked
            for other, module in self.modules.items()
            if other == top or other.startswith(f"{top}.")
        )

    # --- loading ---

    def _execute(self, name: str, found: Found) -> Task:
        """Create a module and run it; mirrors `_load_unlocked`."""
        module = _new_module(name, found)
        if found.kind is FoundKind.EXTENSION:
            self.open_extension(module)
        elif found.kind is FoundKind.BYTECODE:
            self.check_mode(module)
            self.check_magic(module)
        elif found.kind is FoundKind.SOURCE and not self.has_cache(module):
            self.check_mode(module)
        self.modules[name] = module
        try:
            if found.kind is FoundKind.EXTENSION:
                yield from self.import_mentioned(module)
                yield from self.run_original(module)
                self.doubt_what_it_names(module)
            elif found.kind is not FoundKind.NAMESPACE:
                yield from self.run_module(module)
        except RaisedError:
            self.modules.pop(name, None)
            raise
        module.initializing = False
        return None

    # --- import statements ---

    def import_statement(self, frame: Frame, node: ast.Import) -> Task:
        """Run `import a.b as c`."""
        for alias in node.names:
            yield self.load(alias.name)
            name = alias.name if alias.asname else alias.name.partition(".")[0]
            frame.bind(alias.asname or name, self.modules.get(name, ANY))
        return None

    def from_statement(self, frame: Frame, node: ast.ImportFrom) -> Task:
        """Run `from a.b import c as d`."""
        name = self._resolved(frame, node.module or "", node.level)
        yield self.load(name)
        module = self.modules.get(name)
        if module is None:  # removed by hand
            module = Module(name, ModuleKind.ALIAS, scope=Scope(open=True))
        if node.names[0].name == "*":
            yield self._star(frame, module)
            return None
        lazy: dict[str, Value] = {}
        for alias in node.names:
            yield self._from_list(module, alias.name, lazy)
        for alias in node.names:
            value = lazy.get(alias.name, ABSENT)
            value = self._import_from(module, alias.name) if value is ABSENT else value
            frame.bind(alias.asname or alias.name, value)
        return None

    def _resolved(self, frame: Frame, name: str, level: int) -> str:
        """Mirror `importlib._bootstrap._sanity_check` and `_resolve_name`."""
        package = frame.module.scope.names.get("__package__")
        if not isinstance(package, str):
            package = frame.module.package
        if level and not package:
            text = "attempted relative import with no known parent package"
            raise self.failed(text, "ImportError")
        absolute = resolve(name, level, package)
        if absolute is None:
            text = "attempted relative import beyond top-level package"
            raise self.failed(text, "ImportError")
        return absolute

    def _from_list(self, module: Module, name: str, lazy: dict[str, Value]) -> Task:
        """Import a submodule that is asked for by name; mirrors `_handle_fromlist`.

        What the module's own `__getattr__` gives is left in `lazy`.
        """
        child = f"{module.name}.{name}"
        if not module.is_package or name in module.scope.names or child in self.modules:
            return None
        value = self._dynamic(module, name)
        if value is not ABSENT:
            lazy[name] = value
            return None
        if module.scope.open or name in module.rebound:
            entries, _ = self.entries(module)
            if find(self.world.tree, name, entries, self.world.interpreter) is None:
                return None
        try:
            yield self.load(child)
        except RaisedError as error:
            missing = is_a(error.value, "ModuleNotFoundError")
            asked = error.value.attributes.get("name") == child
            if not missing or not asked or child in self.halted:
                raise
        return None

    def _dynamic(self, module: Module, name: str) -> Value:
        """Return what the module's own `__getattr__` gives (PEP 562), or `ABSENT`."""
        getter = module.scope.names.get("__getattr__", ABSENT)
        if getter is ABSENT:
            return ABSENT
        if not isinstance(getter, Function) or name.startswith("__"):
            return ANY
        try:
            return self.call(getter, (name,), {}, self.frames[-1] if self.frames else None)
        except RaisedError as error:
            if is_a(error.value, "AttributeError"):
                return ABSENT
            if error.value.args == (ANY,) and error.is_own:
                return ANY  # what is raised is not known
            raise

    def _import_from(self, module: Module, name: str) -> Value:
        """Return a name taken from a module; mirrors `import_from` in `Python/ceval.c`."""
        value = self.module_attribute(module, name)
        # While its init function runs, an extension has nothing yet that can be relied on.
        unborn = module.kind is ModuleKind.EXTENSION and module.initializing
        if value is not ABSENT and not (unborn and value is ANY):
            return value
        if name in module.rebound:
            return ANY
        is_namespace = module.kind is ModuleKind.NAMESPACE
        origin = "unknown location" if is_namespace else module.file
        text = f"cannot import name {name!r} from {module.name!r} ({origin})"
        if module.initializing and not is_namespace:
            if not all(frame.certain for frame in self.frames):
                return ANY  # in another order of events the name is bound by then
            text = (
                f"cannot import name {name!r} from partially initialized module {module.name!r} "
                f"(most likely due to a circular import) ({origin})"
            )
        circular = module.initializing and not is_namespace
        raise self.failed(text, "ImportError", name=module.name, name_from=name, circular=circular)

    def can_import_from(self, module: str, name: str) -> bool:
        """Whether `from module import name` would be fulfilled, the module being imported."""
        owner = self.modules.get(module)
        if owner is None:
            return True
        lazy: dict[str, Value] = {}
        try:
            self.run(self._from_list(owner, name, lazy))
            if name not in lazy:
                self._import_from(owner, name)
        except (RaisedError, DiedError, GaveUpError):
            return False
        return True

    def module_attribute(self, module: Module, name: str) -> Value:
        """Return an attribute of a module; `ABSENT` if it certainly has none."""
        value = module.scope.get(name)
        if value is not ABSENT:
            return value
        full = f"{module.name}.{name}"
        child = self.modules.get(full)
        if child is not None:
            return child
        if module.kind is ModuleKind.ASSUMED:
            return ABSENT if is_absent(full) else self.known(full)
        if name == "__dict__":
            return module.scope
        value = self._dynamic(module, name)
        if value is not ABSENT:
            return value
        return ANY if module.scope.open else ABSENT

    def _star(self, frame: Frame, module: Module) -> Task:
        """Mirror `import_all_from` in `Python/ceval.c`."""
        listed = module.scope.names.get("__all__", ABSENT)
        names = items_of(listed)
        for name in _STARRED.get(module.name, ()):
            frame.bind(name, self.known(f"{module.name}.{name}"))
        if names is not None:
            yield from self._star_listed(frame, module, names)
            return None
        frame.scope.open = frame.scope.open or module.scope.open or listed is not ABSENT
        prefix = f"{module.name}."
        for full, child in self.modules.items():
            name = full.removeprefix(prefix)
            if full.startswith(prefix) and "." not in name and not name.startswith("_"):
                frame.bind(name, child)
        for name, value in list(module.scope.names.items()):
            if not name.startswith("_"):
                sure = frame.sure and name not in module.scope.maybe
                frame.scope.bind(name, value, sure=sure)
        return None

    def _star_listed(
        self, frame: Frame, module: Module, names: Sequence[Value]
    ) -> Generator[Task, None, None]:
        lazy: dict[str, Value] = {}
        for name in names:
            if not isinstance(name, str):
                frame.scope.open = True
                continue
            yield self._from_list(module, name, lazy)
            value = lazy.get(name, ABSENT)
            value = self.module_attribute(module, name) if value is ABSENT else value
            if value is ABSENT and name not in module.rebound:
                raise self._lacking(module, name)
            frame.bind(name, ANY if value is ABSENT else value)

    def _lacking(self, module: Module, name: str) -> RaisedError:
        """Mirror `_Py_module_getattro_impl` in `Objects/moduleobject.c`."""
        if not module.initializing or module.kind is ModuleKind.NAMESPACE:
            text = f"module {module.name!r} has no attribute {name!r}"
            return self.failed(text, "AttributeError", name=name)
        origin = f" from {module.file!r}" if self.world.interpreter.version >= (3, 13) else ""
        text = (
            f"partially initialized module {module.name!r}{origin} has no attribute {name!r} "
            "(most likely due to a circular import)"
        )
        return self.failed(text, "AttributeError", name=name, circular=True)

    # --- imports by call ---

    def import_by_name(self, name: Value, package: Value, *, top: bool) -> Value:
        """Mirror `importlib.import_module`, or `__import__` if `top`."""
        if not isinstance(name, str) or not name:
            return ANY
        tail = name.lstrip(".")
        level = len(name) - len(tail)
        if level and not isinstance(package, str):
            return ANY
        absolute = resolve(tail, level, package if isinstance(package, str) else "")
        if absolute is None:
            text = "attempted relative import beyond top-level package"
            raise self.failed(text, "ImportError")
        self.run(self.load(absolute))
        wanted = absolute.partition(".")[0] if top and not level else absolute
        return self.modules.get(wanted, ANY)

    def find_spec(self, name: Value) -> Value:
        """Mirror `importlib.util.find_spec`, whose result is only asked whether it is None."""
        if not isinstance(name, str) or name.startswith("."):
            return ANY
        if name in self.modules:
            return THING
        parent = name.rpartition(".")[0]
        if parent:
            self.run(self.load(parent))
        try:
            found = self._find(name, self.modules.get(parent))
        except RaisedError:
            return None
        sure = isinstance(found, Found) or (not parent and self.world.provides(name))
        return THING if sure else ANY

    def is_loaded(self, name: str) -> bool | None:
        """Whether `name in sys.modules`; None where it is not known.

        What the bootstrap has imported is not, nor what is not in the tree.
        """
        if name in self.modules or name in self.halted:
            return True
        if self.world.provides(name.partition(".")[0]) or self.setting.assume_missing_installed:
            return None
        return False

    def is_left_out(self, value: ExceptionValue) -> bool:
        """Whether something is missing of which the artifact has no trace, either.

        What is imported under a condition that cannot be known, and was never
        packaged, is optional: the condition will not hold.
        """
        name = value.attributes.get("name")
        asked = value.attributes.get("name_from")
        if not isinstance(name, str):
            return False
        if isinstance(asked, str):
            parent, tail = name, asked
        elif is_a(value, "ModuleNotFoundError"):
            parent, _, tail = name.rpartition(".")
        else:
            return False
        owner = self.modules.get(parent)
        entries, _ = self.entries(owner)
        # Modules lie in the folder of a package that has lost its `__init__`.
        is_namespace = owner is not None and owner.kind is ModuleKind.NAMESPACE
        was_package = isinstance(asked, str) and is_namespace
        return not any(
            child == tail or child.startswith(f"{tail}.") or (was_package and child.endswith(".py"))
            for entry in entries
            for child in self.world.tree.children(entry)
        )


def _new_module(name: str, found: Found) -> Module:
    """Mirror `module_from_spec`."""
    package = name if found.is_package else name.rpartition(".")[0]
    names: dict[str, Value] = {
        "__name__": name,
        "__doc__": ANY,
        "__package__": package,
        "__loader__": THING,
        "__spec__": THING,
    }
    if found.is_package:
        names["__path__"] = ListValue([*found.search])
    if found.path:
        names["__file__"] = found.path
    kinds: Mapping[FoundKind, ModuleKind] = {
        FoundKind.EXTENSION: ModuleKind.EXTENSION,
        FoundKind.NAMESPACE: ModuleKind.NAMESPACE,
    }
    kind = kinds.get(found.kind, ModuleKind.SOURCE)
    scope = Scope(names, open=kind is ModuleKind.EXTENSION)
    return Module(name, kind, found.path, scope, package, initializing=True)
