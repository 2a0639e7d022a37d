"""What abicheck says of packages as they are really deployed, and what its fixes do to them.

The runtime's messages are those of CPython 3.13 and glibc 2.34 on these very
files.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

pytestmark = pytest.mark.network

Examine = Callable[..., tuple[int, Any]]

HANDLER: Final = ("--handler", "handler.lambda_handler")
NO_MODULE: Final = "No module named 'pydantic_core._pydantic_core'"
NO_NAME: Final = (
    "cannot import name 'ArgsKwargs' from 'pydantic_core._pydantic_core' (unknown location)"
)


@dataclass(frozen=True, slots=True)
class Broken:
    """A build of the dashboard that Lambda cannot load, and what is to be said of it.

    `core` is the release of pydantic-core that this release of pydantic asks
    for; of all the distributions it is the only one with an extension.
    """

    build: str
    pydantic: str
    core: str
    rule: str
    message: str = NO_MODULE

    def __str__(self) -> str:
        return f"{self.build}-{self.core}"


BROKEN: Final = (
    Broken("cp311", "2.12.4", "2.41.5", "ABI201"),
    Broken("cp311", "2.14.3", "2.50.4", "ABI201", NO_NAME),
    Broken("aarch64", "2.12.4", "2.41.5", "ABI103"),
    Broken("musl", "2.12.4", "2.41.5", "ABI105"),
    Broken("cp313t", "2.12.3", "2.41.4", "ABI204"),
    Broken("cp314t", "2.12.4", "2.41.5", "ABI204"),
)


def errors(artifact: dict[str, Any]) -> list[dict[str, Any]]:
    return [finding for finding in artifact["findings"] if finding["severity"] == "error"]


def fix(artifact: dict[str, Any]) -> str:
    """The one command that all errors of an artifact lead to."""
    [command] = {finding["fix"] for finding in errors(artifact)}
    return str(command)


def libraries(findings: list[dict[str, Any]]) -> set[str]:
    """The sonames that ABI401 says are missing."""
    return {
        soname
        for finding in findings
        if finding["code"] == "ABI401"
        for soname in finding["evidence"]
    }


# --- the application that started it all --------------------------------------


def test_a_dashboard_built_for_lambda_passes(
    dashboard: Callable[[str, str], Path], examine: Examine, tmp_path: Path
) -> None:
    """Nineteen distributions, one extension, and nothing to say."""
    archive = shutil.make_archive(str(tmp_path / "dashboard"), "zip", dashboard("lambda", "2.12.4"))

    status, artifact = examine(Path(archive), *HANDLER)

    assert [f for f in artifact["findings"] if f["severity"] != "note"] == []
    assert artifact["handler"]["import"] == "loads"
    assert artifact["counts"]["extensions"] == 1
    assert status == 0


@pytest.mark.parametrize("case", BROKEN, ids=str)
def test_a_dashboard_built_for_another_target_fails_under_the_rule_for_it(
    case: Broken,
    dashboard: Callable[[str, str], Path],
    examine: Examine,
    tmp_path: Path,
) -> None:
    """One cause, one error, in the runtime's own words.

    A package folder without stubs has no `_pydantic_core` at all; with stubs
    in a folder of that name, it is an empty namespace package.
    """
    archive = shutil.make_archive(
        str(tmp_path / "dashboard"), "zip", dashboard(case.build, case.pydantic)
    )

    status, artifact = examine(Path(archive), *HANDLER)

    [error] = errors(artifact)
    assert (error["code"], error["runtime_message"]) == (case.rule, case.message)
    assert (error["distribution"], error["version"]) == ("pydantic_core", case.core)
    assert artifact["handler"]["runtime_message"] == case.message
    assert status == 1


def test_the_chain_of_imports_leads_from_the_handler_to_the_extension(
    dashboard: Callable[[str, str], Path], examine: Examine
) -> None:
    """Lambda's log names the handler alone; the way from there to the cause is what is new."""
    _, artifact = examine(dashboard("cp311", "2.12.4"), *HANDLER)

    [error] = errors(artifact)
    assert error["runtime_log"] == (
        "[ERROR] Runtime.ImportModuleError: Unable to import module 'handler': "
        "No module named 'pydantic_core._pydantic_core'"
    )
    assert error["via"][0] == "handler.py:1"
    assert error["via"][-1] == "pydantic_core/__init__.py:8"


# --- wheels -------------------------------------------------------------------


@pytest.mark.parametrize(
    "distribution",
    [
        "cryptography",
        "grpcio",
        "lxml",
        "numpy",
        "opencv-python-headless",
        "orjson",
        "pandas",
        "pillow",
        "pyarrow",
        "pycryptodome",
        "scipy",
    ],
)
def test_a_wheel_that_loads_on_lambda_passes(
    distribution: str, wheel: Callable[..., Path], examine: Examine
) -> None:
    """Each loads there; an error here is a false alarm."""
    status, artifact = examine(wheel(distribution))

    assert errors(artifact) == []
    assert status == 0


