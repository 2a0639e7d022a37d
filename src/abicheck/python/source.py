"""Python source as the import simulation reads it: parsed, never executed.

Pure.  `ast.parse` is the only thing that is ever done with an artifact's code.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from abicheck.model import DEFAULT_LIMITS, Limits, reached
from abicheck.python.bounds import exceeded, is_deeper
from abicheck.python.syntax import RefusedError, parse

_MAX_WRITTEN = 50  # levels of an expression that is spelt out, as no class name or test needs

# The importer calls itself for each parent: CPython 3.13 gives up at about 300 of them.
MAX_PARTS = 256

_DOTTED = re.compile(rb"(?:\.[ \t\f\\\r\n]*+[\w\x80-\xff]++[ \t\f\\\r\n]*+){16,}+")

# What `compile` raises for text that it cannot read: a bad cookie or NUL bytes
# are ValueErrors.
_UNREADABLE = (SyntaxError, ValueError)


_DEAD_TEST = re.compile(
    r"(?:typing\.|t\.)?TYPE_CHECKING|False|0|(?:sys\.)?platform == '(?!linux)\w+'"
    r"|(?:sys\.)?platform\.startswith\('(?!linux)\w+'\)|os\.name == '(?!posix)\w+'"
    r"|(?:sys\.)?platform != 'linux'|os\.name != 'posix'"
)
_LIVE_TEST = re.compile(
    r"not (?:typing\.|t\.)?TYPE_CHECKING|(?:sys\.)?platform == 'linux'|os\.name == 'posix'"
)

_COMPARISONS: Final[Mapping[type[ast.cmpop], Callable[[Any, Any], bool]]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
}


@dataclass(frozen=True, slots=True)
class Guard:
    """One `except` clause around an import.

    `caught` holds the class names it lists as written, None for a bare
    `except:`.  `imports` is what its body asks for instead.
    """

    caught: tuple[str, ...] | None
    reraises: bool = False
    imports: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True)
class Reference:
    """One place that imports `module`, and `names` from it.

    `guards` has the clauses of the surrounding `try` statements, the innermost
    first.  `deferred` says that it stands in a function, so that importing
    the file alone does not reach it; `never` that it stands behind a test that
    fails on Linux or on the target's Python, or that only type checkers pass.
    """

    module: str
    line: int
    names: tuple[str, ...] = ()
    guards: tuple[tuple[Guard, ...], ...] = ()
    deferred: bool = False
    never: bool = False

    def asks_for(self, module: str) -> bool:
        """Whether it imports `module`, or something below it."""
        if self.module == module or self.module.startswith(f"{module}."):
            return True
        parent, _, tail = module.rpartition(".")
        return self.module == parent and tail in self.names


@dataclass(frozen=True, slots=True)
class Source:
    """The statements of one module, or the reason why they cannot be read.

    `rebound` holds the names that functions declare `global`: their values
    are not known from the top level alone.  `refused` is what the target's
    compiler raises for it, where that is certain.
    """

    module: str
    is_package: bool
    body: tuple[ast.stmt, ...] = ()
    rebound: frozenset[str] = frozenset()
    unreadable: str | None = None
    refused: RefusedError | None = None
    too_deep: bool = False

    @property
    def package(self) -> str:
        """The value of `__package__`: what relative imports start from."""
        return self.module if self.is_package else self.module.rpartition(".")[0]


def read_source(  # noqa: PLR0913 - every one but three has a default
    data: bytes,
    *,
    is_package: bool,
    module: str,
    path: str = "",
    version: tuple[int, int] | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Source:
    """Parse one file as the compiler of CPython `version` would, or say why not.

    Coding cookies and byte order marks are honoured.  Syntax that is newer
    than the interpreter which runs the check is read as far as importing goes.
    """
    too_much = exceeded(data, limits)
    if too_much is not None:
        return Source(module, is_package, unreadable=too_much)
    if _has_endless_name(data):
        return Source(module, is_package, unreadable="a name has more parts than can be imported")
    try:
        body = parse(data, path, version)
    except RefusedError as error:
        return Source(module, is_package, unreadable=str(error), refused=error)
    except (RecursionError, MemoryError):
        # CPython 3.13 gives up at some 10,000 levels, older ones at 3,000; it says so by either.
        body, too_deep = [], True
    except _UNREADABLE as error:
        return Source(module, is_package, unreadable=f"{type(error).__name__}: {error}")
    else:
        too_deep = is_deeper(body, data, limits.depth)
    if too_deep:
        detail = f"its syntax tree has more than {limits.depth:,} levels"
        return Source(module, is_package, unreadable=reached("depth", detail), too_deep=True)
    # Walking a tree takes a fifth of the time that parsing takes, and most have no such word;
    # in a coding of its own a source may write it otherwise.
    walk = b"global" in data or b"coding" in b"".join(data.split(b"\n", 2)[:2])
    rebound = _rebound(body) if walk else frozenset()
    return Source(module, is_package, tuple(body), rebound)


def _rebound(body: Sequence[ast.stmt]) -> frozenset[str]:
    """Return the names that functions declare `global`."""
    return frozenset(
        name
        for statement in _statements(body, functions=True)
        if isinstance(statement, ast.Global)
        for name in statement.names
    )


def _has_endless_name(data: bytes) -> bool:
    """Whether a dotted name has absurdly many parts: CPython joins them in quadratic time."""
    if data.count(b".") < MAX_PARTS:
        return False
    # One logical line: without a continuation it is as long as it has two bytes a part.
    if b"\\\n" not in data and b"\\\r" not in data:
        longest = max(map(len, data.split(b"\n")))
        if longest < 2 * MAX_PARTS:
            return False
    return any(match[0].count(b".") >= MAX_PARTS for match in _DOTTED.finditer(data))


def resolve(name: str, level: int, package: str) -> str | None:
    """Return the absolute name of a relative import; None beyond the top level.

    Mirrors `importlib._bootstrap._resolve_name`.
    """
    if level == 0:
        return name
    bits = package.rsplit(".", level - 1)
    if not package or len(bits) < level:
        return None
    return f"{bits[0]}.{name}" if name else bits[0]


def bound_names(statements: Sequence[ast.stmt]) -> frozenset[str]:
    """Return every name that these statements can bind where they stand."""
    names: set[str] = set()
    for statement in _statements(statements):
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(statement.name)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            names.update(alias.asname or alias.name.partition(".")[0] for alias in statement.names)
        else:
            names.update(
                node.id
                for expression in ast.iter_child_nodes(statement)
                if isinstance(expression, ast.expr | ast.withitem)
                for node in ast.walk(expression)
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            )
    return frozenset(names)


def references(source: Source, version: tuple[int, int] | None = None) -> tuple[Reference, ...]:
    """Return every import of a source, those inside functions included.

    `version` is that of the Python that runs it, as far as tests of it are to be told.
    """
    where = _Where(source.package, version)
    return tuple(_references(source.body, where, {}, deferred=False))


class _Where(NamedTuple):
    """What the meaning of an import depends on, besides its own text."""

    package: str
    version: tuple[int, int] | None


def _references(
    body: Sequence[ast.stmt],
    where: _Where,
    known: dict[ast.ExceptHandler, Guard],
    *,
    deferred: bool,
) -> Iterator[Reference]:
    """Yield the imports below some statements; `known` has the guards that were read before."""
    todo = [_Below(statement, (), deferred=deferred, never=False) for statement in reversed(body)]
    while todo:
        statement, guards, here, never = todo.pop()
        for module, names in _imported(statement, where.package):
            yield Reference(module, statement.lineno, names, guards, here, never)
        inner, later = guards, here
        covered = guards
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            inner, later = (), True
        elif isinstance(statement, ast.With | ast.AsyncWith):
            suppressed = _suppressed(statement)
            inner = ((Guard(suppressed),), *guards) if suppressed else guards
        elif isinstance(statement, ast.Try | ast.TryStar):
            for handler in statement.handlers:
                if handler not in known:
                    known[handler] = _guard(handler, where, known, deferred=here)
            covered = (tuple(known[handler] for handler in statement.handlers), *guards)
        dead = _dead_branch(statement, where.version)
        blocks = list(_blocks(statement))
        for block in reversed(blocks):
            is_tried = isinstance(statement, ast.Try | ast.TryStar) and block is statement.body
            around = covered if is_tried else inner
            todo += (
                _Below(each, around, deferred=later, never=never or block is dead)
                for each in reversed(block)
            )


class _Below(NamedTuple):
    """A statement that is still to be looked at, and what stands around it."""

    statement: ast.stmt
    guards: tuple[tuple[Guard, ...], ...]
    deferred: bool
    never: bool


def _imported(statement: ast.stmt, package: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the modules that one statement imports, and the names it takes from them.

    A name of more parts than can be imported is none.
    """
    for module, names in _named(statement, package):
        if module.count(".") < MAX_PARTS:
            yield module, names


