"""Calls of anything but the artifact's own functions."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, TypeAlias

from abicheck.python._simulated import builtin, texts
from abicheck.python._simulated.assignments import Assignments
from abicheck.python._simulated.attributes import Attributes
from abicheck.python._simulated.classes import (
    catches,
    class_name,
    is_plain,
    is_subclass,
    lookup_in_class,
)
from abicheck.python._simulated.expressions import MAX_LOOP, Expressions
from abicheck.python._simulated.frames import Frame
from abicheck.python._simulated.metadata import has_metadata
from abicheck.python._simulated.questions import is_ordered, items_of, truth
from abicheck.python._simulated.raising import RaisedError
from abicheck.python._simulated.values import (
    ABSENT,
    ANY,
    ClassValue,
    DictValue,
    ExceptionValue,
    FileValue,
    Function,
    Instance,
    Known,
    ListValue,
    Method,
    Module,
    PathValue,
    Scope,
    Super,
    Value,
)

Args: TypeAlias = Sequence[Value]
Kwargs: TypeAlias = Mapping[str, Value]


class Calls(Expressions, Attributes, Assignments):
    """The part of a process that calls."""

    def call_expression(self, frame: Frame, node: ast.Call) -> Value:
        """Evaluate `function(*args, **kwargs)`."""
        function = self.evaluate(frame, node.func)
        args = self.several(frame, node.args)
        kwargs: dict[str, Value] = {}
        whole = args is not None
        for keyword in node.keywords:
            value = self.evaluate(frame, keyword.value)
            if keyword.arg is not None:
                kwargs[keyword.arg] = value
            elif isinstance(value, DictValue) and value.items is not None:
                kwargs.update({str(key): each for key, each in value.items.items()})
            else:
                whole = False
        frame.line = node.lineno
        if not whole:
            self.expose((*(args or ()), *kwargs.values()))
            return ANY
        return self.invoke(frame, function, args or (), kwargs)

    def invoke(self, frame: Frame, function: Value, args: Args, kwargs: Kwargs) -> Value:
        """Return what calling a value gives."""
        if isinstance(function, Function):
            return self.call(function, args, kwargs, frame)
        if isinstance(function, Method):
            return self._method(frame, function, args, kwargs)
        if isinstance(function, Known):
            return self._known(frame, function.name, args, kwargs)
        if isinstance(function, ClassValue):
            return self._instantiate(frame, function, args, kwargs)
        self.expose((*args, *kwargs.values()))
        return ANY

    def expose(self, values: Sequence[Value]) -> None:
        """Forget what a function that is not followed may have changed, and what that holds."""
        todo = list(values)
        seen: set[int] = set()
        while todo:
            value = todo.pop()
            if isinstance(value, ListValue | DictValue):
                value.items = None
            elif isinstance(value, Scope):
                value.open = True
            elif isinstance(value, Module) and value.initializing:
                value.scope.open = True
            elif isinstance(value, Instance) and id(value) not in seen:
                seen.add(id(value))
                value.scope.open = True
                todo += value.scope.names.values()

    def _method(self, frame: Frame, method: Method, args: Args, kwargs: Kwargs) -> Value:
        # cffi's FFI.dlopen, whoever wraps it: nothing else has a method of that name.
        if method.name == "dlopen":
            interpreted = isinstance(method.receiver, Instance)
            return self.open_by_cffi(*(*args, None, 0)[:2], interpreted=interpreted)
        receiver = method.receiver
        if method.function is not None:
            return self.call(method.function, (receiver, *args), kwargs, frame)
        if isinstance(receiver, FileValue):
            return receiver if method.name in ("read", "__enter__") else ANY
        if isinstance(receiver, Scope):
            return self._scope_method(frame, receiver, method.name, args, kwargs)
        if isinstance(receiver, ListValue | DictValue):
            if method.name not in texts.READING and not frame.owns(receiver):
                receiver.items = None  # changed, or perhaps not
                return ANY
        elif not isinstance(receiver, str | bytes | tuple | PathValue):
            self.expose((*args, *kwargs.values()))
            return ANY
        return texts.call_method(receiver, method.name, args, kwargs, self.world)

    def _scope_method(
        self, frame: Frame, scope: Scope, name: str, args: Args, kwargs: Kwargs
    ) -> Value:
        if name == "copy":
            return Scope(dict(scope.names), set(scope.maybe), scope.open)
        if name == "get" and args and isinstance(args[0], str):
            value = scope.get(args[0])
            return ANY if value is ABSENT else value
        if name in ("update", "setdefault"):
            given = args[0] if args else DictValue({})
            items = given.items if isinstance(given, DictValue) and name == "update" else None
            scope.open = scope.open or items is None
            for key, value in (*(items or {}).items(), *kwargs.items()):
                self.bind_in(frame, scope, key, value)
        return ANY

    def _instantiate(self, frame: Frame, cls: ClassValue, args: Args, kwargs: Kwargs) -> Value:
        if is_subclass(cls, "BaseException"):
            return ExceptionValue(cls, tuple(args), dict(kwargs))
        if not is_plain(cls) or lookup_in_class(cls, "__new__") is not ABSENT:
            self.expose((*args, *kwargs.values()))
            return ANY
        instance = Instance(cls)
        init = lookup_in_class(cls, "__init__")
        if isinstance(init, Function):
            self.call(init, (instance, *args), kwargs, frame)
        return instance

    def _known(self, frame: Frame, name: str, args: Args, kwargs: Kwargs) -> Value:
        caller = self.CALLS.get(name)
        if caller is not None:
            return caller(self, frame, args, kwargs)
        owner, _, last = name.rpartition(".")
        if last == "dlopen":
            return self.open_by_cffi(*(*args, None, 0)[:2], interpreted=False)
        if owner == "os.environ":
            return self._environ_method(frame, last, args)
        if owner == "sys.modules":
            return self._modules_method(last, args)
        if owner in ("sys.meta_path", "sys.path_hooks"):
            frame.module.hooked = True
            return None
        exception = class_name(Known(name))
        if exception is not None:
            return ExceptionValue(exception, tuple(args), dict(kwargs))
        value = builtin.call(name, args, kwargs, self.world)
        if value is ANY:
            self.expose((*args, *kwargs.values()))
        return value

    def _environ_method(self, frame: Frame, name: str, args: Args) -> Value:
        if name not in ("get", "setdefault", "pop") or not args:
            return ANY
        value = self.variable(args[0])
        given = args[1] if len(args) > 1 else None
        if name == "setdefault" and value is not ANY:
            self.set_variable(frame, args[0], given if value is None else value)
        elif name == "pop":
            self.set_variable(frame, args[0], None)
        return given if value is None else value

    def _modules_method(self, name: str, args: Args) -> Value:
        key = args[0] if args else None
        if not isinstance(key, str) or name not in ("get", "pop"):
            return ANY
        loaded = self.is_loaded(key)
        if key in self.halted:
            if name == "pop":
                self.forget(key)
            return None
        known = self.modules.get(key)
        if name == "pop":
            self.forget(key)
        if known is None and loaded is False:
            return args[1] if len(args) > 1 else None
        return ANY if known is None else known

    # --- imports ---

    def call_import_module(self, _frame: Frame, args: Args, kwargs: Kwargs) -> Value:
        """`importlib.import_module`."""
        name = _argument(args, kwargs, 0, "name")
        return self.import_by_name(name, _argument(args, kwargs, 1, "package"), top=False)

    def call_dunder_import(self, frame: Frame, args: Args, kwargs: Kwargs) -> Value:
        """`__import__`."""
        name = _argument(args, kwargs, 0, "name")
        wanted = _argument(args, kwargs, 3, "fromlist")
        level = _argument(args, kwargs, 4, "level")
        if isinstance(level, int) and isinstance(name, str):
            name = "." * min(level, 20) + name
        return self.import_by_name(name, frame.module.package, top=not truth(wanted))

    def call_spec(self, _frame: Frame, args: Args, _kwargs: Kwargs) -> Value:
        """`importlib.util.find_spec`."""
        return self.find_spec(args[0] if args else ANY)

    def call_version(self, _frame: Frame, args: Args, _kwargs: Kwargs) -> Value:
        """`importlib.metadata.version` and its kin, which need a `*.dist-info`."""
        name = args[0] if args else ANY
        entries = [item for item in self.path.items or () if isinstance(item, str)]
        unsure = self.setting.assume_missing_installed or self.path.items is None
        if not isinstance(name, str) or unsure or self.world.provides(name.replace("-", "_")):
            return ANY
        if has_metadata(self.world.tree, name, entries):
            return ANY
        # CPython 3.9 has no `PackageNotFoundError.__str__`.
        old = self.world.interpreter.version < (3, 10)
        text = name if old else f"No package metadata was found for {name}"
        raise self.failed(text, "PackageNotFoundError", name=name)

    def call_files(self, _frame: Frame, args: Args, _kwargs: Kwargs) -> Value:
        """`importlib.resources.files` and its kin: the folder of a package."""
        package = args[0] if args else ANY
        if isinstance(package, str):
            package = self.import_by_name(package, None, top=False)
        items = package.search if isinstance(package, Module) else None
        folder = items[0] if items else ANY
        if not isinstance(folder, str):
            return ANY
        return builtin.call("pathlib.Path", (folder, *args[1:]), {}, self.world)

    # --- libraries ---

    def call_library(self, _frame: Frame, args: Args, kwargs: Kwargs) -> Value:
        """`ctypes.CDLL` and its kin."""
        mode = _argument(args, kwargs, 1, "mode")
        return self.open_library(_argument(args, kwargs, 0, "name"), mode)

    def call_find_library(self, _frame: Frame, args: Args, kwargs: Kwargs) -> Value:
        """`ctypes.util.find_library`."""
        return self.find_library(_argument(args, kwargs, 0, "name"))

    def call_get_dlopen_flags(self, _frame: Frame, _args: Args, _kwargs: Kwargs) -> Value:
        """`sys.getdlopenflags`."""
        return self.dlopen_flags

    def call_set_dlopen_flags(self, _frame: Frame, args: Args, _kwargs: Kwargs) -> Value:
        """`sys.setdlopenflags`: how extensions are opened from here on."""
        self.dlopen_flags = args[0] if args else ANY
        return None

    def call_load_library(self, _frame: Frame, args: Args, kwargs: Kwargs) -> Value:
        """`numpy.ctypeslib.load_library`, where numpy itself is not in the artifact."""
        folder = _argument(args, kwargs, 1, "loader_path")
        if builtin.call("os.path.isdir", (folder,), {}, self.world) is False:
            folder = builtin.call("os.path.dirname", (folder,), {}, self.world)
        name = _argument(args, kwargs, 0, "libname")
        path = builtin.call("os.path.join", (folder, name), {}, self.world)
        if isinstance(path, str) and "." not in path.rpartition("/")[2]:
            suffixes = (self.world.interpreter.suffixes[0], ".so")
            found = [path + each for each in suffixes if self.world.tree.is_file(path + each)]
            if not found:
                text = "no file with expected extension"
                raise self.failed(text, "OSError")
            path = found[0]
        return self.open_library(path)

    # --- code and names ---

    def call_globals(self, frame: Frame, _args: Args, _kwargs: Kwargs) -> Value:
        """`globals()`."""
        return frame.module.scope

    def call_locals(self, frame: Frame, args: Args, _kwargs: Kwargs) -> Value:
        """`locals()` and `vars(owner)`."""
        if args:
            return args[0].scope if isinstance(args[0], Module | Instance) else ANY
        return frame.scope

    def call_open(self, _frame: Frame, args: Args, _kwargs: Kwargs) -> Value:
        """`open`."""
        path = args[0] if args else ANY
        path = path.text if isinstance(path, PathValue) else path
        if isinstance(path, str) and path and self.world.tree.is_file(path):
            return FileValue(path)
        return ANY

    def call_compile(self, _frame: Frame, args: Args, _kwargs: Kwargs) -> Value:
        """`compile`, of a file's text."""
        return args[0] if args and isinstance(args[0], FileValue) else ANY

    def call_exec(self, frame: Frame, args: Args, kwargs: Kwargs) -> Value:
        """`exec`, of a file's text; any other may bind any name."""
        code = args[0] if args else ANY
        scopes = [each for each in args[1:] if isinstance(each, Scope)]
        if isinstance(code, FileValue) and len(scopes) == len(args) - 1 and not kwargs:
            self.run_file(frame, code.path, scopes[-1] if scopes else frame.scope)
            return None
        self.expose((*args, *kwargs.values()))
        if not scopes:
            frame.scope.open = True
            frame.module.scope.open = True
        return ANY

    def call_hasattr(self, _frame: Frame, args: Args, _kwargs: Kwargs) -> Value:
        """`hasattr`."""
        name = args[1] if len(args) > 1 else ANY
        answer = self.has(args[0], name) if isinstance(name, str) else None
        return ANY if answer is None else answer

    def call_getattr(self, frame: Frame, args: Args, _kwargs: Kwargs) -> Value:
        """`getattr`."""
        owner, name, *default = (*args, ANY, ANY) if len(args) < 2 else args  # noqa: PLR2004
        if not isinstance(name, str):
            return ANY
        has = self.has(owner, name) if default else True
        if not has:
            return ANY if has is None else default[0]
        value = self.attribute(frame, owner, name)
        return ANY if value is ABSENT else value

    def call_setattr(self, frame: Frame, args: Args, _kwargs: Kwargs) -> Value:
        """`setattr`."""
        owner, name, value = (*args, ANY, ANY, ANY)[:3]
        if isinstance(name, str):
            self.set_attribute(frame, owner, name, value)
        elif isinstance(owner, Module | Instance | ClassValue):
            owner.scope.open = True
        return None

    def call_super(self, frame: Frame, args: Args, _kwargs: Kwargs) -> Value:
        """`super()`, with and without arguments."""
        function = frame.function
        cls: Value = None if function is None else function.owner
        receiver: Value = ANY
        if args:
            cls, receiver = args[0], args[-1]
        elif function is not None:
            spec = function.node.args
            first = (*spec.posonlyargs, *spec.args)[:1]
            receiver = frame.scope.get(first[0].arg) if first else ANY
        if isinstance(cls, ClassValue) and isinstance(receiver, Instance):
            return Super(receiver, cls)
        return ANY

    def call_isinstance(self, _frame: Frame, args: Args, _kwargs: Kwargs) -> Value:
        """`isinstance`, for exceptions and constants."""
        value, cls = (*args, ANY, ANY)[:2]
        if isinstance(value, ExceptionValue):
            answer = catches(cls, value)
            return ANY if answer is None else answer
        if not isinstance(cls, Known):
            return ANY
        if isinstance(value, DictValue):
            return cls.name == "builtins.dict"
        found = getattr(builtins, cls.name.removeprefix("builtins."), None)
        if isinstance(value, str | bytes | int | float | tuple | None) and isinstance(found, type):
            return isinstance(value, found)
        return False if isinstance(value, ListValue) and found in (dict, str, tuple) else ANY

    def call_map(self, frame: Frame, args: Args, _kwargs: Kwargs) -> Value:
        """`map`, over one iterable."""
        function, source = (*args, ANY, ANY)[:2]
        items = items_of(source)
        if items is None or len(args) != 2 or len(items) > MAX_LOOP:  # noqa: PLR2004
            return ListValue(None)
        results = [self.invoke(frame, function, (item,), {}) for item in items]
        return ListValue(results, is_ordered(source))

    def call_filter(self, frame: Frame, args: Args, _kwargs: Kwargs) -> Value:
        """`filter`."""
        function, source = (*args, ANY, ANY)[:2]
        items = items_of(source)
        if items is None or len(items) > MAX_LOOP:
            return ListValue(None)
        kept: list[Value] = []
        for item in items:
            answer = item if function is None else self.invoke(frame, function, (item,), {})
            if truth(answer) is None:
                return ListValue(None)
            if truth(answer):
                kept.append(item)
        return ListValue(kept, is_ordered(source))

    def call_next(self, _frame: Frame, args: Args, _kwargs: Kwargs) -> Value:
        """`next`, of what was just made."""
        items = items_of(args[0]) if args and is_ordered(args[0]) else None
        if items is None:
            return ANY
        if items:
            return items[0]
        if len(args) > 1:
            return args[1]
        raise RaisedError(ExceptionValue("StopIteration"))

    def call_getenv(self, frame: Frame, args: Args, kwargs: Kwargs) -> Value:
        """`os.getenv`."""
        return self._environ_method(frame, "get", (*args, *kwargs.values()))

    EVALUATORS: ClassVar[Mapping[type[ast.expr], Callable[..., Value]]] = {
        **Expressions.EVALUATORS,
        ast.Call: call_expression,
    }

    CALLS: ClassVar[Mapping[str, Callable[..., Value]]] = {
        "builtins.__import__": call_dunder_import,
        "builtins.compile": call_compile,
        "builtins.eval": call_exec,
        "builtins.exec": call_exec,
        "builtins.filter": call_filter,
        "builtins.getattr": call_getattr,
        "builtins.globals": call_globals,
        "builtins.hasattr": call_hasattr,
        "builtins.isinstance": call_isinstance,
        "builtins.locals": call_locals,
        "builtins.map": call_map,
        "builtins.next": call_next,
        "builtins.open": call_open,
        "builtins.setattr": call_setattr,
        "builtins.super": call_super,
        "builtins.vars": call_locals,
        "ctypes.CDLL": call_library,
        "ctypes.PyDLL": call_library,
        "ctypes.cdll.LoadLibrary": call_library,
        "ctypes.pydll.LoadLibrary": call_library,
        "ctypes.util.find_library": call_find_library,
        "importlib.__import__": call_dunder_import,
        "importlib.import_module": call_import_module,
        "importlib.metadata.distribution": call_version,
        "importlib.metadata.metadata": call_version,
        "importlib.metadata.version": call_version,
        "importlib.resources.as_file": lambda _self, _frame, args, _kwargs: (
            args[0] if args else ANY
        ),
        "importlib.resources.files": call_files,
        "importlib.resources.path": call_files,
        "importlib.util.find_spec": call_spec,
        "importlib_resources.files": call_files,
        "io.open": call_open,
        "numpy.ctypeslib.load_library": call_load_library,
        "os.getenv": call_getenv,
        "pkg_resources.resource_filename": call_files,
        "sys.getdlopenflags": call_get_dlopen_flags,
        "sys.setdlopenflags": call_set_dlopen_flags,
        "pkgutil.find_loader": call_spec,
    }


def _argument(args: Args, kwargs: Kwargs, position: int, name: str) -> Value:
    return args[position] if position < len(args) else kwargs.get(name)
