"""`--format NAME[=FILE]`: which reports are wanted, and where they go."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from typing import Final

from abicheck.cli._shared import print_report, wants_color
from abicheck.errors import ArtifactError, UsageError
from abicheck.reporters import FORMATS, Run, markdown, writer

_SUMMARY: Final = 900 << 10  # bytes
_REFUSED: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Output:
    """One report that was asked for; without a file it goes to standard output."""

    format: str
    file: Path | None = None


def parse_outputs(texts: Sequence[str]) -> tuple[Output, ...]:
    """Return what `--format` asks for, or raise `UsageError` before anything is examined."""
    outputs = tuple(_parse(text) for text in texts)
    if sum(output.file is None for output in outputs) > 1:
        reason = "two formats go to standard output; give all but one a file: --format json=FILE"
        raise UsageError(reason)
    files = [Path(os.path.realpath(o.file)) for o in outputs if o.file is not None]
    for file in files:
        if files.count(file) > 1 and not _is_special(file):
            reason = f"--format: two reports go to {file}"
            raise UsageError(reason)
    return outputs


def _parse(text: str) -> Output:
    name, equals, file = text.partition("=")
    if name not in FORMATS:
        close = get_close_matches(name, FORMATS, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(FORMATS)}"
        reason = f"unknown format {name!r}; {hint}"
        raise UsageError(reason)
    if not equals:
        return Output(name)
    if not file:
        reason = f"--format {text}: the file's name is missing"
        raise UsageError(reason)
    path = Path(file)
    if not path.parent.is_dir():
        reason = f"--format {text}: there is no folder {path.parent}"
        raise UsageError(reason)
    if path.is_dir():
        reason = f"--format {text}: {path} is a folder"
        raise UsageError(reason)
    return Output(name, path)


def _is_special(path: Path) -> bool:
    """Whether a path is a device or a pipe: written to, and not replaced."""
    return path.exists() and not path.is_file()


def write_outputs(run: Run, outputs: Sequence[Output], *, color: str) -> None:
    """Write every report; raise `ArtifactError` where a file cannot be written."""
    # Files first: who closes the pipe to standard output still has them.
    for output in sorted(outputs, key=lambda output: output.file is None):
        buffer = StringIO()
        if output.file is None:
            colored = replace(run, color=wants_color(color, sys.stdout))
            writer(output.format)(colored, buffer)
            print_report(buffer.getvalue())
        else:
            writer(output.format)(run, buffer)
            write_file(output.file, buffer.getvalue())
    if any(output.format == "github" for output in outputs):
        append_summary(run)


def append_summary(run: Run) -> None:
    """Add the run to the summary of the GitHub step, where there is one.

    GitHub drops a summary above 1 MiB whole, with what other commands of the
    step have written to it.
    """
    name = os.environ.get("GITHUB_STEP_SUMMARY")
    if not name:
        return
    path = Path(name)
    try:
        there = path.stat().st_size if path.exists() else 0
        data = markdown(run, _SUMMARY - there).encode("utf-8", "backslashreplace")
        if there + len(data) < _REFUSED:
            with path.open("ab") as file:
                file.write(data)
    except OSError as error:
        reason = f"GITHUB_STEP_SUMMARY={name}: {error.strerror or error}"
        raise ArtifactError(reason) from error


def write_file(path: Path, text: str) -> None:
    """Replace a file's content by a text."""
    replace_file(path, text.encode("utf-8", "backslashreplace"))


def replace_file(path: Path, data: bytes) -> None:
    """Replace a file's content all at once: a reader sees the old or the new, never a part."""
    path = Path(os.path.realpath(path))
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if _is_special(path):
            path.write_bytes(data)
            return
        try:
            beside.write_bytes(data)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        reason = f"{path}: {error.strerror or error}"
        raise ArtifactError(reason) from error
