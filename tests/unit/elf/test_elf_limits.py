"""Tables that lie over one another: what they say may grow as the square of the file.

The loader would read on and on.  Here the sum of what is read is bounded by the size of
the file, and a limit that was reached is said.
"""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from tests.elfbuilder import (
    DT_STRTAB,
    DT_SYMTAB,
    DT_VERNEED,
    PT_NOTE,
    Elf,
    Need,
    Note,
    Reloc,
    definition,
    read,
    reference,
)

from abicheck.model import SymbolDef, TargetProfile
from abicheck.pipeline import check


def _address(data: bytes, wanted: int) -> int:
    """Return what a dynamic tag points to."""
    dynamic = read(data).segments[1]
    rows = struct.iter_unpack("<QQ", data[dynamic.offset : dynamic.offset + dynamic.filesz])
    return next(int(value) for tag, value in rows if tag == wanted)


def _one_name_for_all(count: int, length: int, step: int) -> bytes:
    """Return an object with `count` functions, whose names are ends of one long name."""
    symbols = tuple(definition(f"f{number}") for number in range(count))
    data = bytearray(Elf(soname="x" * length, symbols=symbols).build())
    name = data.index(b"x" * length) - _address(bytes(data), DT_STRTAB)
    table = _address(bytes(data), DT_SYMTAB)
    for number in range(count):
        struct.pack_into("<I", data, table + 24 * (number + 1), name + number * step)
    return bytes(data)


def _chains_over_one_another(files: int) -> bytes:
    """Return an object whose version needs share one chain of versions, that of the last file."""
    versions = tuple(Need("libc.so.6", f"V_{number}") for number in range(files))
    others = tuple(Need(f"lib{number}.so", "V") for number in range(files))
    data = bytearray(Elf(needs=(*others, *versions)).build())
    first = _address(bytes(data), DT_VERNEED)
    last = first + files * 32  # each file but the last has one version
    for here in range(first, last, 32):
        struct.pack_into("<I", data, here + 8, last + 16 - here)
    return bytes(data)


def _notes_over_one_another(count: int) -> bytes:
    """Return an object with `count` PT_NOTE segments over the whole file."""
    data = Elf(needed=("libc.so.6",)).build()
    headers = data[64 : 64 + 2 * 56]
    size = len(data) + len(headers) + 56 * count
    note = struct.pack("<2I6Q", PT_NOTE, 4, 0, 0, 0, size, size, 4)
    image = bytearray(data + headers + note * count)
    struct.pack_into("<Q", image, 32, len(data))
    struct.pack_into("<H", image, 56, 2 + count)
    return bytes(image)


LIMITED = pytest.mark.parametrize(
    ("data", "what"),
    [
        pytest.param(_one_name_for_all(3000, 3000, 1), "names", id="names"),
        pytest.param(_one_name_for_all(3000, 3000, 0), "names", id="one name"),
        pytest.param(_chains_over_one_another(500), "tables", id="versions"),
        pytest.param(_notes_over_one_another(3), "notes", id="notes"),
    ],
)


@LIMITED
def test_what_lies_over_one_another_is_not_read_to_its_end(data: bytes, what: str) -> None:
    """Law: a limit that was reached is a fact, and what was not read is not known to be missing."""
    facts = read(data)

    assert facts.limit == f"its {what} lie over one another, too many to be read"
    assert facts.defect is None
    assert facts.dynamic
    assert what == "notes" or not facts.table.complete or facts.table.definitions == {}


@LIMITED
def test_a_limit_of_an_object_is_a_finding(
    data: bytes, what: str, target: TargetProfile, tmp_path: Path
) -> None:
    """What was not examined is not vouched for."""
    (tmp_path / "mod.so").write_bytes(data)
    codes = {finding.rule.code: finding.fault for finding in check(tmp_path, target).findings}

    assert what in codes["ABI002"].message


@pytest.mark.parametrize("limit", [_one_name_for_all(100, 100, 1), _chains_over_one_another(5)])
def test_a_little_of_it_is_read(limit: bytes) -> None:
    """Linkers let names share their ends."""
    assert read(limit).limit is None


def test_forty_thousand_definitions_of_one_name() -> None:
    """All of them, in order: each has a version of its own, or none."""
    versions = tuple(f"V_{number}" for number in range(9))
    symbols = tuple(definition("f", version, hidden=True) for version in versions * 4000)
    definitions = Elf(symbols=symbols, versions=versions).facts().table.definitions

    assert (
        definitions["f"]
        == tuple(
            SymbolDef(version, hidden=True, index=number)
            for number, version in enumerate(versions, 2)
        )
        * 4000
    )


def test_an_honest_object_reaches_no_limit() -> None:
    """Every kind of table, each with its own bytes."""
    facts = Elf(
        needed=("libc.so.6",),
        symbols=(
            *(reference(f"r{n}", f"V_{n}", "libc.so.6") for n in range(300)),
            *(definition(f"d{n}", f"W_{n}") for n in range(300)),
        ),
        versions=tuple(f"W_{n}" for n in range(300)),
        rela=tuple(Reloc(f"r{n}", 6) for n in range(300)),
        notes=tuple(Note(3, bytes(20)) for _ in range(20)),
    ).facts()

    assert (facts.limit, facts.defect) == (None, None)
    assert len(facts.references) == len(facts.version_needs) == len(facts.table.definitions) == 300
