"""Where the real packages are kept while the oracles are asked."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.oracle.wheels import Warehouse


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """Return the warehouse in the folder that ABICHECK_WAREHOUSE names, else in one that goes.

    It grows to 0.7 GB of wheels and 2.2 GB of what is in them.
    """
    kept = os.environ.get("ABICHECK_WAREHOUSE")
    root = Path(kept) if kept else tmp_path_factory.mktemp("warehouse")
    yield Warehouse(root)
    if not kept:
        shutil.rmtree(root)
