"""binutils' readelf and `read_elf` read the same object and say the same.

readelf looks at section headers and abicheck does not, so where they agree both are right
about objects that real linkers wrote.  Where readelf complains, or an object has no
sections for it to look at, it is no authority and the object is left out.
"""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
from tests.elfbuilder import read, spelled_out
from tests.oracle import debian

from abicheck.model import ElfFacts

pytestmark = pytest.mark.skipif(shutil.which("readelf") is None, reason="no readelf on this host")

_LIBRARIES: Final = 150
_LARGEST: Final = 1 << 20
_FOLDERS: Final = (
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
)

_SEGMENT: Final = re.compile(
    r"^  (\S+) +((?:0x[0-9a-f]+ +){5})([RWE ]{3}) (0x[0-9a-f]+|0)$", re.MULTILINE
)
_TAG: Final = re.compile(
    r"^ 0x[0-9a-f]+ \((NEEDED|SONAME|RPATH|RUNPATH)\) +[^[]*\[(.*)\]$", re.MULTILINE
)
_NEED_FILE: Final = re.compile(r"^  (?:0x)?[0-9a-f]+: Version: \d+  File: (\S+)  Cnt: \d+$")
_NEED: Final = re.compile(r"^  0x[0-9a-f]+:   Name: (\S+)  Flags: (.*)  Version: \d+$")
_DEFINED: Final = re.compile(
    r"^  (?:0x)?[0-9a-f]+: Rev: \d+  Flags: .*  Index: \d+  Cnt: \d+  Name: (\S+)$", re.MULTILINE
)
_SYMBOL: Final = re.compile(
    r"^ *(\d+): ([0-9a-f]+) +\S+ (<OS specific>: \d+|\S+) +(\S+) +(\S+) +(?:\[.*\] +)?(\S+) (\S*)",
    re.MULTILINE,
)
_TABLE: Final = re.compile(r"^Relocation section '(\S+)' .*:$")
_RELOCATION: Final = re.compile(r"^([0-9a-f]{8}|[0-9a-f]{16}) +([0-9a-f]{8}|[0-9a-f]{16}) +(R_\S+)")
_BUILD_ID: Final = re.compile(r"Build ID: ([0-9a-f]+)")
_TYPES: Final = {
    "NULL": 0,
    "LOAD": 1,
    "DYNAMIC": 2,
    "INTERP": 3,
    "NOTE": 4,
    "PHDR": 6,
    "TLS": 7,
    "GNU_EH_FRAME": 0x6474E550,
    "GNU_STACK": 0x6474E551,
    "GNU_RELRO": 0x6474E552,
    "GNU_PROPERTY": 0x6474E553,
}
# Edited so that the dynamic section no longer tells of the tables that the sections show, or
# that the loader does not read them to their end.
_EDITED: Final = {
    "hash-table-with-a-billion-buckets",
    "hash-table-without-buckets",
    "needed-name-beyond-the-string-table",
    "no-dynamic-segment",
    "no-hash-table",
    "no-string-table",
    "relocations-beyond-the-end",
    "segment-beyond-the-end-of-the-file",
    "string-table-beyond-the-end",
    "unknown-relocation",
}
_FLAGS: Final = {"R": 4, "W": 2, "E": 1, " ": 0}
_FOUND_TYPES: Final = {"NOTYPE", "OBJECT", "FUNC", "COMMON", "TLS", "IFUNC", "<OS specific>: 10"}


@dataclass(frozen=True, slots=True)
class Symbol:
    """One row of readelf's `.dynsym`."""

    value: int
    type: str
    binding: str
    visibility: str
    section: str
    name: str
    version: str | None
    default: bool

    @property
    def is_shared(self) -> bool:
        """Whether other objects could see it, or it could ask them."""
        return self.binding in {"GLOBAL", "WEAK", "UNIQUE"} and self.visibility in {
            "DEFAULT",
            "PROTECTED",
        }


