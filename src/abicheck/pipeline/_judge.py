"""What the target would make of an artifact: link maps and imports, as roots to be judged."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from abicheck.elf import unpack_constants
from abicheck.loader import Loader, init_function
from abicheck.model import (
    AbsentLibrary,
    ArtifactKind,
    Case,
    ExtensionModule,
    Failure,
    Halt,
    HandlerFacts,
    Inventory,
    Irregular,
    Irregularity,
    Location,
    MissedImport,
    MissingModule,
    ObjectReport,
    PackageReport,
    Prediction,
    Root,
    Severity,
    Trouble,
    Verdict,
)
from abicheck.pipeline._handler import ask, facts_of
from abicheck.pipeline._installed import Survey
from abicheck.pipeline._inventory import Contents
from abicheck.pipeline._layout import layout_of
from abicheck.pipeline._loads import Loads
from abicheck.pipeline._owners import owners_of
from abicheck.pipeline._progress import Progress, Stage, Step, silent
from abicheck.pipeline._stakes import BEYOND, GUARDED, Stakes
from abicheck.pipeline._strays import is_stray
from abicheck.pipeline._tables import is_program, object_reports, package_reports
from abicheck.python.garbage import uncollected

if TYPE_CHECKING:
    from abicheck.python.simulate import Simulation

_ET_EXEC = 2
_DF_1_PIE: Final = 0x08000000
_TAGGED: Final = re.compile(r"\.cpython-\d+")
_ABSENT: Final = re.compile(
    r"No module named '([^']+)'|cannot import name '([^']+)' from (?:\w+ \w+ module )?'([^']+)'"
)
_ELSEWHERE: Final = "a distribution that it requires, and that is not in the artifact, may bring it"
_UNREACHED: Final = "no extension needs it and no source was seen to load it"
_UNASKED: Final = "the standard library's own, and no import statement of a package names it"


class Judge:
    """The artifact on the target, before any rule has looked at it.

    With `narrow`, what the handler does not reach matters less.
    """

    def __init__(
        self,
        contents: Contents,
        handler: str | None,
        *,
        narrow: bool = True,
        progress: Progress = silent,
    ) -> None:
        self._progress = progress
        self._inventory = contents.inventory
        self._environment = contents.environment
        self._profile = profile = contents.profile
        self._places = contents.places
        self._entries = sorted(map(str, profile.interpreter.path), key=len, reverse=True)
        inventory = contents.inventory
        objects = {**contents.system, **inventory.objects}
        self._loader = Loader(contents.tree, objects, inventory.foreign, profile)
        self._loads = Loads(self._loader, profile.interpreter.sometimes)
        self._owners = owners_of(inventory, contents.places)
        self._simulation: Simulation | None = None
        self._stakes = Stakes(contents, lambda: self._simulation, handler, narrow=narrow)
        self._survey = Survey(
            contents,
            self._owners,
            self._stakes.sites,
            lambda module: self._stakes.weigh(module, named=True),
        )
        self._modules = {
            self._places.target(module.selected): module
            for module in inventory.extensions
            if module.selected is not None
        }
        self._needed = {name for facts in inventory.objects.values() for name in facts.needed}
        self._extensions: dict[str, ExtensionModule] = {}
        self._handler = handler
        self._asked: Prediction | None = None
        # What a layer lacks may be in the function, or in another layer of it.
        self._alone = alone = inventory.is_layer or inventory.kind in (
            ArtifactKind.WHEEL,
            ArtifactKind.OBJECT,
        )
        self._contents = contents
        if not alone or handler is not None or self._is_suspect():
            self._simulation = self._simulate(contents, alone=alone)

    def case(self) -> Case:
        """Return everything that the rules judge."""
        with uncollected():
            return self._case()

    def _case(self) -> Case:
        contents = self._contents
        self._extensions = {
            path: module
            for path, module in self._modules.items()
            if self._is_extension(path, module)
        }
        facts = self._ask()
        missing = tuple(
            self._missing(module) for module in self._inventory.extensions if _is_missing(module)
        )
        # Predicted before the libraries are judged, so that those that sources open are known.
        names = self._inventory.packages
        of = len(names) + len(self._extensions)
        for count, name in enumerate(names):
            self._progress(Step(Stage.IMPORTING, name, count, of))
            self.predict(name)
        extensions = tuple(self._extension_roots(len(names), of))
        reached = {str(path) for root in extensions for path in root.link_map.objects}
        ignored = {
            self._places.target(sibling.location)
            for module in self._inventory.extensions
            for sibling in module.siblings
        }
        libraries = tuple(
            root
            for path, facts in self._inventory.objects.items()
            if path not in reached
            and path not in self._extensions
            and not is_program(facts)
            and path not in ignored
            and not is_stray(path, self._inventory.strays, self._places)
            for root in self._library_root(path)
        )
        installed = self._survey.take(self.packages(), alone=self._alone)
        lost = {place: report.distribution for report in installed.records for place in report.lost}
        case = Case(
            self._inventory,
            self._profile,
            (*extensions, *libraries),
            missing,
            {**lost, **self._owners},
            self._asked,
            facts,
            layout_of(contents, self._simulation, self._stakes.reach, self._asked, self.predict),
            missed=tuple(self._missed()),
            absent=tuple(self._absent()),
            installed=installed,
        )
        return replace(case, inventory=self._with_sources_too_deep())

    def _with_sources_too_deep(self) -> Inventory:
        """Return the inventory, and that the sources which were met and nest so were not read."""
        found = {} if self._simulation is None else self._simulation.too_deep
        if not found:
            return self._inventory
        deep = (
            Irregularity(Irregular.LIMIT, self._places.location(path), detail)
            for path, detail in sorted(found.items())
        )
        return replace(self._inventory, irregularities=(*self._inventory.irregularities, *deep))

    # --- modules ---

    def _ask(self) -> HandlerFacts | None:
        """Start the function, where its handler is known."""
        if self._handler is None or self._simulation is None:
            return None
        interpreter = self._profile.interpreter
        self._asked = ask(self._handler, interpreter, self._simulation, self.predict)
        return facts_of(self._handler, self._asked, self._contents, self._simulation)

    def predict(self, module: str) -> Prediction:
        """Return what importing a module does; where nothing is suspect, it loads."""
        if self._simulation is None:
            return Prediction(module, Verdict.LOADS)
        prediction = self._simulation.predict(module)
        failure = prediction.failure
        ignored = None if failure is None else self._ignored_file(failure)
        if failure is None or ignored is None:
            return prediction
        return replace(prediction, failure=replace(failure, decided_by=ignored))

    def _ignored_file(self, failure: Failure) -> PurePosixPath | None:
        """Return the file that would be the missing module, were it not for its name."""
        found = _ABSENT.match(failure.message or "")
        if found is None:
            return None
        module, name, origin = found.groups()
        for missing in (module, f"{origin}.{name}", origin):
            for extension in self._inventory.extensions:
                if extension.name == missing and _is_missing(extension) and extension.siblings:
                    return PurePosixPath(self._places.target(extension.siblings[0].location))
        return None

    def _simulate(self, contents: Contents, *, alone: bool) -> Simulation:
        """Return fresh processes of the artifact; what a lone wheel lacks comes from elsewhere."""
        # Imported here: it costs as much as checking a small wheel, which does without.
        from abicheck.python.simulate import Simulation  # noqa: PLC0415

        return Simulation(
            contents.tree.seen_by_others(),
            contents.source,
            contents.profile.interpreter,
            self._loads,
            assume_missing_installed=alone,
            mentions=self._mentions,
            words=self._words,
            environment=self._environment,
            limits=contents.limits,
        )

    def _mentions(self, path: str) -> Sequence[str]:
        facts = self._inventory.objects.get(path)
        return facts.mentions if facts is not None else ()

    def _words(self, path: str) -> bytes:
        facts = self._inventory.objects.get(path)
        return unpack_constants(facts.constants) if facts is not None else b""

    def _blame(self, module: str) -> Prediction:
        """Return a module's prediction; where the handler fails of it, by the handler's way."""
        prediction = self.predict(module)
        asked = self._asked
        if asked is not None and asked.failure is not None and asked.failure == prediction.failure:
            return replace(prediction, via=asked.via)
        return prediction

    def _is_suspect(self) -> bool:
        """Whether anything could fail, so that the sources have to be read.

        A wheel whose extensions all load, and whose libraries all load, has
        nothing to explain; reading hundreds of sources would only take time.
        """
        inventory = self._inventory
        if any(map(_is_missing, inventory.extensions)):
            return True
        reached: set[str] = set()
        libraries: list[str] = []
        for path, module in self._modules.items():
            link_map, halt = self._loader.open_extension(path, module.name)
            if self._loads.uncertain(path):
                return True
            if halt is not None:
                if halt.trouble is not Trouble.INIT or self._is_extension(path, module):
                    return True
                # It loads, and only is no extension: such as libarrow_python.so.
                libraries.append(module.name)
            reached.update(map(str, link_map.objects))
        return self._are_imported(libraries) or any(
            self._loader.open(path).halt is not None
            for path, facts in inventory.objects.items()
            if path not in reached and path not in self._modules and not is_program(facts)
        )

    def _are_imported(self, libraries: Sequence[str]) -> bool:
        """Whether an import statement names a library as if it were an extension."""
        if not libraries:
            return False
        from abicheck.python.named import any_named  # noqa: PLC0415 - as in `_simulate`

        root = str(self._profile.interpreter.path[0])
        return any_named(libraries, self._contents.sources, root)

    def _is_extension(self, path: str, module: ExtensionModule) -> bool:
        """Whether a file with an extension's name is one.

        Libraries travel under such names too: they have no init function and
        no import statement names them.
        """
        facts = self._inventory.objects.get(path)
        if facts is not None and facts.defect is None:
            names = facts.table.definitions
            if init_function(module.name) in names:
                return True
            if any(name.startswith("PyInit_") for name in names):
                # Renamed, unless another object needs it: then it is a library.
                return path.rpartition("/")[2] not in self._needed
        if _TAGGED.search(path) is not None:
            return True
        foreign = facts is None or facts.machine != self._profile.machine
        if foreign and not path.rpartition("/")[2].startswith("lib"):
            return True
        return bool(self._stakes.sites(module.name))

    def _missing(self, module: ExtensionModule) -> MissingModule:
        prediction = self._blame(module.name)
        severity, reason = self._stakes.weigh(module.name, named=True)
        return MissingModule(module, prediction, severity, reason)

    def _as_asked(self, prediction: Prediction) -> Prediction:
        """Return a failure as the handler runs into it, where the handler says the same words."""
        asked = self._asked
        if asked is None or asked.failure is None or prediction.failure is None:
            return prediction
        if asked.failure.message != prediction.failure.message:
            return prediction
        return replace(prediction, failure=asked.failure, via=asked.via)

    def _missed(self) -> Iterator[MissedImport]:
        """Yield what of a layer is imported and not found: it lies in a folder off sys.path."""
        for stray in self._inventory.strays:
            folder = posixpath.normpath(self._places.target(stray.location))
            for name in stray.names:
                prediction = self.predict(name)
                if name in self._inventory.packages or prediction.verdict is not Verdict.FAILS:
                    continue
                prediction = self._as_asked(prediction)
                sites = [
                    site
                    for site in self._stakes.sites(name)
                    if not site.never and not str(site.site.path).startswith(f"{folder}/")
                ]
                if not sites:
                    continue
                severity, reason = Severity.ERROR, ""
                reach = self._stakes.reach()
                if reach is not None and not reach.covers(name):
                    severity, reason = Severity.NOTE, BEYOND
                elif all(self._stakes.is_guarded(site, {name}) for site in sites):
                    severity, reason = Severity.WARNING, GUARDED
                yield MissedImport(stray, prediction, severity, reason)

    def _extension_roots(self, before: int, of: int) -> Iterator[Root]:
        for count, (path, module) in enumerate(self._extensions.items(), before):
            self._progress(Step(Stage.IMPORTING, module.name, count, of))
            yield self._extension_root(path, module)

    def _extension_root(self, path: str, module: ExtensionModule) -> Root:
        prediction = self._blame(module.name)
        link_map, halt = self._loader.open_extension(path, module.name)
        if halt is not None and path in self._loads.extensions:
            link_map, halt = self._loads.extensions[path]
        facts = self._inventory.objects.get(path)
        has_init = facts is not None and any(
            n.startswith("PyInit") for n in facts.table.definitions
        )
        severity, reason = Severity.ERROR, ""
        if halt is not None:
            severity, reason = self._stakes.weigh(module.name, named=has_init or facts is None)
            if "/lib-dynload/" in path and not self._stakes.sites(module.name):
                # An image's own: `_tkinter` is there without Tk in every slim one.
                severity, reason = Severity.NOTE, _UNASKED
            if severity is Severity.ERROR and self._may_come_from_elsewhere(path, halt):
                severity, reason = Severity.WARNING, _ELSEWHERE
                prediction = replace(prediction, verdict=Verdict.UNCERTAIN)
        return Root(
            path=PurePosixPath(path),
            location=self._where(path),
            link_map=link_map,
            halt=halt,
            module=module.name,
            prediction=prediction,
            severity=severity,
            reason=reason,
        )

    def _may_come_from_elsewhere(self, path: str, halt: Halt) -> bool:
        """Whether a package that a lone wheel requires could bring what it lacks.

        Some open a library of another distribution globally before their own
        extension; what is not in the artifact cannot be held against it.
        """
        owner = self._owners.get(self._where(path))
        lacks_symbol = halt.trouble is Trouble.SYMBOL
        own = (halt.failure.message or "").rpartition("undefined symbol: ")[2]
        is_python = own.startswith(("Py", "_Py"))
        return (
            self._alone
            and lacks_symbol
            and not is_python
            and owner is not None
            and bool(owner.requires)
        )

    def _library_root(self, path: str) -> Sequence[Root]:
        """Return a library that no extension reaches, where it does not load by itself."""
        known = self._loads.libraries.get(path)
        link_map = known[0] if known is not None else self._loader.open(path)
        halt = link_map.halt
        if halt is None:
            return ()
        opened = self._simulation.opened() if self._simulation is not None else {}
        site = opened.get(path)
        severity, reason = Severity.WARNING, _UNREACHED
        foreign = halt.trouble is Trouble.FILE and not halt.failure.crash
        if foreign or self._inventory.objects[path].needs_musl:
            # For another system: harmless as long as nothing opens it.
            severity = Severity.NOTE
        if site is not None:
            reason = f"loaded by {site.site}"
            severity = Severity.WARNING if site.guarded else Severity.ERROR
        reach = self._stakes.reach()
        if reach is not None and not reach.covers_package(self._top(path)):
            severity, reason = Severity.NOTE, BEYOND
        root = Root(
            PurePosixPath(path), self._where(path), link_map, halt, severity=severity, reason=reason
        )
        return (root,)

    def _absent(self) -> Iterator[AbsentLibrary]:
        """Yield the libraries that sources open by name, and that are nowhere."""
        reach = self._stakes.reach()
        opened = self._simulation.absent() if self._simulation is not None else {}
        for name, (failure, via) in opened.items():
            top = via[-1].path.parts[0].removesuffix(".py")
            beyond = reach is not None and not reach.covers_package(top)
            severity = Severity.NOTE if beyond else Severity.ERROR
            yield AbsentLibrary(name, failure, via, severity, BEYOND if beyond else "")

    # --- the report's tables ---

    def objects(self, case: Case) -> tuple[ObjectReport, ...]:
        """Return every binary with what importing and what opening it does, sorted by path."""
        return object_reports(case, self._loader, self._places, self._extensions)

    def packages(self) -> tuple[PackageReport, ...]:
        """Return every top-level name with what importing it does."""
        return package_reports(self._inventory, self.predict)

    # --- places ---

    def _top(self, path: str) -> str:
        """Return the name below the entry of sys.path that a file lies in."""
        entry = next((e for e in self._entries if path.startswith(f"{e}/")), self._places.root)
        return path[len(entry) + 1 :].partition("/")[0]

    def _where(self, path: str) -> Location:
        thing = self._inventory.objects.get(path) or self._inventory.foreign.get(path)
        if thing is not None:
            return thing.location
        return self._places.location(path)


def _is_missing(module: ExtensionModule) -> bool:
    """Whether all that is there of a module are files that the importer does not see."""
    return module.selected is None and module.shadowed_by is None
