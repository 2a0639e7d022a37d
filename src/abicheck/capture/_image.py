"""A container image as a root file system: read once, layer by layer, and kept as facts."""

from __future__ import annotations

import datetime as dt
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from abicheck.artifacts import ImageArtifact, Member
from abicheck.capture._root import TreeRoot
from abicheck.elf import MAGIC, read_elf
from abicheck.errors import ArtifactError
from abicheck.filesystem import Entry, Kind, Tree
from abicheck.model import ElfFacts, Irregular, Location

_TEXTS: Final = re.compile(r"etc/ld\.so\.cache|(etc|usr/lib)/os-release|.*/python3\.\d+t?/site\.py")
_PROGRAM: Final = re.compile(r"python3(\.\d+)?t?")
_SHARED: Final = re.compile(r"\.so(\.|$)")
# The C library, its loader and the interpreter speak for themselves in their data.
_SPEAKING: Final = re.compile(r"libc[.-]|ld[.-]|libpython|python3")
_MAX_TEXT: Final = 16 << 20
# What leaves a part of the image unread, so that a profile would be missing libraries.
_FATAL: Final = frozenset(
    {
        Irregular.CORRUPT,
        Irregular.EMPTY_ARCHIVE,
        Irregular.LIMIT,
        Irregular.MISSING_BLOB,
        Irregular.TRUNCATED,
        Irregular.WRONG_DIGEST,
    }
)


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of one file's content: facts of an object, bytes of what is read as such."""

    facts: ElfFacts | None
    data: bytes | None


class ImageRoot(TreeRoot):
    """The file system of an image, as its last layer leaves it."""

    def __init__(
        self, tree: Tree, kept: Mapping[str, Kept], created: str, environment: Mapping[str, str]
    ) -> None:
        super().__init__(tree)
        self._kept = kept
        self._created = created
        self.environment = environment

    def read(self, path: str) -> bytes | None:
        """Return the bytes of a file that a capture reads as such."""
        kept = self._kept.get(self.real(path) or "")
        return kept.data if kept is not None else None

    def facts(self, path: str) -> ElfFacts | None:
        """Return the facts of an ELF file, or None for anything else."""
        kept = self._kept.get(self.real(path) or "")
        return kept.facts if kept is not None else None

    def date(self) -> dt.date | None:
        """Return the day on which the image says it was made."""
        try:
            return dt.date.fromisoformat(self._created[:10])
        except ValueError:
            return None


def read_image(image: ImageArtifact, name: str) -> ImageRoot:
    """Return the file system of an image; raise `ArtifactError` where a part of it is unread."""
    tree = Tree({})
    kept: dict[str, Kept] = {}
    for member, value in image.examine(is_asked, keep):
        path = "/" + member.name.strip("/")
        tree.add(path, Entry(member.kind, member.mode, member.target))
        if value is not None and member.kind is Kind.FILE:
            kept[path] = value
    for irregularity in image.irregularities:
        if irregularity.kind in _FATAL:
            reason = f"{name}: {irregularity.detail}"
            raise ArtifactError(reason)
    return ImageRoot(tree, kept, image.config.created, image.config.env)


def is_asked(name: str, head: bytes, size: int) -> bool:
    """Whether a capture asks for a file's content, by its path, first bytes and size."""
    if head.startswith(MAGIC):
        base = posixpath.basename(name)
        return bool(_SHARED.search(base) or _PROGRAM.fullmatch(base) or _SPEAKING.match(base))
    return size <= _MAX_TEXT and bool(_TEXTS.fullmatch(name.strip("/")))


def keep(member: Member) -> Kept:
    """Return what is kept of a file that was asked for."""
    data = member.data or b""
    if not member.head.startswith(MAGIC):
        return Kept(None, bytes(data))
    facts = read_elf(data, Location(PurePosixPath(member.name.strip("/"))))
    speaks = _SPEAKING.match(posixpath.basename(member.name)) is not None
    return Kept(facts, bytes(data) if speaks else None)
