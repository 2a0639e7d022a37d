"""`os.path`, `glob` and `pathlib`, on the target's file system.

Paths may be known in part (`Pattern`): then they stay so as far as joining and
splitting goes, since a library can be recognised by the rest of its name.
"""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Callable, Sequence

from abicheck.python._simulated.questions import MAX_ITEMS, shortened
from abicheck.python._simulated.values import (
    ANY,
    ListValue,
    Method,
    PathValue,
    Pattern,
    Value,
)
from abicheck.python._simulated.world import World


def _text(value: Value) -> str | Pattern:
    if isinstance(value, PathValue):
        return value.text
    return value if isinstance(value, str | Pattern) else Pattern("*")


def changed(change: Callable[[str], str], value: Value) -> Value:
    """Return a path after a purely textual change."""
    path = _text(value)
    if isinstance(path, str):
        return change(path)
    return Pattern(change(path.glob)) if path.glob.strip("*/") else ANY


def joined(parts: Sequence[Value]) -> Value:
    """Return `os.path.join(*parts)`."""
    texts = [_text(part) for part in parts]
    whole = posixpath.join(*(text if isinstance(text, str) else text.glob for text in texts))
    if all(isinstance(text, str) for text in texts):
        return shortened(whole)
    return shortened(Pattern(whole)) if whole.strip("*/") else ANY


def real(world: World, path: str) -> str:
    """Return `os.path.realpath(path)`."""
    full = world.absolute(path)
    return world.tree.real(full) or full


def split(divide: Callable[[str], tuple[str, str]], value: Value) -> Value:
    """Return a path in two parts."""
    path = _text(value)
    return divide(path) if isinstance(path, str) else (ANY, ANY)


def exists(world: World, value: Value) -> Value:
    """Return `os.path.exists(value)`."""
    return _ask(world, value, lambda path: world.tree.real(path) is not None)


def is_file(world: World, value: Value) -> Value:
    """Return `os.path.isfile(value)`."""
    return _ask(world, value, world.tree.is_file)


def is_folder(world: World, value: Value) -> Value:
    """Return `os.path.isdir(value)`."""
    return _ask(world, value, world.tree.is_dir)


def _ask(world: World, value: Value, test: Callable[[str], bool]) -> Value:
    path = _text(value)
    if not isinstance(path, str):
        return ANY
    full = world.absolute(path)
    return True if test(full) else False if world.in_view(full) else ANY


def listing(world: World, value: Value) -> Value:
    """Return `os.listdir(value)`."""
    path = _text(value)
    if not isinstance(path, str) or not world.tree.is_dir(world.absolute(path)):
        return ListValue(None)
    return _unordered(sorted(world.tree.children(world.absolute(path))))


def matching(world: World, value: Value) -> Value:
    """Return `glob.glob(value)`, where its last part alone has wildcards."""
    path = _text(value)
    if not isinstance(path, str):
        return ListValue(None)
    folder, last = posixpath.split(world.absolute(path))
    if any(character in folder for character in "*?["):
        return ListValue(None)
    names = fnmatch.filter(sorted(world.tree.children(folder)), last)
    return _unordered([f"{folder}/{name}" for name in names])


def _unordered(names: Sequence[str]) -> ListValue:
    """Return a listing; its order is that of the directory, which nobody knows."""
    return ListValue(list(names) if len(names) <= MAX_ITEMS else None, ordered=False)


def path_object(parts: Sequence[Value]) -> Value:
    """Return `pathlib.Path(*parts)`."""
    whole = joined(parts or (".",))
    return PathValue(posixpath.normpath(whole)) if isinstance(whole, str) else whole


def path_attribute(path: PathValue, name: str) -> Value:
    """Return an attribute of a `pathlib.PurePath`."""
    text = path.text
    if name == "parent":
        return PathValue(posixpath.dirname(text) or ".")
    if name == "parents":
        parents: list[Value] = []
        while text and posixpath.dirname(text) != text:
            text = posixpath.dirname(text)
            parents.append(PathValue(text or "."))
        return tuple(parents)
    base = posixpath.basename(text)
    stem, suffix = posixpath.splitext(base)
    simple: dict[str, Value] = {"name": base, "stem": stem, "suffix": suffix}
    return simple.get(name, Method(path, name))


def path_method(world: World, path: PathValue, name: str, args: Sequence[Value]) -> Value:
    """Return what a method of a `pathlib.Path` gives."""
    text = path.text
    if name == "resolve":
        return PathValue(real(world, text))
    if name in ("absolute", "expanduser"):
        return PathValue(world.absolute(text))
    question = {"exists": exists, "is_file": is_file, "is_dir": is_folder}.get(name)
    if question is not None:
        return question(world, text)
    if name in ("joinpath", "__truediv__"):
        return path_object((text, *args))
    if name in ("as_posix", "__str__", "__fspath__"):
        return text
    if name in ("with_name", "with_suffix") and isinstance(args[0], str):
        stem = posixpath.splitext(posixpath.basename(text))[0]
        new = args[0] if name == "with_name" else stem + args[0]
        return PathValue(posixpath.join(posixpath.dirname(text), new))
    if name in ("glob", "iterdir"):
        found = matching(world, joined((text, args[0] if args else "*")))
        items = found.items if isinstance(found, ListValue) else None
        if items is None:
            return ListValue(None)
        paths = [PathValue(each) for each in items if isinstance(each, str)]
        return ListValue([*paths], ordered=False)
    return ANY
