"""A smoke import in every format, to the letter where a person reads it."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from io import StringIO
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.factories import DIGEST, a_case, a_finding, a_report, a_smoke_run, an_inventory, location

from abicheck.model import (
    Agreement,
    ColdStart,
    Failure,
    ImportShare,
    Reconciled,
    Report,
    RuleInfo,
    Severity,
    SmokeImport,
    SmokeOutcome,
)
from abicheck.reporters import Run, writer
from abicheck.reporters._smoke import bars
from abicheck.rules import ALL_RULES, in_order, run_rules

STATIC = RuleInfo("ABI001", "made-up", Severity.ERROR, "a fault seen in the file")
GONE = Failure("ImportError", "libx.so.1: \x1b[31mgone")
COLD = ColdStart(
    "app",
    812_000,
    (ImportShare("pandas", 512_000), ImportShare("numpy", 250_400), ImportShare("app", 49_600)),
    1_000_000,
)


def reconciled(
    module: str, agreement: Agreement, failure: Failure | None = None, *, crash: bool = False
) -> Reconciled:
    outcome = SmokeOutcome.DIED if crash else SmokeOutcome.FAILED
    made = SmokeImport(module, SmokeOutcome.LOADED if failure is None else outcome, failure, 1_500)
    return Reconciled(made, agreement, location(f"{module}.py"))


def smoked(*each: Reconciled, cold: ColdStart | None = None, static: bool = False) -> Report:
    """A report after a smoke import, with the findings that it leads to."""
    run = a_smoke_run(*(item.made for item in each))
    case = replace(a_case(inventory=an_inventory()), smoke=run, reconciled=each, cold_start=cold)
    found = run_rules(ALL_RULES, case)
    report = a_report(*in_order((a_finding(rule=STATIC), *found) if static else found))
    return replace(report, smoke=run, reconciled=each, cold_start=cold)


def written(report: Report, form: str = "text", *, quiet: bool = False) -> str:
    stream = StringIO()
    writer(form)(Run((report,), "1.2.3", quiet=quiet), stream)
    return stream.getvalue()


AGREED = reconciled("app", Agreement.AGREED)
DISAGREES = reconciled("mod", Agreement.FAILED_AFTER_ALL, GONE)


# --- text ---


def test_a_smoke_import_that_went_as_predicted_says_where_and_how_to_pin_it() -> None:
    assert written(smoked(AGREED, cold=COLD)) == (
        "PASS  a.zip   a target\n"
        "\n"
        "Smoke import: 1 module in an-image:3.13\n"
        "  1 as predicted\n"
        "  CPython 3.13.0, linux/amd64, Docker 28.0.1\n"
        f"  pin it: --smoke-image an-image@{DIGEST}\n"
        "\n"
        "Import time of app: 812 ms of 1,000 ms allowed\n"
        "  pandas  512 ms  ##############################################################\n"
        "  numpy   250 ms  ##############################\n"
        "  app      50 ms  ######\n"
        "  A laptop is not Lambda: compare these times, do not quote them.\n"
        "\n"
        "Nothing found. 0 extensions, 0 distributions, 1 file, 0.0 of 250 MiB.\n"
    )


def test_a_disagreement_is_printed_before_what_is_as_severe_and_has_a_lower_code() -> None:
    said = written(smoked(DISAGREES, AGREED, static=True))

    assert said.startswith(
        "FAIL  a.zip   a target\n"
        "\n"
        "Lambda would log:\n"
        "  [ERROR] Runtime.ImportModuleError: Unable to import module 'handler': "
        "libx.so.1: \\x1b[31mgone\n"
        "\n"
        "error ABI901 smoke-disagrees: what happened in the container is not what was predicted\n"
        "  file  mod.py\n"
        "        mod was predicted to load, and failed: ImportError: libx.so.1: \\x1b[31mgone\n"
        f"  why   predicted for a-target: loads; imported in an-image@{DIGEST}\n"
        "  fix   abicheck ARTIFACT --smoke --format json=smoke.json  "
        "# attach smoke.json to an issue of abicheck\n"
    )
    assert "  1 as predicted, 1 predicted to load, but failed\n" in said


def test_a_disagreement_that_is_a_warning_is_still_printed_first() -> None:
    report = smoked(reconciled("mod", Agreement.LOADED_AFTER_ALL), static=True)

    assert [(f.rule.name, f.severity) for f in report.findings] == [
        ("smoke-disagrees", Severity.WARNING),
        ("made-up", Severity.ERROR),
    ]


def test_an_image_that_is_pinned_already_is_not_told_to_be() -> None:
    report = smoked(AGREED)
    assert report.smoke is not None
    pinned = replace(report, smoke=replace(report.smoke, image=f"an-image@{DIGEST}"))

    assert "pin it" not in written(pinned)


def test_an_image_that_was_never_pushed_is_named_by_its_id() -> None:
    report = smoked(AGREED)
    assert report.smoke is not None
    built = replace(report, smoke=replace(report.smoke, digest=""))

    assert f"  its id is sha256:{'cd' * 32}; it has no digest" in written(built)


@pytest.mark.parametrize(
    ("image", "pinned"),
    [
        ("python:3.13", f"python@{DIGEST}"),
        ("localhost:5000/python", f"localhost:5000/python@{DIGEST}"),
        ("localhost:5000/a/python:3.13", f"localhost:5000/a/python@{DIGEST}"),
        (f"python:3.13@{DIGEST}", f"python:3.13@{DIGEST}"),
    ],
)
def test_a_reference_is_pinned_by_digest_without_its_tag(image: str, pinned: str) -> None:
    """The colon of a registry's port is no tag's."""
    assert a_smoke_run(image=image).pinned == pinned


def test_containers_that_were_discarded_are_counted() -> None:
    report = smoked(AGREED)
    assert report.smoke is not None

    said = written(replace(report, smoke=replace(report.smoke, discarded=2)))

    assert "  2 containers discarded: what was not finished there ran again\n" in said


def test_a_smoke_import_that_could_not_be_made_is_never_a_pass() -> None:
    report = replace(a_report(), unsmoked="no engine answers")

    assert written(report) == (
        "INCOMPLETE  a.zip   a target\n"
        "\n"
        "No smoke import: no engine answers\n"
        "\n"
        "Nothing found. 0 extensions, 0 distributions, 1 file, 0.0 of 250 MiB.\n"
    )


def test_quiet_leaves_the_smoke_import_out_and_keeps_what_it_found() -> None:
    said = written(smoked(DISAGREES), quiet=True)

    assert "Smoke import" not in said
    assert "ABI901" in said


@pytest.mark.parametrize("agreement", Agreement)
def test_every_comparison_is_counted(agreement: Agreement) -> None:
    assert "\n  2 " in written(smoked(reconciled("a", agreement), reconciled("b", agreement)))


def test_what_a_module_says_without_end_is_cut_where_it_is_shown_and_kept_in_the_data() -> None:
    endless = reconciled("mod", Agreement.FAILED_AFTER_ALL, Failure("Error", "x" * 100_000))

    assert len(written(smoked(endless))) < 10_000
    happened = artifact(smoked(endless))["smoke"]["imports"][0]["happened"]
    assert happened["message"] == "x" * 100_000


# --- bars ---


def test_no_bar_is_longer_than_a_terminal_and_the_rest_is_one_line() -> None:
    names = ["x" * 200, "\x1b[2J", *(f"p{n}" for n in range(30))]
    cold = ColdStart(None, 0, tuple(ImportShare(name, 10**9 - n) for n, name in enumerate(names)))

    lines = list(bars(cold))

    assert max(map(len, lines)) == 80
    assert len(lines) == 11
    assert lines[-1].startswith("  22 others")
    assert all(line.isprintable() for line in lines)


def test_times_too_short_to_be_measured_have_no_bar() -> None:
    assert list(bars(ColdStart(None, 0, (ImportShare("a", 0),)))) == ["  a  0.0 ms"]


# --- the other formats ---


def artifact(report: Report) -> dict[str, Any]:
    schema = files("abicheck.reporters") / "schema" / "report-v1.json"
    document = json.loads(written(report, "json"))
    Draft202012Validator(json.loads(schema.read_text(encoding="utf-8"))).validate(document)
    found: dict[str, Any] = document["artifacts"][0]
    return found


def test_json_has_each_import_beside_its_prediction_and_every_share_of_the_time() -> None:
    found = artifact(smoked(DISAGREES, cold=COLD))

    assert found["smoke"] == {
        "image": "an-image:3.13",
        "pinned": f"an-image@{DIGEST}",
        "digest": DIGEST,
        "id": f"sha256:{'cd' * 32}",
        "platform": "linux/amd64",
        "engine": "Docker 28.0.1",
        "python": "3.13.0",
        "discarded": 0,
        "imports": [
            {
                "module": "mod",
                "path": "mod.py",
                "agreement": "predicted to load, but failed",
                "outcome": "failed",
                "happened": {
                    "exception": "ImportError",
                    "message": "libx.so.1: \x1b[31mgone",
                    "crash": None,
                    "stderr": None,
                },
                "predicted": None,
                "microseconds": 1500,
            }
        ],
        "cold_start": {
            "module": "app",
            "microseconds": 812_000,
            "budget": 1_000_000,
            "shares": [
                {"name": "pandas", "microseconds": 512_000},
                {"name": "numpy", "microseconds": 250_400},
                {"name": "app", "microseconds": 49_600},
            ],
        },
    }


@pytest.mark.parametrize("agreement", Agreement)
@pytest.mark.parametrize("crash", ["SIGKILL", "exit 3", "SIGRTMIN+1"])
def test_json_obeys_its_schema_whatever_a_module_dies_of(agreement: Agreement, crash: str) -> None:
    died = reconciled("mod", agreement, Failure(None, None, crash), crash=True)

    assert artifact(smoked(died))["smoke"]["imports"][0]["happened"]["crash"] == crash


def test_json_says_why_nothing_was_imported() -> None:
    found = artifact(replace(a_report(), unsmoked="no engine answers"))

    assert (found["smoke"], found["verdict"]) == ({"missing": "no engine answers"}, "incomplete")


def test_markdown_folds_the_smoke_import_and_its_bars() -> None:
    assert written(smoked(AGREED, cold=COLD), "markdown").endswith(
        "\n<details><summary><code>Smoke import: 1 module in an-image:3.13</code></summary>\n"
        "\n"
        "```text\n"
        "  1 as predicted\n"
        "  CPython 3.13.0, linux/amd64, Docker 28.0.1\n"
        f"  pin it: --smoke-image an-image@{DIGEST}\n"
        "\n"
        "Import time of app: 812 ms of 1,000 ms allowed\n"
        "  pandas  512 ms  ##############################################################\n"
        "  numpy   250 ms  ##############################\n"
        "  app      50 ms  ######\n"
        "  A laptop is not Lambda: compare these times, do not quote them.\n"
        "```\n"
        "\n"
        "</details>\n"
    )


def test_html_has_a_table_of_times_and_no_claim_that_nothing_was_executed() -> None:
    page = written(smoked(DISAGREES, AGREED, cold=COLD), "html")

    assert "<h3>Import times</h3>" in page
    assert '<tr><th scope=row>pandas</th><td>512 ms</td><td><svg class="bar"' in page
    assert '<rect width="400.0" height="12"/>' in page
    assert '<td><span class="badge error">predicted to load, but failed</span></td>' in page
    assert "ImportError: libx.so.1: \\x1b[31mgone" in page
    assert "Nothing of the artifact was executed" not in page
    assert "\x1b" not in page


@pytest.mark.parametrize("form", ["text", "concise", "json", "sarif", "github", "gitlab", "html"])
def test_a_disagreement_comes_first_in_every_format_also_as_a_warning(form: str) -> None:
    said = written(smoked(reconciled("mod", Agreement.LOADED_AFTER_ALL), static=True), form)

    assert -1 < said.index("mod was predicted to fail, and loaded") < said.rindex("does not load")


@pytest.mark.parametrize("form", ["concise", "sarif", "github", "gitlab", "junit"])
def test_the_other_formats_have_the_disagreement_as_a_finding_and_no_escape(form: str) -> None:
    said = written(smoked(DISAGREES), form)

    assert "mod was predicted to load, and failed" in said
    assert "\x1b" not in said
