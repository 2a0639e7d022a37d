"""The action, the workflows and what the documentation gives to be pasted, before their checkers.

Nothing is downloaded here: zizmor is told to stay offline, and check-jsonschema has the
schemas of GitHub and GitLab with it.  Both are in requirements/network.txt.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
ACTION: Final = ROOT / "action.yml"
WORKFLOWS: Final = ROOT / ".github" / "workflows"
HOOKS: Final = ROOT / ".pre-commit-hooks.yaml"
COMMIT: Final = "0123456789abcdef0123456789abcdef01234567"
# By a line that only documents of this kind have; fragments are for people.
SCHEMAS: Final = {
    "jobs:": "vendor.github-workflows",
    "  script:": "vendor.gitlab-ci",
}

pytestmark = pytest.mark.network


def ask(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a checker of this environment, without what would send it to GitHub."""
    environment = {name: value for name, value in os.environ.items() if name[:3] != "GH_"}
    environment = {n: v for n, v in environment.items() if n[:7] not in ("GITHUB_", "ZIZMOR_")}
    return subprocess.run(
        [Path(sys.executable).with_name(program), *arguments],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def zizmor(*inputs: Path, persona: str = "pedantic") -> subprocess.CompletedProcess[str]:
    options = ("--offline", "--no-progress", "--strict-collection", "--collect=all")
    return ask("zizmor", *options, f"--persona={persona}", *inputs)


def schema(name: str, *files: Path) -> subprocess.CompletedProcess[str]:
    return ask("check-jsonschema", "--builtin-schema", name, *files)


def pasted() -> Iterator[tuple[str, str]]:
    """Yield each whole YAML document of the documentation: where it stands, and its text."""
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        text = page.read_text(encoding="utf-8")
        for found in re.finditer(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            line = text.count("\n", 0, found.start()) + 1
            yield f"{page.name}:{line}", found[1].replace("COMMIT", COMMIT)


PASTED: Final = dict(pasted())


def test_zizmor_finds_nothing_in_the_action_the_workflows_and_the_hooks() -> None:
    result = zizmor(ACTION, WORKFLOWS, HOOKS)

    assert (result.returncode, "No findings" in result.stdout) == (0, True), result.stdout
    for name in ("action.yml", *(path.name for path in WORKFLOWS.iterdir()), HOOKS.name):
        assert re.search(rf"completed \S*{re.escape(name)}", result.stderr), name


def test_zizmor_would_find_an_input_that_is_code(tmp_path: Path) -> None:
    text = ACTION.read_text(encoding="utf-8")
    bad = tmp_path / "action.yml"
    bad.write_text(text.replace('exit "$status"', "exit ${{ inputs.args }}"), encoding="utf-8")

    result = zizmor(bad)

    assert result.returncode != 0
    assert "template-injection" in result.stdout


def test_the_action_is_of_githubs_schema(tmp_path: Path) -> None:
    assert schema("vendor.github-actions", ACTION).returncode == 0
    bad = tmp_path / "action.yml"
    bad.write_text(ACTION.read_text(encoding="utf-8").replace("using: composite", "using: shell"))

    assert schema("vendor.github-actions", bad).returncode == 1


def test_the_workflows_are_of_githubs_schema_and_each_job_has_a_time_limit() -> None:
    workflows = sorted(WORKFLOWS.iterdir())

    for name in ("vendor.github-workflows", "custom.github-workflows-require-timeout"):
        result = schema(name, *workflows)
        assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("where", PASTED)
def test_what_the_documentation_gives_to_be_pasted_is_valid(where: str, tmp_path: Path) -> None:
    text = PASTED[where]
    kinds = [name for line, name in SCHEMAS.items() if f"\n{line}" in f"\n{text}"]
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    file = folder / "pasted.yml"
    file.write_text(text, encoding="utf-8")

    for name in kinds:
        result = schema(name, file)
        assert result.returncode == 0, result.stdout
    if "vendor.github-workflows" in kinds:
        result = zizmor(file, persona="regular")
        assert result.returncode == 0, result.stdout


def test_there_are_documents_to_be_pasted_for_github_and_gitlab() -> None:
    for line in SCHEMAS:
        assert any(f"\n{line}" in text for text in PASTED.values()), line
