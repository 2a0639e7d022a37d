"""The files an image is saved as, read at random: in a tar, or in a folder.

A store gives each file as a view of a memory map, so that nothing is read
before it is wanted and nothing twice.  A tar that is compressed, or comes
through a pipe, is first laid into one private temporary file that no path
names.
"""

from __future__ import annotations

import io
import itertools
import mmap
import posixpath
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO, Final, Protocol, cast

from abicheck.artifacts._base import Limits, UnreadableMemberError
from abicheck.artifacts._image._packing import compression_of, unpack
from abicheck.artifacts._image._stream import ByteStream, Chunk
from abicheck.artifacts._image._tar import TarType, is_tar, read_tar
from abicheck.errors import ArtifactError
from abicheck.model import Compression, Irregular, reached

_HEAD: Final = 512
_PIECE: Final = 1 << 20
_LINKS: Final = 8  # how many links a name of the archive may lead through
_EMPTY: Final = memoryview(b"")


class BlobStore(Protocol):
    """The files of a saved image, by name.  `faults` tells what was wrong with the store."""

    faults: list[UnreadableMemberError]

    def find(self, name: str) -> memoryview | None:
        """Return the bytes of the file `name`, None where there is no such file."""
        ...

    def forget(self) -> None:
        """Keep no more of the files in memory than is read again."""
        ...

    def close(self) -> None:
        """Let go of the files; views that a caller still holds keep their maps alive."""
        ...


class TarStore:
    """A saved image in a tar."""

    def __init__(self, file: BinaryIO, limits: Limits) -> None:
        self._file = file
        self._limits = limits
        self.faults: list[UnreadableMemberError] = []
        self._files: dict[str, tuple[int, int]] = {}
        self._links: dict[str, str] = {}
        self._view = _map(file)
        try:
            self._scan()
        except UnreadableMemberError as error:
            # What came before the damage can be read all the same.
            self.faults.append(error)

    def _scan(self) -> None:
        stream = ByteStream(iter((self._view,)))
        for count, entry in enumerate(read_tar(stream)):
            if count >= self._limits.members:
                reason = f"more than {self._limits.members:,} files in the archive"
                reason = reached("members", reason)
                raise UnreadableMemberError(Irregular.LIMIT, reason)
            name = posixpath.normpath(entry.name).lstrip("/")
            if len(name) > self._limits.path:
                continue  # nothing that an image is saved as has such a name
            if entry.type is TarType.FILE and entry.extents is None:
                self._links.pop(name, None)
                self._files[name] = (stream.position, entry.size)
            elif entry.type in {TarType.SYMLINK, TarType.HARD_LINK}:
                # Old engines save a repeated layer as a link: `../ID/layer.tar`.
                base = posixpath.dirname(name) if entry.type is TarType.SYMLINK else ""
                self._links[name] = posixpath.normpath(posixpath.join(base, entry.target))

    def find(self, name: str) -> memoryview | None:
        """Return the bytes of the file `name`, links inside the archive followed."""
        name = posixpath.normpath(name)
        for _ in range(_LINKS):
            if name not in self._links:
                break
            name = self._links[name]
        place = self._files.get(name)
        if place is None:
            return None
        start, size = place
        return self._view[start : start + size]

    def forget(self) -> None:
        """Keep no more of the file in memory than is read again."""
        _forget(self._view)

    def close(self) -> None:
        """Let go of the file."""
        self._view.release()
        self._file.close()


