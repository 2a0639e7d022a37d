"""What is read of an object as soon as it is mapped: `_dl_map_object_from_fd`, its second half.

A table that lies here ends the process before anything has been searched for.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Any, Final

from abicheck.elf._budget import MalformedError
from abicheck.elf._image import Image
from abicheck.elf._mapping import PAGE, PT_LOAD
from abicheck.elf._tags import TAG
from abicheck.model import Assertion, ElfHeader, Segment

_PT_NOTE, _PT_PHDR = 4, 6
_PT_GNU_PROPERTY: Final = 0x6474E553
_PT_GNU_RELRO: Final = 0x6474E552
_NT_PROPERTY: Final = 5
_FEATURES, _ISA_NEEDED, _NEEDED_1 = 0xC0000002, 0xC0008002, 0xB0008000
_DT_RELA: Final = 7
_ENTRY, _WORD = 24, 8  # sizeof (Elf64_Rela), sizeof (Elf64_Relr)
# What `elf_get_dynamic_info` adds the load address to, in the table itself.
_ADJUSTED: Final = (
    *("DT_HASH", "DT_PLTGOT", "DT_STRTAB", "DT_SYMTAB", "DT_RELA", "DT_REL", "DT_RELR"),
    *("DT_JMPREL", "DT_VERSYM", "DT_GNU_HASH"),
)
_PHDR: Final = Struct("<2I6Q")


def read_early(
    image: Image,
    header: ElfHeader,
    segments: Sequence[Segment],
    dynamic: int,
    tags: dict[int, int],
) -> dict[str, Any]:
    """Return what the loader makes of the tables it touches first, of a 64-bit object.

    `dynamic` is the address of the dynamic table.
    """
    size = 16 * (len(tags) + 1)
    adjusted = any(TAG[name] in tags for name in _ADJUSTED)
    assertion = _of_dynamic(tags)
    facts: dict[str, Any] = {
        "fixed_dynamic": adjusted and not image.is_writable(dynamic, size),
        "loose_relro": _is_loose(image, segments),
    }
    if assertion is not None:
        facts |= _untrue(assertion)
        if assertion is not Assertion.RELRENT:
            return facts
    facts["isa_needed"] = _isa_needed(image, _headers(image, header, segments))
    gnu_hash, sysv_hash = tags.get(TAG["DT_GNU_HASH"]), tags.get(TAG["DT_HASH"])
    if gnu_hash is not None:
        words = Struct("<4I").unpack(image.read(gnu_hash, 16))[2]
        if words & (words - 1) and assertion is None:
            facts |= _untrue(Assertion.BLOOM)
    elif sysv_hash is not None:
        image.read(sysv_hash, 4)
    return facts


def _untrue(assertion: Assertion) -> dict[str, Any]:
    return {"assertion": assertion, "defect": f"malformed: {assertion}"}


def _of_dynamic(tags: dict[int, int]) -> Assertion | None:
    """Return what `elf_get_dynamic_info` asserts in vain."""
    if tags.get(TAG["DT_PLTREL"], _DT_RELA) != _DT_RELA:
        return Assertion.PLTREL
    for table, entry, size, assertion in (
        ("DT_RELA", "DT_RELAENT", _ENTRY, Assertion.RELAENT),
        ("DT_RELR", "DT_RELRENT", _WORD, Assertion.RELRENT),
    ):
        if TAG[table] in tags and tags.get(TAG[entry]) != size:
            if TAG[entry] not in tags and assertion is not Assertion.RELRENT:
                reason = f"{table} without {entry}"
                raise MalformedError(reason)
            return assertion
    return None


def _is_loose(image: Image, segments: Sequence[Segment]) -> bool:
    """Whether pages that are to be protected at last are not all mapped: `_dl_protect_relro`."""
    relro = next((s for s in reversed(segments) if s.type == _PT_GNU_RELRO), None)
    if relro is None or not relro.memsz:
        return False
    start, end = relro.vaddr // PAGE * PAGE, (relro.vaddr + relro.memsz) // PAGE * PAGE
    return start != end and not image.covers(start, end)


# --- notes --------------------------------------------------------------------------


def _headers(
    image: Image, header: ElfHeader, segments: Sequence[Segment]
) -> Sequence[tuple[int, ...]]:
    """Return the program headers as they are in memory, where `l_phdr` points."""
    address = next((s.vaddr for s in reversed(segments) if s.type == _PT_PHDR), 0)
    size = header.phnum * _PHDR.size
    if not address:
        for load in segments:
            start, end = load.vaddr // PAGE * PAGE, -(-(load.vaddr + load.filesz) // PAGE) * PAGE
            offset = load.offset // PAGE * PAGE
            if (
                load.type == PT_LOAD
                and offset <= header.phoff
                and end - start + offset >= header.phoff + size
            ):
                address = start + header.phoff - offset
                break
    if not address:
        return [
            (s.type, s.flags, s.offset, s.vaddr, 0, s.filesz, s.memsz, s.align) for s in segments
        ]
    return list(_PHDR.iter_unpack(image.read(address, size)))


def _isa_needed(image: Image, headers: Sequence[tuple[int, ...]]) -> int:
    """Return the ISA level needed: `_dl_process_property_note`, of the last PT_NOTE that counts."""
    seen = False
    needed = 0
    for kind, _, _, address, _, _, size, align in reversed(headers):
        if align != 8:
            continue
        if kind == _PT_NOTE and not seen:
            seen = True
            needed = _of_notes(image, address, size)
        elif kind == _PT_GNU_PROPERTY:
            _of_notes(image, address, size)  # to be read, and nothing else
    return needed


def _of_notes(image: Image, address: int, size: int) -> int:
    header = Struct("<3I")
    here, found, seen = 0, 0, False
    while here + header.size < size:
        image.budget.spend(header.size)
        namesz, descsz, kind = header.unpack(image.read(address + here, header.size))
        is_property = (namesz, kind) == (4, _NT_PROPERTY)
        if is_property and bytes(image.read(address + here + 12, 4)) == b"GNU\0":
            if seen or descsz < _WORD or descsz % _WORD:
                return 0
            seen = True
            level = _of_properties(image, address + here + 16, descsz)
            if level is None:
                return 0
            found = level
        here += _up(_up(header.size + namesz) + descsz)
    return found


def _of_properties(image: Image, here: int, size: int) -> int | None:
    """Return the ISA level among the properties of one note, or None where they are ill-formed."""
    end = here + size
    last = 0
    while True:
        kind, length = Struct("<2I").unpack(image.read(here, 8))
        image.budget.spend(8)
        here += 8
        if kind < last or here + length > end:
            return None
        last = kind
        if kind in (_FEATURES, _ISA_NEEDED, _NEEDED_1):
            if length != 4:
                return None
            if kind == _ISA_NEEDED:
                return int.from_bytes(image.read(here, 4), "little")
        elif kind > _ISA_NEEDED:
            return 0
        here += _up(length)
        if end - here < 8:
            return 0


def _up(value: int) -> int:
    return -(-value // _WORD) * _WORD
