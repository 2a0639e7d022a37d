"""Real installs have nothing above a note; with one thing broken, that is found and nothing else.

`python -m tests.installs` takes all twenty; here are those that are soon installed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.installs.installing import LOCKS, PIP
from tests.installs.judging import run

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(sys.platform == "win32", reason="modes of the system that is judged"),
]
SOON = ("fastapi", "jinja2", "orjson", "pillow", "redis", "sqlalchemy")


def test_there_are_twenty() -> None:
    assert len(LOCKS) == 20


@pytest.mark.parametrize("name", SOON)
def test_an_install_is_clean_and_what_is_broken_in_it_is_found(name: str, tmp_path: Path) -> None:
    tally = run([name], [PIP], examples=1, place=tmp_path)

    assert tally.wrong == []
    assert tally.broken["file pruned"] == 1
