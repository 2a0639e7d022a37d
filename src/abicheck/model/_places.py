"""Where things are: in an artifact, and in a Python source."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

# What a layer keeps its packages in: no name that anybody imports.
_PACKAGES: Final = re.compile(r"python/(?:lib/python3\.\d+/site-packages/)?(?=.)")


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """Where a file is in its artifact; path and layer are its whole identity."""

    path: PurePosixPath
    layer: str = ""

    def __str__(self) -> str:
        return f"{self.layer}:{self.path}" if self.layer else str(self.path)


def inside(name: str) -> str:
    """Return a path below the folder in which a layer keeps its packages."""
    return _PACKAGES.sub("", name, count=1) if name.startswith("python/") else name


def heading(name: str, layer: str = "") -> str:
    """Return what a file is counted under: `numpy`, in a layer `numpy (base.zip)`."""
    top = inside(name).partition("/")[0]
    return f"{top} ({layer})" if layer else top


@dataclass(frozen=True, slots=True)
class Site:
    """A line of Python source; for chains such as `handler.py:1 > pkg/__init__.py:8`."""

    path: PurePosixPath
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"
