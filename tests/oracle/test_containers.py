"""abicheck and the loaders of three Debian releases say the same of every fixture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.oracle import debian
from tests.oracle.accuracy import Table, explain
from tests.oracle.runs import on_debian

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module", params=debian.RELEASES)
def table(request: pytest.FixtureRequest, roots: Path) -> Iterator[Table]:
    with on_debian(debian.make(request.param, roots)) as target:
        yield target.fixtures()


def test_every_answer_of_the_releases_loader_is_predicted(table: Table) -> None:
    assert explain(table) == ""


def test_hardly_an_answer_is_uncertain(table: Table) -> None:
    assert 50 * sum(row.said is None for row in table.rows) <= len(table.rows)
