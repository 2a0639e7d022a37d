"""ABI6xx: what the importer does not find where the function's setting says it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from abicheck.model import Case, Failure, Fault, Location, Severity, Verdict
from abicheck.rules._blame import failure_of
from abicheck.rules._rule import rule


def _explained(case: Case) -> Iterator[Failure | None]:
    """Yield the failures that other rules speak of."""
    for root in case.roots:
        if root.halt is not None and root.severity is Severity.ERROR:
            yield failure_of(root)
    for missing in case.missing:
        if missing.severity is Severity.ERROR:
            yield missing.prediction.failure


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
    handler = case.handler
    if handler is None or handler.verdict is Verdict.LOADS:
        return
    failure = handler.failure
    if failure in list(_explained(case)):
        return
    certain = handler.verdict is Verdict.FAILS
    path = handler.via[-1].path if handler.via else PurePosixPath(f"{handler.module}.py")
    text = (failure.message or failure.crash or failure.exception or "") if failure else ""
    yield Fault(
        Location(path),
        f"importing {handler.module} {'fails' if certain else 'may fail'}: {text}",
        subject=handler.module,
        why="no binary of the artifact is to blame" if certain else "the sources do not tell",
        module=handler.module,
        failure=failure,
        via=handler.via,
        severity=None if certain else Severity.WARNING,
    )


RULES: Final = (handler_not_importable,)
