"""What one invocation came to: all that a format may print."""

from __future__ import annotations

from dataclasses import dataclass

from abicheck.model import Report


@dataclass(frozen=True, slots=True)
class Run:
    """The reports of one invocation, in the order of the command line, and its outcome.

    `failures` are the artifacts that could not be examined, as sentences, and
    `notices` what the configuration asks for in vain.  `status` is the exit
    status.  `color` and `quiet` are wishes that only text knows.
    """

    reports: tuple[Report, ...]
    version: str
    status: int = 0
    failures: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    color: bool = False
    quiet: bool = False
