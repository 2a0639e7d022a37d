"""Questions to a value, with answers as far as they are known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from abicheck.python._simulated.classes import exception_text, lookup_in_class
from abicheck.python._simulated.values import (
    ABSENT,
    ANY,
    SCALARS,
    THING,
    DictValue,
    ExceptionValue,
    Instance,
    Known,
    ListValue,
    Method,
    PathValue,
    Pattern,
    Value,
    same,
)

# Nothing that is followed may grow beyond these, whatever the artifact asks for.
MAX_TEXT: Final = 20_000
MAX_ITEMS: Final = 2_000
_MAX_NUMBER: Final = 2**64
_MAX_NESTING: Final = 8


def join(values: Iterable[Value]) -> Value:
    """Return what is known of a value that is one of these."""
    first, *rest = values
    if all(first is other or same(first, other) for other in rest):
        return first
    return THING if all(truth(value) for value in (first, *rest)) else ANY


def truth(value: Value) -> bool | None:
    """Return `bool(value)`, or None where it is not known."""
    if value is ANY or is_vague(value):
        return None
    if isinstance(value, ListValue | DictValue):
        return None if value.items is None else bool(value.items)
    if isinstance(value, Pattern):
        return True if value.glob.strip("*") else None
    if isinstance(value, Instance):
        own = (lookup_in_class(value.cls, name) for name in ("__bool__", "__len__"))
        return True if all(method is ABSENT for method in own) else None
    if isinstance(value, SCALARS | tuple):
        return bool(value)
    return True


def is_vague(value: Value) -> bool:
    """Whether a value is an attribute of something unknown, and so may itself be anything."""
    return isinstance(value, Method) and value.receiver in (ANY, THING)


def items_of(value: Value) -> Sequence[Value] | None:
    """Return what iterating over a value gives, or None where it is not known."""
    if isinstance(value, ListValue):
        return value.items
    if isinstance(value, DictValue):
        return None if value.items is None else list(value.items)
    return value if isinstance(value, tuple | str) else None


def is_ordered(value: Value) -> bool:
    """Whether the items of a value come in an order that can be foretold."""
    return not isinstance(value, ListValue) or value.ordered or len(value.items or ()) < 2  # noqa: PLR2004


def text_of(value: Value) -> str | Pattern | None:
    """Return `str(value)`, as far as it is known; None where nothing is."""
    if isinstance(value, str | Pattern):
        return value
    if isinstance(value, PathValue):
        return value.text
    if isinstance(value, ExceptionValue):
        return exception_text(value)
    return str(value) if isinstance(value, int | float | None) else None


def concatenate(parts: Iterable[Value]) -> Value:
    """Join texts; what is not known becomes `*`."""
    pieces: list[str] = []
    whole = True
    for part in parts:
        text = text_of(part)
        if isinstance(text, str):
            pieces.append(text)
        else:
            whole = False
            pieces.append("*" if text is None else text.glob)
    joined = "".join(pieces)
    if whole:
        return shortened(joined)
    return shortened(Pattern(joined)) if joined.strip("*") else ANY


def shortened(value: Value) -> Value:
    """Return a value, or `ANY` where it has grown too large to be followed."""
    if isinstance(value, str | bytes):
        return value if len(value) <= MAX_TEXT else ANY
    if isinstance(value, Pattern):
        return value if len(value.glob) <= MAX_TEXT else ANY
    if isinstance(value, tuple):
        return ANY if len(value) > MAX_ITEMS or _is_deep(value, _MAX_NESTING) else value
    if isinstance(value, int) and abs(value) > _MAX_NUMBER:
        return ANY
    return value


def _is_deep(value: tuple[Value, ...], limit: int) -> bool:
    return any(
        isinstance(item, tuple) and (limit == 0 or _is_deep(item, limit - 1)) for item in value
    )


def is_key(value: Value) -> bool:
    """Whether a value is known well enough to be a dictionary's key."""
    if isinstance(value, tuple):
        return all(map(is_key, value))
    return isinstance(value, SCALARS | Known)
