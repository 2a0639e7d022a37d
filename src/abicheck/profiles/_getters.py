"""Typed getters for untrusted JSON that carry the address of the value.

profile.json: libraries[3].soname: expected str, found int
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

from abicheck.errors import ProfileError

T = TypeVar("T")


_MAX_DIGITS: Final = 9


def is_number(text: str) -> bool:
    """Whether a part of a version is a number of a size that versions have."""
    return text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS


class Fields:
    """A JSON object and where it stands in its file."""

    def __init__(self, data: object, where: str) -> None:
        if not isinstance(data, dict):
            reason = f"{where}: expected an object, found {type(data).__name__}"
            raise ProfileError(reason)
        self._data: dict[str, Any] = data
        self.where = where
        self._asked: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self._data

    def get(self, key: str, kind: type[T]) -> T:
        """Return the value at `key`, which must be there and must be a `kind`."""
        self._asked.add(key)
        value = self._data.get(key)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            found = "nothing" if value is None else type(value).__name__
            reason = f"{self.where}.{key}: expected {kind.__name__}, found {found}"
            raise ProfileError(reason)
        return value

    def find(self, key: str, default: T) -> T:
        """Return the value at `key`, or `default` where there is none."""
        self._asked.add(key)
        return self.get(key, type(default)) if key in self._data else default

    def strings(self, key: str, *, optional: bool = False) -> tuple[str, ...]:
        """Return a list of strings."""
        values = self.find(key, []) if optional else self.get(key, list)
        for index, value in enumerate(values):
            if not isinstance(value, str):
                reason = f"{self.where}.{key}[{index}]: expected str, found {type(value).__name__}"
                raise ProfileError(reason)
        return tuple(values)

    def numbers(self, key: str, count: int) -> tuple[int, ...]:
        """Return a dotted version of `count` parts as numbers."""
        text = self.get(key, str)
        parts = text.split(".")
        if len(parts) != count or not all(map(is_number, parts)):
            reason = f"{self.where}.{key}: expected a version of {count} parts, found {text!r}"
            raise ProfileError(reason)
        return tuple(map(int, parts))

    def mapping(self, key: str, kind: type[T]) -> Mapping[str, T]:
        """Return an object whose values are all of one kind; empty where there is none."""
        values: dict[str, Any] = self.find(key, {})
        for name, value in values.items():
            if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
                found = type(value).__name__
                reason = f"{self.where}.{key}.{name}: expected {kind.__name__}, found {found}"
                raise ProfileError(reason)
        return MappingProxyType(values)

    def lists(self, key: str) -> Mapping[str, tuple[str, ...]]:
        """Return an object whose values are lists of strings; empty where there is none."""
        names = Fields(self.find(key, {}), f"{self.where}.{key}")
        return MappingProxyType({name: names.strings(name) for name in names})

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def one_of(self, key: str, known: Collection[str]) -> str:
        """Return a string that must be one of `known`."""
        value = self.get(key, str)
        if value not in known:
            reason = f"{self.where}.{key}: expected one of {', '.join(known)}, found {value!r}"
            raise ProfileError(reason)
        return value

    def objects(self, key: str) -> Iterator[Fields]:
        """Yield each object of a list, with its address."""
        for index, value in enumerate(self.get(key, list)):
            yield Fields(value, f"{self.where}.{key}[{index}]")

    def finish(self) -> None:
        """Refuse a key that nothing asked for: it is a typing error, or a newer schema."""
        unknown = sorted(self._data.keys() - self._asked)
        if unknown:
            reason = f"{self.where}.{unknown[0]}: unknown key"
            raise ProfileError(reason)
