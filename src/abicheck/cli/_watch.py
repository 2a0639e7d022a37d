"""What is said on standard error while abicheck works: a bar that is wiped out again, and `-v`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Final

from abicheck.pipeline import Step
from abicheck.reporters import printable

_WIPE: Final = "\r\x1b[K"
_OFTEN: Final = 0.1  # seconds: what changes faster cannot be read
_BAR: Final = 20
_WIDTH: Final = 80
_SUBJECT: Final = 30
_NARROW: Final = 20  # columns in which a name says something


class Watch:
    """The display of one run: a bar where `bar` says so, sentences where `verbose` does."""

    def __init__(self, *, bar: bool, verbose: bool) -> None:
        self.verbose = verbose
        self._bar = bar and can_wipe()
        self._subject = ""
        self._drawn: float | None = None
        self._stage: str | None = None
        self._since = 0.0
        self._times: dict[str, float] = {}

    @contextmanager
    def of(self, source: Path | str) -> Iterator[None]:
        """Say from here on which artifact it is; afterwards, how long which stage took."""
        self._subject = printable(source.name if isinstance(source, Path) else source)
        self._times.clear()
        self.say("")
        begun = monotonic()
        try:
            yield
        finally:
            self._enter(None)
            self.wipe()
        if self.verbose:
            parts = ", ".join(f"{name} {time:.2f}" for name, time in self._times.items())
            self.say(f"{monotonic() - begun:.2f} s: {parts}")
        self._subject = ""

    def step(self, step: Step) -> None:
        """Show a step of a check."""
        self._enter(step.stage.value)
        self._show(step.stage.value, step.name, step.done, step.of)

    def smoke(self, ended: int, of: int) -> None:
        """Show how many imports of a smoke import have ended."""
        self._enter("importing for real")
        self._show("importing for real", "", ended, of)

    def say(self, text: str) -> None:
        """Write a sentence, below the artifact that it is about, for who wants to read it."""
        if self.verbose:
            self.wipe()
            line = f"  {printable(text)}" if self._subject and text else text or self._subject
            print(f"abicheck: {line}", file=sys.stderr)

    def wipe(self) -> None:
        """Leave nothing of the bar."""
        if self._drawn is not None:
            print(_WIPE, end="", file=sys.stderr, flush=True)
            self._drawn = None

    def _enter(self, stage: str | None) -> None:
        if stage == self._stage:
            return
        now = monotonic()
        if self._stage is not None:
            spent = self._times.get(self._stage, 0.0)
            self._times[self._stage] = spent + now - self._since
        self._stage, self._since = stage, now
        if self._drawn is not None:
            self._drawn = 0.0  # a new stage is shown at once

    def _show(self, stage: str, name: str, done: int, of: int | None) -> None:
        if not self._bar:
            return
        now = monotonic()
        if self._drawn is not None and now - self._drawn < _OFTEN:
            return
        self._drawn = now
        subject = self._subject
        if len(subject) > _SUBJECT:
            subject = f"{subject[: _SUBJECT - 3]}..."
        line = progress_line(f"{stage} {subject}", name, done, of, columns=_columns())
        print(f"{_WIPE}{line}", end="", file=sys.stderr, flush=True)


def can_wipe() -> bool:
    """Whether standard error is a terminal on which a line can be wiped out, and not CI's log."""
    dumb = os.environ.get("TERM") == "dumb"
    return sys.stderr.isatty() and not dumb and not os.environ.get("CI")


def progress_line(what: str, name: str, done: int, of: int | None, *, columns: int) -> str:
    """Return one line that fits the terminal: what, how far, and with what it is busy."""
    columns -= 1  # a full line would wrap
    parts = [what]
    if of:
        filled = min(_BAR, _BAR * done // of)
        parts += [f"[{'#' * filled}{'.' * (_BAR - filled)}]", f"{done:,} of {of:,}"]
    elif done:
        parts.append(f"{done:,} files")
    line = "  ".join(parts)
    # ASCII: how wide another character is, only the terminal knows.
    busy = printable(name).encode("ascii", "backslashreplace").decode()
    left = columns - len(line) - 2
    if busy and left >= _NARROW:
        line += "  " + (busy if len(busy) <= left else f"...{busy[3 - left :]}")
    return line[:columns]


def _columns() -> int:
    """Return the width of the terminal that standard error is."""
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and int(said):
        return int(said)
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or _WIDTH
    except (OSError, ValueError):
        return shutil.get_terminal_size((_WIDTH, 24)).columns
