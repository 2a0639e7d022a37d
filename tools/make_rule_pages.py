"""Write docs/rules: a page for every rule, and the list of them.

python tools/make_rule_pages.py           write the pages
python tools/make_rule_pages.py --check   change nothing; exit 1 where a page is not its card's

A page is what `abicheck explain CODE` prints, so the card in src/abicheck/rules is the
only place where a rule is described.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Final

from abicheck.model import RuleInfo
from abicheck.reporters import rule_page
from abicheck.rules import ALL_RULES

FOLDER: Final = Path(__file__).resolve().parents[1] / "docs" / "rules"
FAMILIES: Final = {
    "ABI0": "The artifact",
    "ABI1": "Foreign and damaged binaries",
    "ABI2": "The Python ABI",
    "ABI3": "Symbols and versions",
    "ABI4": "Libraries",
    "ABI5": "Loader, processor, kernel",
    "ABI6": "Layout and permissions",
    "ABI7": "Distributions",
    "ABI8": "Container images",
    "ABI9": "Smoke import and advice",
}
INTRODUCTION: Final = """\
# Rules

Every finding names its rule by code and by name, and `abicheck explain` takes either.
It also takes a message of the runtime and says which rules predict it: that message is what the
pages quote, with `*` for what varies.
A code is never given to another rule.

The severity is that of the rule.
A finding weighs less where nothing needs the file, or where every import of it is guarded; it
then says why.
"""


def main() -> int:
    """Write the pages, or compare them; return the exit status."""
    parser = argparse.ArgumentParser(description="Write a page for every rule.")
    parser.add_argument("--check", action="store_true", help="compare, change nothing")
    check = parser.parse_args().check
    pages = dict(_pages([rule.info for rule in ALL_RULES]))
    stale = {path.name for path in FOLDER.glob("*.md")} - pages.keys()
    wrong = {name for name, text in pages.items() if _read(FOLDER / name) != text}
    if check:
        for name in sorted(stale | wrong):
            print(f"docs/rules/{name}: run tools/make_rule_pages.py", file=sys.stderr)
        return int(bool(stale | wrong))
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in stale:
        (FOLDER / name).unlink()
    for name in wrong:
        (FOLDER / name).write_text(pages[name], encoding="utf-8", newline="\n")
    return 0


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _pages(cards: list[RuleInfo]) -> Iterator[tuple[str, str]]:
    """Yield each page by its file name, the list first."""
    yield "README.md", _list(cards)
    for card in cards:
        yield f"{card.code}.md", rule_page(card) + "\n"


def _list(cards: list[RuleInfo]) -> str:
    lines = [INTRODUCTION]
    for prefix, family in groupby(cards, key=lambda card: card.code[:4]):
        lines += [f"## {prefix}xx: {FAMILIES[prefix]}", "", "| code | name | severity | what |"]
        lines.append("|---|---|---|---|")
        lines += [
            f"| [{card.code}]({card.code}.md) | {card.name} | {card.severity} | {card.summary} |"
            for card in family
        ]
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
