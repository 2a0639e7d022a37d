"""What `.pth` files of the function's root add to sys.path."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from abicheck.filesystem import Tree
from abicheck.model import Interpreter


def extend_path(tree: Tree, files: Mapping[str, bytes], interpreter: Interpreter) -> Interpreter:
    """Return the interpreter with the folders that `files` name at the end of its path.

    `files` maps target paths of `.pth` files to their content, in their order.  Mirrors
    `site.addpackage`, which Lambda's bootstrap calls: one folder
    a line, comments and lines that begin with `import` left out (the latter
    are executed, which is not followed here).
    """
    added: list[PurePosixPath] = []
    for path in files:
        for line in files[path].decode("utf-8", "replace").splitlines():
            text = line.rstrip()
            if not text or text.startswith(("#", "import ", "import\t")):
                continue
            folder = posixpath.normpath(posixpath.join(posixpath.dirname(path), text))
            entry = PurePosixPath(folder)
            if tree.is_dir(folder) and entry not in interpreter.path and entry not in added:
                added.append(entry)
    return replace(interpreter, path=(*interpreter.path, *added))
