"""From a root file system to a profile: what is read, in which order, and what follows."""

from __future__ import annotations

import datetime as dt
import posixpath
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Final

from abicheck.capture import _interpreter as python
from abicheck.capture._cache import read_cache
from abicheck.capture._libc import Libc, read_libc
from abicheck.capture._libraries import Collection
from abicheck.capture._root import Root
from abicheck.capture._running import Running
from abicheck.errors import ArtifactError
from abicheck.loader import hwcaps_subdirectories, start_up, static_tls_room, tls_block
from abicheck.model import Interpreter, TargetProfile
from abicheck.profiles import stable_abi

_CACHE: Final = "/etc/ld.so.cache"
_RELEASE: Final = ("/etc/os-release", "/usr/lib/os-release")
_LAMBDA_BIN: Final = "/var/lang/bin"
_LAMBDA_RUNTIME: Final = "/var/runtime"
_SEARCH: Final = ("/usr/local/bin", "/usr/bin", "/bin")
_NAMED: Final = "glibc-hwcaps/"
_ASKED: Final = ("LD_LIBRARY_PATH", "PATH", "PYTHONHOME", "PYTHONPATH")
_KERNEL: Final = (5, 10, 0)
_LEVEL: Final = {"x86_64": 3, "aarch64": 1}
_MANYLINUX: Final = (17, 24, 26, 27, 28, 31, 34, 35, 36, 38, 39, 40, 41, 42)
_MUSL: Final = re.compile(r"/ld-musl-")


@dataclass(frozen=True, slots=True)
class Request:
    """What a capture is asked for, besides the root itself.

    `environment` holds what the container's own would: LD_LIBRARY_PATH, PATH,
    PYTHONHOME, PYTHONPATH.  `isa_level` and `kernel` are of the machine it is to run on,
    which no root file system knows.  `as_of` is an ISO day.  `bootstrap` says whether
    Lambda's own, in the images that have it, starts the function.
    """

    name: str
    source: str
    image: str = ""
    python: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    task_root: str = "/var/task"
    as_of: dt.date | None = None
    isa_level: int | None = None
    kernel: tuple[int, int, int] | None = None
    bootstrap: bool = True


class MuslError(ArtifactError):
    """The interpreter was linked against musl; `loader` is the loader that it names."""

    def __init__(self, program: str, loader: str) -> None:
        super().__init__(f"{program}: linked against musl ({loader}), which is not judged")
        self.loader = loader


@dataclass(frozen=True, slots=True)
class Captured:
    """A profile, and where its facts come from."""

    profile: TargetProfile
    provenance: Mapping[str, str]


def capture(root: Root, request: Request, running: Running | None = None) -> Captured:
    """Return the profile of a root file system.

    `running` is what a process of its interpreter said of itself, and goes
    before what only follows from files.  Raises `ArtifactError` where the root
    has no CPython or no glibc, or cannot be read.
    """
    return _Capture(root, request, running).profile()


