"""Tens of thousands of findings: what GitHub refuses or drops above a limit stays below it.

The limits are those of GitHub's pages "SARIF support for code scanning", "Workflow
commands" and "Adding a job summary".
"""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from functools import cache
from io import StringIO
from pathlib import PurePosixPath
from typing import Final

import pytest
from tests.factories import a_distribution, a_finding, a_report

from abicheck.model import Failure, Report, Severity, Site
from abicheck.reporters import Run, markdown, writer

HOSTILE: Final = "a%0A::error::x\r\n::set-output name=y::z,`|<b>\x1b[2J\u202e"
SEVERITIES: Final = tuple(Severity)


@cache
def many(count: int = 26_000) -> Report:
    """Faults of a tenth as many distributions, each with all that one may have, some hostile."""
    findings = []
    for number in range(count):
        owner = a_distribution(f"package{number // 10}", "1.0")
        name = f"package{number // 10}/sub/_module{number}.cpython-313-x86_64-linux-gnu.so"
        if number % 1000 == 0:
            name += HOSTILE
        finding = a_finding(
            name,
            f"needs GLIBC_2.{number}, and {HOSTILE if number % 1000 == 0 else 'no more'}",
            severity=SEVERITIES[number % 3],
            subject=f"GLIBC_2.{number}",
            distribution=owner,
            failure=Failure(
                "ImportError", f"/lib64/libc.so.6: version `GLIBC_2.{number}' not found"
            ),
            why="the target has glibc 2.34",
            fix="pip install --upgrade --no-deps \\\n  " + "--platform manylinux2014_x86_64 " * 8,
        )
        sites = tuple(Site(PurePosixPath(f"package/m{n}.py"), n) for n in range(8))
        fault = replace(finding.fault, via=sites, evidence=("printf", "malloc"))
        findings.append(replace(finding, fault=fault))
    return a_report(*sorted(findings, key=lambda each: -each.severity))


def written(format_name: str, count: int = 26_000) -> str:
    stream = StringIO()
    writer(format_name)(Run((many(count),), "1.2.3", 1), stream)
    return stream.getvalue()


def test_sarif_stays_below_what_an_upload_may_have() -> None:
    text = written("sarif")
    (found,) = json.loads(text)["runs"]

    assert len(found["results"]) == 25_000
    assert len(gzip.compress(text.encode(), 6)) < 10_000_000
    assert {result["level"] for result in found["results"][:8000]} == {"error"}
    (notice,) = found["invocations"][0]["toolExecutionNotifications"]
    assert notice["message"]["text"].startswith("1,000 results are left out")
    hashes = [r["partialFingerprints"]["primaryLocationLineHash"] for r in found["results"]]
    assert len(set(hashes)) == len(hashes)


def test_annotations_are_as_many_as_a_step_shows_and_none_is_made_by_a_name() -> None:
    lines = written("github").splitlines()
    kinds = [found[1] for line in lines if (found := re.match("::(error|warning|notice) ", line))]

    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "error": 10,
        "warning": 10,
        "notice": 10,
    }
    assert [line for line in lines if line.startswith("::")][-1].endswith(
        "see the summary of the job"
    )
    assert not any(line.startswith(("::set-output", "::error::")) for line in lines)
    assert len(lines) == 31


@pytest.mark.parametrize("limit", [900 << 10, 10_000])
def test_a_summary_stays_below_its_limit_and_says_what_is_left_out(limit: int) -> None:
    text = markdown(Run((many(),), "1.2.3", 1), limit)

    assert len(text.encode("utf-8", "backslashreplace")) <= limit
    assert "8,667 errors" in text or "8,666 errors" in text
    assert re.search(r"more", text[-400:])


@pytest.mark.parametrize("name", ["gitlab", "json", "junit", "concise"])
def test_nothing_is_left_out_where_nobody_limits_it(name: str) -> None:
    text = written(name, 2_000)

    assert "GLIBC_2.1999" in text
    assert "\x1b" not in text
