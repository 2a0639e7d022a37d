"""What became of the distributions, and which of it makes an import fail."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from abicheck.filesystem import Entry, Kind
from abicheck.model import (
    ArtifactKind,
    Distribution,
    Environment,
    FailedPackage,
    Failure,
    Installed,
    Location,
    NeededFile,
    PackageReport,
    RecordReport,
    Severity,
    Site,
    Unmet,
    Verdict,
)
from abicheck.pipeline._inventory import Contents, installed_name
from abicheck.python.distributions import canonical
from abicheck.python.installs import find_doubles, find_editables, find_environments, on_path
from abicheck.python.record import check_records, strangers

if TYPE_CHECKING:
    from abicheck.python.simulate import ImportSite

_MOST_SEARCHED: Final = 60  # modules whose importers are looked for; the search reads every source
_NO_MODULE: Final = re.compile(r"No module named '([^']+)'")
_NO_NAME: Final = re.compile(r"cannot import name '([^']+)' from (?:[\w ]+ module )?'([^']+)'")
_NO_ATTRIBUTE: Final = re.compile(r"module '([^']+)' has no attribute '([^']+)'")
_NO_METADATA: Final = re.compile(r"No package metadata was found for (\S+)")
_NAME: Final = re.compile(r"[^\w.-]")
_TESTS: Final = frozenset({"test", "tests", "testing"})
_CONTEXTS: Final = frozenset({"context", "ctx"})
_FALLBACK: Final = "which of the lost files the code misses is not known"

Sites = Callable[[str], "Sequence[ImportSite]"]
Weigh = Callable[[str], tuple[Severity, str]]


class Survey:
    """The distributions of an artifact on its target.

    `sites` gives the lines that import a module, `weigh` how much it matters
    that it cannot be imported, and why less than it might.
    """

    def __init__(
        self,
        contents: Contents,
        owners: Mapping[Location, Distribution],
        sites: Sites,
        weigh: Weigh,
    ) -> None:
        inventory = contents.inventory
        self._contents = contents
        self._inventory = inventory
        self._profile = contents.profile
        self._tree = contents.tree
        self._places = contents.places
        self._owners = owners
        self._sites = sites
        self._weigh = weigh
        self._entries = tuple(str(entry) for entry in self._profile.interpreter.path)
        self._found = on_path(inventory.distributions, self._entries, self._places)
        self._by_file = {
            f"{self._places.top(d.location.layer)}/{file}": d
            for d in self._found
            for file in d.files
        }

    def take(self, packages: Sequence[PackageReport], *, alone: bool) -> Installed:
        """Return all that is known; `packages` are what the imports of each top level end in.

        What is judged `alone`, a wheel or a layer, has its requirements elsewhere.
        """
        if self._inventory.kind is ArtifactKind.OBJECT:
            return Installed()
        records = check_records(self._found, self._places, self._entry)
        environments = tuple(
            find_environments(
                self._tree, self._entries, self._inventory.distributions, self._places
            )
        )
        unmet, unsupported = self._requirements(alone=alone)
        failures = tuple(self._failures(packages, records, unmet, environments))
        binaries = [facts.location for facts in self._inventory.objects.values()]
        binaries += [file.location for file in self._inventory.foreign.values()]
        installed = Installed(
            distributions=self._found,
            records=records,
            strangers=tuple(strangers(binaries, self._found, self._places)),
            needed=tuple(self._needed(records, failures)),
            unmet=unmet,
            unsupported=unsupported,
            doubles=tuple(find_doubles(self._found)),
            editables=tuple(find_editables(self._tree, self._entries, self._found, self._places)),
            environments=environments,
            failures=failures,
        )
        return self._with_tags(installed)

    # --- files ---

    def _entry(self, target: str) -> Entry | None:
        """Return the file at a target path, links followed; a wheel's where it would be put."""
        if self._inventory.kind is ArtifactKind.WHEEL and ".data/" in target:
            root = f"{self._places.root}/"
            target = root + installed_name(target.removeprefix(root), ArtifactKind.WHEEL)
        entry = self._tree.entry(target)
        if entry is None or entry.kind is Kind.SYMLINK:
            real = self._tree.real(target)
            entry = self._tree.entry(real) if real is not None else None
        return entry if entry is not None and entry.kind is Kind.FILE else None

    def _needed(
        self, records: Sequence[RecordReport], failures: Sequence[FailedPackage]
    ) -> Iterator[NeededFile]:
        """Yield the lost modules that a line imports which nothing guards."""
        told = {place for failure in failures for place in failure.lost}
        lost = [place for record in records for place in record.lost if place not in told]
        code = [place for place in lost if _TESTS.isdisjoint(place.path.parts)]
        modules = {place: self._module(place) for place in code}
        for place, module in list(modules.items())[:_MOST_SEARCHED]:
            if module is None or self._weigh(module)[0] is Severity.NOTE:
                continue
            site = self._unguarded(module)
            if site is not None:
                yield NeededFile(place, module, site)

    def _unguarded(self, module: str, owner: Distribution | None = None) -> Site | None:
        """Return a line, of `owner`'s where that is given, that imports a module unguarded."""
        for site in self._sites(module):
            inside = owner is None or self._by_file.get(self._target(site.site.path)) is owner
            if inside and not site.guarded and not site.never:
                return site.site
        return None

    def _module(self, place: Location) -> str | None:
        """Return the dotted name of a lost file; None where it is no module."""
        target = self._places.target(place)
        entry = next((e for e in self._entries if target.startswith(f"{e}/")), None)
        if entry is None:
            return None
        inside = target[len(entry) + 1 :]
        for suffix in (".py", *self._profile.interpreter.suffixes):
            if inside.endswith(suffix):
                dotted = inside.removesuffix(suffix).replace("/", ".").removesuffix(".__init__")
                return dotted if all(part.isidentifier() for part in dotted.split(".")) else None
        return None

    # --- requirements and tags ---

    def _requirements(self, *, alone: bool) -> tuple[tuple[Unmet, ...], tuple[Distribution, ...]]:
        if not any(d.requires or d.requires_python for d in self._found):
            return (), ()
        # Imported here: packaging takes as long to import as a small artifact to check.
        from abicheck.python.requirements import find_unmet, import_name, supports  # noqa: PLC0415

        unsupported = tuple(d for d in self._found if not supports(d, self._profile.interpreter))
        if alone:
            return (), unsupported  # what it requires is installed beside it
        return tuple(
            each
            if each.found is not None
            else replace(each, site=self._unguarded(import_name(each.name), each.distribution))
            for each in find_unmet(self._found, self._profile)
        ), unsupported

    def _with_tags(self, installed: Installed) -> Installed:
        if all(tag.endswith("-none-any") for d in self._found for tag in d.tags) and not (
            self._inventory.objects
        ):
            return installed
        from abicheck.python.tags import find_misfits, find_mislabels  # noqa: PLC0415

        return replace(
            installed,
            misfits=tuple(find_misfits(self._found, self._profile)),
            mislabels=tuple(find_mislabels(self._owners, self._inventory.objects.values())),
        )

    # --- imports that fail ---

    def _failures(
        self,
        packages: Sequence[PackageReport],
        records: Sequence[RecordReport],
        unmet: Sequence[Unmet],
        environments: Sequence[Environment],
    ) -> Iterator[FailedPackage]:
        """Yield each cause of failing imports once, under the module that shows it best."""
        groups: dict[Failure, list[PackageReport]] = {}
        for package in packages:
            failure = package.prediction.failure
            if failure is not None and failure.exception is not None:
                groups.setdefault(failure, []).append(package)
        for failure, group in groups.items():
            yield self._failed(failure, group, records, unmet, environments)

    def _failed(
        self,
        failure: Failure,
        group: Sequence[PackageReport],
        records: Sequence[RecordReport],
        unmet: Sequence[Unmet],
        environments: Sequence[Environment],
    ) -> FailedPackage:
        # The shortest way is that of the module at fault, or of what imports it first.
        package = min(group, key=lambda p: (len(p.prediction.via), p.name))
        prediction = package.prediction
        severity, reason = min(
            (self._weigh(each.name) for each in group), key=lambda weight: -weight[0]
        )
        at = prediction.via[-1].path if prediction.via else None
        culprit = self._by_file.get(self._target(at)) if at is not None else None
        message = failure.message or ""
        lost = self._lost(message, records)
        for suspect in (culprit, self._asked(message)):
            if not lost and suspect is not None and (code := self._lost_code(suspect, records)):
                lost, severity, reason = code, min(severity, Severity.WARNING), _FALLBACK
        if prediction.verdict is Verdict.UNCERTAIN:
            severity = min(severity, Severity.WARNING)
        missing = _NO_MODULE.search(message)
        top = missing[1].partition(".")[0] if missing is not None else ""
        metadata = _NO_METADATA.search(message)
        own = next((p for p in group if p.distribution is None), None)
        return FailedPackage(
            name=package.name,
            location=self._place(package.name, at),
            prediction=prediction,
            owner=package.distribution if own is None else None,
            severity=severity,
            reason=reason,
            lost=lost,
            unmet=_blamed(culprit, top, unmet),
            metadata=metadata[1] if metadata is not None else "",
            environment=next((e for e in environments if top and top in e.modules), None),
            handles=any(self._handles(p.name) for p in group if p.distribution is None),
        )

    def _asked(self, message: str) -> Distribution | None:
        """Return the distribution of the module that a name was asked of, and not found in."""
        asked = _NO_NAME.search(message)
        inside = asked[2].replace(".", "/") if asked is not None else ""
        files = (f"{e}/{inside}{end}" for e in self._entries for end in ("/__init__.py", ".py"))
        return next((self._by_file[file] for file in files if file in self._by_file), None)

    def _lost(self, message: str, records: Sequence[RecordReport]) -> tuple[Location, ...]:
        """Return the lost files that a message speaks of."""
        lost = {self._places.target(place): place for record in records for place in record.lost}
        if not lost:
            return ()
        modules: list[str] = []
        if (found := _NO_MODULE.search(message)) is not None:
            modules = [found[1]]
        elif (found := _NO_NAME.search(message)) is not None:
            modules = [f"{found[2]}.{found[1]}", found[2]]
        elif (found := _NO_ATTRIBUTE.search(message)) is not None:
            modules = [f"{found[1]}.{found[2]}", found[1]]
        suffixes = ("/__init__.py", ".py", *self._profile.interpreter.suffixes)
        named = [
            f"{entry}/{module.replace('.', '/')}{suffix}"
            for module in modules
            for entry in self._entries
            for suffix in suffixes
        ]
        hits = [lost[path] for path in named if path in lost]
        hits += [place for target, place in lost.items() if target in message]
        return tuple(dict.fromkeys(hits))

    def _lost_code(
        self, distribution: Distribution, records: Sequence[RecordReport]
    ) -> tuple[Location, ...]:
        return tuple(
            place
            for record in records
            if record.distribution is distribution
            for place in record.lost
            if _TESTS.isdisjoint(place.path.parts) and self._module(place) is not None
        )

    def _target(self, path: PurePosixPath) -> str:
        """Return the target path of a site, which is told from the first entry of sys.path."""
        return posixpath.join(self._entries[0] if self._entries else "/", str(path))

    def _place(self, name: str, at: PurePosixPath | None) -> Location:
        if at is not None:
            return self._places.location(self._target(at))
        for entry in self._entries:
            for path in (f"{entry}/{name}/__init__.py", f"{entry}/{name}.py", f"{entry}/{name}"):
                if self._tree.real(path) is not None:
                    return self._places.location(path)
        return Location(PurePosixPath(name))

    def _handles(self, name: str) -> bool:
        """Whether a module of one's own defines a function of an event and a context."""
        for entry in self._entries:
            data = self._contents.sources.get(f"{entry}/{name}.py")
            if data is not None:
                return _defines_handler(data)
        return False


