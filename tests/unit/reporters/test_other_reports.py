"""JUnit, GitLab's code quality, one line a finding."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from tests.factories import (
    a_distribution,
    a_finding,
    a_report,
    an_inventory,
    an_object,
    an_object_report,
)

from abicheck.model import ArtifactKind, Failure, Report, Severity
from abicheck.reporters import Anchors, Place, Run, writer


def written(name: str, run: Run) -> str:
    stream = StringIO()
    writer(name)(run, stream)
    return stream.getvalue()


def run_of(*reports: Report, level: Severity = Severity.ERROR) -> Run:
    return Run(reports, "1.2.3", 1, level=level)


# --- JUnit: the structure is that of junit-10.xsd of Jenkins' xUnit plugin ---

ATTRIBUTES = {
    "testsuites": ({"name"}, {"tests", "failures", "errors"}),
    "testsuite": ({"name", "tests", "failures", "errors"}, {"skipped"}),
    "properties": (set(), set()),
    "property": ({"name", "value"}, set()),
    "testcase": ({"name"}, {"classname"}),
    "failure": (set(), {"type", "message"}),
    "error": (set(), {"type", "message"}),
    "skipped": (set(), {"message"}),
    "system-out": (set(), set()),
}
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase"},
    "properties": {"property"},
    "testcase": {"failure", "error", "skipped", "system-out"},
}


def junit(run: Run) -> ET.Element:
    """A document whose elements, attributes and sums are right."""
    root = ET.fromstring(written("junit", run))  # noqa: S314 - written by ourselves
    assert root.tag == "testsuites"
    for element in root.iter():
        required, optional = ATTRIBUTES[element.tag]
        assert required <= set(element.keys()) <= required | optional
        assert {child.tag for child in element} <= CHILDREN.get(element.tag, set())
    for suite in root:
        assert int(suite.attrib["tests"]) == len(suite.findall("testcase"))
        for name, tag in (("failures", "failure"), ("errors", "error")):
            assert int(suite.attrib[name]) == len(suite.findall(f"testcase/{tag}"))
    for name in ("tests", "failures", "errors"):
        assert int(root.attrib[name]) == sum(int(suite.attrib[name]) for suite in root)
    return root


def test_every_binary_is_a_test_that_passes_or_fails() -> None:
    owner = a_distribution("pkg")
    objects = [an_object_report(an_object(f"pkg/{n}.so"), distribution=owner) for n in "ab"]

    root = junit(run_of(a_report(a_finding("pkg/b.so", "gone", why="so"), objects=objects)))

    cases = root.findall("testsuite/testcase")
    assert [(case.get("classname"), case.get("name")) for case in cases] == [
        ("abicheck", "the artifact"),
        ("pkg", "pkg/a.so"),
        ("pkg", "pkg/b.so"),
    ]
    assert [case.find("failure") is None for case in cases] == [True, True, False]
    failure = cases[2].find("failure")
    assert failure is not None
    assert (failure.get("type"), failure.get("message")) == ("ABI901", "ABI901 made-up: gone")
    assert failure.text == "error ABI901 made-up: gone\nwhy: so"


def test_a_test_fails_where_the_fail_level_says_so() -> None:
    report = a_report(a_finding(severity=Severity.WARNING))

    by_default, strict = junit(run_of(report)), junit(run_of(report, level=Severity.WARNING))

    assert (by_default.get("failures"), strict.get("failures")) == ("0", "1")
    assert by_default.findtext("testsuite/testcase/system-out") is not None


def test_a_finding_about_the_whole_is_the_artifact_s_own() -> None:
    root = junit(run_of(a_report(a_finding("", "no archive"))))

    assert [case.get("name") for case in root.iter("testcase")] == ["the artifact"]
    assert root.get("failures") == "1"


def test_a_suppressed_finding_is_skipped_with_its_reason() -> None:
    root = junit(run_of(a_report(suppressed=[a_finding("pkg/mod.so")])))

    (skipped,) = root.iter("skipped")
    assert skipped.get("message") == "ABI901: it is known"
    assert root[0].get("skipped") == "1"


def test_what_could_not_be_examined_is_an_error() -> None:
    root = junit(Run((), "1.2.3", 3, failures=("a.zip: too many links",)))

    assert root.get("errors") == "1"


def test_any_name_gives_well_formed_xml() -> None:
    evil = "\x00\x1b]]><&\"'\udc80\ufffe\r\n.so"

    root = junit(run_of(a_report(a_finding(evil, evil, why=evil, failure=Failure("E", evil)))))

    assert root.get("failures") == "1"


# --- GitLab ---


def issues(run: Run) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(written("gitlab", run))
    assert len({issue["fingerprint"] for issue in found}) == len(found)
    return found


def test_an_issue_has_what_gitlab_asks_for() -> None:
    owner = a_distribution("pkg", "1.0")
    anchors = Anchors(Place("dist/a.zip"), {"pkg": Place("uv.lock", 7)})
    report = a_report(a_finding("pkg/mod.so", "gone", distribution=owner))

    (issue,) = issues(Run((report,), "1.2.3", 1, (anchors,)))

    assert len(issue.pop("fingerprint")) == 32
    assert issue == {
        "description": "ABI901 made-up: pkg/mod.so (pkg 1.0): gone",
        "check_name": "made-up",
        "severity": "critical",
        "location": {"path": "uv.lock", "lines": {"begin": 7}},
    }


def test_no_two_issues_have_one_fingerprint() -> None:
    """GitLab would show one of them."""
    one, other = a_report(a_finding(), a_finding()), a_report(a_finding(), function="api")

    assert len(issues(run_of(one, other))) == 3


def test_the_fingerprint_of_an_issue_stays_when_others_come() -> None:
    (before,) = issues(run_of(a_report(a_finding("b.so"))))

    after = issues(run_of(a_report(a_finding("a.so"), a_finding("b.so"))))

    assert after[1]["fingerprint"] == before["fingerprint"]


def test_no_finding_is_an_empty_list_and_what_is_suppressed_is_none() -> None:
    assert issues(run_of(a_report(suppressed=[a_finding()]))) == []


@pytest.mark.parametrize(
    ("severity", "word"),
    [(Severity.ERROR, "critical"), (Severity.WARNING, "major"), (Severity.NOTE, "info")],
)
def test_gitlab_has_words_of_its_own(severity: Severity, word: str) -> None:
    assert issues(run_of(a_report(a_finding(severity=severity))))[0]["severity"] == word


# --- concise ---


def test_a_finding_is_a_line() -> None:
    report = a_report(a_finding("pkg/mod.so", "gone"), a_finding("", "no\narchive"))

    assert written("concise", run_of(report)).splitlines() == [
        "a.zip/pkg/mod.so: error ABI901 made-up: gone",
        "a.zip: error ABI901 made-up: no\\narchive",
    ]


def test_a_file_of_a_folder_is_named_so_that_it_opens() -> None:
    inventory = an_inventory(artifact="build/", kind=ArtifactKind.FOLDER)

    text = written("concise", run_of(a_report(a_finding("pkg/mod.so"), inventory=inventory)))

    assert text.startswith("build/pkg/mod.so: ")


def test_a_lone_object_is_its_own_path() -> None:
    inventory = an_inventory(artifact="pkg/mod.so", kind=ArtifactKind.OBJECT)

    text = written("concise", run_of(a_report(a_finding("mod.so"), inventory=inventory)))

    assert text.startswith("pkg/mod.so: ")


def test_no_finding_is_no_line() -> None:
    assert written("concise", run_of(a_report())) == ""
