"""Which rules are asked at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from abicheck.errors import UsageError
from abicheck.model import RuleInfo


def matches(card: RuleInfo, pattern: str) -> bool:
    """Whether a pattern (a code, the beginning of one, or a name) means a rule."""
    return pattern == card.name or card.code.startswith(pattern.upper())


def refuse_unknown(pattern: str, cards: Sequence[RuleInfo], where: str) -> None:
    """Raise `UsageError` for a pattern that means no rule."""
    if pattern and any(matches(card, pattern) for card in cards):
        return
    names = [word for card in cards for word in (card.code, card.name)]
    close = get_close_matches(pattern, names, n=1)
    hint = f"did you mean {close[0]}?" if close else "`abicheck explain` lists the rules"
    reason = f"{where}: no rule is called {pattern!r}; {hint}"
    raise UsageError(reason)


@dataclass(frozen=True, slots=True)
class Selection:
    """What `select`, `extend-select` and `ignore` say; no `select` selects every rule."""

    select: tuple[str, ...] = ()
    extend: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def check(self, cards: Sequence[RuleInfo]) -> None:
        """Raise `UsageError` where a pattern means no rule."""
        named = (("select", self.select), ("extend-select", self.extend), ("ignore", self.ignore))
        for option, patterns in named:
            for pattern in patterns:
                refuse_unknown(pattern, cards, option)

    def wants(self, card: RuleInfo) -> bool:
        """Whether a rule is asked: the longest pattern decides, and of two `ignore`."""
        wanted = _longest(card, (*self.select, *self.extend))
        if not self.select:
            wanted = max(wanted, 0)
        return wanted > _longest(card, self.ignore)


def _longest(card: RuleInfo, patterns: Iterable[str]) -> int:
    """Return the length of the longest pattern that means a rule; a name is as long as its code."""
    found = [
        len(card.code) if pattern == card.name else len(pattern)
        for pattern in patterns
        if matches(card, pattern)
    ]
    return max(found, default=-1)
