"""What importing a module does in a fresh process of the target.

Pure: the importer and the modules' own top-level code are followed on values,
as far as they decide what is imported and which libraries are opened.  Nothing
of the artifact is executed, and what cannot be known is never guessed: such an
outcome is `uncertain`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import MappingProxyType, ModuleType
from typing import Final

from abicheck.filesystem import Tree
from abicheck.model import (
    DEFAULT_LIMITS,
    Failure,
    Interpreter,
    Limits,
    Prediction,
    Site,
    Verdict,
)
from abicheck.python._simulated.classes import catches
from abicheck.python._simulated.machine import ImportSite, Loads, Setting
from abicheck.python._simulated.process import Process
from abicheck.python._simulated.raising import DiedError, GaveUpError, RaisedError, failure_of
from abicheck.python._simulated.scanning import yields
from abicheck.python._simulated.values import (
    ABSENT,
    DictValue,
    ExceptionValue,
    Function,
    Known,
    Module,
    ModuleKind,
    Value,
)
from abicheck.python._simulated.world import World
from abicheck.python.garbage import uncollected
from abicheck.python.handler import Handler, called, given, missing, not_taken
from abicheck.python.named import may_name
from abicheck.python.source import Guard, Reference, Source, read_source, references

__all__ = ["ImportSite", "Loads", "Simulation"]

_USUAL: Final = ("handler", "lambda_handler")
_TESTS: Final = frozenset({"tests", "test", "testing"})
# Imports that were too long to be followed; each costs much, and no honest artifact has many.
_MAX_GIVEN_UP: Final = 16


class Simulation:
    """Fresh processes of one artifact on one target.

    `sources` gives the bytes of a Python file by its target path, or None
    where they are not to be had.  With `assume_missing_installed` (a lone
    wheel), what the tree lacks is taken to be installed beside it.  `mentions`
    gives the modules that an extension's init function is known to import, and
    `words` the bytes of its strings: what it may import is named in them.
    `environment` are the variables that the function sets.
    """

    def __init__(  # noqa: PLR0913 - each stands for one part of the outside
        self,
        tree: Tree,
        sources: Callable[[str], bytes | None],
        interpreter: Interpreter,
        loads: Loads,
        *,
        assume_missing_installed: bool,
        mentions: Callable[[str], Sequence[str]] | None = None,
        words: Callable[[str], bytes] | None = None,
        environment: Mapping[str, str] = MappingProxyType({}),
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._tree = tree
        self._bytes = sources
        self._read: dict[str, Source] = {}
        self._limits = limits
        self._too_deep: dict[str, str] = {}
        self._references: dict[str, tuple[Reference, ...]] = {}
        self._files: tuple[str, ...] | None = None
        self._sources: tuple[str, ...] | None = None
        self._having: dict[bytes, tuple[str, ...]] = {}  # what may name a word
        root = str(interpreter.path[0]) if interpreter.path else "/"
        self._root = root
        setting = Setting(
            World(tree, interpreter, root, environment),
            loads,
            self._source,
            self._bytes,
            self._objects,
            mentions or _none_mentioned,
            words or _no_words,
            assume_missing_installed,
        )
        self._setting = setting
        self._fresh = Process(setting)
        self._after: dict[str, tuple[Process | None, Prediction]] = {}
        self._given_up = 0

    def predict(self, module: str) -> Prediction:
        """Predict `importlib.import_module(module)`, parents included."""
        return self._import(module)[1]

    def source(self, path: str, module: str, is_package: bool) -> Source:  # noqa: FBT001
        """Return a source that has been followed; any other is parsed, and not kept."""
        known = self._read.get(path)
        if known is None or known.module != module:
            known = self._parse(path, module, is_package=is_package)
        return known

    def names(self, handler: Handler) -> Failure | None:
        """Predict what a handler's name, its module being imported, ends in; None where it serves.

        Mirrors what `_get_handler` of awslambdaric does after the import, and
        what the first event ends in: a value that is no function, or none that
        takes an event and a context.
        """
        process, _ = self._import(handler.dotted)
        module = process.modules.get(handler.dotted) if process is not None else None
        if process is None or module is None:
            return None
        name = handler.function
        if module.kind is ModuleKind.ASSUMED and not self._setting.assume_missing_installed:
            # The standard library's own; that it has a handler nobody has heard of.
            return missing(handler) if name in _USUAL else None
        try:
            value = process.fork().module_attribute(module, name)
        except (RaisedError, DiedError, GaveUpError):
            return None
        if value is ABSENT:
            # Every module has what its class gives it: `__class__`, `__dir__`.
            sure = name not in module.rebound and not hasattr(ModuleType, name)
            return missing(handler) if sure else None
        return _served(value)

    def functions(self, module: str) -> tuple[str, ...]:
        """Return the functions that a module is certain to have, as it defines them."""
        process, _ = self._import(module)
        found = process.modules.get(module) if process is not None else None
        if found is None:
            return ()
        return tuple(name for name, v in found.scope.names.items() if isinstance(v, Function))

    def asks(self, names: AbstractSet[str]) -> Mapping[str, Site]:
        """Return where each of some top-level modules is asked for first, without a guard.

        Of the sources that have been followed so far; inside functions too.
        """
        found: dict[str, Site] = {}
        if not names:
            return found
        # One look at the text: most sources name none of them.
        plain = re.compile(rb"\b(?:%s)\b" % "|".join(sorted(names)).encode())
        for path in tuple(self._read):
            if plain.search(self._bytes(path) or b"") is None:
                continue
            for reference in self._references_in(path):
                top = reference.module.partition(".")[0]
                if top in names and not reference.guards and not reference.never:
                    found.setdefault(top, Site(self._fresh.relative(path), reference.line))
        return found

    def sites(self, module: str) -> tuple[ImportSite, ...]:
        """Return every line that imports `module`, in the sources reached so far.

        Where none of them does, the lines of the artifact's other sources,
        tests apart.  `guarded` holds for the failure that is predicted for
        `module`: it is caught, not raised again, and what is imported instead
        can be.
        """
        failure = self.predict(module).failure
        tail = module.rpartition(".")[2].encode()
        reached = [path for path in self._read if self._has(path, tail)]
        return self._sites_in(reached, module, failure) or self._sites_in(
            self._unreached(tail), module, failure
        )

    def _sites_in(
        self, paths: Iterable[str], module: str, failure: Failure | None
    ) -> tuple[ImportSite, ...]:
        return tuple(
            ImportSite(
                Site(self._fresh.relative(path), reference.line),
                self._is_guarded(reference, failure),
                reference.deferred,
                reference.never,
            )
            for path in paths
            for reference in self._references_in(path)
            if reference.asks_for(module)
        )

    def _has(self, path: str, word: bytes) -> bool:
        # What has been looked through before costs nothing to be looked through again.
        return path in self._references or may_name(self._bytes(path) or b"", word)

    def _unreached(self, word: bytes) -> Iterator[str]:
        known = self._having.get(word)
        if known is None:
            if self._sources is None:
                self._sources = tuple(path for path in self._tree.files() if path.endswith(".py"))
            known = self._having[word] = tuple(p for p in self._sources if self._has(p, word))
        for path in known:
            if path not in self._read and _TESTS.isdisjoint(self._fresh.relative(path).parts):
                yield path

    def opened(self) -> Mapping[str, ImportSite]:
        """Return the libraries that sources were seen to open while being imported."""
        return MappingProxyType(self._setting.libraries)

    def absent(self) -> Mapping[str, tuple[Failure, tuple[Site, ...]]]:
        """Return the names that sources open without a guard, behind which there is no library.

        With what that ends in, and how the source was come to.
        """
        found = self._setting.absent
        return {name: (each.failure, each.via) for name, each in found.items()}

    # --- processes ---

    def _import(self, module: str) -> tuple[Process | None, Prediction]:
        """Return the process after an import, which other imports may start from."""
        todo = [] if module in self._after else [module]
        while todo:
            parent = todo[-1].rpartition(".")[0]
            if parent and parent not in self._after:
                todo.append(parent)
            else:
                name = todo.pop()
                self._after[name] = self._import_anew(name, parent)
        return self._after[module]

    def _import_anew(self, module: str, parent: str) -> tuple[Process | None, Prediction]:
        start = self._fresh
        if parent:
            before, outcome = self._after[parent]
            if before is None:
                return None, Prediction(module, outcome.verdict, outcome.failure, outcome.via)
            start = before
        if self._given_up >= _MAX_GIVEN_UP:
            failure = Failure(None, "too many other imports were too long to be followed")
            return None, Prediction(module, Verdict.UNCERTAIN, failure, ())
        process = start.fork()
        try:
            with uncollected():
                process.run(process.load(module))
        except RaisedError as error:
            failure = failure_of(error.value)
            return None, Prediction(module, Verdict.FAILS, failure, error.value.via)
        except DiedError as error:
            return None, Prediction(module, Verdict.FAILS, error.failure, error.via)
        except (GaveUpError, RecursionError) as error:
            self._given_up += 1
            failure = Failure(None, str(error))
            return None, Prediction(module, Verdict.UNCERTAIN, failure, ())
        if process.doubts:
            doubt = process.doubts[0]
            return process, Prediction(module, Verdict.UNCERTAIN, doubt.failure, doubt.via)
        return process, Prediction(module, Verdict.LOADS)

    def _source(self, path: str, module: str, is_package: bool) -> Source:  # noqa: FBT001
        known = self._read.get(path)
        if known is None or known.module != module:
            known = self._parse(path, module, is_package=is_package)
            self._read[path] = known
        return known

    def _parse(self, path: str, module: str, *, is_package: bool) -> Source:
        if path.endswith(".pyc"):
            return Source(module, is_package, unreadable="only its bytecode is there")
        data = self._bytes(path)
        if data is None:
            return Source(module, is_package, unreadable="its source could not be read")
        version = self._setting.world.interpreter.version
        source = read_source(
            data,
            is_package=is_package,
            module=module,
            path=path,
            version=version,
            limits=self._limits,
        )
        if source.too_deep and source.unreadable is not None:
            self._too_deep[path] = source.unreadable
        return source

    @property
    def too_deep(self) -> Mapping[str, str]:
        """The files that were met and nest too deeply to be followed, and what is said of each."""
        return self._too_deep

    def _objects(self) -> tuple[str, ...]:
        if self._files is None:
            self._files = tuple(
                path for path in self._tree.files() if ".so" in path.rpartition("/")[2]
            )
        return self._files

    # --- sites ---

    def _references_in(self, path: str) -> tuple[Reference, ...]:
        known = self._references.get(path)
        if known is None:
            source = self._read.get(path)
            if source is None:
                relative = self._fresh.relative(path)
                dotted = ".".join(relative.with_suffix("").parts)
                is_package = relative.name == "__init__.py"
                module = dotted.removesuffix(".__init__")
                source = self._parse(path, module, is_package=is_package)
            known = references(source, self._setting.world.interpreter.version)
            self._references[path] = known
        return known

    def _is_guarded(self, reference: Reference, failure: Failure | None) -> bool:
        if failure is not None and failure.crash is not None:
            return False
        cls = failure.exception if failure is not None else None
        value = ExceptionValue(cls or "ImportError")
        for clauses in reference.guards:
            for clause in clauses:
                if _catches(clause, value):
                    return not clause.reraises and all(map(self._can_import, clause.imports))
        return False

    def _can_import(self, reference: Reference) -> bool:
        """Whether what a handler imports instead is there."""
        if self.predict(reference.module).verdict is Verdict.FAILS:
            return False
        process, _ = self._import(reference.module)
        if process is None:
            return False
        return all(
            self._has_name(reference.module, name, process)
            for name in reference.names
            if name != "*"
        )

    def _has_name(self, module: str, name: str, process: Process) -> bool:
        return process.fork().can_import_from(module, name)


def _served(value: Value) -> Failure | None:
    """Return what calling a value with an event and a context certainly ends in."""
    if isinstance(value, Module):
        return called("module")
    if isinstance(value, DictValue):
        return called("dict")
    if value is None or isinstance(value, str | bytes | int | float | tuple):
        return called(type(value).__name__)
    if not isinstance(value, Function) or value.kind or value.closure:
        return None
    return not_taken(value.node) or given(value.node, is_generator=yields(value.node))


def _none_mentioned(_path: str) -> tuple[str, ...]:
    return ()


def _no_words(_path: str) -> bytes:
    return b""


def _catches(clause: Guard, value: ExceptionValue) -> bool:
    if clause.caught is None:
        return True
    return any(catches(Known(f"builtins.{name}"), value) is True for name in clause.caught)
