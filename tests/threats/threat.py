"""A threat: what somebody tries, the input that tries it, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

PAYLOAD: Final = "EXECUTED-BY-ABICHECK"
# What runs as code if anything of an artifact is run: the guard of the process sees it.
ATTACK: Final = f"import os\nos.system('echo {PAYLOAD}')\nopen('{PAYLOAD}', 'w').close()\n"


@dataclass(frozen=True, slots=True)
class Request:
    """A command line, and what else a process is given.

    `arguments` are relative to the folder that the input was built in.
    """

    arguments: Sequence[str]
    stdin: bytes = b""
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Threat:
    """One row of the table in SECURITY.md.

    `build` writes the hostile input into an empty folder.  `code` is that of a finding
    that must be there, empty where none need be; `says` is a part of what is printed.
    """

    name: str
    summary: str
    status: int
    code: str
    says: str
    build: Callable[[Path], Request]

    @property
    def outcome(self) -> str:
        """What the table says of it."""
        finding = f"`{self.code}`, " if self.code else ""
        return f"{finding}exit {self.status}"


Build = Callable[[Path], Request]


def threat(
    summary: str, *, status: int = 1, code: str = "", says: str = ""
) -> Callable[[Build], Threat]:
    """Make a threat of a function that writes a hostile input, named like the function."""

    def make(build: Build) -> Threat:
        return Threat(build.__name__.replace("_", "-"), summary, status, code, says, build)

    return make


def checked(*arguments: str, stdin: bytes = b"", **environment: str) -> Request:
    """Return the request to check an artifact."""
    return Request(arguments, stdin, environment)