class FolderStore:
    """A saved image as a folder.  No link leads out of it."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self.faults: list[UnreadableMemberError] = []
        self._views: list[memoryview] = []

    def find(self, name: str) -> memoryview | None:
        """Return the bytes of the file `name`, links inside the folder followed."""
        if "\0" in name or "\\" in name or name.startswith("/") or ".." in name.split("/"):
            return None
        path = self._root / name
        try:
            inside = path.resolve().is_relative_to(self._root)
            if not inside or not stat.S_ISREG(path.stat().st_mode):
                return None
            with path.open("rb") as file:
                view = _map(file)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links, up to 3.12
            reason = f"{name}: {getattr(error, 'strerror', None) or error}"
            self.faults.append(UnreadableMemberError(Irregular.UNREADABLE, reason))
            return None
        self._views.append(view)
        return view

    def forget(self) -> None:
        """Keep no more of the files in memory than is read again."""
        for view in self._views:
            _forget(view)

    def close(self) -> None:
        """Let go of the files."""
        for view in self._views:
            view.release()


def open_tar(path: Path, limits: Limits) -> TarStore | None:
    """Open a tar, compressed or not; None where the file is neither."""
    try:
        file = path.open("rb")
        head = file.read(_HEAD)
        if is_tar(head):
            return TarStore(file, limits)
        with file:
            if compression_of(head) is Compression.NONE:
                return None
            file.seek(0)
            return spool(_chunks(file), limits)
    except OSError as error:
        reason = f"{path}: {error.strerror or error}"
        raise ArtifactError(reason) from error


def open_stream(stream: IO[bytes], limits: Limits) -> TarStore | None:
    """Keep what comes through a pipe; None where it is no tar, compressed or not."""
    try:
        first = stream.read(_PIECE)
        if not first:
            reason = "the stream is empty: what was to save the image has written nothing"
            raise ArtifactError(reason)
        return spool(itertools.chain((first,), _chunks(stream)), limits)
    except OSError as error:
        reason = f"the stream cannot be kept: {error.strerror or error}"
        raise ArtifactError(reason) from error


def spool(chunks: Iterator[Chunk], limits: Limits) -> TarStore | None:
    """Keep a stream, unpacked, in a file without a name; None where it is no tar.

    What is beyond `limits.layers` bytes is not kept.  Raises `OSError` where
    there is no room for it.
    """
    head, chunks = _peek(chunks)
    compression = compression_of(head)
    unpacked = _bounded(unpack(chunks, compression), limits.layers)
    faults: list[UnreadableMemberError] = []
    try:
        head, unpacked = _peek(unpacked)
    except UnreadableMemberError:
        head = b""
    if not is_tar(head):
        return None
    # No name, and gone with the last handle, whatever becomes of this process.
    file = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - the store closes it
    try:
        for piece in unpacked:
            file.write(piece)
    except UnreadableMemberError as error:
        faults.append(error)  # as much as can be had
    except BaseException:
        file.close()
        raise
    file.flush()
    store = TarStore(file, limits)
    # A stream that breaks off explains that the tar does.
    store.faults = faults or store.faults
    return store


def _peek(chunks: Iterator[Chunk]) -> tuple[bytes, Iterator[Chunk]]:
    """Return the first bytes of a stream, and the whole of it again."""
    head = b""
    for chunk in chunks:
        head += bytes(chunk)
        if len(head) >= _HEAD:
            break
    return head[:_HEAD], itertools.chain((head,), chunks)


def _bounded(chunks: Iterator[Chunk], most: int) -> Iterator[Chunk]:
    written = 0
    for chunk in chunks:
        written += len(chunk)
        if written > most:
            reason = f"more than {most:,} bytes unpacked; not read from here on"
            reason = reached("layers", reason)
            raise UnreadableMemberError(Irregular.LIMIT, reason)
        yield chunk


def _chunks(stream: IO[bytes]) -> Iterator[Chunk]:
    while chunk := stream.read(_PIECE):
        yield chunk


def _map(file: BinaryIO) -> memoryview:
    """Return a file's bytes without reading them."""
    if file.seek(0, io.SEEK_END) == 0:
        return _EMPTY[:]
    return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _forget(view: memoryview) -> None:
    """Give a map's pages back; views of it stay valid, and are read from the file again.

    The kernel would take them when it is short of memory, but counts them as ours until then.
    """
    advice = getattr(mmap, "MADV_DONTNEED", None)
    if advice is not None and isinstance(view.obj, mmap.mmap):
        view.obj.madvise(advice)
