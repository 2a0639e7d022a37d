"""A function split at random between its ZIP and layers is the function as a whole."""

from __future__ import annotations

import stat
import tempfile
import tomllib
import zipfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from abicheck.model import FoundBy, Report
from abicheck.pipeline import check
from abicheck.profiles import load_profile

FIXTURES: Final = Path(__file__).parents[2] / "fixtures"
SITE: Final = "python/lib/python3.13/site-packages/"
_ROOTS: Final = ("/var/task/", f"/opt/{SITE}", "/opt/python/")

Unit = Mapping[str, tuple[bytes, int]]
"""What belongs together: members of one case, name to content and mode."""


def _read(name: str) -> Unit:
    with zipfile.ZipFile(FIXTURES / name) as archive:
        return {
            info.filename: (archive.read(info), info.external_attr >> 16)
            for info in archive.infolist()
            if not info.is_dir()
        }


def _write(path: Path, units: Sequence[tuple[str, Unit]]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for folder, unit in units:
            for name, (data, mode) in unit.items():
                info = zipfile.ZipInfo(f"{folder}{name}")
                info.create_system = 3
                info.external_attr = (mode or stat.S_IFREG | 0o644) << 16
                archive.writestr(info, data)
    return path


def _stays_where_it_is(report: Report) -> bool:
    """Whether a library is found because it lies in /var/task: LD_LIBRARY_PATH has that."""
    return any(
        dependency.found_by is FoundBy.LIBRARY_PATH
        and str(dependency.provider).startswith("/var/task/")
        for item in report.objects
        for dependency in item.link_map.dependencies
    )


@cache
def _units() -> tuple[tuple[str, Unit], ...]:
    """Return the cases that are about what lies in sys.path, wherever that leads."""
    target = load_profile("lambda-python3.13-x86_64")
    cases = tomllib.loads((FIXTURES / "cases.toml").read_text("utf-8"))
    return tuple(
        (name, _read(case["file"]))
        for name, case in cases.items()
        if "relative" not in name  # to the working directory, /var/task
        and not _stays_where_it_is(check(FIXTURES / case["file"], target))
    )


def _shown(text: str) -> str:
    for root in _ROOTS:
        text = text.replace(root, "")
    return text


def _outcomes(report: Report) -> dict[str, tuple[str, str]]:
    """What importing each module does, in words that do not say where it lies."""
    found = {}
    predictions = [
        *(item.prediction for item in report.packages),
        *(item.prediction for item in report.objects),
    ]
    for prediction in predictions:
        if prediction is not None:
            failure = prediction.failure
            words = (failure.message or failure.crash or "") if failure is not None else ""
            found[prediction.module] = (prediction.verdict.value, _shown(words))
    return found


def _tops(unit: Unit) -> set[str]:
    return {name.partition("/")[0].partition(".")[0] for name in unit}


@given(st.data())
def test_a_split_function_imports_what_the_whole_one_does(data: st.DataObject) -> None:
    """Each module with the verdict and the words that it has in one ZIP."""
    drawn = data.draw(st.lists(st.sampled_from(_units()), min_size=1, max_size=5))
    places = st.sampled_from(
        [(0, ""), *((layer, folder) for layer in (1, 2) for folder in ("python/", SITE))]
    )
    parts: dict[int, list[tuple[str, Unit]]] = {0: [], 1: [], 2: []}
    units: list[tuple[str, Unit]] = []
    taken: set[str] = set()
    for name, unit in drawn:
        if taken & _tops(unit):
            continue  # two of one name: then the order decides
        taken |= _tops(unit)
        units.append((name, unit))
        layer, folder = data.draw(places)
        parts[layer].append((folder, unit))
    target = load_profile("lambda-python3.13-x86_64")
    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        whole = _write(place / "whole.zip", [("", unit) for _, unit in units])
        own = _write(place / "own.zip", parts[0])
        layers = [_write(place / f"layer{n}.zip", parts[n]) for n in (1, 2)]

        assert _outcomes(check(own, target, layers=layers)) == _outcomes(check(whole, target))


def test_there_are_units_that_fail_and_units_that_load() -> None:
    """A law about cases that all load would show nothing."""
    names = {name for name, _ in _units()}

    assert len(names) > 100
    assert {"sound", "glibc-2-38-from-libc"} <= names
