"""Shells complete our words: the scripts, and the answers to what they ask."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.unit.cli.process import environment

if TYPE_CHECKING:
    from tests.unit.cli.process import Run

BASH = shutil.which("bash")


def words(call: Run, line: str, **env: str) -> list[str]:
    """What may follow, as bash is told: `kind,word` each."""
    count = str(len(line.split(" ")) - 1)
    asked = {"_ABICHECK_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": count}
    result = call(env={**asked, **env})
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout.split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("abicheck insp", "plain,inspect"),
        ("abicheck --form", "plain,--format"),
        ("abicheck check --fail-l", "plain,--fail-level"),
        ("abicheck dashboard.zip --fail-level wa", "plain,warning"),
        ("abicheck completion fi", "plain,fish"),
        ("abicheck baseline pr", "plain,prune"),
        ("abicheck config sh", "plain,show"),
        ("abicheck --runtime python3.1", "plain,python3.13"),
        ("abicheck --target python3.13-", "plain,python3.13-arm64"),
        ("abicheck --target mine", "file,mine"),
        ("abicheck --format sa", "plain,sarif"),
        ("abicheck --format text,sa", "plain,text,sarif"),
        ("abicheck --select ABI30", "plain,ABI301"),
        ("abicheck --ignore ABI301,glibc-t", "plain,ABI301,glibc-too-new"),
        ("abicheck --requirements req", "file,req"),
        ("abicheck --wheels dist/", "dir,dist/"),
        ("abicheck explain ABI30", "plain,ABI301"),
        ("abicheck explain glibc", "plain,glibc-too-new"),
        ("abicheck targets show python3.1", "plain,python3.12"),
        ("abicheck targets diff python3.12 lambda-", "plain,lambda-python3.13-x86_64"),
    ],
)
def test_a_word_is_completed(call: Run, line: str, expected: str) -> None:
    assert expected in words(call, line)


def test_an_artifact_is_completed_as_a_file(call: Run) -> None:
    assert "file,dash" in words(call, "abicheck dash")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_script_for_each_shell(call: Run, shell: str) -> None:
    result = call("completion", shell)

    assert (result.returncode, result.stderr) == (0, "")
    assert f"_ABICHECK_COMPLETE={shell}_complete" in result.stdout
    program = shutil.which(shell)
    if program is not None:
        checked = subprocess.run(
            [program, "-n", "/dev/stdin"],
            input=result.stdout,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.skipif(BASH is None or sys.platform == "win32", reason="bash, and a PATH of POSIX")
def test_bash_itself_completes_a_word(tmp_path: Path) -> None:
    program = tmp_path / "abicheck"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m abicheck "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    script = (
        f'PATH="{tmp_path}:$PATH"; eval "$(abicheck completion bash)"; '
        "COMP_WORDS=(abicheck dashboard.zip --fail-level no); COMP_CWORD=3; "
        "_abicheck_completion abicheck; echo ${COMPREPLY[@]}"
    )

    result = subprocess.run(
        [str(BASH), "-c", script],
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )

    assert result.stdout == "note\n"


def test_a_request_that_is_none_is_answered_with_nothing(call: Run) -> None:
    result = call(env={"_ABICHECK_COMPLETE": "tcsh_complete"})

    assert (result.returncode, result.stdout) == (1, "")
