"""Expressions: what their values are, as far as is known.

An expression is looked at, and where its value does not follow from constants,
paths and the target's own answers it is `ANY`.
"""

from __future__ import annotations

import ast
import builtins
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, Final

from abicheck.python._simulated import builtin, texts
from abicheck.python._simulated.classes import class_name
from abicheck.python._simulated.comparing import compare
from abicheck.python._simulated.frames import Frame
from abicheck.python._simulated.machine import Machine
from abicheck.python._simulated.questions import (
    MAX_ITEMS,
    concatenate,
    is_key,
    is_ordered,
    items_of,
    join,
    shortened,
    truth,
)
from abicheck.python._simulated.raising import DiedError, RaisedError
from abicheck.python._simulated.values import (
    ABSENT,
    ANY,
    THING,
    DictValue,
    ExceptionValue,
    Function,
    Known,
    ListValue,
    Module,
    ModuleKind,
    Pattern,
    Scope,
    Value,
)
from abicheck.python._simulated.world import is_set

# Longer loops are not unrolled.
MAX_LOOP: Final = 256

# Names by which packages know the same module.
_CANONICAL: Final = {"posixpath": "os.path"}

_COMPARISONS: Final[dict[type[ast.cmpop], str]] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}

_MAX_EXPONENT: Final = 64
_TOO_MUCH: Final = 2**65  # beyond what is followed, like any result of that size

