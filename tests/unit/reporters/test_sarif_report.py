"""SARIF 2.1.0: what GitHub's code scanning demands, keeps, and refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator
from tests.factories import RULE, a_distribution, a_finding, a_report, an_inventory

from abicheck.model import Failure, Finding, Report, Severity
from abicheck.reporters import Anchors, Place, Run, rule_page, writer
from abicheck.rules import ALL_RULES

TEXT: Final = {"type": "string", "minLength": 1}
MESSAGE: Final = {
    "type": "object",
    "required": ["text"],
    "additionalProperties": False,
    "properties": {"text": TEXT, "markdown": TEXT},
}
LEVEL: Final = {"enum": ["error", "warning", "note"]}
# A relative reference (RFC 3986): no scheme, no leading slash, no climbing, all else encoded.
URI: Final = {"type": "string", "pattern": r"^(?!/)(?!\.\./)([A-Za-z0-9._~/-]|%[0-9A-F]{2})+$"}
NOTIFICATIONS: Final = {
    "type": "array",
    "items": {"type": "object", "required": ["level", "message"], "properties": {"level": LEVEL}},
}


def closed(_optional: str = "", /, **properties: object) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": sorted(properties.keys() - set(_optional.split())),
        "properties": properties,
    }


def a_list(items: object, most: int, least: int = 0) -> dict[str, Any]:
    return {"type": "array", "items": items, "maxItems": most, "minItems": least}


# Every property has its name and type from chapter 3 of the specification; what is required,
# and how long it may be, is GitHub's.
DESCRIPTION: Final = closed(text={"type": "string", "minLength": 1, "maxLength": 1024})
RULES: Final = closed(
    id={"type": "string", "pattern": "^ABI[0-9]{3}$"},
    name={"type": "string", "minLength": 1, "maxLength": 255},
    shortDescription=DESCRIPTION,
    fullDescription=DESCRIPTION,
    help=closed(text=TEXT, markdown=TEXT),
    defaultConfiguration=closed(level=LEVEL),
    properties={
        "type": "object",
        "required": ["tags", "precision", "problem.severity"],
        "properties": {
            "tags": {**a_list(TEXT, 10), "uniqueItems": True},
            "precision": {"enum": ["very-high", "high", "medium", "low"]},
            "problem.severity": {"enum": ["error", "warning", "recommendation"]},
            "security-severity": False,  # would make it a security alert
        },
    },
)
COLUMN: Final = {"type": "integer", "minimum": 1}
LOCATION: Final = closed(
    physicalLocation=closed(
        artifactLocation=closed(uri=URI, uriBaseId={"const": "%SRCROOT%"}),
        region=closed(startLine=COLUMN, startColumn=COLUMN, endLine=COLUMN, endColumn=COLUMN),
    ),
    logicalLocations=a_list(
        closed(name=TEXT, fullyQualifiedName=TEXT, kind={"const": "member"}), 1, 1
    ),
)
RESULT: Final = closed(
    "analysisTarget",
    ruleId=TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    level=LEVEL,
    message=MESSAGE,
    locations=a_list(LOCATION, 1, 1),
    partialFingerprints=closed(
        primaryLocationLineHash={"type": "string", "pattern": "^[0-9a-f]{32}:[1-9][0-9]*$"}
    ),
    suppressions=a_list(
        closed(
            kind={"const": "external"},
            status={"const": "accepted"},
            justification=TEXT,
            properties={"type": "object"},
        ),
        1,
    ),
    analysisTarget=closed(index={"type": "integer", "minimum": 0}),
    properties={"type": "object"},
)
LOG: Final = closed(
    "",
    **{
        "$schema": TEXT,
        "version": {"const": "2.1.0"},
        "runs": a_list(
            closed(
                tool=closed(
                    driver=closed(
                        name={"const": "abicheck"},
                        version=TEXT,
                        semanticVersion=TEXT,
                        rules=a_list(RULES, 25_000),
                    )
                ),
                automationDetails=closed(id={"type": "string", "pattern": "^[^/].*/$"}),
                columnKind={"const": "unicodeCodePoints"},
                invocations=a_list(
                    closed(
                        executionSuccessful={"type": "boolean"},
                        exitCode={"type": "integer"},
                        toolExecutionNotifications=NOTIFICATIONS,
                        toolConfigurationNotifications=NOTIFICATIONS,
                    ),
                    1,
                    1,
                ),
                artifacts={
                    "type": "array",
                    "items": closed(
                        "parentIndex roles hashes",
                        location=closed("uriBaseId", uri=URI, uriBaseId=TEXT),
                        roles=a_list({"const": "analysisTarget"}, 1),
                        hashes=closed(**{"sha-256": TEXT}),
                        parentIndex={"type": "integer", "minimum": 0},
                    ),
                },
                results=a_list(RESULT, 25_000),
            ),
            20,
            1,
        ),
    },
)


def log(run: Run) -> list[dict[str, Any]]:
    """The runs of a log that holds to all of the above."""
    stream = StringIO()
    writer("sarif")(run, stream)
    document = json.loads(stream.getvalue())
    Draft202012Validator(LOG).validate(document)
    found: list[dict[str, Any]] = document["runs"]
    for one in found:
        for result in one["results"]:
            assert one["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        identities = [result["partialFingerprints"].values() for result in one["results"]]
        assert len({tuple(each) for each in identities}) == len(one["results"])
    identities = [one["automationDetails"]["id"] for one in found]
    assert len(set(identities)) == len(identities)
    return found


def run_of(*reports: Report, status: int = 1) -> Run:
    return Run(reports, "1.2.3", status)


def results(*findings: Finding) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = log(run_of(a_report(*findings)))[0]["results"]
    return found


def test_a_clean_artifact_is_a_run_without_results() -> None:
    """Without it GitHub would not close the alerts of the day before."""
    (found,) = log(run_of(a_report(), status=0))

    assert (found["results"], found["invocations"][0]["exitCode"]) == ([], 0)
    assert found["invocations"][0]["executionSuccessful"] is True


def test_a_result_has_in_its_properties_what_the_message_says_in_words() -> None:
    finding = a_finding(
        failure=Failure("ImportError", "liby.so: gone"), subject="liby.so", fix="pip install x"
    )
    fault = replace(
        finding.fault, module="pkg.mod", evidence=("liby.so",), origin="RUN pip install\tpkg"
    )

    (found,) = results(replace(finding, fault=fault))

    assert found["properties"] == {
        "artifact": "a.zip",
        "path": "mod.so",
        "target": "a-target",
        "distribution": None,
        "module": "pkg.mod",
        "subject": "liby.so",
        "evidence": ["liby.so"],
        "origin": r"RUN pip install\tpkg",
        "runtimeMessage": "ImportError: liby.so: gone",
        "crash": None,
        "fix": "pip install x",
    }
    assert r"From: RUN pip install\tpkg" in found["message"]["text"].splitlines()


def test_a_result_begins_with_the_file_inside_the_artifact() -> None:
    finding = a_finding(
        "pkg/mod.so",
        "does not load",
        distribution=a_distribution("pkg", "1.0"),
        failure=Failure("ImportError", "liby.so: gone"),
        why="no folder has it",
        fix="pip install \\\n  pkg",
    )

    (found,) = results(finding)

    assert found["message"]["text"].splitlines() == [
        "pkg/mod.so (pkg 1.0): does not load",
        "Why: no folder has it",
        "The runtime says: liby.so: gone",
        "Fix: pip install \\",
        "  pkg",
    ]
    assert found["locations"][0]["logicalLocations"] == [
        {"name": "mod.so", "fullyQualifiedName": "pkg/mod.so", "kind": "member"}
    ]


def test_a_result_about_the_whole_names_the_artifact() -> None:
    (found,) = results(a_finding("", "no archive at all"))

    assert found["message"]["text"] == "a.zip: no archive at all"
    assert "analysisTarget" not in found


@pytest.mark.parametrize("severity", list(Severity))
def test_a_level_is_the_finding_s_and_not_the_rule_s(severity: Severity) -> None:
    (found,) = results(a_finding(severity=severity))

    assert found["level"] == str(severity)


def test_a_result_lies_at_the_line_that_names_its_distribution() -> None:
    anchors = Anchors(Place("dist/a.zip"), {"pkg": Place("requirements.txt", 7, 12)})
    findings = [a_finding(distribution=a_distribution("pkg")), a_finding("other.so")]

    (found,) = log(Run((a_report(*findings),), "1.2.3", 1, (anchors,)))

    places = [result["locations"][0]["physicalLocation"] for result in found["results"]]
    assert [place["artifactLocation"]["uri"] for place in places] == [
        "requirements.txt",
        "dist/a.zip",
    ]
    assert places[0]["region"] == {
        "startLine": 7,
        "startColumn": 1,
        "endLine": 7,
        "endColumn": 13,
    }


@pytest.mark.parametrize("name", ["a b.zip", "c:\\build\\a.zip", "ä%#?.zip", "\udc80.zip"])
def test_any_path_is_a_relative_reference(name: str) -> None:
    """The pattern of the schema above refuses a scheme, a climb and a character that is none."""
    report = a_report(a_finding("p q/%.so"), inventory=an_inventory(artifact=name))

    assert log(run_of(report))


def test_members_are_nested_in_their_artifact() -> None:
    (found,) = log(run_of(a_report(a_finding("pkg/a.so"), a_finding("pkg/a.so", subject="x"))))

    assert [item.get("parentIndex") for item in found["artifacts"]] == [None, 0]
    assert found["artifacts"][0]["hashes"] == {"sha-256": "0" * 64}
    assert [result["analysisTarget"]["index"] for result in found["results"]] == [1, 1]


def test_findings_with_one_fingerprint_are_numbered() -> None:
    found = results(a_finding(), a_finding())

    hashes = [result["partialFingerprints"]["primaryLocationLineHash"] for result in found]
    assert hashes == [f"{a_finding().fingerprint}:1", f"{a_finding().fingerprint}:2"]


def test_each_function_has_a_category_of_its_own() -> None:
    one, other = a_report(function="api"), a_report(function="worker")

    found = log(run_of(one, other, a_report(), a_report()))

    assert [run["automationDetails"]["id"] for run in found] == [
        "abicheck/api-x86_64/",
        "abicheck/worker-x86_64/",
        "abicheck/a.zip-x86_64/",
        "abicheck/a.zip-x86_64-2/",
    ]


def test_more_artifacts_than_github_takes_runs_are_one_run() -> None:
    (found,) = log(run_of(*(a_report(a_finding()) for _ in range(21))))

    assert len(found["results"]) == 21
    assert found["automationDetails"]["id"] == "abicheck/"


def test_what_github_would_refuse_for_its_number_is_cut_the_least_severe_first() -> None:
    findings = [a_finding(severity=Severity.NOTE)] * 25_000 + [a_finding("b.so")]

    (found,) = log(run_of(a_report(*findings)))

    assert len(found["results"]) == 25_000
    assert found["results"][0]["level"] == "error"
    (notification,) = found["invocations"][0]["toolExecutionNotifications"]
    assert notification["message"]["text"].startswith("1 results are left out")


def test_what_could_not_be_examined_is_no_success() -> None:
    (found,) = log(Run((), "1.2.3", 3, failures=("a.zip: too many links",), notices=("unused",)))

    invocation = found["invocations"][0]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 3)
    assert invocation["toolExecutionNotifications"] == [
        {"level": "error", "message": {"text": "a.zip: too many links"}}
    ]
    assert invocation["toolConfigurationNotifications"][0]["message"]["text"] == "unused"


def test_a_suppressed_finding_is_a_result_with_its_reason() -> None:
    (found,) = log(run_of(a_report(a_finding("a.so"), suppressed=[a_finding("b.so")])))

    counted, suppressed = found["results"]
    assert counted["suppressions"] == []
    assert suppressed["suppressions"][0]["justification"] == "it is known"


def test_nothing_that_an_artifact_says_becomes_a_link_or_a_placeholder() -> None:
    (found,) = results(a_finding("[click](http:evil)/{0}\x1b[31m.so", "[x](y)"))

    text = found["message"]["text"]
    assert "](" not in text
    assert "{{0}}" in text
    assert "\x1b" not in text


def test_a_rule_s_help_is_its_page() -> None:
    (found,) = log(run_of(a_report(a_finding())))
    (rule,) = found["tool"]["driver"]["rules"]

    assert rule["help"] == {"text": rule_page(RULE), "markdown": rule_page(RULE)}
    assert rule["properties"]["tags"] == ["binary-compatibility", "smoke-import"]


def test_every_rule_there_is_can_be_described() -> None:
    findings = [a_finding(rule=rule.info, severity=rule.info.severity) for rule in ALL_RULES]

    (found,) = log(run_of(a_report(*findings)))

    assert [rule["id"] for rule in found["tool"]["driver"]["rules"]] == [
        rule.info.code for rule in ALL_RULES
    ]


def test_a_long_explanation_is_cut_and_its_page_is_not() -> None:
    card = replace(RULE, explanation="x" * 2000)

    (found,) = log(run_of(a_report(a_finding(rule=card))))

    (rule,) = found["tool"]["driver"]["rules"]
    assert len(rule["fullDescription"]["text"]) == 1024
    assert "x" * 2000 in rule["help"]["text"]
