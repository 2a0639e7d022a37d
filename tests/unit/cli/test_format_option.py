"""`--format NAME[=FILE]`: several reports of one run, each written whole or not at all."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from abicheck import pipeline
from abicheck.pipeline._judge import Judge

if TYPE_CHECKING:
    from tests.unit.cli.process import Run

    from abicheck.pipeline._inventory import Contents

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="links, modes and devices of POSIX")


@pytest.mark.parametrize(
    ("formats", "message"),
    [
        (["json", "text"], "two formats go to standard output"),
        (["json", "json"], "two formats go to standard output"),
        (["json=no/such/folder/x"], "there is no folder no/such/folder"),
        (["json=cases"], "cases is a folder"),
        (["json=SAME", "text=SAME"], "two reports go to "),
        (["json="], "the file's name is missing"),
        (["=x"], "unknown format ''"),
    ],
)
def test_a_request_that_cannot_be_met_is_refused_before_anything_is_read(
    call: Run, tmp_path: Path, formats: list[str], message: str
) -> None:
    arguments = [text.replace("SAME", f"{tmp_path}/x") for text in formats]

    result = call("dashboard.zip", *(f"--format={text}" for text in arguments))

    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_one_run_writes_several_reports(call: Run, tmp_path: Path) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.txt"

    result = call("dashboard.zip", f"--format=json={first}", f"--format=text={second}")

    assert (result.returncode, result.stdout, result.stderr) == (1, "", "")
    assert json.loads(first.read_text("utf-8"))["artifacts"][0]["verdict"] == "fail"
    assert second.read_text("utf-8").startswith("FAIL  dashboard.zip")
    assert {path.name for path in tmp_path.iterdir()} == {"a.json", "b.txt"}


def test_a_report_replaces_the_file_and_not_the_link_to_it(call: Run, tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("links need privileges")
    report, link = tmp_path / "report.txt", tmp_path / "link.txt"
    report.write_text("an older and much longer report\n" * 1000, encoding="utf-8")
    link.symlink_to(report)

    call("dashboard-good.zip", "--quiet", f"--format=text={link}")

    assert link.is_symlink()
    assert report.read_text("utf-8").startswith("PASS  dashboard-good.zip")
    assert "older" not in report.read_text("utf-8")


@POSIX
def test_a_report_has_the_modes_of_any_new_file(call: Run, tmp_path: Path) -> None:
    plain, report = tmp_path / "plain", tmp_path / "report"
    plain.touch()

    call("dashboard-good.zip", f"--format=text={report}")

    assert report.stat().st_mode == plain.stat().st_mode


@POSIX
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
def test_a_disk_that_is_full_is_3_and_no_device_is_replaced(call: Run) -> None:
    result = call("dashboard-good.zip", "--format=json=/dev/full")

    assert result.returncode == 3
    assert result.stderr.startswith("abicheck: /dev/full: ")
    assert not Path("/dev/full").is_file()


@POSIX
def test_a_file_that_cannot_be_written_is_left_as_it_was(call: Run, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    report = folder / ("x" * 255)  # any name beside it that is longer is too long
    report.write_text("old", encoding="utf-8")

    result = call("dashboard-good.zip", f"--format=json={report}")

    assert result.returncode == 3
    assert report.read_text("utf-8") == "old"
    assert list(folder.iterdir()) == [report]


# --- the summary of a GitHub step ---


def test_the_github_format_adds_to_the_summary_of_the_step(call: Run, tmp_path: Path) -> None:
    summary = tmp_path / "summary"
    summary.write_text("# of another command\n", encoding="utf-8")

    result = call("dashboard.zip", "--format=github", env={"GITHUB_STEP_SUMMARY": str(summary)})

    assert (result.returncode, result.stderr) == (1, "")
    assert result.stdout.startswith("::error file=fixtures/dashboard.zip,line=1,title=ABI201 ")
    assert summary.read_text("utf-8").startswith("# of another command\n## abicheck\n")


def test_a_summary_that_github_would_refuse_is_left_alone(call: Run, tmp_path: Path) -> None:
    summary = tmp_path / "summary"
    summary.write_bytes(b"x" * ((1 << 20) - 10))

    result = call("dashboard.zip", "--format=github", env={"GITHUB_STEP_SUMMARY": str(summary)})

    assert result.returncode == 1
    assert summary.stat().st_size == (1 << 20) - 10


def test_another_format_writes_no_summary(call: Run, tmp_path: Path) -> None:
    summary = tmp_path / "summary"

    call("dashboard.zip", env={"GITHUB_STEP_SUMMARY": str(summary)})

    assert not summary.exists()


def test_a_summary_that_cannot_be_written_is_3(call: Run, tmp_path: Path) -> None:
    result = call("dashboard.zip", "--format=github", env={"GITHUB_STEP_SUMMARY": str(tmp_path)})

    assert result.returncode == 3
    assert "GITHUB_STEP_SUMMARY" in result.stderr


@pytest.mark.parametrize("name", ["text", "concise", "json", "sarif", "github", "gitlab", "junit"])
@pytest.mark.parametrize(("artifact", "status"), [("dashboard.zip", 1), ("dashboard-good.zip", 0)])
def test_the_format_makes_no_difference_to_the_status(
    call: Run, name: str, artifact: str, status: int
) -> None:
    assert call(artifact, "--format", name).returncode == status


def test_html_has_every_runtime(call: Run) -> None:
    document = call("dashboard.zip", "--format=html").stdout

    (table,) = re.findall('<table class="runtimes">.*?</table>', document, re.DOTALL)
    heads = re.findall(r"<th scope=row>(.*?)\*?</th>", table)
    assert heads == [f"python3.{minor}" for minor in range(9, 16)]
    assert len(re.findall("<td", table)) == 14
    assert len(re.findall(">loads<", table)) == 1
    assert "fails</span> ABI103 pydantic_core 2.41.5: for x86_64" in table


@pytest.mark.parametrize(("formats", "judged"), [(("json",), 1), (("json=FILE", "html"), 15)])
def test_only_for_html_is_an_artifact_judged_on_other_runtimes(
    call: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    formats: tuple[str, ...],
    judged: int,
) -> None:
    targets: list[str] = []

    class Counting(Judge):
        def __init__(self, contents: Contents, handler: str | None, **others: object) -> None:
            targets.append(contents.profile.name)
            super().__init__(contents, handler, **others)  # type: ignore[arg-type] # passed on

    monkeypatch.setattr(pipeline, "Judge", Counting)
    wanted = [text.replace("FILE", str(tmp_path / "x.json")) for text in formats]

    call("dashboard-good.zip", *(f"--format={text}" for text in wanted))

    assert len(targets) == judged
