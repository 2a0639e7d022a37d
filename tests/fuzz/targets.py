"""What is fuzzed: functions of bytes that must end, and raise nothing but our own errors.

A target takes any bytes.  What it asserts are laws of the whole; that it ends in time and
memory is for whoever runs it (`tests.fuzz.run`, with atheris) to see.
"""

from __future__ import annotations

import io
import json
import posixpath
import re
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path, PurePosixPath
from random import Random
from types import MappingProxyType
from typing import Final

from tests.factories import write_zip
from tests.fuzz import seeds
from tests.fuzz.mutate import Mutation, a_text, an_archive, any_bytes
from tests.fuzz.mutate_tar import a_tar, an_image
from tests.fuzz.objects import an_object

from abicheck.artifacts import Limits, Member, open_artifact
from abicheck.artifacts._base import UnreadableMemberError
from abicheck.artifacts._image._stream import ByteStream
from abicheck.artifacts._image._tar import read_tar
from abicheck.capture._reply import parse_reply
from abicheck.config import Kind, load_config, read_baseline
from abicheck.elf import identify, read_elf, unpack_constants
from abicheck.errors import AbicheckError, ConfigError, ProfileError, UsageError
from abicheck.model import ArtifactKind, Location, Report, TargetProfile
from abicheck.pins import read_pins
from abicheck.pipeline import check
from abicheck.pipeline._dockerfile import floating_bases
from abicheck.profiles import DEFAULT_TARGET, load_profile, parse_profile
from abicheck.python.distributions import read_distributions
from abicheck.python.source import bound_names, read_source, references
from abicheck.reporters import FORMATS, Run, writer
from abicheck.rules import ALL_RULES
from abicheck.rules.diagnosis import diagnose

_LIMITS: Final = Limits(total=64 << 20, member=16 << 20, layers=64 << 20)
_METADATA: Final = ("METADATA", "WHEEL", "RECORD", "direct_url.json", "INSTALLER")
_OPTIONS: Final = {
    "fail-level": Kind.TEXT,
    "handler": Kind.TEXT,
    "exit-zero": Kind.FLAG,
    "layer": Kind.LIST,
    "env": Kind.LIST,
    "requirements": Kind.LIST,
    "size-budget": Kind.TEXT,
}


@dataclass(frozen=True, slots=True)
class Target:
    """One function to be fuzzed, where it starts from, and how its inputs are changed."""

    run: Callable[[bytes], None]
    seeds: Callable[[], Iterator[bytes]]
    mutate: Mutation


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="abicheck-fuzz-")


def _file(data: bytes, name: str = "function.zip") -> Path:
    path = Path(_folder().name) / name
    path.write_bytes(data)
    return path


@cache
def _profile() -> TargetProfile:
    return load_profile(DEFAULT_TARGET)


def read_archive(data: bytes) -> None:
    """Open any file as an artifact: what comes out has a place inside it, and its size.

    In an image a sparse file and a second name cost nothing, so sizes do not add up.
    """
    try:
        with open_artifact(_file(data), _LIMITS) as artifact:
            members: list[Member] = list(artifact.members(lambda *_: True))
            artifact.sha256()
            is_image = artifact.kind is ArtifactKind.IMAGE
    except AbicheckError:
        return
    for member in members:
        assert not posixpath.normpath(member.name).startswith(("/", ".."))
        assert member.data is None or len(member.data) == member.size
    assert is_image or sum(member.size for member in members) <= _LIMITS.total


def read_layer(data: bytes) -> None:
    """Read any bytes as a tar: entries, then its end or one damage."""
    stream = ByteStream(iter([data[at : at + 700] for at in range(0, len(data), 700)]))
    with suppress(UnreadableMemberError):
        for entry in read_tar(stream):
            assert entry.size >= 0
            assert entry.stored >= 0
            assert len(stream.read(min(entry.stored, 700))) <= entry.stored


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
    """Read any bytes as a module."""
    source = read_source(data, is_package=False, module="pkg.mod")
    references(source)
    bound_names(source.body)


def read_metadata(data: bytes) -> None:
    """Read any bytes as each file of a dist-info and of an egg-info."""
    for name in _METADATA:
        (found,) = read_distributions({f"pkg-1.0.dist-info/{name}": data})
        assert found.location.path.name == "pkg-1.0.dist-info"
    read_distributions({f"pkg.egg-info/{name}": data for name in ("PKG-INFO", "requires.txt")})
    read_distributions({"pkg.egg-info": data})


