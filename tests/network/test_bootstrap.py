"""Every function of `tests/layouts.py`, started by awslambdaric itself."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from tests.layouts import LAYOUTS, Function, write

from abicheck.pipeline import check
from abicheck.profiles import load_profile
from abicheck.reporters._words import handler_module, runtime_log

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(os.name != "posix", reason="Lambda runs on Linux"),
]

RELEASE: Final = "awslambdaric==4.2.2"
DRIVER: Final = Path(__file__).with_name("bootstrap_driver.py")
TARGET: Final = f"lambda-python3.{sys.version_info[1]}-x86_64"
NOBODY: Final = 65534


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which the runtime's client was installed for this Python."""
    folder = tmp_path_factory.mktemp("runtime")
    command = [sys.executable, "-m", "pip", "install", "-q", f"--target={folder}", RELEASE]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    for path in [folder, *folder.parents][:3]:
        path.chmod(0o755)
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "task"
    folder.mkdir()
    for path in [folder, *folder.parents][:3]:
        path.chmod(0o755)
    yield folder
    for path in sorted(folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755)


def unpack(function: Function, archive: Path, root: Path) -> None:
    """Lay a function out as Lambda does: every file, and every folder, with its mode."""
    with zipfile.ZipFile(write(function, archive)) as members:
        infos = members.infolist()
        for info in infos:
            path = root / info.filename
            mode = info.external_attr >> 16
            if info.filename.endswith("/"):
                path.mkdir(parents=True, exist_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            if mode & 0o170000 == 0o120000:
                path.symlink_to(members.read(info).decode())
            else:
                path.write_bytes(members.read(info))
        for info in reversed(infos):
            path = root / info.filename
            if not path.is_symlink():
                path.chmod(info.external_attr >> 16 & 0o7777)


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_runtime_logs_what_is_predicted(
    name: str, tmp_path: Path, root: Path, runtime: Path
) -> None:
    """Word for word, by the CPython that runs the tests, for the target of its release."""
    function = LAYOUTS[name]
    if function.modes and os.getuid() != 0:
        pytest.skip("only root can become the user that may not read")
    archive = tmp_path / "a.zip"
    unpack(function, archive, root)
    command = [sys.executable, "-I", "-S", str(DRIVER), str(runtime), str(root), function.handler]
    # Only where modes matter: that user may not be let to this Python's own library, either.
    user = str(NOBODY if function.modes else 0)
    ran = subprocess.run([*command, user], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr

    report = check(archive, load_profile(TARGET), handler=function.handler)

    failure = report.first_failure()
    predicted = "" if failure is None else runtime_log(failure, handler_module(report))
    assert predicted == ran.stdout.removesuffix("\n").replace(str(root), "/var/task")
