"""Which files are extension modules, and which of them the importer would open."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from abicheck.filesystem import Places, Tree
from abicheck.model import ExtensionModule, Interpreter, Sibling
from abicheck.python.finder import FoundKind, find

# `x.cpython-311-x86_64-linux-gnu.so`, `x.cp313-win_amd64.pyd`, `x.pypy310-pp73-….so`
_TAGGED: Final = re.compile(
    r"\.(?P<tag>cpython-(?P<minor>\d+)(?P<flags>[a-z]*)|cp(?P<win>\d+)t?|pypy\w+|graalpy\w+|abi3t?)"
    r"(?:-(?P<platform>[\w.-]+?))?\.(?P<end>so|pyd|dylib)$"
)
_PLAIN: Final = re.compile(r"\.(?P<end>so|pyd)$")


def split_suffix(name: str) -> tuple[str, str] | None:
    """Split a file's name into module name and extension suffix; None where it has none."""
    found = _TAGGED.search(name) or _PLAIN.search(name)
    if found is None or found.start() == 0:
        return None
    return name[: found.start()], name[found.start() :]


def why_ignored(suffix: str, interpreter: Interpreter, machine: str) -> str:
    """Say why the target's importer does not see a file with this suffix."""
    tagged = _TAGGED.match(suffix)
    if suffix.endswith(".pyd"):
        return "for Windows"
    if tagged is None:
        return "not a suffix of this interpreter"
    if tagged["tag"] == "abi3t":
        return "for the free-threaded stable ABI"
    if tagged["minor"] is None and not tagged["tag"].startswith("abi3"):
        return f"for {tagged['tag'].split('-')[0]}, another Python implementation"
    reasons = [
        _other_version(tagged["minor"] or "", tagged["flags"] or "", interpreter),
        _other_platform(tagged["platform"] or "", machine),
    ]
    return ", ".join(filter(None, reasons)) or "not a suffix of this interpreter"


def _other_version(minor: str, flags: str, interpreter: Interpreter) -> str:
    """Say for which other build of CPython a tag stands; `minor` is such as `313`."""
    version = f"{minor[:1]}.{minor[1:]}" if minor else interpreter.dotted
    other = minor not in ("", f"{interpreter.version[0]}{interpreter.version[1]}")
    if "t" in flags:
        return f"built for free-threaded CPython {version}"
    if other:
        return f"built for CPython {version}"
    return f"built for CPython {version} with ABI flags {flags!r}" if flags else ""


def _other_platform(platform: str, machine: str) -> str:
    """Say for which other platform a tag stands."""
    if platform == "darwin":
        return "for macOS"
    reasons = []
    if platform.endswith("-linux-musl"):
        reasons.append("for musl libc")
    if platform and platform.split("-", maxsplit=1)[0] != machine:
        reasons.append(f"for {platform.split('-', maxsplit=1)[0]}")
    return ", ".join(reasons)


def find_extensions(  # noqa: PLR0913, PLR0917 - the files, and all that decides about them
    tree: Tree,
    files: Iterable[str],
    interpreter: Interpreter,
    machine: str,
    places: Places,
    shadow: Callable[[str], str | None],
) -> tuple[ExtensionModule, ...]:
    """Return every dotted name that compiled files are there for, sorted.

    `files` are target paths.  A name is as `sys.path` would have it; files in
    folders that are no identifiers (`numpy.libs`, `some-data`) have none.
    `shadow` gives what the importer takes from another folder in a file's place.
    """
    entries = [str(path) for path in interpreter.path if tree.is_dir(str(path))]
    groups: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for path in files:
        folder, name = posixpath.split(path)
        split = split_suffix(name)
        if split is not None:
            groups.setdefault((folder, split[0]), []).append((path, split[1]))
    modules = []
    for (folder, tail), group in groups.items():
        dotted = _dotted(folder, tail, entries)
        # Built-in and frozen modules are found before any file is looked for.
        if dotted is None or dotted.partition(".")[0] in interpreter.builtin:
            continue
        before = shadow(group[0][0])
        modules.append(
            _describe(tree, dotted, folder, tail, group, interpreter, machine, places)
            if before is None
            else _hidden(dotted, group, before, places)
        )
    return tuple(sorted(modules, key=lambda module: module.name))


def _dotted(folder: str, tail: str, entries: Sequence[str]) -> str | None:
    for entry in sorted(entries, key=len, reverse=True):
        if folder == entry or folder.startswith(f"{entry}/"):
            packages = [part for part in folder[len(entry) :].split("/") if part]
            if not all(part.isidentifier() for part in packages):
                return None
            if tail == "__init__":
                return ".".join(packages) or None
            # What mypyc gathers a distribution's code in is called after a hash.
            plain = f"_{tail}" if tail.endswith("__mypyc") else tail.replace("-", "_")
            if "." in tail or not plain.isidentifier():
                return None
            return ".".join((*packages, tail))
    return None


def _hidden(
    name: str, group: Sequence[tuple[str, str]], before: str, places: Places
) -> ExtensionModule:
    """Return a module of which the importer takes another copy, or another module."""
    reason = f"{before} is found first"
    siblings = tuple(Sibling(places.location(p), suffix, reason) for p, suffix in sorted(group))
    return ExtensionModule(name, None, siblings, shadowed_by=places.location(before))


def _describe(  # noqa: PLR0913, PLR0917
    tree: Tree,
    name: str,
    folder: str,
    tail: str,
    group: Sequence[tuple[str, str]],
    interpreter: Interpreter,
    machine: str,
    places: Places,
) -> ExtensionModule:
    if tail == "__init__":
        # The package is looked for by its own name, in the folder above.
        above, package = posixpath.split(folder)
        found = find(tree, package, (above,), interpreter)
    else:
        found = find(tree, tail, (folder,), interpreter)
    selected = shadow = None
    if found is not None and found.kind is FoundKind.EXTENSION:
        selected = found.path
    elif found is not None and found.kind is not FoundKind.NAMESPACE:
        shadow = found.path
    siblings = []
    for path, suffix in sorted(group):
        if path == selected:
            continue
        if suffix in interpreter.suffixes:
            winner = posixpath.basename(selected or shadow or "")
            reason = f"{winner} is found first" if winner else "never looked for"
        else:
            reason = why_ignored(suffix, interpreter, machine)
        siblings.append(Sibling(places.location(path), suffix, reason))
    return ExtensionModule(
        name=name,
        selected=None if selected is None else places.location(selected),
        siblings=tuple(siblings),
        shadowed_by=None if shadow is None else places.location(shadow),
        stub_folder=tail != "__init__" and tree.is_dir(posixpath.join(folder, tail)),
    )
