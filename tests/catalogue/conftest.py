"""Every fixture judged once, and the option that rewrites what is compared with it.

python -m pytest tests/catalogue tests/golden --update-snapshots
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from abicheck.model import Report, TargetProfile
from abicheck.pipeline import check


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-snapshots",
        action="store_true",
        help="rewrite the snapshots of tests/catalogue and tests/golden; review the difference",
    )


@pytest.fixture(scope="session")
def reports(fixtures: Path, target: TargetProfile) -> Mapping[str, Report]:
    """Return the report of every case and archive, by its path below fixtures/."""
    entries = [
        entry
        for table in ("cases.toml", "archives.toml")
        for entry in tomllib.loads((fixtures / table).read_text(encoding="utf-8")).values()
    ]
    return MappingProxyType({e["file"]: check(fixtures / e["file"], target) for e in entries})
