"""The state of a simulated process, and what its parts do for one another."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Protocol, TypeAlias

from abicheck.model import Failure, Site
from abicheck.python._simulated.frames import Flow, Frame, Guarded
from abicheck.python._simulated.raising import DiedError, RaisedError
from abicheck.python._simulated.values import (
    ExceptionValue,
    Function,
    ListValue,
    Module,
    Scope,
    Value,
)
from abicheck.python._simulated.world import RTLD_NOW, World
from abicheck.python.source import Source

# A step of work that may need another one done first; see `Machine.run`.
Task: TypeAlias = Generator["Task", None, Value]
Block: TypeAlias = Generator[Task, None, Flow]


class Loads(Protocol):
    """What opening the artifact's shared objects gives; the loader's answer."""

    def extension(
        self, path: str, module: str, before: Sequence[str], everywhere: AbstractSet[str]
    ) -> Failure | None:
        """Open an extension module after those objects; None where it loads.

        Those in `everywhere` were opened with RTLD_GLOBAL.
        """

    def library(
        self, path: str, before: Sequence[str], everywhere: AbstractSet[str]
    ) -> Failure | None:
        """Open a plain library after those objects; None where it loads."""

    def search(self, name: str, before: Sequence[str]) -> str | Failure:
        """Return the file that `dlopen` of a name without a slash comes to, or what it says."""

    def has_library(self, beginning: str) -> bool:
        """Whether a file whose name begins so lies where libraries are looked for."""

    def uncertain(self, path: str) -> bool:
        """Whether the answer for this object may be wrong."""


@dataclass(frozen=True, slots=True)
class ImportSite:
    """A line that imports a module or opens a library.

    `guarded` says that its failure would be caught and made good; `deferred`
    that the line stands in a function, which importing does not run; `never`
    that it stands where Linux does not come.
    """

    site: Site
    guarded: bool
    deferred: bool = False
    never: bool = False


@dataclass(frozen=True, slots=True)
class Doubt:
    """A failure that may happen."""

    failure: Failure
    via: tuple[Site, ...]


@dataclass(frozen=True, slots=True)
class Memory:
    """What importing one module did: what it added, and which modules it made use of.

    `used` also says whether a module was still initializing then, `looked` of which
    names it asked whether they are in `sys.modules`, and what the answer was.
    """

    added: Mapping[str, Module]
    used: Mapping[str, tuple[Module, bool]]
    looked: tuple[tuple[str, bool | None], ...]
    opened: tuple[str, ...]
    everywhere: frozenset[str]
    environ: Mapping[str, Value]


@dataclass(slots=True)
class Setting:
    """What all processes of one simulation share, and what they have learnt.

    `read` gives a source by its path, its module's name and whether it is a
    package; `head` the first bytes of bytecode; `objects` the paths of files
    named like shared objects; `absent` what was opened by a name, unguarded, and is not there;
    `mentions` the modules that an extension is known
    to import, `words` its strings, among which are those that it may import.
    """

    world: World
    loads: Loads
    read: Callable[[str, str, bool], Source]
    head: Callable[[str], bytes | None]
    objects: Callable[[], Sequence[str]]
    mentions: Callable[[str], Sequence[str]]
    words: Callable[[str], bytes]
    assume_missing_installed: bool
    libraries: dict[str, ImportSite] = field(default_factory=dict)
    absent: dict[str, Doubt] = field(default_factory=dict)
    memories: dict[str, Memory] = field(default_factory=dict)
    generators: dict[ast.AST, bool] = field(default_factory=dict)
    cimports: dict[str, tuple[str, ...]] = field(default_factory=dict)
    built: frozenset[str] | None = None


class Machine(ABC):
    """A process: its modules and its surroundings, and the operations on them.

    The operations are implemented by the classes that derive from this one,
    one for each part of the language; `Process` is all of them together.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.world = setting.world
        self.modules: dict[str, Module] = {}
        self.halted: set[str] = set()  # the names with None in `sys.modules`
        self.path = ListValue([str(entry) for entry in self.world.interpreter.path])
        self.environ: dict[str, Value] = dict(self.world.environment)
        self.opened: list[str] = []
        self.everywhere: set[str] = set()
        self.dlopen_flags: Value = RTLD_NOW
        self.doubts: list[Doubt] = []
        self.skipped = (
            False  # whether a call has not been followed, which may have changed anything
        )
        self.frames: list[Frame] = []
        self.tries: list[Guarded] = []

    # --- running ---

    @abstractmethod
    def run(self, task: Task) -> Value:
        """Run a task, and those it waits for, to its end."""

    @abstractmethod
    def spend(self) -> None:
        """Count one step against the limits."""

    @abstractmethod
    def suspect(self, error: RaisedError | DiedError) -> None:
        """Note a failure under a condition that cannot be known, which may never hold."""

    @abstractmethod
    def doubt(self, error: RaisedError | DiedError) -> None:
        """Note a failure that may happen: with the `try` that would catch it, or as a doubt."""

    @abstractmethod
    def fork(self) -> Machine:
        """Return a process in the same state."""

    @abstractmethod
    def caused_by(self, frame: Frame, value: ExceptionValue) -> ExceptionValue:
        """Return an exception with the origin of the one being handled, if any."""

    @abstractmethod
    def failed(self, text: str, cls: str, /, **attributes: Value) -> RaisedError:
        """Return an exception of the importer's or the loader's own, with its origin."""

    @abstractmethod
    def fail(self, failure: Failure, cls: str, file: str, /, **attributes: Value) -> None:
        """Raise what the loader predicts for an object; where that is uncertain, note it."""

    @abstractmethod
    def mark_opened(self, path: str, mode: Value) -> None:
        """Note that an object has been opened, and whether that is certain."""

    def expects(self, name: str) -> bool:
        """Whether a `try` around the current line names this very exception."""
        return any(guarded.names(name) for guarded in self.tries)

    # --- code ---

    @abstractmethod
    def block(self, frame: Frame, body: Sequence[ast.stmt]) -> Block:
        """Run statements in order; return how they were left."""

    @abstractmethod
    def evaluate(self, frame: Frame, node: ast.expr | None) -> Value:
        """Return the value of an expression."""

    @abstractmethod
    def attribute(self, frame: Frame, value: Value, name: str) -> Value:
        """Return `value.name`; `ABSENT` if there certainly is no such attribute."""

    @abstractmethod
    def known(self, name: str) -> Value:
        """Return something of Python's own by its dotted name."""

    @abstractmethod
    def assign(self, frame: Frame, target: ast.expr, value: Value) -> None:
        """Mirror an assignment to any kind of target."""

    @abstractmethod
    def invoke(
        self, frame: Frame, function: Value, args: Sequence[Value], kwargs: Mapping[str, Value]
    ) -> Value:
        """Return what calling a value gives."""

    @abstractmethod
    def call(
        self,
        function: Function,
        args: Sequence[Value],
        kwargs: Mapping[str, Value],
        frame: Frame | None,
    ) -> Value:
        """Call a function of the artifact and return what it gives."""

    @abstractmethod
    def expose(self, values: Sequence[Value]) -> None:
        """Forget what a function that is not followed may have changed."""

    @abstractmethod
    def run_file(self, frame: Frame, path: str, scope: Scope) -> None:
        """Mirror `exec` of a file of the artifact."""

    # --- modules ---

    @abstractmethod
    def load(self, name: str) -> Task:
        """Import a module and its parents."""

    @abstractmethod
    def run_module(self, module: Module) -> Task:
        """Run a module's source from top to bottom."""

    @abstractmethod
    def run_source(self, module: Module, path: str) -> Task:
        """Run a source from top to bottom, in a module that may be made from another file."""

    @abstractmethod
    def import_statement(self, frame: Frame, node: ast.Import) -> Task:
        """Run `import a.b as c`."""

    @abstractmethod
    def from_statement(self, frame: Frame, node: ast.ImportFrom) -> Task:
        """Run `from a.b import c as d`."""

    @abstractmethod
    def import_by_name(self, name: Value, package: Value, *, top: bool) -> Value:
        """Mirror `importlib.import_module`, or `__import__` if `top`."""

    @abstractmethod
    def find_spec(self, name: Value) -> Value:
        """Mirror `importlib.util.find_spec`."""

    @abstractmethod
    def module_attribute(self, module: Module, name: str) -> Value:
        """Return an attribute of a module; `ABSENT` if it certainly has none."""

    @abstractmethod
    def is_loaded(self, name: str) -> bool | None:
        """Whether `name in sys.modules`; None where it is not known."""

    @abstractmethod
    def is_left_out(self, value: ExceptionValue) -> bool:
        """Whether something is missing of which the artifact has no trace, either."""

    @abstractmethod
    def forget(self, name: str) -> None:
        """Remove an entry of `sys.modules`."""

    @abstractmethod
    def halt(self, name: str) -> None:
        """Put None into `sys.modules`, so that nothing imports the module."""

    # --- the system ---

    @abstractmethod
    def open_library(self, name: Value, mode: Value = 0) -> Value:
        """Open a shared library as `ctypes.CDLL` does."""

    @abstractmethod
    def open_by_cffi(self, name: Value, mode: Value, *, interpreted: bool) -> Value:
        """Open a shared library as `dlopen` of cffi's FFI does."""

    @abstractmethod
    def find_library(self, name: Value) -> Value:
        """Mirror `ctypes.util.find_library`."""

    def via(self) -> tuple[Site, ...]:
        """Return where the process is, from the importing root down."""
        return tuple(frame.site for frame in self.frames if frame.line)

    def relative(self, path: str) -> PurePosixPath:
        """Return a target path as it is shown: relative to the task root."""
        return PurePosixPath(path.removeprefix(f"{self.world.root}/"))