_ARITHMETIC: Final[dict[type[ast.operator], Callable[[int, int], int]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.Pow: lambda base, exponent: base**exponent if 0 <= exponent <= _MAX_EXPONENT else _TOO_MUCH,
    ast.LShift: lambda value, bits: value << bits if 0 <= bits <= _MAX_EXPONENT else _TOO_MUCH,
    ast.RShift: operator.rshift,
}


class Expressions(Machine):
    """The part of a process that evaluates expressions."""

    def evaluate(self, frame: Frame, node: ast.expr | None) -> Value:
        """Return the value of an expression."""
        if node is None:
            return None
        if isinstance(node, ast.Constant):
            return node.value
        evaluator = self.EVALUATORS.get(type(node))
        return ANY if evaluator is None else evaluator(self, frame, node)

    def decide(self, frame: Frame, node: ast.expr) -> bool | None:
        """Return whether a condition holds, or None where it is not known."""
        return truth(self.evaluate(frame, node))

    def several(self, frame: Frame, nodes: Iterable[ast.expr]) -> list[Value] | None:
        """Return the values of a display or of arguments; None if a `*` is unknown."""
        values: list[Value] = []
        known = True
        for node in nodes:
            if isinstance(node, ast.Starred):
                items = items_of(self.evaluate(frame, node.value))
                known = known and items is not None
                values += items or ()
            else:
                values.append(self.evaluate(frame, node))
        return values if known and len(values) <= MAX_ITEMS else None

    # --- names and parts ---

    def known(self, name: str) -> Value:
        """Return something of Python's own by its dotted name."""
        head, _, tail = name.rpartition(".")
        name = f"{_CANONICAL[head]}.{tail}" if head in _CANONICAL else name
        if name == "sys.path":
            return self.path
        value = self.world.constant(name)
        return Known(name) if value is None else value

    def name(self, frame: Frame, node: ast.Name) -> Value:
        """Look a name up where the interpreter would."""
        value = frame.lookup(node.id)
        own = Known(f"builtins.{node.id}")
        if value is ANY and class_name(own) is not None and not frame.binds(node.id):
            return own  # whatever may have been bound unseen, it is no exception of Python's
        if value is not ABSENT:
            return value
        if hasattr(builtins, node.id):
            return self.known(f"builtins.{node.id}")
        # A missing name is claimed only where the program is prepared for that.
        if node.id not in frame.module.rebound and self.expects("NameError"):
            raise RaisedError(ExceptionValue("NameError", (f"name {node.id!r} is not defined",)))
        return ANY

    def attribute_of(self, frame: Frame, node: ast.Attribute) -> Value:
        """Evaluate `owner.name`."""
        owner = self.evaluate(frame, node.value)
        value = self.attribute(frame, owner, node.attr)
        if value is not ABSENT:
            return value
        # Only what a Linux CPython lacks is claimed, and what stands where the standard library
        # should: a package can be given more attributes from anywhere.
        if isinstance(owner, Known) or (isinstance(owner, Module) and self._is_plain(owner)):
            text = f"module {owner.name!r} has no attribute {node.attr!r}"
            raise RaisedError(ExceptionValue("AttributeError", (text,)))
        return ANY

    def _is_plain(self, owner: Module) -> bool:
        """Whether a module has no attributes but those that were seen to be bound."""
        if owner.kind is ModuleKind.SOURCE:
            return owner.name in self.world.interpreter.stdlib and not owner.initializing
        return owner.kind is ModuleKind.ASSUMED

    def subscript(self, frame: Frame, node: ast.Subscript) -> Value:
        """Evaluate `owner[key]`."""
        owner = self.evaluate(frame, node.value)
        key = self.key(frame, node.slice)
        if owner in (Known("ctypes.cdll"), Known("ctypes.pydll")):
            return self.open_library(key)
        if owner == Known("sys.modules"):
            return self.modules.get(key, ANY) if isinstance(key, str) else ANY
        if owner == Known("os.environ"):
            value = self.variable(key)
            if value is None:
                raise RaisedError(ExceptionValue("KeyError", (key,)))
            return value
        if isinstance(owner, Scope):
            value = owner.get(key) if isinstance(key, str) else ANY
            return ANY if value is ABSENT else value
        try:
            return texts.subscript(owner, key)
        except RaisedError:
            # What is not there may have been put there by a call that was not followed.
            if self.skipped and isinstance(owner, ListValue | DictValue):
                return ANY
            raise

    def key(self, frame: Frame, node: ast.expr) -> Value:
        """Evaluate what stands between brackets."""
        if not isinstance(node, ast.Slice):
            return self.evaluate(frame, node)
        bounds = [self.evaluate(frame, part) for part in (node.lower, node.upper, node.step)]
        if all(bound is None or isinstance(bound, int) for bound in bounds) and bounds[2] != 0:
            return slice(*bounds)
        return ANY

    def variable(self, name: Value) -> Value:
        """Return an environment variable: None where it is not set, `ANY` if not known."""
        if not isinstance(name, str):
            return ANY
        return self.environ.get(name, ANY if is_set(name) else None)

    # --- displays and texts ---

    def list_display(self, frame: Frame, node: ast.List) -> Value:
        """Evaluate `[a, *b]`."""
        return ListValue(self.several(frame, node.elts))

    def set_display(self, frame: Frame, node: ast.Set) -> Value:
        """Evaluate `{a, *b}`."""
        return ListValue(self.several(frame, node.elts), ordered=False)

    def tuple_display(self, frame: Frame, node: ast.Tuple) -> Value:
        """Evaluate `a, *b`."""
        items = self.several(frame, node.elts)
        return ANY if items is None else shortened(tuple(items))

    def dict_display(self, frame: Frame, node: ast.Dict) -> Value:
        """Evaluate `{a: b, **c}`."""
        items: dict[Value, Value] = {}
        known = True
        for key_node, value_node in zip(node.keys, node.values, strict=True):
            value = self.evaluate(frame, value_node)
            if key_node is None:
                inner = value.items if isinstance(value, DictValue) else None
                known = known and inner is not None
                items.update(inner or {})
                continue
            key = self.evaluate(frame, key_node)
            known = known and is_key(key)
            if known:
                items[key] = value
        return DictValue(items if known else None)

    def formatted(self, frame: Frame, node: ast.JoinedStr) -> Value:
        """Evaluate an f-string."""
        return concatenate(self._pieces(frame, node))

    def _pieces(self, frame: Frame, node: ast.JoinedStr) -> Iterator[Value]:
        for part in node.values:
            if not isinstance(part, ast.FormattedValue):
                yield self.evaluate(frame, part)
                continue
            value = self.evaluate(frame, part.value)
            if part.format_spec is not None or part.conversion == ord("a"):
                yield ANY
            elif part.conversion == ord("r"):
                yield repr(value) if isinstance(value, str | int | None) else ANY
            else:
                yield value

    # --- operators ---

    def unary(self, frame: Frame, node: ast.UnaryOp) -> Value:
        """Evaluate `not a` and `-a`."""
        value = self.evaluate(frame, node.operand)
        if isinstance(node.op, ast.Not):
            answer = truth(value)
            return ANY if answer is None else not answer
        return -value if isinstance(node.op, ast.USub) and isinstance(value, int) else ANY

    def boolean(self, frame: Frame, node: ast.BoolOp) -> Value:
        """Evaluate `a and b` and `a or b`."""
        stops_on = isinstance(node.op, ast.Or)
        unsure = False
        value: Value = ANY
        for operand in node.values:
            value = self.perhaps(frame, operand) if unsure else self.evaluate(frame, operand)
            answer = truth(value)
            if answer is stops_on:
                # An earlier operand may have stopped it, but with the same truth.
                return value if not unsure else THING if stops_on else False
            unsure = unsure or answer is None
        return ANY if unsure else value

    def comparison(self, frame: Frame, node: ast.Compare) -> Value:
        """Evaluate `a < b < c`."""
        left = self.evaluate(frame, node.left)
        known = True
        for op, comparator in zip(node.ops, node.comparators, strict=True):
            right = self.evaluate(frame, comparator)
            answer = self._compare(_COMPARISONS[type(op)], left, right)
            if answer is False:
                return False
            known = known and answer is not None
            left = right
        return True if known else ANY

    def _compare(self, operation: str, left: Value, right: Value) -> bool | None:
        if operation not in ("in", "not in") or not isinstance(left, str):
            return compare(operation, left, right)
        inside = self._is_in(left, right)
        if inside is ANY:
            return compare(operation, left, right)
        return inside is (operation == "in") if isinstance(inside, bool) else None

    def _is_in(self, name: str, container: Value) -> Value:
        """Return whether one of the process's own tables has a name; None if unknown."""
        if isinstance(container, Scope):
            value = container.get(name)
            return None if value is ANY or container.open else value is not ABSENT
        if container == Known("os.environ"):
            value = self.variable(name)
            return None if value is ANY else value is not None
        if container == Known("sys.modules"):
            return self.is_loaded(name)
        if container == Known("sys.builtin_module_names"):
            return name in self.world.interpreter.builtin
        return ANY

    def binary(self, frame: Frame, node: ast.BinOp) -> Value:
        """Evaluate `a + b + …`, from the left and without recursion."""
        chain = [node]
        while isinstance(chain[-1].left, ast.BinOp):
            chain.append(chain[-1].left)
        value = self.evaluate(frame, chain[-1].left)
        for link in reversed(chain):
            value = self.operate(link.op, value, self.evaluate(frame, link.right))
        return value

    def operate(self, op: ast.operator, left: Value, right: Value) -> Value:
        """Return what an operator gives."""
        if isinstance(op, ast.Div):
            return builtin.call("operator.truediv", (left, right), {}, self.world)
        if isinstance(op, ast.Mod) and isinstance(left, str):
            return texts.percent(left, right)
        if isinstance(op, ast.Add):
            sequence = self._add(left, right)
            if sequence is not ABSENT:
                return sequence
        arithmetic = _ARITHMETIC.get(type(op))
        if arithmetic is None or not isinstance(left, int) or not isinstance(right, int):
            return ANY
        try:
            return shortened(arithmetic(left, right))
        except (ArithmeticError, ValueError):
            return ANY

    def _add(self, left: Value, right: Value) -> Value:
        if isinstance(left, str | Pattern) or (isinstance(right, str | Pattern) and left is ANY):
            return concatenate((left, right))
        if isinstance(left, ListValue) and isinstance(right, ListValue):
            if left.items is None or right.items is None:
                return ListValue(None)
            items = left.items + right.items
            ordered = left.ordered and right.ordered
            return ListValue(items if len(items) <= MAX_ITEMS else None, ordered)
        if isinstance(left, tuple) and isinstance(right, tuple):
            return shortened(left + right)
        return ABSENT

    def conditional(self, frame: Frame, node: ast.IfExp) -> Value:
        """Evaluate `a if c else b`."""
        answer = self.decide(frame, node.test)
        if answer is not None:
            return self.evaluate(frame, node.body if answer else node.orelse)
        return join((self.perhaps(frame, node.body), self.perhaps(frame, node.orelse)))

    def perhaps(self, frame: Frame, node: ast.expr) -> Value:
        """Evaluate an operand that may not be evaluated at all."""
        with frame.doubting():
            try:
                return self.evaluate(frame, node)
            except (RaisedError, DiedError) as error:
                self.suspect(error)
                return ANY

    def named(self, frame: Frame, node: ast.NamedExpr) -> Value:
        """Evaluate `name := value`."""
        value = self.evaluate(frame, node.value)
        frame.bind(node.target.id, value)
        return value

    # --- functions and comprehensions ---

    def lambda_(self, frame: Frame, node: ast.Lambda) -> Value:
        """Evaluate `lambda: …`."""
        return self.function(frame, node)

    def function(
        self, frame: Frame, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    ) -> Function:
        """Return a new function; its defaults are evaluated now."""
        return Function(
            node,
            frame.module,
            frame.inner_closure,
            tuple(self.evaluate(frame, each) for each in node.args.defaults),
            tuple(self.evaluate(frame, each) for each in node.args.kw_defaults),
        )

    def comprehension(
        self, frame: Frame, node: ast.ListComp | ast.SetComp | ast.GeneratorExp
    ) -> Value:
        """Evaluate a comprehension over items that are known."""
        results = ListValue([], ordered=not isinstance(node, ast.SetComp))
        items = results.items or []
        known = self._iterate(
            frame,
            node.generators,
            lambda inner: items.append(self.evaluate(inner, node.elt)),
            results,
        )
        results.items = items if known else None
        return results

    def dict_comprehension(self, frame: Frame, node: ast.DictComp) -> Value:
        """Evaluate a comprehension that gives a dictionary."""
        results: dict[Value, Value] = {}

        def add(inner: Frame) -> None:
            key = self.evaluate(inner, node.key)
            results[key if is_key(key) else ANY] = self.evaluate(inner, node.value)

        known = self._iterate(frame, node.generators, add, ListValue([]))
        return DictValue(results if known and ANY not in results else None)

    def _iterate(
        self,
        frame: Frame,
        generators: Sequence[ast.comprehension],
        body: Callable[[Frame], None],
        results: ListValue,
    ) -> bool:
        """Run a comprehension; return whether it is known which items it takes."""
        first, *rest = generators
        source = self.evaluate(frame, first.iter)
        items = items_of(source)
        if items is None or len(items) > MAX_LOOP:
            return False
        results.ordered = results.ordered and is_ordered(source)
        inner = Frame(
            frame.module,
            Scope(),
            frame.inner_closure if not frame.is_class else (frame.scope, *frame.closure),
            frame.path,
            frame.line,
            doubted=not frame.certain,
        )
        for item in items:
            self.spend()
            self.assign(inner, first.target, item)
            answers = [self.decide(inner, test) for test in first.ifs]
            if False in answers:
                continue
            if None in answers:
                return False
            if not rest:
                body(inner)
            elif not self._iterate(inner, rest, body, results):
                return False
        return True

    EVALUATORS: ClassVar[Mapping[type[ast.expr], Callable[..., Value]]] = {
        ast.Attribute: attribute_of,
        ast.BinOp: binary,
        ast.BoolOp: boolean,
        ast.Compare: comparison,
        ast.Dict: dict_display,
        ast.DictComp: dict_comprehension,
        ast.GeneratorExp: comprehension,
        ast.IfExp: conditional,
        ast.JoinedStr: formatted,
        ast.Lambda: lambda_,
        ast.List: list_display,
        ast.ListComp: comprehension,
        ast.Name: name,
        ast.NamedExpr: named,
        ast.Set: set_display,
        ast.SetComp: comprehension,
        ast.Subscript: subscript,
        ast.Tuple: tuple_display,
        ast.UnaryOp: unary,
    }
