"""One simulated process: everything together, and the limits it keeps."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final

from abicheck.model import Failure
from abicheck.python._simulated.classes import exception_text
from abicheck.python._simulated.frames import Frame
from abicheck.python._simulated.importer import Importer
from abicheck.python._simulated.libraries import Libraries
from abicheck.python._simulated.machine import (
    Doubt,
    Memory,
    Setting,
    Task,
)
from abicheck.python._simulated.questions import join
from abicheck.python._simulated.raising import (
    AbandonedError,
    DiedError,
    GaveUpError,
    RaisedError,
    failure_of,
)
from abicheck.python._simulated.scanning import declared_global, is_generator
from abicheck.python._simulated.statements import Statements
from abicheck.python._simulated.values import (
    ABSENT,
    ANY,
    DictValue,
    ExceptionValue,
    Function,
    Instance,
    ListValue,
    Module,
    ModuleKind,
    Scope,
    Value,
)
from abicheck.python._simulated.world import RTLD_GLOBAL
from abicheck.python.source import MAX_PARTS

# Far more than any import takes; what needs more is not followed further.
_MAX_WORK: Final = 1_000_000
_MAX_CALL_WORK: Final = 5_000
_MAX_CALLS: Final = 8
_MAX_CHAIN: Final = 900
_MAX_NESTED: Final = 24


@dataclass(frozen=True, slots=True)
class _Mark:
    """How far a process had come when an import began."""

    modules: int
    opened: int
    asked: int
    doubts: int
    removed: int
    looked: int
    environ: Mapping[str, Value]
    path: Sequence[Value] | None


class Process(Statements, Importer, Libraries):
    """A process that imports modules."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._active: list[ast.AST] = []
        self._allowance: int | None = None
        self._work = 0
        self._nested = 0
        self._asked: list[str] = []
        self._looked: list[tuple[str, bool | None]] = []
        self._removed = 0

    def fork(self) -> Process:
        """Return a process in the same state, between two imports."""
        other = Process(self.setting)
        other.modules = dict(self.modules)
        other.halted = set(self.halted)
        items = self.path.items
        other.path = ListValue(None if items is None else list(items))
        other.environ = dict(self.environ)
        other.opened = list(self.opened)
        other.everywhere = set(self.everywhere)
        other.dlopen_flags = self.dlopen_flags
        other.skipped = self.skipped
        other.doubts = list(self.doubts)
        return other

    # --- running ---

    def run(self, task: Task) -> Value:
        """Run a task, and those it waits for, to its end."""
        if self._nested >= _MAX_NESTED:
            reason = "calls and imports are nested too deeply to be followed"
            raise GaveUpError(reason)
        self._nested += 1
        stack = [task]
        value: Value = None
        error: Exception | None = None
        try:
            while stack:
                try:
                    waits_for = next(stack[-1]) if error is None else stack[-1].throw(error)
                except StopIteration as stop:
                    stack.pop()
                    value, error = stop.value, None
                except (RaisedError, DiedError, GaveUpError, AbandonedError) as raised:
                    stack.pop()
                    error = raised
                else:
                    stack.append(waits_for)
                    error = None
                    if len(stack) > _MAX_CHAIN:
                        error = GaveUpError("the chain of imports is too long to be followed")
        finally:
            self._nested -= 1
        if error is not None:
            raise error
        return value

    def spend(self) -> None:
        """Count one step against the limits."""
        self._work += 1
        if self._work > _MAX_WORK:
            reason = "importing runs more code than is followed"
            raise GaveUpError(reason)
        if self._allowance is not None:
            self._allowance -= 1
            if self._allowance < 0:
                raise AbandonedError

    # --- failures ---

    def failed(self, text: str, cls: str, /, **attributes: Value) -> RaisedError:
        """Return an exception of the importer's or the loader's own, with its origin."""
        asked = self.frames[-1].module.file if self.frames else ""
        failure = Failure(cls, text, decided_by=PurePosixPath(asked) if asked else None)
        return RaisedError(ExceptionValue(cls, (text,), dict(attributes), failure, self.via()))

    def fail(self, failure: Failure, cls: str, file: str, /, **attributes: Value) -> None:
        """Raise what the loader predicts for an object; where that is uncertain, note it."""
        if failure.decided_by is None:
            failure = replace(failure, decided_by=PurePosixPath(file))
        if failure.crash is not None:
            raise DiedError(failure, self.via())
        text = ANY if failure.message is None else failure.message
        value = ExceptionValue(
            failure.exception or cls, (text,), dict(attributes), failure, self.via()
        )
        if not self.setting.loads.uncertain(file):
            raise RaisedError(value)
        self.suspect(RaisedError(value))

    def mark_opened(self, path: str, mode: Value) -> None:
        """Note that an object has been opened, how, and whether that is certain."""
        if isinstance(mode, int) and mode & RTLD_GLOBAL:
            self.everywhere.add(path)
        if path in self.opened:
            return
        self.opened.append(path)
        if self.setting.loads.uncertain(path) and not any(
            doubt.failure.decided_by == PurePosixPath(path) for doubt in self.doubts
        ):
            failure = Failure("ImportError", None, decided_by=PurePosixPath(path))
            value = ExceptionValue("ImportError", (ANY,), {}, failure, self.via())
            self.suspect(RaisedError(value))

    def caused_by(self, frame: Frame, value: ExceptionValue) -> ExceptionValue:
        """Return an exception with the origin of the one being handled, if any."""
        cause = frame.handling[-1] if frame.handling else None
        if cause is None or cause.failure is None:
            return replace(value, via=self.via() if cause is None else cause.via, cause=cause)
        failure = Failure(
            value.type_name, exception_text(value), decided_by=cause.failure.decided_by
        )
        return replace(value, failure=failure, via=cause.via, cause=cause)

    def suspect(self, error: RaisedError | DiedError) -> None:
        """Note a failure under a condition that cannot be known, which may never hold."""
        if isinstance(error, DiedError) or not self.is_left_out(error.value):
            self.doubt(error)
        else:
            self._is_caught(error)

    def doubt(self, error: RaisedError | DiedError) -> None:
        """Note a failure that may happen: with the `try` that would catch it, or as a doubt."""
        if isinstance(error, DiedError):
            self.doubts.append(Doubt(error.failure, error.via))
        elif not self._is_caught(error) and not error.is_own:
            self.doubts.append(Doubt(failure_of(error.value), error.value.via))

    def _is_caught(self, error: RaisedError) -> bool:
        """Leave a failure that may happen with the `try` that would catch it, if there is one."""
        for guarded in reversed(self.tries):
            if guarded.catches(error.value) is not False:
                guarded.note(error)
                return True
        return False

    # --- modules ---

    def load(self, name: str) -> Task:
        """Import a module and its parents, unless another process has shown what that does."""
        self._asked.append(name)
        if name in self.halted:
            text = f"import of {name} halted; None in sys.modules"
            raise self.failed(text, "ModuleNotFoundError", name=name)
        if name in self.modules or self._repeat(name):
            return None
        if name.count(".") >= MAX_PARTS:
            reason = "a module of so many parts cannot be imported, whatever there is"
            raise GaveUpError(reason)
        items = self.path.items
        mark = _Mark(
            len(self.modules),
            len(self.opened),
            len(self._asked),
            len(self.doubts),
            self._removed,
            len(self._looked),
            dict(self.environ),
            None if items is None else tuple(items),
        )
        yield from super().load(name)
        if not self.is_compiled_away(name):
            self._remember(name, mark)
        return None

    def _remember(self, name: str, mark: _Mark) -> None:
        """Keep what a successful import did, for other processes that import the same."""
        items = self.path.items
        if (len(self.doubts), self._removed) != (mark.doubts, mark.removed):
            return
        if (None if items is None else tuple(items)) != mark.path:
            return
        added = dict(list(self.modules.items())[mark.modules :])
        used = {
            each: (self.modules[each], self.modules[each].initializing)
            for each in self._asked[mark.asked :]
            if each not in added and each in self.modules
        }
        environ = {
            key: value
            for key, value in self.environ.items()
            if mark.environ.get(key, ABSENT) != value
        }
        opened = tuple(self.opened[mark.opened :])
        everywhere = frozenset(self.everywhere.intersection(opened))
        looked = tuple(
            (each, answer)
            for each, answer in self._looked[mark.looked :]
            if not (answer and each in added)
        )
        self.setting.memories[name] = Memory(added, used, looked, opened, everywhere, environ)

    def _repeat(self, name: str) -> bool:
        """Import a module as another process did, where nothing can make a difference."""
        memory = self.setting.memories.get(name)
        if memory is None or not self._is_alike(memory):
            return False
        for each, (module, _) in memory.used.items():
            self.modules.setdefault(each, module)
        for each, module in memory.added.items():
            self.modules.setdefault(each, module)
        self._asked += memory.used
        self._looked += memory.looked
        self.opened += (path for path in memory.opened if path not in self.opened)
        self.everywhere |= memory.everywhere
        self.environ |= memory.environ
        return True

    def _is_alike(self, memory: Memory) -> bool:
        if any(
            super(Process, self).is_loaded(name) is not answer for name, answer in memory.looked
        ):
            return False
        for each, (module, initializing) in memory.used.items():
            here = self.modules.get(each)
            if here is None:
                if module.kind is not ModuleKind.ASSUMED and not self._repeat(each):
                    return False
            elif here.initializing and not initializing:
                return False
        return not any(
            each in self.modules and self.modules[each].initializing for each in memory.added
        )

    def is_loaded(self, name: str) -> bool | None:
        """Whether `name in sys.modules`; what hangs on it is remembered for the same answer."""
        answer = super().is_loaded(name)
        self._looked.append((name, answer))
        return answer

    def halt(self, name: str) -> None:
        """Put None into `sys.modules`, so that nothing imports the module."""
        self.halted.add(name)
        self._removed += 1

    def forget(self, name: str) -> None:
        """Remove an entry of `sys.modules`."""
        if name in self.halted:
            self.halted.remove(name)
            self._removed += 1
        if self.modules.pop(name, None) is not None:
            self._removed += 1

    def run_module(self, module: Module) -> Task:
        """Run a module's source from top to bottom."""
        return (yield from self.run_source(module, module.file))

    def run_source(self, module: Module, path: str) -> Task:
        """Run a source from top to bottom, in a module that may be made from another file."""
        source = self.setting.read(path, module.name, module.is_package)
        frame = Frame(module, module.scope, path=self.relative(path))
        if source.refused is not None:
            frame.line = source.refused.line
            self.frames.append(frame)
            try:
                raise self.failed(source.refused.text, source.refused.exception)
            finally:
                self.frames.pop()
        if source.unreadable is not None:
            module.scope.open = True
            frame.line = 1
            failure = Failure(None, source.unreadable, decided_by=PurePosixPath(path))
            self.doubts.append(Doubt(failure, (*self.via(), frame.site)))
            return None
        module.rebound = source.rebound
        allowance, self._allowance = self._allowance, None
        active, self._active = self._active, []
        self.frames.append(frame)
        try:
            yield from self.block(frame, source.body)
        finally:
            self.frames.pop()
            self._allowance, self._active = allowance, active
        return None

    def run_file(self, frame: Frame, path: str, scope: Scope) -> None:
        """Mirror `exec` of a file of the artifact."""
        source = self.setting.read(path, "", False)  # noqa: FBT003 - a callable has no keywords
        if source.unreadable is not None:
            scope.open = True
            return
        inner = Frame(frame.module, scope, path=self.relative(path), doubted=not frame.certain)
        self.frames.append(inner)
        try:
            self.run(self.block(inner, source.body))
        finally:
            self.frames.pop()

    # --- calls ---

    def call(
        self,
        function: Function,
        args: Sequence[Value],
        kwargs: Mapping[str, Value],
        frame: Frame | None,
    ) -> Value:
        """Call a function of the artifact and return what it gives."""
        if self._yields(function.node):
            self._skip(function, args, kwargs)
            return function if function.kind == "contextmanager" else ANY
        fits = len(self._active) < _MAX_CALLS
        names = _bound_arguments(function, args, kwargs) if fits else None
        if names is None:
            self._skip(function, args, kwargs)
            return ANY
        outermost = not self._active
        if outermost:
            self._allowance = _MAX_CALL_WORK
        inner = Frame(
            function.module,
            Scope(names),
            function.closure,
            self.relative(function.module.file),
            function=function,
            doubted=frame is not None and not frame.certain,
        )
        self._active.append(function.node)
        self.frames.append(inner)
        depth = len(self.tries)
        try:
            return self._run_call(inner, function)
        except AbandonedError:
            if not outermost:
                raise
            self._skip(function, args, kwargs)
            return ANY
        finally:
            del self.tries[depth:]
            self.frames.pop()
            self._active.pop()
            if outermost:
                self._allowance = None

    def _run_call(self, frame: Frame, function: Function) -> Value:
        node = function.node
        if isinstance(node, ast.Lambda):
            frame.line = node.lineno
            return self.evaluate(frame, node.body)
        return self.run(self._body(frame, node))

    def _body(self, frame: Frame, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Task:
        try:
            yield from self.block(frame, node.body)
        except RaisedError as error:
            if not frame.left:
                raise
            self.suspect(error)  # an earlier `return` may have been taken instead
        if not frame.returns:
            return None
        falls_through = frame.left and not isinstance(node.body[-1], ast.Return)
        return join([*frame.returns, *([ANY] if falls_through else [])])

    def _yields(self, node: ast.AST) -> bool:
        known = self.setting.generators.get(node)
        if known is None:
            known = self.setting.generators[node] = is_generator(node)
        return known

    def _skip(self, function: Function, args: Sequence[Value], kwargs: Mapping[str, Value]) -> None:
        """Forget what a call that is not followed may have changed."""
        self.skipped = True
        self.expose((*args, *kwargs.values()))
        for value in args:
            if isinstance(value, Instance):
                value.scope.maybe.update(value.scope.names)
        for name in declared_global(function.node):
            function.module.scope.bind(name, ANY, sure=False)


def _bound_arguments(
    function: Function, args: Sequence[Value], kwargs: Mapping[str, Value]
) -> dict[str, Value] | None:
    """Return the parameters' values, or None where the call does not fit."""
    spec = function.node.args
    positional = [each.arg for each in (*spec.posonlyargs, *spec.args)]
    only = [each.arg for each in spec.kwonlyargs]
    first = len(positional) - len(function.defaults)
    names: dict[str, Value] = dict(zip(positional[first:], function.defaults, strict=True))
    names.update(
        (name, value)
        for name, node, value in zip(only, spec.kw_defaults, function.kw_defaults, strict=True)
        if node is not None
    )
    names.update(zip(positional, args, strict=False))
    known = {name: value for name, value in kwargs.items() if name in positional or name in only}
    names.update(known)
    missing = any(name not in names for name in (*positional, *only))
    rest = tuple(args[len(positional) :])
    if missing or (rest and spec.vararg is None) or (len(known) < len(kwargs) and not spec.kwarg):
        return None
    if spec.vararg is not None:
        names[spec.vararg.arg] = rest
    if spec.kwarg is not None:
        others: dict[Value, Value] = {}
        others.update((name, value) for name, value in kwargs.items() if name not in known)
        names[spec.kwarg.arg] = DictValue(others)
    return names
