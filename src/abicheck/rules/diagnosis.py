"""From a message or a log to the rules: which line was recognised, and what it points at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from abicheck.model import RuleInfo
from abicheck.rules.symptoms import SYMPTOMS

_AROUND: Final = 2000  # characters of a line that are looked at, on either side of the words
_TIMES: Final = 200  # of one symptom in a log
_WORDY: Final = 3  # characters that a message must have in common to be one
# As word processors write them; and the one letter that is two in lower case.
_QUOTES: Final = str.maketrans("\u2018\u2019\u201c\u201d\u0130", "''\"\"I")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A line that was recognised: its number from 1, its text, the rules, what to look at."""

    number: int
    line: str
    rules: tuple[RuleInfo, ...]
    look: str


def diagnose(text: str, cards: Sequence[RuleInfo]) -> tuple[Diagnosis, ...]:
    """Return what is recognised in a message or a log, the most telling first.

    Each line counts once, and so does what several lines say in the same words.
    """
    plain = text.translate(_QUOTES)
    taken: set[int] = set()
    found = list(_by_symptom(plain, cards, taken))
    if not found and "\n" in plain and len(plain) < _AROUND:
        # A terminal breaks long lines, and what is copied from it keeps the breaks.
        found = list(_by_symptom(" ".join(plain.split()), cards, taken))
    found += _by_card(plain, cards, taken)
    return tuple(diagnosis for _, diagnosis in sorted(found, key=lambda each: each[0]))


def _by_symptom(
    text: str, cards: Sequence[RuleInfo], lines: set[int]
) -> Iterator[tuple[tuple[int, int], Diagnosis]]:
    """Yield the lines that have a symptom; where each begins is added to `lines`."""
    known = {card.code: card for card in cards}
    lower = text.lower()
    said: set[tuple[int, str]] = set()
    for rank, symptom in enumerate(SYMPTOMS):
        at = -1
        for _ in range(_TIMES):
            at = lower.find(symptom.words, at + 1)
            if at < 0:
                break
            begin, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
            end = len(text) if end < 0 else end
            if begin in lines:
                continue
            window = text[max(begin, at - _AROUND) : min(end, at + _AROUND)]
            match = symptom.pattern.search(window)
            if match is None:
                continue
            lines.add(begin)
            groups = {name: value or "it" for name, value in match.groupdict().items()}
            look = symptom.look.format_map(groups)
            if (rank, look) in said:
                continue
            said.add((rank, look))
            ranked = [known[code] for code in symptom.codes if code in known]
            if ranked:
                ranked += [card for card in _predicting(window, cards) if card not in ranked]
            number = text.count("\n", 0, begin) + 1
            yield (rank, number), Diagnosis(number, window.strip(), tuple(ranked), look)


def _by_card(
    text: str, cards: Sequence[RuleInfo], lines: set[int]
) -> Iterator[tuple[tuple[int, int], Diagnosis]]:
    """Yield the lines with a message that only a rule's card knows."""
    for card in cards:
        for message in card.messages:
            longest = max(_parts(message), key=len)
            at = text.find(longest) if len(longest) > _WORDY else -1
            while at >= 0:
                begin, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
                end = len(text) if end < 0 else end
                if begin not in lines:
                    window = text[max(begin, at - _AROUND) : min(end, at + _AROUND)]
                    rules = _predicting(window, cards)
                    if rules:
                        lines.add(begin)
                        number = text.count("\n", 0, begin) + 1
                        rank = (len(SYMPTOMS), number)
                        yield rank, Diagnosis(number, window.strip(), rules, "")
                at = text.find(longest, end)


def _predicting(line: str, cards: Sequence[RuleInfo]) -> tuple[RuleInfo, ...]:
    """Return the rules whose cards have what a line says, those first that say the most of it."""
    best: dict[str, int] = {}
    for card in cards:
        for message in card.messages:
            parts = _parts(message)
            size = sum(map(len, parts))
            if size > max(_WORDY, best.get(card.code, 0)) and _occurs(parts, line):
                best[card.code] = size
    found = (card for card in cards if card.code in best)
    return tuple(sorted(found, key=lambda card: (-best[card.code], card.code)))


def _parts(message: str) -> list[str]:
    """Return what a card's message says literally; the path before its colon may be left out."""
    return message.removeprefix("*: ").removesuffix(" (required by *)").split("*")


def _occurs(parts: list[str], line: str) -> bool:
    """Whether the parts stand in the line, in this order."""
    position = 0
    for part in parts:
        position = line.find(part, position)
        if position < 0:
            return False
        position += len(part)
    return True