def _blamed(culprit: Distribution | None, top: str, unmet: Sequence[Unmet]) -> tuple[Unmet, ...]:
    """Return what the distribution lacks whose file asked for the module `top`; none if empty.

    Which distribution brings a module is told by its name alone, since that one
    is not there; a sole candidate is taken, unless an extra explains the import.
    """
    own = [each for each in unmet if each.distribution is culprit]
    if culprit is None or not own:
        return ()
    if not top:
        return tuple(own)
    named = tuple(each for each in own if _may_bring(each.name, top))
    if named:
        return named
    optional = any(_may_bring(_NAME.split(line, maxsplit=1)[0], top) for line in culprit.requires)
    absent = tuple(each for each in own if each.found is None)
    return () if optional or len(absent) > 1 else absent


def _may_bring(name: str, top: str) -> bool:
    """Whether a distribution has a name that goes with a top-level module."""
    from abicheck.python.requirements import import_name  # noqa: PLC0415 - as above

    if import_name(name).lower() == top.lower():
        return True
    plain, module = canonical(name).replace("-", "_"), top.lower().strip("_")
    return len(module) > 2 and (module in plain or plain in module)  # noqa: PLR2004 - no word


def _defines_handler(data: bytes) -> bool:
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _takes_an_event(node.args)
        for node in tree.body
    )


def _takes_an_event(arguments: ast.arguments) -> bool:
    """Whether a function is called as Lambda calls a handler: with an event and a context."""
    names = [each.arg for each in (*arguments.posonlyargs, *arguments.args)]
    return len(names) == 2 and ("event" in names[0] or names[1].strip("_") in _CONTEXTS)  # noqa: PLR2004
