"""The frames of the simulated program, and what a `try` is prepared for."""

from __future__ import annotations

import ast
import enum
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from abicheck.model import Site
from abicheck.python._simulated.classes import catches
from abicheck.python._simulated.raising import RaisedError
from abicheck.python._simulated.values import (
    ABSENT,
    ANY,
    ExceptionValue,
    Function,
    Known,
    Module,
    Scope,
    Value,
)
from abicheck.python.source import bound_names


class Flow(enum.Enum):
    """How a block of statements was left."""

    NEXT = enum.auto()
    RETURN = enum.auto()
    BREAK = enum.auto()
    CONTINUE = enum.auto()


@dataclass(slots=True, eq=False)
class Frame:
    """One running module, class body or call.

    `unsure` counts the enclosing blocks that may not run at all; `left` and
    `looped` are set once a `return`, or a `break` or `continue`, may have been
    taken, and `broken` once a `break` may have been.  `doubted` says that the
    frame as a whole may not run: its own names are then as good as ever, but
    what it does to others is not certain.
    """

    module: Module
    scope: Scope
    closure: tuple[Scope, ...] = ()
    path: PurePosixPath = field(default_factory=PurePosixPath)
    line: int = 0
    function: Function | None = None
    is_class: bool = False
    doubted: bool = False
    unsure: int = 0
    left: bool = False
    looped: bool = False
    broken: bool = False
    returns: list[Value] = field(default_factory=list)
    declared: set[str] = field(default_factory=set)
    handling: list[ExceptionValue] = field(default_factory=list)

    @property
    def sure(self) -> bool:
        """Whether what happens now certainly happens, if the frame runs."""
        return not (self.unsure or self.left or self.looped)

    @property
    def certain(self) -> bool:
        """Whether what happens now certainly happens."""
        return self.sure and not self.doubted

    @property
    def site(self) -> Site:
        """The line that is being run."""
        return Site(self.path, self.line)

    @property
    def inner_closure(self) -> tuple[Scope, ...]:
        """The scopes that a function defined here can see, besides its module's."""
        if self.is_class or self.scope is self.module.scope:
            return self.closure
        return (self.scope, *self.closure)

    @contextmanager
    def doubting(self) -> Iterator[None]:
        """Run a block that may not run at all."""
        self.unsure += 1
        try:
            yield
        finally:
            self.unsure -= 1

    def lookup(self, name: str) -> Value:
        """Return the value of a name, `ANY` if it may be unbound, `ABSENT` if it is."""
        for scope in (self.scope, *self.closure, self.module.scope):
            value = scope.get(name)
            if value is not ABSENT:
                return value
        return ANY if self.scope.open or self.module.scope.open else ABSENT

    def binds(self, name: str) -> bool:
        """Whether a name was seen to be bound, if only perhaps."""
        return any(name in scope.names for scope in (self.scope, *self.closure, self.module.scope))

    def bind(self, name: str, value: Value) -> None:
        """Bind a name where the compiler would."""
        if name in self.declared:
            owners = [each for each in self.closure if name in each.names]
            scope = owners[0] if owners else self.module.scope
            scope.bind(name, value, sure=self.certain)
        else:
            self.scope.bind(name, value, sure=self.sure)

    def owns(self, value: Value) -> bool:
        """Whether changing a value certainly happens, or concerns this frame alone."""
        if not self.sure:
            return False
        return not self.doubted or any(value is each for each in self.scope.names.values())


@dataclass(slots=True, eq=False)
class Guarded:
    """A running `try` (or `suppress`): what it would catch, and what it may have to.

    `listed` has the value of each clause's expression, `ABSENT` for a bare one;
    `line` is where `frame` was when the first of the `possible` failures came up.
    """

    frame: Frame
    listed: Sequence[Value]
    possible: list[RaisedError] = field(default_factory=list)
    line: int = 0

    def note(self, error: RaisedError) -> None:
        """Keep a failure that may happen, in the statement that its block has come to."""
        if not self.possible:
            self.line = self.frame.line
        self.possible.append(error)

    def forget_rest(self, body: Sequence[ast.stmt]) -> None:
        """Make unsure what the block has bound from its first possible failure on."""
        rest = [each for each in body if self.possible and (each.end_lineno or 0) >= self.line]
        for name in bound_names(rest):
            self.frame.scope.bind(name, ANY, sure=False)

    def catches(self, value: ExceptionValue) -> bool | None:
        """Whether one of its clauses catches an exception; None if it cannot be told."""
        answers = [each is ABSENT or catches(each, value) for each in self.listed]
        if True in answers:
            return True
        return None if None in answers else False

    def names(self, cls: str) -> bool:
        """Whether a clause lists this very class of Python's own."""
        wanted = Known(f"builtins.{cls}")
        return any(
            each == wanted or (isinstance(each, tuple) and wanted in each) for each in self.listed
        )
