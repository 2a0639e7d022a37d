"""A layer with this machine's own interpreter and C library: an image that runs."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.imagebuilder import Tarred, folder, link, tar


def host_layer() -> bytes:
    """Return the tar of the interpreter that runs, what it needs, and the names of its library.

    Python's own sources are there by name only; awslambdaric is an empty package, and the
    function is `app.handler` in /var/task.
    """
    program = os.path.realpath(sys.executable)
    stdlib = Path(sysconfig.get_paths()["stdlib"])
    entries: dict[str, Tarred] = {}
    for path in (program, *_libraries(program), stdlib / "encodings" / "__init__.py"):
        _laid_out(str(path), entries)
    for path in sorted(stdlib.glob("*.py")):
        _laid_out(str(path), entries)
    packages = f"{stdlib}/site-packages".lstrip("/")
    for name in (packages, f"{packages}/awslambdaric", "entry", "var", "var/task"):
        entries[name] = folder(name)
    entries["var/task/app.py"] = Tarred("var/task/app.py", b"def handler(event, context): ...\n")
    client = f"{packages}/awslambdaric/__init__.py"
    entries[client] = Tarred(client)
    entries["entry/python3"] = link("entry/python3", program)
    return tar(list(entries.values()))


def _libraries(program: str) -> list[str]:
    """Return what the loader maps for a program, by the loader's own account."""
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    words = [line.replace("=>", " ").split() for line in listed.splitlines()]
    return sorted({next((w for w in line if w.startswith("/")), "") for line in words} - {""})


def _laid_out(path: str, entries: dict[str, Tarred]) -> None:
    """Add a file of this machine, with the folders and links that lead to it."""
    here = Path("/")
    todo = list(Path(path).parts[:0:-1])
    while todo:
        part = todo.pop()
        here = here.parent if part == ".." else here / part
        name = str(here).lstrip("/")
        if here.is_symlink():
            target = here.readlink()
            entries.setdefault(name, link(name, str(target)))
            here = Path("/") if target.is_absolute() else here.parent
            todo += [step for step in target.parts[::-1] if step != "/"]
        elif here.is_dir():
            entries.setdefault(name, folder(name))
        else:
            data = b"" if here.suffix == ".py" else here.read_bytes()
            mode = 0o644 if here.suffix == ".py" else 0o755
            entries.setdefault(name, Tarred(name, data, mode=mode))
