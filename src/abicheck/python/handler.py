"""What Lambda's bootstrap makes of the handler setting, before and after it imports.

Mirrors `_get_handler` in `awslambdaric/bootstrap.py` (aws-lambda-python-runtime-interface-client),
whose texts are given word for word.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from abicheck.model import Failure, Interpreter

# Frozen into the interpreter, and so in nobody's `sys.builtin_module_names`.
_FROZEN: Final = frozenset(
    (
        "abc", "codecs", "genericpath", "importlib", "io", "ntpath", "os", "posixpath", "runpy",
        "site", "stat", "zipimport",
    )
)  # fmt: skip


_GIVEN = 2  # an event and a context


@dataclass(frozen=True, slots=True)
class Handler:
    """A handler setting taken apart: `module` as it is written, which is how it is logged."""

    module: str
    function: str

    @property
    def dotted(self) -> str:
        """The name that is imported: slashes are taken for dots."""
        return self.module.replace("/", ".")


def parse_handler(setting: str) -> Handler | Failure:
    """Return the parts of a setting, or what the runtime logs where it has only one."""
    module, dot, function = setting.rpartition(".")
    if not dot:
        text = f"Bad handler '{setting}': not enough values to unpack (expected 2, got 1)"
        return Failure("Runtime.MalformedHandlerName", text)
    return Handler(module, function)


def refused(handler: Handler, interpreter: Interpreter) -> Failure | None:
    """Return what ends the start before anything is looked for: a name that is no module's."""
    top = handler.module.split(".")[0]
    if top in interpreter.builtin - _FROZEN:
        text = f"Cannot use built-in module {handler.module} as a handler module"
        return Failure("Runtime.BuiltInModuleConflict", text)
    # The texts of `importlib.import_module` and of its own `_sanity_check`.
    if handler.dotted.startswith("."):
        text = "the 'package' argument is required to perform a relative import for "
        return Failure("TypeError", f"{text}{handler.dotted!r}")
    if not handler.dotted:
        return Failure("ValueError", "Empty module name")
    return None


def missing(handler: Handler) -> Failure:
    """Return what the runtime logs where the module has no such name."""
    text = f"Handler '{handler.function}' missing on module '{handler.module}'"
    return Failure("Runtime.HandlerNotFound", text)


def called(value: str) -> Failure:
    """Return what the first event ends in where the name is bound to something of that type."""
    return Failure("TypeError", f"{value!r} object is not callable")


def given(node: ast.AST, *, is_generator: bool) -> Failure | None:
    """Return what the first event ends in where the function gives what is no JSON."""
    if isinstance(node, ast.AsyncFunctionDef):
        kind = "async_generator" if is_generator else "coroutine"
    elif is_generator:
        kind = "generator"
    else:
        return None
    text = f"Unable to marshal response: Object of type {kind} is not JSON serializable"
    return Failure("Runtime.MarshalError", text)


def not_taken(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> Failure | None:
    """Return what calling a function with an event and a context ends in; None where it takes them.

    Mirrors `too_many_positional` and `missing_arguments` in `Python/ceval.c`.
    """
    name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
    spec = node.args
    positional = [each.arg for each in (*spec.posonlyargs, *spec.args)]
    required = positional[: len(positional) - len(spec.defaults)]
    if len(positional) < _GIVEN and spec.vararg is None:
        takes = f"{len(positional)}"
        if spec.defaults:
            takes = f"from {len(required)} to {len(positional)}"
        plural = "" if len(positional) == 1 and not spec.defaults else "s"
        text = f"{name}() takes {takes} positional argument{plural} but 2 were given"
        return Failure("TypeError", text)
    lacking = required[_GIVEN:]
    kind = "positional"
    if not lacking:
        pairs = zip(spec.kwonlyargs, spec.kw_defaults, strict=True)
        lacking = [each.arg for each, default in pairs if default is None]
        kind = "keyword-only"
    if not lacking:
        return None
    plural = "" if len(lacking) == 1 else "s"
    text = f"{name}() missing {len(lacking)} required {kind} argument{plural}: {_listed(lacking)}"
    return Failure("TypeError", text)


def _listed(names: Sequence[str]) -> str:
    """Mirror `format_missing`: `'a'`, `'a' and 'b'`, `'a', 'b', and 'c'`."""
    quoted = [f"{name!r}" for name in names]
    if len(quoted) == 1:
        return quoted[0]
    if len(quoted) == _GIVEN:
        return f"{quoted[0]} and {quoted[1]}"
    return f"{', '.join(quoted[:-2])}, {quoted[-2]}, and {quoted[-1]}"
