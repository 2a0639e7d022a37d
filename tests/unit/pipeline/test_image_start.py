"""Where the process of an image starts, and what is on its sys.path."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from tests.imagebuilder import Image, archive, folder, oci, tar, whiteout
from tests.lambdabase import lambda_base
from tests.rootbuilder import Root, a_root, entries_of, layer_of

from abicheck.errors import ArtifactError
from abicheck.model import Report, TargetProfile, Verdict
from abicheck.pipeline import check
from abicheck.profiles import load_profile

APP: Final = b"def handler(event, context): ...\n"
CLIENT: Final = "/usr/bin/python3.13 -m awslambdaric app.handler"
SITE: Final = "/usr/lib/python3/dist-packages"


def _debian(path: Path, files: Root, **run: Any) -> Path:  # noqa: ANN401 - as in the JSON
    run = {"Entrypoint": CLIENT.split(), **run}
    path.write_bytes(archive(oci(Image((layer_of({**a_root(), **files}),), run=run))))
    return path


@pytest.mark.parametrize(
    "run",
    [
        {},
        {"WorkingDir": "/"},
        {"Entrypoint": ["/bin/sh", "-c", CLIENT]},
        {"Entrypoint": [], "Cmd": CLIENT.split()},
    ],
)
def test_without_a_working_directory_a_function_lies_at_the_root(
    tmp_path: Path, target: TargetProfile, run: dict[str, Any]
) -> None:
    """`COPY app.py .` without WORKDIR; folders of the system are no packages of the function."""
    files: Root = {"/app.py": b"import own.part\n" + APP, "/own/part.py": b"", "/srv/x.py": b"!"}
    report = check(_debian(tmp_path / "i.tar", files, **run), target)

    assert _verdict(report) is Verdict.LOADS
    assert {"app", "own"} <= set(report.inventory.packages)
    assert not {"usr", "srv", "etc"} & set(report.inventory.packages)


def test_a_function_that_lies_elsewhere_is_not_found_at_the_root(
    tmp_path: Path, target: TargetProfile
) -> None:
    files: Root = {"/var/task/app.py": APP}

    assert _verdict(check(_debian(tmp_path / "a.tar", files), target)) is Verdict.FAILS
    there = check(_debian(tmp_path / "b.tar", files, WorkingDir="/var/task"), target)
    assert _verdict(there) is Verdict.LOADS


def test_an_extension_at_the_root_is_judged(tmp_path: Path, target: TargetProfile) -> None:
    """It is reported once, under its own path."""
    files: Root = {"/app.py": b"import fast\n" + APP, "/fast.abi3.so": b"\x7fELF"}
    report = check(_debian(tmp_path / "i.tar", files), target)

    assert _verdict(report) is Verdict.FAILS
    assert [str(each.path) for each in report.objects if "fast" in str(each.path)] == [
        "/fast.abi3.so"
    ]
    assert [f for f in report.findings if str(f.fault.location.path) == "fast.abi3.so"]


@pytest.mark.parametrize("value", ["lib", "./lib:/none", "/srv/app/lib", "/none::lib"])
def test_a_relative_pythonpath_begins_where_the_process_does(
    tmp_path: Path, target: TargetProfile, value: str
) -> None:
    files: Root = {"/srv/app/app.py": b"import dep\n" + APP, "/srv/app/lib/dep.py": b""}
    image = {"WorkingDir": "/srv/app", "Env": [f"PYTHONPATH={value}"]}

    assert _verdict(check(_debian(tmp_path / "i.tar", files, **image), target)) is Verdict.LOADS


def test_pythonhome_says_where_the_standard_library_is(
    tmp_path: Path, target: TargetProfile
) -> None:
    """There, and nowhere else; without one the interpreter does not start."""
    files: Root = {"/app.py": b"import json\n" + APP, "/opt/py/lib/python3.13/os.py": b""}
    image = _debian(tmp_path / "a.tar", files, Env=["PYTHONHOME=/opt/py"])

    assert _verdict(check(image, target)) is Verdict.FAILS
    with pytest.raises(ArtifactError, match="PYTHONHOME=/none"):
        check(_debian(tmp_path / "b.tar", files, Env=["PYTHONHOME=/none"]), target)


def test_a_link_may_lead_to_a_folder_of_sys_path(tmp_path: Path, target: TargetProfile) -> None:
    """As where each release has a folder of its own."""
    files: Root = {
        "/srv/app.py": b"import dep\n" + APP,
        "/releases/1/dep.py": b"",
        "/current": "releases/1",
    }
    image = {"WorkingDir": "/srv", "Env": ["PYTHONPATH=/current"]}

    assert _verdict(check(_debian(tmp_path / "i.tar", files, **image), target)) is Verdict.LOADS


def test_path_files_are_read_where_site_does(tmp_path: Path, target: TargetProfile) -> None:
    """In its own folders, and in none that only PYTHONPATH or the working directory names."""
    files: Root = {
        "/app.py": b"import dep\n" + APP,
        "/srv/more/dep.py": b"",
        "/srv/site-packages/other.py": b"",
    }
    line = b"/srv/more\n"
    paths = {"PYTHONPATH": "/srv/site-packages"}
    env = {"Env": [f"{name}={value}" for name, value in paths.items()]}

    def verdict(place: str) -> Verdict:
        image = _debian(tmp_path / "i.tar", {**files, place: line}, **env)
        return _verdict(check(image, target))

    assert verdict(f"{SITE}/more.pth") is Verdict.LOADS
    assert verdict("/more.pth") is Verdict.FAILS
    assert verdict("/srv/site-packages/more.pth") is Verdict.FAILS
    assert verdict(f"{SITE}/six/more.pth") is Verdict.FAILS


@pytest.fixture(scope="module")
def base() -> Image:
    return lambda_base(load_profile("lambda-python3.13-x86_64-image"))


def _on_lambdas(path: Path, base: Image, *layers: bytes, **run: Any) -> Path:  # noqa: ANN401
    run = {**base.run, "Cmd": ["app.handler"], **run}
    path.write_bytes(archive(oci(replace(base, layers=(*base.layers, *layers), run=run))))
    return path


def test_lambdas_bootstrap_reads_path_files_of_the_task_root(
    tmp_path: Path, base: Image, target: TargetProfile
) -> None:
    """It calls `site.addsitedir`; `python -m awslambdaric` does not, on the same base."""
    layer = layer_of(
        {
            "/var/task/app.py": b"import dep\n" + APP,
            "/var/task/more.pth": b"vendor\n",
            "/var/task/vendor/dep.py": b"",
        }
    )
    client = {
        "Entrypoint": ["/var/lang/bin/python3", "-m", "awslambdaric"],
        "WorkingDir": "/var/task",
    }

    assert _verdict(check(_on_lambdas(tmp_path / "a.tar", base, layer), target)) is Verdict.LOADS
    other = _on_lambdas(tmp_path / "b.tar", base, layer, **client)
    assert _verdict(check(other, target)) is Verdict.FAILS


def test_a_pythonpath_of_the_image_takes_the_folders_of_layers_away(
    tmp_path: Path, base: Image, target: TargetProfile
) -> None:
    """As it does where a function sets it: Lambda's bootstrap asks whether it is there."""
    layer = layer_of({"/var/task/app.py": b"import dep\n" + APP, "/opt/python/dep.py": b""})
    env = [*base.run["Env"], "PYTHONPATH=/srv"]

    assert _verdict(check(_on_lambdas(tmp_path / "a.tar", base, layer), target)) is Verdict.LOADS
    other = _on_lambdas(tmp_path / "b.tar", base, layer, Env=env)
    assert _verdict(check(other, target)) is Verdict.FAILS


def test_a_whiteout_takes_the_task_root_away(
    tmp_path: Path, base: Image, target: TargetProfile
) -> None:
    """What a later layer brings there is all that there is."""
    lower = layer_of({"/var/task/app.py": APP, "/var/task/dep.py": b""})
    gone = tar([folder("var"), whiteout("var/task")])
    again = tar([whiteout("var/task"), *entries_of({"/var/task/app.py": b"import dep\n" + APP})])

    kept = _on_lambdas(tmp_path / "a.tar", base, lower)
    assert _verdict(check(kept, target)) is Verdict.LOADS
    for number, upper in enumerate((gone, again)):
        path = _on_lambdas(tmp_path / f"{number}.tar", base, lower, upper)
        assert _verdict(check(path, target)) is Verdict.FAILS


def _verdict(report: Report) -> Verdict:
    assert report.handler is not None
    return report.handler.verdict
