"""Control flow: which statements run, which may, and which exceptions are caught.

A block is a generator: an import suspends it until the imported module has been
run, so that a long chain of imports costs no recursion.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import ClassVar, Final

from abicheck.python._simulated.classes import catches, class_name, lookup_in_class
from abicheck.python._simulated.definitions import Definitions
from abicheck.python._simulated.expressions import MAX_LOOP
from abicheck.python._simulated.frames import Flow, Frame, Guarded
from abicheck.python._simulated.machine import Block, Task
from abicheck.python._simulated.questions import items_of
from abicheck.python._simulated.raising import DiedError, RaisedError
from abicheck.python._simulated.scanning import may_return_true, yields_in_try
from abicheck.python._simulated.values import (
    ABSENT,
    ANY,
    ExceptionValue,
    FileValue,
    Function,
    Instance,
    PathValue,
    Suppress,
    Value,
)
from abicheck.python.source import bound_names

# Handlers for these alone are not reached once the body has been run: what
# raises them are imports, and those are simulated.
_IMPORT_ERRORS: Final = frozenset(("ImportError", "ModuleNotFoundError"))


class Statements(Definitions):
    """The part of a process that runs statements."""

    def block(self, frame: Frame, body: Sequence[ast.stmt]) -> Block:
        """Run statements in order; return how they were left."""
        for statement in body:
            frame.line = statement.lineno
            self.spend()
            kind = type(statement)
            simple = self.SIMPLE.get(kind)
            if simple is not None:
                simple(self, frame, statement)
            elif isinstance(statement, ast.Import):
                yield self.import_statement(frame, statement)
            elif isinstance(statement, ast.ImportFrom):
                yield self.from_statement(frame, statement)
            elif isinstance(statement, ast.Return):
                frame.returns.append(self.evaluate(frame, statement.value))
                return Flow.RETURN
            elif isinstance(statement, ast.Break | ast.Continue):
                return Flow.BREAK if kind is ast.Break else Flow.CONTINUE
            elif kind in self.COMPOUND:
                flow = yield from self.COMPOUND[kind](self, frame, statement)
                if flow is not Flow.NEXT:
                    return flow
        return Flow.NEXT

    # --- branches that may not run ---

    def _attempt(
        self, frame: Frame, body: Sequence[ast.stmt]
    ) -> Generator[Task, None, Flow | RaisedError]:
        """Run a block that may not run at all; return how it ended."""
        with frame.doubting():
            try:
                return (yield from self.block(frame, body))
            except RaisedError as error:
                return error
            except DiedError as error:
                self.suspect(error)
                return Flow.NEXT

    def _either(self, frame: Frame, *bodies: Sequence[ast.stmt]) -> Block:
        """Run several blocks of which exactly one would run."""
        ends: list[Flow | RaisedError] = []
        for body in bodies:
            ends.append((yield from self._attempt(frame, body)))  # noqa: PERF401 - suspends
        errors = [end for end in ends if isinstance(end, RaisedError)]
        flows = {end for end in ends if isinstance(end, Flow)}
        if not flows:
            raise _merged([error.value for error in errors])
        for error in errors:
            self.suspect(error)
        if len(flows) == 1:
            return flows.pop()
        _perhaps_left(frame, flows)
        return Flow.NEXT

    def _perhaps(self, frame: Frame, body: Sequence[ast.stmt]) -> Block:
        """Run a block that may run, any number of times."""
        end = yield from self._attempt(frame, body)
        self._settle(frame, end)
        return Flow.NEXT

    def _settle(self, frame: Frame, end: Flow | RaisedError) -> None:
        """Take the end of a block that may have run into account."""
        if isinstance(end, RaisedError):
            self.suspect(end)
        else:
            _perhaps_left(frame, {end})

    def if_(self, frame: Frame, node: ast.If) -> Block:
        """Run `if`."""
        answer = self.decide(frame, node.test)
        if answer is None:
            return (yield from self._either(frame, node.body, node.orelse))
        return (yield from self.block(frame, node.body if answer else node.orelse))

    def match(self, frame: Frame, node: ast.Match) -> Block:
        """Run `match`, of which any case may be the one."""
        self.evaluate(frame, node.subject)
        return (yield from self._either(frame, [], *(case.body for case in node.cases)))

    def while_(self, frame: Frame, node: ast.While) -> Block:
        """Run `while`."""
        if self.decide(frame, node.test) is False:
            return (yield from self.block(frame, node.orelse))
        looped, broken = frame.looped, frame.broken
        yield from self._perhaps(frame, node.body)
        frame.looped, frame.broken = looped, broken
        return (yield from self._perhaps(frame, node.orelse))

    def for_(self, frame: Frame, node: ast.For) -> Block:
        """Run `for`, item by item where those are known."""
        items = items_of(self.evaluate(frame, node.iter))
        looped, broken = frame.looped, frame.broken
        frame.broken = False
        try:
            if items is None or len(items) > MAX_LOOP:
                self.assign(frame, node.target, ANY)
                yield from self._perhaps(frame, node.body)
                return (yield from self._perhaps(frame, node.orelse))
            for item in items:
                self.assign(frame, node.target, item)
                try:
                    flow = yield from self.block(frame, node.body)
                except RaisedError as error:
                    if looped or not frame.looped:
                        raise
                    self.suspect(error)  # a `continue` or `break` may have come first
                    continue
                if flow is Flow.BREAK:
                    return Flow.NEXT
                if flow is Flow.RETURN:
                    return flow
            to_its_end = not frame.broken
        finally:
            frame.looped, frame.broken = looped, broken
        if to_its_end:
            return (yield from self.block(frame, node.orelse))
        return (yield from self._perhaps(frame, node.orelse))

    # --- exceptions ---

    def try_(self, frame: Frame, node: ast.Try) -> Block:
        """Run `try`, `finally` included."""
        try:
            flow = yield from self._try_except(frame, node)
        except RaisedError:
            end = yield from self.block(frame, node.finalbody)
            if end is Flow.RETURN:
                return end
            raise
        end = yield from self.block(frame, node.finalbody)
        return flow if end is Flow.NEXT else end

    def _try_except(self, frame: Frame, node: ast.Try) -> Block:
        listed = [
            ABSENT if handler.type is None else self.evaluate(frame, handler.type)
            for handler in node.handlers
        ]
        guarded = Guarded(frame, listed)
        depth = len(self.tries)
        self.tries.append(guarded)
        raised: RaisedError | None = None
        flow = Flow.NEXT
        try:
            flow = yield from self.block(frame, node.body)
        except RaisedError as error:
            raised = error
        finally:
            del self.tries[depth:]
        if raised is not None:
            return (yield from self._handle(frame, node, listed, raised))
        guarded.forget_rest(node.body)
        for handler, each in zip(node.handlers, listed, strict=True):
            yield from self._handle_possible(frame, node, handler, each, guarded.possible)
        if flow is not Flow.NEXT:
            return flow
        try:
            return (yield from self.block(frame, node.orelse))
        except RaisedError as error:
            # `else: raise` says that the body was to fail, of which not all is simulated.
            certain = all(_cannot_run(node.body, each) for each in listed)
            if certain or not error.is_own:
                raise
            return Flow.NEXT

    def _handle(
        self, frame: Frame, node: ast.Try, listed: Sequence[Value], error: RaisedError
    ) -> Block:
        """Run the clause that catches an exception, or raise it on."""
        for handler, each in zip(node.handlers, listed, strict=True):
            answer = each is ABSENT or catches(each, error.value)
            if answer:
                return (yield from self._handler(frame, handler, error.value))
            if answer is None:
                # It may be caught here: what then happens is not known.
                end = yield from self._attempt_handler(frame, handler, error.value)
                self._settle(frame, end)
                self.suspect(error)
                return Flow.NEXT
        raise error

    def _handler(self, frame: Frame, handler: ast.ExceptHandler, value: ExceptionValue) -> Block:
        frame.handling.append(value)
        if handler.name:
            frame.bind(handler.name, value)
        try:
            return (yield from self.block(frame, handler.body))
        finally:
            frame.handling.pop()
            if handler.name:
                frame.scope.unbind(handler.name, sure=frame.sure)

    def _attempt_handler(
        self, frame: Frame, handler: ast.ExceptHandler, value: ExceptionValue
    ) -> Generator[Task, None, Flow | RaisedError]:
        with frame.doubting():
            try:
                return (yield from self._handler(frame, handler, value))
            except RaisedError as error:
                return error

    def _handle_possible(
        self,
        frame: Frame,
        node: ast.Try,
        handler: ast.ExceptHandler,
        listed: Value,
        possible: Sequence[RaisedError],
    ) -> Generator[Task, None, None]:
        """After a body that was run to its end: its handlers may run all the same."""
        for error in possible:
            if listed is ABSENT or catches(listed, error.value) is not False:
                end = yield from self._attempt_handler(frame, handler, error.value)
                self._settle(frame, end)
                return
        if not _cannot_run(node.body, listed):
            for name in bound_names(handler.body):
                frame.scope.bind(name, ANY, sure=False)

    def with_(self, frame: Frame, node: ast.With) -> Block:
        """Run `with`, whose contexts may swallow exceptions."""
        suppressed: list[Value] = []
        unknown = False
        for item in node.items:
            value = self.evaluate(frame, item.context_expr)
            if isinstance(value, Suppress):
                suppressed += value.classes
            unknown = unknown or _may_suppress(value)
            entered = self._enter(frame, value)
            if item.optional_vars is not None:
                self.assign(frame, item.optional_vars, entered)
        if not suppressed and not unknown:
            return (yield from self.block(frame, node.body))
        guarded = Guarded(frame, suppressed)
        depth = len(self.tries)
        self.tries.append(guarded)
        try:
            flow = yield from self.block(frame, node.body)
        except RaisedError as error:
            if not guarded.catches(error.value) and not unknown:
                raise
            return Flow.NEXT  # swallowed: a context that can is there to do so
        finally:
            del self.tries[depth:]
        guarded.forget_rest(node.body)
        if not guarded.possible:
            return flow
        _perhaps_left(frame, {flow})
        return Flow.NEXT

    def _enter(self, frame: Frame, value: Value) -> Value:
        """Return what `as` is given."""
        if isinstance(value, Instance):
            method = lookup_in_class(value.cls, "__enter__")
            return self.call(method, (value,), {}, frame) if isinstance(method, Function) else ANY
        return value if isinstance(value, FileValue | PathValue | str) else ANY

    COMPOUND: ClassVar[Mapping[type[ast.stmt], Callable[..., Block]]] = {
        ast.ClassDef: Definitions.class_,
        ast.For: for_,
        ast.If: if_,
        ast.Match: match,
        ast.Try: try_,
        ast.TryStar: try_,
        ast.While: while_,
        ast.With: with_,
    }


def _perhaps_left(frame: Frame, flows: set[Flow]) -> None:
    frame.left = frame.left or Flow.RETURN in flows
    frame.looped = frame.looped or bool(flows & {Flow.BREAK, Flow.CONTINUE})
    frame.broken = frame.broken or Flow.BREAK in flows


def _may_suppress(value: Value) -> bool:
    """Whether leaving a context of the artifact's own may swallow an exception."""
    if isinstance(value, Function):
        return yields_in_try(value.node)
    if not isinstance(value, Instance):
        return False
    method = lookup_in_class(value.cls, "__exit__")
    return may_return_true(method.node) if isinstance(method, Function) else method is ANY


def _merged(values: Sequence[ExceptionValue]) -> RaisedError:
    """Return what is common to the ends of branches that all fail."""
    first = values[0]
    alike = all(value.cls == first.cls for value in values)
    if alike and all(value.args == first.args for value in values):
        return RaisedError(first)
    blamed = next((value for value in values if value.failure is not None), first)
    cls = first.cls if alike else "Exception"
    return RaisedError(ExceptionValue(cls, (ANY,), {}, blamed.failure, blamed.via))


def _cannot_run(body: Sequence[ast.stmt], listed: Value) -> bool:
    """Whether a handler is certainly not reached once `body` has been run to its end."""
    classes = listed if isinstance(listed, tuple) else (listed,)
    if all(class_name(each) in _IMPORT_ERRORS for each in classes):
        return True
    return all(
        isinstance(statement, ast.Import | ast.ImportFrom | ast.Pass)
        or (isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant))
        for statement in body
    )