@dataclass(slots=True)
class Said:
    """What readelf says of one object."""

    tags: dict[str, list[str]] = field(default_factory=dict)
    segments: list[tuple[int, ...]] = field(default_factory=list)
    needs: list[tuple[str, str, bool]] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    symbols: dict[int, Symbol] = field(default_factory=dict)
    relocations: list[tuple[str, int]] = field(default_factory=list)
    build_id: str | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """One object as both see it."""

    name: str
    path: Path
    said: Said
    facts: ElfFacts


# --- reading readelf --------------------------------------------------------------


def _ask(path: Path) -> Said | None:
    """Return what readelf says of a file, or None where it complains or sees no sections."""
    command = ["readelf", "-W", "-d", "-V", "--dyn-syms", "-r", "-l", "-n", str(path)]
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", check=False, env={"LC_ALL": "C"}
    )
    text = done.stdout
    if done.returncode or done.stderr or "'.dynsym' contains" not in text:
        return None
    said = Said(versions=_DEFINED.findall(text))
    for tag, value in _TAG.findall(text):
        said.tags.setdefault(tag, []).append(value)
    for kind, numbers, flags, align in _SEGMENT.findall(text):
        offset, address, _, filesz, memsz = (int(number, 16) for number in numbers.split())
        bits = sum(_FLAGS[flag] for flag in flags)
        row = (_TYPES.get(kind, -1), bits, offset, address, filesz, memsz, int(align, 16))
        said.segments.append(row)
    dynsym = text.index("'.dynsym' contains")
    said.symbols = {int(row[0]): _symbol(*row[1:]) for row in _SYMBOL.findall(text, dynsym)}
    said.needs = list(_needs(text))
    said.relocations = list(_relocations(text))
    found = _BUILD_ID.search(text)
    said.build_id = found[1] if found else None
    return said


def _symbol(  # noqa: PLR0913, PLR0917 - readelf's columns
    value: str, kind: str, binding: str, visibility: str, section: str, text: str
) -> Symbol:
    name, _, version = text.partition("@")
    return Symbol(
        value=int(value, 16),
        type=kind,
        binding=binding,
        visibility=visibility,
        section=section,
        name=name,
        version=version.lstrip("@") or None,
        default=not version or version.startswith("@"),
    )


def _needs(text: str) -> Iterator[tuple[str, str, bool]]:
    file = ""
    for line in text.splitlines():
        if found := _NEED_FILE.match(line):
            file = found[1]
        elif found := _NEED.match(line):
            yield file, found[1], "WEAK" in found[2]


def _relocations(text: str) -> Iterator[tuple[str, int]]:
    """Yield type and symbol number of every relocation, in the order of the loader."""
    rows: list[tuple[int, str, int]] = []
    place = 0
    for line in text.splitlines():
        if found := _TABLE.match(line):
            # DT_REL and DT_RELA before DT_JMPREL, however the sections lie.
            place = 1 if found[1].endswith(".plt") else 0
        elif found := _RELOCATION.match(line):
            wide = len(found[2]) == 16
            rows.append((place, found[3], int(found[2], 16) >> (32 if wide else 8)))
    for _, kind, symbol in sorted(rows, key=lambda row: row[0]):
        yield kind, symbol


# --- the objects ------------------------------------------------------------------


def _pairs(objects: Mapping[str, Path]) -> list[Pair]:
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(_ask, objects.values()))
    return [
        Pair(name, path, said, read(path.read_bytes()))
        for (name, path), said in zip(objects.items(), answers, strict=True)
        if said is not None
    ]


