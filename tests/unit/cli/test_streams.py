"""Where what is written: the report on standard output, everything else on standard error."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.factories import write_zip
from tests.unit.cli.process import COMMAND, Run, environment

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX terminals, pipes and signals")
ESCAPE = re.compile(r"\x1b\[[\d;]*m")


# --- formats ---


def test_a_bare_artifact_is_checked(run: Run) -> None:
    assert run("dashboard.zip").stdout == run("check", "dashboard.zip").stdout


def test_json_on_standard_output_is_one_document(run: Run) -> None:
    result = run("dashboard.zip", "dashboard-good.zip", "--format", "json")

    document = json.loads(result.stdout)
    assert [a["verdict"] for a in document["artifacts"]] == ["fail", "pass"]


def test_a_format_with_a_file_is_written_there(run: Run, tmp_path: Path) -> None:
    report = tmp_path / "report.json"

    result = run("dashboard.zip", "--format", f"json={report}")

    assert (result.returncode, result.stdout) == (1, "")
    assert json.loads(report.read_text(encoding="utf-8"))["schema_version"] == 1


def test_two_formats_are_written_in_one_run(run: Run, tmp_path: Path) -> None:
    report = tmp_path / "report.json"

    result = run("dashboard.zip", "--format", "text", "--format", f"json={report}")

    assert result.stdout == run("dashboard.zip").stdout
    assert report.read_text(encoding="utf-8") == run("dashboard.zip", "--format", "json").stdout


def test_a_file_has_no_colour_whatever_the_terminal_has(run: Run, tmp_path: Path) -> None:
    report = tmp_path / "report.txt"

    run("dashboard.zip", "--format", f"text={report}", "--color", "always")

    assert report.read_text(encoding="utf-8") == run("dashboard.zip").stdout


def test_several_artifacts_are_reported_in_the_order_of_the_command_line(run: Run) -> None:
    names = ["dashboard-good.zip", "dashboard.zip", "cases/sound.zip"]

    lines = run(*names).stdout.splitlines()

    verdicts = [line for line in lines if line.startswith(("PASS", "FAIL"))]
    assert [line.split()[1] for line in verdicts] == names


def test_quiet_prints_verdicts_and_findings_only(run: Run) -> None:
    assert run("dashboard-good.zip", "-q").stdout.count("\n") == 1


# --- colour ---


@pytest.mark.parametrize(
    ("options", "env", "colored"),
    [
        ("", {}, False),
        ("--color auto", {}, False),
        ("--color always", {}, True),
        ("--color never", {}, False),
        ("", {"FORCE_COLOR": "1"}, True),
        ("", {"FORCE_COLOR": ""}, False),
        ("", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ("", {"NO_COLOR": "", "FORCE_COLOR": "1"}, True),
        ("--color never", {"FORCE_COLOR": "1"}, False),
    ],
)
def test_the_option_goes_before_no_color_and_that_before_force_color(
    call: Run, options: str, env: dict[str, str], *, colored: bool
) -> None:
    result = call("dashboard.zip", *options.split(), env=env)

    assert bool(ESCAPE.search(result.stdout)) is colored


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_who_asks_for_colour_gets_all_of_it(run: Run, env: dict[str, str]) -> None:
    plain = run("dashboard.zip", "--color", "always")

    assert run("dashboard.zip", "--color", "always", env=env).stdout == plain.stdout


def test_colour_adds_nothing_but_escape_codes(run: Run) -> None:
    colored = run("dashboard.zip", "--color", "always").stdout

    assert ESCAPE.sub("", colored) == run("dashboard.zip").stdout


def test_json_is_never_coloured(run: Run) -> None:
    result = run("dashboard.zip", "--format", "json", "--color", "always")

    assert "\x1b" not in result.stdout


def on_a_terminal(
    fixtures: Path, env: dict[str, str], *options: str, stderr: bool = False
) -> tuple[str, str]:
    """Run on a terminal that is standard output, or else standard error; return both streams."""
    import pty  # noqa: PLC0415 - POSIX only

    master, slave = pty.openpty()
    try:
        process = subprocess.Popen(
            [*COMMAND, "dashboard.zip", *options],
            cwd=fixtures,
            env=environment(env),
            stdout=subprocess.PIPE if stderr else slave,
            stderr=slave if stderr else subprocess.PIPE,
        )
        os.close(slave)
        seen = b""
        try:
            while chunk := os.read(master, 4096):
                seen += chunk
        except OSError:  # Linux: the other end was closed
            pass
        other = process.stderr if process.stdout is None else process.stdout
        assert other is not None
        with other:
            rest = other.read()
        process.wait(timeout=60)
    finally:
        os.close(master)
    terminal, pipe = seen.decode().replace("\r\n", "\n"), rest.decode()
    return (pipe, terminal) if stderr else (terminal, pipe)


@posix
@pytest.mark.parametrize(
    ("env", "colored"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "dumb"}, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
    ],
)
def test_a_terminal_has_colour_unless_it_or_its_user_wants_none(
    fixtures: Path, env: dict[str, str], *, colored: bool
) -> None:
    report, _ = on_a_terminal(fixtures, env)

    assert bool(ESCAPE.search(report)) is colored


@posix
def test_progress_is_shown_on_a_terminal_and_wiped_out_again(fixtures: Path, run: Run) -> None:
    report, errors = on_a_terminal(fixtures, {"TERM": "xterm"}, stderr=True)

    assert "reading dashboard.zip  [....................]  0 of 21" in errors
    assert errors.endswith("\r\x1b[K")
    assert report == run("dashboard.zip").stdout


@posix
@pytest.mark.parametrize(
    ("env", "options"),
    [
        ({"CI": "true"}, []),
        ({"TERM": "dumb"}, []),
        ({}, ["--quiet"]),
        ({}, ["--no-progress"]),
        ({"ABICHECK_PROGRESS": "false"}, []),
    ],
)
def test_no_progress_is_shown_in_ci_where_it_cannot_be_wiped_out_and_where_nobody_wants_it(
    fixtures: Path, env: dict[str, str], options: list[str]
) -> None:
    _, errors = on_a_terminal(fixtures, {"TERM": "xterm", **env}, *options, stderr=True)

    assert errors == ""


@posix
def test_what_verbose_says_is_not_mixed_with_the_bar(fixtures: Path) -> None:
    _, errors = on_a_terminal(fixtures, {"TERM": "xterm"}, "--verbose", stderr=True)

    lines = [line.rpartition("\x1b[K")[2] for line in errors.split("\n")]
    assert len(lines) > 6
    assert all(line.startswith("abicheck: ") for line in lines if line)


# --- pipes and signals ---


@posix
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["dashboard.zip"], 1),
        (["dashboard-good.zip"], 0),
        (["dashboard.zip", "--format", "json"], 1),
        (["inspect", "dashboard.zip"], 0),
        (["explain"], 0),
        (["explain", "ABI301"], 0),
    ],
)
def test_a_pipe_that_was_closed_changes_no_status(
    fixtures: Path, arguments: list[str], status: int
) -> None:
    """`abicheck … | head -1` has had what it wanted."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        result = subprocess.run(
            [*COMMAND, *arguments],
            cwd=fixtures,
            env=environment(),
            stdout=writer,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writer)

    assert (result.returncode, result.stderr) == (status, b"")


