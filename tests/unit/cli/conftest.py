"""The command line as a user has it: a process of its own, its streams and its status."""

from __future__ import annotations

import subprocess
from io import StringIO
from pathlib import Path

import pytest
from tests.unit.cli.process import COMMAND, MEANT_FOR_US, Run, environment

from abicheck.cli import main


@pytest.fixture(scope="session")
def run(fixtures: Path) -> Run:
    """Return a function that runs abicheck, below fixtures/ unless told otherwise.

    The same request to the same files has the same answer, so it is made once.
    """
    known: dict[object, subprocess.CompletedProcess[str]] = {}

    def call(
        *arguments: str,
        cwd: Path = fixtures,
        env: dict[str, str] | None = None,
        stdin: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        request = (arguments, cwd, tuple(sorted((env or {}).items())), stdin)
        if request not in known:
            known[request] = answer(arguments, cwd, env, stdin)
        return known[request]

    return call


@pytest.fixture
def call(
    fixtures: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Return a function that does the same in this process, for what needs none of its own."""

    def answer_here(
        *arguments: str,
        cwd: Path = fixtures,
        env: dict[str, str] | None = None,
        stdin: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        with monkeypatch.context() as patch:
            patch.chdir(cwd)
            for name in MEANT_FOR_US:
                patch.delenv(name, raising=False)
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            if stdin is not None:
                patch.setattr("sys.stdin", StringIO(stdin))
            capsys.readouterr()
            status = main(arguments)
        said = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, int(status), said.out, said.err)

    return answer_here


def answer(
    arguments: tuple[str, ...], cwd: Path, env: dict[str, str] | None, stdin: str | None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        env=environment(env),
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=60,
        check=False,
    )
