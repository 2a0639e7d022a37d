"""An image with this machine's own interpreter and libc: judged against what it brings."""

from __future__ import annotations

import gzip
import os
import sys
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from tests.hostimage import host_layer
from tests.imagebuilder import (
    FORMS,
    Image,
    Tarred,
    archive,
    indexed,
    lay_out,
    oci,
    sha256,
    tar,
    whiteout,
)

from abicheck.model import Report, Severity, TargetProfile
from abicheck.pipeline import check

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.uname().machine != "x86_64",
    reason="the image's libc is this machine's",
)

MODULE: Final = "mod.abi3.so"


@pytest.fixture(scope="session")
def base() -> bytes:
    """Return a layer with this interpreter, what it needs, and the names of its library."""
    return host_layer()


@pytest.fixture(scope="session")
def packages() -> str:
    """Return the folder of installed packages, relative to the image's root."""
    return f"{sysconfig.get_paths()['stdlib']}/site-packages".lstrip("/")


@pytest.fixture(scope="session")
def sound(base: bytes) -> Image:
    """Return an image that Lambda takes."""
    program = os.path.realpath(sys.executable)
    run = {"Entrypoint": [program, "-m", "awslambdaric"], "Cmd": ["app.handler"]}
    return Image((base,), run={**run, "WorkingDir": "/var/task"})


def _check(image: Image, target: TargetProfile, folder: Path, form: str = "oci") -> Report:
    path = folder / "image.tar"
    path.write_bytes(archive(FORMS[form](image)))
    return check(path, target)


def _found(report: Report) -> list[str]:
    return [
        f"{finding.rule.code} {finding.severity} {finding.fault.location.path}"
        for finding in report.findings
    ]


def _with(image: Image, *layers: Sequence[Tarred]) -> Image:
    return replace(image, layers=(*image.layers, *(tar(layer) for layer in layers)))


def test_an_image_is_its_own_target(sound: Image, target: TargetProfile, tmp_path: Path) -> None:
    """Its interpreter, its libc; nothing of the machine that checks, and nothing of Lambda's."""
    report = _check(sound, target, tmp_path)

    assert _found(report) == []
    assert report.profile.interpreter.version == sys.version_info[:2]
    confstr = os.confstr("CS_GNU_LIBC_VERSION")
    assert confstr == f"glibc {report.profile.glibc}"
    assert {package.name for package in report.packages} >= {"awslambdaric"}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_has_the_same_findings(  # noqa: PLR0913, PLR0917 - a case has that many parts
    sound: Image,
    target: TargetProfile,
    shipped: Callable[..., bytes],
    packages: str,
    tmp_path: Path,
    form: str,
) -> None:
    """An extension that lacks a library, and the layer and command that brought it."""
    broken = shipped("first-of-two-missing-libraries")
    image = _with(sound, [Tarred(f"{packages}/{MODULE}", broken)])
    report = _check(image, target, tmp_path, form)
    errors = [f for f in report.findings if f.severity is Severity.ERROR]
    own = [f for f in errors if f.rule.code == "ABI401"]

    assert [f.fault.subject for f in own] == ["libbeta-missing.so.1", "libmiddle.so.1"]
    assert {str(f.fault.location.path) for f in own} == {f"{packages}/{MODULE}"}
    assert {f.fault.location.layer for f in own} == {image.diff_ids[1]}
    assert {f.fault.origin for f in own} == {"layer 1: step 1"}
    assert {f.rule.code for f in errors} - {"ABI401"} == (
        {"ABI801"} if form in {"docker-29-containerd", "buildx-oci"} else set()
    )


def test_the_command_names_the_handler(sound: Image, target: TargetProfile, tmp_path: Path) -> None:
    """As Lambda would say it; of an image without that module, and of one with it."""
    without = _check(_with(sound, [whiteout("var/task/app.py")]), target, tmp_path)
    handler = _check(sound, target, tmp_path).handler

    assert (handler and handler.module, handler and handler.failure) == ("app", None)
    assert without.handler is not None
    assert without.handler.failure is not None
    assert without.handler.failure.message == "No module named 'app'"
    assert without.at_least(Severity.ERROR)


