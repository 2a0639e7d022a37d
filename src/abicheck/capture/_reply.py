"""A function's reply as a root file system: the parts of files that it has sent."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
import re
import zlib
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, Final

from abicheck.capture._root import TreeRoot
from abicheck.capture._running import SCHEMA, Running, parse_running
from abicheck.elf import MAGIC, read_elf
from abicheck.errors import ProfileError
from abicheck.filesystem import Entry, Kind, Tree
from abicheck.model import ElfFacts, Location, SymbolTable
from abicheck.profiles import Fields

_MAX_BYTES: Final = 256 << 20  # of all parts together, and of one file
_ENVELOPE: Final = "body"
_OBJECT: Final = re.compile(r'\s*(?:"\s*)?\{')


class Reply(TreeRoot):
    """The files of a reply: links and names whole, of each object what a loader reads."""

    def __init__(
        self,
        tree: Tree,
        sizes: Mapping[str, int],
        parts: Mapping[str, list[tuple[int, bytes]]],
        left_out: AbstractSet[str],
    ) -> None:
        super().__init__(tree)
        self._left_out = left_out
        self._sizes = sizes
        self._parts = parts
        self._facts: dict[str, ElfFacts | None] = {}

    def read(self, path: str) -> bytes | None:
        """Return a file with zeroes for what was not sent."""
        real = self.real(path)
        if real is None or real not in self._parts:
            return None
        content = bytearray(self._sizes[real])
        for offset, data in self._parts[real]:
            content[offset : offset + len(data)] = data
        return bytes(content)

    def facts(self, path: str) -> ElfFacts | None:
        """Return the facts of an ELF file, or None for anything else."""
        real = self.real(path)
        if real is None:
            return None
        if real not in self._facts:
            data = self.read(real)
            facts = None
            if data is not None and data.startswith(MAGIC):
                facts = read_elf(data, Location(PurePosixPath(real)))
                if real in self._left_out:
                    nodes = facts.table.versions
                    table = SymbolTable(dict, versions=nodes, versioned=True, complete=False)
                    facts = replace(facts, table=table, references=(), undefined=())
            self._facts[real] = facts
        return self._facts[real]

    def date(self) -> dt.date | None:
        """Return None: the reply has the day on which it was given."""
        return None


def is_reply(data: bytes) -> bool:
    """Whether the first bytes are those of a JSON object, or of a text that holds one.

    A shell may have put a byte order mark before it, or written it in UTF-16.
    """
    text = data.decode(json.detect_encoding(data), "replace").lstrip("\ufeff")
    return _OBJECT.match(text) is not None


def parse_reply(data: bytes, where: str) -> tuple[Reply, Running]:
    """Return the file system and the facts of a reply; raise `ProfileError` where it is none.

    A reply may lie in the `body` of an HTTP answer, as JSON text.
    """
    fields = Fields(_load(data, where), where)
    if _ENVELOPE in fields:
        fields = Fields(_load(fields.get(_ENVELOPE, str).encode("utf-8", "replace"), where), where)
    if fields.get("schema", int) != SCHEMA:
        reason = f"{where}.schema: this version reads replies of schema {SCHEMA}"
        raise ProfileError(reason)
    left_out = fields.strings("left_out")
    running = parse_running(Fields(fields.get("runtime", dict), f"{where}.runtime"), left_out)
    tree, sizes = _entries(fields.get("entries", dict), where)
    parts = _parts(fields.get("chunks", dict), f"{where}.chunks", sizes)
    fields.finish()
    return Reply(tree, sizes, parts, frozenset(left_out)), running


def _load(data: bytes, where: str) -> object:
    try:
        found = json.loads(data)
        # The handler's own text, encoded once more by what called it.
        return json.loads(found) if isinstance(found, str) else found
    except (ValueError, RecursionError) as error:
        reason = f"{where}: not JSON: {error}"
        raise ProfileError(reason) from error


def _inflate(text: object, where: str, most: int) -> bytes:
    try:
        packed = base64.b64decode(text if isinstance(text, str) else "?", validate=True)
        engine = zlib.decompressobj()
        data = engine.decompress(packed, most + 1)
    except (binascii.Error, ValueError, zlib.error) as error:
        reason = f"{where}: {error}"
        raise ProfileError(reason) from error
    if not engine.eof or len(data) > most:
        reason = f"{where}: cut off, or more than {_MAX_BYTES >> 20} MiB in all"
        raise ProfileError(reason)
    return data


def _entries(raw: dict[str, Any], where: str) -> tuple[Tree, dict[str, int]]:
    tree = Tree({})
    sizes: dict[str, int] = {}
    for path, value in raw.items():
        if not path.startswith("/"):
            reason = f"{where}.entries: {path} is not absolute"
            raise ProfileError(reason)
        if value is None:
            tree.add(path, Entry(Kind.DIRECTORY))
        elif isinstance(value, str):
            tree.add(path, Entry(Kind.SYMLINK, None, value))
        elif isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            tree.add(path, Entry(Kind.FILE))
            sizes[path] = value
        else:
            reason = f"{where}.entries.{path}: expected a size, a link's target or null"
            raise ProfileError(reason)
    return tree, sizes


def _parts(
    chunks: dict[str, Any], where: str, sizes: Mapping[str, int]
) -> dict[str, list[tuple[int, bytes]]]:
    found: dict[str, list[tuple[int, bytes]]] = {}
    left = _MAX_BYTES
    for path, chunk in chunks.items():
        if (
            path not in sizes
            or sizes[path] > _MAX_BYTES
            or not isinstance(chunk, list)
            or not chunk
        ):
            reason = f"{where}.{path}: not a file of the entries, or too large"
            raise ProfileError(reason)
        data = _inflate(chunk[-1], f"{where}.{path}", left)
        left -= len(data)
        found[path] = []
        taken = 0
        for place in chunk[:-1]:
            if not _is_place(place, sizes[path]) or taken + place[1] > len(data):
                reason = f"{where}.{path}: {place!r}: expected an offset and a length in the file"
                raise ProfileError(reason)
            found[path].append((place[0], data[taken : taken + place[1]]))
            taken += place[1]
    return found


def _is_place(place: object, size: int) -> bool:
    return (
        isinstance(place, list)
        and len(place) == 2  # noqa: PLR2004 - offset and length
        and all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in place)
        and place[0] + place[1] <= size
    )
