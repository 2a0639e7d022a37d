"""Statements that define, bind, change or raise, and run no others but class bodies."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from abicheck.python._simulated.calls import Calls
from abicheck.python._simulated.classes import class_name
from abicheck.python._simulated.frames import Flow, Frame
from abicheck.python._simulated.machine import Block
from abicheck.python._simulated.questions import MAX_ITEMS, items_of
from abicheck.python._simulated.raising import RaisedError
from abicheck.python._simulated.values import (
    ANY,
    ClassValue,
    ExceptionValue,
    Function,
    Known,
    ListValue,
    Scope,
    Unknown,
    Value,
)

# Decorators that hand back what they are given, as far as calling goes; where
# it matters, with what they make of it.
_TRANSPARENT: Final = {
    "abc.abstractmethod": "",
    "builtins.classmethod": "classmethod",
    "builtins.property": "property",
    "builtins.staticmethod": "staticmethod",
    "contextlib.contextmanager": "contextmanager",
    "functools.cache": "",
    "functools.cached_property": "property",
    "functools.lru_cache": "",
    "typing.final": "",
    "typing.no_type_check": "",
    "typing.overload": "",
    "typing_extensions.final": "",
    "typing_extensions.overload": "",
}


class Definitions(Calls):
    """The part of a process that runs simple statements."""

    def expression(self, frame: Frame, node: ast.Expr) -> None:
        """Run an expression for its effect."""
        self.evaluate(frame, node.value)

    def assignment(self, frame: Frame, node: ast.Assign) -> None:
        """Run `a = b = value`."""
        value = self.evaluate(frame, node.value)
        for target in node.targets:
            self.assign(frame, target, value)

    def annotation(self, frame: Frame, node: ast.AnnAssign) -> None:
        """Run `a: type = value`."""
        if node.value is not None:
            self.assign(frame, node.target, self.evaluate(frame, node.value))

    def augmentation(self, frame: Frame, node: ast.AugAssign) -> None:
        """Run `a += value`."""
        old = self.evaluate(frame, _as_load(node.target))
        added = self.evaluate(frame, node.value)
        if not isinstance(old, ListValue) or not isinstance(node.op, ast.Add):
            self.assign(frame, node.target, self.operate(node.op, old, added))
            return
        items = items_of(added)
        known = old.items is not None and items is not None and frame.owns(old)
        longer = [*(old.items or ()), *(items or ())]
        old.items = longer if known and len(longer) <= MAX_ITEMS else None

    def deletion(self, frame: Frame, node: ast.Delete) -> None:
        """Run `del a, b`."""
        for target in node.targets:
            self.delete(frame, target)

    def declaration(self, frame: Frame, node: ast.Global | ast.Nonlocal) -> None:
        """Run `global a` and `nonlocal a`."""
        frame.declared.update(node.names)

    def assertion(self, frame: Frame, node: ast.Assert) -> None:
        """Run `assert`; a condition that cannot be known is taken to hold."""
        if self.decide(frame, node.test) is False:
            args = () if node.msg is None else (self.evaluate(frame, node.msg),)
            raise RaisedError(self.caused_by(frame, ExceptionValue("AssertionError", args)))

    def raising(self, frame: Frame, node: ast.Raise) -> None:
        """Run `raise`, in all its forms."""
        if node.exc is None:
            if frame.handling:
                raise RaisedError(frame.handling[-1])
            raise RaisedError(ExceptionValue("RuntimeError", ("No active exception to reraise",)))
        value = self.evaluate(frame, node.exc)
        if isinstance(value, ClassValue):
            value = ExceptionValue(value)
        elif (name := class_name(value)) is not None:
            value = ExceptionValue(name)
        if not isinstance(value, ExceptionValue):
            value = ExceptionValue("Exception", (ANY,))
        if value.via or any(value is handled for handled in frame.handling):
            raise RaisedError(value)  # one that was caught before
        cause = self.evaluate(frame, node.cause)
        if isinstance(cause, ExceptionValue):
            frame.handling.append(cause)
        try:
            value = self.caused_by(frame, value)
        finally:
            if isinstance(cause, ExceptionValue):
                frame.handling.pop()
        raise RaisedError(value)

    def definition(self, frame: Frame, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Run `def`: its decorators and defaults, not its body."""
        decorators = [self.evaluate(frame, each) for each in node.decorator_list]
        function = self.function(frame, node)
        value: Value = function
        for decorator in reversed(decorators):
            if isinstance(decorator, Known) and decorator.name in _TRANSPARENT:
                function.kind = _TRANSPARENT[decorator.name] or function.kind
            elif isinstance(decorator, Known | Unknown):
                value = ANY
            else:
                value = self.invoke(frame, decorator, (value,), {})
        frame.line = node.lineno
        frame.bind(node.name, value)

    def class_(self, frame: Frame, node: ast.ClassDef) -> Block:
        """Run `class`: its decorators and bases, and its body."""
        decorators = [self.evaluate(frame, each) for each in node.decorator_list]
        bases = self.several(frame, node.bases)
        for keyword in node.keywords:
            self.evaluate(frame, keyword.value)
        inner = Frame(
            frame.module,
            Scope(),
            frame.inner_closure,
            frame.path,
            node.lineno,
            is_class=True,
            doubted=not frame.certain,
        )
        yield from self.block(inner, node.body)
        plain = not any(keyword.arg in (None, "metaclass") for keyword in node.keywords)
        known = tuple(bases) if bases is not None and plain else (*(bases or ()), ANY)
        cls = ClassValue(node.name, known, inner.scope)
        for method in inner.scope.names.values():
            if isinstance(method, Function) and method.owner is None:
                method.owner = cls
        for decorator in reversed(decorators):
            if isinstance(decorator, Function):
                given = self.invoke(frame, decorator, (cls,), {})
                cls = given if isinstance(given, ClassValue) else cls
        frame.line = node.lineno
        frame.bind(node.name, cls)
        return Flow.NEXT

    SIMPLE: ClassVar[Mapping[type[ast.stmt], Callable[..., None]]] = {
        ast.AnnAssign: annotation,
        ast.Assert: assertion,
        ast.Assign: assignment,
        ast.AsyncFunctionDef: definition,
        ast.AugAssign: augmentation,
        ast.Delete: deletion,
        ast.Expr: expression,
        ast.FunctionDef: definition,
        ast.Global: declaration,
        ast.Nonlocal: declaration,
        ast.Raise: raising,
    }


def _as_load(target: ast.Name | ast.Attribute | ast.Subscript) -> ast.expr:
    """Return the expression that reads what an assignment target writes."""
    if isinstance(target, ast.Name):
        load: ast.expr = ast.Name(target.id, ast.Load())
    elif isinstance(target, ast.Attribute):
        load = ast.Attribute(target.value, target.attr, ast.Load())
    else:
        load = ast.Subscript(target.value, target.slice, ast.Load())
    return ast.copy_location(load, target)
