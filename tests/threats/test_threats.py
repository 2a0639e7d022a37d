"""Every hostile input ends as SECURITY.md says, in bounds, and does nothing but report.

Each is given to a process of its own.  What it may take is what is measured of that process
when it has ended: processor time, which a busy machine does not stretch, and memory.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import pytest
from tests.threats.table import THREATS, documented, table
from tests.threats.threat import PAYLOAD, Request, Threat
from tests.unit.cli.process import environment

from abicheck.cli import COMMANDS

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="what a process took is told by wait4"
)

SECONDS: Final = 5.0
MEGABYTES: Final = 300
_HERE: Final = Path(__file__).parent
_REPORTS: Final = ("json", "sarif", "gitlab", "junit", "markdown", "html", "github")
# Control characters but the line feed, and those that turn the direction of writing.
_COMMANDS: Final = re.compile(
    "[\0-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one process: its streams, what it took, what it did, and its reports."""

    status: int
    seconds: float
    megabytes: float
    text: str
    deeds: str
    reports: Mapping[str, str]
    litter: tuple[str, ...]
    changed: bool


def _listing(folder: Path) -> list[tuple[str, int, int]]:
    """Return every path below a folder with its kind, size and time of change."""
    found = []
    for above, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = os.path.join(above, name)  # noqa: PTH118 - names that are no text
            status = os.lstat(path)
            found.append((path, status.st_mode, status.st_size + status.st_mtime_ns))
    return sorted(found)


def run(request: Request, folder: Path) -> Outcome:
    """Give the input to a process that is metered and watched."""
    place, out, temporary = folder / "input", folder / "out", folder / "tmp"
    for each in (out, temporary):
        each.mkdir()
    judges = request.arguments[0] not in COMMANDS or request.arguments[0] == "check"
    wanted = [f"--format={name}={out}/{name}" for name in _REPORTS] if judges else []
    journal, result = folder / "journal", folder / "result"
    command = [
        *(sys.executable, "-I", str(_HERE / "meter.py"), str(result)),
        *(sys.executable, str(_HERE / "guard.py"), str(journal), f"{out}{os.pathsep}{temporary}"),
        *request.arguments,
        *(("--format=text", *wanted) if judges else ()),
    ]
    before = _listing(place)
    done = subprocess.run(
        command,
        cwd=place,
        input=request.stdin,
        capture_output=True,
        check=True,
        env=environment(
            {
                "HOME": str(temporary),
                "TMPDIR": str(temporary),
                "PYTHONDONTWRITEBYTECODE": "1",
                **request.environment,
            }
        ),
    )
    took: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return Outcome(
        took["status"],
        took["seconds"],
        took["bytes"] / (1 << 20),
        (done.stdout + done.stderr).decode("utf-8", "backslashreplace"),
        journal.read_text(encoding="utf-8"),
        {path.name: path.read_text(encoding="utf-8") for path in out.iterdir()},
        tuple(path.name for path in temporary.iterdir()),
        before != _listing(place),
    )


@pytest.mark.parametrize("threat", THREATS, ids=lambda threat: threat.name)
def test_a_hostile_input_ends_as_the_table_says(
    threat: Threat, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    place = tmp_path / "input"
    place.mkdir()

    outcome = run(threat.build(place), tmp_path)

    record_property("seconds", outcome.seconds)
    record_property("megabytes", outcome.megabytes)
    assert "Traceback" not in outcome.text
    assert "internal error" not in outcome.text
    assert outcome.status == threat.status, outcome.text
    assert threat.says in outcome.text
    if threat.code:
        assert threat.code in _codes(outcome), outcome.text
    assert outcome.seconds <= SECONDS
    assert outcome.megabytes <= MEGABYTES
    assert outcome.deeds == ""
    assert outcome.litter == ()
    assert not outcome.changed
    assert not (place / PAYLOAD).exists()
    assert _COMMANDS.findall(outcome.text) == []
    _are_well_formed(outcome.reports)


def _codes(outcome: Outcome) -> set[str]:
    document = json.loads(outcome.reports["json"])
    return {
        finding["code"] for artifact in document["artifacts"] for finding in artifact["findings"]
    }


def _are_well_formed(reports: Mapping[str, str]) -> None:
    """What the artifact says is text in each of them, and nothing else."""
    for name in ("json", "sarif", "gitlab"):
        if name in reports:
            json.loads(reports[name])
    if "junit" in reports:
        ET.fromstring(reports["junit"])  # noqa: S314 - our own
    for name in ("markdown", "github", "html"):
        assert _COMMANDS.findall(reports.get(name, "")) == []
    for line in reports.get("github", "").splitlines():
        if re.match("::(?:error|warning|notice) ", line) is None:
            assert not line.lstrip().startswith("::")
            assert "##[" not in line
    assert _tags(_BLOCK.sub("", reports.get("markdown", ""))) <= _MARKDOWN
    assert _tags(reports.get("html", "")).isdisjoint({"img", "iframe", "object", "embed", "link"})
    assert reports.get("html", "").count("<script") <= 1


# A block of code, which ends where a line begins with as many backquotes; a span of code.
_BLOCK: Final = re.compile(
    r"^(?P<fence>`{3,})[^`\n]*\n.*?^(?P=fence)`*\n|(?<!`)(?P<tick>`+)(?!`).*?(?<!`)(?P=tick)(?!`)",
    re.MULTILINE | re.DOTALL,
)
# What the Markdown report itself writes in HTML.
_MARKDOWN: Final = {"details", "summary", "br", "code", "pre"}


class _Tags(HTMLParser):
    """Collects the names of all elements, and refuses attributes that are code."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs), (tag, attrs)


def _tags(text: str) -> set[str]:
    parser = _Tags()
    parser.feed(text)
    return parser.found


def test_the_table_has_a_row_for_every_input_and_no_other() -> None:
    """`python -m tests.threats.table` writes it."""
    assert documented() == table()


def test_no_two_inputs_have_one_name() -> None:
    names = [threat.name for threat in THREATS]

    assert len(names) == len(set(names))
