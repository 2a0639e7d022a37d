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

from abicheck.elf._image import Image, MalformedError, Strings, readable
from abicheck.model import VersionNeed

VERSYM_HIDDEN = 0x8000
VERSYM_INDEX = 0x7FFF
_VER_FLG_BASE = 1
_VER_FLG_WEAK = 2


class Versions:
    """The version tables of one object.

    `defined` maps indices to the names of DT_VERDEF, without the base
    definition, which names the file itself; `names` has that too.
    """

    def __init__(self) -> None:
        self.versym: array[int] | None = None
        self.needs: list[VersionNeed] = []
        self.defined: dict[int, str] = {}
        self.names: tuple[str, ...] | None = None
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

    def read_versym(self, table: memoryview, data: int) -> None:
        """Take DT_VERSYM, one 16-bit word a symbol."""
        self.versym = array("H", bytes(table))
        if (data == 1) != (byteorder == "little"):
            self.versym.byteswap()

    def read_needs(self, image: Image, strings: Strings, address: int, order: str) -> None:
        """Take DT_VERNEED and its chain of files and versions."""
        file, entry = Struct(order + "HHIII"), Struct(order + "IHHII")
        for where, (_, _, name, aux, _) in _chain(image, address, file, 4):
            soname = readable(strings.at(name))
            for _, (_, flags, other, version, _) in _chain(image, where + aux, entry, 4):
                text = strings.at(version)
                self.needs.append(VersionNeed(soname, text, bool(flags & _VER_FLG_WEAK)))
                self._needed[other & VERSYM_INDEX] = (text, soname)

    def read_definitions(self, image: Image, strings: Strings, address: int, order: str) -> None:
        """Take DT_VERDEF; the first auxiliary entry of each definition is its name."""
        entry, aux = Struct(order + "HHHHIII"), Struct(order + "II")
        names = []
        for where, (_, flags, number, _, _, first, _) in _chain(image, address, entry, 6):
            name = strings.at(aux.unpack(image.read(where + first, aux.size))[0])
            names.append(name)
            if not flags & _VER_FLG_BASE:
                self.defined[number & VERSYM_INDEX] = name
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
