"""`abicheck explain`: a rule, the rules behind a runtime message, or the list of rules."""

from __future__ import annotations

import sys
from difflib import get_close_matches

import click

from abicheck.cli._shared import print_report
from abicheck.errors import UsageError
from abicheck.model import RuleInfo
from abicheck.reporters import rule_page
from abicheck.rules import ALL_RULES

_SHORTEST = 3  # characters that a message must have in common to be one


@click.command("explain", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("subject", nargs=-1, metavar="[CODE, NAME or MESSAGE]")
def command(subject: tuple[str, ...]) -> int:
    """Explain a rule by its code or name, or find the rules behind a runtime MESSAGE.

    `-` reads a log from standard input; without an argument the rules are
    listed.
    """
    cards = [rule.info for rule in ALL_RULES]
    if not subject:
        print_report("".join(f"{c.code}  {c.name:<24} {c.summary}\n" for c in cards))
        return 0
    text = sys.stdin.read() if subject == ("-",) else " ".join(subject)
    exact = [card for card in cards if text.strip().lower() in (card.code.lower(), card.name)]
    found = exact or find_by_message(text, cards)
    if not found:
        names = [word for card in cards for word in (card.code, card.name)]
        close = get_close_matches(text, names, n=1)
        hint = f"; did you mean {close[0]}?" if close else "; `abicheck explain` lists the rules"
        reason = f"no rule is called that, and none predicts that message{hint}"
        raise UsageError(reason)
    print_report("\n\n".join(rule_page(card) for card in found) + "\n")
    return 0


def find_by_message(text: str, cards: list[RuleInfo]) -> list[RuleInfo]:
    """Return the rules that predict a message in `text`, the most specific first.

    A message is one line.  The path before its colon need not have been pasted.
    """
    best: dict[str, int] = {}
    for card in cards:
        for message in card.messages:
            core = message.removeprefix("*: ").removesuffix(" (required by *)")
            parts = core.split("*")
            size = sum(map(len, parts))
            if size > max(_SHORTEST, best.get(card.code, 0)) and _said(parts, text):
                best[card.code] = size
    found = [card for card in cards if card.code in best]
    return sorted(found, key=lambda card: (-best[card.code], card.code))


def _said(parts: list[str], text: str) -> bool:
    """Whether a line of the text has the parts; only lines with the longest one are looked at."""
    longest = max(parts, key=len)
    found = text.find(longest)
    while found >= 0:
        end = text.find("\n", found)
        end = len(text) if end < 0 else end
        if _occurs(parts, text[text.rfind("\n", 0, found) + 1 : end]):
            return True
        found = text.find(longest, end)
    return False


def _occurs(parts: list[str], line: str) -> bool:
    """Whether the parts stand in the line, in this order."""
    position = 0
    for part in parts:
        position = line.find(part, position)
        if position < 0:
            return False
        position += len(part)
    return True
