"""What is written of the rules is true: pages, list, coverage, links."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from tests.unit.cli.process import COMMAND, environment

from abicheck.reporters import rule_page
from abicheck.rules import ALL_RULES
from abicheck.rules.diagnosis import diagnose

ROOT: Final = Path(__file__).resolve().parents[2]
DOCS: Final = ROOT / "docs"
CARDS: Final = {rule.info.code: rule.info for rule in ALL_RULES}
SURVEYED: Final = range(1, 62)


def rows() -> list[tuple[int, str, list[str], str]]:
    """Number, message, codes and text of every row of the coverage."""
    lines = (DOCS / "coverage.md").read_text(encoding="utf-8").splitlines()
    cells = [[c.strip() for c in line.strip("|").split(" | ")] for line in lines]
    return [
        (int(number), message, re.findall(r"ABI\d{3}", codes), text)
        for number, message, codes, text in (row for row in cells if row[0].isdecimal())
    ]


@pytest.mark.parametrize("code", CARDS)
def test_every_rule_has_a_page_that_says_what_explain_says(code: str) -> None:
    text = (DOCS / "rules" / f"{code}.md").read_text(encoding="utf-8")

    assert text == rule_page(CARDS[code]) + "\n"


def test_a_message_with_a_backtick_is_quoted_as_markdown_wants_it() -> None:
    text = rule_page(CARDS["ABI301"])

    assert "- `` *: version `GLIBC_*' not found (required by *) ``" in text


@pytest.mark.parametrize("tool", ["make_rule_pages.py", "make_target_table.py"])
def test_what_is_made_from_the_code_is_made_anew(tool: str) -> None:
    """Every rule's page from its card, none left over; the table of targets from the profiles."""
    result = subprocess.run(
        [sys.executable, ROOT / "tools" / tool, "--check"],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )

    assert (result.returncode, result.stderr) == (0, "")


def test_the_coverage_has_every_row_of_the_survey_in_order() -> None:
    assert [number for number, *_ in rows()] == list(SURVEYED)


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"row-{row[0]}")
def test_a_row_has_rules_that_exist_or_a_reason(row: tuple[int, str, list[str], str]) -> None:
    _, _, codes, text = row

    assert set(codes) <= CARDS.keys()
    assert codes or len(text) > 40


@pytest.mark.parametrize(
    "row", [row for row in rows() if row[2] and "``" in row[1]], ids=lambda row: f"row-{row[0]}"
)
def test_the_message_of_a_row_leads_to_its_rule(row: tuple[int, str, list[str], str]) -> None:
    """Who pastes the message into `explain` is shown one of the rules."""
    _, message, codes, _ = row

    for text in re.findall(r"``(.+?)``", message):
        found = [rule for each in diagnose(text, list(CARDS.values())) for rule in each.rules]
        assert {card.code for card in found} & set(codes)


def pages() -> list[Path]:
    return sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_every_link_between_pages_leads_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in target:
            assert (path.parent / target).is_file(), target


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_an_address_that_is_not_there_is_said_to_stand_for_another(path: Path) -> None:
    """Nobody pastes `OWNER/abicheck` for an address, nor installs from an index what is on none."""
    text = path.read_text(encoding="utf-8")

    if "OWNER/abicheck" in text:
        assert re.search(r"`OWNER/abicheck` stands for .* `COMMIT` for one of its commits", text)
    assert not re.search(r"(install|run|--spec|--from|uvx) lambda-abicheck", text)


WANTS_AN_ENGINE: Final = "--smoke"


def commands() -> Iterator[tuple[str, str, int | None]]:
    """Every `abicheck` of the tutorial: its arguments, what it prints, and its status where said."""
    text = (DOCS / "tutorial.md").read_text(encoding="utf-8")
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        given = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
        for this, after in zip(given, [*given[1:], ""], strict=True):
            line, _, printed = this.partition("\n")
            if line.startswith("abicheck "):
                status = int(after.split()[-1]) if after.startswith("echo $?") else None
                yield line.removeprefix("abicheck "), printed, status


@pytest.mark.parametrize(
    ("arguments", "printed", "status"),
    [pytest.param(*each, id=each[0]) for each in commands() if WANTS_AN_ENGINE not in each[0]],
)
def test_the_tutorial_shows_what_is_printed(
    arguments: str, printed: str, status: int | None, fixtures: Path
) -> None:
    """A line of three dots stands for any number of lines."""
    result = subprocess.run(
        [*COMMAND, *shlex.split(arguments)],
        cwd=fixtures,
        env=environment({"PYTHONIOENCODING": "utf-8"}),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )

    shown = "".join(
        r"(?:.*\n)*" if line == "..." else re.escape(line) + r"\n" for line in printed.splitlines()
    )
    assert re.fullmatch(shown, result.stdout), result.stdout
    assert result.stderr == ""
    assert status in (None, result.returncode)


def test_the_tutorial_runs_each_of_its_commands() -> None:
    """None is lost to the pattern that finds them, and all but one can be held."""
    text = (DOCS / "tutorial.md").read_text(encoding="utf-8")
    found = [arguments for arguments, *_ in commands()]

    assert len(found) == len(re.findall(r"^\$ abicheck ", text, re.MULTILINE))
    assert len([each for each in found if WANTS_AN_ENGINE in each]) == 1
    assert [status for *_, status in commands() if status is not None] == [1, 0]
