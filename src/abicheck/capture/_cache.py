"""`/etc/ld.so.cache`: which file the loader takes for a name.

Mirrors `_dl_load_cache_lookup` and `search_cache` of glibc's elf/dl-cache.c and
the formats of sysdeps/generic/dl-cache.h: the old table, the new one inside it,
and the new one alone, with its extension for glibc-hwcaps.  A cache that is
damaged is one that the loader ignores, so it gives nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from struct import Struct, error
from typing import Final

_OLD_MAGIC: Final = b"ld.so-1.7.0"
_NEW_MAGIC: Final = b"glibc-ld.so.cache1.1"
_OLD_HEADER: Final = Struct("<11sxI")
_OLD_ENTRY: Final = Struct("<iII")
_NEW_HEADER: Final = Struct("<20sIIB3xI12x")
_NEW_ENTRY: Final = Struct("<iIIIQ")
_EXTENSION: Final = Struct("<II")
_SECTION: Final = Struct("<IIII")
_EXTENSION_MAGIC: Final = 0xEAA42174
_HWCAPS_TAG: Final = 1
_EXTENDED: Final = 1 << 62
_ISA_BITS: Final = 0x3FF
_TLS: Final = 1 << 63
_MAX_ENTRIES: Final = 1 << 20

# _DL_CACHE_DEFAULT_ID of each machine.
_FLAGS: Final[Mapping[str, int]] = {"x86_64": 0x303, "aarch64": 0xA03}


def read_cache(
    data: bytes, machine: str, hwcaps: Sequence[str], isa_level: int
) -> dict[str, tuple[str, ...]]:
    """Return the paths that a cache has for each name, the one the loader takes first.

    `hwcaps` are the glibc-hwcaps subdirectories that the processor is served
    from, best first.  Entries for other machines and processors are left out.
    """
    try:
        if data.startswith(_NEW_MAGIC):
            return _read_new(data, machine, hwcaps, isa_level)
        if data.startswith(_OLD_MAGIC):
            return _read_old(data, machine, hwcaps, isa_level)
    except (error, IndexError):
        return {}
    return {}


def _read_old(
    data: bytes, machine: str, hwcaps: Sequence[str], isa_level: int
) -> dict[str, tuple[str, ...]]:
    _, count = _OLD_HEADER.unpack_from(data)
    end = _OLD_HEADER.size + count * _OLD_ENTRY.size
    if count > _MAX_ENTRIES or end > len(data):
        return {}
    inner = (end + 7) // 8 * 8  # ALIGN_CACHE
    if data[inner:].startswith(_NEW_MAGIC):
        return _read_new(data[inner:], machine, hwcaps, isa_level)
    found: dict[str, list[str]] = {}
    for index in range(count):
        flags, key, value = _OLD_ENTRY.unpack_from(data, _OLD_HEADER.size + index * _OLD_ENTRY.size)
        if flags == _FLAGS[machine]:
            found.setdefault(_string(data, end + key), []).append(_string(data, end + value))
    return {name: tuple(paths) for name, paths in found.items()}


def _read_new(
    data: bytes, machine: str, hwcaps: Sequence[str], isa_level: int
) -> dict[str, tuple[str, ...]]:
    _, count, _, flags, extension = _NEW_HEADER.unpack_from(data)
    if count > _MAX_ENTRIES or flags not in (0, 2):
        return {}
    names = _hwcap_names(data, extension)
    order = {name: place for place, name in enumerate(hwcaps)}
    found: dict[str, list[tuple[int, int, str]]] = {}
    for index in range(count):
        kind, key, value, _, hwcap = _NEW_ENTRY.unpack_from(
            data, _NEW_HEADER.size + index * _NEW_ENTRY.size
        )
        if kind != _FLAGS[machine]:
            continue
        place = _place(hwcap, names, order, isa_level)
        if place is not None:
            entry = (place, index, _string(data, value))
            found.setdefault(_string(data, key), []).append(entry)
    return {name: tuple(path for _, _, path in sorted(entries)) for name, entries in found.items()}


def _place(
    hwcap: int, names: Sequence[str], order: Mapping[str, int], isa_level: int
) -> int | None:
    """Return how far back an entry stands, or None where this processor is not served it.

    Named subdirectories come by their rank, then everything else in the order
    of the file, in which legacy hwcaps precede what asks for none.
    """
    upper = hwcap >> 32
    if upper & ~_ISA_BITS == _EXTENDED >> 32:
        # dl_cache_hwcap_isa_level_compatible: the number of a bit, level 1 being bit 0.
        if upper & _ISA_BITS and upper & _ISA_BITS >= isa_level:
            return None
        index = hwcap & 0xFFFF_FFFF
        return order.get(names[index]) if index < len(names) else None
    if hwcap & ~_TLS:
        return None  # a legacy subdirectory: which processors it is for is not told apart
    return len(order)


def _hwcap_names(data: bytes, offset: int) -> tuple[str, ...]:
    if not offset or offset % 4:
        return ()
    magic, count = _EXTENSION.unpack_from(data, offset)
    if magic != _EXTENSION_MAGIC or count > _MAX_ENTRIES:
        return ()
    for index in range(count):
        tag, _, start, size = _SECTION.unpack_from(
            data, offset + _EXTENSION.size + index * _SECTION.size
        )
        if tag == _HWCAPS_TAG and size % 4 == 0 and start + size <= len(data):
            words = Struct(f"<{size // 4}I").unpack_from(data, start)
            return tuple(_string(data, word) for word in words)
    return ()


def _string(data: bytes, start: int) -> str:
    end = data.find(b"\0", start)
    if not 0 <= start < len(data) or end < 0:
        raise IndexError(start)
    return data[start:end].decode("utf-8", "surrogateescape")
