"""From link maps to places: each fault once, at the object that has it.

A library that a hundred extensions need has its fault once; it weighs as much
as the weightiest root that runs into it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Generic, TypeVar

from abicheck.model import Case, ElfFacts, Failure, Fault, ForeignFile, Root, Severity

T = TypeVar("T")
Facts = Callable[[Root], Iterable[tuple[PurePosixPath, str, T]]]


@dataclass(frozen=True, slots=True)
class Blamed(Generic[T]):
    """One fact, the artifact's file it is about, and the root that makes it matter most."""

    thing: ElfFacts | ForeignFile
    subject: str
    fact: T
    root: Root

    def fault(  # noqa: PLR0913 - the fields of a fault that vary by rule
        self,
        message: str,
        *,
        why: str = "",
        evidence: tuple[str, ...] = (),
        fix: str = "",
        failure: Failure | None = None,
        cap: Severity = Severity.ERROR,
        reason: str = "",
    ) -> Fault:
        """Return the fault, as severe as its root makes it but never above `cap`."""
        severity = min(self.root.severity, cap)
        reasons = [text for text in (why, reason, self.root.reason) if text]
        prediction = self.root.prediction
        return Fault(
            location=self.thing.location,
            message=message,
            subject=self.subject,
            why="; ".join(reasons),
            evidence=evidence,
            fix=fix,
            module=self.root.module,
            failure=failure or failure_of(self.root),
            via=prediction.via if prediction is not None else (),
            severity=None if severity is Severity.ERROR else severity,
        )


def failure_of(root: Root) -> Failure | None:
    """Return what a process would see of a root: its import's failure, else its load's."""
    if root.prediction is not None and root.prediction.failure is not None:
        return root.prediction.failure
    return root.halt.failure if root.halt is not None else None


def failing(case: Case) -> Iterator[Root]:
    """Yield the roots that do not load."""
    return (root for root in case.roots if root.halt is not None)


def collect(
    case: Case, facts: Facts[T], roots: Iterable[Root] | None = None
) -> Iterator[Blamed[T]]:
    """Yield each (object, subject) once, under its weightiest root, in the order found.

    `facts` gives, for a root, the target path of the object at fault, the
    subject, and the fact itself.  Faults of the target's own libraries are
    none of the artifact's.
    """
    found: dict[tuple[PurePosixPath, str], Blamed[T]] = {}
    objects = case.inventory.objects
    foreign = case.inventory.foreign
    for root in roots if roots is not None else failing(case):
        for at, subject, fact in facts(root):
            thing = objects.get(str(at)) or foreign.get(str(at))
            if thing is None:
                continue
            known = found.get((at, subject))
            if known is None or root.severity > known.root.severity:
                found[at, subject] = Blamed(thing, subject, fact, root)
    yield from found.values()
