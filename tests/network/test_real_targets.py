"""Real packages on every runtime, and the stable ABI against its own auditor."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.network.conftest import PINS

if TYPE_CHECKING:
    from tests.shelf import Pin

pytestmark = pytest.mark.network

Examine = Callable[..., tuple[int, Any]]
ABI3AUDIT: Final = "abi3audit==0.0.26"


def errors(artifact: dict[str, Any]) -> list[dict[str, Any]]:
    return [finding for finding in artifact["findings"] if finding["severity"] == "error"]


def matrix(path: Path) -> dict[tuple[str, str], dict[str, Any]]:
    command = [sys.executable, "-m", "abicheck", "matrix", "--json", str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = json.loads(ran.stdout)["targets"]
    return {(row["runtime"], row["architecture"]): row for row in rows}


# --- runtimes -----------------------------------------------------------------


def test_cryptography_built_for_glibc_2_34_loads_on_amazon_linux_2023_only(
    wheel: Callable[..., Path], examine: Examine
) -> None:
    path = wheel("cryptography", "abi3")

    status, newer = examine(path, "--runtime", "python3.13")
    assert (errors(newer), status) == ([], 0)

    status, older = examine(path, "--runtime", "python3.11")
    [error] = errors(older)
    assert (error["code"], status) == ("ABI301", 1)
    assert error["runtime_message"] == (
        "/lib64/libc.so.6: version `GLIBC_2.28' not found (required by "
        "/var/task/cryptography/hazmat/bindings/_rust.abi3.so)"
    )


def test_an_abi3_wheel_loads_from_the_version_in_its_tag_on(wheel: Callable[..., Path]) -> None:
    """`cp311-abi3-manylinux2014_x86_64`: from 3.11 on, on either Amazon Linux."""
    rows = matrix(wheel("cryptography"))

    assert {key for key, row in rows.items() if row["loads"]} == {
        (f"python3.{minor}", "x86_64") for minor in range(11, 16)
    }


def test_a_wheel_for_one_cpython_loads_on_that_one(wheel: Callable[..., Path]) -> None:
    """The wheel is tagged `cp313-cp313-manylinux_2_27_x86_64`."""
    path = wheel("numpy")
    assert re.search(r"-cp313-cp313-manylinux.*x86_64\.whl$", path.name)

    rows = matrix(path)

    assert [key for key, row in rows.items() if row["loads"]] == [("python3.13", "x86_64")]
    assert {row["code"] for row in rows.values() if row["architecture"] == "x86_64"} == {
        "ABI201",
        None,
    }


@pytest.mark.parametrize(
    ("build", "loads"),
    [("cp311", ("python3.11", "x86_64")), ("aarch64", ("python3.13", "arm64"))],
)
def test_an_application_loads_on_the_runtime_that_it_was_built_for(
    build: str,
    loads: tuple[str, str],
    dashboard: Callable[[str, str], Path],
    tmp_path: Path,
) -> None:
    archive = shutil.make_archive(str(tmp_path / "a"), "zip", dashboard(build, "2.12.4"))

    rows = matrix(Path(archive))

    assert [key for key, row in rows.items() if row["loads"]] == [loads]


# --- the stable ABI -----------------------------------------------------------


@pytest.fixture(scope="module")
def abi3audit(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], set[tuple[str, str]]]:
    """Return what abi3audit holds against a wheel: file and name, one by one."""
    folder = tmp_path_factory.mktemp("abi3audit")
    venv.create(folder, with_pip=True)
    subprocess.run(
        [folder / "bin" / "pip", "install", "--quiet", ABI3AUDIT], check=True, capture_output=True
    )

    def audit(path: Path) -> set[tuple[str, str]]:
        ran = subprocess.run(
            [folder / "bin" / "abi3audit", "--report", path],
            capture_output=True,
            text=True,
            check=False,
        )
        objects = json.loads(ran.stdout)["specs"][str(path)]["wheel"]
        return {
            (entry["name"], name)
            for entry in objects
            for name in (
                *entry["result"]["non_abi3_symbols"],
                *entry["result"]["future_abi3_objects"],
            )
        }

    return audit


def test_thirty_wheels_are_pinned() -> None:
    assert len(PINS["abi3"]) >= 30


@pytest.mark.parametrize("pin", PINS["abi3"], ids=lambda pin: pin.file.split("-cp")[0])
def test_abicheck_agrees_with_abi3audit(
    pin: Pin,
    wheel: Callable[..., Path],
    examine: Examine,
    abi3audit: Callable[[Path], set[tuple[str, str]]],
) -> None:
    """Name by name, whether the target happens to export it (ABI209) or not (ABI202)."""
    path = wheel(f"{pin.distribution}=={pin.version}", "abi3")

    _, artifact = examine(path, "--wheel-author")

    ours = {
        (Path(finding["path"]).name, name)
        for finding in artifact["findings"]
        if finding["code"] in {"ABI202", "ABI209"}
        for name in finding["evidence"]
    }
    assert ours == abi3audit(path)
