"""Assignments, to names and to everything else that can be assigned to."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from abicheck.python._simulated.frames import Frame
from abicheck.python._simulated.machine import Machine
from abicheck.python._simulated.questions import is_key, is_ordered, items_of
from abicheck.python._simulated.values import (
    ANY,
    ClassValue,
    DictValue,
    ExceptionValue,
    Instance,
    Known,
    ListValue,
    Module,
    ModuleKind,
    Scope,
    Value,
)


class Assignments(Machine):
    """The part of a process that binds and changes."""

    def assign(self, frame: Frame, target: ast.expr, value: Value) -> None:
        """Mirror an assignment to any kind of target."""
        if isinstance(target, ast.Name):
            frame.bind(target.id, value)
        elif isinstance(target, ast.Tuple | ast.List):
            self._unpack(frame, target.elts, value)
        elif isinstance(target, ast.Attribute):
            owner = self.evaluate(frame, target.value)
            self.set_attribute(frame, owner, target.attr, value)
        elif isinstance(target, ast.Subscript):
            owner = self.evaluate(frame, target.value)
            key: Value = slice(None)
            if not isinstance(target.slice, ast.Slice):
                key = self.evaluate(frame, target.slice)
            elif target.slice.lower or target.slice.upper or target.slice.step:
                key = ANY
            self.set_item(frame, owner, key, value)

    def _unpack(self, frame: Frame, targets: Sequence[ast.expr], value: Value) -> None:
        items = items_of(value) if is_ordered(value) else None
        starred = [at for at, each in enumerate(targets) if isinstance(each, ast.Starred)]
        if items is not None and starred and len(items) >= len(targets) - 1:
            cut, after = starred[0], len(targets) - starred[0] - 1
            middle = ListValue(list(items[cut : len(items) - after]))
            items = [*items[:cut], middle, *items[len(items) - after :]]
        if items is None or len(items) != len(targets):
            items = [ANY] * len(targets)
        for target, item in zip(targets, items, strict=True):
            self.assign(frame, target.value if isinstance(target, ast.Starred) else target, item)

    def set_attribute(self, frame: Frame, owner: Value, name: str, value: Value) -> None:
        """Mirror `owner.name = value`."""
        if isinstance(owner, Module):
            if owner.name == "sys" and name == "path":
                items = items_of(value) if frame.certain else None
                self.path = ListValue(None if items is None else list(items))
            owner.scope.bind(name, value, sure=frame.certain)
        elif isinstance(owner, Instance | ClassValue):
            owner.scope.bind(name, value, sure=frame.certain or frame.owns(owner))
        elif isinstance(owner, ExceptionValue):
            owner.attributes[name] = value

    def set_item(self, frame: Frame, owner: Value, key: Value, value: Value) -> None:
        """Mirror `owner[key] = value`."""
        if isinstance(owner, DictValue):
            if owner.items is not None and frame.owns(owner) and is_key(key):
                owner.items[key] = value
            else:
                owner.items = None
        elif isinstance(owner, ListValue):
            items = items_of(value)
            whole = key == slice(None) and items is not None and frame.owns(owner)
            owner.items = list(items or ()) if whole else None
        elif isinstance(owner, Scope):
            self.bind_in(frame, owner, key, value)
        elif owner == Known("sys.modules"):
            self._register(frame, key, value)
        elif owner == Known("os.environ"):
            self.set_variable(frame, key, value)

    def bind_in(self, frame: Frame, scope: Scope, key: Value, value: Value) -> None:
        """Mirror `globals()[key] = value` and its kin."""
        if isinstance(key, str):
            scope.bind(key, value, sure=frame.certain)
        else:
            scope.open = True

    def set_variable(self, frame: Frame, name: Value, value: Value) -> None:
        """Mirror `os.environ[name] = value`; None stands for a variable that is not set."""
        if isinstance(name, str):
            self.environ[name] = value if frame.certain else ANY

    def _register(self, frame: Frame, key: Value, value: Value) -> None:
        """Mirror `sys.modules[key] = value`."""
        if not isinstance(key, str):
            frame.module.hooked = True
            return
        self.forget(key)
        if value is None and frame.certain:
            self.halt(key)
        elif isinstance(value, Module):
            self.modules[key] = value
        else:
            self.modules[key] = Module(key, ModuleKind.ALIAS, scope=Scope(open=True))

    def delete(self, frame: Frame, target: ast.expr) -> None:
        """Mirror `del target`."""
        if isinstance(target, ast.Name):
            scope = frame.module.scope if target.id in frame.declared else frame.scope
            scope.unbind(target.id, sure=frame.sure)
        elif isinstance(target, ast.Tuple | ast.List):
            for each in target.elts:
                self.delete(frame, each)
        elif isinstance(target, ast.Subscript):
            owner = self.evaluate(frame, target.value)
            key = self.evaluate(frame, target.slice)
            if owner == Known("sys.modules") and isinstance(key, str):
                self.forget(key)
            elif owner == Known("os.environ"):
                self.set_variable(frame, key, None)
            else:
                self.expose((owner,))
