"""What every artifact is to the rest: members in order, and what was wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, Protocol

from abicheck.filesystem import Kind
from abicheck.model import (
    DEFAULT_LIMITS,
    ArtifactKind,
    Irregular,
    Irregularity,
    Limits,
    Location,
    reached,
)

__all__ = [
    "DEFAULT_LIMITS",
    "Artifact",
    "Limits",
    "Member",
    "UnreadableMemberError",
    "Wanted",
    "beyond",
    "irregular",
    "too_dense",
    "too_large",
]

_NO_BOMB: Final = 256 << 20  # bytes that anything may unpack to, however small it is packed


@dataclass(frozen=True, slots=True)
class Member:
    """One member: its name with forward slashes, what it is, and its bytes.

    `head` is the beginning of a regular file, 512 bytes or all of it; `data`
    is the whole file where the reader's filter asked for it, else None.
    `layer` is the diff id of the image's layer that brought it.  `sha256` is the
    digest of a regular file's content, None where it was not computed.
    """

    name: str
    kind: Kind
    size: int
    mode: int | None
    head: bytes = b""
    data: bytes | memoryview | None = None
    target: str = ""
    layer: str = ""
    sha256: bytes | None = None


Wanted = Callable[[str, bytes, int], bool]
"""Say of a file's name, first bytes and size whether its whole content is wanted."""


class Artifact(Protocol):
    """An open container.

    `irregularities` is in the order of the artifact, and complete once `members` has been consumed.
    `packed` is the size of the archive in bytes, None for what is no ZIP.
    `expected` is how many members there may be, None where that is seen only at the end.
    """

    kind: ArtifactKind
    limits: Limits
    irregularities: list[Irregularity]
    packed: int | None
    expected: int | None

    def outline(self) -> frozenset[str]:
        """Return the names of what lies at the root and one folder below, without reading it.

        Empty where the artifact lies in no folder of a function.
        """
        ...

    def members(self, wanted: Wanted) -> Iterator[Member]:
        """Yield each member once, in the order of the artifact."""
        ...

    def sha256(self) -> str | None:
        """Return the digest of the artifact's own bytes; None for a folder."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


class UnreadableMemberError(Exception):
    """A member's bytes cannot be had; carries the irregularity to report."""

    def __init__(self, kind: Irregular, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail


def irregular(kind: Irregular, name: str, detail: str) -> Irregularity:
    """Return what is wrong with the member `name`, or with the artifact where that is empty."""
    return Irregularity(kind, Location(PurePosixPath(name)), detail)


def beyond(limits: Limits, total: int, packed: int | None = None) -> str | None:
    """Return which limit `total` bytes are beyond that an archive of `packed` ones unpacks to."""
    if total > limits.total:
        detail = f"more than {limits.total:,} bytes unpacked; not read from here on"
        return reached("total", detail)
    return None if packed is None else too_dense(limits, total, packed)


def too_dense(limits: Limits, size: int, packed: int) -> str | None:
    """Return what is said of `packed` bytes that unpack to `size`, where no honest ones do.

    Deflate packs a thousand zeros into a byte, code about four.
    """
    if size <= max(_NO_BOMB, limits.ratio * packed):
        return None
    detail = f"unpacks to more than {limits.ratio:,} times its size; not read from here on"
    return reached("ratio", detail)


def too_large(limits: Limits, size: int) -> str:
    """Return what is said of a file that is larger than is read."""
    return reached("member", f"{size:,} bytes, more than {limits.member:,}; not read")
