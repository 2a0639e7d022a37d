"""How much a failure matters: who imports the module, and whether they catch that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from abicheck.model import Severity
from abicheck.pipeline._handler import module_of
from abicheck.pipeline._inventory import Contents

if TYPE_CHECKING:
    from abicheck.python.reach import Reach
    from abicheck.python.simulate import ImportSite, Simulation

GUARDED: Final = "every import of it is guarded"
BEYOND: Final = "the handler does not reach it"
_UNNAMED: Final = "no import statement in the artifact names it"
_NEVER: Final = "no import statement that Linux executes names it"


class Stakes:
    """What depends on each module of an artifact.

    `simulation` gives what has been followed of the sources, where anything was.
    With a `handler`, and where `narrow`, what that does not reach matters less.
    """

    def __init__(
        self,
        contents: Contents,
        simulation: Callable[[], Simulation | None],
        handler: str | None,
        *,
        narrow: bool,
    ) -> None:
        self._contents = contents
        self._simulation = simulation
        self._handler = handler if narrow else None
        self._reached: Reach | None = None
        path = contents.profile.interpreter.path
        self._entries = sorted(map(str, path), key=len, reverse=True)

    def reach(self) -> Reach | None:
        """Return what the handler can come to; None where that makes no difference.

        It is asked for only where something fails, and when the handler's import has been
        followed: what that has parsed is not parsed again.
        """
        simulation = self._simulation()
        if self._reached is None and self._handler is not None and simulation is not None:
            from abicheck.python.reach import Reach  # noqa: PLC0415 - not every check asks

            self._reached = Reach(
                module_of(self._handler),
                self._contents.tree,
                self._contents.source,
                self._contents.profile.interpreter,
                simulation.source,
            )
        return self._reached

    def sites(self, module: str) -> tuple[ImportSite, ...]:
        """Return the lines that import a module, of what was followed."""
        simulation = self._simulation()
        return simulation.sites(module) if simulation is not None else ()

    def weigh(self, module: str, *, named: bool) -> tuple[Severity, str]:
        """Return how much the failure of a module matters, and why it matters less."""
        reach = self.reach()
        if reach is not None and not reach.covers(module):
            return Severity.NOTE, BEYOND
        sites = self.sites(module)
        live = [site for site in sites if not site.never]
        if live and all(self.is_guarded(site, {module}) for site in live):
            places = ", ".join(str(site.site) for site in live[:3])
            return Severity.WARNING, f"{GUARDED} ({places})"
        if sites and not live:
            return Severity.WARNING, _NEVER
        if not sites and not named and "." in module:
            return Severity.WARNING, _UNNAMED
        return Severity.ERROR, ""

    def is_guarded(self, site: ImportSite, asked: set[str]) -> bool:
        """Whether a failure at an import is caught, there or where that module is imported."""
        if site.guarded:
            return True
        path = str(site.site.path)
        # Absolute outside the artifact's own folder: in an image's site-packages.
        entry = next((e for e in self._entries if path.startswith(f"{e}/")), "")
        inside = PurePosixPath(path.removeprefix(f"{entry}/") if entry else path)
        module = ".".join(inside.with_suffix("").parts).removesuffix(".__init__")
        if "." not in module or module in asked:
            return False
        above = [site for site in self.sites(module) if not site.never]
        return bool(above) and all(self.is_guarded(each, {*asked, module}) for each in above)