def test_what_a_later_layer_removes_is_not_judged(
    sound: Image,
    target: TargetProfile,
    shipped: Callable[..., bytes],
    packages: str,
    tmp_path: Path,
) -> None:
    """It is not there for any process."""
    broken = shipped("first-of-two-missing-libraries")
    name = f"{packages}/{MODULE}"
    image = _with(sound, [Tarred(name, broken)], [whiteout(name)])

    assert _found(_check(image, target, tmp_path)) == []


def test_an_image_for_another_machine_is_named(
    sound: Image, target: TargetProfile, tmp_path: Path
) -> None:
    """The function's architecture is that of the target that was asked for."""
    assert _found(_check(replace(sound, architecture="arm64"), target, tmp_path)) == [
        "ABI804 error ."
    ]


def test_attestations_make_an_index(sound: Image, target: TargetProfile, tmp_path: Path) -> None:
    """The image is judged, and the index refused."""
    path = lay_out(indexed([sound], attested=True), tmp_path / "layout")

    assert _found(check(path, target)) == ["ABI801 error ."]


def test_private_code_is_named(
    sound: Image, target: TargetProfile, packages: str, tmp_path: Path
) -> None:
    """Lambda's user is nobody in the image."""
    image = _with(sound, [Tarred(f"{packages}/app.py", b"", mode=0o600)])

    assert _found(_check(image, target, tmp_path)) == [f"ABI810 error {packages}/app.py"]


def test_a_relative_entry_point_is_found_by_path(
    sound: Image, target: TargetProfile, tmp_path: Path
) -> None:
    """As Lambda looks it up; that it does is documented nowhere."""
    run = {"Entrypoint": ["python3"], "Env": ["PATH=/nowhere:/entry"]}
    found = _found(_check(replace(sound, run=run), target, tmp_path))

    assert [line.rpartition(" ")[0] for line in found] == ["ABI805 warning"]


def test_a_damaged_image_is_not_judged_and_does_not_pass(
    sound: Image, target: TargetProfile, tmp_path: Path
) -> None:
    """What is missing may be what the rest needs, whatever handler is asked for."""
    files = oci(sound)
    del files[f"blobs/sha256/{hash_of(sound)}"]
    report = check(lay_out(files, tmp_path / "layout"), target, handler="other.handler")

    assert _found(report) == ["ABI813 error ."]
    assert report.profile.title == "not judged"


def test_each_damage_is_one_finding_in_its_layer(
    sound: Image, target: TargetProfile, tmp_path: Path
) -> None:
    """Cut off, a wrong digest, a configuration gone: nothing else is said of what was not read."""
    image = _with(sound, [Tarred("var/task/big.bin", os.urandom(1 << 16))])
    files, name = oci(image), f"blobs/{sha256(image.blobs[1]).replace(':', '/')}"
    config = f"blobs/{sha256(image.config).replace(':', '/')}"
    repacked = gzip.compress(image.layers[1], 9, mtime=1)
    damaged = {
        "cut": {**files, name: files[name][:-1000]},
        "digest": {**files, name: repacked},
        "plain": {**files, name: b"no tar at all" * 100},
        "config": {path: data for path, data in files.items() if path != config},
    }
    found = {}
    for how, those in damaged.items():
        report = check(lay_out(those, tmp_path / how), target)
        found[how] = [
            (f.rule.code, f.fault.message.partition(" sha256")[0], f.fault.origin)
            for f in report.findings
        ]

    assert found["cut"] == [("ABI003", "its gzip stream is cut off", "layer 1: step 1")]
    assert found["digest"] == [("ABI812", "the blob", "layer 1: step 1")]
    # Which also is no gzip, as its media type says.
    assert [code for code, _, _ in found["plain"]] == ["ABI004", "ABI802"]
    assert [code for code, _, _ in found["config"]] == ["ABI813"]


def hash_of(image: Image) -> str:
    """Return the digest of an image's first blob, without its algorithm."""
    return sha256(image.blobs[0]).removeprefix("sha256:")
