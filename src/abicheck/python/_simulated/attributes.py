"""Attributes of values."""

from __future__ import annotations

from typing import TypeGuard

from abicheck.python._simulated import paths
from abicheck.python._simulated.classes import is_a, lookup_in_class
from abicheck.python._simulated.frames import Frame
from abicheck.python._simulated.machine import Machine
from abicheck.python._simulated.raising import RaisedError
from abicheck.python._simulated.values import (
    ABSENT,
    ANY,
    ClassValue,
    ExceptionValue,
    Function,
    Instance,
    Known,
    Method,
    Module,
    ModuleKind,
    PathValue,
    Super,
    Value,
)
from abicheck.python._simulated.world import is_absent


class Attributes(Machine):
    """The part of a process that looks attributes up."""

    def attribute(self, frame: Frame, value: Value, name: str) -> Value:
        """Return `value.name`; `ABSENT` if there certainly is no such attribute."""
        if isinstance(value, Module):
            return self.module_attribute(value, name)
        if isinstance(value, Known):
            full = f"{value.name}.{name}"
            return ABSENT if is_absent(full) else self.known(full)
        if isinstance(value, Instance):
            return self._of_instance(frame, value, name)
        if isinstance(value, Super):
            return _of_super(value, name)
        if isinstance(value, ClassValue):
            found = lookup_in_class(value, name)
            return {"__name__": value.name}.get(name, ANY) if found is ABSENT else found
        if isinstance(value, ExceptionValue):
            return _of_exception(value, name)
        if isinstance(value, PathValue):
            return paths.path_attribute(value, name)
        if isinstance(value, Function):
            return value.name if name == "__name__" else ANY
        if isinstance(value, tuple) and name in ("major", "minor") and len(value) > 1:
            return value[name == "minor"]
        return Method(value, name)

    def _of_instance(self, frame: Frame, value: Instance, name: str) -> Value:
        own = value.scope.get(name)
        if own is not ABSENT:
            return own
        found = lookup_in_class(value.cls, name)
        if isinstance(found, Function):
            if found.kind == "property":
                return self.call(found, (value,), {}, frame)
            return found if found.kind == "staticmethod" else Method(value, name, found)
        if found is not ABSENT:
            return found
        if value.scope.open:
            return ANY
        fallback = lookup_in_class(value.cls, "__getattr__")
        if not isinstance(fallback, Function):
            return ANY
        try:
            return self.call(fallback, (value, name), {}, frame)
        except RaisedError as error:
            # By whatever has not been followed, a metaclass for instance, it may be there.
            if error.is_own:
                return ANY
            raise

    def has(self, owner: Value, name: str) -> bool | None:
        """Return `hasattr(owner, name)`, or None where it is not known."""
        if isinstance(owner, Known) or _is_assumed(owner):
            return False if is_absent(f"{owner.name}.{name}") else None
        if isinstance(owner, Instance):
            return True if owner.scope.get(name) not in (ABSENT, ANY) else None
        if not isinstance(owner, Module):
            return None
        # That it lacks one is not claimed: it can be given more from anywhere.
        value = self.module_attribute(owner, name)
        sure = owner.scope.get(name) not in (ABSENT, ANY) or isinstance(value, Module)
        return True if sure else None


def _is_assumed(owner: Value) -> TypeGuard[Module]:
    return isinstance(owner, Module) and owner.kind is ModuleKind.ASSUMED


def _of_super(value: Super, name: str) -> Value:
    for base in value.cls.bases:
        found = lookup_in_class(base, name) if isinstance(base, ClassValue) else ABSENT
        if isinstance(found, Function):
            return Method(value.receiver, name, found)
        if found is not ABSENT:
            return ANY
    return ANY


def _of_exception(value: ExceptionValue, name: str) -> Value:
    if name in value.attributes:
        return value.attributes[name]
    if name == "args":
        return value.args
    if not is_a(value, "ImportError"):
        return ANY
    if name == "msg":
        return value.args[0] if len(value.args) == 1 else None
    return None if name in ("name", "path") else ANY
