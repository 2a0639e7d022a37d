"""What several commands need: artifacts named on the command line, streams."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TextIO

from abicheck.artifacts import is_no_path
from abicheck.cli import COMMANDS, RESERVED
from abicheck.errors import UsageError


def resolve_artifacts(names: Sequence[str]) -> tuple[Path | str, ...]:
    """Return what is named: paths, all of which exist, `-` and `docker:REF` as they are.

    Raises `UsageError` otherwise.
    """
    if not names:
        reason = "nothing to check: name a ZIP, a wheel, a folder, a shared object or an image"
        raise UsageError(reason)
    for name in names:
        if name in COMMANDS or name in RESERVED:
            reason = f"{name!r} is a command's name; write ./{name} for a file of that name"
            raise UsageError(reason)
        if not name:
            reason = "the name of an artifact is empty"
            raise UsageError(reason)
        if not is_no_path(name) and is_missing(name):
            reason = f"{name}: no such file or folder{did_you_mean(name)}"
            raise UsageError(reason)
    return tuple(name if is_no_path(name) else Path(name) for name in names)


def is_missing(name: str) -> bool:
    """Whether there is nothing at a path; one that cannot be reached is not nothing."""
    try:
        Path(name).stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return True
    except OSError:
        return False
    return False


def did_you_mean(name: str) -> str:
    """Return the command or the neighbouring file that a name may have meant, as a question."""
    known = [*COMMANDS]
    path = Path(name)
    if path.parent.is_dir():
        known += [str(path.parent / other.name) for other in path.parent.iterdir()]
    close = get_close_matches(str(path), known, n=1, cutoff=0.8)
    return f"; did you mean {close[0]}?" if close else ""


def wants_color(choice: str, stream: TextIO) -> bool:
    """Decide on colour: --color, then NO_COLOR, FORCE_COLOR, TERM, then the terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def print_report(text: str) -> None:
    """Write to standard output what it can say, and escape what it cannot.

    A pipe that was closed has had what its reader wanted: that changes no
    verdict, and Python must not complain about it again when it shuts down.
    """
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
