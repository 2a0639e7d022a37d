"""A target that has more refuses no more: what loads on the poorer one loads on the richer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abicheck.model import Library, Report, Severity, SymbolTable, TargetProfile
from abicheck.pipeline import check
from abicheck.profiles import load_profile

_CASES: Final = Path(__file__).parents[2] / "fixtures" / "cases"
# Each needs something of the target: symbols of libc, of the interpreter, of a library, a version.
CASES: Final = (
    "sound",
    "vendored-library-lacks-a-version",
    "runpath-origin",
)


@cache
def _target() -> TargetProfile:
    return load_profile("lambda-python3.13-x86_64")


@cache
def _names() -> tuple[str, ...]:
    """Return what may be taken away: names that an extension asks of its target."""
    asked = {name for case in CASES for name in _asked(check(_CASES / f"{case}.zip", _target()))}
    return tuple(sorted(asked))


def _asked(report: Report) -> Iterator[str]:
    for facts in report.inventory.objects.values():
        yield from (reference.name for reference in facts.references)


def _without(profile: TargetProfile, names: frozenset[str]) -> TargetProfile:
    """Return the target with libraries and an interpreter that do not define these names."""
    libraries = {path: _poorer(library, names) for path, library in profile.libraries.items()}
    interpreter = replace(profile.interpreter, exports=profile.interpreter.exports - names)
    return replace(profile, libraries=libraries, interpreter=interpreter)


def _poorer(library: Library, names: frozenset[str]) -> Library:
    table = library.table

    def load() -> dict[str, object]:
        return {name: found for name, found in table.definitions.items() if name not in names}

    poorer = SymbolTable(
        load,  # type: ignore[arg-type] # the values are those of the table itself
        versions=table.versions,
        versioned=table.versioned,
        complete=table.complete,
    )
    return replace(library, table=poorer)


def _refused(report: Report) -> set[str]:
    """Return the files that have an error."""
    return {
        str(finding.fault.location.path)
        for finding in report.findings
        if finding.severity is Severity.ERROR
    }


@pytest.mark.parametrize("case", CASES)
@settings(max_examples=10)
@given(data=st.data())
def test_a_richer_target_adds_no_error(case: str, data: st.DataObject) -> None:
    """Law: names that a target defines besides make no file fail that loaded without them."""
    few = data.draw(st.frozensets(st.sampled_from(_names())))
    more = few | data.draw(st.frozensets(st.sampled_from(_names())))
    path = _CASES / f"{case}.zip"

    richer, poorer = (_refused(check(path, _without(_target(), names))) for names in (few, more))

    assert richer <= poorer


def test_a_target_without_what_is_asked_of_it_is_poorer() -> None:
    """What the law compares is not the same everywhere."""
    path = _CASES / "sound.zip"

    assert _refused(check(path, _target())) == set()
    assert _refused(check(path, _without(_target(), frozenset(_names())))) != set()
