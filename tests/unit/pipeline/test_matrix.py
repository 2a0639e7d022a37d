"""The artifact on other targets than its own: asked for, read once, never for an image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Final

import pytest
from tests.imagebuilder import archive, docker_25
from tests.lambdabase import lambda_base

from abicheck.model import RuntimeOutcome, Severity, TargetProfile
from abicheck.pipeline import Stage, Step, check, check_all
from abicheck.profiles import load_profile

NAMES: Final = ("lambda-python3.11-x86_64", "lambda-python3.11-arm64", "lambda-python3.13-x86_64")


@pytest.fixture
def targets() -> tuple[TargetProfile, ...]:
    return tuple(load_profile(name) for name in NAMES)


def test_the_matrix_is_what_a_check_on_each_target_says(
    fixtures: Path, target: TargetProfile, targets: tuple[TargetProfile, ...]
) -> None:
    artifact = fixtures / "dashboard.zip"

    report = check(artifact, target, matrix=targets)

    assert report.matrix == tuple(
        RuntimeOutcome(
            each.profile.runtime,
            each.profile.architecture,
            each.first_error(),
            each.count(Severity.WARNING),
        )
        for each in check_all(artifact, targets)
    )
    loads, fails, unlike = report.matrix
    assert loads.error is None
    assert fails.error is not None
    assert fails.error.rule.code == "ABI103"
    assert unlike.error == report.first_error()


def test_the_artifact_is_read_once_however_many_targets(
    fixtures: Path, target: TargetProfile, targets: tuple[TargetProfile, ...]
) -> None:
    alone: list[Step] = []
    many: list[Step] = []

    check(fixtures / "dashboard.zip", target, progress=alone.append)
    check(fixtures / "dashboard.zip", target, matrix=targets, progress=many.append)

    def of(stage: Stage, steps: list[Step]) -> list[str]:
        return [step.name for step in steps if step.stage is stage]

    assert of(Stage.READING, many) == of(Stage.READING, alone)
    assert len(of(Stage.READING, many)) > 20
    assert of(Stage.RUNTIMES, many) == [
        *of(Stage.RUNTIMES, alone),
        *(each.name for each in targets),
    ]


def test_who_does_not_ask_has_it_judged_on_its_own_target_alone(
    fixtures: Path, target: TargetProfile
) -> None:
    assert check(fixtures / "dashboard.zip", target).matrix == ()


def test_a_rule_that_is_not_selected_counts_nowhere(
    fixtures: Path, target: TargetProfile, targets: tuple[TargetProfile, ...]
) -> None:
    report = check(fixtures / "dashboard.zip", target, matrix=targets, rules=())

    assert [outcome.error for outcome in report.matrix] == [None, None, None]


def test_the_target_of_an_image_has_no_matrix(
    fixtures: Path, targets: tuple[TargetProfile, ...]
) -> None:
    base = load_profile("lambda-python3.13-x86_64-image")

    assert check(fixtures / "dashboard.zip", base, matrix=targets).matrix == ()


def test_a_target_that_puts_it_into_another_folder_has_no_matrix(
    fixtures: Path, target: TargetProfile, targets: tuple[TargetProfile, ...]
) -> None:
    elsewhere = replace(target, task_root=PurePosixPath("/srv/app"))

    assert check(fixtures / "dashboard.zip", elsewhere, matrix=targets).matrix == ()


def test_an_image_has_no_matrix(
    tmp_path: Path, target: TargetProfile, targets: tuple[TargetProfile, ...]
) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(
        archive(docker_25(lambda_base(load_profile("lambda-python3.13-x86_64-image"))))
    )

    report = check(path, target, matrix=targets)

    assert report.inventory.image is not None
    assert report.matrix == ()
