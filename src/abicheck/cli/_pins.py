"""What an artifact is compared with: --requirements, and --wheels beside it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from abicheck.errors import UsageError

if TYPE_CHECKING:
    from abicheck.model import Pins


def find_pins(files: Sequence[str], wheels: str | None) -> Pins | None:
    """Return what the files pin, None where none is named; raises `UsageError` for a wrong one."""
    if not files:
        if wheels is not None:
            reason = f"--wheels {wheels}: goes with --requirements, whose hashes say which to trust"
            raise UsageError(reason)
        return None
    from abicheck.pins import read_pins  # noqa: PLC0415 - seldom asked

    return read_pins(files, os.environ)
