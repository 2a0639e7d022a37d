"""Markdown: a table, details folded, and nothing of an artifact outside of code."""

from __future__ import annotations

import re

import pytest
from tests.factories import a_distribution, a_finding, a_report, an_inventory

from abicheck.model import Failure, Report, Severity
from abicheck.reporters import Run, markdown


def written(*reports: Report, limit: int = 1 << 20) -> str:
    return markdown(Run(reports, "1.2.3", 1), limit)


def without_code(text: str) -> str:
    """The text as Markdown sees it: fenced blocks and code spans taken out, longest fence first."""
    text = re.sub(r"^(`{3,})\w*\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", "", text)


def test_every_artifact_is_a_row() -> None:
    text = written(a_report(), a_report(a_finding(), a_finding(severity=Severity.NOTE)))

    rows = [line for line in text.splitlines() if line.startswith("| ") and "`" in line]
    assert rows == [
        "| ✅ PASS | `a.zip` | `a target` | 0 | 0 | 0 | 0 |",
        "| ❌ FAIL | `a.zip` | `a target` | 1 | 0 | 1 | 0 |",
    ]


def test_a_finding_is_folded_with_its_command_apart_and_errors_are_open() -> None:
    text = written(
        a_report(
            a_finding(
                "pkg/mod.so", "gone", distribution=a_distribution("pkg", "1.0"), fix="do\n  it"
            ),
            a_finding(severity=Severity.WARNING),
        )
    )

    assert (
        "<details open><summary>error <code>ABI901 made-up: pkg 1.0</code></summary>\n\n"
        "```text\nfile  pkg/mod.so\n      gone\n```\n\n```sh\ndo\n  it\n```\n\n</details>\n"
    ) in text
    assert "<details><summary>warning " in text


def test_a_failure_shows_what_lambda_would_log() -> None:
    text = written(a_report(a_finding(failure=Failure("ImportError", "x.so: gone"))))

    assert "Lambda would log:\n\n```text\n[ERROR] Runtime.ImportModuleError: " in text


EVIL = [
    "``` \n# title\n```` <img src=x> @team #1 [a](b) | c",
    "<script>x</script>|\\|`@team`",
    "</details></code><h1>",
    "`````",
    "https://evil.example \\| ![](x)",
]


@pytest.mark.parametrize("evil", EVIL)
def test_nothing_of_an_artifact_stands_outside_of_code(evil: str) -> None:
    owner = a_distribution(evil, evil)
    failure = Failure("ImportError", evil)
    finding = a_finding(
        f"p/{evil}.so", evil, distribution=owner, failure=failure, why=evil, fix=evil
    )
    report = a_report(finding, inventory=an_inventory(artifact=evil), function=evil)

    outside = without_code(written(report, report))

    for mark in ("@team", "<img", "<script", "<h1", "[a]", "![]", "evil.example"):
        # The folded title is HTML, where Markdown is not looked for, and is escaped.
        lines = [line for line in outside.splitlines() if not line.startswith("<details")]
        assert mark not in "\n".join(lines)
        assert mark not in outside or not mark.startswith("<")
    assert outside.count("<details") == outside.count("</details>") == 2
    rows = [line for line in outside.splitlines() if line.startswith("| ❌")]
    assert [row.count("|") for row in rows] == [8, 8]


def test_what_does_not_fit_is_counted() -> None:
    findings = [a_finding(distribution=a_distribution(f"p{n}"), why="x" * 500) for n in range(100)]

    text = written(a_report(*findings), limit=10_000)

    assert len(text.encode()) <= 10_000
    left = re.search(r"(\d+) more sections left out", text)
    assert left is not None
    assert text.count("<details") + int(left[1]) == 100


def test_a_thousand_artifacts_are_a_hundred_rows_and_a_number() -> None:
    text = written(*(a_report() for _ in range(1000)))

    assert text.count("✅") == 100
    assert "900 more artifacts." in text
