"""`abicheck explain`: a rule, the rules behind a runtime message, or the list of rules."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from difflib import get_close_matches
from textwrap import wrap
from typing import Final

import click

from abicheck.cli._shared import print_report
from abicheck.errors import UsageError
from abicheck.model import RuleInfo
from abicheck.reporters import printable, rule_page
from abicheck.rules import ALL_RULES
from abicheck.rules.diagnosis import Diagnosis, diagnose

_LINES: Final = 5  # of a log
_RULES: Final = 8  # of a line
_LONGEST: Final = 400  # characters of a line
_INDENT: Final = "  "
_WIDTH: Final = 80


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
    if exact:
        print_report("\n\n".join(rule_page(card) for card in exact) + "\n")
        return 0
    found = diagnose(text, cards)
    if not found:
        names = [word for card in cards for word in (card.code, card.name)]
        close = get_close_matches(text, names, n=1)
        hint = f"; did you mean {close[0]}?" if close else "; `abicheck explain` lists the rules"
        reason = f"no rule is called that, and none predicts that message{hint}"
        raise UsageError(reason)
    print_report("".join(f"{line}\n" for line in _answer(text, found)))
    return 0


def _answer(text: str, found: tuple[Diagnosis, ...]) -> Iterator[str]:
    """Yield what was recognised, and the page of the rule that is the likeliest of all."""
    lines = text.count("\n") + 1
    for each in found[:_LINES]:
        yield f"line {each.number:,}:" if lines > 1 else "The message:"
        yield f"{_INDENT}{printable(each.line[:_LONGEST])}"
        if each.rules:
            yield from _ranking(each.rules)
        if each.look:
            label = f"{_INDENT}{'look at' if each.rules else 'why'}  "
            yield from wrap(
                label + printable(each.look),
                _WIDTH,
                subsequent_indent=" " * len(label),
                break_on_hyphens=False,
                break_long_words=False,
            )
        yield ""
    if len(found) > _LINES:
        yield f"and {len(found) - _LINES:,} more lines that rules predict"
        yield ""
    first = next((each.rules[0] for each in found if each.rules), None)
    if first is None:
        return
    if any(len(each.rules) > 1 for each in found):
        yield "The message alone does not decide: `abicheck ARTIFACT` says which it is."
        yield ""
    yield rule_page(first)


def _ranking(rules: tuple[RuleInfo, ...]) -> Iterator[str]:
    shown = rules[:_RULES]
    for place, card in enumerate(shown, 1):
        yield f"{_INDENT}{place}. {card.code} {card.name}: {card.summary}"
    if len(rules) > _RULES:
        yield f"{_INDENT}   and {len(rules) - _RULES:,} more that may say it, less likely"
