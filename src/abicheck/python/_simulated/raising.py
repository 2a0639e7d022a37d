"""How the simulated program, or the simulation itself, is interrupted."""

from __future__ import annotations

from abicheck.model import Failure, Site
from abicheck.python._simulated.classes import exception_text
from abicheck.python._simulated.values import ExceptionValue


class RaisedError(Exception):
    """An exception that the simulated program raises."""

    def __init__(self, value: ExceptionValue) -> None:
        super().__init__(value.type_name)
        self.value = value

    @property
    def is_own(self) -> bool:
        """Whether it is the program's own doing, and no import or load has failed.

        Under a condition that cannot be known, such a check is taken to pass.
        """
        return self.value.failure is None


def is_circular(value: ExceptionValue) -> bool:
    """Whether an import failed because something that it needs was being imported itself."""
    while value.cause is not None:
        value = value.cause
    return value.attributes.get("circular") is True


class DiedError(Exception):
    """The simulated process ended without an exception; nothing catches that."""

    def __init__(self, failure: Failure, via: tuple[Site, ...]) -> None:
        super().__init__(failure.crash)
        self.failure = failure
        self.via = via


class GaveUpError(Exception):
    """The simulation met a limit of its own; the outcome is not known."""


class AbandonedError(Exception):
    """A call took too long to be followed; its value is not known."""


def failure_of(value: ExceptionValue) -> Failure:
    """Return how an exception is seen once nothing has caught it."""
    decided_by = None if value.failure is None else value.failure.decided_by
    return Failure(value.type_name, exception_text(value), decided_by=decided_by)
