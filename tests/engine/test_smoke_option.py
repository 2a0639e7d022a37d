"""`--smoke` from end to end: real imports in a real engine, beside what was predicted of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from tests.factories import a_library, write_zip
from tests.unit.cli.process import environment

from abicheck.model import TargetProfile
from abicheck.profiles import load_profile, write_profile

pytestmark = pytest.mark.engine

ABICHECK: Final = (sys.executable, "-m", "abicheck")
# What the releases of glibc between Lambda's and the stand-in's word alike.
BROKEN: Final = (
    "dashboard.zip",
    "dashboard-stub.zip",
    "cases/cut-after-5000-bytes.zip",
    "cases/version-need-on-a-file-that-nothing-needs.zip",
    "cases/mach-o-behind-abi3.zip",
    "cases/needs-libgl.zip",
    "cases/zlib-too-new.zip",
    "cases/undefined-function.zip",
)
Smoked = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture(scope="module")
def captured(base: str, tmp_path_factory: pytest.TempPathFactory) -> TargetProfile:
    """Return what the stand-in provides, as a user captures it."""
    file = tmp_path_factory.mktemp("captured") / "mine.json"
    subprocess.run([*ABICHECK, "capture", f"docker:{base}", "-o", file], check=True)
    return load_profile(str(file))


@pytest.fixture
def smoked(base: str, fixtures: Path, tmp_path: Path) -> Smoked:
    """Return what imports an artifact in the stand-in: exit status and the artifact's JSON.

    `target` is a profile that is written down first.
    """

    def call(
        artifact: str | Path, *options: str, target: TargetProfile | None = None
    ) -> tuple[int, dict[str, Any]]:
        arguments = [*ABICHECK, artifact, "--smoke", "--smoke-image", base, *options]
        if target is not None:
            file = tmp_path / "target.json"
            written = json.loads(write_profile(target, {})) | {"package": target.package}
            file.write_text(json.dumps(written), encoding="utf-8")
            arguments += ["--target", file]
        result = subprocess.run(
            [*arguments, "--format", "json"],
            cwd=fixtures,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.stderr == ""
        return result.returncode, json.loads(result.stdout)["artifacts"][0]

    return call


def agreements(artifact: Mapping[str, Any]) -> dict[str, str]:
    return {each["module"]: each["agreement"] for each in artifact["smoke"]["imports"]}


def codes(artifact: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(finding["code"], finding["severity"]) for finding in artifact["findings"]]


def without(profile: TargetProfile, soname: str) -> TargetProfile:
    """The profile of a target that lacks one library."""
    kept = {path: each for path, each in profile.libraries.items() if each.soname != soname}
    assert kept.keys() < profile.libraries.keys()
    links = {path: to for path, to in profile.links.items() if not path.endswith(soname)}
    cache = {name: paths for name, paths in profile.cache.items() if name != soname}
    return replace(profile, name="wrong", libraries=kept, links=links, cache=cache)


NEEDS_LIBPTHREAD: Final = "cases/function-that-moved-from-libpthread-into-libc.zip"
LIBPTHREAD: Final = "libpthread.so.0"


def test_a_good_artifact_passes_with_every_module_imported(smoked: Smoked, base: str) -> None:
    status, found = smoked("dashboard-good.zip", "--handler", "handler.lambda_handler")

    assert (status, found["verdict"], found["findings"]) == (0, "pass", [])
    assert agreements(found) == dict.fromkeys(
        ("handler", "fastapi", "pydantic", "pydantic_core", "pydantic_core._pydantic_core"),
        "agreed",
    )
    assert next(iter(agreements(found))) == "handler"
    assert (found["smoke"]["image"], found["smoke"]["discarded"]) == (base, 0)
    cold = found["smoke"]["cold_start"]
    assert cold["module"] == "handler"
    assert {"pydantic_core", "standard library"} <= {share["name"] for share in cold["shares"]}
    assert cold["microseconds"] == sum(share["microseconds"] for share in cold["shares"]) > 0


@pytest.mark.parametrize("artifact", BROKEN)
def test_a_broken_artifact_fails_in_the_words_that_were_predicted(
    smoked: Smoked, captured: TargetProfile, artifact: str
) -> None:
    status, found = smoked(artifact, target=captured)

    assert status == 1
    assert set(agreements(found).values()) == {"agreed"}
    failed = [each for each in found["smoke"]["imports"] if each["outcome"] != "loaded"]
    assert failed
    assert [each["happened"]["message"] for each in failed] == [
        each["predicted"]["message"] for each in failed
    ]


def test_a_profile_that_lacks_a_library_of_the_image_is_found_out(
    smoked: Smoked, captured: TargetProfile
) -> None:
    """The disagreement is printed before the error that it casts doubt on."""
    status, found = smoked(NEEDS_LIBPTHREAD, target=without(captured, LIBPTHREAD))

    assert status == 1
    assert codes(found) == [("ABI901", "warning"), ("ABI401", "error")]
    assert set(agreements(found).values()) == {"predicted to fail, but loaded"}


def test_a_profile_with_a_library_that_the_image_lacks_is_found_out(
    smoked: Smoked, captured: TargetProfile
) -> None:
    """Nothing but the smoke import can find it."""
    libc = next(each for each in captured.libraries.values() if each.soname == "libc.so.6")
    library = a_library("libGL.so.1", "f", folder=str(libc.path.parent))
    libraries = {**captured.libraries, str(library.path): library}
    cache = {**captured.cache, "libGL.so.1": (str(library.path),)}
    wrong = replace(captured, name="wrong", libraries=libraries, cache=cache)

    status, found = smoked("cases/needs-libgl.zip", target=wrong)

    assert status == 1
    assert codes(found)[0] == ("ABI901", "error")
    words = "libGL.so.1: cannot open shared object file: No such file or directory"
    assert found["findings"][0]["runtime_message"] == words


def test_what_only_the_base_image_has_proves_nothing_about_the_managed_runtime(
    smoked: Smoked, captured: TargetProfile
) -> None:
    """The static verdict stands, and nobody is blamed."""
    managed = replace(without(captured, LIBPTHREAD), package="zip")

    status, found = smoked(NEEDS_LIBPTHREAD, target=managed)

    assert status == 1
    assert codes(found) == [("ABI401", "error"), ("ABI904", "note")]
    assert "libpthread.so.0: cannot open shared object file" in found["findings"][1]["why"]


@pytest.mark.parametrize(("budget", "status"), [("1ms", 1), ("600s", 0)])
def test_a_cold_start_has_a_budget(smoked: Smoked, budget: str, status: int) -> None:
    handler = ("--handler", "handler.lambda_handler")

    ended, found = smoked("dashboard-good.zip", *handler, "--cold-start-budget", budget)

    assert ended == status
    assert codes(found) == [("ABI905", "error")] * status


def test_a_function_is_imported_with_its_layers_and_its_variables(
    smoked: Smoked, tmp_path: Path
) -> None:
    source = "import os\nimport shared\nTABLE = os.environ['TABLE']\n"
    function = write_zip(tmp_path / "app.zip", {"app.py": source})
    layer = write_zip(tmp_path / "layer.zip", {"python/shared.py": ""})

    bare = smoked(function)[1]
    whole = smoked(function, "--layer", str(layer), "--env", "TABLE=books")[1]
    alone = smoked(layer)[1]

    assert bare["smoke"]["imports"][0]["happened"]["message"] == "No module named 'shared'"
    assert {each["outcome"] for each in whole["smoke"]["imports"]} == {"loaded"}
    assert agreements(alone) == {"shared": "agreed"}
    for found in (bare, whole, alone):
        assert set(agreements(found).values()) == {"agreed"}


def test_what_never_ends_is_not_vouched_for(smoked: Smoked, tmp_path: Path) -> None:
    source = write_zip(
        tmp_path / "slow.zip", {"slow.py": "import time\ntime.sleep(600)\n", "quick.py": ""}
    )

    status, found = smoked(source, "--smoke-timeout", "1s")

    assert status == 1
    assert codes(found) == [("ABI903", "error")]
    assert agreements(found)["quick"] == "agreed"


def test_the_words_of_an_artifact_reach_no_terminal(
    base: str, tmp_path: Path, fixtures: Path
) -> None:
    source = write_zip(tmp_path / "evil.zip", {"evil.py": "raise ValueError(chr(27) + '[2J')\n"})

    result = subprocess.run(
        [*ABICHECK, source, "--smoke", "--smoke-image", base],
        cwd=fixtures,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert "\\x1b[2J" in result.stdout
    assert "\x1b" not in result.stdout


def test_an_image_that_cannot_be_had_is_3(fixtures: Path) -> None:
    image = "localhost:1/abicheck-no-such-image:1"

    result = subprocess.run(
        [*ABICHECK, "dashboard-good.zip", "--smoke", "--smoke-image", image],
        cwd=fixtures,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 3
    assert result.stdout.startswith("INCOMPLETE  dashboard-good.zip")
    assert result.stderr.startswith(f"abicheck: dashboard-good.zip: --smoke: {image}: cannot be")
    assert len(result.stderr.splitlines()) == 1


def test_a_wheel_is_imported_as_it_is_installed(
    smoked: Smoked, captured: TargetProfile, tmp_path: Path
) -> None:
    """What it requires is not in it: that is said, and never a pass."""
    info = "pkg-1.0.dist-info"
    source = write_zip(
        tmp_path / "pkg-1.0-py3-none-any.whl",
        {
            "pkg-1.0.data/purelib/pkg/__init__.py": "",
            "needy.py": "import requires_me\n",
            f"{info}/METADATA": "Metadata-Version: 2.1\nName: pkg\nVersion: 1.0\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/RECORD": "",
        },
    )

    status, found = smoked(source, target=captured)

    assert (status, codes(found)) == (1, [("ABI902", "error")])
    assert agreements(found) == {"needy": "the prediction was uncertain", "pkg": "agreed"}


def test_an_image_is_imported_in_itself(base: str, fixtures: Path) -> None:
    """Every extension of its standard library does what was predicted for it."""
    result = subprocess.run(
        [*ABICHECK, f"docker:{base}", "--smoke", "--format", "json"],
        cwd=fixtures,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    (found,) = json.loads(result.stdout)["artifacts"]

    assert result.stderr == ""
    assert found["smoke"]["image"] == base
    assert len(agreements(found)) > 20
    assert set(agreements(found).values()) == {"agreed"}