@posix
def test_a_reader_that_stops_after_the_first_line_is_not_complained_about(fixtures: Path) -> None:
    """With more than a pipe holds, so that the writer meets the closed end in the middle."""
    names = ["dashboard.zip"] * 30
    with subprocess.Popen(
        [*COMMAND, *names, "--format", "json"],
        cwd=fixtures,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"{\n"
        process.stdout.close()
        errors = process.stderr.read()

    assert (process.returncode, errors) == (1, b"")


def open_for_writing(pipe: Path) -> int:
    """Open a named pipe as soon as somebody reads from it."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody does yet
            assert time.monotonic() < deadline
            time.sleep(0.01)


@posix
@pytest.mark.parametrize("arguments", [[], ["inspect"]])
def test_an_interrupted_run_is_130(fixtures: Path, tmp_path: Path, arguments: list[str]) -> None:
    """Interrupted while it waits for the first bytes of a target that never come."""
    pipe = tmp_path / "target.json"
    os.mkfifo(pipe)
    with subprocess.Popen(
        [*COMMAND, *arguments, str(fixtures / "dashboard.zip"), "--target", str(pipe)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        writer = open_for_writing(pipe)
        try:
            time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            out, errors = process.communicate(timeout=30)
        finally:
            os.close(writer)

    assert (process.returncode, out, errors.strip()) == (130, b"", b"abicheck: interrupted")


# --- what a locale can say ---


@pytest.mark.parametrize(
    "env",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "ascii:strict"},
        {"PYTHONIOENCODING": "cp1252"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_what_the_locale_cannot_say_is_escaped(
    run: Run, tmp_path: Path, env: dict[str, str]
) -> None:
    write_zip(tmp_path / "a.zip", {"拡張.py": "x = 1\n", "../拡張.py": "x = 1\n"})

    result = run("a.zip", cwd=tmp_path, env=env)

    assert (result.returncode, result.stderr) == (1, "")
    assert r"\u62e1\u5f35" in result.stdout


def test_what_the_locale_can_say_is_said(run: Run, tmp_path: Path) -> None:
    write_zip(tmp_path / "a.zip", {"../拡張.py": "x = 1\n"})

    result = run("a.zip", cwd=tmp_path, env={"PYTHONIOENCODING": "utf-8"})

    assert "../拡張.py" in result.stdout


def test_an_error_about_a_name_that_the_locale_cannot_say_is_no_traceback(run: Run) -> None:
    result = run("拡張.zip", env={"PYTHONIOENCODING": "ascii"})

    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert "no such file or folder" in result.stderr


def test_no_warning_of_python_s_own_is_left_to_the_user(fixtures: Path) -> None:
    """No file is left open, nothing deprecated is used."""
    result = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-m", "abicheck", "dashboard.zip"],
        cwd=fixtures,
        env=environment(),
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert (result.returncode, result.stderr) == (1, b"")
