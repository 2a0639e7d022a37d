"""Whether `importlib.metadata` would find a distribution."""

from __future__ import annotations

import re
from collections.abc import Sequence

from abicheck.filesystem import Tree


def has_metadata(tree: Tree, name: str, entries: Sequence[str]) -> bool:
    """Mirror `importlib.metadata.FastPath.search`: folders on sys.path, by normalised name."""
    wanted = _normalised(name)
    return any(
        _normalised(stem.partition("-")[0]) == wanted
        for entry in entries
        for child in tree.children(entry)
        for stem, dot, suffix in [child.rpartition(".")]
        if dot and suffix in ("dist-info", "egg-info")
    )


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()
