"""Installs that went elsewhere: twice into one folder, as a reference, into an environment."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

from abicheck.filesystem import Places, Tree
from abicheck.model import Distribution, Editable, Environment
from abicheck.python.distributions import canonical

_PATH_FILE: Final = re.compile(r"__editable__\.(.+)-[^-]+\.pth")
_PACKAGES: Final = re.compile(r"lib/python3\.\d+t?/site-packages")


def find_doubles(distributions: Iterable[Distribution]) -> Iterator[tuple[Distribution, ...]]:
    """Yield the distributions that lie in one folder more than once."""
    same: dict[tuple[str, PurePosixPath, str], list[Distribution]] = {}
    for distribution in distributions:
        place = distribution.location
        key = place.layer, place.path.parent, canonical(distribution.name)
        same.setdefault(key, []).append(distribution)
    yield from (tuple(group) for group in same.values() if len(group) > 1)


def find_editables(
    tree: Tree, entries: Iterable[str], distributions: Iterable[Distribution], places: Places
) -> Iterator[Editable]:
    """Yield the editable installs whose source folder is not on the target.

    `entries` are the folders of sys.path.
    """
    found: dict[str, Editable] = {}
    for distribution in distributions:
        if distribution.editable:
            name = canonical(distribution.name)
            found[name] = Editable(distribution.name, distribution.location, distribution.origin)
    folders = tuple(dict.fromkeys(entries))
    for entry in folders:
        for child in sorted(tree.children(entry)):
            match = _PATH_FILE.fullmatch(child)
            name = match[1] if match is not None else child.removesuffix(".egg-link")
            if match is not None or child.endswith(".egg-link"):
                place = places.location(f"{entry}/{child}")
                found.setdefault(canonical(name), Editable(name, place, ""))
    for name, editable in found.items():
        parts = urlsplit(editable.origin)
        source = unquote(parts.path) if parts.scheme == "file" else ""
        is_there = bool(source) and tree.is_dir(source)
        if not is_there and not _has_module(tree, folders, name.replace("-", "_")):
            yield editable


def _has_module(tree: Tree, folders: Iterable[str], name: str) -> bool:
    return any(
        child.partition(".")[0].lower() == name
        for folder in folders
        for child in tree.children(folder)
        if not child.endswith((".pth", ".egg-link"))
    )


def find_environments(
    tree: Tree, entries: Iterable[str], distributions: Iterable[Distribution], places: Places
) -> Iterator[Environment]:
    """Yield the artifact's virtual environments whose packages are not on sys.path (PEP 405)."""
    known = set(entries)
    for path in tree.files():
        if not path.endswith("/pyvenv.cfg") or not places.holds(path):
            continue
        home = posixpath.dirname(path)
        for packages in _packages(tree, home):
            if packages in known:
                continue
            yield Environment(
                places.location(home),
                tuple(d for d in distributions if _folder(d, places) == packages),
                frozenset(child.partition(".")[0] for child in tree.children(packages)),
            )


def _packages(tree: Tree, home: str) -> Iterator[str]:
    for version in sorted(tree.children(f"{home}/lib")):
        packages = f"{home}/lib/{version}/site-packages"
        if _PACKAGES.fullmatch(f"lib/{version}/site-packages") and tree.is_dir(packages):
            yield packages


def _folder(distribution: Distribution, places: Places) -> str:
    return posixpath.dirname(places.target(distribution.location))


def on_path(
    distributions: Iterable[Distribution], entries: Iterable[str], places: Places
) -> tuple[Distribution, ...]:
    """Return the distributions that `importlib.metadata` finds, in the order in which it does.

    Those that a distribution vendors lie in a folder of its own, and those of
    an environment that nobody entered are not searched.
    """
    by_folder: Mapping[str, list[Distribution]] = {entry: [] for entry in entries}
    for distribution in distributions:
        folder = _folder(distribution, places)
        if folder in by_folder:
            by_folder[folder].append(distribution)
    return tuple(found for group in by_folder.values() for found in group)
