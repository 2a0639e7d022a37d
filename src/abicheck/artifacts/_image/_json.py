"""The JSON documents of an image, read with the address of what is wrong in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from abicheck.artifacts._base import UnreadableMemberError
from abicheck.artifacts._image._stream import Chunk
from abicheck.model import Irregular

T = TypeVar("T")

_LARGEST: Final = 4 << 20  # the largest manifest a registry takes


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON object.  What is absent or null is empty; what has another type is damaged."""

    data: Mapping[str, Any]
    where: str

    def _get(self, key: str, kind: type[T]) -> T | None:
        value = self.data.get(key)
        if value is not None and not isinstance(value, kind):
            raise self._damaged(key, kind.__name__, value)
        return value

    def text(self, key: str) -> str:
        """Return the string at `key`."""
        return self._get(key, str) or ""

    def number(self, key: str) -> int:
        """Return the whole number at `key`."""
        return self._get(key, int) or 0

    def inner(self, key: str) -> Document:
        """Return the object at `key`."""
        return Document(self._get(key, dict) or {}, f"{self.where}.{key}")

    def objects(self, key: str) -> tuple[Document, ...]:
        """Return the objects in the list at `key`."""
        return objects(self._get(key, list) or [], f"{self.where}.{key}")

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the strings in the list at `key`."""
        found = self._get(key, list) or []
        for item in found:
            if not isinstance(item, str):
                raise self._damaged(key, "list of str", item)
        return tuple(found)

    def mapping(self, key: str) -> dict[str, str]:
        """Return the strings by their names in the object at `key`."""
        found = self.inner(key)
        return {name: found.text(name) for name in found.data}

    def _damaged(self, key: str, wanted: str, found: object) -> UnreadableMemberError:
        reason = f"{self.where}.{key}: expected {wanted}, found {type(found).__name__}"
        return UnreadableMemberError(Irregular.CORRUPT, reason)


def objects(items: list[Any], where: str) -> tuple[Document, ...]:
    """Return the items of a list, all of which must be objects."""
    for number, item in enumerate(items):
        if not isinstance(item, dict):
            reason = f"{where}[{number}]: expected dict, found {type(item).__name__}"
            raise UnreadableMemberError(Irregular.CORRUPT, reason)
    return tuple(Document(item, f"{where}[{number}]") for number, item in enumerate(items))


def parse(data: Chunk, where: str) -> Document | tuple[Document, ...]:
    """Return the object, or the list of objects, that a file holds.

    Raises `UnreadableMemberError` where it is neither, or too large to be read.
    """
    if len(data) > _LARGEST:
        reason = f"{where}: {len(data):,} bytes; a document of {_LARGEST:,} is read at most"
        raise UnreadableMemberError(Irregular.LIMIT, reason)
    try:
        value = json.loads(bytes(data))
    # ValueError: no JSON, no UTF-8, or a number of thousands of digits.
    except (ValueError, RecursionError) as error:
        reason = f"{where}: not JSON: {error}"
        raise UnreadableMemberError(Irregular.CORRUPT, reason) from error
    if isinstance(value, list):
        return objects(value, where)
    return objects([value], where)[0]
