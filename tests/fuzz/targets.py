"""What is fuzzed: functions of bytes that must end, and raise nothing but our own errors.

A target takes any bytes.  What it asserts are laws of the whole; that it ends in time and
memory is for whoever runs it (`tests.fuzz.run`, with atheris) to see.
"""

from __future__ import annotations

import io
import posixpath
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Final

from tests.fuzz.mutate import Mutation, a_text, an_archive, an_object

from abicheck.artifacts import Limits, Member, open_artifact
from abicheck.elf import identify, read_elf, unpack_constants
from abicheck.errors import AbicheckError, ProfileError
from abicheck.model import Location, TargetProfile
from abicheck.pipeline import check
from abicheck.profiles import DEFAULT_TARGET, load_profile, parse_profile
from abicheck.python.distributions import read_distributions
from abicheck.python.source import bound_names, read_source, references
from abicheck.reporters import write_json, write_text

_FIXTURES: Final = Path(__file__).parents[2] / "fixtures"
_LIMITS: Final = Limits(total=64 << 20, member=16 << 20)
_SMALL: Final = 16 << 10


@dataclass(frozen=True, slots=True)
class Target:
    """One function to be fuzzed, where it starts from, and how its inputs are changed."""

    run: Callable[[bytes], None]
    seeds: Callable[[], Iterator[bytes]]
    mutate: Mutation


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="abicheck-fuzz-")


def _file() -> Path:
    return Path(_folder().name) / "function.zip"


@cache
def _profile() -> TargetProfile:
    return load_profile(DEFAULT_TARGET)


def _archives() -> Iterator[bytes]:
    for folder in ("archives", "cases"):
        for path in sorted((_FIXTURES / folder).glob("*.zip")):
            if path.stat().st_size <= _SMALL:
                yield path.read_bytes()


def _members(accept: Callable[[str], bool]) -> Iterator[bytes]:
    found = set()
    for path in sorted((_FIXTURES / "cases").glob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if accept(info.filename) and info.file_size <= _SMALL:
                    found.add(archive.read(info))
    yield from sorted(found)


def _objects() -> Iterator[bytes]:
    yield from _members(lambda name: name.endswith(".so") or ".so." in name)


def _texts() -> Iterator[bytes]:
    yield from _members(lambda name: name.endswith((".py", ".pth")) or ".dist-info/" in name)


def _profiles() -> Iterator[bytes]:
    text = (files("abicheck.profiles") / "data" / f"{DEFAULT_TARGET}.json").read_bytes()
    yield text if len(text) <= 1 << 16 else b"{}"


def read_archive(data: bytes) -> None:
    """Open any file as an artifact: what comes out has a place inside it, and its size."""
    path = _file()
    path.write_bytes(data)
    try:
        with open_artifact(path, _LIMITS) as artifact:
            members: list[Member] = list(artifact.members(lambda *_: True))
            artifact.sha256()
    except AbicheckError:
        return
    for member in members:
        assert not posixpath.normpath(member.name).startswith(("/", ".."))
        assert member.data is None or len(member.data) == member.size
    assert sum(member.size for member in members) <= _LIMITS.total


def read_object(data: bytes) -> None:
    """Read any bytes as an object, and every definition it has."""
    facts = read_elf(data, Location(PurePosixPath("mod.so")))
    assert facts.size == len(data)
    assert facts.limit is None or facts.table.definitions is not None
    for name, definitions in facts.table.definitions.items():
        assert definitions, name
    identify(data[:512], len(data))
    unpack_constants(facts.constants)


def read_text(data: bytes) -> None:
    """Read any bytes as a module, and as each file of a dist-info."""
    source = read_source(data, is_package=False, module="pkg.mod")
    references(source)
    bound_names(source.body)
    for name in ("METADATA", "WHEEL", "RECORD"):
        read_distributions({f"pkg-1.0.dist-info/{name}": data})


def read_profile(data: bytes) -> None:
    """Read any bytes as a profile: it is one, or it is said why not."""
    with suppress(ProfileError):
        parse_profile(data, "fuzz")


def check_all(data: bytes) -> None:
    """Check any file, with a handler and without, and write both reports."""
    path = _file()
    path.write_bytes(data)
    for handler in (None, "handler.handler"):
        try:
            report = check(path, _profile(), handler=handler, limits=_LIMITS)
        except AbicheckError:
            continue
        target = io.StringIO()
        write_json([report], "0", target)
        write_text([report], target, color=False)
        assert "\x1b" not in target.getvalue()


TARGETS: Final[Mapping[str, Target]] = MappingProxyType(
    {
        "zip": Target(read_archive, _archives, an_archive),
        "elf": Target(read_object, _objects, an_object),
        "python": Target(read_text, _texts, a_text),
        "profile": Target(read_profile, _profiles, a_text),
        "check": Target(check_all, _archives, an_archive),
    }
)
