"""What a driver says of one import, read as the outcome that it is."""

from __future__ import annotations

import os
import re
import signal
from typing import Any, Final

from abicheck.model import Failure, ImportTime, SmokeImport, SmokeOutcome
from abicheck.smoke._request import SmokeRequest
from abicheck.smoke._wire import MisbehaviourError

_LINE: Final = re.compile(r"^import time: +(\d{1,12}) \| +(\d{1,12}) \| +(\S.*)$", re.MULTILINE)
_FIELDS: Final = {
    "module": str,
    "result": str,
    "stderr": str,
    "accounting": str,
    "mark": str,
    "clean": bool,
}
_SIGNALS: Final = {int(each): each.name for each in signal.Signals}
OUTPUT: Final = 16 << 20
"""Bytes that one import may print."""


def read_answer(module: str, words: dict[str, Any], request: SmokeRequest) -> SmokeImport:
    """Return how the import of `module` ended.  Raises `MisbehaviourError` for other words."""
    status, limit = words.get("status"), words.get("limit")
    if (
        any(not isinstance(words.get(name), kind) for name, kind in _FIELDS.items())
        or words["module"] != module
        or not (status is None or isinstance(status, int))
        or not (limit is None or isinstance(limit, str))
    ):
        reason = "the container says what its driver would not"
        raise MisbehaviourError(reason)
    accounting, _, _ = words["accounting"].partition(words["mark"])
    times = tuple(
        ImportTime(name, int(own), int(total))
        for own, total, name in _LINE.findall(_text(accounting))
    )
    stderr = _text(words["stderr"].replace(words["mark"], ""))
    stderr = _LINE.sub("", stderr).strip() if times else stderr.strip()
    outcome, failure, microseconds = _outcome(words["result"], status, stderr)
    if outcome is not SmokeOutcome.LOADED and limit is not None:
        outcome = SmokeOutcome.TIMED_OUT if limit == "time" else SmokeOutcome.OUT_OF_BOUNDS
        failure = Failure(None, limit_words(limit, request), stderr=stderr or None)
    return SmokeImport(module, outcome, failure, microseconds, times)


def _outcome(
    result: str, status: int | None, stderr: str
) -> tuple[SmokeOutcome, Failure | None, int]:
    head, _, rest = result.partition("\n")
    word, _, spent = head.partition(" ")
    nanoseconds = int(spent) if re.fullmatch(r"[0-9]{1,15}", spent) else 0
    if status == 0 and word in ("loaded", "raised"):
        if word == "loaded":
            return SmokeOutcome.LOADED, None, nanoseconds // 1000
        name, _, message = rest.partition("\n")
        failure = Failure(_text(name), _text(message), stderr=stderr or None)
        return SmokeOutcome.FAILED, failure, nanoseconds // 1000
    if status is not None and os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        crash = _SIGNALS.get(number, f"signal {number}")
        if number == signal.SIGKILL:
            # Nothing in the container has the right to send it but the kernel, and the artifact.
            words = "was killed from outside"
            return SmokeOutcome.OUT_OF_BOUNDS, Failure(None, words, crash, stderr or None), 0
    else:
        crash = f"exit {os.WEXITSTATUS(status or 0)}"
    return SmokeOutcome.DIED, Failure(None, None, crash, stderr or None), 0


def limit_words(limit: str, request: SmokeRequest) -> str:
    """Return which limit was met, in words."""
    return {
        "time": f"had not ended after {request.timeout:g} s",
        "output": f"printed more than {OUTPUT >> 20} MiB",
        "memory": f"needed more than {request.memory >> 20:,} MiB of memory",
        "processes": f"started more than {request.processes:,} processes and threads",
        "scratch": f"wrote more than {request.scratch >> 20:,} MiB to /tmp",
    }.get(limit, limit)


def _text(latin: str) -> str:
    return latin.encode("latin-1", "replace").decode("utf-8", "replace")