def read_bytecode(data: bytes) -> None:
    """Check an artifact in which any bytes stand as modules without a source."""
    path = Path(_folder().name) / "bytecode.zip"
    write_zip(
        path,
        {
            "app.py": "import mod\nfrom pkg import sub\n",
            "mod.pyc": data,
            "pkg/__init__.pyc": data,
            "pkg/__pycache__/sub.cpython-313.pyc": data,
        },
    )
    check(path, _profile(), handler="app.handler", limits=_LIMITS)


def read_profile(data: bytes) -> None:
    """Read any bytes as a profile: it is one, or it is said why not."""
    with suppress(ProfileError):
        profile = parse_profile(data, "fuzz")
        for library in profile.libraries.values():
            assert library.table.definitions is not None


def read_configuration(data: bytes) -> None:
    """Read any bytes as a configuration, standing alone and in a project's file."""
    for name in ("abicheck.toml", "pyproject.toml"):
        path = _file(data, name)
        with suppress(ConfigError):
            load_config(path, path.parent, _OPTIONS)


def read_known_findings(data: bytes) -> None:
    """Read any bytes as a baseline; what is read is what is written."""
    with suppress(ConfigError):
        baseline = read_baseline(_file(data, "baseline.json"))
        assert read_baseline(_file(baseline.text().encode(), "again.json")) == baseline


def read_requirements_file(data: bytes) -> None:
    """Read any bytes as a requirements file."""
    with suppress(UsageError):
        read_pins([str(_file(data, "requirements.txt"))], {"TOKEN": "secret"})


def read_lock(data: bytes) -> None:
    """Read any bytes as a pylock.toml."""
    with suppress(UsageError):
        read_pins([str(_file(data, "pylock.toml"))], {})


def read_dockerfile(data: bytes) -> None:
    """Read any bytes as a Dockerfile."""
    floating_bases(data.decode("utf-8", "replace"))


def read_log(data: bytes) -> None:
    """Look for rules in any text."""
    diagnose(data.decode("utf-8", "replace"), [rule.info for rule in ALL_RULES])


def read_reply(data: bytes) -> None:
    """Read any bytes as what a function has sent for a profile."""
    with suppress(AbicheckError):
        parse_reply(data, "fuzz")


def check_all(data: bytes) -> None:
    """Check any file, with a handler and without, and write every report."""
    path = _file(data)
    for handler in (None, "handler.handler"):
        try:
            report = check(path, _profile(), handler=handler, limits=_LIMITS)
        except AbicheckError:
            continue
        _report(report)


def _report(report: Report) -> None:
    """Write a report in every format: each is well-formed, and no command to a terminal."""
    run = Run((report,), "0")
    for name in FORMATS:
        target = io.StringIO()
        writer(name)(run, target)
        text = target.getvalue()
        assert "\x1b" not in text, name
        if name in {"json", "sarif", "gitlab"}:
            json.loads(text)
        elif name == "junit":
            ET.fromstring(text)  # noqa: S314 - our own
        elif name == "github":
            commands = [line for line in text.splitlines() if line.startswith("::")]
            assert all(re.match("::(?:error|warning|notice) ", line) for line in commands)
            assert all("##[" not in line for line in text.splitlines() if line not in commands)


def _artifacts() -> Iterator[bytes]:
    return chain(seeds.archives(), seeds.images())


def _an_artifact(data: bytes, chance: Random) -> bytes:
    return an_archive(data, chance) if data.startswith(b"PK") else an_image(data, chance)


TARGETS: Final[Mapping[str, Target]] = MappingProxyType(
    {
        "zip": Target(read_archive, seeds.archives, an_archive),
        "tar": Target(read_layer, seeds.tars, a_tar),
        "image": Target(read_archive, seeds.images, an_image),
        "elf": Target(read_object, seeds.objects, an_object),
        "metadata": Target(read_metadata, seeds.metadata, a_text),
        "python": Target(read_text, seeds.sources, a_text),
        "pyc": Target(read_bytecode, seeds.bytecode, any_bytes),
        "profile": Target(read_profile, seeds.profiles, a_text),
        "reply": Target(read_reply, seeds.replies, a_text),
        "config": Target(read_configuration, seeds.configurations, a_text),
        "baseline": Target(read_known_findings, seeds.baselines, a_text),
        "requirements": Target(read_requirements_file, seeds.requirements, a_text),
        "pylock": Target(read_lock, seeds.locks, a_text),
        "dockerfile": Target(read_dockerfile, seeds.dockerfiles, a_text),
        "explain": Target(read_log, seeds.logs, a_text),
        "check": Target(check_all, _artifacts, _an_artifact),
    }
)