@pytest.fixture(scope="session")
def of_the_cases(
    every_object: Mapping[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> list[Pair]:
    """Return every object of the cases on which readelf is an authority."""
    folder = tmp_path_factory.mktemp("objects")
    paths = {}
    for number, (name, data) in enumerate(every_object.items()):
        if name.partition(":")[0] not in _EDITED:
            paths[name] = folder / f"{number}.so"
            paths[name].write_bytes(data)
    return _pairs(paths)


@pytest.fixture(scope="session")
def of_this_host() -> list[Pair]:
    """Return libraries and extension modules of this host, spread over all of them."""
    dynload = Path(sysconfig.get_path("platstdlib")) / "lib-dynload"
    found = [path for folder in _FOLDERS for path in Path(folder).glob("*.so.*")]
    found += [*dynload.glob("*.so"), *Path("/usr/lib").glob("python3*/lib-dynload/*.so")]
    real = sorted({path.resolve() for path in found if path.is_file()})
    small = [path for path in real if path.stat().st_size <= _LARGEST and _is_elf(path)]
    step = max(1, -(-len(small) // _LIBRARIES))
    if not small:
        pytest.skip("no libraries where this test looks for them")
    return _pairs({str(path): path for path in small[::step]})


@pytest.fixture(scope="session")
def of_a_debian(roots: Path) -> list[Pair]:
    """Return every library and extension module of a Debian root file system."""
    root = debian.make("trixie", roots).root
    found = [path for path in root.rglob("*.so*") if path.is_file() and not path.is_symlink()]
    return _pairs({str(path.relative_to(root)): path for path in sorted(found) if _is_elf(path)})


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


@pytest.fixture(
    params=[
        "of_the_cases",
        "of_this_host",
        pytest.param("of_a_debian", marks=pytest.mark.engine),
    ]
)
def pairs(request: pytest.FixtureRequest) -> list[Pair]:
    """Return objects of a pinned linker, of whoever built this host, and of a whole Debian."""
    found: list[Pair] = request.getfixturevalue(request.param)
    return found


def _disagreements(
    pairs: list[Pair], ours: Callable[[ElfFacts], object], theirs: Callable[[Said], object]
) -> dict[str, tuple[object, object]]:
    """Return what both say of each object about which they do not say the same."""
    said = {pair.name: (ours(pair.facts), theirs(pair.said)) for pair in pairs}
    return {name: (mine, its) for name, (mine, its) in said.items() if mine != its}


# --- the laws ---------------------------------------------------------------------


def test_there_is_something_to_compare(pairs: list[Pair]) -> None:
    """An oracle that is never asked agrees with everybody."""
    assert len(pairs) >= 20


def test_nothing_that_readelf_reads_is_malformed(pairs: list[Pair]) -> None:
    """It had no complaint, and neither have we."""
    assert _disagreements(pairs, lambda facts: facts.defect, lambda _: None) == {}


@pytest.mark.parametrize("name", ["soname", "rpath", "runpath"])
def test_the_names_of_an_object(pairs: list[Pair], name: str) -> None:
    """DT_SONAME, DT_RPATH and DT_RUNPATH, or that there is none."""
    found = _disagreements(
        pairs,
        lambda facts: getattr(facts, name),
        lambda said: said.tags.get(name.upper(), [None])[-1],
    )

    assert found == {}


def test_needed_libraries_in_order(pairs: list[Pair]) -> None:
    """DT_NEEDED."""
    found = _disagreements(
        pairs, lambda facts: list(facts.needed), lambda said: said.tags.get("NEEDED", [])
    )

    assert found == {}


def test_segments(pairs: list[Pair]) -> None:
    """Type, flags, offset, address, sizes and alignment of every program header."""
    known = set(_TYPES.values())

    def ours(facts: ElfFacts) -> list[tuple[int, ...]]:
        return [
            (
                s.type if s.type in known else -1,
                s.flags,
                s.offset,
                s.vaddr,
                s.filesz,
                s.memsz,
                s.align,
            )
            for s in facts.segments
        ]

    assert _disagreements(pairs, ours, lambda said: said.segments) == {}


def test_version_needs_in_order(pairs: list[Pair]) -> None:
    """File, version and VER_FLG_WEAK of every entry of DT_VERNEED."""

    def ours(facts: ElfFacts) -> list[tuple[str, str, bool]]:
        return [(need.soname, need.version, need.weak) for need in facts.version_needs]

    assert _disagreements(pairs, ours, lambda said: said.needs) == {}


def test_version_definitions_in_order(pairs: list[Pair]) -> None:
    """The names of DT_VERDEF, the base definition's among them."""
    found = _disagreements(
        pairs, lambda facts: list(facts.table.versions or ()), lambda said: said.versions
    )

    assert found == {}


def test_defined_names_with_versions(pairs: list[Pair]) -> None:
    """What another object could find here, and whether its version is the default.

    But for the absolute symbols that bear the name of a version node: readelf shows those
    without their version.
    """

    def ours(facts: ElfFacts) -> list[tuple[str, str, bool]]:
        return sorted(
            (name, found.version or "", not found.hidden)
            for name, definitions in facts.table.definitions.items()
            for found in definitions
            if found.version != name
        )

    def theirs(said: Said) -> list[tuple[str, str, bool]]:
        return sorted(
            (symbol.name, symbol.version or "", symbol.default)
            for symbol in said.symbols.values()
            if symbol.is_shared
            and symbol.section != "UND"
            and symbol.type in _FOUND_TYPES
            and symbol.name not in said.versions
            and (symbol.value or symbol.section == "ABS" or symbol.type == "TLS")
        )

    assert _disagreements(pairs, ours, theirs) == {}


def test_undefined_names_with_versions(pairs: list[Pair]) -> None:
    """Every undefined symbol of the table, in its order, and whether it is weak."""

    def ours(facts: ElfFacts) -> list[tuple[str, str | None, bool]]:
        return [(ref.name, ref.version, ref.weak) for ref in facts.undefined]

    def theirs(said: Said) -> list[tuple[str, str | None, bool]]:
        return [
            (symbol.name, symbol.version, symbol.binding == "WEAK")
            for symbol in said.symbols.values()
            if symbol.is_shared and symbol.section == "UND" and symbol.name
        ]

    assert _disagreements(pairs, ours, theirs) == {}


def test_names_that_relocations_reference_in_order(pairs: list[Pair]) -> None:
    """Each undefined symbol once, where the first relocation that looks it up stands."""

    def ours(facts: ElfFacts) -> list[tuple[str, str | None]]:
        return [(ref.name, ref.version) for ref in facts.references]

    def theirs(said: Said) -> list[tuple[str, str | None]]:
        numbers = dict.fromkeys(
            number
            for kind, number in said.relocations
            if number and not kind.endswith(("_NONE", "_RELATIVE", "_RELATIV", "_RELATIVE64"))
        )
        asked = (said.symbols[number] for number in numbers)
        return [
            (symbol.name, symbol.version)
            for symbol in asked
            if symbol.is_shared and symbol.section == "UND"
        ]

    assert _disagreements(pairs, ours, theirs) == {}


def test_build_ids(pairs: list[Pair]) -> None:
    """NT_GNU_BUILD_ID."""
    found = _disagreements(pairs, lambda facts: facts.build_id, lambda said: said.build_id)

    assert found == {}


# --- without sections -------------------------------------------------------------


def test_without_section_headers_an_object_says_the_same(pairs: list[Pair]) -> None:
    """A loader never looks at them, and strippers of wheels take them off.

    Only the names of compilers stand in a section alone.
    """
    changed = {}
    for pair in pairs:
        data = bytearray(pair.path.read_bytes())
        wide = data[4] == 2
        order = "<" if data[5] == 1 else ">"
        # e_shoff, then e_shentsize, e_shnum and e_shstrndx
        struct.pack_into(order + ("Q" if wide else "I"), data, 40 if wide else 32, 0)
        struct.pack_into(order + "3H", data, 58 if wide else 46, 0, 0, 0)
        before, after = spelled_out(pair.facts), spelled_out(read(bytes(data)))
        differ = {name for name in before if before[name] != after[name]} - {"compilers"}
        if differ:
            changed[pair.name] = differ

    assert changed == {}
