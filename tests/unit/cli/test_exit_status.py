"""What a run amounts to: 0, 1, 2, 3; the same in every format."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.factories import write_zip
from tests.unit.cli.process import environment

from abicheck import __version__
from abicheck.cli import COMMANDS

if TYPE_CHECKING:
    from tests.unit.cli.process import Run

USAGE = "Usage: abicheck"


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ("dashboard-good.zip", 0),
        ("dashboard.zip", 1),
        ("check dashboard.zip", 1),
        ("dashboard-good.zip dashboard.zip", 1),
        ("dashboard.zip --exit-zero", 0),
        ("dashboard.zip --format json", 1),
        ("dashboard-good.zip --format json", 0),
        ("dashboard.zip --quiet", 1),
        ("archives/not-an-archive.bin", 1),
        ("archives/no-bytes.zip", 1),
        ("archives/truncated.zip", 1),
        ("archives/encrypted.zip", 1),
        ("archives/no-python-no-binary.zip", 1),
        ("archives/python-only.zip", 0),
        ("archives/duplicate-names.zip", 0),
        ("archives/duplicate-names.zip --fail-level error", 0),
        ("archives/duplicate-names.zip --fail-level warning", 1),
        ("archives/duplicate-names.zip --fail-level note", 1),
        ("archives/duplicate-names.zip --fail-level warning --exit-zero", 0),
        ("dashboard-good.zip --fail-level note", 0),
    ],
)
def test_findings_decide_between_0_and_1(call: Run, arguments: str, status: int) -> None:
    result = call(*arguments.split())

    assert (result.returncode, result.stderr) == (status, "")


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ("dashboard-good.zip", 0),
        ("dashboard.zip", 1),
        ("dashboard.zip --exit-zero", 0),
        ("archives/not-an-archive.bin", 1),
    ],
)
def test_a_process_ends_with_the_same_status(run: Run, arguments: str, status: int) -> None:
    result = run(*arguments.split())

    assert (result.returncode, result.stderr) == (status, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "nothing to check: name a ZIP, a wheel, a folder, a shared object or an image"),
        ("check", "nothing to check"),
        ("no-such.zip", "no-such.zip: no such file or folder"),
        ("dashbord.zip", "dashbord.zip: no such file or folder; did you mean dashboard.zip?"),
        ("cases/sond.zip", "did you mean cases/sound.zip?"),
        ("chek", "did you mean check?"),
        ("explian", "did you mean explain?"),
        ("dashboard.zip no-such.zip", "no-such.zip: no such file or folder"),
        ("dashboard.zip --nonsense", "No such option '--nonsense'"),
        ("dashboard.zip --format xml", "unknown format 'xml'; known: text, concise, json"),
        ("dashboard.zip --format json --format text", "two formats go to standard output"),
        ("dashboard.zip --format json=", "the file's name is missing"),
        ("dashboard.zip --fail-level fatal", "'fatal' is not one of"),
        ("dashboard.zip --color mauve", "'mauve' is not one of"),
        ("dashboard.zip --target no-such", "unknown target 'no-such'"),
        ("dashboard.zip dashboard-good.zip --handler a.b", "--handler goes with one artifact"),
        ("dashboard.zip check", "'check' is a command's name; write ./check"),
        ("dashboard.zip inspect", "'inspect' is a command's name"),
        ("dashboard.zip diff", "'diff' is a command's name"),
        ("check check", "'check' is a command's name"),
        ("matrix", "matrix takes one artifact"),
        ("advise", "'advise' is not part of this version"),
        ("docker:", "docker:: the image's name is missing"),
        ("dashboard.zip --dockerfile no-such", "--dockerfile no-such: No such file"),
        ("sbom", "'sbom' is not part of this version"),
        ("config", "Missing command"),
        ("config shw", "No such command 'shw'"),
        ("baseline", "Missing command"),
        ("baseline prune dashboard.zip", "abicheck-baseline.json: No such file"),
        ("completion", "Missing argument"),
        ("completion tcsh", "'tcsh' is not one of"),
        ("dashboard.zip --config no-such.toml", "no-such.toml: No such file"),
        ("dashboard.zip --isolated --config x", "do not go together"),
        ("dashboard.zip --baseline no-such.json", "no-such.json: No such file"),
        ("dashboard.zip --select ABI999", "select: no rule is called 'ABI999'"),
        ("dashboard.zip --ignore glibc-to-new", "did you mean glibc-too-new?"),
        ("dashboard.zip --anchor no-such.txt", "--anchor no-such.txt: no such file"),
        ("inspect", "nothing to check"),
        ("inspect no-such.zip", "no-such.zip: no such file or folder"),
        ("inspect dashboard.zip --nonsense", "No such option '--nonsense'"),
        ("explain no-such-rule", "no rule is called that"),
        ("dashboard.zip --exit-zero --nonsense", "No such option"),
    ],
)
def test_a_wrong_request_is_2_and_nothing_is_examined(
    call: Run, arguments: str, message: str
) -> None:
    result = call(*arguments.split())

    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr.replace("option: --nonsense", "option '--nonsense'")
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("arguments", ["", "no-such.zip", "dashboard.zip --nonsense", "matrix x"])
def test_a_process_with_a_wrong_request_ends_with_2(run: Run, arguments: str) -> None:
    result = run(*arguments.split())

    assert (result.returncode, result.stdout) == (2, "")
    assert "abicheck: " in result.stderr


def test_a_path_with_a_command_s_name_is_written_with_its_folder(
    run: Run, fixtures: Path, tmp_path: Path
) -> None:
    shutil.copy(fixtures / "dashboard.zip", tmp_path / "check")

    result = run("./check", cwd=tmp_path)

    assert result.returncode == 1
    assert "pydantic_core" in result.stdout


def test_a_check_of_a_file_called_check(run: Run, fixtures: Path, tmp_path: Path) -> None:
    """The first word is the command, and after `--` no word is an option."""
    shutil.copy(fixtures / "dashboard-good.zip", tmp_path / "-q")

    assert run("check", "--", "-q", cwd=tmp_path).returncode == 0


@pytest.fixture
def loop(tmp_path: Path) -> str:
    """A link that leads to itself: it is there, and cannot be opened."""
    if sys.platform == "win32":
        pytest.skip("links need privileges")
    link = tmp_path / "loop.zip"
    link.symlink_to(link)
    return str(link)


def test_a_right_request_that_cannot_be_carried_out_is_3(run: Run, loop: str) -> None:
    result = run(loop)

    assert (result.returncode, result.stdout) == (3, "")
    assert result.stderr.startswith(f"abicheck: {loop}: ")
    assert "Traceback" not in result.stderr


def test_3_outweighs_1_and_the_other_artifacts_are_reported(run: Run, loop: str) -> None:
    result = run("dashboard.zip", loop, "dashboard-good.zip")

    assert result.returncode == 3
    assert result.stdout.startswith("FAIL  dashboard.zip")
    assert "\nPASS  dashboard-good.zip" in result.stdout


def test_exit_zero_forgives_findings_and_nothing_else(run: Run, loop: str) -> None:
    assert run("dashboard.zip", loop, "--exit-zero").returncode == 3
    assert run("no-such.zip", "--exit-zero").returncode == 2


def test_a_defect_of_ours_is_3_and_does_not_look_like_a_finding(run: Run, tmp_path: Path) -> None:
    """A broken installation is as near to one as a test can come."""
    (tmp_path / "sitecustomize.py").write_text(
        "import abicheck.pipeline\n"
        "def check(*_, **__): raise ZeroDivisionError\n"
        "abicheck.pipeline.check = check\n",
        encoding="utf-8",
    )

    result = run("dashboard-good.zip", env={"PYTHONPATH": str(tmp_path)})

    assert (result.returncode, result.stdout) == (3, "")
    assert "internal error: ZeroDivisionError()" in result.stderr


def test_a_folder_and_a_single_object_are_artifacts_too(
    run: Run, fixtures: Path, tmp_path: Path
) -> None:
    shutil.unpack_archive(fixtures / "dashboard.zip", tmp_path / "build")
    (extension,) = tmp_path.glob("build/pydantic_core/*.so")

    assert run(str(tmp_path / "build")).returncode == 1
    assert run(str(extension)).returncode == 1


def test_an_extension_named_for_another_python_passes_under_its_right_name(
    run: Run, tmp_path: Path, fixtures: Path
) -> None:
    shutil.unpack_archive(fixtures / "dashboard-good.zip", tmp_path)
    (extension,) = tmp_path.glob("pydantic_core/*.so")

    assert run(str(extension)).returncode == 0


def test_the_name_of_a_file_says_nothing_of_what_it_is(
    run: Run, fixtures: Path, tmp_path: Path
) -> None:
    shutil.copy(fixtures / "dashboard-good.zip", tmp_path / "picture.png")
    write_zip(tmp_path / "letter.so", {"app.py": "x = 1\n"})

    result = run("picture.png", "letter.so", cwd=tmp_path)

    assert result.returncode == 0


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_and_version_are_0(run: Run, option: str) -> None:
    result = run(option)

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(USAGE)
    for name in COMMANDS:
        assert name in result.stdout


def test_every_command_has_help(call: Run) -> None:
    for name in COMMANDS:
        result = call(name, "--help")

        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout.startswith(USAGE)


def test_the_version_is_the_package_s(run: Run) -> None:
    result = run("--version")

    assert (result.returncode, result.stdout) == (0, f"abicheck {__version__}\n")


def test_the_version_is_told_before_anything_is_imported() -> None:
    """`abicheck --version` costs a script less than importing the parser of the command line."""
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "abicheck", "--version"],
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )

    imported = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert {"abicheck", "abicheck.cli"} <= imported
    assert imported.isdisjoint({"abicheck.model", "click", "docker", "elftools", "json", "rich"})


def test_the_order_of_options_and_artifacts_does_not_matter(run: Run) -> None:
    before = run("--quiet", "dashboard.zip")
    after = run("dashboard.zip", "--quiet")

    assert (before.returncode, before.stdout) == (after.returncode, after.stdout)


@pytest.mark.parametrize("command", [("check", ""), ("inspect", ""), ("matrix", "")])
def test_an_empty_name_is_not_the_current_folder(call: Run, command: tuple[str, ...]) -> None:
    """As of a shell variable that is not set."""
    result = call(*command)

    assert (result.returncode, result.stdout) == (2, "")
    assert "empty" in result.stderr
