"""The page in a real browser, from a file, without a network."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from tests.unit.cli.process import COMMAND, environment

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Debian's package chromium")

Browse = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def document(fixtures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    subprocess.run(
        [*COMMAND, "dashboard.zip", "cases/needs-libgl.zip", f"--format=html={path}"],
        cwd=fixtures,
        env=environment(),
        timeout=60,
        check=False,
    )
    return path


@pytest.fixture(scope="module")
def browse(document: Path, tmp_path_factory: pytest.TempPathFactory) -> Browse:
    """Return a function that opens the page; what it and its script complain of is on stderr."""

    def call(*options: str, fragment: str = "") -> subprocess.CompletedProcess[str]:
        assert CHROMIUM is not None
        return subprocess.run(
            [
                CHROMIUM,
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--enable-logging=stderr",
                f"--user-data-dir={tmp_path_factory.mktemp('profile')}",
                *options,
                f"{document.as_uri()}{fragment}",
            ],
            env=environment(),
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=True,
        )

    return call


def complaints(log: str) -> list[str]:
    """What the page is to blame for: refused resources and errors of the script."""
    return [line for line in log.splitlines() if "CONSOLE" in line]


def test_the_page_is_shown_without_a_complaint_and_its_script_runs(browse: Browse) -> None:
    result = browse("--dump-dom")

    assert complaints(result.stderr) == []
    assert '<button type="button">Copy</button>' in result.stdout
    assert "hidden" not in re.findall("<button[^>]*>", result.stdout)


def test_every_artifact_has_its_table_of_runtimes(browse: Browse) -> None:
    shown = browse("--dump-dom").stdout

    tables = re.findall('<table class="runtimes">.*?</table>', shown, re.DOTALL)
    assert len(tables) == 2
    assert all(table.count('<th scope="row">') == 7 for table in tables)


def test_a_link_opens_the_link_map_that_it_leads_to(browse: Browse) -> None:
    closed, opened = browse("--dump-dom"), browse("--dump-dom", fragment="#a0-o0")

    assert re.search(r'<details class="object" id="a0-o0">', closed.stdout)
    assert re.search(r'<details class="object" id="a0-o0" open="">', opened.stdout)


@pytest.mark.parametrize("width", [400, 1280])
def test_the_page_can_be_pictured_at_any_width(browse: Browse, tmp_path: Path, width: int) -> None:
    picture = tmp_path / "page.png"

    result = browse(f"--window-size={width},1600", f"--screenshot={picture}")

    assert complaints(result.stderr) == []
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 20_000  # an empty page takes a tenth of it
