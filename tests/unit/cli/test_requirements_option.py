"""--requirements and --wheels: a process as a user has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from tests.factories import write_zip
from tests.wheelbuilder import a_wheel, installed, sha256

if TYPE_CHECKING:
    from tests.unit.cli.process import Run

FILES: Final[dict[str, str | bytes]] = {"shape/__init__.py": "", "shape/area.py": "x = 1\n"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A function, what it was installed from, and what pins that."""
    (tmp_path / ".git").mkdir()
    wheel = a_wheel(tmp_path / "wheels", "shape", "1.0", FILES)
    members = {**installed("shape", "1.0", FILES), "handler.py": b"import shape\n"}
    write_zip(tmp_path / "function.zip", members)
    (tmp_path / "requirements.txt").write_text(f"# pins\nshape==1.0 --hash={sha256(wheel)}\n")
    (tmp_path / "other.txt").write_text("a==1\nshape==2.0\n")
    return tmp_path


def test_what_is_as_it_is_pinned_passes(call: Run, project: Path) -> None:
    done = call(
        *("function.zip", "--requirements", "requirements.txt", "--wheels", "wheels"), cwd=project
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "Nothing found." in done.stdout


def test_each_difference_is_a_finding_with_its_line(call: Run, project: Path) -> None:
    done = call("function.zip", "--requirements", "other.txt", "--format=concise", cwd=project)

    assert done.returncode == 1
    assert [line.split(": ", 1)[1] for line in done.stdout.splitlines() if "ABI" in line] == [
        "error ABI722 pinned-but-absent: a is pinned and not in the artifact",
        "error ABI723 other-version-than-pinned: shape 1.0 is in the artifact, and ==2.0 is pinned",
    ]


def test_findings_lie_at_the_line_that_pins(call: Run, project: Path) -> None:
    """Also where a nearer file names the distribution as well."""
    done = call("function.zip", "--requirements", "other.txt", "--format=sarif", cwd=project)
    results = json.loads(done.stdout)["runs"][0]["results"]
    places = [each["locations"][0]["physicalLocation"] for each in results]

    assert [(each["artifactLocation"]["uri"], each["region"]["startLine"]) for each in places] == [
        ("other.txt", 1),
        ("other.txt", 2),
    ]


def test_the_environment_and_the_configuration_say_the_same(call: Run, project: Path) -> None:
    (project / "abicheck.toml").write_text(
        'requirements = ["other.txt"]\n[functions.shape]\nartifact = "function.zip"\n'
        'requirements = ["requirements.txt"]\nwheels = "wheels"\n'
    )
    of_a_function = call(cwd=project)
    of_all = call(
        "function.zip", "--isolated", cwd=project, env={"ABICHECK_REQUIREMENTS": "other.txt"}
    )

    assert (of_a_function.returncode, of_all.returncode) == (0, 1)


def test_several_files_are_one_list(call: Run, project: Path) -> None:
    (project / "more.txt").write_text("more==1\n")
    done = call(
        "function.zip",
        *("--requirements", "requirements.txt", "--requirements", "more.txt"),
        cwd=project,
    )

    assert "more is pinned and not in the artifact" in done.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--wheels", "wheels"), "goes with --requirements"),
        (("--requirements", "none.txt"), "none.txt: No such file"),
        (
            ("--requirements", "other.txt", "--wheels", "wheels"),
            "no line of other.txt has a --hash",
        ),
        (("--requirements", "requirements.txt", "--wheels", "none"), "--wheels none: No such file"),
        (("--requirements", "uv.lock"), "uv export"),
        (("--requirements", "bad.txt"), "bad.txt:1: "),
    ],
)
def test_a_request_that_is_wrong_is_told_so(
    call: Run, project: Path, options: tuple[str, ...], words: str
) -> None:
    (project / "bad.txt").write_text("a=1\n")
    done = call("function.zip", *options, cwd=project)

    assert done.returncode == 2
    assert words in done.stderr


def test_a_wheel_alone_is_not_compared(call: Run, project: Path) -> None:
    wheel = next((project / "wheels").iterdir())
    done = call(str(wheel), "--requirements", "requirements.txt", cwd=project)

    assert done.returncode == 2
    assert "in a wheel alone nothing is" in done.stderr
