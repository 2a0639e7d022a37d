"""`dlopen` with RTLD_NOW, from the first file to the last symbol."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import PurePosixPath
from typing import Final

from abicheck.filesystem import Tree
from abicheck.loader import _messages as say
from abicheck.loader import _releases as since
from abicheck.loader._bind import Lookup, Scope
from abicheck.loader._extension import init_function
from abicheck.loader._process import HaltError, Loaded, Process, death, import_error
from abicheck.loader._search import FileSystem
from abicheck.loader._segments import overlays
from abicheck.loader._sort import RelocationOrder
from abicheck.model import (
    Assertion,
    Binding,
    Dependency,
    ElfFacts,
    Failure,
    ForeignFile,
    Halt,
    LinkMap,
    Outcome,
    RecentNeed,
    SymbolRef,
    TargetProfile,
    Trouble,
    UnmetVersion,
)

_RELR_MARKER: Final = "GLIBC_ABI_DT_RELR"


class Loader:
    """Predicts what opening an object of the artifact does on the target.

    Results are remembered, so that a library shared by a hundred extensions
    is followed once for each of them and bound against the start-up objects
    once in all.
    """

    def __init__(
        self,
        tree: Tree,
        objects: Mapping[str, ElfFacts],
        foreign: Mapping[str, ForeignFile],
        profile: TargetProfile,
    ) -> None:
        self._profile = profile
        self._objects = objects
        self._foreign = foreign
        self._files = FileSystem(tree, profile)
        startup = Process(self._files, objects, foreign, profile).startup
        self._startup = Scope(startup, profile.libc_version)
        self._unbound: dict[str, tuple[list[tuple[SymbolRef, Lookup]], int, int]] = {}
        self._settled: dict[str, tuple[frozenset[str], int, int]] = {}
        self._opened: dict[tuple[str, tuple[str, ...], frozenset[str]], LinkMap] = {}
        self._using: dict[tuple[PurePosixPath, frozenset[str]], bool] = {}

    def open(
        self, path: str, before: Sequence[str] = (), everywhere: AbstractSet[str] = frozenset()
    ) -> LinkMap:
        """Return the link map of `path` in a process that has opened `before`, in order.

        Those of them that are in `everywhere` were opened with RTLD_GLOBAL.
        """
        key = (path, tuple(before), frozenset(everywhere))
        known = self._opened.get(key)
        if known is None:
            process = Process(self._files, self._objects, self._foreign, self._profile)
            for place, earlier in enumerate(before):
                # What an earlier one needs may have come with one before that.
                if self.open(earlier).loads or self.open(earlier, before[:place], everywhere).loads:
                    search_list = _Opening(self, process, earlier).map_all()
                    for entry in search_list:
                        if entry.facts is not None and not entry.ready:
                            process.take_static_tls(entry.facts)
                        entry.ready = True
                    if earlier in everywhere:
                        process.global_scope += search_list
            known = _Opening(self, process, path).run()
            self._opened[key] = known
        return known

    def open_extension(
        self,
        path: str,
        module: str,
        before: Sequence[str] = (),
        everywhere: AbstractSet[str] = frozenset(),
    ) -> tuple[LinkMap, Halt | None]:
        """Return the link map, and how importing `path` as `module` ends if it fails.

        After `dlopen`, CPython looks its init function up in the handle, that
        is, in the object and everything it needs.
        """
        link_map = self.open(path, before, everywhere)
        if link_map.halt is not None:
            return link_map, link_map.halt
        name = init_function(module)
        for file in link_map.objects:
            facts = self._objects.get(str(file))
            if facts is not None and facts.unsearchable:
                return link_map, death(Trouble.FILE, file)
            if facts is not None and facts.table.find(name):
                return link_map, self._unrelocated(link_map)
        message = f"dynamic module does not define module export function ({name})"
        at = PurePosixPath(path)
        return link_map, Halt(Trouble.INIT, at, import_error(message, at))

    def search(self, name: str, before: Sequence[str] = ()) -> str | Failure:
        """Return the file that `dlopen` of a name without a slash comes to, or what it says.

        The program stands for the caller, whose own run path leads to what it was built with.
        """
        process = Process(self._files, self._objects, self._foreign, self._profile)
        for earlier in before:
            if self.open(earlier).loads:
                _Opening(self, process, earlier).map_all()
        try:
            return str(process.map_needed(name, process.loaded[0])[0].path)
        except HaltError as error:
            return error.halt.failure

    def has_library(self, beginning: str) -> bool:
        """Whether a file whose name begins so lies where libraries are looked for."""
        profile = self._profile
        return any(map(str.startswith, profile.cache, itertools.repeat(beginning))) or any(
            child.startswith(beginning)
            for folder in (*profile.library_path, *profile.default_path)
            for child in self._files.tree.children(self._files.absolute(str(folder)).rstrip("/"))
        )

    def _unrelocated(self, link_map: LinkMap) -> Halt | None:
        """Up to 2.35 packed relocations were skipped in silence: the first pointer used kills."""
        if self._profile.libc_version >= since.RELR:
            return None
        for file in link_map.objects:
            facts = self._objects.get(str(file))
            if facts is not None and facts.relr:
                return death(Trouble.RELR, file)
        return None

    def uses(self, link_map: LinkMap, names: frozenset[str]) -> bool:
        """Whether an object of the link map refers to one of these symbols."""
        return any(self._refers(path, names) for path in link_map.objects)

    def _refers(self, path: PurePosixPath, names: frozenset[str]) -> bool:
        key = (path, names)
        known = self._using.get(key)
        if known is None:
            facts = self._objects.get(str(path))
            known = facts is not None and any(ref.name in names for ref in facts.references)
            self._using[key] = known
        return known

    def unbound(self, entry: Loaded) -> tuple[list[tuple[SymbolRef, Lookup]], int, int]:
        """Return the references the start-up objects do not meet, and how many they do.

        The second count is of those that rest on an unlisted symbol.  The
        global scope comes first in every search, so this part of the answer
        is the same for every root.
        """
        known = self._unbound.get(entry.file)
        if known is None:
            left = []
            bound = assumed = 0
            for ref in entry.references:
                lookup = self._startup.look_up(ref, closed=True)
                if lookup.outcome is Outcome.BOUND:
                    bound += 1
                    assumed += lookup.assumed
                else:
                    left.append((ref, lookup))
            known = (left, bound, assumed)
            self._unbound[entry.file] = known
        return known

    def settled(self, entry: Loaded, local: Scope) -> tuple[int, int] | None:
        """Return what an earlier root established, where it holds for this scope as well.

        A reference that a library has met is met wherever that library is in
        scope.  Only a file that the reference names could come first and end it.
        """
        known = self._settled.get(entry.file)
        if known is None:
            return None
        providers, bound, assumed = known
        if not providers <= local.files or any(
            need.soname in local.strict_names for need in entry.version_needs
        ):
            return None
        return bound, assumed

    def settle(self, entry: Loaded, providers: frozenset[str], bound: int, assumed: int) -> None:
        """Remember that every reference left to the local scope was met, and by whom."""
        self._settled[entry.file] = (providers, bound, assumed)


class _Opening:
    """One `dlopen` in one process; collects every fault and remembers the first."""

    def __init__(self, loader: Loader, process: Process, path: str) -> None:
        self._loader = loader
        self._process = process
        self._profile = process.profile
        self._path = path
        self._dependencies: list[Dependency] = []
        self._unmet: list[UnmetVersion] = []
        self._bindings: list[Binding] = []
        self._recent: list[RecentNeed] = []
        self._bound = 0
        self._assumed = 0
        self._halt: Halt | None = None

    def _stop(self, halt: Halt) -> None:
        if self._halt is None:
            self._halt = halt

    def map_all(self) -> list[Loaded]:
        """Map the object and its closure, breadth first: `_dl_map_object_deps`."""
        root = self._process.map_root(self._path)
        search_list = [root]
        listed = {id(root)}
        # A for loop over a list that grows is exactly the breadth-first walk.
        for entry in search_list:
            if entry.facts is not None and entry.facts.misnamed:
                self._stop(death(Trouble.FILE, entry.path))
            for name in entry.needed:
                try:
                    dependency, found = self._process.map_needed(name, entry)
                except HaltError as error:
                    self._stop(error.halt)
                    self._dependencies.append(
                        Dependency(
                            entry.path,
                            name,
                            None,
                            defect=error.defect or None,
                            skipped=tuple(map(PurePosixPath, error.skipped)),
                        )
                    )
                    continue
                self._dependencies.append(found)
                if not entry.ready:
                    entry.dependencies.append(dependency)
                if id(dependency) not in listed:
                    listed.add(id(dependency))
                    search_list.append(dependency)
        return search_list

    def run(self) -> LinkMap:
        """Do what `dl_open_worker` does, in its order."""
        try:
            search_list = self.map_all()
        except HaltError as error:
            root = PurePosixPath(self._path)
            return LinkMap(root, objects=(root,), halt=error.halt)
        closed = self._halt is None
        new = [entry for entry in search_list if not entry.ready]
        self._check_versions(new)
        fresh = RelocationOrder(search_list, new, self._profile.libc_version)
        self._check_isa(fresh)
        # The start-up objects are searched first for everything; see Loader.unbound.
        local = [
            entry
            for entry in dict.fromkeys((*self._process.global_scope, *search_list))
            if entry not in self._process.startup
        ]
        scope = Scope(local, self._profile.libc_version)
        self._relocate_all(fresh, scope, closed=closed)
        self._run_unrelocated(fresh)
        for entry in search_list:
            entry.ready = True
        return LinkMap(
            root=search_list[0].path,
            objects=tuple(entry.path for entry in search_list),
            dependencies=tuple(self._dependencies),
            unmet_versions=tuple(self._unmet),
            bindings=tuple(self._bindings),
            bound=self._bound,
            assumed=self._assumed,
            recent=tuple(self._recent),
            halt=self._halt,
        )

    def _check_versions(self, new: Sequence[Loaded]) -> None:
        """`_dl_check_map_versions` of every new object, in search-list order."""
        for entry in new:
            if entry.facts is not None and entry.facts.verneed != 1:
                text = say.unsupported_version(entry.name, entry.facts.verneed, "Verneed")
                self._stop(Halt(Trouble.FILE, entry.path, import_error(text, entry.path)))
                continue
            self._check_needs(entry)
            if entry.facts is not None and entry.facts.misversioned:
                self._stop(death(Trouble.FILE, entry.path))
            if (
                not entry.table.versioned
                and entry.facts is not None
                and (entry.facts.version_needs or entry.table.versions)
            ):
                # DT_VERSYM is read as soon as there is a version of either kind.
                self._stop(death(Trouble.FILE, entry.path))
            if entry.facts is not None:
                self._check_relr(entry, entry.facts)

    def _check_needs(self, entry: Loaded) -> None:
        """Look each version need of one object up in the object that it names: `match_symbol`."""
        for need in entry.version_needs:
            provider = next((e for e in self._process.loaded if e.is_called(need.soname)), None)
            if provider is None:
                if need.soname in entry.needed:
                    continue  # its absence has been reported as a missing library
                text = say.version_file_not_loaded(self._profile.libc_version)
                failure = Failure(None, None, say.EXIT_127, text, entry.path)
                self._stop(Halt(Trouble.VERSION_FILE, entry.path, failure))
                continue
            versions = provider.table.versions
            if versions is None or (need.hashed and need.version in versions):
                day = (
                    ""
                    if provider.library is None
                    else provider.library.introduced.get(need.version, "")
                )
                if day and not need.weak:
                    self._recent.append(RecentNeed(entry.path, need, day))
                continue
            if provider.facts is not None and provider.facts.verdef != 1:
                text = say.unsupported_version(provider.name, provider.facts.verdef, "Verdef")
                self._stop(Halt(Trouble.FILE, provider.path, import_error(text, provider.path)))
                continue
            if need.weak:
                continue
            self._unmet.append(UnmetVersion(entry.path, provider.path, need))
            message = say.version_not_found(provider.name, need, entry.name)
            self._stop(Halt(Trouble.VERSION, entry.path, import_error(message, entry.path)))

    def _check_isa(self, fresh: RelocationOrder[Loaded]) -> None:
        """`dl_isa_level_check`: every bit that an object needs must be the CPU's."""
        if self._profile.libc_version < since.ISA_LEVEL or self._profile.machine != "x86_64":
            return
        has = (1 << self._profile.isa_level) - 1
        lacking = [e for e in fresh.entries if e.facts is not None and e.facts.isa_needed & ~has]
        for entry in fresh.sort(lacking)[:1]:
            failure = import_error(f"{entry.name}: {say.ISA_LEVEL}", entry.path)
            self._stop(Halt(Trouble.ISA, entry.path, failure))

    def _relocate_all(self, fresh: RelocationOrder[Loaded], scope: Scope, *, closed: bool) -> None:
        """Relocate each object; which of those that fail is the first is asked where several do."""
        taking = [e for e in fresh.entries if e.facts is not None and e.facts.static_tls]
        entries = fresh.sort(fresh.entries) if len(taking) > 1 else fresh.entries
        before, bindings = self._halt, self._bindings
        failed: dict[Loaded, tuple[Halt | None, list[Binding]]] = {}
        for entry in entries:
            self._halt, self._bindings = None, []
            self._relocate(entry, scope, closed=closed)
            failed[entry] = (self._halt, self._bindings)
        self._halt, self._bindings = before, bindings
        for entry in fresh.sort([entry for entry, result in failed.items() if any(result)]):
            halt, found = failed[entry]
            self._bindings += found
            if halt is not None:
                self._stop(halt)

    def _run_unrelocated(self, fresh: RelocationOrder[Loaded]) -> None:
        """Up to 2.35 the addresses in DT_INIT_ARRAY stay unrelocated if those are packed."""
        if self._profile.libc_version >= since.RELR:
            return
        packed = [
            entry
            for entry in fresh.entries
            if entry.facts is not None and entry.facts.relr and entry.facts.initialisers
        ]
        for entry in fresh.sort(packed)[:1]:
            self._stop(death(Trouble.RELR, entry.path))

    def _relocate(self, entry: Loaded, local: Scope, *, closed: bool) -> None:
        """`_dl_relocate_object`: look up what each relocation names, in order."""
        facts = entry.facts
        if facts is not None and facts.misrelative:
            libc, machine = self._profile.libc_version, self._profile.machine
            text = say.assertion_failed(Assertion.RELATIVE, machine, libc)
            failure = Failure(None, None, say.EXIT_127, text, entry.path)
            self._stop(Halt(Trouble.FILE, entry.path, failure))
        if facts is not None and not self._process.take_static_tls(facts):
            failure = import_error(f"{entry.name}: {say.STATIC_TLS}", entry.path)
            self._stop(Halt(Trouble.STATIC_TLS, entry.path, failure))
        left, bound, assumed = self._loader.unbound(entry)
        self._bound += bound
        self._assumed += assumed
        settled = self._loader.settled(entry, local)
        if settled is not None:
            self._bound += settled[0]
            self._assumed += settled[1]
        else:
            self._bind(entry, left, local, closed=closed)
        if facts is not None and facts.unknown_relocation is not None:
            message = say.bad_relocation(entry.name, facts.unknown_relocation)
            self._stop(Halt(Trouble.RELOCATION, entry.path, import_error(message, entry.path)))
        if facts is not None and facts.unrelocatable:
            self._stop(death(Trouble.FILE, entry.path))
        if facts is not None and (facts.beyond_end or overlays(facts, self._profile.page_size)):
            # What is not there is written to, or called, if not read before.
            crash = "SIGBUS" if facts.beyond_end else "SIGSEGV"
            failure = Failure(None, None, crash, decided_by=entry.path)
            self._stop(Halt(Trouble.FILE, entry.path, failure))
        if facts is not None and facts.loose_relro:
            failure = import_error(f"{entry.name}: {say.RELRO}", entry.path)
            self._stop(Halt(Trouble.FILE, entry.path, failure))

    def _bind(
        self,
        entry: Loaded,
        left: Sequence[tuple[SymbolRef, Lookup]],
        local: Scope,
        *,
        closed: bool,
    ) -> None:
        """Search the local scope for what the start-up objects do not have."""
        broken = local.unsearchable
        if left and broken is not None:
            self._stop(death(Trouble.FILE, broken.path))
            return
        unmet = {binding.need.version for binding in self._unmet if binding.requester == entry.path}
        providers: set[str] = set()
        bound = assumed = failed = 0
        for ref, first in left:
            lookup = first
            if not (first.kills or first.misplaced):
                lookup = local.look_up(ref, closed=closed)
            if lookup.outcome is Outcome.BOUND:
                bound += 1
                assumed += lookup.assumed
                if lookup.provider is not None:
                    providers.add(lookup.provider.file)
            elif lookup.kills:
                failed += 1
                text = say.provider_without_versions(self._profile.libc_version)
                failure = Failure(None, None, say.EXIT_127, text, entry.path)
                self._stop(Halt(Trouble.UNVERSIONED_PROVIDER, entry.path, failure))
            elif lookup.outcome is not Outcome.WEAK_UNBOUND:
                failed += 1
                outcome = Outcome.NO_VERSION if ref.version in unmet else lookup.outcome
                self._bindings.append(Binding(entry.path, ref, outcome, lookup.doubt))
                text = say.undefined_symbol(entry.name, ref)
                if lookup.misplaced:
                    text = say.not_in_its_file(entry.name, ref, self._profile.libc_version)
                failure = import_error(text, entry.path)
                self._stop(Halt(Trouble.SYMBOL, entry.path, failure, certain=not lookup.doubt))
        self._bound += bound
        self._assumed += assumed
        if not failed:
            self._loader.settle(entry, frozenset(providers), bound, assumed)

    def _check_relr(self, entry: Loaded, facts: ElfFacts) -> None:
        """Refuse packed relocations that are not announced: `_dl_check_map_versions`, its end."""
        if (
            facts.relr
            and self._profile.libc_version >= since.RELR
            and facts.version_needs
            and any(name.startswith("libc.so.") for name in facts.needed)
            and all(need.version != _RELR_MARKER for need in facts.version_needs)
        ):
            failure = import_error(f"{entry.name}: {say.RELR_MARKER}", entry.path)
            self._stop(Halt(Trouble.RELR, entry.path, failure))
