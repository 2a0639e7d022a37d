"""Annotations: few enough to be shown, and nothing of an artifact is obeyed as a command."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from tests.factories import a_distribution, a_finding, a_report, an_inventory

from abicheck.model import Finding, Report, Severity
from abicheck.reporters import Anchors, Place, Run, writer

COMMAND = re.compile(r"::(error|warning|notice) (?:file=([^,:]*),line=(\d+),)?title=([^:,]*)::(.*)")


def lines(*reports: Report, run: Run | None = None) -> list[str]:
    stream = StringIO()
    writer("github")(run or Run(reports, "1.2.3", 1), stream)
    return stream.getvalue().splitlines()


def commands(*findings: Finding) -> list[tuple[str, ...]]:
    """Each annotation as the runner takes it apart."""
    found = [COMMAND.fullmatch(line) for line in lines(a_report(*findings))[:-1]]
    assert all(found)
    return [match.groups("") for match in found if match]


def test_a_finding_is_an_annotation_with_its_place_its_rule_and_all_it_says() -> None:
    owner = a_distribution("pkg", "1.0")
    finding = a_finding("pkg/mod.so", "gone", distribution=owner, why="no folder has it", fix="x y")
    anchors = Anchors(Place("dist/a.zip"), {"pkg": Place("uv.lock", 7)})

    said = lines(run=Run((a_report(finding, function="api"),), "1.2.3", 1, (anchors,)))

    assert said == [
        (
            "::error file=uv.lock,line=7,title=api%3A ABI901 made-up%3A pkg 1.0::"
            "file  pkg/mod.so%0A      gone%0Awhy   no folder has it%0Afix   x y"
        ),
        "FAIL  api (a.zip): 1 error. 0 extensions, 0 distributions, 1 file, 0.0 of 250 MiB.",
    ]


def test_a_note_is_a_notice_and_errors_come_first() -> None:
    found = commands(*(a_finding(severity=severity) for severity in reversed(Severity)))

    assert [command for command, *_ in found] == ["error", "warning", "notice"]


def test_findings_of_one_rule_and_distribution_are_one_annotation() -> None:
    owner = a_distribution("pkg")

    found = commands(*(a_finding(f"pkg/{n}.so", distribution=owner) for n in range(50)))

    assert len(found) == 1
    assert "pkg/0.so  and 49 more" in found[0][4]


@pytest.mark.parametrize(("number", "shown"), [(10, 10), (11, 10), (300, 10)])
def test_github_shows_ten_of_a_kind_and_the_last_one_counts_the_rest(
    number: int, shown: int
) -> None:
    findings = [a_finding(distribution=a_distribution(f"p{n}")) for n in range(number)]

    found = commands(*findings)

    assert len(found) == shown
    rest = found[-1][4] if number > 10 else ""
    assert rest == (f"and {number - 9} more: see the summary of the job" if rest else "")


def test_nothing_of_an_artifact_is_a_command() -> None:
    evil = "a\n::add-mask::x\r\n##[add-mask]%0A,file=x:1.so"
    report = a_report(a_finding(evil, evil), inventory=an_inventory(artifact=evil))

    said = lines(report)

    assert [line[:7] for line in said] == ["::error", "FAIL  a"]
    assert "##[" not in said[-1]
    assert "%250A" in said[0]


def test_a_long_message_is_cut() -> None:
    ((*_, text),) = commands(a_finding(message="x" * 100_000))

    assert len(text) < 5000


def test_what_was_not_examined_is_an_error_and_what_is_configured_in_vain_a_warning() -> None:
    said = lines(run=Run((), "1.2.3", 3, failures=("a.zip: 50% of it",), notices=("unused",)))

    assert said == [
        "::error title=abicheck::a.zip: 50%25 of it",
        "::warning title=abicheck::unused",
    ]
