"""`abicheck inspect`: facts of every binary, and never a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.unit.cli.process import Run


def test_a_broken_artifact_is_inspected_and_not_judged(run: Run) -> None:
    result = run("inspect", "dashboard.zip")

    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "dashboard.zip"
    assert lines[1].split() == [
        *("path", "kind", "machine", "module", "glibc", "run", "path", "needed", "built", "with")
    ]
    assert lines[2].split()[:4] == [
        "pydantic_core/_pydantic_core.cpython-311-x86_64-linux-gnu.so",
        "extension",
        "x86_64",
        "pydantic_core._pydantic_core",
    ]


def test_run_paths_and_libraries_are_shown(call: Run) -> None:
    row = call("inspect", "cases/rpath-origin.zip").stdout.splitlines()[2]
    other = call("inspect", "cases/runpath-origin.zip").stdout.splitlines()[2]

    assert "RPATH $ORIGIN" in row
    assert "RUNPATH" not in row
    assert "RUNPATH $ORIGIN" in other


def test_several_artifacts_have_a_table_each(call: Run) -> None:
    result = call("inspect", "dashboard.zip", "archives/python-only.zip")

    assert "\n\narchives/python-only.zip\n" in result.stdout
    assert result.stdout.endswith("no binaries\n")


def test_a_file_that_is_no_artifact_is_not_judged_either(call: Run) -> None:
    result = call("inspect", "archives/not-an-archive.bin")

    assert result.returncode == 0
    assert result.stdout == (
        "archives/not-an-archive.bin\n"
        "path  kind  machine  module  glibc  run path  needed  built with\n"
        "no binaries\n"
    )


def test_help_says_that_it_never_judges(call: Run) -> None:
    assert "List every binary" in call("inspect", "--help").stdout
