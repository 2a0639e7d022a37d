"""The hash tables through which a symbol is found: DT_GNU_HASH and DT_HASH.

Mirrors the middle of `do_lookup_x`: a name leads to a bucket and the bucket to a chain.
What the tables do not lead to is not there, whatever the symbol table holds.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import accumulate
from struct import Struct
from sys import byteorder
from typing import Final

from abicheck.elf._budget import MalformedError
from abicheck.elf._image import Image

_LOST: Final = 1024  # words that are searched behind buckets which all lead before the chains
_MASK: Final = 0xFFFFFFFF
_PIECE: Final = 256
_POWERS: Final = tuple(pow(33, n, 1 << 32) for n in range(_PIECE + 1))
# A byte's upper and lower half as a digit: int() reads digits of base 33 faster than a loop.
_DIGITS: Final = b"0123456789abcdef"
_UPPER: Final = bytes(_DIGITS[byte >> 4] for byte in range(256))
_LOWER: Final = bytes(_DIGITS[byte & 15] for byte in range(256))


def gnu_hash(name: bytes) -> int:
    """Return the hash of DT_GNU_HASH: `_dl_new_hash`, 33 times what was, plus the byte."""
    value = 5381
    for start in range(0, len(name), _PIECE):
        piece = name[start : start + _PIECE]
        digits = 16 * int(piece.translate(_UPPER), 33) + int(piece.translate(_LOWER), 33)
        value = (value * _POWERS[len(piece)] + digits) & _MASK
    return value


def elf_hash(name: bytes) -> int:
    """Return the hash of DT_HASH and of versions: `_dl_elf_hash`."""
    value = 0
    for byte in name:
        value = (value << 4) + byte
        value = (value ^ (value >> 24 & 0xF0)) & 0x0FFFFFFF
    return value


class NoHash:
    """What an object without a hash table, or with an empty one, leads to: nothing."""

    count = 0
    """How many symbols there are, as far as the table tells."""
    first = 0
    """The first symbol that can be found."""

    def candidates(self, name: bytes) -> Iterator[int]:
        """Yield the symbols that a search for `name` compares, in order."""
        del name
        return iter(())

    def leads_to(self, name: bytes, index: int) -> bool:
        """Whether a search for `name` comes to symbol `index`."""
        return index in self.candidates(name)


class GnuHash(NoHash):
    """DT_GNU_HASH, with its own copy of the bytes."""

    def __init__(self, image: Image, address: int, kind: tuple[int, int]) -> None:
        order = "<" if kind[1] == 1 else ">"
        buckets, first, bloom, shift = Struct(order + "4I").unpack(image.read(address, 16))
        self._bits = 64 if kind[0] == 2 else 32
        self._shift = shift & 31  # as the processor takes it
        word = self._bits // 8
        where = address + 16 + bloom * word
        self.first = first
        self._buckets = _numbers("I", image.read(where, buckets * 4), kind[1])
        # Of no words at all, the mask is everything: that search reads what it comes upon.
        self._words = _numbers(
            "Q" if word == 8 else "I",
            image.read(address + 16, bloom * word),
            kind[1],
        )
        last = max(self._buckets, default=0)
        chains = image.rest(where + buckets * 4) if last else memoryview(b"")
        length = _LOST
        if last >= max(first, 1):
            length = _end_of_chain(chains, last - first, order) + 1
            self.count = first + length
        self._chains = _numbers("I", chains[: length * 4], kind[1])
        self._begins: list[int] = []

    def leads_to(self, name: bytes, index: int) -> bool:
        """Whether a search for `name` comes to symbol `index`: asked of each that is its own."""
        chains = self._chains
        place = index - self.first
        if not 0 <= place < len(chains) or not self._words:
            return index in self.candidates(name)
        wanted = gnu_hash(name)
        if (chains[place] ^ wanted) >> 1:
            return False
        if not self._begins:
            # Where the chain begins in which each place lies.
            last = range(1, len(chains) + 1)
            ends = (n if chain & 1 else 0 for n, chain in zip(last, chains, strict=True))
            self._begins = [0, *accumulate(ends, max)]
        bits = self._bits
        word = self._words[wanted // bits & (len(self._words) - 1)]
        head = self._buckets[wanted % len(self._buckets)]
        return bool(
            head
            and self._begins[place] <= head - self.first <= place
            and word >> wanted % bits & word >> (wanted >> self._shift) % bits & 1
        )

    def candidates(self, name: bytes) -> Iterator[int]:
        """Yield the symbols that a search for `name` compares, in order."""
        if not self._buckets:
            return
        wanted = gnu_hash(name)
        bits = self._bits
        if self._words:
            word = self._words[wanted // bits & (len(self._words) - 1)]
            if not word >> wanted % bits & word >> (wanted >> self._shift) % bits & 1:
                return
        head = self._buckets[wanted % len(self._buckets)]
        place = head - self.first
        chains = self._chains
        if place < 0 < head:
            # Before the chains lie the buckets, and these are read as chains.
            chains = self._buckets + chains
            place += len(self._buckets)
        while head and 0 <= place < len(chains):
            if not (chains[place] ^ wanted) >> 1:
                yield head
            if chains[place] & 1:
                return
            place += 1
            head += 1


class SysvHash(NoHash):
    """DT_HASH, with its own copy of the bytes."""

    first = 1

    def __init__(self, image: Image, address: int, kind: tuple[int, int]) -> None:
        order = "<" if kind[1] == 1 else ">"
        buckets, self.count = Struct(order + "2I").unpack(image.read(address, 8))
        self._buckets = _numbers("I", image.read(address + 8, buckets * 4), kind[1])
        chains, _ = image.mapped(address + 8 + buckets * 4, self.count * 4)
        self._chains = _numbers("I", chains[: self.count * 4], kind[1])
        if not buckets:
            self.count = 0

    def candidates(self, name: bytes) -> Iterator[int]:
        """Yield the symbols that a search for `name` compares, in order.

        The loader follows a chain that loops for ever; here it ends.
        """
        if not self._buckets:
            return
        place = self._buckets[elf_hash(name) % len(self._buckets)]
        for _ in range(len(self._chains)):
            if not 0 < place < len(self._chains):
                return
            yield place
            place = self._chains[place]


def _numbers(kind: str, table: memoryview, data: int) -> array[int]:
    found = array(kind)
    found.frombytes(table[: len(table) // found.itemsize * found.itemsize])
    if (data == 1) != (byteorder == "little"):
        found.byteswap()
    return found


def _end_of_chain(chains: memoryview, place: int, order: str) -> int:
    """Return the place of the last entry of the chain that goes through `place`."""
    entry = Struct(order + "I")
    while True:
        if place * 4 + 4 > len(chains):
            reason = "the last chain of DT_GNU_HASH has no end"
            raise MalformedError(reason)
        if entry.unpack_from(chains, place * 4)[0] & 1:
            return place
        place += 1
