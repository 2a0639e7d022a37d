"""Mutations that know ELF: one field of one table, set to what no linker would write.

Every table is found as the loader finds it, through the program headers and the dynamic
tags, and its fields are named; where a table lies already, its fields are simply not found.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

_PAGE: Final = 4096
_MOST: Final = 200  # records of one table that are worth a change
_NUMBERS: Final = (
    *(0, 1, 2, 3, 7, 8, 0x7F, 0x80, 0xFF, _PAGE - 1, _PAGE, _PAGE + 1, 2 * _PAGE, 1 << 16),
    *(0x7FFF, 0x8000, 0xFFFF, 1 << 20, 0x7FFFFFFF, 1 << 31, 0xFFFFFFFF, 1 << 32, 1 << 40, 1 << 46),
    *(1 << 47, (1 << 63) - 1, 1 << 63, -(1 << 32), -_PAGE, -64, -56, -16, -8, -1),
)
_PT: Final = (0, 1, 2, 3, 4, 6, 7, 0x6474E550, 0x6474E551, 0x6474E552, 0x6474E553, 0x70000000)
_TAGS: Final = (
    *range(40),
    *(0x6FFFFEF5, 0x6FFFFFF0, 0x6FFFFFF9, 0x6FFFFFFA, 0x6FFFFFFB, 0x6FFFFFFC, 0x6FFFFFFD),
    *(0x6FFFFFFE, 0x6FFFFFFF, 0x7FFFFFFD, 0x7FFFFFFF, 0x70000000),
)
_EHDR: Final = (
    *((4, 1), (5, 1), (6, 1), (7, 1), (8, 1), (9, 1), (15, 1), (16, 2), (18, 2), (20, 4), (24, 8)),
    *((32, 8), (40, 8), (48, 4), (52, 2), (54, 2), (56, 2), (58, 2), (60, 2), (62, 2)),
)
_PHDR: Final = ((0, 4), (4, 4), (8, 8), (16, 8), (24, 8), (32, 8), (40, 8), (48, 8))
_SHDR: Final = ((0, 4), (4, 4), (8, 8), (16, 8), (24, 8), (32, 8), (40, 4), (44, 4), (48, 8))
_SYM: Final = ((0, 4), (4, 1), (5, 1), (6, 2), (8, 8), (16, 8))
_RELA: Final = ((0, 8), (8, 4), (12, 4), (16, 8))
_REL: Final = ((0, 8), (8, 4), (12, 4))


@dataclass(frozen=True, slots=True)
class Field:
    """One number of the file; `choices` are values that mean something there."""

    at: int
    size: int
    choices: tuple[int, ...] = ()


def an_object(data: bytes, chance: Random) -> bytes:
    """Let some fields of an ELF object lie, or cut the file off, or lengthen it."""
    image = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        groups = [group for group in _groups(bytes(image)) if group]
        if not groups or not chance.randrange(12):
            _reshape(image, chance)
            continue
        _set(image, chance.choice(chance.choice(groups)), chance)
    return bytes(image)


def _reshape(image: bytearray, chance: Random) -> None:
    """Cut off, lengthen, overwrite or repeat bytes anywhere."""
    at = chance.randrange(len(image) or 1)
    size = chance.choice((1, 2, 4, 8, 64))
    match chance.randrange(6):
        case 0:
            del image[at:]
        case 1:
            del image[at // _PAGE * _PAGE + chance.choice((-1, 0, 1)) :]
        case 2:
            image += bytes(chance.choice((1, 8, _PAGE)))
        case 3:
            image[at : at + size] = chance.randbytes(size)
        case 4:
            image[at : at + size] = bytes(size)
        case _:
            image[at : at + 1] = bytes([(image[at] if at < len(image) else 0) ^ 1 << at % 8])


def _set(image: bytearray, field: Field, chance: Random) -> None:
    if not 0 <= field.at <= len(image) - field.size:
        return
    old = int.from_bytes(image[field.at : field.at + field.size], "little")
    length = len(image)
    near = (old + 1, old - 1, old * 2, old // 2, old + _PAGE, old - _PAGE, old ^ 0x8000, -old)
    sizes = (length, length + 1, length - 1, -(-length // _PAGE) * _PAGE, length // 2)
    kinds = [_NUMBERS, near, sizes, (old ^ 1 << chance.randrange(8 * field.size),)]
    if field.choices:
        kinds += [field.choices, field.choices]
    kinds.append((chance.getrandbits(64),))
    new = chance.choice(chance.choice(kinds)) & ((1 << 8 * field.size) - 1)
    image[field.at : field.at + field.size] = new.to_bytes(field.size, "little")


# --- where the fields are ---------------------------------------------------------------


class _Tables:
    """The tables of a 64-bit, little-endian object, as far as they can be found."""

    def __init__(self, image: bytes) -> None:
        self.image = image
        (start,) = self.words("Q", 32)
        (count,) = self.words("H", 56)
        places = [start + 56 * n for n in range(min(count, 64))]
        self.headers = [at for at in places if at + 56 <= len(image)]
        self.segments = [self.words("IIQQQQQQ", at) for at in self.headers]
        self.dynamic = list(self._dynamic())
        self.tags = {self.words("Q", at)[0]: self.words("Q", at + 8)[0] for at in self.dynamic}

    def words(self, layout: str, at: int) -> tuple[int, ...]:
        """Unpack numbers, zeros where the file has ended."""
        size = struct.calcsize("<" + layout)
        part = self.image[max(at, 0) : max(at, 0) + size]
        return struct.unpack("<" + layout, part.ljust(size, b"\0"))

    def _dynamic(self) -> Iterator[int]:
        for kind, _, offset, _, _, filesz, *_ in self.segments:
            if kind == 2:
                for at in range(offset, min(offset + min(filesz, 16 * _MOST), len(self.image)), 16):
                    yield at
                    if self.words("Q", at) == (0,):
                        break

    def place(self, tag: int) -> int | None:
        """Return where in the file the table of a tag begins."""
        address = self.tags.get(tag)
        if address is None:
            return None
        for kind, _, offset, vaddr, _, filesz, *_ in self.segments:
            if kind == 1 and vaddr <= address < vaddr + filesz:
                return offset + address - vaddr
        return None

    def rows(
        self, start: int | None, length: int, fields: Sequence[tuple[int, int]], size: int
    ) -> list[Field]:
        """Return the fields of a table of equal records."""
        if start is None:
            return []
        count = min(length // size, _MOST)
        return [Field(start + size * n + at, wide) for n in range(count) for at, wide in fields]


def _groups(image: bytes) -> list[list[Field]]:
    """Return the fields of an object by table, so that a small table is changed as often."""
    if len(image) < 64 or image[4:6] != b"\2\1":
        return []
    tables = _Tables(image)
    addresses = tuple({vaddr for _, _, _, vaddr, *_ in tables.segments})
    return [
        [Field(*field) for field in _EHDR],
        [
            Field(
                at + offset,
                size,
                _PT if offset == 0 else addresses if size == 8 else tuple(range(8)),
            )
            for at in tables.headers
            for offset, size in _PHDR
        ],
        [Field(at, 8, _TAGS) for at in tables.dynamic],
        [Field(at + 8, 8, tuple(tables.tags.values())) for at in tables.dynamic],
        *_symbol_groups(tables),
        *_version_groups(tables),
        *_note_groups(tables),
        _sections(tables),
    ]


def _symbol_groups(tables: _Tables) -> Iterator[list[Field]]:
    symbols = tables.place(6)
    gnu, sysv = tables.place(0x6FFFFEF5), tables.place(4)
    count = 0
    if sysv is not None:
        buckets, count = tables.words("2I", sysv)
        yield tables.rows(sysv, 8 + 4 * min(buckets + count, _MOST), ((0, 4),), 4)
    if gnu is not None:
        buckets, first, bloom, _ = tables.words("4I", gnu)
        yield [Field(gnu + at, 4) for at in range(0, 16, 4)]
        yield tables.rows(gnu + 16, 8 * min(bloom, _MOST), ((0, 8),), 8)
        count = max(count, min(first, _MOST) + 8)
        yield tables.rows(
            gnu + 16 + 8 * min(bloom, 1 << 20), 4 * min(buckets + 8, _MOST), ((0, 4),), 4
        )
    yield tables.rows(symbols, 24 * max(1, min(count, _MOST)), _SYM, 24)
    yield tables.rows(tables.place(5), min(tables.tags.get(10, 0), 4096), ((0, 1),), 1)
    yield tables.rows(tables.place(7), tables.tags.get(8, 0), _RELA, 24)
    yield tables.rows(tables.place(17), tables.tags.get(18, 0), _REL, 16)
    yield tables.rows(tables.place(23), tables.tags.get(2, 0), _RELA, 24)
    yield tables.rows(tables.place(36), tables.tags.get(35, 0), ((0, 8),), 8)


def _version_groups(tables: _Tables) -> Iterator[list[Field]]:
    yield tables.rows(tables.place(0x6FFFFFF0), 2 * 32, ((0, 2),), 2)
    needs = ((0, 2), (2, 2), (4, 4), (8, 4), (12, 4)), ((0, 4), (4, 2), (6, 2), (8, 4), (12, 4))
    yield list(_chain(tables, tables.place(0x6FFFFFFE), *needs, link=12, to=8, inner=12))
    definitions = (
        ((0, 2), (2, 2), (4, 2), (6, 2), (8, 4), (12, 4), (16, 4)),
        ((0, 4), (4, 4)),
    )
    yield list(_chain(tables, tables.place(0x6FFFFFFC), *definitions, link=16, to=12, inner=4))


def _chain(  # noqa: PLR0913 - two layouts and the three links in them
    tables: _Tables,
    at: int | None,
    fields: Sequence[tuple[int, int]],
    parts: Sequence[tuple[int, int]],
    *,
    link: int,
    to: int,
    inner: int,
) -> Iterator[Field]:
    """Yield the fields of a chain of records, each with a chain of parts of its own."""
    for _ in range(16):
        if at is None or at >= len(tables.image):
            return
        yield from (Field(at + offset, size) for offset, size in fields)
        part = at + tables.words("I", at + to)[0]
        for _ in range(16):
            yield from (Field(part + offset, size) for offset, size in parts)
            (step,) = tables.words("I", part + inner)
            if not step:
                break
            part += step
        (step,) = tables.words("I", at + link)
        if not step:
            return
        at += step


def _note_groups(tables: _Tables) -> Iterator[list[Field]]:
    for kind, _, offset, _, _, filesz, *_ in tables.segments:
        if kind in (4, 0x6474E553):
            yield tables.rows(offset, min(filesz, 256), ((0, 4),), 4)


def _sections(tables: _Tables) -> list[Field]:
    (start,) = tables.words("Q", 40)
    (count,) = tables.words("H", 60)
    return tables.rows(start if start < len(tables.image) else None, 64 * count, _SHDR, 64)
