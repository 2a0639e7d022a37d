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
_HELP: Final = re.compile(r"^  (\S+) \(([^)]*)\)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Running:
    """The answers of the probe; an empty one is a question it could not answer.

    `path` is sys.path without the probe's own folder.  `loaded` are the shared
    objects that the process held before the probe.  `hwcaps` and `platform` are
    the loader's, where it was asked.
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
    hwcaps: tuple[str, ...] = ()
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


def ask_loader(loader: str) -> tuple[tuple[str, ...], str]:
    """Return the subdirectories that a loader of this machine searches, and its `$PLATFORM`.

    Both are empty where it is too old to say (before 2.33).
    """
    text = _run([loader, "--help"], loader, may_fail=True)
    named: list[str] = []
    legacy: list[str] = []
    platform = ""
    section = ""
    for line in text.splitlines():
        if line.endswith(":"):
            section = line
        found = _HELP.match(line)
        if found is None or "searched" not in found[2]:
            continue
        if section.startswith("Subdirectories of glibc-hwcaps"):
            named.append(f"glibc-hwcaps/{found[1]}")
        elif section.startswith("Legacy HWCAP"):
            legacy.append(found[1])
            platform = found[1] if found[2].startswith("AT_PLATFORM") else platform
    if not named and not legacy:
        return (), ""
    return (*named, *_power_set(legacy)), platform


def _power_set(names: list[str]) -> tuple[str, ...]:
    """Return every combination, in the order of `_dl_important_hwcaps`.

    `--help` lists the platform, `tls`, and then the capabilities from the
    highest bit down; in a path `tls` comes first, then the platform.
    """
    ordered = [n for n in names if n == "tls"] + [n for n in names if n != "tls"]
    found: dict[str, None] = {}
    for bits in range((1 << len(ordered)) - 1, 0, -1):
        picked = (n for place, n in enumerate(ordered) if bits >> (len(ordered) - 1 - place) & 1)
        found["/".join(picked)] = None
    return tuple(found)


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
