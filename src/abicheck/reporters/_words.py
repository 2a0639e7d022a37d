"""Sentences that more than one format prints, and what makes text safe to print."""

from __future__ import annotations

import unicodedata
from typing import Final

from abicheck.model import (
    Failure,
    Finding,
    FunctionLayer,
    Irregular,
    Location,
    Report,
    Severity,
    Verdict,
)

_IMPORT_ERRORS: Final = ("ImportError", "ModuleNotFoundError")
_SYNTAX_ERRORS: Final = ("SyntaxError", "IndentationError", "TabError")
_LAMBDAS_PYTHON: Final = "/var/lang/"
# The words of the Go runtime that starts the bootstrap and watches it die.
_DEATHS: Final = {
    "SIGBUS": "signal: bus error",
    "SIGSEGV": "signal: segmentation fault",
    "SIGABRT": "signal: aborted",
    "SIGILL": "signal: illegal instruction",
    "exit 127": "exit status 127",
}
_DEFAULT_HANDLER: Final = "lambda_function"
_ANY_HANDLER: Final = "HANDLER"
_UNSAFE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
# As Python itself writes them; messages of the runtime have lines.
_WRITTEN: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str) -> str:
    """Return text from an artifact without a control, format or bidi character.

    Each is written as an escape, so that nothing of an artifact reaches the
    terminal as a command.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if unicodedata.category(c) not in _UNSAFE else _escape(c) for c in text)


def _escape(character: str) -> str:
    code = ord(character)
    if character in _WRITTEN:
        return _WRITTEN[character]
    if code <= 0xFF:  # noqa: PLR2004 - one byte
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - the BMP


def title(report: Report) -> str:
    """Return the artifact's name, after that of the function it is for."""
    artifact = printable(report.inventory.artifact)
    if report.inventory.is_layer:
        artifact += " (a layer)"
    elif report.inventory.layers:
        artifact += f" with {number(len(report.inventory.layers), 'layer')}"
    return f"{printable(report.function)} ({artifact})" if report.function else artifact


def member(report: Report, finding: Finding) -> str:
    """Return the path of a finding's file inside the artifact, or the artifact's own name."""
    location = finding.fault.location
    if location.path.parts:
        return str(location)
    return location.layer if layer_of(report, location) else report.inventory.artifact


def layer_of(report: Report, location: Location) -> FunctionLayer | None:
    """Return the function's layer that a file came by; None for one of its own, or an image's."""
    return next((each for each in report.inventory.layers if each.name == location.layer), None)


def path_in(report: Report, location: Location) -> str:
    """Return a file's path in the artifact, after the name of its layer where it has one.

    By which layer of an image it came is no part of it.
    """
    return str(location if layer_of(report, location) else location.path)


def printable_lines(text: str) -> str:
    """Return text that is safe to print, its lines kept."""
    return "\n".join(printable(line) for line in text.splitlines())


def handler_module(report: Report) -> str:
    """Return the module that Lambda would be told to import: the one named, else a usual one.

    A module that is predicted to load is not guessed: nothing fails of it.
    """
    if report.setting is not None:
        return report.setting.rpartition(".")[0]
    if report.handler is not None:
        return report.handler.module
    loading = {item.name for item in report.packages if item.prediction.verdict is Verdict.LOADS}
    usual = (_DEFAULT_HANDLER, "handler", "app", "main", "index", "lambda_handler")
    there = (name for name in usual if name in report.inventory.packages and name not in loading)
    return next(there, _ANY_HANDLER if _DEFAULT_HANDLER in loading else _DEFAULT_HANDLER)


def runtime_log(failure: Failure, handler: str) -> str:
    """Return the line that Lambda's own log would have.

    `Runtime.ImportModuleError` for an ImportError, `Runtime.UserCodeSyntaxError`
    for a SyntaxError, the exception's own name for any other, and
    `Runtime.ExitError` for a death without an exception.
    """
    if failure.crash is not None:
        death = _DEATHS.get(failure.crash, failure.crash)
        return f"[ERROR] Runtime.ExitError: Runtime exited with error: {death}"
    if failure.exception in _IMPORT_ERRORS:
        return (
            f"[ERROR] Runtime.ImportModuleError: Unable to import module '{handler}': "
            f"{failure.message or ''}"
        )
    if failure.exception in _SYNTAX_ERRORS:
        return (
            f"[ERROR] Runtime.UserCodeSyntaxError: Syntax error in module '{handler}': "
            f"{failure.message or ''}"
        )
    return f"[ERROR] {failure.exception}: {failure.message or ''}"


def last_words(report: Report, failure: Failure) -> tuple[str, str]:
    """Return who would say what of a failure: Lambda's log, or a process of another target."""
    if _is_lambdas(report):
        return "Lambda would log:", runtime_log(failure, handler_module(report))
    if failure.crash is not None:
        death = _DEATHS.get(failure.crash, failure.crash)
        return "The process would end:", death
    return "Python would say:", f"{failure.exception}: {failure.message or ''}"


def _is_lambdas(report: Report) -> bool:
    """Whether the target is a runtime of Lambda's, on record or captured, or an image for it."""
    executable = str(report.profile.interpreter.executable or "")
    is_image = report.inventory.image is not None
    return bool(report.profile.package) or is_image or executable.startswith(_LAMBDAS_PYTHON)


def verdict(report: Report) -> str:
    """Return `pass`, `fail`, or `incomplete` where all that is wrong is what was not examined."""
    errors = [finding for finding in report.findings if finding.severity is Severity.ERROR]
    if not errors:
        return "incomplete" if report.unsmoked else "pass"
    limits = any(i.kind is Irregular.LIMIT for i in report.inventory.irregularities)
    return "incomplete" if limits and all(_is_limit(finding) for finding in errors) else "fail"


def _is_limit(finding: Finding) -> bool:
    return finding.fault.subject == Irregular.LIMIT.name.lower()


def size_of(count: int) -> str:
    """Return a number of bytes as people say it: `1.4 MiB`."""
    if count < 1 << 10:
        return number(count, "byte")
    unit, name = (1 << 20, "MiB") if count >= 1 << 20 else (1 << 10, "KiB")
    value = count / unit
    return f"{value:,.0f} {name}" if value >= 100 else f"{value:.1f} {name}"  # noqa: PLR2004


def number(count: int, noun: str, plural: str = "") -> str:
    """Return `1 error`, `2,459 files`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
