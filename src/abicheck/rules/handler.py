"""ABI6xx: what Lambda meets between the handler's setting and the first event."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from abicheck.model import Case, Failure, Fault, Location, Prediction, Severity, Verdict
from abicheck.rules._rule import rule
from abicheck.rules._told import told, words

_SETTING: Final = ("Runtime.MalformedHandlerName", "Runtime.BuiltInModuleConflict")
# Of a module's name alone, no file being looked for: see `refused` in python/handler.py.
_NAMES: Final = ("Empty module name", "the 'package' argument is required to perform a relative")
_SYNTAX: Final = ("SyntaxError", "IndentationError", "TabError")
_MISSING: Final = "Runtime.HandlerNotFound"
_GIVEN: Final = "Runtime.MarshalError"


def _kind(handler: Prediction) -> str:
    """Return the code of the rule that speaks of how the handler's start ends."""
    failure = handler.failure
    if failure is None:
        return "ABI602"
    text = failure.message or ""
    if failure.exception in _SETTING or (text.startswith(_NAMES) and not handler.via):
        return "ABI605"
    if failure.exception == _MISSING:
        return "ABI604"
    if failure.exception in _SYNTAX and handler.verdict is Verdict.FAILS:
        return "ABI606"
    is_event = failure.exception == "TypeError" and not handler.via
    return "ABI607" if is_event or failure.exception == _GIVEN else "ABI602"


def _failing(case: Case, code: str) -> Iterator[tuple[Prediction, Failure]]:
    handler = case.handler
    if handler is not None and handler.verdict is not Verdict.LOADS:
        failure = handler.failure or Failure(None, None)
        if _kind(handler) == code:
            yield handler, failure


def _file(handler: Prediction) -> PurePosixPath:
    """Return the file in which the start ends, as the artifact names it."""
    if handler.via:
        return handler.via[-1].path
    return PurePosixPath(f"{handler.module.replace('.', '/').strip('/') or 'handler'}.py")


@rule(
    "ABI602",
    Severity.ERROR,
    "the handler's module cannot be imported",
    explanation="Lambda imports the handler's module when the function starts.  This import ends "
    "in an exception that no binary is to blame for: a module that is not there, or code that "
    "raises.",
    messages=("Unable to import module '*': *", "No module named '*'"),
    causes=(
        "the folder was zipped, not its content",
        "a requirement that was not installed into the artifact",
        "the handler setting names another file",
    ),
    fixes=("zip the content of the build folder: cd BUILD_DIR && zip -r ../app.zip .",),
)
def handler_not_importable(case: Case) -> Iterator[Fault]:
    """A named handler must be imported, or the artifact does not pass."""
    for handler, failure in _failing(case, "ABI602"):
        if words(failure) in set(told(case)):
            return
        certain = handler.verdict is Verdict.FAILS
        path = _file(handler)
        text = words(failure) or failure.exception or ""
        why = "no binary of the artifact is to blame" if certain else "the sources do not tell"
        fix = ""
        facts = case.handler_facts
        if facts is not None and facts.deeper:
            path, why, fix = _too_deep(facts.deeper[0], handler)
        elif facts is not None and facts.near:
            why = f"the artifact has {_any(facts.near)}"
            fix = f"set the handler to {facts.near[0]}"
        yield Fault(
            Location(path),
            f"importing {handler.module} {'fails' if certain else 'may fail'}: {text}",
            subject=handler.module,
            why=why,
            module=handler.module,
            fix=fix,
            failure=handler.failure,
            via=handler.via,
            severity=None if certain else Severity.WARNING,
        )


def _too_deep(file: PurePosixPath, handler: Prediction) -> tuple[PurePosixPath, str, str]:
    """Return the file that was meant, why it is not found, and how to pack it."""
    depth = len(handler.module.split(".")) + (file.name == "__init__.py")
    folder = PurePosixPath(*file.parts[: len(file.parts) - depth])
    why = f"{file} is there: it lies in {folder}/, and the importer looks beside that folder"
    return file, why, f"cd {shlex.quote(str(folder))} && zip -r ../app.zip ."


def _any(names: tuple[str, ...]) -> str:
    return " or ".join(names)


