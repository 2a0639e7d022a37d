"""The dynamic table, and what its tags lead to."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from elftools.common.exceptions import ELFError

from abicheck.elf._budget import MalformedError, TooMuchError
from abicheck.elf._early import read_early
from abicheck.elf._image import Image, Strings, readable
from abicheck.elf._lookups import read_symbol_facts
from abicheck.elf._relocations import ORDER
from abicheck.elf._tags import TAG
from abicheck.elf._versions import Versions
from abicheck.model import ElfHeader, Limits, Segment

_PT_DYNAMIC: Final = 2
_CLASS64, _LITTLE = 2, 1
_DF_TEXTREL, _DF_STATIC_TLS = 4, 16
_MAX_DYNAMIC: Final = 65_536

# What was seen to escape pyelftools on mutated headers, besides its own errors.
_MALFORMED: Final = (
    MalformedError,
    ELFError,
    AssertionError,
    OverflowError,
    ValueError,
    struct.error,
)
_FLAW: Final = ("defect", "misnamed", "misversioned", "unsearchable", "unrelocatable")


def learn(facts: dict[str, Any], read: Callable[[], Mapping[str, Any]], met: str = "") -> None:
    """Add what one part of the object says, or why it cannot be read; the first reason stays.

    `met` says when the loader comes upon it, if not at once.
    """
    try:
        found = read()
        known = () if "defect" not in facts else _FLAW
        facts.update({name: value for name, value in found.items() if name not in known})
    except TooMuchError as error:
        facts.setdefault("limit", str(error))
    except _MALFORMED as error:
        _add_defect(facts, f"malformed: {error}" if str(error) else "malformed", met)


def _add_defect(facts: dict[str, Any], reason: str, *met: str) -> None:
    if "defect" not in facts:
        facts["defect"] = reason
        facts.update(dict.fromkeys(filter(None, met), True))


@dataclass(slots=True)
class _Tags:
    """The dynamic table: the last of each tag, as the loader keeps it, and every one of some."""

    address: int
    last: dict[int, int] = field(default_factory=dict)
    needed: list[int] = field(default_factory=list)
    filters: list[int] = field(default_factory=list)

    def take(self, tag: int, value: int) -> None:
        """Add one entry."""
        self.last[tag] = value
        if tag == TAG["DT_NEEDED"]:
            self.needed.append(value)
        elif tag == TAG["DT_FILTER"]:
            self.filters.append(value)


def _read_dynamic(image: Image, header: ElfHeader, tags: _Tags) -> None:
    width = "q" if header.ei_class == _CLASS64 else "i"
    layout = struct.Struct(ORDER[header.ei_data] + width + width.upper())
    table = image.rest(tags.address)
    whole = len(table) // layout.size * layout.size
    for count, (tag, value) in enumerate(layout.iter_unpack(table[:whole])):
        if tag == 0:
            return
        if count > _MAX_DYNAMIC:
            break
        tags.take(tag, value)
    else:
        if image.is_filled(tags.address):
            # The zeros behind the file's part are a DT_NULL, after an entry that they complete.
            if whole < len(table):
                tags.take(*layout.unpack(image.read(tags.address + whole, layout.size)))
            return
    reason = "the dynamic table has no end"
    raise MalformedError(reason)


def read_dynamic_facts(
    view: memoryview,
    header: ElfHeader,
    segments: tuple[Segment, ...],
    limits: Limits,
    facts: dict[str, Any],
) -> None:
    """Add what the dynamic table and all that it leads to say."""
    # Debug files of objcopy --only-keep-debug have a PT_DYNAMIC without bytes; glibc skips it.
    dynamic = [s for s in segments if s.type == _PT_DYNAMIC and s.filesz]
    if not dynamic or not dynamic[-1].vaddr:
        return  # an address of zero is none: l_ld is what the loader asks
    try:
        image = Image(view, segments, limits)
    except TooMuchError as error:
        facts.setdefault("limit", str(error))
        return
    tags = _Tags(dynamic[-1].vaddr)
    learn(facts, lambda: _read_flags(image, header, tags))
    if "dynamic" not in facts:
        return
    if (header.ei_class, header.ei_data) == (_CLASS64, _LITTLE):
        learn(facts, lambda: read_early(image, header, segments, tags.address, tags.last))
    _read_tables(image, header, tags, facts)


def _read_tables(image: Image, header: ElfHeader, tags: _Tags, facts: dict[str, Any]) -> None:
    last = tags.last
    address = last.get(TAG["DT_STRTAB"])
    if address is None:
        reason = "malformed: names without a string table"
        if tags.needed or tags.filters:
            _add_defect(facts, reason, "misnamed")
        elif TAG["DT_SYMTAB"] in last:
            _add_defect(facts, reason, "unsearchable", "unrelocatable")
        return
    try:
        strings = Strings(image, address, last.get(TAG["DT_STRSZ"], 0))
    except MalformedError as error:
        _add_defect(facts, f"malformed: {error}", "misnamed")
        return

    def names(indices: list[int]) -> tuple[str, ...]:
        return tuple(readable(strings.at(index)) for index in indices)

    learn(facts, lambda: {"needed": names(tags.needed)}, "misnamed")
    learn(facts, lambda: {"filters": names(tags.filters)}, "misnamed")
    learn(facts, lambda: _read_names(strings, last), "misnamed")
    versions = Versions()
    learn(facts, lambda: _read_versions(image, header, last, strings, versions), "misversioned")
    if TAG["DT_SYMTAB"] in last:
        learn(
            facts,
            lambda: read_symbol_facts(image, header, last, strings, versions),
            "unrelocatable",
        )


def _read_flags(image: Image, header: ElfHeader, known: _Tags) -> dict[str, Any]:
    """Fill the tags in, and return what they say by themselves."""
    _read_dynamic(image, header, known)
    tags = known.last
    flags = tags.get(TAG["DT_FLAGS"], 0)
    return {
        "dynamic": True,
        "flags_1": tags.get(TAG["DT_FLAGS_1"], 0),
        "relr": bool(tags.get(TAG["DT_RELR"])) and bool(tags.get(TAG["DT_RELRSZ"])),
        "initialisers": tags.get(TAG["DT_INIT_ARRAYSZ"], 0) > 0,
        "textrel": TAG["DT_TEXTREL"] in tags or bool(flags & _DF_TEXTREL),
        "static_tls": bool(flags & _DF_STATIC_TLS),
    }


def _read_names(strings: Strings, tags: dict[int, int]) -> dict[str, Any]:
    return {
        key: readable(strings.at(tags[TAG[name]]))
        for key, name in (("soname", "DT_SONAME"), ("rpath", "DT_RPATH"), ("runpath", "DT_RUNPATH"))
        if TAG[name] in tags
    }


def _read_versions(
    image: Image, header: ElfHeader, tags: dict[int, int], strings: Strings, versions: Versions
) -> dict[str, Any]:
    """Return the version needs, also those before the place from which nothing can be read."""
    order = ORDER[header.ei_data]
    flaw: dict[str, Any] = {}
    try:
        for name, read in (
            ("DT_VERNEED", versions.read_needs),
            ("DT_VERDEF", versions.read_definitions),
        ):
            value = tags.get(TAG[name])
            if value is not None:
                read(image, strings, value, order)
    except MalformedError as error:
        flaw = {"defect": f"malformed: {error}", "misversioned": True}
    return flaw | {
        "version_needs": tuple(versions.needs),
        "verneed": versions.revision,
        "verdef": versions.defined_revision,
    }
