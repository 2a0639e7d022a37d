"""What sys.path of a target makes of an artifact's folders."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import PurePosixPath

from abicheck.filesystem import LAYER_ROOT, Tree
from abicheck.model import Interpreter, TargetProfile


def site_files(
    files: Mapping[str, bytes], profile: TargetProfile, root: str, *, with_layers: bool
) -> Mapping[str, bytes]:
    """Return the `.pth` files that are read, in their order.

    Lambda's bootstrap calls `site.addsitedir` for /var/task and then for those
    folders of the layers that it has put on sys.path; in an image, whose `root`
    is empty, every folder of packages is one.
    """
    if not root:
        return dict(sorted(files.items()))
    folders = [str(profile.task_root)]
    if with_layers:
        path = map(str, profile.interpreter.path)
        folders += [entry for entry in path if entry.startswith(f"{LAYER_ROOT}/")]
    return {
        path: files[path]
        for folder in folders
        for path in sorted(files)
        if posixpath.dirname(path) == folder
    }


def own_folders(roots: AbstractSet[str], interpreter: Interpreter) -> Iterator[str]:
    """Yield the folders whose packages are the artifact's own; `roots` are what it fills."""
    if "" in roots:
        yield from (str(p) for p in interpreter.path if not is_library(p, interpreter))
        return
    yield from roots - {LAYER_ROOT}
    for entry in map(str, interpreter.path):
        if any(entry.startswith(f"{root}/") for root in roots):
            yield entry


def is_library(entry: PurePosixPath, interpreter: Interpreter) -> bool:
    """Whether an entry of sys.path is the standard library, or a part of it."""
    return entry.name in {f"python{interpreter.dotted}", "lib-dynload"} or entry.suffix == ".zip"


def packages_in(tree: Tree, folders: Iterable[str]) -> tuple[str, ...]:
    """Return the top-level names that an import statement could begin with."""
    names = set()
    for folder in folders:
        for name in tree.children(folder):
            path = f"{folder}/{name}"
            if name.endswith(".py") and name[:-3].isidentifier():
                names.add(name[:-3])
            elif name.isidentifier() and name != "__pycache__" and _holds_code(tree, path):
                names.add(name)
    return tuple(sorted(names))


def _holds_code(tree: Tree, folder: str, depth: int = 3) -> bool:
    """Whether a folder is a package, or a namespace package with code a few levels down."""
    children = tree.children(folder)
    if any(name.endswith((".py", ".pyc", ".so", ".pyd")) for name in children):
        return True
    return depth > 0 and any(
        name.isidentifier()
        and tree.is_dir(f"{folder}/{name}")
        and _holds_code(tree, f"{folder}/{name}", depth - 1)
        for name in children
    )