@rule(
    "ABI604",
    Severity.ERROR,
    "the handler's function is not in its module",
    explanation="After the import Lambda takes the function from the module by its name.  It may "
    "be defined there, imported there or assigned; here the module was read to its end and nothing "
    "binds the name.",
    messages=("Handler '*' missing on module '*'", "Runtime.HandlerNotFound"),
    causes=(
        "the function was renamed, and the setting was not",
        "the module is named like one of the standard library that the runtime has imported before",
    ),
    fixes=("set the handler to MODULE.FUNCTION, or give the function the name that is set",),
)
def handler_not_found(case: Case) -> Iterator[Fault]:
    """The module binds the name that the setting ends in."""
    for handler, failure in _failing(case, "ABI604"):
        setting = case.handler_facts.setting if case.handler_facts is not None else ""
        near = case.handler_facts.near if case.handler_facts is not None else ()
        yield Fault(
            Location(_file(handler)),
            words(failure) or "",
            subject=setting,
            why=f"the module has {_any(near)}" if near else "nothing at its top level binds it",
            fix=f"set the handler to {near[0]}" if near else "",
            module=handler.module,
            failure=failure,
        )


@rule(
    "ABI605",
    Severity.ERROR,
    "a handler setting that names no module",
    explanation="Lambda cuts the setting at its last dot into a module and a function, and takes "
    "slashes for dots.  What is left of this one cannot be imported, whatever files there are: "
    "there is no dot in it, it begins with one, or it names a module that is built into Python.",
    messages=(
        "Bad handler '*': not enough values to unpack (expected 2, got 1)",
        "Cannot use built-in module * as a handler module",
        "the 'package' argument is required to perform a relative import for '*'",
        "Empty module name",
        "Runtime.MalformedHandlerName",
        "Runtime.BuiltInModuleConflict",
    ),
    causes=("a setting such as `./app.handler`, or one without a function",),
    fixes=("set the handler to MODULE.FUNCTION, such as app.handler or src/app.handler",),
)
def malformed_handler(case: Case) -> Iterator[Fault]:
    """A setting is MODULE.FUNCTION."""
    for handler, failure in _failing(case, "ABI605"):
        setting = case.handler_facts.setting if case.handler_facts is not None else handler.module
        yield Fault(
            Location(PurePosixPath()),
            words(failure) or "",
            subject=setting,
            why=f"the setting is {setting!r}",
            failure=failure,
        )


@rule(
    "ABI606",
    Severity.ERROR,
    "source that this Python cannot compile",
    explanation="Importing the handler's module leads to a file with syntax that the target's "
    "CPython does not have, or that no CPython has.  The compiler's own text differs a little from "
    "one release to the next.",
    messages=("Syntax error in module '*': *", "Runtime.UserCodeSyntaxError"),
    causes=(
        "code for a newer Python than the runtime: except*, type parameters, nested f-strings",
        "code for Python 2",
        "a file that was merged with conflicts, or cut off",
    ),
    fixes=("choose a runtime of the Python that the code is written for",),
)
def syntax_error(case: Case) -> Iterator[Fault]:
    """What the handler imports compiles on the target."""
    for handler, failure in _failing(case, "ABI606"):
        yield Fault(
            Location(_file(handler)),
            f"importing {handler.module} fails: {words(failure)}",
            subject=handler.module,
            why=f"CPython {case.profile.interpreter.dotted} does not compile it",
            module=handler.module,
            failure=failure,
            via=handler.via,
        )


@rule(
    "ABI607",
    Severity.ERROR,
    "the handler cannot take an event",
    explanation="Lambda calls the handler with two arguments, the event and the context, and "
    "writes what it returns as JSON.  The function starts, and every event ends in this error.",
    messages=(
        "* takes * positional argument* but 2 were given",
        "* missing * required positional argument*",
        "* missing * required keyword-only argument*",
        "'*' object is not callable",
        "Unable to marshal response: Object of type * is not JSON serializable",
    ),
    causes=(
        "a function that takes no context",
        "an `async def`, which the Python runtimes do not await",
        "a setting that names a module or a value",
    ),
    fixes=("def handler(event, context):", "def handler(event, context): return asyncio.run(...)"),
)
def handler_not_callable(case: Case) -> Iterator[Fault]:
    """A handler is a function of an event and a context that returns a value."""
    for handler, failure in _failing(case, "ABI607"):
        setting = case.handler_facts.setting if case.handler_facts is not None else handler.module
        yield Fault(
            Location(_file(handler)),
            f"every event ends in {failure.exception}: {words(failure)}",
            subject=setting,
            why="the handler is called with an event and a context, and its result made JSON",
            module=handler.module,
            failure=failure,
        )


RULES: Final = (
    handler_not_importable,
    handler_not_found,
    malformed_handler,
    syntax_error,
    handler_not_callable,
)
