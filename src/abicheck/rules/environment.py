"""ABI63x: variables that a function sets, and that decide whether its process starts."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from abicheck.model import Case, Fault, Location, Severity
from abicheck.rules._rule import rule

_WHOLE: Final = Location(PurePosixPath())


@rule(
    "ABI631",
    Severity.WARNING,
    "LD_LIBRARY_PATH without the runtime's own folders",
    explanation="The function's value takes the place of Lambda's, it is not added to it.  The "
    "interpreter needs libpython, and only Lambda's value is known to name the folder of it.",
    messages=("*: error while loading shared libraries: libpython*: cannot open *",),
    causes=("LD_LIBRARY_PATH=/opt/lib:$LD_LIBRARY_PATH, of which Lambda expands nothing",),
    fixes=("set it to Lambda's value with the folder added",),
)
def library_path_without_python(case: Case) -> Iterator[Fault]:
    """The folders of the interpreter's own libraries stay in LD_LIBRARY_PATH."""
    profile, given = case.profile, case.environment.get("LD_LIBRARY_PATH")
    if given is None:
        return
    searched = {*map(_plain, profile.library_path), *profile.default_path}
    for start in profile.interpreter.startup:
        folder = posixpath.dirname(start)
        name = posixpath.basename(start)
        if name == profile.interpreter.soname and folder not in searched:
            yield Fault(
                _WHOLE,
                f"LD_LIBRARY_PATH does not name {folder}, where {name} is",
                subject="LD_LIBRARY_PATH",
                why="unless the interpreter has a run path that leads there, it does not start",
                fix=f"LD_LIBRARY_PATH={given}:{folder}",
            )


@rule(
    "ABI632",
    Severity.ERROR,
    "a wrapper script that cannot be run",
    explanation="AWS_LAMBDA_EXEC_WRAPPER names a program that starts the runtime.  The process "
    "ends with status 127 where there is none, and with 126 where it may not be executed.",
    messages=("*: does not exist", "*: is not an executable"),
    causes=(
        "the layer with the wrapper is missing, or has it in another folder",
        "the mode was lost: ZIPs made on Windows have none",
    ),
    fixes=("chmod 755 the wrapper before zipping",),
)
def wrapper_not_executable(case: Case) -> Iterator[Fault]:
    """What starts the runtime is there, and executable."""
    found = case.named.get("AWS_LAMBDA_EXEC_WRAPPER")
    if found is not None and not found.executable:
        there = found.there
        yield Fault(
            _WHOLE,
            f"{found.path}: {'is not an executable' if there else 'does not exist'}",
            subject="AWS_LAMBDA_EXEC_WRAPPER",
            why=f"the runtime ends with status {126 if there else 127} before it imports anything",
            fix="chmod 755 WRAPPER" if there else "",
        )


@rule(
    "ABI633",
    Severity.ERROR,
    "PYTHONHOME without a standard library",
    explanation="With PYTHONHOME the interpreter looks for its standard library there, and nowhere "
    "else.  Without one it does not start.",
    messages=(
        "Fatal Python error: init_fs_encoding: failed to get the Python codec of *",
        "Fatal Python error: Failed to import encodings module",
        "No module named 'encodings'",
    ),
    causes=("a variable that was meant for another Python",),
    fixes=("leave PYTHONHOME out",),
)
def python_home_without_library(case: Case) -> Iterator[Fault]:
    """Where PYTHONHOME leads there is a standard library."""
    found = case.named.get("PYTHONHOME")
    if found is not None and not found.there:
        home = case.environment["PYTHONHOME"]
        yield Fault(
            _WHOLE,
            f"PYTHONHOME={home}, and no standard library is there",
            subject="PYTHONHOME",
            why=f"{found.path} is not in the artifact",
        )


@rule(
    "ABI634",
    Severity.NOTE,
    "what LD_PRELOAD brings is not followed",
    explanation="The loader opens what LD_PRELOAD names before anything else, and its symbols come "
    "first.  What is predicted here is predicted without it; a name that is not found is ignored.",
    messages=("ERROR: ld.so: object '*' from LD_PRELOAD cannot be preloaded (*): ignored.",),
    causes=("an allocator, or a library that would otherwise be loaded too late",),
    fixes=("import the function for real, in the image of its runtime",),
)
def preloaded_library(case: Case) -> Iterator[Fault]:
    """What a prediction leaves out is said."""
    given = case.environment.get("LD_PRELOAD", "")
    if given:
        yield Fault(
            _WHOLE,
            f"the function sets LD_PRELOAD={given}",
            subject="LD_PRELOAD",
            why="what is predicted is predicted without it",
        )


def _plain(folder: str) -> str:
    return folder.rstrip("/")


RULES: Final = (
    library_path_without_python,
    wrapper_not_executable,
    python_home_without_library,
    preloaded_library,
)
