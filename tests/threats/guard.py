"""Run abicheck as its command does, and write down whatever it should not do.

    python guard.py JOURNAL FOLDER[:FOLDER...] ARGUMENTS...

Python tells an audit hook (PEP 578) of every file that is opened, every process that is
started, every connection, and all that is unpacked by `marshal` and `pickle`.  A line of the
journal is one deed: a file written or changed outside each FOLDER, a process, a connection, or
bytes of an artifact on their way to be code.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PAYLOAD = "EXECUTED-BY-ABICHECK"
# Each names a path, and some two.
CHANGES = frozenset(
    {"os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir"}
    | {"os.symlink", "os.truncate", "os.utime", "shutil.rmtree", "os.setxattr", "os.mkfifo"}
)
NEVER = frozenset(
    {"os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.startfile", "os.system"}
    | {"subprocess.Popen", "pty.spawn", "ctypes.dlopen", "pickle.find_class"}
    | {"socket.connect", "socket.bind", "socket.sendto", "urllib.Request"}
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def watch(journal: Path, allowed: Sequence[str]) -> None:
    """Write down every deed from now on."""
    deeds = journal.open("w", encoding="utf-8", errors="backslashreplace", buffering=1)
    inside = tuple(os.path.join(os.path.realpath(folder), "") for folder in allowed)  # noqa: PTH118

    def outside(path: object) -> bool:
        if not isinstance(path, str | bytes):
            return False  # a file that is open already
        real = os.path.realpath(os.fsdecode(path))
        if os.path.isdir(real):  # noqa: PTH112 - a nameless file is made of its folder
            real = os.path.join(real, "")  # noqa: PTH118
        return not real.startswith(inside) and real != os.devnull

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            is_deed = _writes(arguments[2]) and outside(arguments[0])
        elif event in CHANGES:
            is_deed = any(outside(path) for path in arguments[:2])
        elif event in {"marshal.loads", "marshal.load"}:
            is_deed = PAYLOAD.encode() in bytes(arguments[0])
        elif event == "exec":
            is_deed = PAYLOAD in repr(getattr(arguments[0], "co_consts", ()))
        else:
            is_deed = event in NEVER
        if is_deed:
            deeds.write(f"{event} {arguments!r}\n"[:1000])

    sys.addaudithook(hook)


def _writes(flags: object) -> bool:
    """Whether a file is opened for writing, and has a name."""
    if not isinstance(flags, int):
        return False
    nameless = getattr(os, "O_TMPFILE", 0)
    return bool(flags & _WRITING) and not (nameless and flags & nameless == nameless)


def main() -> int:
    """Watch, then run abicheck in this process."""
    journal, folders, *arguments = sys.argv[1:]
    watch(Path(journal), folders.split(os.pathsep))
    from abicheck.cli import main as abicheck  # noqa: PLC0415 - watched as well

    return abicheck(arguments)


if __name__ == "__main__":
    sys.exit(main())