class _Capture:
    def __init__(self, root: Root, request: Request, running: Running | None) -> None:
        self._root = root
        self._request = request
        self._running = running
        self._environment = request.environment

    def profile(self) -> Captured:
        """Put the profile together."""
        program = python.find_program(self._root, self._wanted(), self._program_folders())
        loader, machine = self._loader(program)
        level = self._isa_level(machine)
        libc = self._libc(program, loader)
        platform = (self._running.platform if self._running is not None else "") or machine
        subs = hwcaps_subdirectories(libc.version, machine, level, platform)
        libraries = Collection(self._root, machine, libc.lib, subs)
        home = self._environment.get("PYTHONHOME", "")
        stdlib = python.standard_library(self._root, program, home)
        library_path = self._library_path()
        named = tuple(s.removeprefix(_NAMED) for s in subs if s.startswith(_NAMED))
        cache = read_cache(self._root.read(_CACHE) or b"", machine, named, level)
        libraries.add_folders(libraries.add_file(program.path))
        libraries.add_file(loader)
        libraries.add_folders((*library_path, *libc.directories))
        for paths in cache.values():
            for path in paths:
                libraries.add_folders(libraries.add_file(path))
        libraries.add_folders([posixpath.join(stdlib, "lib-dynload")])
        preloaded = self._preloaded(libraries)
        interpreter = self._interpreter(program, stdlib, machine, libraries)
        profile = TargetProfile(
            name=self._request.name,
            title="",
            runtime=f"python{program.dotted}",
            machine=machine,
            libc_version=libc.version,
            os=self._system(),
            library_path=library_path,
            default_path=libc.directories,
            hwcaps=subs,
            lib=libc.lib,
            platform=platform,
            page_size=self._running.page_size if self._running is not None else 4096,
            kernel=self._kernel(),
            isa_level=level,
            static_tls=0,
            libraries=libraries.libraries,
            interpreter=interpreter,
            task_root=PurePosixPath(self._request.task_root),
            wheel_platforms=_wheel_platforms(machine, libc.version),
            as_of=self._as_of(),
            image=self._request.image,
            links=libraries.links,
            cache=cache,
        )
        startup, failure = start_up(profile, program.path, loader)
        if failure:
            reason = (
                f"{program.path} would not start: {failure}; "
                "give it the environment it runs in with --env LD_LIBRARY_PATH=..."
            )
            raise ArtifactError(reason)
        interpreter = replace(
            interpreter,
            startup=startup,
            preloaded=tuple(p for p in preloaded if p not in map(self._root.real, startup)),
        )
        title = f"{profile.runtime}, {machine}, {profile.os} (glibc {profile.glibc})"
        started = filter(None, map(self._root.facts, startup))
        room = static_tls_room(libc.version, machine, map(tls_block, started))
        profile = replace(profile, interpreter=interpreter, title=title, static_tls=room)
        return Captured(profile, self._provenance(program, libc, libraries.denied))

    # --- the interpreter ---

    def _wanted(self) -> str | None:
        if self._request.python is not None:
            return self._request.python
        return self._running.executable if self._running is not None else None

    def _program_folders(self) -> tuple[str, ...]:
        own = (entry for entry in self._environment.get("PATH", "").split(":") if entry)
        return tuple(dict.fromkeys((_LAMBDA_BIN, *own, *_SEARCH)))

    def _interpreter(
        self, program: python.Program, stdlib: str, machine: str, libraries: Collection
    ) -> Interpreter:
        running = self._running
        holder = self._holder(program, libraries)
        data = self._root.read(holder) or b""
        if holder not in libraries.libraries:
            reason = f"{holder}: the interpreter is damaged or not for {machine}"
            raise ArtifactError(reason)
        exports = frozenset(libraries.libraries[holder].table.definitions)
        path = self._python_path(program, stdlib)
        suffix = running.suffixes if running is not None else None
        suffix = suffix or python.suffixes(data, program, machine)
        built_in = python.built_in(exports, program.version)
        if running is not None and running.builtin:
            built_in = running.builtin
        sites = [entry for entry in path if entry.endswith("-packages")]
        library = python.modules(self._root, stdlib, suffix)
        dynamic = python.modules(self._root, posixpath.join(stdlib, "lib-dynload"), suffix)
        magic = running.magic if running is not None else b""
        return Interpreter(
            version=program.version,
            suffixes=suffix,
            exports=exports,
            sometimes=frozenset(),
            path=tuple(map(PurePosixPath, path)),
            soname=libraries.libraries[holder].soname or "" if program.library else "",
            startup=(),
            builtin=built_in,
            stdlib=library | dynamic | built_in,
            stable_abi=stable_abi(),
            shipped=frozenset().union(*(python.modules(self._root, s, suffix) for s in sites)),
            magic=magic or python.magic_number(program.version),
            executable=PurePosixPath(program.path),
        )

    def _holder(self, program: python.Program, libraries: Collection) -> str:
        """Return the file that exports the C API: libpython, or the executable itself."""
        if not program.library:
            return program.path
        run_path = program.facts.rpath or program.facts.runpath or ""
        folders = [
            *self._library_path(),
            *(
                f.replace("$ORIGIN", posixpath.dirname(program.path))
                for f in run_path.split(":")
                if f
            ),
        ]
        for folder in folders:
            real = self._root.real(posixpath.join(folder, program.library))
            if real in libraries.libraries:
                return str(real)
        named = (p for p, lib in libraries.libraries.items() if lib.soname == program.library)
        found = next(named, None)
        if found is None:
            reason = (
                f"{program.path} needs {program.library}, which is in no folder that is searched; "
                "give the environment it runs in with --env LD_LIBRARY_PATH=..."
            )
            raise ArtifactError(reason)
        return found

    def _python_path(self, program: python.Program, stdlib: str) -> tuple[str, ...]:
        task = self._request.task_root
        if self._running is not None and self._running.path:
            return tuple(dict.fromkeys((task, *self._running.path)))
        given = self._environment.get("PYTHONPATH", "")
        path = python.search_path(self._root, program, stdlib, given)
        is_lambdas = program.path.startswith(_LAMBDA_BIN) and self._root.is_dir(_LAMBDA_RUNTIME)
        if is_lambdas and self._request.bootstrap and given:
            # The bootstrap's own folder, and where PYTHONPATH is set none of a layer.
            path = (_LAMBDA_RUNTIME, *path)
        elif is_lambdas and self._request.bootstrap:
            # What Lambda's bootstrap makes of it: its layers first, then itself.
            packages = posixpath.join(stdlib, "site-packages")
            layers = (f"/opt/python/lib/python{program.dotted}/site-packages", "/opt/python")
            rest = (entry for entry in path if entry != packages)
            path = (*layers, packages, _LAMBDA_RUNTIME, *rest)
        return tuple(dict.fromkeys((task, *path)))

    # --- the loader ---

    def _loader(self, program: python.Program) -> tuple[str, str]:
        loader = program.facts.interpreter
        if loader is None:
            reason = f"{program.path}: linked statically; it loads no extension at all"
            raise ArtifactError(reason)
        if _MUSL.search(loader):
            raise MuslError(program.path, loader)
        machine = program.facts.machine
        if machine not in _LEVEL:
            reason = f"{program.path}: built for {machine}, which is not judged"
            raise ArtifactError(reason)
        return loader, machine

    def _libc(self, program: python.Program, loader: str) -> Libc:
        """Find libc.so.6 beside the loader, whose release it must be of."""
        real = self._root.real(loader)
        if real is None:
            reason = f"{program.path}: its loader {loader} is not there"
            raise ArtifactError(reason)
        for folder in (posixpath.dirname(real), posixpath.dirname(loader)):
            libc = self._root.real(posixpath.join(folder, "libc.so.6"))
            if libc is not None and self._root.is_file(libc):
                return read_libc(self._root, real, libc)
        reason = f"{loader}: no libc.so.6 beside it"
        raise ArtifactError(reason)

    def _library_path(self) -> tuple[str, ...]:
        text = self._environment.get("LD_LIBRARY_PATH", "")
        # An empty element is the working directory; `:` and `;` both separate.
        return tuple(re.split("[:;]", text)) if text else ()

    def _preloaded(self, libraries: Collection) -> tuple[str, ...]:
        """Return what the process of `running` had opened, in the order of its addresses."""
        if self._running is None:
            return ()
        for path in self._running.loaded:
            libraries.add_folders(libraries.add_file(path))
        reals = (self._root.real(path) for path in self._running.loaded)
        return tuple(dict.fromkeys(r for r in reals if r in libraries.libraries))

    # --- the machine ---

    def _isa_level(self, machine: str) -> int:
        if self._request.isa_level is not None:
            return self._request.isa_level
        if self._running is not None and self._running.isa_level:
            return self._running.isa_level
        return _LEVEL[machine]

    def _kernel(self) -> tuple[int, int, int]:
        if self._request.kernel is not None:
            return self._request.kernel
        return self._running.kernel if self._running is not None else _KERNEL

    # --- words and dates ---

    def _system(self) -> str:
        for path in _RELEASE:
            data = self._root.read(path)
            if data is None:
                continue
            fields = _read_release(data.decode("utf-8", "replace"))
            name, version = fields.get("NAME", ""), fields.get("VERSION_ID", "")
            if name:
                return f"{name} {version}".rstrip()
        return "Linux"

    def _as_of(self) -> str:
        known = self._request.as_of or (self._running.date if self._running is not None else None)
        known = known or self._root.date()
        return known.isoformat() if known is not None else ""

    def _provenance(
        self, program: python.Program, libc: Libc, denied: Sequence[str]
    ) -> dict[str, str]:
        running = self._running
        data = self._root.read(self._root.real(program.path) or "") or b""
        facts = {
            "source": self._request.source,
            "libc": libc.banner,
            "interpreter": f"{program.path}, CPython {python.release(data, program.version)}",
            "modules": "read from files" if running is None else "said by the interpreter itself",
        }
        if running is None or self._request.isa_level is not None:
            facts["cpu"] = "taken for granted: no file says on which processor it will run"
        else:
            facts["cpu"] = "of the machine that answered"
        if running is None or self._request.kernel is not None:
            facts["kernel"] = "taken for granted: Lambda's, or as given"
        else:
            facts["kernel"] = "of the machine that answered"
        # The rest of an environment is nobody's business: profiles are passed on.
        used = {name: self._environment[name] for name in _ASKED if name in self._environment}
        if used:
            facts["environment"] = " ".join(f"{name}={value}" for name, value in used.items())
        if denied:
            facts["denied"] = f"not readable by who made this: {', '.join(denied)}"
        if running is not None and running.left_out:
            facts["left_out"] = f"symbols of {', '.join(running.left_out)}: the reply was too large"
        return facts


def _read_release(text: str) -> dict[str, str]:
    """Return the assignments of os-release(5), which are those of a shell."""
    fields = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and name.isidentifier():
            try:
                fields[name] = " ".join(shlex.split(value))
            except ValueError:
                continue  # a quotation without an end names nothing
    return fields


def _wheel_platforms(machine: str, libc: tuple[int, int]) -> tuple[str, ...]:
    minors = sorted({m for m in _MANYLINUX if (2, m) <= libc} | {libc[1]})
    oldest = (f"manylinux2014_{machine}",) if libc >= (2, 17) else ()
    return oldest + tuple(f"manylinux_2_{minor}_{machine}" for minor in minors)