def _named(statement: ast.stmt, package: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            yield alias.name, ()
    elif isinstance(statement, ast.ImportFrom):
        module = resolve(statement.module or "", statement.level, package)
        if module is not None:
            yield module, tuple(alias.name for alias in statement.names)
    else:
        module = _dynamic_import(statement, package)
        if module is not None:
            yield module, ()


def _dead_branch(statement: ast.stmt, version: tuple[int, int] | None) -> list[ast.stmt] | None:
    """Return the branch that is never taken on the target, where the test says so by itself."""
    if not isinstance(statement, ast.If):
        return None
    newer = _compared(statement.test, version) if version is not None else None
    if newer is not None:
        return statement.orelse if newer else statement.body
    test = _written(statement.test)
    if _DEAD_TEST.fullmatch(test):
        return statement.body
    return statement.orelse if _LIVE_TEST.fullmatch(test) else None


def _compared(test: ast.expr, version: tuple[int, int]) -> bool | None:
    """Return how `sys.version_info >= (3, 11)` and its like end; None for any other test."""
    if not isinstance(test, ast.Compare) or len(test.ops) > 1:
        return None
    compare = _COMPARISONS.get(type(test.ops[0]))
    if compare is None or _written(test.left) not in ("sys.version_info", "version_info"):
        return None
    other = test.comparators[0]
    if not isinstance(other, ast.Tuple) or len(other.elts) > len(version):
        return None
    numbers = [e.value for e in other.elts if isinstance(e, ast.Constant)]
    if len(numbers) < len(other.elts) or not all(isinstance(number, int) for number in numbers):
        return None
    # The patch release comes behind what is compared, so that equal numbers are less.
    return compare((*version, 0), tuple(numbers))


def _guard(
    handler: ast.ExceptHandler,
    where: _Where,
    known: dict[ast.ExceptHandler, Guard],
    *,
    deferred: bool,
) -> Guard:
    kind = handler.type
    listed = kind.elts if isinstance(kind, ast.Tuple) else [kind] if kind is not None else None
    return Guard(
        None if listed is None else tuple(map(_written, listed)),
        any(isinstance(statement, ast.Raise) for statement in _statements(handler.body)),
        tuple(_references(handler.body, where, known, deferred=deferred)),
    )


def _written(expression: ast.expr) -> str:
    """Return the text of an expression; nothing where it nests too deeply to be written."""
    level: list[ast.AST] = [expression]
    for _ in range(_MAX_WRITTEN):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return ast.unparse(expression)
    return ""


def _suppressed(statement: ast.With | ast.AsyncWith) -> tuple[str, ...]:
    """Return the class names in `with contextlib.suppress(…)`."""
    return tuple(
        _written(argument)
        for item in statement.items
        if isinstance(item.context_expr, ast.Call)
        and _written(item.context_expr.func).rpartition(".")[2] == "suppress"
        for argument in item.context_expr.args
    )


def _dynamic_import(statement: ast.stmt, package: str) -> str | None:
    """Return the module that a plain `import_module("…")` statement names."""
    if not isinstance(statement, ast.Expr | ast.Assign | ast.AnnAssign | ast.Return):
        return None
    call = statement.value
    if not isinstance(call, ast.Call) or not call.args:
        return None
    function = call.func
    called = function.attr if isinstance(function, ast.Attribute) else None
    called = function.id if isinstance(function, ast.Name) else called
    first = call.args[0]
    if called not in ("import_module", "__import__") or not isinstance(first, ast.Constant):
        return None
    if not isinstance(first.value, str):
        return None
    name = first.value.lstrip(".")
    return resolve(name, len(first.value) - len(name), package)


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """Yield the statement lists of a compound statement, in order."""
    for field in ("body", "handlers", "orelse", "finalbody", "cases"):
        part = getattr(statement, field, None)
        if not part:
            continue
        if isinstance(part[0], ast.stmt):
            yield part
        else:
            yield from (each.body for each in part)


def _statements(body: Sequence[ast.stmt], *, functions: bool = False) -> Iterator[ast.stmt]:
    """Yield every statement; those of functions and classes only if asked for."""
    todo = list(reversed(body))
    scopes = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    while todo:
        statement = todo.pop()
        yield statement
        if functions or not isinstance(statement, scopes):
            for block in _blocks(statement):
                todo.extend(reversed(block))
