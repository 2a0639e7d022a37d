"""The fixtures are the ones that were measured."""

from __future__ import annotations

import hashlib
import tomllib
import zipfile
from pathlib import Path
from typing import Any, Final

import pytest

FIXTURES: Final = Path(__file__).parents[2] / "fixtures"
SUMS: Final = {
    name: digest
    for digest, name in (
        line.split("  ", 1)
        for line in (FIXTURES / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    )
}


def table(name: str) -> dict[str, dict[str, Any]]:
    return tomllib.loads((FIXTURES / name).read_text(encoding="utf-8"))


def test_every_hash_is_right() -> None:
    found = {name: hashlib.sha256((FIXTURES / name).read_bytes()).hexdigest() for name in SUMS}

    assert found == SUMS


def test_every_artifact_has_a_hash() -> None:
    files = {
        path.relative_to(FIXTURES).as_posix()
        for folder in (".", "cases", "archives")
        for path in (FIXTURES / folder).iterdir()
        if path.suffix in {".zip", ".bin"}
    }

    assert files <= SUMS.keys()


def test_every_artifact_is_named_by_a_table_and_every_entry_is_there() -> None:
    named = {entry["file"] for t in ("cases.toml", "archives.toml") for entry in table(t).values()}

    assert named == {name for name in SUMS if name.endswith((".zip", ".bin"))}


@pytest.mark.parametrize("name", ["cases.toml", "archives.toml"])
def test_every_entry_states_its_law_in_a_sentence_of_its_own(name: str) -> None:
    titles = [entry["title"] for entry in table(name).values()]

    assert all(" " in title and title.endswith(".") for title in titles)
    assert len(titles) == len(set(titles))


def test_every_answer_is_one_that_a_process_can_give() -> None:
    for name, case in table("cases.toml").items():
        assert case["import"] in {"loads", "fails", ""}, name
        assert case["crash"] in {"", "SIGBUS", "SIGSEGV", "SIGABRT", "exit 127"}, name
        if case["import"] == "fails":
            assert bool(case["crash"]) is not bool(case["exception"]), name
        else:
            assert not case["message"], name


def test_every_case_is_a_whole_archive() -> None:
    for case in table("cases.toml").values():
        with zipfile.ZipFile(FIXTURES / case["file"]) as archive:
            assert archive.testzip() is None
