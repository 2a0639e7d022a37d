"""A process of abicheck: the command, and an environment that does not change its report."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Final

Run = Callable[..., "subprocess.CompletedProcess[str]"]
"""`run("dashboard.zip", "--color=never")` below fixtures/; `cwd`, `env` and `stdin` by name."""

COMMAND: Final = (sys.executable, "-m", "abicheck")
MEANT_FOR_US: Final = (
    "CI",
    "COLUMNS",
    "FORCE_COLOR",
    "GITHUB_STEP_SUMMARY",
    "NO_COLOR",
    "PYTHONIOENCODING",
    "SOURCE_DATE_EPOCH",
    "TERM",
)


def environment(changes: dict[str, str] | None = None) -> dict[str, str]:
    """The environment without what would change a report, then `changes`."""
    kept = {name: value for name, value in os.environ.items() if name not in MEANT_FOR_US}
    return {**kept, **(changes or {})}
