"""A rule's page: the same text for `abicheck explain`, docs/rules and SARIF's help."""

from __future__ import annotations

from abicheck.model import RuleInfo


def rule_page(card: RuleInfo) -> str:
    """Return a rule's page as Markdown that reads well as plain text, without a last newline."""
    lines = [f"# {card.code} {card.name}", "", f"{card.severity}: {card.summary}", ""]
    lines.append(card.explanation)
    for title, items in (
        ("The runtime says", card.messages),
        ("Common causes", card.causes),
        ("What to do", card.fixes),
    ):
        if items:
            lines += ["", f"## {title}", ""]
            lines += [f"- {_quote(item) if items is card.messages else item}" for item in items]
    return "\n".join(lines)


def _quote(text: str) -> str:
    """Return a Markdown code span, also of text that holds a backtick."""
    return f"`` {text} ``" if "`" in text else f"`{text}`"
