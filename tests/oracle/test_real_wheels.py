"""abicheck and a real target say the same of real packages, right ones and wrong ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from tests.oracle import debian
from tests.oracle.accuracy import Failing, Outcome, Table, by_class, explain
from tests.oracle.runs import on_debian
from tests.oracle.wheels import Warehouse, read_trees

pytestmark = [pytest.mark.engine, pytest.mark.network]


# What takes three quarters of the time; `python -m tests.oracle --wheels` asks these too.
LONG: Final = {
    "av",
    "h5py",
    "lightgbm",
    "matplotlib",
    "netcdf4",
    "numba",
    "opencv-python",
    "pandas",
    "rasterio",
    "scikit-image",
    "scikit-learn",
    "scipy",
    "statsmodels",
    "statsmodels-without-scipy-libs",
    "tables",
}


@pytest.fixture(scope="module")
def table(roots: Path, warehouse: Warehouse) -> Iterator[Table]:
    """What the release with CPython 3.13, for which the wheels are, makes of them."""
    with on_debian(debian.make("trixie", roots)) as target:
        trees = (tree for name, tree in read_trees().items() if name not in LONG)
        yield target.trees(trees, warehouse)


def test_what_is_left_out_is_there(table: Table) -> None:
    assert read_trees().keys() >= LONG
    assert len({row.artifact for row in table.rows}) >= 60 + 15


def test_nothing_is_missed_and_nothing_is_alarmed_at_in_vain(table: Table) -> None:
    assert table.count(Outcome.MISSED) == 0, explain(table)
    assert table.count(Outcome.FALSE_ALARM) == 0, explain(table)


def test_hardly_an_answer_is_uncertain(table: Table) -> None:
    assert 50 * table.count(Outcome.UNCERTAIN) <= len(table.rows)


@pytest.mark.parametrize("kind", Failing)
def test_the_runtimes_own_words_are_predicted(table: Table, kind: Failing) -> None:
    """For each class of failure apart, once for each distribution and wording."""
    equal, cases = by_class([table]).get(kind, (0, 0))

    assert 100 * equal >= 99 * cases, explain(table)
