"""Where a finding is shown: the line of the repository that brought its distribution."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.factories import a_distribution, a_finding, a_report, an_inventory

from abicheck.cli._anchors import find_anchors
from abicheck.reporters import Place

Anchor = Callable[..., Place]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "repository"
    (root / ".git").mkdir(parents=True)
    (root / "service").mkdir()
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def anchor(repository: Path) -> Anchor:
    """Return the place of a finding of a distribution in an artifact of the repository."""

    def place(
        name: str | None, artifact: str = "service/a.zip", *, named: str | None = None
    ) -> Place:
        owner = None if name is None else a_distribution(name)
        inventory = an_inventory(
            artifact=str(repository / artifact), distributions=[owner] if owner else []
        )
        (anchors,) = find_anchors([a_report(inventory=inventory)], named)
        return anchors.of(a_finding(distribution=owner))

    return place


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("requirements.txt", "# numpy is not here\n\nNumPy==2.1 ; python_version > '3'\n"),
        ("requirements.txt", "-r other.txt\nnumpy-stubs==1\nnumpy\n"),
        ("requirements/lambda.txt", "a==1\nb==1\nnumpy[extra]==2.1 \\\n    --hash=x\n"),
        ("requirements-dev.txt", "a\nb\nnumpy @ file:x\n"),
        ("uv.lock", '[[package]]\n[x]\nname = "numpy"\nversion = "2.1"\n'),
        ("poetry.lock", '[[package]]\nversion = "1"\nname = "numpy"\n'),
        ("pylock.toml", '[[packages]]\nx = 1\nname = "numpy"\n'),
        ("Pipfile.lock", '{\n  "default": {\n    "numpy": {\n'),
        ("Pipfile", '[packages]\nx = "*"\nnumpy = "*"\n'),
        ("pyproject.toml", 'name = "numpy"\n[project]\ndependencies = ["x", "numpy>=2"]\n'),
    ],
)
def test_a_line_that_names_a_distribution_is_found(
    anchor: Anchor, repository: Path, file: str, content: str
) -> None:
    (repository / file).parent.mkdir(exist_ok=True)
    (repository / file).write_text(content, encoding="utf-8")

    place = anchor("numpy")

    assert (place.path, place.line) == (file, 3)
    assert place.width == len(content.splitlines()[2])


def test_names_are_compared_as_installers_do(anchor: Anchor, repository: Path) -> None:
    (repository / "requirements.txt").write_text("Pydantic-Core==2.41.5\n", encoding="utf-8")

    assert anchor("pydantic_core").path == "requirements.txt"
    assert anchor("pydantic").path == "service/a.zip"


def test_the_nearest_file_that_names_it_counts(anchor: Anchor, repository: Path) -> None:
    (repository / "requirements.txt").write_text("numpy\nscipy\n", encoding="utf-8")
    (repository / "service" / "uv.lock").write_text('name = "numpy"\n', encoding="utf-8")

    assert anchor("numpy").path == "service/uv.lock"
    assert anchor("scipy") == Place("requirements.txt", 2, 5)


def test_what_no_file_names_is_shown_at_the_artifact(anchor: Anchor) -> None:
    assert anchor("numpy") == Place("service/a.zip")
    assert anchor(None) == Place("service/a.zip")


def test_an_artifact_outside_the_repository_has_a_name_and_no_path(
    anchor: Anchor, repository: Path
) -> None:
    (repository / "requirements.txt").write_text("numpy\n", encoding="utf-8")

    assert anchor(None, "../build/a.zip") == Place("a.zip")
    assert anchor("numpy", "../build/a.zip").path == "requirements.txt"


def test_a_named_file_is_the_only_one_that_counts(anchor: Anchor, repository: Path) -> None:
    (repository / "requirements.txt").write_text("numpy\n", encoding="utf-8")
    (repository / "template.yaml").write_text("Resources:\n", encoding="utf-8")

    assert anchor("numpy", named="template.yaml") == Place("template.yaml")
