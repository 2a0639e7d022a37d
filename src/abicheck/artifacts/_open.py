"""Tell one kind of artifact from another, by content."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final

from abicheck.artifacts._base import Artifact, Limits, Member, Wanted
from abicheck.artifacts._folder import FolderArtifact, ObjectArtifact
from abicheck.artifacts._zip import ZipArtifact
from abicheck.errors import ArtifactError, UsageError
from abicheck.model import ArtifactKind, Irregular, Irregularity, Location

_HEAD: Final = 512
_TAIL: Final = 65_557  # end of central directory record with the longest comment
_ZIPS: Final = (b"PK\x03\x04", b"PK\x05\x06")
_SPECIAL: Final = {
    stat.S_IFIFO: "a pipe, which gives its bytes once and in order; write them to a file first",
    stat.S_IFSOCK: "a socket, not a file",
    stat.S_IFCHR: "a device, not a file",
    stat.S_IFBLK: "a device, not a file",
}
_OBJECTS: Final = (
    b"\x7fELF",
    b"MZ",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"\xfe\xed\xfa\xcf",
    b"version https://git-lfs",
)


class UnrecognisedArtifact:
    """A file that is no artifact at all; all it has is the reason."""

    kind = ArtifactKind.UNREADABLE
    packed: int | None = None
    expected: int | None = None

    def __init__(self, limits: Limits, kind: Irregular, detail: str) -> None:
        self.limits = limits
        self.irregularities = [Irregularity(kind, Location(PurePosixPath()), detail)]

    def members(self, wanted: Wanted) -> Iterator[Member]:
        """Yield nothing."""
        del wanted
        return iter(())

    def outline(self) -> frozenset[str]:
        """Return nothing."""
        return frozenset()

    def sha256(self) -> str | None:
        """Return None: nothing was examined."""
        return None

    def close(self) -> None:
        """Nothing is held open."""


@contextmanager
def open_artifact(
    path: Path, limits: Limits, *, architecture: str | None = None, reference: str | None = None
) -> Iterator[Artifact]:
    """Open the artifact at `path`, whatever it is called.

    Raises `UsageError` where there is nothing at `path`, or neither a file nor
    a folder, or where several images are and `architecture` and `reference` do
    not name one; `ArtifactError` where it cannot be read.  A file that is no
    artifact is opened all the same, as one that consists of an irregularity.
    """
    artifact = _recognise(path, limits, architecture, reference)
    try:
        yield artifact
    finally:
        artifact.close()


def _recognise(
    path: Path, limits: Limits, architecture: str | None, reference: str | None
) -> Artifact:
    try:
        if _is_folder(path):
            image = _find_image(path, limits, architecture, reference)
            return image or FolderArtifact(path, limits)
        with path.open("rb") as file:
            head = file.read(_HEAD)
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL))
            tail = file.read(_TAIL)
    except FileNotFoundError as error:
        reason = f"{path}: no such file or folder"
        raise UsageError(reason) from error
    except OSError as error:
        reason = f"{path}: {error.strerror or error}"
        raise ArtifactError(reason) from error
    if not head.startswith(_ZIPS):
        # Before the tail is asked: the last file of a layer may well be a ZIP.
        image = _find_image(path, limits, architecture, reference)
        if image is not None:
            return image
    if head.startswith(_ZIPS) or _ZIPS[1] in tail:
        if head.startswith(_OBJECTS[0]):
            return ObjectArtifact(path, limits)
        return ZipArtifact(path, limits)
    if head.startswith(_OBJECTS) or _is_named_object(path.name):
        return ObjectArtifact(path, limits)
    if not head:
        return UnrecognisedArtifact(limits, Irregular.EMPTY_ARCHIVE, "the file is empty")
    return UnrecognisedArtifact(limits, Irregular.NOT_AN_ARCHIVE, _guess(head))


def _find_image(
    path: Path, limits: Limits, architecture: str | None, reference: str | None
) -> Artifact | None:
    # Imported here: it costs a third of what checking the smallest ZIP does.
    from abicheck.artifacts._image import find_image  # noqa: PLC0415

    return find_image(path, limits, architecture, reference)


def _is_folder(path: Path) -> bool:
    """Tell a folder from a file; whatever else there is cannot be an artifact."""
    kind = stat.S_IFMT(path.stat().st_mode)
    if kind not in (stat.S_IFDIR, stat.S_IFREG):
        # Before it is opened: that waits for a writer of a pipe, and may set a device off.
        reason = f"{path}: {_SPECIAL.get(kind, 'neither a file nor a folder')}"
        raise UsageError(reason)
    return kind == stat.S_IFDIR


def _is_named_object(name: str) -> bool:
    return name.endswith((".so", ".pyd", ".dylib")) or ".so." in name


def _guess(head: bytes) -> str:
    if not head.strip(b"\0"):
        return "nothing but zeros: an empty tar, or a file that was never written"
    if head[257:262] == b"ustar" or head.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd")):
        return "a tar or compressed archive, but no container image"
    if head.lstrip()[:15].lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return "an HTML or XML page, perhaps an error page that was saved as a file"
    if head.startswith(b"UEsD"):
        return "a ZIP that is base64 encoded; decode it first"
    return "neither a ZIP nor a shared object"
