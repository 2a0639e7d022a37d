"""Lambda's base image, as an image brings it and as it is on record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from tests.factories import a_library, a_profile
from tests.imagebuilder import Image, Tarred, archive, docker_25, link, tar
from tests.rootbuilder import LOADER, MULTIARCH, a_root
from tests.rootbuilder import a_library as a_shared_object

from abicheck.filesystem import Entry, Kind, Tree
from abicheck.model import BaseChange, BaseDrift, TargetProfile
from abicheck.pipeline import check
from abicheck.pipeline._drift import drift_from
from abicheck.profiles import load_profile


def _drift(
    recorded: TargetProfile,
    image: TargetProfile,
    paths: tuple[str, ...] = (),
    layers: Mapping[str, str] | None = None,
) -> BaseDrift:
    tree = Tree({path: Entry(Kind.FILE, 0o755) for path in paths})
    return drift_from(recorded, image, tree, layers or {})


def test_what_is_as_on_record_has_no_drift() -> None:
    assert not _drift(a_profile(), a_profile()).differs


def test_a_library_that_is_not_there_any_more_is_lost() -> None:
    recorded = a_profile(a_library("libold.so.1"))

    assert _drift(recorded, a_profile()).lost == ("libold.so.1",)


def test_a_file_without_its_name_for_a_soname_is_not_lost() -> None:
    """`libnssckbi.so` is a link to a library with another soname; listings name the link."""
    recorded = a_profile(a_library("libold.so.1"))

    assert _drift(recorded, a_profile(), ("/lib64/libold.so.1",)).lost == ()


def test_what_the_function_brings_is_not_gained_by_the_base() -> None:
    """The base's own libraries came with the layer of its C library."""
    image = a_profile(a_library("libbase.so.1"), a_library("libmine.so.1"))
    layers = {
        "/lib64/libc.so.6": "sha256:base",
        "/lib64/libbase.so.1": "sha256:base",
        "/lib64/libmine.so.1": "sha256:mine",
    }

    assert _drift(a_profile(), image, layers=layers).gained == ("libbase.so.1",)


def test_ceilings_change_family_by_family() -> None:
    """Whatever the order in which a file defines them."""
    recorded = a_profile(a_library("libx.so.1", nodes=("A_1", "B_2")))
    image = a_profile(a_library("libx.so.1", nodes=("B_2", "A_3")))

    assert _drift(recorded, image).ceilings == (BaseChange("libx.so.1", "A_1", "A_3"),)


def test_a_library_known_by_name_only_has_no_ceiling_to_compare() -> None:
    recorded = a_profile(a_library("libx.so.1", nodes=()))
    image = a_profile(a_library("libx.so.1", nodes=("A_3",)))

    assert not _drift(recorded, image).differs


def test_another_libc_is_drift_and_the_functions_own_search_path_is_not() -> None:
    image = replace(a_profile(libc=(2, 38)), library_path=("/opt/mine",))

    assert _drift(a_profile(), image).facts == (BaseChange("libc", "glibc 2.34", "glibc 2.38"),)


# --- in an image ---

BASE: Mapping[str, str] = {
    "/usr/bin/python3": "/var/lang/bin/python3",
    "/usr/bin/python3.13": "/var/lang/bin/python3.13",
    "/usr/lib/python3.13/": "/var/lang/lib/python3.13/",
}


def _moved(path: str) -> str:
    for old, new in BASE.items():
        if path == old or (old.endswith("/") and path.startswith(old)):
            return new + path[len(old) :]
    return path


def _image(tmp_path: Path, *, system: str = "Amazon Linux", entry: bool = True) -> Path:
    """Return an image with Python where Lambda's base has it, and few of its libraries."""
    root = {_moved(path): content for path, content in a_root().items()}
    root["/etc/os-release"] = f'NAME="{system}"\nVERSION_ID="2023"\n'.encode()
    root["/var/runtime/bootstrap"] = b"#!/bin/sh\n"
    if entry:
        root["/lambda-entrypoint.sh"] = b"#!/bin/sh\n"
    root[f"{MULTIARCH}/libnew.so.7"] = a_shared_object("libnew.so.7", "f")
    layer = tar(
        [
            link(path.lstrip("/"), content)
            if isinstance(content, str)
            else Tarred(path.lstrip("/"), content, mode=0o755)
            for path, content in root.items()
        ]
    )
    run = {"Env": ["PATH=/var/lang/bin:/usr/bin"], "Entrypoint": ["/lambda-entrypoint.sh"]}
    path = tmp_path / "image.tar"
    path.write_bytes(archive(docker_25(Image((layer,), run=run))))
    return path


def test_an_image_on_lambdas_base_is_compared_with_the_record(
    target: TargetProfile, tmp_path: Path
) -> None:
    """The target of the image's own interpreter and machine, whatever was asked for."""
    report = check(_image(tmp_path), target)
    image = report.inventory.image
    assert image is not None
    assert image.drift is not None
    names = {library.soname for library in load_profile(image.drift.target).libraries.values()}

    assert image.drift.target == "lambda-python3.13-x86_64-image"
    assert BaseChange("libc", "glibc 2.34", "glibc 2.36") in image.drift.facts
    assert "libacl.so.1" in image.drift.lost
    assert {"libc.so.6", "libz.so.1"} & set(image.drift.lost) == set()
    assert image.drift.gained == ("libnew.so.7",)
    assert set(image.drift.lost) <= names
    assert LOADER.rpartition("/")[2] not in image.drift.lost
    assert "ABI814" in [finding.rule.code for finding in report.findings]
    assert report.profile.glibc == "2.36"


@pytest.mark.parametrize(("system", "entry"), [("Some Linux", True), ("Amazon Linux", False)])
def test_another_base_is_not_compared(
    target: TargetProfile, tmp_path: Path, system: str, *, entry: bool
) -> None:
    """A system of somebody else's, or Amazon's without what makes it a base of Lambda's."""
    image = check(_image(tmp_path, system=system, entry=entry), target).inventory.image

    assert image is not None
    assert image.drift is None
