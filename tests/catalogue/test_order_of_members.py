"""No answer depends on the order of members, or on the container they came in."""

from __future__ import annotations

import copy
import json
import random
import tomllib
import zipfile
from io import StringIO
from pathlib import Path
from typing import Any, Final

import pytest

from abicheck.model import TargetProfile
from abicheck.pipeline import check
from abicheck.reporters import write_json

FIXTURES: Final = Path(__file__).parents[2] / "fixtures"
CASES: Final = [
    str(case["file"])
    for case in tomllib.loads((FIXTURES / "cases.toml").read_text(encoding="utf-8")).values()
]
OF_THE_CONTAINER: Final = ("path", "kind", "sha256")


def answer(path: Path, target: TargetProfile) -> dict[str, Any]:
    """The whole report as JSON, without what is the container's own."""
    stream = StringIO()
    write_json([check(path, target)], "0", stream)
    found: dict[str, Any] = json.loads(stream.getvalue())["artifacts"][0]
    for key in OF_THE_CONTAINER:
        del found[key]
    return found


@pytest.mark.parametrize("file", CASES[::4])
def test_members_in_another_order_give_the_same_report(
    file: str, target: TargetProfile, tmp_path: Path
) -> None:
    with zipfile.ZipFile(FIXTURES / file) as archive:
        members = [(copy.copy(info), archive.read(info)) for info in archive.infolist()]
    random.Random(file).shuffle(members)  # noqa: S311 - any order will do
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for info, data in members:
            archive.writestr(info, data)

    assert answer(tmp_path / "a.zip", target) == answer(FIXTURES / file, target)
