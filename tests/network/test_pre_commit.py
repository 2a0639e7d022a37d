"""The hooks in the real pre-commit: it installs abicheck from the working tree and runs it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from tests.unit.cli.process import environment

ROOT: Final = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(sys.platform == "win32", reason="the layout of a POSIX venv"),
]

Hook = Callable[[str], "subprocess.CompletedProcess[str]"]


def run(*command: str | Path, cwd: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    identity = {
        f"GIT_{role}_{what}": f"a {what}"
        for role in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    return subprocess.run(
        command,
        cwd=cwd,
        env=environment({"PRE_COMMIT_HOME": str(cache), **identity}),
        capture_output=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with pre-commit, and with a repository of the hooks as they are here."""
    folder = tmp_path_factory.mktemp("tools")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True, timeout=120)
    pip = str(folder / "venv" / "bin" / "pip")
    subprocess.run([pip, "install", "--quiet", "pre-commit"], check=True, timeout=600)
    hooks = folder / "hooks"
    hooks.mkdir()
    for name in (
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        ".pre-commit-hooks.yaml",
    ):
        shutil.copy(ROOT / name, hooks)
    shutil.copytree(ROOT / "src", hooks / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "hooks"]):
        assert run("git", *command, cwd=hooks, cache=folder).returncode == 0
    return folder


@pytest.fixture
def hook(tools: Path, tmp_path: Path, fixtures: Path) -> Hook:
    """Return a function that runs one hook in a repository with a broken artifact."""
    (tmp_path / "build").mkdir()
    shutil.copy(fixtures / "dashboard.zip", tmp_path / "tracked.zip")
    shutil.copy(fixtures / "dashboard.zip", tmp_path / "build")
    (tmp_path / ".gitignore").write_text("build/\n", encoding="utf-8")
    (tmp_path / "abicheck.toml").write_text(
        '[functions.api]\nartifact = "build/dashboard.zip"\n', encoding="utf-8"
    )
    revision = run("git", "rev-parse", "HEAD", cwd=tools / "hooks", cache=tools).stdout.strip()
    (tmp_path / ".pre-commit-config.yaml").write_text(
        f"repos:\n- repo: {tools / 'hooks'}\n  rev: {revision}\n"
        "  hooks: [{id: abicheck}, {id: abicheck-build}]\n",
        encoding="utf-8",
    )
    for command in (["init", "-q"], ["add", "-A"]):
        assert run("git", *command, cwd=tmp_path, cache=tools).returncode == 0

    def call(name: str) -> subprocess.CompletedProcess[str]:
        program = tools / "venv" / "bin" / "pre-commit"
        stage = ["--hook-stage", "manual"] if name == "abicheck-build" else []
        arguments = ["run", *stage, name, "--all-files"]
        return run(program, *arguments, cwd=tmp_path, cache=tools / "cache")

    return call


def test_the_manifest_is_one_to_pre_commit_itself(tools: Path) -> None:
    program = tools / "venv" / "bin" / "pre-commit"

    result = run(
        program, "validate-manifest", ROOT / ".pre-commit-hooks.yaml", cwd=ROOT, cache=tools
    )

    assert (result.returncode, result.stdout) == (0, "")


def test_a_tracked_archive_is_checked(hook: Hook) -> None:
    result = hook("abicheck")

    assert result.returncode == 1
    assert "FAIL  tracked.zip" in result.stdout


def test_what_was_built_is_checked_though_git_ignores_it(hook: Hook) -> None:
    result = hook("abicheck-build")

    assert result.returncode == 1
    assert "FAIL  api (build/dashboard.zip)" in result.stdout
