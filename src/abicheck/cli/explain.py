"""`abicheck explain`: a rule, the rules behind a runtime message, or the list of rules."""

from __future__ import annotations

import re
import sys
from difflib import get_close_matches

import click

from abicheck.cli._shared import print_report
from abicheck.errors import UsageError
from abicheck.model import RuleInfo
from abicheck.rules import ALL_RULES


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
    print_report("\n\n".join(page(card) for card in found) + "\n")
    return 0


def find_by_message(text: str, cards: list[RuleInfo]) -> list[RuleInfo]:
    """Return the rules that predict a message in `text`, the most specific first."""
    scored = []
    for card in cards:
        best = 0
        for message in card.messages:
            pattern = ".*?".join(re.escape(part) for part in message.split("*"))
            if len(message.strip("* ")) > 3 and re.search(pattern, text, re.DOTALL):  # noqa: PLR2004
                best = max(best, len(message.replace("*", "")))
        if best:
            scored.append((-best, card.code, card))
    return [card for _, _, card in sorted(scored, key=lambda entry: entry[:2])]


def page(card: RuleInfo) -> str:
    """Return a rule's page as text; docs/rules/CODE.md has the same."""
    lines = [f"# {card.code} {card.name}", "", f"{card.severity}: {card.summary}", ""]
    lines.append(card.explanation)
    for title, items in (
        ("The runtime says", card.messages),
        ("Common causes", card.causes),
        ("What to do", card.fixes),
    ):
        if items:
            lines += ["", f"## {title}", ""]
            lines += [f"- `{item}`" if items is card.messages else f"- {item}" for item in items]
    return "\n".join(lines)
