"""What can be told of a function without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def is_generator(node: ast.AST) -> bool:
    """Whether calling a function runs none of it: a generator, or a coroutine."""
    return isinstance(node, ast.AsyncFunctionDef) or yields(node)


def yields(node: ast.AST) -> bool:
    """Whether a function has a `yield` of its own."""
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(
        isinstance(each, ast.Yield | ast.YieldFrom) for each in _own_nodes(node)
    )


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a function, those of functions inside it left out."""
    todo = list(ast.iter_child_nodes(node))
    while todo:
        each = todo.pop()
        yield each
        if not isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            todo.extend(ast.iter_child_nodes(each))


def declared_global(node: ast.AST) -> frozenset[str]:
    """Return the names that a function declares `global`."""
    return frozenset(
        name for each in ast.walk(node) if isinstance(each, ast.Global) for name in each.names
    )


def yields_in_try(node: ast.AST) -> bool:
    """Whether a `contextlib.contextmanager` may swallow what its block raises."""
    return any(
        isinstance(inner, ast.Yield)
        for outer in ast.walk(node)
        if isinstance(outer, ast.Try) and outer.handlers
        for statement in outer.body
        for inner in ast.walk(statement)
    )


def may_return_true(node: ast.AST) -> bool:
    """Whether an `__exit__` may ask for the exception to be swallowed."""
    return any(
        isinstance(each, ast.Return)
        and not (each.value is None or ast.unparse(each.value) in ("False", "None"))
        for each in ast.walk(node)
    )
