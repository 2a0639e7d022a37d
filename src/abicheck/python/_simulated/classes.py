"""Classes: which exceptions a clause catches, and where an attribute comes from."""

from __future__ import annotations

import builtins
from typing import Final

from abicheck.python._simulated.values import (
    ABSENT,
    ANY,
    ClassValue,
    ExceptionValue,
    Known,
    Value,
)

_OBJECT: Final = Known("builtins.object")

# Other names of built-in exceptions.
_ALIASES: Final = {"os.error": "OSError", "select.error": "OSError", "socket.error": "OSError"}

# Exceptions of the standard library that the simulation raises itself.
_DERIVED: Final = {"PackageNotFoundError": "ModuleNotFoundError"}


def class_name(value: Value) -> str | None:
    """Return the name of an exception class that Python itself has, or None."""
    if not isinstance(value, Known):
        return None
    name = _ALIASES.get(value.name, value.name.removeprefix("builtins."))
    found = getattr(builtins, name, None)
    if isinstance(found, type) and issubclass(found, BaseException):
        return found.__name__
    return None


def is_subclass(cls: str | ClassValue, name: str) -> bool | None:
    """Whether an exception class derives from one of Python's own; None if unknown."""
    if isinstance(cls, ClassValue):
        return _derives(cls, Known(f"builtins.{name}"))
    own = getattr(builtins, _DERIVED.get(cls, cls), Exception)
    wanted = getattr(builtins, name, None)
    return isinstance(wanted, type) and isinstance(own, type) and issubclass(own, wanted)


def is_a(value: ExceptionValue, name: str) -> bool | None:
    """Whether `except name:` catches an exception, for a class of Python's own."""
    return is_subclass(value.cls, name)


def catches(listed: Value, value: ExceptionValue) -> bool | None:
    """Whether `except listed:` catches an exception; None if it cannot be told."""
    if isinstance(listed, tuple):
        answers = [catches(each, value) for each in listed]
        if True in answers:
            return True
        return None if None in answers else False
    name = class_name(listed)
    if name is not None:
        return is_a(value, name)
    if isinstance(listed, ClassValue):
        return False if isinstance(value.cls, str) else _derives(value.cls, listed)
    if isinstance(listed, Known):
        # A class of the standard library's own is no ancestor of a built-in one.
        last = listed.name.rpartition(".")[2]
        return value.cls == last if isinstance(value.cls, str) else None
    return None


def _derives(cls: ClassValue, wanted: ClassValue | Known) -> bool | None:
    if cls is wanted:
        return True
    answers: list[bool | None] = []
    for base in cls.bases:
        if isinstance(base, ClassValue):
            answers.append(_derives(base, wanted))
        elif (name := class_name(base)) is not None:
            last = wanted.name.rpartition(".")[2]
            answers.append(isinstance(wanted, Known) and is_subclass(name, last))
        else:
            answers.append(False if base == _OBJECT else None)
    if True in answers:
        return True
    return None if None in answers else False


def lookup_in_class(cls: ClassValue, name: str) -> Value:
    """Return an attribute of a class or its bases; `ANY` if a base is unknown, else `ABSENT`."""
    if name in cls.scope.names:
        return cls.scope.names[name]
    unknown = cls.scope.open
    for base in cls.bases:
        if isinstance(base, ClassValue):
            found = lookup_in_class(base, name)
            if found is not ABSENT:
                return found
        elif base != _OBJECT and class_name(base) is None:
            unknown = True
    return ANY if unknown else ABSENT


def is_plain(cls: ClassValue) -> bool:
    """Whether every ancestor of a class is the artifact's own or `object`."""
    return all(
        is_plain(base) if isinstance(base, ClassValue) else base == _OBJECT for base in cls.bases
    )


def exception_text(value: ExceptionValue) -> str | None:
    """Return `str(exception)`, or None where it is not known."""
    if isinstance(value.cls, ClassValue) and _has_own_text(value.cls):
        return None
    args = value.args
    if not all(isinstance(argument, str | int | float | None) for argument in args):
        return None
    if not args:
        return ""
    if len(args) > 1:
        return None if is_a(value, "OSError") is not False else repr(args)
    return repr(args[0]) if is_a(value, "KeyError") else str(args[0])


def _has_own_text(cls: ClassValue) -> bool:
    own = ("__init__", "__new__", "__str__")
    return any(name in cls.scope.names for name in own) or any(
        _has_own_text(base) for base in cls.bases if isinstance(base, ClassValue)
    )
