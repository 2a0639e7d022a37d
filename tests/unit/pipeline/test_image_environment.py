"""What a function of an image sets besides what the image itself has in ENV."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from tests.imagebuilder import Image, Tarred, archive, docker_25, folder, tar
from tests.lambdabase import lambda_base

from abicheck.model import Report, TargetProfile, Verdict
from abicheck.pipeline import check
from abicheck.profiles import load_profile


@pytest.fixture(scope="module")
def base() -> Image:
    return lambda_base(load_profile("lambda-python3.13-x86_64-image"))


def _image(path: Path, base: Image, files: Mapping[str, str], **env: str) -> Path:
    above = {str(parent) for name in files for parent in Path(name).parents} - {"."}
    entries = [folder(name) for name in sorted(above)]
    entries += [Tarred(name, text.encode(), mode=0o644) for name, text in files.items()]
    variables = [*base.run.get("Env", ()), *(f"{name}={value}" for name, value in env.items())]
    image = replace(base, layers=(*base.layers, tar(entries)), run={**base.run, "Env": variables})
    path.write_bytes(archive(docker_25(image)))
    return path


def _verdict(report: Report) -> Verdict:
    assert report.handler is not None
    return report.handler.verdict


SOURCE = "import os\nif os.environ.get('WITH') == 'dep':\n    import dep\n"


def test_what_env_says_is_known_and_the_functions_own_wins(
    tmp_path: Path, base: Image, target: TargetProfile
) -> None:
    """Lambda puts a function's variables over the image's."""
    path = _image(tmp_path / "i.tar", base, {"var/task/app.py": SOURCE}, WITH="dep")

    assert _verdict(check(path, target, handler="app.__class__")) is Verdict.FAILS
    other = check(path, target, handler="app.__class__", environment={"WITH": "nothing"})
    assert _verdict(other) is Verdict.LOADS


def test_a_functions_pythonpath_is_searched(
    tmp_path: Path, base: Image, target: TargetProfile
) -> None:
    files = {"var/task/app.py": "import dep", "srv/lib/dep.py": ""}
    path = _image(tmp_path / "i.tar", base, files)

    assert _verdict(check(path, target, handler="app.__class__")) is Verdict.FAILS
    found = check(path, target, handler="app.__class__", environment={"PYTHONPATH": "/srv/lib"})
    assert _verdict(found) is Verdict.LOADS


def test_what_lies_in_opt_of_an_image_is_no_layer(
    tmp_path: Path, base: Image, target: TargetProfile
) -> None:
    files = {"var/task/app.py": "", "opt/tool/lib/python3.8/site-packages/dep.py": ""}
    report = check(_image(tmp_path / "i.tar", base, files), target, handler="app.__class__")

    assert [f.rule.code for f in report.findings if f.rule.code.startswith("ABI62")] == []
