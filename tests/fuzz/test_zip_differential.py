"""A few hundred of the archives that `python -m tests.fuzz.differential zip` makes."""

from __future__ import annotations

import shutil

import pytest
from tests.fuzz.differential import compare_archives


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_taken_without_a_word_every_reader_takes(seed: int) -> None:
    """`zipfile` and `unzip` on a mutated archive; the numbers of those that are wrong name them."""
    assert shutil.which("unzip"), "unzip is the other reader: install it"
    result = compare_archives(200, seed)

    assert result.wrong == []
    assert result.counts["others: not"] > 50
    assert result.counts["others: sound"] > 50
