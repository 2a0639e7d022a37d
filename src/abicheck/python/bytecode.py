"""Bytecode files that stand without their source."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Final

from abicheck.filesystem import Places, Tree
from abicheck.model import Bytecode, Interpreter

_CACHE: Final = "__pycache__"


def find_bytecode(
    tree: Tree, heads: Mapping[str, bytes], interpreter: Interpreter, places: Places
) -> tuple[Bytecode, ...]:
    """Return the modules of which only bytecode is there, sorted by place.

    `heads` maps target paths of `.pyc` files to their first bytes.  A file in
    `__pycache__` (PEP 3147) serves its source alone; one beside where the
    source would be is a module of its own.  Names are relative to the nearest
    entry of sys.path.
    """
    own = f".{interpreter.tag.replace('cp', 'cpython-')}"
    entries = sorted(map(str, interpreter.path), key=len, reverse=True)
    found = []
    for path, head in sorted(heads.items()):
        folder, name = posixpath.split(path)
        stem = name.removesuffix(".pyc")
        cached = posixpath.basename(folder) == _CACHE
        if cached:
            folder = posixpath.dirname(folder)
            stem, _, tag = stem.partition(".")
            if f".{tag}" != own:
                continue  # stale bytecode of another Python: never looked at
        sources = (f"{folder}/{stem}.py", f"{folder}/{stem}.pyc" if cached else "")
        if any(source and tree.is_file(source) for source in sources):
            continue
        home = next((e for e in entries if f"{folder}/".startswith(f"{e}/")), places.root or "/")
        module = posixpath.relpath(f"{folder}/{stem}", home).replace("/", ".")
        place = places.location(path)
        found.append(
            Bytecode(place, module.removesuffix(".__init__"), None if cached else head[:4])
        )
    return tuple(found)
