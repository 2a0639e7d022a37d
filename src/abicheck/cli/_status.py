"""Exit status; the same for every format."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # so that `--version` need not import the model
    from abicheck.model import Report, Severity


class Status(enum.IntEnum):
    """What a run amounts to."""

    CLEAN = 0
    FINDINGS = 1
    USAGE = 2
    IMPOSSIBLE = 3
    INTERRUPTED = 130


def status_of(reports: Iterable[Report], level: Severity, *, failed: bool, forgive: bool) -> Status:
    """Return 3 where a request could not be carried out, else 1 where a finding reaches `level`.

    `forgive` (--exit-zero) turns only 1 into 0.
    """
    if failed:
        return Status.IMPOSSIBLE
    if any(report.at_least(level) for report in reports) and not forgive:
        return Status.FINDINGS
    return Status.CLEAN
