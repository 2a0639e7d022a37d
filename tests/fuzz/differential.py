"""Mutated files in front of several readers: where they disagree, abicheck must have said so.

    python -m tests.fuzz.differential zip elf loader --count 2000 --seed 1

`zip`: `zipfile`, `unzip` and abicheck on archives; what abicheck takes without a word, the
others take too, and see the same in it.  `elf`: `readelf` and abicheck on objects.
`loader`: this machine's own loader on extensions, each in a process of its own; what it
refuses with a message, abicheck reports, and a death that comes before the first relocation
too.  Every file is made by chance from a seed, so a number names it for good.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from random import Random
from typing import Final

from tests.fuzz.mutate import an_archive
from tests.fuzz.objects import an_object
from tests.fuzz.targets import TARGETS
from tests.oddzips import AGREEING
from tests.oracle.accuracy import Outcome, Row, measure
from tests.oracle.cases import FIXTURES
from tests.oracle.runs import on_host
from tests.oracle.truth import Artifact, Kind, Question

from abicheck.artifacts import Limits, open_artifact
from abicheck.elf import read_elf
from abicheck.filesystem import Kind as EntryKind
from abicheck.loader._verify import Fate, verify
from abicheck.model import ElfFacts, Location
from abicheck.profiles import DEFAULT_TARGET, load_profile

_LIMITS: Final = Limits(total=64 << 20, member=16 << 20)
_TAG: Final = re.compile(
    r"^ 0x[0-9a-f]+ \((NEEDED|SONAME|RPATH|RUNPATH)\) +[^[]*\[(.*)\]$", re.MULTILINE
)
_VARYING: Final = re.compile(r"-?\d[\d,.]*|'.*'")
_NAMELESS: Final = re.compile(r"\((NEEDED|SONAME|RPATH|RUNPATH)\) +0x", re.MULTILINE)
_SHOWN: Final = 20


@dataclass(slots=True)
class Comparison:
    """What came of one run: how many files, what is wrong, and where only abicheck complains."""

    name: str
    files: int = 0
    wrong: list[str] = field(default_factory=list)
    alone: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    named: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.files:,} files, {len(self.wrong)} wrong"]
        lines += [f"  {count:6,}  {what}" for what, count in sorted(self.counts.items())]
        lines += [
            f"  {count:6,}  only abicheck complains: {what}"
            for what, count in self.alone.most_common()
        ]
        lines += [f"  WRONG {text}" for text in self.wrong[:_SHOWN]]
        return "\n".join(lines)


def mutants(
    target: str, count: int, seed: int, mutate: Callable[[bytes, Random], bytes]
) -> Iterator[tuple[int, bytes]]:
    """Yield numbered files, each made from one of the seeds of a fuzz target."""
    seeds = sorted(TARGETS[target].seeds())
    for number in range(count):
        chance = Random(f"{seed}:{target}:{number}")  # noqa: S311 - to be repeated, not secret
        yield number, mutate(chance.choice(seeds), chance)


# --- archives -------------------------------------------------------------------------


def _by_zipfile(data: bytes) -> Mapping[str, str] | None:
    """Return the SHA-256 of every file that `zipfile` reads; None where it refuses any."""
    found = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                if info.file_size > _LIMITS.member:
                    return None
                content = archive.read(info)
                if not info.is_dir():
                    found[info.filename] = hashlib.sha256(content).hexdigest()
    except (
        *(zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, ValueError, OSError),
        *(EOFError, UnicodeDecodeError, OverflowError, MemoryError),
    ):
        return None
    return found


# What unzip says where a flag of the local header calls an ASCII name UTF-8, which it is.
_NO_MATTER: Final = re.compile(rb'mismatch between local and central GPF bit 11 \("UTF-8"\)')
_COMPLAINT: Final = re.compile(rb"mismatch|warning:|error:|extra bytes")


def _by_unzip(path: Path) -> int:
    """Return the exit status of `unzip -t`: 0 sound, 1 it had something to say, else refused.

    It is -1 where there was none after ten seconds: there are mutants that it never ends with.
    """
    command = ["unzip", "-t", str(path)]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=10
        )
    except subprocess.TimeoutExpired:
        return -1
    if done.returncode == 1 and done.stdout.isascii():
        said = _NO_MATTER.sub(b"", done.stdout + done.stderr)
        return int(_COMPLAINT.search(said) is not None)
    return done.returncode


def _by_abicheck(path: Path) -> tuple[Mapping[str, str], Sequence[str]]:
    """Return the SHA-256 of every file that is read, and what is irregular, numbers left out."""
    with open_artifact(path, _LIMITS) as artifact:
        members = list(artifact.members(lambda *_: True))
        found = {
            member.name: hashlib.sha256(member.data or b"").hexdigest()
            for member in members
            if member.kind is EntryKind.FILE
        }
        links = any(member.kind is EntryKind.SYMLINK for member in members)
        odd = [
            f"{found.kind.name.lower()}: {_VARYING.sub('…', found.detail)}"
            for found in artifact.irregularities
        ]
    # Where there are links, `zipfile` sees files.
    return found, [*odd, "LINKS"] if links else odd


def _mutated_archives(count: int, seed: int) -> Iterator[tuple[int, bytes]]:
    """Yield numbered archives, made from the fixtures and from what real packers write."""
    seeds = [*TARGETS["zip"].seeds(), *(make() for make in AGREEING.values())]
    for number in range(count):
        chance = Random(f"{seed}:archive:{number}")  # noqa: S311 - to be repeated, not secret
        yield number, an_archive(chance.choice(seeds), chance)


def compare_archives(count: int, seed: int) -> Comparison:
    """Hold abicheck against `zipfile` and `unzip`."""
    result = Comparison("zip")
    with tempfile.TemporaryDirectory(prefix="abicheck-") as folder:
        path = Path(folder) / "mutant.zip"
        for number, data in _mutated_archives(count, seed):
            result.files += 1
            path.write_bytes(data)
            ours, odd = _by_abicheck(path)
            theirs, status = _by_zipfile(data), _by_unzip(path)
            sound = theirs is not None and status == 0
            result.counts[f"others: {'sound' if sound else 'not'}"] += 1
            if not odd and not sound:
                refused = "zipfile" if theirs is None else f"unzip ({status})"
                result.wrong.append(f"{number}: taken without a word, and {refused} complains")
            elif not odd and theirs is not None and ours != theirs:
                result.wrong.append(f"{number}: zipfile sees {theirs}, abicheck {ours}")
            elif sound and odd and "LINKS" not in odd:
                result.alone[odd[0]] += 1
    return result


# --- objects --------------------------------------------------------------------------


def _by_readelf(path: Path) -> Mapping[str, list[str]] | None:
    """Return the names in the dynamic section; None where readelf complains of anything."""
    command = ["readelf", "-W", "-h", "-l", "-d", "--use-dynamic", "--dyn-syms", str(path)]
    done = subprocess.run(
        command,
        capture_output=True,
        check=False,
        timeout=60,
        env={"LC_ALL": "C"},
    )
    said = done.stdout.decode("utf-8", "surrogateescape")
    if done.returncode or done.stderr or "<corrupt" in said or "Warning" in said:
        return None
    found: dict[str, list[str]] = {}
    if _NAMELESS.search(said):
        return found  # a name beyond DT_STRSZ, to which the loader pays no heed
    for tag, value in _TAG.findall(said):
        found.setdefault(tag, []).append(value)
    return found


def _without_sections(data: bytes) -> bytes:
    image = bytearray(data)
    if len(image) >= 64 and image[4] == 2:
        image[40:48] = bytes(8)
        image[60:64] = bytes(4)
    return bytes(image)


def _names(facts: ElfFacts) -> Mapping[str, list[str]]:
    given = {
        "NEEDED": list(facts.needed),
        "SONAME": [facts.soname] if facts.soname is not None else [],
        "RPATH": [facts.rpath] if facts.rpath is not None else [],
        "RUNPATH": [facts.runpath] if facts.runpath is not None else [],
    }
    return {tag: names for tag, names in given.items() if names}


def _is_moved(facts: ElfFacts) -> bool:
    """Whether the offset of PT_DYNAMIC is not where its address is mapped from."""
    dynamic = [s for s in facts.segments if s.type == 2 and s.filesz][-1:]
    loads = [s for s in facts.segments if s.type == 1]
    return any(
        all(table.vaddr - load.vaddr != table.offset - load.offset for load in loads)
        for table in dynamic
    )


def _is_cut(theirs: Mapping[str, list[str]], ours: Mapping[str, list[str]]) -> bool:
    """Whether readelf shows less of the names, or none of them."""
    if theirs == ours or not theirs:
        return theirs != ours
    return theirs.keys() == ours.keys() and all(
        len(theirs[tag]) == len(names) and all(map(str.startswith, names, theirs[tag]))
        for tag, names in ours.items()
    )


def compare_objects(count: int, seed: int) -> Comparison:
    """Hold abicheck against `readelf`."""
    result = Comparison("elf")
    profile = load_profile(DEFAULT_TARGET)
    with tempfile.TemporaryDirectory(prefix="abicheck-") as folder:
        path = Path(folder) / "mutant.so"
        for number, data in mutants("elf", count, seed, an_object):
            result.files += 1
            # Where there are section headers, readelf believes them; the loader has no eye for them.
            path.write_bytes(_without_sections(data))
            facts = read_elf(data, Location(PurePosixPath("mutant.so")))
            theirs = _by_readelf(path)
            result.counts[f"readelf: {'no complaint' if theirs is not None else 'complains'}"] += 1
            if theirs is None:
                continue
            verdict = verify(facts, profile)
            if verdict.fate is not Fate.MAPPED:
                said = verdict.text if facts.defect is None else facts.defect
                result.alone[re.sub(r"0x[0-9a-f]+|[0-9]{2,}", "N", said)] += 1
                continue
            if facts.defect is not None:
                result.alone[re.sub(r"0x[0-9a-f]+|[0-9]{2,}", "N", facts.defect)] += 1
                continue
            # Where a tag stands twice, the loader takes the last and readelf shows both.
            last = {t: n if t == "NEEDED" else n[-1:] for t, n in theirs.items()}
            ours = _names(facts)
            if _is_moved(facts):
                result.counts["readelf: takes PT_DYNAMIC's p_offset, the loader its p_vaddr"] += 1
            elif any("\n" in name for names in ours.values() for name in names):
                result.counts["readelf: shows a line end in a name"] += 1
            elif _is_cut(last, ours):
                result.counts["readelf: names end with DT_STRSZ, for the loader they do not"] += 1
            elif last != ours:
                result.wrong.append(f"{number}: readelf sees {last}, abicheck {ours}")
    return result


# --- the loader -----------------------------------------------------------------------


def compare_loads(count: int, seed: int) -> Comparison:
    """Hold abicheck against the loader of this machine."""
    result = Comparison("loader")
    with on_host() as target:

        def artifacts() -> Iterator[tuple[Artifact, Path, str | None]]:
            for number, files in _folders(count, seed):
                folder = target.shelf / str(number)
                for name, data in files.items():
                    path = folder / name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(data)
                asked = tuple(Question(Kind.OPEN, name) for name in files)
                yield Artifact(str(number), folder, asked), folder, None

        table = measure(target.site, target.profile, artifacts(), target.library_path)
        for row in table.rows:
            _weigh(row, target.shelf / row.artifact, result)
    result.files = count
    return result


def _folders(count: int, seed: int) -> Iterator[tuple[int, Mapping[str, bytes]]]:
    """Yield numbered folders: a mutated extension alone, or one of the objects of a fixture."""
    alone = [data for data in sorted(TARGETS["elf"].seeds()) if _loads_alone(data)]
    together = list(_trees())
    for number in range(count):
        chance = Random(f"{seed}:loader:{number}")  # noqa: S311 - to be repeated, not secret
        if chance.randrange(3):
            yield number, {"mutant.so": an_object(chance.choice(alone), chance)}
        else:
            files = dict(chance.choice(together))
            name = chance.choice(sorted(files))
            files[name] = an_object(files[name], chance)
            yield number, files


def _loads_alone(data: bytes) -> bool:
    facts = read_elf(data, Location(PurePosixPath("seed.so")))
    there = {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2"}
    return facts.defect is None and facts.dynamic and there.issuperset(facts.needed)


def _trees() -> Iterator[Mapping[str, bytes]]:
    """Yield the objects of each fixture that has more than one."""
    for path in sorted((FIXTURES / "cases").glob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            files = {
                info.filename: archive.read(info)
                for info in archive.infolist()
                if info.file_size <= 16 << 10 and ".so" in PurePosixPath(info.filename).suffixes
            }
        if 1 < len(files) <= 6:
            yield files


def _weigh(row: Row, folder: Path, result: Comparison) -> None:
    truth = row.truth
    result.counts[f"happened: {truth.crash or truth.exception or 'loads'}"] += 1
    where = f"{row.artifact} {row.question.subject}"
    if row.outcome is Outcome.FALSE_ALARM:
        said = (row.said and (row.said.message or row.said.crash)) or ""
        result.alone[re.sub(r"^/[^ ]*: |'.*'", "", said)] += 1
        result.named.append(f"{where}: {row.said}")
    elif row.outcome is Outcome.MISSED and truth.crash is None:
        result.wrong.append(f"{where}: passes, and {truth}")
    elif row.outcome is Outcome.MISSED and _is_early(row, folder):
        result.wrong.append(f"{where}: passes, and before the first relocation: {truth}")
    elif row.outcome is Outcome.MISSED:
        result.counts[f"not seen, while relocating: {truth.crash}"] += 1
        result.named.append(f"{where}: passes, and {truth}")
    elif row.outcome is Outcome.OTHER_MESSAGE:
        kind = "dies" if truth.crash else "refuses"
        result.counts[f"both complain, in other words: the loader {kind}"] += 1
        result.named.append(f"{where}: said {row.said}, and {truth}")


def _is_early(row: Row, folder: Path) -> bool:
    """Whether no object of the folder was relocated when the process died."""
    code = (
        "import _imp, sys; from importlib.machinery import ModuleSpec as S; "
        "_imp.create_dynamic(S('abicheck_probe', None, origin=sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code, str(folder / row.question.subject)],
        capture_output=True,
        check=False,
        timeout=60,
        cwd=folder,
        env={"LD_DEBUG": "reloc"},
    )
    return f"relocation processing: {folder}/".encode() not in done.stderr


COMPARISONS: Final[Mapping[str, Callable[[int, int], Comparison]]] = {
    "zip": compare_archives,
    "elf": compare_objects,
    "loader": compare_loads,
}
TOOLS: Final = {"zip": "unzip", "elf": "readelf", "loader": "setpriv"}


def main() -> int:
    """Run what is asked for; exit status 1 where something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.differential")
    parser.add_argument("what", nargs="+", choices=COMPARISONS)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", action="store_true", help="name every file that differs")
    arguments = parser.parse_args()
    wrong = 0
    for name in arguments.what:
        if shutil.which(TOOLS[name]) is None:
            parser.error(f"{TOOLS[name]} is not installed")
        result = COMPARISONS[name](arguments.count, arguments.seed)
        wrong += len(result.wrong)
        sys.stdout.write(f"{result}\n")
        if arguments.each:
            sys.stdout.writelines(f"  {line}\n" for line in result.named)
        sys.stdout.flush()
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
