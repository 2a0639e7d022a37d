"""How far a check has come, for whoever waits for it.

Nothing here knows the time: who is told may look at a clock.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass


class Stage(enum.StrEnum):
    """What a check is doing, in the order in which it does it."""

    READING = "reading"
    IMPORTING = "importing on paper"
    RULES = "asking the rules"
    RUNTIMES = "judging on other runtimes"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing of a stage: a member, a module, a runtime.

    `done` of `of` came before it; `of` is None where nobody knows how many there are.
    """

    stage: Stage
    name: str = ""
    done: int = 0
    of: int | None = None


Progress = Callable[[Step], None]


def silent(step: Step) -> None:
    """Tell nobody."""
    del step
