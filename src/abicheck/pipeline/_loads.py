"""The loader, as simulated imports ask for it."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from abicheck.loader import Loader
from abicheck.model import Failure, Halt, LinkMap


class Loads:
    """Answers for `abicheck.python.simulate.Simulation`, and remembers them."""

    def __init__(self, loader: Loader, unsteady: frozenset[str]) -> None:
        self._loader = loader
        self._unsteady = unsteady
        self.extensions: dict[str, tuple[LinkMap, Halt | None]] = {}
        self.libraries: dict[str, tuple[LinkMap, Halt | None]] = {}
        self._uncertain: dict[str, bool] = {}

    def extension(
        self, path: str, module: str, before: Sequence[str], everywhere: AbstractSet[str]
    ) -> Failure | None:
        """Open an extension; the answer that counts is the best one seen."""
        link_map, halt = self._loader.open_extension(path, module)
        if halt is not None and before:
            # What its package opened first may bring what it needs.
            link_map, halt = self._loader.open_extension(path, module, before, everywhere)
        if halt is None or path not in self.extensions:
            self.extensions[path] = (link_map, halt)
        return halt.failure if halt is not None else None

    def library(
        self, path: str, before: Sequence[str], everywhere: AbstractSet[str]
    ) -> Failure | None:
        """Open a library by ctypes or cffi, which raise OSError."""
        link_map = self._loader.open(path)
        if link_map.halt is not None and before:
            link_map = self._loader.open(path, before, everywhere)
        self.libraries[path] = (link_map, link_map.halt)
        if link_map.halt is None:
            return None
        failure = link_map.halt.failure
        exception = None if failure.exception is None else "OSError"
        return Failure(
            exception, failure.message, failure.crash, failure.stderr, failure.decided_by
        )

    def search(self, name: str, before: Sequence[str]) -> str | Failure:
        """Return the file that `dlopen` of a name without a slash comes to, or what it says."""
        return self._loader.search(name, before)

    def has_library(self, beginning: str) -> bool:
        """Whether a file whose name begins so lies where libraries are looked for."""
        return self._loader.has_library(beginning)

    def uncertain(self, path: str) -> bool:
        """Whether an outcome rests on something that only the real target could tell."""
        known = self._uncertain.get(path)
        if known is None:
            link_map = self._loader.open(path)
            known = not link_map.certain or self._loader.uses(link_map, self._unsteady)
            self._uncertain[path] = known
        return known
