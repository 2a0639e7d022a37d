"""Comparisons, which hold, do not hold, or cannot be told."""

from __future__ import annotations

from typing import Final

from abicheck.python._simulated.questions import is_key, is_vague, items_of
from abicheck.python._simulated.values import (
    ANY,
    SCALARS,
    THING,
    ClassValue,
    DictValue,
    Function,
    Known,
    ListValue,
    Module,
    PathValue,
    Value,
)

# What never equals a constant or a tuple.
_OTHERS: Final = SCALARS | tuple | ListValue | DictValue | PathValue | Module | Function


def compare(operation: str, left: Value, right: Value) -> bool | None:
    """Return the outcome of one comparison, or None where it is not known."""
    if operation in ("==", "!="):
        equal = is_equal(left, right)
        return None if equal is None else equal is (operation == "==")
    if operation in ("in", "not in"):
        contained = _contains(right, left)
        return None if contained is None else contained is (operation == "in")
    if operation in ("is", "is not"):
        identical = _is_identical(left, right)
        return None if identical is None else identical is (operation == "is")
    return _is_ordered(operation, left, right)


def is_equal(left: Value, right: Value) -> bool | None:
    """Return `left == right`, or None where it is not known."""
    if isinstance(left, PathValue) and isinstance(right, PathValue):
        return left.text == right.text
    if isinstance(left, tuple) and isinstance(right, tuple):
        if len(left) != len(right):
            return False
        answers = [is_equal(one, other) for one, other in zip(left, right, strict=True)]
        if False in answers:
            return False
        return None if None in answers else True
    if isinstance(left, ListValue) and isinstance(right, ListValue):
        if left.items is None or right.items is None or not (left.ordered and right.ordered):
            return None
        return is_equal(tuple(left.items), tuple(right.items))
    if isinstance(left, SCALARS) and isinstance(right, SCALARS):
        return left == right
    if isinstance(left, SCALARS | tuple) or isinstance(right, SCALARS | tuple):
        other = right if isinstance(left, SCALARS | tuple) else left
        return False if isinstance(other, _OTHERS) else None
    return None


def _is_identical(left: Value, right: Value) -> bool | None:
    if left is ANY or right is ANY or is_vague(left) or is_vague(right):
        return None
    if left is right and isinstance(left, Module | ClassValue | Known):
        return True
    for one, other in ((left, right), (right, left)):
        if one is None or isinstance(one, bool):
            if other is THING:
                return False if one is None else None
            return one is other
    return None


def _contains(container: Value, item: Value) -> bool | None:
    if isinstance(container, str):
        return item in container if isinstance(item, str) else None
    if isinstance(container, DictValue):
        known = container.items is not None and is_key(item)
        return item in (container.items or ()) if known else None
    items = items_of(container)
    if items is None:
        return None
    answers = [is_equal(item, each) for each in items]
    if True in answers:
        return True
    return None if None in answers else False


def _is_ordered(operation: str, left: Value, right: Value) -> bool | None:
    """Compare by size; tuples entry by entry, as far as the entries are known."""
    if isinstance(left, tuple) and isinstance(right, tuple):
        for one, other in zip(left, right, strict=False):
            equal = is_equal(one, other)
            if equal is None:
                return None
            if not equal:
                return _is_ordered(operation, one, other)
        return _holds(operation, len(left), len(right))
    if isinstance(left, str) and isinstance(right, str):
        return _holds(operation, (left > right) - (left < right), 0)
    if isinstance(left, int | float) and isinstance(right, int | float):
        return _holds(operation, left, right)
    return None


def _holds(operation: str, left: float, right: float) -> bool | None:
    outcomes = {
        "<": left < right,
        "<=": left <= right,
        ">": left > right,
        ">=": left >= right,
    }
    return outcomes.get(operation)
