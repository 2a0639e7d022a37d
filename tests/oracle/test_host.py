"""abicheck and this machine's own loader say the same of every fixture."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from tests.oracle.accuracy import Table, explain
from tests.oracle.runs import on_host

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="glibc's loader runs on Linux alone"
)


@pytest.fixture(scope="module")
def table() -> Iterator[Table]:
    with on_host() as target:
        yield target.fixtures()


def test_every_answer_of_this_machines_loader_is_predicted(table: Table) -> None:
    assert explain(table) == ""


def test_hardly_an_answer_is_uncertain(table: Table) -> None:
    assert 50 * sum(row.said is None for row in table.rows) <= len(table.rows)


def test_the_loader_refused_much_and_allowed_much(table: Table) -> None:
    """Neither a target on which nothing loads nor one on which all does would show anything."""
    loaded = sum(row.truth.succeeded for row in table.rows)

    assert len(table.rows) // 4 < loaded < 3 * len(table.rows) // 4
