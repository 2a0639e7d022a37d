"""What a process of an interpreter says of itself, which no file tells."""

from __future__ import annotations

import datetime as dt
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from abicheck.errors import ArtifactError
from abicheck.profiles import Fields

PROBE: Final = Path(__file__).parent / "function" / "handler.py"
SCHEMA: Final = 1
_SECONDS: Final = 120
_KERNEL: Final = re.compile(r"(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?")
_PLATFORM: Final = re.compile(r'^dl_platform="(\w+)"$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Running:
    """The answers of the probe; an empty one is a question it could not answer.

    `path` is sys.path without the probe's own folder.  `loaded` are the shared
    objects that the process held before the probe.  `platform` is the loader's
    `$PLATFORM`, where it was asked.
    """

    executable: str
    version: str
    path: tuple[str, ...]
    suffixes: tuple[str, ...]
    builtin: frozenset[str]
    magic: bytes
    loaded: tuple[str, ...]
    environment: dict[str, str]
    kernel: tuple[int, int, int]
    page_size: int
    isa_level: int
    date: dt.date
    platform: str = ""
    left_out: tuple[str, ...] = ()


def parse_running(fields: Fields, left_out: tuple[str, ...] = ()) -> Running:
    """Return what the probe said; raise `ProfileError` where it is none of its words."""
    folder = fields.get("folder", str)
    kernel = _KERNEL.match(fields.get("kernel", str))
    try:
        date = dt.date.fromisoformat(fields.get("date", str))
        magic = bytes.fromhex(fields.get("magic", str))
    except ValueError as error:
        reason = f"{fields.where}: {error}"
        raise ArtifactError(reason) from error
    implementation = fields.get("implementation", str)
    if implementation != "cpython":
        reason = f"{fields.where}: {implementation} is not judged, only CPython is"
        raise ArtifactError(reason)
    fields.get("libc", str), fields.get("machine", str), fields.get("schema", int)
    running = Running(
        executable=fields.get("executable", str),
        version=fields.get("version", str),
        path=tuple(entry for entry in fields.strings("path") if entry != folder),
        suffixes=fields.strings("suffixes"),
        builtin=frozenset(fields.strings("builtin")),
        magic=magic,
        loaded=fields.strings("loaded"),
        environment=dict(fields.mapping("environment", str)),
        kernel=(int(kernel[1]), int(kernel[2]), int(kernel[3] or 0)) if kernel else (0, 0, 0),
        page_size=fields.get("page_size", int),
        isa_level=fields.get("isa_level", int),
        date=date,
        left_out=left_out,
    )
    fields.finish()
    return running


def ask(executable: str) -> Running:
    """Ask the interpreter of this machine at `executable` in a process of its own."""
    if sys.platform != "linux":
        reason = f"--host: {sys.platform} is not Linux; only glibc targets are judged"
        raise ArtifactError(reason)
    # -S would leave out site's folders; what a user's own site has is no fact of the host.
    output = _run([executable, "-s", "-B", str(PROBE), "runtime"], executable)
    try:
        answer = json.loads(output)
    except ValueError as error:
        reason = f"{executable}: its answer is not JSON: {error}"
        raise ArtifactError(reason) from error
    return parse_running(Fields(answer, executable))


def ask_platform(loader: str) -> str:
    """Return what `$PLATFORM` means to a loader of this machine; empty before glibc 2.33."""
    found = _PLATFORM.search(_run([loader, "--list-diagnostics"], loader, may_fail=True))
    return found[1] if found is not None else ""


def _run(command: list[str], name: str, *, may_fail: bool = False) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the interpreter or loader that was asked about
            command,
            capture_output=True,
            check=False,
            timeout=_SECONDS,
            text=True,
            errors="surrogateescape",
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = f"{name}: cannot be run: {error}"
        raise ArtifactError(reason) from error
    if done.returncode and not may_fail:
        words = done.stderr.strip().rpartition("\n")[2]
        reason = f"{name}: ended with status {done.returncode}: {words}"
        raise ArtifactError(reason)
    return done.stdout
