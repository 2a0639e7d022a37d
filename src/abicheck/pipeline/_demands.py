"""What Lambda asks of an image's tree, whatever its C library: a program, a client, modes."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import PurePosixPath
from typing import Final

from abicheck.artifacts import Member
from abicheck.elf import MAGIC
from abicheck.filesystem import Kind, Tree
from abicheck.model import Distribution, EntryPoint, ImageConfig, Location

_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_RIC: Final = "awslambdaric"
_RIC_FILES: Final = (f"/{_RIC}/__main__.py", f"/{_RIC}/__init__.py")
_CLIENTS: Final = (
    "/lambda-entrypoint.sh",
    "/var/runtime/bootstrap",
    "/opt/extensions/lambda-adapter",
)
_MOST_UNREADABLE: Final = 20  # a report names a few


def searched(config: ImageConfig, name: str) -> Iterator[str]:
    """Yield the paths at which a program of that name is looked for."""
    if "/" in name:
        yield posixpath.join(config.working_dir or "/", name)
    else:
        folders = config.env.get("PATH", _PATH).split(":")
        yield from (posixpath.join("/", folder, name) for folder in folders)


def entry_point(tree: Tree, config: ImageConfig) -> EntryPoint | None:
    """Return the program that is started; None where neither ENTRYPOINT nor CMD names one."""
    command = (*config.entrypoint, *config.cmd)
    if not command:
        return None
    name, arguments = command[0], command[1:]
    path = next((place for place in searched(config, name) if tree.is_file(place)), None)
    if path is None:
        return EntryPoint(name, None, arguments)
    entry = tree.entry(path)
    real = tree.real(path) or path
    file = tree.entry(real)
    return EntryPoint(
        name,
        real,
        arguments,
        link=entry is not None and entry.kind is Kind.SYMLINK,
        executable=file is None or file.mode is None or bool(file.mode & 0o001),
    )


def runtime_client(
    tree: Tree, files: Iterable[Member], distributions: Iterable[Distribution]
) -> str:
    """Return what asks Lambda for events; empty where nothing is known to."""
    for distribution in distributions:
        if distribution.name.lower() == _RIC:
            return f"{_RIC} {distribution.version}"
    if any(member.name.endswith(_RIC_FILES) for member in files):
        return _RIC
    return next((path for path in _CLIENTS if tree.is_file(path)), "")


def unreadable(tree: Tree, files: Iterable[Member]) -> tuple[Location, ...]:
    """Return the code that a user without privileges may not read, as far as modes are known."""
    entered = {"/": True}

    def is_entered(folder: str) -> bool:
        """Whether that user may pass through a folder, and through all that are above it."""
        unknown = []
        while folder not in entered:
            unknown.append(folder)
            folder = posixpath.dirname(folder)
        for below in reversed(unknown):
            entry = tree.entry(below)
            passes = entry is None or entry.mode is None or bool(entry.mode & 0o001)
            entered[below] = passes and entered[posixpath.dirname(below)]
        return entered[unknown[0] if unknown else folder]

    closed = (
        Location(PurePosixPath(member.name))
        for member in files
        if (member.name.endswith((".py", ".pyc")) or member.head.startswith(MAGIC))
        and not (
            (member.mode is None or member.mode & 0o004)
            and is_entered(posixpath.dirname(f"/{member.name}"))
        )
    )
    return tuple(islice(closed, _MOST_UNREADABLE))
