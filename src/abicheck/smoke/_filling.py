"""What is put into a container, as a tar stream: read by abicheck's own readers.

So what is imported is what was judged, and no engine ever unpacks an archive that a
stranger has written: names, kinds and modes in the stream are our own.
"""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from abicheck.artifacts import DEFAULT_LIMITS, Member, open_artifact
from abicheck.filesystem import Kind
from abicheck.model import ArtifactKind

INSIDE: Final = "/abicheck"
"""Where the driver lies."""
_BLOCK: Final = 512
_PERMISSIONS: Final = 0o777
_WHEEL_ROOTS: Final = ("purelib", "platlib")


def members_of(source: Path) -> Iterator[Member]:
    """Yield the members of an artifact with their bytes, where an installer would put them."""
    with open_artifact(source, DEFAULT_LIMITS) as artifact:
        wheel = artifact.kind is ArtifactKind.WHEEL
        for member in artifact.members(lambda *_: True):
            yield _installed(member) if wheel else member


def _installed(member: Member) -> Member:
    """Return a wheel's member as `pip install --target` leaves it."""
    top, _, rest = member.name.partition("/")
    section, _, tail = rest.partition("/")
    name = tail if top.endswith(".data") and section in _WHEEL_ROOTS and tail else member.name
    return Member(name, member.kind, member.size, None, b"", member.data, member.target)


def tar_stream(members: Iterable[Member]) -> Iterator[bytes]:
    """Yield a tar archive of `members`, block by block, owned by root.

    Nothing is written through a link that the archive itself has brought, and
    no bit is kept but permissions.
    """
    folders: set[str] = set()
    links: set[str] = set()
    for member in members:
        name = posixpath.normpath(member.name)
        parents = [name[:cut] for cut, letter in enumerate(name) if letter == "/"]
        if name in (".", "..") or name.startswith(("/", "../")) or not links.isdisjoint(parents):
            continue
        for parent in parents:
            if parent not in folders:
                folders.add(parent)
                yield from _entry(parent, tarfile.DIRTYPE, 0o755)
        if member.kind is Kind.DIRECTORY:
            folders.add(name)
            yield from _entry(name, tarfile.DIRTYPE, _bits(member, 0o755))
        elif member.kind is Kind.SYMLINK:
            if name not in folders:
                links.add(name)
                yield from _entry(name, tarfile.SYMTYPE, 0o777, target=member.target)
        elif member.data is not None:
            yield from _entry(name, tarfile.REGTYPE, _bits(member, 0o755), member.data)
    yield bytes(2 * _BLOCK)


def driver_stream() -> Iterator[bytes]:
    """Yield the tar archive of what runs inside."""
    folder = Path(__file__).with_name("inside")
    for name in ("child.py", "driver.py"):
        yield from _entry(name, tarfile.REGTYPE, 0o644, (folder / name).read_bytes())
    yield bytes(2 * _BLOCK)


def _bits(member: Member, otherwise: int) -> int:
    """Return the permissions that the archive gives; one that has none leaves it to who unpacks."""
    return otherwise if member.mode is None else member.mode & _PERMISSIONS


def _entry(
    name: str, kind: bytes, mode: int, data: bytes | memoryview = b"", target: str = ""
) -> Iterator[bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.size, info.linkname = kind, mode, len(data), target
    yield info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
    if data:
        yield bytes(data)
        yield bytes(-len(data) % _BLOCK)
