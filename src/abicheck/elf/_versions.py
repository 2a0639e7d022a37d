"""Symbol versions by dynamic tag: DT_VERSYM, DT_VERNEED, DT_VERDEF.

By tag and not by section, because the loader needs no section headers.
Mirrors `_dl_check_map_versions`, which follows the `next` fields and not the
counts; a chain that loops is cut where it repeats.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from struct import Struct
from sys import byteorder

from abicheck.elf._budget import MalformedError
from abicheck.elf._hash import elf_hash
from abicheck.elf._image import Image, Strings, readable
from abicheck.model import VersionNeed

VERSYM_HIDDEN = 0x8000
VERSYM_INDEX = 0x7FFF
_VER_FLG_BASE = 1
_VER_FLG_WEAK = 2


class Versions:
    """The version tables of one object.

    `defined` maps indices to the names of DT_VERDEF, without the base
    definition, which names the file itself; `names` has that too.  A version is
    known by its name and by the hash of it: a definition whose hash is another one
    is found by nobody.  `revision` is the version of the first record of DT_VERNEED,
    `defined_revision` that of the first of DT_VERDEF that is not 1.
    """

    def __init__(self) -> None:
        self.versym: array[int] | None = None
        self.needs: list[VersionNeed] = []
        self.defined: dict[int, str] = {}
        self.names: tuple[str, ...] | None = None
        self.revision = 1
        self.defined_revision = 1
        self._highest = 0
        self._needed: dict[int, tuple[str, str]] = {}

    def of_reference(self, index: int) -> tuple[str | None, str | None]:
        """Return the version an undefined symbol asks for, and the file it is expected of."""
        if self.versym is None or index >= len(self.versym):
            return None, None
        number = self.versym[index] & VERSYM_INDEX
        need = self._needed.get(number)
        if need is not None:
            return need
        return self.defined.get(number), None

    def check(self, index: int) -> None:
        """Raise where the version of a symbol is looked for beyond the table of versions.

        That table is as long as the highest index in DT_VERNEED and DT_VERDEF, and there
        is none where that is 0; its first place is empty.
        """
        if self.versym is None:
            return
        if index >= len(self.versym):
            reason = f"the version of symbol {index} leaves its segment"
            raise MalformedError(reason)
        number = self.versym[index] & VERSYM_INDEX
        if number > self._highest:
            reason = f"symbol {index} has version {number}, of which there is no record"
            raise MalformedError(reason)

    def read_versym(self, table: memoryview, data: int) -> None:
        """Take DT_VERSYM, one 16-bit word a symbol."""
        self.versym = array("H", bytes(table[: len(table) // 2 * 2]))
        if (data == 1) != (byteorder == "little"):
            self.versym.byteswap()

    def read_needs(self, image: Image, strings: Strings, address: int, order: str) -> None:
        """Take DT_VERNEED and its chain of files and versions."""
        file, entry = Struct(order + "HHIII"), Struct(order + "IHHII")
        self.revision = file.unpack(image.read(address, file.size))[0]
        if self.revision != 1:
            return
        for where, (_, _, name, aux, _) in _chain(image, address, file, 4):
            soname = readable(strings.at(name))
            for _, (hashed, flags, other, version, _) in _chain(image, where + aux, entry, 4):
                text = strings.at(version)
                weak = bool(flags & _VER_FLG_WEAK)
                sound = hashed == elf_hash(text.encode("latin-1"))
                self.needs.append(VersionNeed(soname, text, weak, hashed=sound))
                number = other & VERSYM_INDEX
                self._needed[number] = (text, soname)
                self._highest = max(self._highest, number)

    def read_definitions(self, image: Image, strings: Strings, address: int, order: str) -> None:
        """Take DT_VERDEF; the first auxiliary entry of each definition is its name."""
        entry, aux = Struct(order + "HHHHIII"), Struct(order + "II")
        names = []
        for where, record in _chain(image, address, entry, 6):
            revision, flags, index, _, hashed, first, _ = record
            number = index & VERSYM_INDEX
            if self.defined_revision == 1:
                self.defined_revision = revision
            name = strings.at(aux.unpack(image.read(where + first, aux.size))[0])
            sound = hashed == elf_hash(name.encode("latin-1"))
            if self.defined_revision == 1 and sound:
                names.append(name)
            self._highest = max(self._highest, number)
            if not flags & _VER_FLG_BASE:
                # No name that is asked for has a zero byte in it.
                self.defined[number] = name if sound else f"{name}\0"
                self._needed.pop(number, None)
        self.names = tuple(names)


def _chain(
    image: Image, address: int, layout: Struct, link: int
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield the records of a chain whose field `link` is the offset of the next."""
    seen = set()
    while True:
        if address in seen:
            reason = f"the version chain at {address:#x} loops"
            raise MalformedError(reason)
        seen.add(address)
        image.budget.spend(layout.size)
        image.versions.take()
        record = layout.unpack(image.read(address, layout.size))
        yield address, record
        if record[link] == 0:
            return
        address += record[link]
