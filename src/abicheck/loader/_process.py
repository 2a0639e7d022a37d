"""A process of the target: what it has loaded, and how `_dl_map_object` adds to it."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from abicheck.loader import _messages as say
from abicheck.loader._search import FileSystem, expand
from abicheck.loader._tls import take_static_tls, tls_block
from abicheck.loader._verify import Fate, Verdict, verify, verify_foreign, verify_other
from abicheck.model import (
    Dependency,
    ElfFacts,
    Failure,
    ForeignFile,
    FoundBy,
    Halt,
    Library,
    SymbolRef,
    SymbolTable,
    TargetProfile,
    Trouble,
    VersionNeed,
)


@dataclass(slots=True, eq=False)
class Loaded:
    """One entry of the loader's list, glibc's `struct link_map`.

    `name` is `l_name`, the path as it was opened; `names` is `l_libname`, by
    which a later DT_NEEDED finds it; `file` identifies the inode.
    """

    name: str
    file: str
    table: SymbolTable
    soname: str | None
    needed: tuple[str, ...]
    facts: ElfFacts | None = None
    library: Library | None = None
    loader: Loaded | None = None
    names: set[str] = field(default_factory=set)
    dependencies: list[Loaded] = field(default_factory=list)
    ready: bool = False
    place: int = 0
    """Where in the list it is."""
    path: PurePosixPath = field(init=False)
    """Where the file lies on the target."""

    def __post_init__(self) -> None:
        """Make the path once: it is asked for at each dependency."""
        self.path = PurePosixPath(self.file)

    @property
    def origin(self) -> str:
        """`l_origin`: the directory of `l_name`, not made canonical."""
        return posixpath.dirname(self.name) or "."

    @property
    def version_needs(self) -> tuple[VersionNeed, ...]:
        """DT_VERNEED, in its order."""
        if self.facts is not None:
            return self.facts.version_needs
        return self.library.version_needs if self.library is not None else ()

    @property
    def references(self) -> tuple[SymbolRef, ...]:
        """What its relocations look up, in their order; nothing where that is not known."""
        if self.facts is not None:
            return self.facts.references
        return self.library.load_references() if self.library is not None else ()

    def is_called(self, name: str) -> bool:
        """`_dl_name_match_p`."""
        return name == self.name or name in self.names


class HaltError(Exception):
    """The load ends here; carries what the process would have seen."""

    def __init__(self, halt: Halt, *, defect: str = "", skipped: tuple[str, ...] = ()) -> None:
        super().__init__(halt.failure.message or halt.failure.crash)
        self.halt = halt
        self.defect = defect
        self.skipped = skipped


def import_error(message: str, at: PurePosixPath) -> Failure:
    """Return how CPython passes a `dlerror` on; what is no UTF-8 becomes surrogates."""
    return Failure("ImportError", message, decided_by=at)


def death(trouble: Trouble, at: PurePosixPath) -> Halt:
    """Return the end of a process that touches what is not there."""
    return Halt(trouble, at, Failure(None, None, "SIGSEGV", decided_by=at))


class Process:
    """The list of loaded objects of one process, from start-up on."""

    def __init__(
        self,
        files: FileSystem,
        objects: Mapping[str, ElfFacts],
        foreign: Mapping[str, ForeignFile],
        profile: TargetProfile,
    ) -> None:
        self.profile = profile
        self._files = files
        self._objects = objects
        self._foreign = foreign
        self._library_path = tuple(
            f"{directory.rstrip('/')}/" if directory else "" for directory in profile.library_path
        )
        self._default_path = tuple(f"{directory}/" for directory in profile.default_path)
        self.loaded: list[Loaded] = []
        # The first of the list that has a name: its l_name, its l_libname or its DT_SONAME.
        self._called: dict[str, Loaded] = {}
        self._by_file: dict[str, Loaded] = {}
        self.startup = tuple(map(self.start, profile.interpreter.startup))
        for name in profile.interpreter.preloaded:
            self.start(name)
        self.global_scope: list[Loaded] = []
        self._tls_room = profile.static_tls

    def take_static_tls(self, facts: ElfFacts) -> bool:
        """Give an object the static TLS that it insists on; False where there is too little."""
        if not (facts.static_tls and facts.tls_size):
            return True
        block = tls_block(facts)
        profile = self.profile
        room = take_static_tls(profile.libc_version, profile.machine, self._tls_room, block)
        if room is not None:
            self._tls_room = room
        return room is not None

    def start(self, name: str) -> Loaded:
        """Add a file of the target that the process holds from the start, by the loader's name."""
        library = self._files.target_library(name)
        started = _from_library(library, name, None)
        if library.soname is not None:
            started.names.add(library.soname)
        started.ready = True
        self._append(started)
        return started

    def _append(self, entry: Loaded) -> None:
        entry.place = len(self.loaded)
        self.loaded.append(entry)
        self._by_file.setdefault(entry.file, entry)
        self._call(entry, entry.name, entry.soname, *entry.names)

    # --- _dl_map_object ---

    def map_root(self, path: str) -> Loaded:
        """Open the object named by `path` itself, as `dlopen` with a slash does."""
        known = self._already(path)
        if known is not None:
            return known
        return self._map_path(path, path, None, FoundBy.ROOT)[0]

    def map_needed(self, name: str, requester: Loaded) -> tuple[Loaded, Dependency]:
        """Find what `name` in DT_NEEDED of `requester` means, and load it if it is new.

        Raises `HaltError` where the search ends without it.
        """
        if "$" in name:
            name = expand(name, requester.origin, self.profile)
        known = self._already(name)
        if known is not None:
            key = (requester.file, name, known.file)
            met = self._files.met.get(key)
            if met is None:
                met = Dependency(requester.path, name, known.path, FoundBy.ALREADY_LOADED)
                self._files.met[key] = met
            return known, met
        if "/" in name:
            loaded, skipped = self._map_path(name, name, requester, FoundBy.PATH)
            return loaded, Dependency(
                requester.path, name, loaded.path, FoundBy.PATH, None, skipped
            )
        return self._search(name, requester)

    def _already(self, name: str) -> Loaded | None:
        if not name and self.loaded:
            return self.loaded[0]  # the program, whose l_name is empty
        entry = self._called.get(name)
        if entry is not None:
            entry.names.add(name)
        return entry

    def _call(self, entry: Loaded, *names: str | None) -> None:
        """Let a later search for one of these names find an entry, if none before it has it."""
        for name in names:
            known = self._called.get(name) if name else None
            if name and (known is None or entry.place < known.place):
                self._called[name] = entry

    def _search(self, name: str, requester: Loaded) -> tuple[Loaded, Dependency]:
        skipped: list[str] = []
        other_class = False
        for how, candidate in self._candidates(name, requester):
            library = self._files.library(candidate)
            if library is not None:
                loaded = self._add_library(library, candidate, name, requester)
                return loaded, self._found(requester, name, loaded, how, skipped)
            real = self._files.real(candidate)
            if real is None:
                self._refuse_directory(candidate, requester)
                continue
            if not self._files.is_readable(real):
                skipped.append(real)
                continue
            verdict = self._verdict(real)
            if verdict.fate is Fate.PASSED_OVER:
                other_class |= verdict.other_class
                skipped.append(real)
                continue
            if verdict.fate is not Fate.MAPPED:
                named = name if verdict.opened else candidate
                raise self._refusal(named, real, verdict, Trouble.LIBRARY)
            loaded = self._add_object(real, candidate, name, requester)
            return loaded, self._found(requester, name, loaded, how, skipped)
        text = say.WRONG_CLASS.format(32) if other_class else say.ENOENT
        halt = Halt(
            Trouble.LIBRARY, requester.path, import_error(f"{name}: {text}", requester.path)
        )
        raise HaltError(halt, skipped=tuple(skipped))

    def _refuse_directory(self, candidate: str, requester: Loaded) -> None:
        """Refuse a folder of that name: it is opened like a file, and cannot be read."""
        at = self._files.absolute(candidate)
        if self._files.tree.is_dir(at):
            failure = import_error(f"{candidate}: {say.IS_DIRECTORY}", requester.path)
            halt = Halt(Trouble.LIBRARY, requester.path, failure)
            raise HaltError(halt, skipped=(at,))

    @staticmethod
    def _found(
        requester: Loaded, name: str, loaded: Loaded, how: FoundBy, skipped: list[str]
    ) -> Dependency:
        return Dependency(
            requester.path, name, loaded.path, how, None, tuple(map(PurePosixPath, skipped))
        )

    def _candidates(self, name: str, requester: Loaded) -> Iterator[tuple[FoundBy, str]]:
        """Yield each path that is tried for a name without a slash, in order."""
        for how, directory in self._directories(requester):
            for candidate in self._files.candidates(directory, name):
                yield how, candidate
        # _dl_load_cache_lookup names one file; whether it can be opened or not, no other.
        for cached in self.profile.cache.get(name, ())[:1]:
            yield FoundBy.CACHE, cached
        for directory in self._default_path:
            for candidate in self._files.candidates(directory, name):
                yield FoundBy.DEFAULT_PATH, candidate

    def _directories(self, requester: Loaded) -> Iterator[tuple[FoundBy, str]]:
        """Yield where a name without a slash is looked for before the cache, in order."""
        if _run_path(requester) is None:
            chain: Loaded | None = requester
            while chain is not None:
                rpath = _rpath(chain)
                if rpath and _run_path(chain) is None:
                    for directory in self._files.directories(rpath, chain.origin):
                        yield FoundBy.RPATH, directory
                chain = chain.loader
            yield from self._main_rpath()
        for directory in self._library_path:
            yield FoundBy.LIBRARY_PATH, directory
        runpath = _run_path(requester)
        if runpath:
            for directory in self._files.directories(runpath, requester.origin):
                yield FoundBy.RUNPATH, directory

    def _main_rpath(self) -> Iterator[tuple[FoundBy, str]]:
        """Yield the folders of the program's own DT_RPATH, the last of every chain."""
        if self.profile.interpreter.executable is None:
            return
        program = self.loaded[0]
        rpath = _rpath(program)
        if rpath and _run_path(program) is None:
            for directory in self._files.directories(rpath, program.origin):
                yield FoundBy.RPATH, directory

    def _map_path(
        self, path: str, name: str, requester: Loaded | None, how: FoundBy
    ) -> tuple[Loaded, tuple[PurePosixPath, ...]]:
        at = PurePosixPath(self._files.absolute(path))
        trouble = Trouble.FILE if how is FoundBy.ROOT else Trouble.LIBRARY
        library = self._files.library(path)
        if library is not None:
            return self._add_library(library, path, name, requester), ()
        real = self._files.real(path)
        if real is None:
            blamed = at if requester is None else requester.path
            raise HaltError(Halt(trouble, blamed, import_error(f"{path}: {say.ENOENT}", blamed)))
        at = PurePosixPath(real)
        if not self._files.is_readable(real):
            raise HaltError(Halt(trouble, at, import_error(f"{path}: {say.EACCES}", at)))
        verdict = self._verdict(real)
        if verdict.fate is Fate.PASSED_OVER:
            text = say.WRONG_CLASS.format(32) if verdict.other_class else say.ENOENT
            raise HaltError(Halt(trouble, at, import_error(f"{path}: {text}", at)))
        if verdict.fate is not Fate.MAPPED:
            raise self._refusal(path, real, verdict, trouble)
        return self._add_object(real, path, name, requester), ()

    @staticmethod
    def _refusal(name: str, real: str, verdict: Verdict, trouble: Trouble) -> HaltError:
        at = PurePosixPath(real)
        if verdict.fate is Fate.KILLS:
            failure = Failure(None, None, verdict.text, verdict.words, at)
        else:
            failure = import_error(f"{name}: {verdict.text}", at)
        return HaltError(Halt(trouble, at, failure), defect=verdict.text)

    def _verdict(self, real: str) -> Verdict:
        facts = self._objects.get(real)
        if facts is not None:
            verdict = self._files.verdicts.get(real)
            if verdict is None:
                verdict = self._files.verdicts[real] = verify(facts, self.profile)
            return verdict
        foreign = self._foreign.get(real)
        if foreign is not None:
            return verify_foreign(foreign)
        # Not named like a library and no ELF file: DT_NEEDED and ctypes take any name.
        entry = self._files.tree.entry(real)
        return verify_other(0 if entry is None else entry.size)

    # --- _dl_map_object_from_fd ---

    def _add_object(self, real: str, path: str, name: str, loader: Loaded | None) -> Loaded:
        facts = self._objects[real]
        return self._add(real, name, lambda: _from_facts(facts, path, real, loader))

    def _add_library(self, library: Library, path: str, name: str, loader: Loaded | None) -> Loaded:
        return self._add(str(library.path), name, lambda: _from_library(library, path, loader))

    def _add(self, file: str, name: str, make: Callable[[], Loaded]) -> Loaded:
        loaded = self._by_file.get(file)
        if loaded is not None:
            loaded.names.add(name)
            self._call(loaded, name)
            return loaded
        loaded = make()
        loaded.names.add(name)
        self._append(loaded)
        return loaded


def _run_path(entry: Loaded) -> str | None:
    if entry.facts is not None:
        return entry.facts.runpath
    return entry.library.runpath if entry.library is not None else None


def _rpath(entry: Loaded) -> str | None:
    if entry.facts is not None:
        return entry.facts.rpath
    return entry.library.rpath if entry.library is not None else None


def _from_facts(facts: ElfFacts, path: str, real: str, loader: Loaded | None) -> Loaded:
    needed = facts.needed + facts.filters
    return Loaded(path, real, facts.table, facts.soname, needed, facts=facts, loader=loader)


def _from_library(library: Library, path: str, loader: Loaded | None) -> Loaded:
    return Loaded(
        path,
        str(library.path),
        library.table,
        library.soname,
        library.needed,
        library=library,
        loader=loader,
        ready=False,
    )
