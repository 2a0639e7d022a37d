"""`abicheck matrix`: on which runtimes an artifact loads; never a verdict."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.unit.cli.process import Run

RUNTIMES = [f"python3.{minor}" for minor in range(9, 16)]


def table(text: str) -> dict[tuple[str, str], str]:
    """The answer for each runtime and architecture."""
    rows = [line.split(maxsplit=2) for line in text.splitlines() if line.startswith("python3.")]
    return {(row[0].rstrip("*"), row[1]): row[2] for row in rows}


def test_one_table_has_every_runtime_on_both_architectures(run: Run) -> None:
    result = run("matrix", "dashboard.zip")

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("dashboard.zip\n")
    answers = table(result.stdout)
    assert list(answers) == [(r, a) for r in RUNTIMES for a in ("x86_64", "arm64")]
    assert [key for key, answer in answers.items() if answer == "loads"] == [
        ("python3.11", "x86_64")
    ]
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_where_it_does_not_load_the_first_reason_is_given(call: Run) -> None:
    answers = table(call("matrix", "dashboard.zip").stdout)

    assert answers["python3.13", "x86_64"] == (
        "ABI201 pydantic_core 2.41.5: built for CPython 3.11"
    )


def test_warnings_are_counted_where_it_loads(call: Run) -> None:
    answers = table(call("matrix", "cases/glibcxx-of-a-newer-amazon-linux.zip").stdout)

    assert answers["python3.13", "x86_64"] == "loads, with 1 warning"
    assert answers["python3.12", "x86_64"].startswith("ABI201")


def test_one_architecture_may_be_asked_for(call: Run) -> None:
    answers = table(call("matrix", "dashboard.zip", "--architecture", "arm64").stdout)

    assert {architecture for _, architecture in answers} == {"arm64"}


def test_json_has_the_reasons_whole(call: Run) -> None:
    document = json.loads(call("matrix", "dashboard.zip", "--json").stdout)

    rows = {row["target"]: row for row in document["targets"]}
    assert len(rows) == 14
    row = rows["lambda-python3.13-x86_64"]
    assert (row["loads"], row["code"], row["errors"]) == (False, "ABI201", 1)
    assert row["runtime_message"] == "No module named 'pydantic_core._pydantic_core'"
    assert rows["lambda-python3.11-x86_64"]["reason"] is None


def test_it_never_judges_even_what_is_no_artifact(call: Run) -> None:
    result = call("matrix", "archives/not-an-archive.bin")

    assert result.returncode == 0
    assert set(table(result.stdout).values()) == {
        answer for answer in table(result.stdout).values() if answer.startswith("ABI001")
    }


def test_it_agrees_with_check(call: Run) -> None:
    """What loads in the table passes the check of that runtime."""
    for (runtime, architecture), answer in table(call("matrix", "dashboard.zip").stdout).items():
        status = call(
            *("dashboard.zip", "--runtime", runtime, "--architecture", architecture)
        ).returncode
        assert (status == 0) == answer.startswith("loads"), (runtime, architecture)
