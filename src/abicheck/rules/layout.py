"""ABI6xx: what the importer does not find where the function's setting says it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from abicheck.model import Case, Fault, Irregular, Location, Severity, Verdict
from abicheck.rules._rule import rule
from abicheck.rules._told import module_of, told, words


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
    if words(failure) in set(told(case)):
        return
    certain = handler.verdict is Verdict.FAILS
    path = handler.via[-1].path if handler.via else PurePosixPath(f"{handler.module}.py")
    text = words(failure) or (failure.exception if failure is not None else "")
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


@rule(
    "ABI603",
    Severity.ERROR,
    "a link that leads nowhere",
    explanation="Lambda keeps symbolic links as they are.  One whose target is not in the artifact "
    "is, for the importer and the loader, a file that is not there.",
    messages=(
        "No module named '*'",
        "*: cannot open shared object file: No such file or directory",
    ),
    causes=("the link was packed without what it leads to", "it leads out of the build folder"),
    fixes=("pack the file itself: zip without --symlinks, or cp -L",),
)
def broken_link(case: Case) -> Iterator[Fault]:
    """What a link leads to must be there as well."""
    for irregularity in case.inventory.irregularities:
        if irregularity.kind is Irregular.DANGLING_LINK:
            path = irregularity.location.path
            matters = ".so" in path.name or path.suffix == ".py"
            yield Fault(
                irregularity.location,
                f"leads to {irregularity.detail}, which is not in the artifact",
                subject=irregularity.detail,
                module=module_of(case, path) if matters else None,
                severity=None if matters else Severity.WARNING,
            )


RULES: Final = (handler_not_importable, broken_link)
