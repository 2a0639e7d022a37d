"""Modules that stand before others of their name: the standard library's, and the AWS SDK's."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from abicheck.model import Asked, Hiding, PartOfSdk, Site, Supplied
from abicheck.pipeline._inventory import Contents
from abicheck.python.finder import Found, FoundKind, find
from abicheck.python.source import Source, bound_names, read_source, references
from abicheck.python.startup import loaded_before

if TYPE_CHECKING:
    from abicheck.python.reach import Reach
    from abicheck.python.simulate import Simulation

_MOST: Final = 20  # lines that ask in vain; a report names a few
# What a package of the SDK is known by: a file without which it is another one, or half of it.
_SDK: Final[Mapping[str, str]] = MappingProxyType(
    {
        "boto3": "session",
        "botocore": "client",
        "s3transfer": "manager",
        "jmespath": "parser",
        "urllib3": "poolmanager",
    }
)
_TOGETHER: Final = ("boto3", "botocore", "s3transfer")  # each release needs one of the others'
_BOTO_DATA: Final = "data/endpoints.json"
_NOT_ASKED_FOR: Final = frozenset(("awslambdaric", "pip", "setuptools", "wheel"))


# --- the standard library ---


def is_own(contents: Contents, path: str) -> bool:
    """Whether a file is the function's: of an image, what lies in its task root."""
    if contents.inventory.image is None:
        return contents.places.holds(path)
    return path.startswith(f"{contents.profile.task_root}/")


def hiding(contents: Contents, reach: Callable[[], Reach | None]) -> Iterator[Hiding]:
    """Yield the modules of the artifact that are called like one of the standard library."""
    interpreter = contents.profile.interpreter
    before = loaded_before(interpreter, contents.tree)
    for name in contents.inventory.packages:
        if name not in interpreter.stdlib or name.startswith("_"):
            continue
        found = _top(contents, name)
        path = _file(found) if found is not None else ""
        if found is None or not is_own(contents, path):
            continue
        too_late = name in before
        asked = () if too_late else tuple(_asked(contents, name, found, reach()))[:_MOST]
        yield Hiding(contents.places.location(path), name, too_late, asked)


def _top(contents: Contents, name: str) -> Found | None:
    search = tuple(map(str, contents.profile.interpreter.path))
    found = find(contents.tree, name, search, contents.profile.interpreter)
    # A folder without `__init__` hides nothing: the standard library's own comes first.
    return None if found is None or found.kind is FoundKind.NAMESPACE else found


def _file(found: Found) -> str:
    return found.path or found.search[0]


def _asked(contents: Contents, name: str, found: Found, reach: Reach | None) -> Iterator[Asked]:
    """Yield the lines that want of a module what it does not bind, as far as that is plain."""
    own = _source(contents, found.path, name) if found.kind is FoundKind.SOURCE else None
    if own is None or own.unreadable is not None or _is_open(own):
        return
    bound = bound_names(own.body)
    folder = contents.tree.children(found.search[0]) if found.is_package else frozenset()
    for path in contents.sources:
        data = contents.sources[path]
        if path == found.path or not path.endswith(".py") or name.encode() not in data:
            continue
        module = _module(contents, path)
        if reach is not None and not reach.covers(module):
            continue
        place = contents.places.location(path).path
        for line, wanted in _wanted(read_source(data, is_package=False, module=module), name):
            parts = {each.partition(".")[0] for each in folder}
            if wanted not in bound and wanted not in parts and not wanted.startswith("__"):
                yield Asked(Site(place, line), wanted)


def _source(contents: Contents, path: str, name: str) -> Source | None:
    data = contents.sources.get(path)
    return None if data is None else read_source(data, is_package=False, module=name)


def _is_open(source: Source) -> bool:
    """Whether a module may have more names than its top level binds in plain sight."""
    return (
        any("*" in reference.names for reference in references(source) if not reference.deferred)
        or any(
            isinstance(node, ast.Name) and node.id in ("globals", "exec", "vars", "__getattr__")
            for statement in source.body
            for node in ast.walk(statement)
        )
        or "__getattr__" in bound_names(source.body)
    )


def _wanted(source: Source, name: str) -> Iterator[tuple[int, str]]:
    """Yield the names that a source takes from a module, with their lines."""
    plain = False
    for reference in references(source):
        if reference.module == name and not reference.guards and not reference.never:
            plain = plain or not reference.names
            yield from ((reference.line, each) for each in reference.names if each != "*")
    if not plain:
        return
    for statement in source.body:
        for node in ast.walk(statement):
            if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
                continue
            if node.value.id == name and isinstance(node.ctx, ast.Load):
                yield node.lineno, node.attr


def _module(contents: Contents, path: str) -> str:
    entries = sorted(map(str, contents.profile.interpreter.path), key=len, reverse=True)
    home = next((e for e in entries if path.startswith(f"{e}/")), contents.places.root)
    dotted = path.removeprefix(f"{home}/").removesuffix(".py").replace("/", ".")
    return dotted.removesuffix(".__init__")


# --- what the runtime brings ---


def supplied(contents: Contents, simulation: Simulation | None) -> Iterator[Supplied]:
    """Yield what the function imports of the runtime's own packages."""
    if simulation is None:
        return
    names = contents.profile.interpreter.shipped - _NOT_ASKED_FOR
    for name, site in sorted(simulation.asks(names).items()):
        if _top(contents, name) is None:
            yield Supplied(name, site)


def sdk(contents: Contents) -> Iterator[PartOfSdk]:
    """Yield the packages of the SDK that are not whole, or have not come together."""
    shipped = contents.profile.interpreter.shipped
    there = {name: found for name in _SDK if (found := _top(contents, name)) is not None}
    own = [name for name, found in there.items() if is_own(contents, _file(found))]
    lacking = {name: _lacks(contents, name, there[name]) for name in own if name in shipped}
    for name, lacks in lacking.items():
        if lacks:
            place = contents.places.location(_file(there[name]))
            yield PartOfSdk(place, (name,), lacks=lacks)
    together = tuple(name for name in own if name in _TOGETHER and not lacking.get(name))
    others = tuple(name for name in _TOGETHER if name not in there and name in shipped)
    if together and others:
        yield PartOfSdk(contents.places.location(_file(there[together[0]])), together, others)


def _lacks(contents: Contents, name: str, found: Found) -> str:
    """Return a file that a package of the SDK lacks, or an empty text."""
    if not found.is_package:
        return f"{name}/__init__.py"
    folder = found.search[0]
    wanted = _SDK[name]
    children = contents.tree.children(folder)
    if not {wanted, f"{wanted}.py", f"{wanted}.pyc"} & children:
        return f"{name}/{wanted}.py"
    data = posixpath.join(folder, _BOTO_DATA)
    packed = f"{data}.gz"  # botocore reads either
    tree = contents.tree
    if name == "botocore" and not tree.is_file(data) and not tree.is_file(packed):
        return f"{name}/{_BOTO_DATA}"
    return ""
