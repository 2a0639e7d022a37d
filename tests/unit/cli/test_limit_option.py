"""--limit: how much of an artifact is examined at most."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from abicheck.cli._limits import read_limits
from abicheck.errors import UsageError
from abicheck.model import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from tests.unit.cli.process import Run

DOCUMENT = Path(__file__).parents[3] / "docs" / "limits.md"


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("members=7", "members", 7),
        ("total=8GiB", "total", 8 << 30),
        ("total = 8 g", "total", 8 << 30),
        ("member=64MB", "member", 64 << 20),
        ("layer-count=3", "layer_count", 3),
        ("source=100", "source", 100),
    ],
)
def test_a_limit_is_set_by_its_name(text: str, name: str, value: int) -> None:
    """The others stay as they are."""
    limits = read_limits([text])

    assert getattr(limits, name) == value
    assert (
        sum(
            getattr(limits, each.name) != getattr(DEFAULT_LIMITS, each.name)
            for each in fields(Limits)
        )
        == 1
    )


def test_of_two_of_one_name_the_last_counts() -> None:
    assert read_limits(["members=7", "members=8", "depth=9"]).members == 8


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("depht=7", "did you mean depth?"),
        ("members", "expected NAME=VALUE"),
        ("", "expected NAME=VALUE"),
        ("members=0", "expected a number above zero, such as members=500000"),
        ("members=-1", "expected a number above zero"),
        ("members=7K", "expected a number above zero"),
        ("total=", "such as total=64MiB"),
        ("total=1e9", "expected a number above zero"),
    ],
)
def test_what_is_no_limit_is_refused(text: str, reason: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_limits([text])

    assert reason in str(refused.value)


def test_the_option_the_variable_and_the_key_set_limits(run: Run, tmp_path: Path) -> None:
    """As every option; several are written with commas."""
    (tmp_path / "a.py").write_text("a = 1\n", encoding="utf-8")
    config = tmp_path / "abicheck.toml"
    config.write_text('limit = ["source=5"]\n', encoding="utf-8")
    told = []
    for arguments, variables in (
        (("--isolated", "--limit", "depth=9,source=5"), {}),
        (("--isolated",), {"ABICHECK_LIMIT": "depth=9,source=5"}),
        (("--config", str(config)), {}),
        (("--isolated",), {}),
    ):
        result = run("--format=json", *arguments, str(tmp_path), env=variables)
        (report,) = json.loads(result.stdout)["artifacts"]
        told.append([finding["code"] for finding in report["findings"]])

    assert told == [["ABI002"]] * 3 + [[]]


def test_the_page_lists_every_limit_and_its_default() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| ([^|]+) \|", DOCUMENT.read_text(), re.MULTILINE))
    units = ((1 << 30, "GiB"), (1 << 20, "MiB"))

    def written(name: str, *, is_size: bool) -> str:
        value = getattr(DEFAULT_LIMITS, name)
        unit = next((u for u in units if is_size and value % u[0] == 0), None)
        return f"{value:,}" if unit is None else f"{value // unit[0]} {unit[1]}"

    assert rows == {
        each.name.replace("_", "-"): written(each.name, is_size=each.metadata["is_size"])
        for each in fields(Limits)
    }
