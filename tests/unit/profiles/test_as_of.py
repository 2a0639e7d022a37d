"""A target as it was on a day."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from tests.factories import a_library, a_profile

from abicheck.model import TargetProfile
from abicheck.profiles import as_of

LIBRARY = a_library(
    "libx.so.1", "old@@X_1", "new@@X_2", "both@X_1", "both@@X_2", introduced={"X_2": "2025-04-01"}
)


def on(day: str) -> TargetProfile:
    return as_of(a_profile(LIBRARY), dt.date.fromisoformat(day))


def test_what_came_later_is_missing_with_all_that_it_carries() -> None:
    table = on("2025-03-31").libraries["/lib64/libx.so.1"].table

    assert table.versions == ("X_1",)
    assert table.definitions.keys() == {"old", "both"}
    assert [d.version for d in table.definitions["both"]] == ["X_1"]


@pytest.mark.parametrize("day", ["2025-03-31", "2025-04-01", "2030-01-01"])
def test_nothing_is_recent_on_the_day_itself(day: str) -> None:
    assert not on(day).libraries["/lib64/libx.so.1"].introduced


def test_what_was_there_on_the_day_stays_as_it_was() -> None:
    assert on("2025-04-01").libraries["/lib64/libx.so.1"] == replace(LIBRARY, introduced={})


def test_the_title_says_the_day() -> None:
    assert on("2025-03-31").title == "a target as of 2025-03-31"


def test_nothing_is_known_of_a_day_after_the_last_facts() -> None:
    assert (on("2025-03-31").as_of, on("2030-01-01").as_of) == ("2025-03-31", "2026-01-01")
