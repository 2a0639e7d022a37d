"""Packages that attack what imports them: nothing changes but their own verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import pytest

from abicheck.model import SmokeImport, SmokeOutcome, SmokeRun

pytestmark = pytest.mark.engine

Importing = Callable[..., SmokeRun]

_INNOCENT: Final = "import os, json\nassert os.listdir('/tmp') == []\nopen('/tmp/x', 'w').close()\n"
_ESCAPES: Final = "\x1b]0;owned\x07\x1b[2J\u202e\r\n::error::"

_FORK_BOMB: Final = """
import os
while True:
    os.fork()
"""
_NEVER_ENDS: Final = """
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
"""
_ENDLESS: Final = """
import sys
while True:
    sys.stdout.write("x" * 65536)
"""
_FILLS: Final = """
with open("/tmp/full", "wb") as file:
    while True:
        file.write(bytes(1 << 20))
"""
_HOGS: Final = """
held = []
while True:
    held.append(bytearray(64 << 20))
"""
_KILLS: Final = """
import os, signal
for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
    os.kill(os.getppid(), number)
try:
    os.kill(-1, signal.SIGKILL)
except ProcessLookupError:
    pass
raise ValueError("still here, and so is", os.getppid())
"""
_LOOKS_INTO: Final = """
import os
found = []
for path in ("/proc/1/mem", "/proc/1/fd/0", "/proc/1/fd/1", "/proc/1/environ", "/proc/1/maps"):
    try:
        open(path, "rb" if path.endswith(("environ", "maps")) else "r+b").close()
        found.append(path)
    except OSError:
        pass
raise ValueError(found)
"""
_FORGES: Final = r"""
import json, os, struct, sys
lie = json.dumps({"nonce": "", "module": "innocent3", "result": "raised 1\nImportError\nforged",
                  "status": 0, "limit": None, "stderr": "", "accounting": "", "mark": "", "clean": True})
for stream in (1, 2, 3, 4, 5, 6):
    for line in (lie.encode() + b"\n", struct.pack(">BxxxL", 1, len(lie)) + lie.encode()):
        try:
            os.write(stream, line)
        except OSError:
            pass
for path in ("/proc/1/fd/1", "/dev/console", "/dev/tty", "/abicheck/driver.py"):
    try:
        with open(path, "w") as file:
            file.write(lie + "\n")
    except OSError:
        pass
raise ImportError("the truth")
"""
_LIMITS: Final = """
import resource
resource.prlimit(1, resource.RLIMIT_NOFILE, (3, 3))
resource.prlimit(1, resource.RLIMIT_AS, (1 << 20, 1 << 20))
"""
_STAYS: Final = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    while True:
        try:
            open("/tmp/x", "w").write("still here")
            os.kill(1, 9)
        except OSError:
            pass
"""
_LEAVES: Final = """
import ctypes, os
ctypes.CDLL(None).shmget(0, 1 << 20, 0o1666)
for name in ("a", "b"):
    os.makedirs("/tmp/" + name + "/" + "/".join("d" * 200))
os.chmod("/tmp/a", 0)
"""
_ESCAPING: Final = f"""
import sys
text = {_ESCAPES!r}
sys.stderr.write(text)
raise type(text, (Exception,), {{}})(text)
"""


def _around(hostile: str) -> tuple[dict[str, str], list[str]]:
    """Return a package with one module in the midst of six others, and their order."""
    names = [f"innocent{number}" for number in range(6)]
    files = {f"{name}.py": _INNOCENT for name in names} | {"hostile.py": hostile}
    return files, [*names[:2], "hostile", *names[2:]]


@pytest.mark.parametrize(
    ("hostile", "outcome", "message"),
    [
        pytest.param(
            _FORK_BOMB,
            SmokeOutcome.OUT_OF_BOUNDS,
            "started more than 1,024 processes and threads",
            id="fork-bomb",
        ),
        pytest.param(
            _NEVER_ENDS, SmokeOutcome.TIMED_OUT, "had not ended after 5 s", id="never-ends"
        ),
        pytest.param(
            _ENDLESS, SmokeOutcome.OUT_OF_BOUNDS, "printed more than 16 MiB", id="endless-output"
        ),
        pytest.param(
            _FILLS,
            SmokeOutcome.OUT_OF_BOUNDS,
            "wrote more than 512 MiB to /tmp",
            id="fills-the-disk",
        ),
        pytest.param(
            _HOGS,
            SmokeOutcome.OUT_OF_BOUNDS,
            "needed more than 1,024 MiB of memory",
            id="fills-the-memory",
        ),
        pytest.param(
            _KILLS, SmokeOutcome.FAILED, "('still here, and so is', 1)", id="kills-its-parent"
        ),
        pytest.param(_LOOKS_INTO, SmokeOutcome.FAILED, "[]", id="looks-into-its-parent"),
        pytest.param(_LIMITS, SmokeOutcome.LOADED, None, id="limits-its-parent"),
        pytest.param(_STAYS, SmokeOutcome.LOADED, None, id="stays"),
        pytest.param(_LEAVES, SmokeOutcome.LOADED, None, id="leaves-things"),
        pytest.param(_ESCAPING, SmokeOutcome.FAILED, _ESCAPES, id="escape-sequences"),
    ],
)
def test_a_hostile_package_changes_nothing_but_its_own_verdict(
    smoke: Importing,
    package: Callable[[Mapping[str, str]], Path],
    hostile: str,
    outcome: SmokeOutcome,
    message: str | None,
) -> None:
    """Whatever it does, the others load, and find the place as if it had never been there."""
    files, names = _around(hostile)
    made = smoke(package(files), *names, timeout=5)

    own = _own(made.imports)
    assert [each.module for each in made.imports] == names
    assert (own.outcome, own.failure and own.failure.message) == (outcome, message)
    assert {e.module: e.failure for e in made.imports if e is not own} == {
        name: None for name in names if name != "hostile"
    }


def test_forged_results_are_the_forgers_own(
    smoke: Importing, package: Callable[[Mapping[str, str]], Path]
) -> None:
    """On whatever descriptor they are written, they say nothing about another module."""
    files, names = _around(_FORGES)
    made = smoke(package(files), *names, timeout=5)

    own = _own(made.imports)
    assert own.outcome is not SmokeOutcome.LOADED
    assert {e.failure for e in made.imports if e is not own} == {None}


def _own(imports: tuple[SmokeImport, ...]) -> SmokeImport:
    (own,) = (each for each in imports if each.module == "hostile")
    return own
