"""JSON version 1 of every fixture obeys its schema, and is the same every time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from importlib.resources import files
from io import StringIO
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from abicheck.model import Report, TargetProfile
from abicheck.pipeline import check
from abicheck.reporters import write_json, write_text


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = (files("abicheck.reporters") / "schema" / "report-v1.json").read_text("utf-8")
    return Draft202012Validator(json.loads(schema))


def written(report: Report) -> str:
    stream = StringIO()
    write_json([report], "0", stream)
    return stream.getvalue()


def test_every_report_obeys_the_schema(
    reports: Mapping[str, Report], validator: Draft202012Validator
) -> None:
    faults = [
        f"{file}: {error.json_path}: {error.message}"
        for file, report in reports.items()
        for error in validator.iter_errors(json.loads(written(report)))
    ]

    assert faults == []


def test_a_report_with_a_handler_obeys_it_too(
    fixtures: Path, target: TargetProfile, validator: Draft202012Validator
) -> None:
    for name in ("dashboard", "dashboard-good", "dashboard-stub"):
        report = check(fixtures / f"{name}.zip", target, handler="handler.lambda_handler")

        validator.validate(json.loads(written(report)))


def test_counts_agree_with_the_lists(reports: Mapping[str, Report]) -> None:
    for file, report in reports.items():
        (found,) = json.loads(written(report))["artifacts"]
        counts = found["counts"]
        severities = [finding["severity"] for finding in found["findings"]]

        assert counts["errors"] == severities.count("error"), file
        assert counts["warnings"] == severities.count("warning"), file
        assert counts["notes"] == severities.count("note"), file
        assert counts["objects"] == len(found["objects"]), file
        assert counts["packages"] == len(found["packages"]), file
        assert (found["verdict"] == "pass") is ("error" not in severities), file


def test_objects_and_packages_are_sorted(reports: Mapping[str, Report]) -> None:
    for report in reports.values():
        (found,) = json.loads(written(report))["artifacts"]

        assert found["objects"] == sorted(found["objects"], key=lambda item: item["path"])
        assert found["packages"] == sorted(found["packages"], key=lambda item: item["name"])


def test_what_fails_is_decided_by_a_file(reports: Mapping[str, Report]) -> None:
    """And what loads is decided by none, and says nothing."""
    for file, report in reports.items():
        (found,) = json.loads(written(report))["artifacts"]
        for item in [*found["objects"], *found["packages"]]:
            if item["import"] == "loads":
                assert item["decided_by"] is None, (file, item)
                assert item["crash"] is None, (file, item)
            if item["import"] == "fails":
                assert item["runtime_message"] is not None or item["crash"], (file, item)


def test_a_second_look_gives_the_same_bytes(
    reports: Mapping[str, Report], fixtures: Path, target: TargetProfile
) -> None:
    for file in sorted(reports)[::4]:
        assert written(check(fixtures / file, target)) == written(reports[file]), file


def test_another_process_gives_the_same_bytes(
    reports: Mapping[str, Report], fixtures: Path
) -> None:
    """Whatever the seed of its hashes and its time zone."""
    chosen = sorted(reports)[::3]
    outputs = [
        subprocess.run(
            [sys.executable, "-m", "abicheck", *chosen, "--format", "json"],
            cwd=fixtures,
            env=os.environ | {"PYTHONHASHSEED": seed, "TZ": zone},
            capture_output=True,
            timeout=120,
            check=False,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Kathmandu"))
    ]

    assert outputs[0] == outputs[1]
    assert outputs[0].count(b'"verdict"') == len(chosen)


def test_text_is_the_same_every_time_and_holds_no_time(reports: Mapping[str, Report]) -> None:
    def text() -> str:
        stream = StringIO()
        write_text(list(reports.values()), stream, color=False)
        return stream.getvalue()

    assert text() == text()
    assert "second" not in text().replace("_second", "")
