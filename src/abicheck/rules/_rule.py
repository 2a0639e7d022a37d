"""What a rule is: a law, and the identity card that every finding of it carries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from abicheck.model import Case, Fault, RuleInfo, Severity

Law = Callable[[Case], Iterator[Fault]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A law and its card."""

    info: RuleInfo
    law: Law


def rule(  # noqa: PLR0913 - a card has that many fields
    code: str,
    severity: Severity,
    summary: str,
    *,
    explanation: str,
    messages: tuple[str, ...] = (),
    causes: tuple[str, ...] = (),
    fixes: tuple[str, ...] = (),
) -> Callable[[Law], Rule]:
    """Make a rule of a law; its public name is the function's, with hyphens.

    `messages` are the runtime's own words that the rule predicts, with `*`
    for what varies.
    """

    def make(law: Law) -> Rule:
        name = law.__name__.replace("_", "-")
        card = RuleInfo(code, name, severity, summary, explanation, messages, causes, fixes)
        return Rule(card, law)

    return make
