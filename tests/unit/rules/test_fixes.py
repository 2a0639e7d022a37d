"""The one command of a finding: it can be pasted, and it does something."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest
from tests.factories import a_case, a_distribution, an_inventory, an_object, judge, location

from abicheck.model import ArtifactKind, Case, Distribution
from abicheck.rules import _fixes


def case_of(
    owner: Distribution | None, *needed: str, kind: ArtifactKind = ArtifactKind.ZIP
) -> Case:
    thing = an_object("pkg/mod.so", "PyInit_mod", needed=needed)
    return a_case(thing, owner=owner, inventory=an_inventory(thing, kind=kind))


def fix_of(case: Case) -> list[str]:
    """The words of the only finding's fix, as a shell reads them."""
    (finding,) = judge(case)
    return shlex.split(finding.fault.fix.replace("\\\n", " "), comments=True)


LOST = "libfoo-0a1b2c3d.so.1"


def test_a_distribution_is_installed_again_for_the_target() -> None:
    assert fix_of(case_of(a_distribution("numpy", "2.1"), LOST)) == [
        *("pip", "install", "--upgrade", "--no-deps", "--ignore-requires-python"),
        *("--target", "BUILD_DIR"),
        *("--only-binary=:all:", "--python-version", "3.13"),
        *("--platform", "manylinux2014_x86_64", "--platform", "manylinux_2_28_x86_64"),
        "numpy==2.1",
    ]


def test_a_wheel_is_downloaded_again_and_not_installed() -> None:
    words = fix_of(case_of(a_distribution("numpy", "2.1"), LOST, kind=ArtifactKind.WHEEL))

    assert words[:3] == ["pip", "download", "--no-deps"]
    assert "--target" not in words


def test_in_an_image_its_own_pip_installs_where_the_distribution_lies() -> None:
    """Which platforms fit it, the image's pip knows; for Debian 13 they are fourteen."""
    where = "usr/local/lib/python3.13/site-packages"
    owner = a_distribution("numpy", "2.1")
    owner = replace(owner, location=location(f"{where}/numpy-2.1.dist-info"))
    words = fix_of(case_of(owner, LOST, kind=ArtifactKind.IMAGE))

    assert words == [
        *("RUN", "pip", "install", "--upgrade", "--no-deps", "--only-binary=:all:"),
        *("--target", f"/{where}", "numpy==2.1"),
    ]


@pytest.mark.parametrize("folder", ["a b", "$(reboot)", "a\nRUN reboot"])
def test_a_hostile_folder_of_an_image_cannot_end_the_command(folder: str) -> None:
    owner = a_distribution("numpy", "2.1")
    owner = replace(owner, location=location(f"{folder}/numpy-2.1.dist-info"))
    words = fix_of(case_of(owner, LOST, kind=ArtifactKind.IMAGE))

    assert words[-1] == "numpy==2.1"
    assert words[-2] in {f"/{folder}", "--only-binary=:all:"}
    assert all(word.isprintable() for word in words)


def test_without_a_version_the_newest_is_taken() -> None:
    assert fix_of(case_of(a_distribution("numpy", ""), LOST))[-1] == "numpy"


def test_code_of_nobody_s_is_built_in_the_target_s_own_image() -> None:
    words = fix_of(case_of(None, LOST))

    assert words[:5] == ["docker", "run", "--rm", "--platform", "linux/amd64"]
    assert "an-image:3.13" in words


def test_the_image_is_run_for_the_target_s_machine() -> None:
    profile = replace(a_case().profile, machine="aarch64")

    assert "--platform linux/arm64" in _fixes.build_in_image(profile)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("opencv-python", "opencv-python-headless"),
        ("opencv_python", "opencv-python-headless"),
        ("psycopg2", "psycopg2-binary"),
        ("psycopg-c", "psycopg-binary"),
    ],
)
def test_a_package_with_a_self_contained_relative_is_replaced(name: str, other: str) -> None:
    """Its releases have the same numbers."""
    assert fix_of(case_of(a_distribution(name, "4.1"), "libGL.so.1"))[-1] == f"{other}==4.1"


def test_a_library_of_no_known_package_is_to_be_shipped() -> None:
    words = fix_of(case_of(a_distribution("anything"), "libGL.so.1"))

    assert words == [
        *("mkdir", "-p", "BUILD_DIR/lib", "&&"),
        *("cp", "--", "libGL.so.1", "BUILD_DIR/lib/"),
    ]


def test_a_wheel_gets_its_libraries_from_auditwheel() -> None:
    words = fix_of(case_of(a_distribution("anything"), "libGL.so.1", kind=ArtifactKind.WHEEL))

    assert words == ["auditwheel", "repair", "WHEEL"]


@pytest.mark.parametrize(
    "name", ["x; rm -rf ~", "x && curl evil", "$(reboot)", "`reboot`", "a b", "x\nreboot", "'"]
)
def test_a_hostile_distribution_name_cannot_end_the_command(name: str) -> None:
    """METADATA is the artifact's, and the fix is pasted into a shell."""
    (finding,) = judge(case_of(a_distribution(name, "1.0"), LOST))
    fix = finding.fault.fix

    assert name not in fix or shlex.quote(f"{name}==1.0") in fix


@pytest.mark.parametrize("soname", ["lib.so; rm -rf ~; echo", "$(reboot)", "-t /etc"])
def test_a_hostile_soname_cannot_end_the_command(soname: str) -> None:
    """DT_NEEDED is the artifact's as well."""
    (finding,) = judge(case_of(None, soname))
    fix = finding.fault.fix

    assert soname not in fix or f"cp -- {shlex.quote(soname)} " in fix


@pytest.mark.parametrize("soname", ["lib.so\nPASS  all is well", "lib.so\x1b[2J"])
def test_a_control_character_in_a_soname_is_not_part_of_the_fix(soname: str) -> None:
    (finding,) = judge(case_of(None, soname))

    assert finding.fault.fix.replace("\\\n", " ").isprintable()
