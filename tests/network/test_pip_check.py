"""`pip check` in an environment, and abicheck on its folder of packages: the same requirements.

pip can only ask the environment that it runs for; where both can be asked, they agree.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(sys.platform != "linux", reason="the environment must be the target's kind"),
]

Examine = Callable[..., tuple[int, Any]]

TARGET: Final = f"lambda-python3.{sys.version_info.minor}-x86_64"
_NOT_THERE: Final = re.compile(r"(\S+) \S+ requires ([\w.-]+), which is not installed\.")
_OTHER: Final = re.compile(r"(\S+) \S+ has requirement ([\w.-]+).*, but you have .*\.")


@dataclass(frozen=True, slots=True)
class Broken:
    """An environment: what is installed, what is then taken out, and what is put in instead."""

    installed: tuple[str, ...]
    removed: tuple[str, ...] = ()
    exchanged: tuple[str, ...] = ()

    def __str__(self) -> str:
        changes = [f"-{name}" for name in self.removed] + [f"+{name}" for name in self.exchanged]
        return " ".join((*self.installed, *changes))


SETS: Final = (
    Broken(("requests==2.32.5",)),
    Broken(("flask==3.1.2",)),
    Broken(("fastapi==0.121.3", "uvicorn==0.38.0")),
    Broken(("sqlalchemy==2.0.44", "alembic==1.17.2")),
    Broken(("httpx[http2]==0.28.1", "rich==14.2.0")),
    Broken(("requests==2.32.5",), removed=("idna",)),
    Broken(("flask==3.1.2",), removed=("markupsafe", "click")),
    Broken(("requests==2.32.5",), exchanged=("urllib3==1.20",)),
    Broken(("fastapi==0.121.3",), removed=("typing-extensions",), exchanged=("starlette==0.20.0",)),
    Broken(
        ("sqlalchemy==2.0.44", "alembic==1.17.2"),
        removed=("mako",),
        exchanged=("sqlalchemy==1.3.0",),
    ),
)


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pip(environment: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    python = environment / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)


def build(folder: Path, broken: Broken) -> Path:
    """Return a virtual environment in which a set was installed and broken."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    steps = [("install", "--quiet", "--only-binary=:all:", *broken.installed)]
    if broken.removed:
        steps.append(("uninstall", "--quiet", "--yes", *broken.removed))
    if broken.exchanged:
        steps.append(("install", "--quiet", "--no-deps", *broken.exchanged))
    for step in steps:
        ran = pip(folder, *step)
        assert ran.returncode == 0, ran.stderr
    return folder


def pip_says(environment: Path) -> set[tuple[str, str]]:
    """Who lacks what, as `pip check` has it."""
    lines = pip(environment, "check").stdout.splitlines()
    matches = [_NOT_THERE.fullmatch(line) or _OTHER.fullmatch(line) for line in lines]
    return {(canonical(m[1]), canonical(m[2])) for m in matches if m is not None}


def abicheck_says(artifact: dict[str, Any]) -> set[tuple[str, str]]:
    """Who lacks what, as ABI705 has it, the extras that pip does not follow apart."""
    pairs = [
        pair.partition(" requires ")
        for finding in artifact["findings"]
        if finding["code"] == "ABI705"
        for pair in finding["evidence"]
    ]
    names = [(asker, re.split(r"[^\w.-]", wanted)[0]) for asker, _, wanted in pairs]
    return {(canonical(asker), canonical(name)) for asker, name in names if "[" not in asker}


@pytest.mark.parametrize("broken", SETS, ids=str)
def test_pip_check_and_abicheck_agree(broken: Broken, tmp_path: Path, examine: Examine) -> None:
    environment = build(tmp_path / "environment", broken)
    [packages] = environment.glob("lib/python3.*/site-packages")
    expected = pip_says(environment)
    _, artifact = examine(packages, "--target", TARGET)

    assert abicheck_says(artifact) == expected
    assert bool(expected) is bool(broken.removed or broken.exchanged)
