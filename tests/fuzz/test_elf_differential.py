"""A few of the objects that `python -m tests.fuzz.differential elf loader` makes."""

from __future__ import annotations

import shutil
import sys

import pytest
from tests.fuzz.differential import compare_loads, compare_objects

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="readelf and glibc's loader are at home on Linux"
)


def test_names_are_those_that_readelf_shows() -> None:
    """The numbers of those that are wrong name them."""
    assert shutil.which("readelf"), "readelf is the other reader: install binutils"
    result = compare_objects(150, 1)

    assert result.wrong == []
    assert result.counts["readelf: no complaint"] > 50


def test_what_this_machines_loader_refuses_is_reported() -> None:
    """With its message, or by a death before it has relocated anything."""
    result = compare_loads(80, 1)

    assert result.wrong == []
    assert result.counts["happened: ImportError"] > 25
    assert result.counts["happened: loads"] > 25