def test_a_wheel_that_draws_windows_lacks_their_libraries(
    wheel: Callable[..., Path], examine: Examine
) -> None:
    """What importing cv2 loads is an error; what only Qt's plugins would load is less."""
    status, artifact = examine(wheel("opencv-python"))

    assert {(error["code"], error["runtime_message"]) for error in errors(artifact)} == {
        ("ABI401", "libxcb.so.1: cannot open shared object file: No such file or directory")
    }
    assert libraries(errors(artifact)) == {"libGL.so.1", "libxcb.so.1"}
    assert libraries(artifact["findings"]) == {
        "libGL.so.1",
        "libICE.so.6",
        "libSM.so.6",
        "libX11.so.6",
        "libXext.so.6",
        "libxcb.so.1",
    }
    assert status == 1


def test_a_wheel_that_counts_on_the_system_lacks_its_driver_manager(
    wheel: Callable[..., Path], examine: Examine
) -> None:
    status, artifact = examine(wheel("pyodbc"))

    [error] = errors(artifact)
    assert error["code"] == "ABI401"
    assert error["runtime_message"] == (
        "libodbc.so.2: cannot open shared object file: No such file or directory"
    )
    assert status == 1


def test_a_library_that_ctypes_opens_during_import_must_load_too(
    install: Callable[..., Path], examine: Examine, tmp_path: Path
) -> None:
    """No extension of lightgbm needs libgomp, and yet it cannot be imported."""
    status, artifact = examine(install(tmp_path / "build", "lightgbm"))

    [error] = errors(artifact)
    assert (error["code"], error["path"]) == ("ABI401", "lightgbm/lib/lib_lightgbm.so")
    assert libraries([error]) == {"libgomp.so.1"}
    assert error["runtime_message"] == (
        "libgomp.so.1: cannot open shared object file: No such file or directory"
    )
    assert status == 1


# --- the printed fixes, run ---------------------------------------------------


@pytest.mark.parametrize("case", BROKEN, ids=str)
def test_the_printed_fix_mends_a_dashboard(
    case: Broken,
    dashboard: Callable[[str, str], Path],
    examine: Examine,
    paste: Callable[[str, Path], None],
    tmp_path: Path,
) -> None:
    """The fix replaces the wrong build where it lies, though pip has the same release there."""
    folder = shutil.copytree(dashboard(case.build, case.pydantic), tmp_path / "build")
    _, broken = examine(folder, *HANDLER)

    paste(fix(broken), folder)
    status, mended = examine(folder, *HANDLER)

    assert errors(mended) == []
    assert mended["handler"]["import"] == "loads"
    assert status == 0


@pytest.mark.parametrize("case", BROKEN, ids=str)
def test_the_printed_fix_for_a_wheel_downloads_one_that_passes(
    case: Broken,
    wheel: Callable[..., Path],
    examine: Examine,
    paste: Callable[[str, Path], None],
    tmp_path: Path,
) -> None:
    status, broken = examine(wheel(f"pydantic-core=={case.core}", case.build))
    assert ({error["code"] for error in errors(broken)}, status) == ({case.rule}, 1)

    paste(fix(broken), tmp_path)
    [downloaded] = tmp_path.iterdir()
    status, mended = examine(downloaded)

    assert downloaded.name == wheel(f"pydantic-core=={case.core}").name
    assert errors(mended) == []
    assert status == 0


def test_the_printed_fix_does_not_depend_on_the_python_that_runs_pip(
    install: Callable[..., Path],
    examine: Examine,
    paste: Callable[[str, Path], None],
    tmp_path: Path,
) -> None:
    """The release is meant for the target; a user's own Python may be too old for it.

    numpy 2.5 wants Python 3.12.  Asked to install it for 3.13, pip 23.0, which
    is Debian 12's, still compares that with the 3.11 it runs on.
    """
    folder = install(tmp_path / "build", "numpy", build="aarch64")
    _, broken = examine(folder)

    paste(fix(broken), folder)
    status, mended = examine(folder)

    assert {error["code"] for error in errors(broken)} == {"ABI103"}
    assert errors(mended) == []
    assert status == 0


def test_the_printed_replacement_for_a_distribution_passes_in_its_place(
    install: Callable[..., Path],
    examine: Examine,
    paste: Callable[[str, Path], None],
    tmp_path: Path,
) -> None:
    """opencv-python-headless is the same cv2 without windows."""
    _, broken = examine(install(tmp_path / "broken", "opencv-python"))
    without = install(tmp_path / "without", "numpy")

    paste(fix(broken), without)
    status, mended = examine(without)

    assert "opencv-python-headless" in {item["name"] for item in mended["distributions"]}
    assert errors(mended) == []
    assert status == 0
