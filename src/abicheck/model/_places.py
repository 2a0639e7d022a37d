"""Where things are: in an artifact, and in a Python source."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """Where a file is in its artifact; path and layer are its whole identity."""

    path: PurePosixPath
    layer: str = ""

    def __str__(self) -> str:
        return f"{self.layer}:{self.path}" if self.layer else str(self.path)


@dataclass(frozen=True, slots=True)
class Site:
    """A line of Python source; for chains such as `handler.py:1 > pkg/__init__.py:8`."""

    path: PurePosixPath
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"
