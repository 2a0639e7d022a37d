"""Modules of a layer that lie where no import looks for them."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

from abicheck.filesystem import LAYER_ROOT, Kind, Places, Tree
from abicheck.model import Interpreter, Location, StrayFolder

_PYTHON: Final = f"{LAYER_ROOT}/python"
_PACKAGES: Final = ("site-packages", "dist-packages")
_VERSION: Final = re.compile(r"python(3\.\d+)")
_OF_PYTHON: Final = re.compile(r"/opt/python/lib/python(3\.\d+)/site-packages")
# What Lambda, its runtimes and the loader look for in /opt, besides sys.path.
_LOOKED_FOR: Final = frozenset(("bin", "extensions", "java", "lib", "nodejs", "ruby"))
_NO_MODULES: Final = _LOOKED_FOR | {"etc", "include", "lib64", "python", "share", "var"}

Names = Callable[[str], tuple[str, ...]]


def find_strays(
    tree: Tree, places: Places, interpreter: Interpreter, names: Names
) -> tuple[StrayFolder, ...]:
    """Return the folders of layers that hold modules and are not on sys.path.

    `names` gives the top-level modules of a folder.  Looked for are the ways in which layers are
    packed wrong: for another Python, without `python/`, with one folder more around it.
    """
    path = frozenset(map(str, interpreter.path))
    used = _useful_layers(tree, places, path)
    found: list[StrayFolder] = []
    for folder in _candidates(tree):
        if folder in path or tree.is_file(f"{folder}/__init__.py"):
            continue
        modules = names(folder)
        if folder == LAYER_ROOT:
            wrapped = {stray.location.path.parts[0] for stray in found}
            modules = tuple(name for name in modules if name not in _NO_MODULES | wrapped)
        version = _OF_PYTHON.fullmatch(folder)
        usual = folder == _PYTHON or (version is not None and version[1] == interpreter.dotted)
        for layer, group in _by_layer(tree, places, folder, modules).items():
            found.append(
                StrayFolder(
                    Location(PurePosixPath(posixpath.relpath(folder, LAYER_ROOT)), layer),
                    group,
                    version[1] if version is not None and not usual else "",
                    usual=usual,
                    whole=layer not in used,
                )
            )
    return tuple(found)


def is_stray(path: str, strays: tuple[StrayFolder, ...], places: Places) -> bool:
    """Whether a file belongs to a module that lies in one of the folders."""
    for stray in strays:
        folder = f"{posixpath.normpath(places.target(stray.location))}/"
        if path.startswith(folder):
            top = path[len(folder) :].partition("/")[0]
            if folder != f"{LAYER_ROOT}/" or top.partition(".")[0] in stray.names:
                return True
    return False


def _candidates(tree: Tree) -> Iterator[str]:
    yield from (_PYTHON, f"{_PYTHON}/python")
    tops = sorted(tree.children(LAYER_ROOT) - _LOOKED_FOR)
    for home in (LAYER_ROOT, *(f"{LAYER_ROOT}/{top}" for top in tops)):
        if home not in (LAYER_ROOT, _PYTHON):
            yield f"{home}/python"
        if home != LAYER_ROOT:
            yield from (f"{home}/{packages}" for packages in _PACKAGES)
        for above in (home, f"{home}/lib", f"{home}/python/lib"):
            if above == f"{_PYTHON}/lib" and home == LAYER_ROOT:
                continue  # is that of the home that is called so
            for name in sorted(tree.children(above)):
                if _VERSION.fullmatch(name):
                    yield from (f"{above}/{name}/{packages}" for packages in _PACKAGES)
    yield LAYER_ROOT  # last: what has been found in a folder of it is not meant


def _useful_layers(tree: Tree, places: Places, path: frozenset[str]) -> frozenset[str]:
    """Return the layers that have a file where something is looked for."""
    used = set()
    for file in tree.files():
        if not file.startswith(f"{LAYER_ROOT}/"):
            continue
        top = file[len(LAYER_ROOT) + 1 :].partition("/")[0]
        if top in _LOOKED_FOR or any(_brings(file, entry) for entry in path):
            used.add(places.layers.get(file, ""))
    return frozenset(used)


def _brings(file: str, entry: str) -> bool:
    """Whether a file can be imported from a folder, its name and those above it allowing."""
    if not file.startswith(f"{entry}/"):
        return False
    *folders, name = file[len(entry) + 1 :].split("/")
    return all(folder.isidentifier() for folder in folders) and name.endswith(
        (".py", ".so", ".pyc")
    )


def _by_layer(
    tree: Tree, places: Places, folder: str, names: tuple[str, ...]
) -> Mapping[str, tuple[str, ...]]:
    """Return the names that each layer brought into a folder."""
    found: dict[str, set[str]] = defaultdict(set)
    for name in names:
        for file in _files(tree, folder, name):
            found[places.layers.get(file, "")].add(name)
    return {layer: tuple(sorted(group)) for layer, group in found.items()}


def _files(tree: Tree, folder: str, name: str) -> Iterator[str]:
    """Yield the files of a module: its own, or those of its package."""
    todo = [f"{folder}/{name}.py", f"{folder}/{name}"]
    while todo:
        path = todo.pop()
        entry = tree.entry(path)
        if entry is not None and entry.kind is Kind.FILE:
            yield path
        else:
            todo += (f"{path}/{child}" for child in tree.children(path))
