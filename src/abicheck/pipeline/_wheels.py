"""The folder of wheels that an artifact was installed from, and which of them are pinned."""

from __future__ import annotations

import configparser
import hashlib
from collections import defaultdict
from pathlib import Path
from typing import Final

from packaging.utils import (
    InvalidWheelFilename,
    canonicalize_name,
    canonicalize_version,
    parse_wheel_filename,
)

from abicheck.artifacts import Limits, open_artifact
from abicheck.errors import ArtifactError, UsageError
from abicheck.filesystem import Kind
from abicheck.model import ArtifactKind, Irregular, PinnedWheel, Pins, UnpinnedWheel
from abicheck.python.installed_wheels import INSTALLERS_OWN

_CHUNK: Final = 4 << 20
_LARGEST: Final = 4 << 20  # bytes of an entry_points.txt
# What does not keep a wheel from being read whole.
_HARMLESS: Final = frozenset({Irregular.BACKSLASH, Irregular.DUPLICATE, Irregular.STRAY_BYTES})

Release = tuple[str, str]
"""A name as PEP 503 compares it, and a version as PEP 440 does."""


class Wheels:
    """The wheels of a folder by what they are of; each is read when it is asked for.

    One counts as pinned where a pin of its name has its hash: the name of a file
    proves nothing.
    """

    def __init__(self, folder: Path, pins: Pins, limits: Limits) -> None:
        self._limits = limits
        self._pinned: dict[Release, list[Path]] = defaultdict(list)
        self._unpinned: dict[Release, list[UnpinnedWheel]] = defaultdict(list)
        hashes: dict[str, set[str]] = defaultdict(set)
        for pin in pins.pins:
            hashes[pin.name] |= pin.hashes
        algorithms = {"sha256", *(h.partition(":")[0] for known in hashes.values() for h in known)}
        for path in _files(folder):
            try:
                name, version, *_ = parse_wheel_filename(path.name)
            except InvalidWheelFilename:
                continue  # no installer takes it
            release = name, canonicalize_version(version)
            digests = _digests(path, algorithms)
            if digests & (hashes[name] | hashes[""]):
                self._pinned[release].append(path)
            else:
                sha256 = next(d for d in digests if d.startswith("sha256:"))
                found = UnpinnedWheel(path.name, sha256.partition(":")[2])
                self._unpinned[release].append(found)

    def pinned(self, name: str, version: str) -> tuple[PinnedWheel, ...]:
        """Return the content of the wheels of a release whose hash is pinned.

        Raises `ArtifactError` where one cannot be read whole.
        """
        release = canonicalize_name(name), canonicalize_version(version)
        return tuple(read_wheel(path, self._limits) for path in self._pinned[release])

    def unpinned(self, name: str, version: str) -> tuple[UnpinnedWheel, ...]:
        """Return the wheels of a release whose hash is not pinned."""
        return tuple(self._unpinned[canonicalize_name(name), canonicalize_version(version)])


def find_wheels(folder: Path, pins: Pins, limits: Limits) -> Wheels:
    """Return the wheels of a folder; raises `UsageError` where none could be trusted."""
    if not any(pin.hashes for pin in pins.pins):
        reason = (
            f"--wheels: no line of {' and '.join(pins.files)} has a --hash, so no wheel could be "
            "trusted; add them with `uv pip compile --generate-hashes` or `pip hash`"
        )
        raise UsageError(reason)
    return Wheels(folder, pins, limits)


def _files(folder: Path) -> list[Path]:
    try:
        # A pipe of that name would be waited for.
        found = sorted(p for p in folder.iterdir() if p.suffix == ".whl" and p.is_file())
    except OSError as error:
        reason = f"--wheels {folder}: {error.strerror or error}"
        raise UsageError(reason) from error
    if not found:
        reason = f"--wheels {folder}: no wheel is in it"
        raise UsageError(reason)
    return found


def _digests(path: Path, algorithms: set[str]) -> set[str]:
    """Return the hashes of a file as pins have them, `sha256:…`."""
    digests = [hashlib.new(name) for name in sorted(algorithms)]
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                for digest in digests:
                    digest.update(chunk)
    except OSError as error:
        reason = f"{path}: {error.strerror or error}"
        raise ArtifactError(reason) from error
    return {f"{digest.name}:{digest.hexdigest()}" for digest in digests}


def read_wheel(path: Path, limits: Limits) -> PinnedWheel:
    """Return what an installer would put where of a wheel (binary distribution format, PyPA).

    Raises `ArtifactError` where a member cannot be read.
    """
    files: dict[str, bytes | None] = {}
    placed: dict[str, bytes | None] = {}
    commands: frozenset[str] = frozenset()
    with open_artifact(path, limits) as artifact:
        for member in artifact.members(_is_entry_points):
            if member.kind is not Kind.FILE:
                continue
            top, _, rest = member.name.partition("/")
            section, _, tail = rest.partition("/")
            if top.endswith(".dist-info") and rest in INSTALLERS_OWN:
                continue
            if member.data is not None:
                commands = _commands(bytes(member.data))
            if not top.endswith(".data"):
                files[member.name] = member.sha256
            elif section in ("purelib", "platlib"):
                files[tail] = member.sha256
            elif section == "scripts":
                rewritten = member.head.startswith(b"#!python")
                placed[f"bin/{tail}"] = None if rewritten else member.sha256
            else:
                placed[tail] = member.sha256
        broken = [i for i in artifact.irregularities if i.kind not in _HARMLESS]
        if broken or artifact.kind is not ArtifactKind.WHEEL:
            what = f"{broken[0].location.path}: {broken[0].detail}" if broken else "not a wheel"
            reason = f"{path}: cannot be compared with: {what}"
            raise ArtifactError(reason)
    return PinnedWheel(path.name, files, placed, commands)


def _is_entry_points(name: str, head: bytes, size: int) -> bool:
    del head
    folder, _, file = name.rpartition("/")
    return file == "entry_points.txt" and folder.endswith(".dist-info") and size <= _LARGEST


def _commands(data: bytes) -> frozenset[str]:
    """Return the scripts that an installer makes of an entry_points.txt."""
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
    try:
        parser.read_string(data.decode("utf-8", "replace"))
    except configparser.Error:
        return frozenset()  # an installer makes none of it either
    sections = ("console_scripts", "gui_scripts")
    return frozenset(name for s in sections if parser.has_section(s) for name in parser[s])
