"""What the simulation knows of a value: itself, some of it, or nothing.

Constants stand for themselves (`str`, `int`, `bool`, `None`, tuples of values,
…).  The classes here are for everything else, and the members of `Unknown`
for what cannot be known.  Whatever is not known is never guessed.
"""

from __future__ import annotations

import ast
import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from abicheck.model import Failure, Site

Value: TypeAlias = object


class Unknown(enum.Enum):
    """`ANY` may be anything; `THING` is neither None nor false nor empty."""

    ANY = enum.auto()
    THING = enum.auto()


class Absence(enum.Enum):
    """Where a name or an attribute certainly is not there."""

    ABSENT = enum.auto()


ANY: Final = Unknown.ANY
THING: Final = Unknown.THING
ABSENT: Final = Absence.ABSENT

SCALARS = str | bytes | int | float | None

# Classes with `eq=False` are compared by identity, as the objects they stand for.


@dataclass(slots=True, eq=False)
class Scope:
    """The names of a module, a class or a call.

    `maybe` holds names that may or may not be bound.  `open` is set once
    names can have been bound that cannot be told, by `exec` for instance.
    """

    names: dict[str, Value] = field(default_factory=dict)
    maybe: set[str] = field(default_factory=set)
    open: bool = False

    def get(self, name: str) -> Value:
        """Return a name's value; `ANY` if it may be unbound, `ABSENT` if it is."""
        if name not in self.names:
            return ABSENT
        return ANY if name in self.maybe else self.names[name]

    def bind(self, name: str, value: Value, *, sure: bool = True) -> None:
        """Bind a name; where that is not sure to happen, the value is lost."""
        if sure:
            self.names[name] = value
            self.maybe.discard(name)
        elif name not in self.names:
            self.names[name] = ANY
            self.maybe.add(name)
        elif not same(self.names[name], value):
            self.names[name] = ANY

    def unbind(self, name: str, *, sure: bool = True) -> None:
        """Mirror `del name`."""
        if sure:
            self.names.pop(name, None)
            self.maybe.discard(name)
        else:
            self.names[name] = ANY
            self.maybe.add(name)


@dataclass(slots=True, eq=False)
class ListValue:
    """A list or a set; `items` is None once its content is unknown.

    `ordered` is False for a directory listing, which has a content but no
    order that could be foretold.
    """

    items: list[Value] | None
    ordered: bool = True


@dataclass(slots=True, eq=False)
class DictValue:
    """A dictionary with constant keys; `items` is None once its content is unknown."""

    items: dict[Value, Value] | None


class ModuleKind(enum.Enum):
    """What a module of the simulated process was made from."""

    SOURCE = enum.auto()
    EXTENSION = enum.auto()
    NAMESPACE = enum.auto()
    ASSUMED = enum.auto()  # the standard library's, or installed elsewhere
    ALIAS = enum.auto()  # put into sys.modules by hand


@dataclass(slots=True, eq=False)
class Module:
    """An entry of `sys.modules`.

    `initializing` is CPython's `__spec__._initializing`.  `rebound` holds the
    names that its functions may bind at any time.  `hooked` is set once it
    has changed how modules are found.
    """

    name: str
    kind: ModuleKind
    file: str = ""
    scope: Scope = field(default_factory=Scope)
    package: str = ""
    initializing: bool = False
    rebound: frozenset[str] = frozenset()
    hooked: bool = False

    @property
    def is_package(self) -> bool:
        """Whether it has a `__path__`."""
        return "__path__" in self.scope.names

    @property
    def search(self) -> Sequence[Value] | None:
        """The entries of its `__path__`, or None where they are not known."""
        path = self.scope.get("__path__")
        if isinstance(path, ListValue):
            return path.items
        return path if isinstance(path, tuple) else None


@dataclass(frozen=True, slots=True)
class Known:
    """Something that Python itself provides, by its dotted name: `os.path.join`."""

    name: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """A string of which parts are unknown; those are `*`."""

    glob: str


@dataclass(frozen=True, slots=True)
class PathValue:
    """A `pathlib.PurePath`."""

    text: str


@dataclass(frozen=True, slots=True)
class FileValue:
    """An open file of the artifact, its text, or the code compiled from that."""

    path: str


@dataclass(slots=True, eq=False)
class Function:
    """A function of the artifact, with what surrounds it.

    `kind` is `property`, `staticmethod`, `classmethod` or `contextmanager`
    where it was decorated so.
    """

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    module: Module
    closure: tuple[Scope, ...]
    defaults: tuple[Value, ...] = ()
    kw_defaults: tuple[Value, ...] = ()
    kind: str = ""
    owner: ClassValue | None = None

    @property
    def name(self) -> str:
        """Its `__name__`."""
        return "<lambda>" if isinstance(self.node, ast.Lambda) else self.node.name


@dataclass(slots=True, eq=False)
class ClassValue:
    """A class of the artifact."""

    name: str
    bases: tuple[Value, ...]
    scope: Scope


@dataclass(slots=True, eq=False)
class Instance:
    """An object whose class is the artifact's own."""

    cls: ClassValue
    scope: Scope = field(default_factory=Scope)


@dataclass(frozen=True, slots=True, eq=False)
class Super:
    """`super()`: an instance, and the class behind which its attributes are sought."""

    receiver: Instance
    cls: ClassValue


@dataclass(frozen=True, slots=True, eq=False)
class Method:
    """A bound method: the artifact's own `function`, or one of another value."""

    receiver: Value
    name: str
    function: Function | None = None


@dataclass(slots=True, eq=False)
class ExceptionValue:
    """An exception instance.

    `failure` is what an import or a load has come to, if one is behind it;
    `via` is where it happened, from the importing root down; `cause` the
    exception that was being handled then.
    """

    cls: str | ClassValue
    args: tuple[Value, ...] = ()
    attributes: dict[str, Value] = field(default_factory=dict)
    failure: Failure | None = None
    via: tuple[Site, ...] = ()
    cause: ExceptionValue | None = None

    @property
    def type_name(self) -> str:
        """The class's name."""
        return self.cls if isinstance(self.cls, str) else self.cls.name


@dataclass(frozen=True, slots=True)
class Suppress:
    """`contextlib.suppress(…)`."""

    classes: tuple[Value, ...]


def same(left: Value, right: Value) -> bool:
    """Whether two values are certainly one and the same."""
    if left is right:
        return left is not ANY and left is not THING
    return type(left) is type(right) and isinstance(left, SCALARS | Known) and left == right
