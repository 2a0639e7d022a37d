"""What is installed against what is pinned, as an installer on the target reads the pins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from tests.factories import a_distribution, a_profile, location

from abicheck.model import Distribution, LockFile, Pin, PinReport, Pins, Site
from abicheck.pins import read_requirement
from abicheck.python.pinned import hold_against_pins

HERE = Site(PurePosixPath("requirements.txt"), 1)
TARGET = a_profile()
RUNTIME = replace(TARGET, interpreter=replace(TARGET.interpreter, shipped=frozenset({"boto3"})))


def pin(text: str, *, constraint: bool = False) -> Pin:
    return replace(read_requirement(text, HERE, Path()), constraint=constraint)


def installed(text: str, *requires: str) -> Distribution:
    """Return a distribution, `name==version`, that requires others."""
    name, _, version = text.partition("==")
    return replace(a_distribution(name, version), requires=requires)


def held(
    distributions: Iterable[Distribution], *pins: str | Pin, runtime: bool = False
) -> PinReport:
    lines = tuple(pin(each) if isinstance(each, str) else each for each in pins)
    return hold_against_pins(
        distributions, Pins(("requirements.txt",), lines), RUNTIME if runtime else TARGET
    )


def unpinned(report: PinReport) -> list[str]:
    return [each.distribution.name for each in report.unpinned]


def absent(report: PinReport) -> list[str]:
    return [each.name for each in report.absent]


def others(report: PinReport) -> list[str]:
    return [str(each.distribution) for each in report.others]


# --- the three differences ---


def test_what_is_as_it_is_pinned_differs_in_nothing() -> None:
    report = held([installed("Foo_Bar==1.0"), installed("b==2")], "foo-bar==1.0.0", "b===2")

    assert report == PinReport(("requirements.txt",))


def test_what_no_line_names_is_not_pinned() -> None:
    assert unpinned(held([installed("a==1"), installed("b==1")], "a==1")) == ["b"]


def test_what_is_named_and_not_there_is_absent() -> None:
    assert absent(held([installed("a==1")], "a==1", "b==1")) == ["b"]


def test_another_version_is_another_version() -> None:
    report = held([installed("a==1.0")], "a==1.1")

    assert (others(report), absent(report), unpinned(report)) == (["a 1.0"], [], [])


@pytest.mark.parametrize(
    ("version", "line"),
    [
        ("1.0", "a"),
        ("1.5", "a>=1,<2"),
        ("2.0rc1", "a>=2.0rc1"),
        ("2.0.dev1", "a<2"),
        ("1.4.9", "a~=1.4"),
        ("1.3.9", "a==1.3.*"),
        ("1.0+cpu", "a==1.0"),
        ("2004-05", "a===2004-05"),
    ],
)
def test_a_line_is_met_by_every_version_that_it_admits(version: str, line: str) -> None:
    """What is installed is installed, be it a pre-release."""
    admitted = version != "2.0.dev1"  # PEP 440: `<2` leaves out the pre-releases of 2

    assert (others(held([installed(f"a=={version}")], line)) == []) is admitted


def test_every_line_of_a_name_has_to_be_met() -> None:
    assert others(held([installed("a==2")], "a>=1", pin("a<2", constraint=True))) == ["a 2"]


def test_of_two_versions_one_may_be_right() -> None:
    """That there are two is another matter."""
    two = [installed("a==1"), installed("a==2")]

    assert others(held(two, "a==2")) == []
    assert others(held(two, "a==3")) == ["a 1", "a 2"]


# --- what is meant to be there ---


def test_a_constraint_names_and_does_not_ask() -> None:
    report = held([installed("b==1")], pin("a==1", constraint=True), pin("b==1", constraint=True))

    assert report == PinReport(("requirements.txt",))


def test_a_file_of_exact_lines_must_name_everything() -> None:
    """urllib3 may be another tomorrow."""
    report = held([installed("requests==2", "urllib3"), installed("urllib3==2")], "requests==2")

    assert unpinned(report) == ["urllib3"]
    assert str(report.unpinned[0].requirer) == "requests 2"


@pytest.mark.parametrize("line", ["requests", "requests>=2", "requests==2.*"])
def test_a_line_that_leaves_a_choice_leaves_the_rest_to_the_resolver(line: str) -> None:
    stray = installed("stray==1", "odd")
    found = [installed("requests==2", "urllib3[x]"), installed("urllib3==2", "h2; extra == 'x'")]
    found += [installed("h2==4"), stray, installed("odd==1")]

    assert unpinned(held(found, line)) == ["stray", "odd"]


def test_what_only_another_platform_requires_is_not_meant() -> None:
    found = [installed("a==1", "b; sys_platform == 'win32'"), installed("b==1")]

    assert unpinned(held(found, "a")) == ["b"]


def test_an_extra_asks_for_what_it_requires() -> None:
    found = [
        installed("uvicorn==1", "click", "httptools; extra == 'standard'"),
        installed("click==8"),
    ]
    report = held(found, "uvicorn[standard]>=1")

    assert [(each.name, each.extra) for each in report.absent] == [("httptools", "standard")]
    assert absent(held(found, "uvicorn>=1")) == []
    assert absent(held(found, "uvicorn[standard]>=1", "httptools")) == ["httptools"]


def test_what_the_runtime_brings_need_not_be_there() -> None:
    (missing,) = held([], "boto3==1.40", runtime=True).absent

    assert (missing.name, missing.module) == ("boto3", "boto3")


# --- markers ---


@pytest.mark.parametrize(
    "marker",
    [
        "sys_platform == 'linux'",
        "python_version >= '3.13'",
        "python_full_version < '3.14'",
        "platform_machine == 'x86_64' and implementation_name == 'cpython'",
        "platform_system == 'Linux' or os_name == 'nt'",
    ],
)
def test_markers_are_those_of_the_target(marker: str) -> None:
    assert absent(held([], f"a==1; {marker}")) == ["a"]
    assert unpinned(held([installed("a==1")], f"a==1; {marker}")) == []


@pytest.mark.parametrize(
    "marker", ["sys_platform == 'win32'", "python_version < '3.11'", "platform_machine == 'arm64'"]
)
def test_a_line_for_elsewhere_neither_asks_nor_names(marker: str) -> None:
    line = f"a==1; {marker}"
    report = held([installed("a==1")], line)

    assert absent(held([], line)) == []
    assert unpinned(report) == ["a"]
    assert [each.text for each in report.unpinned[0].elsewhere] == [line]


def test_a_line_for_some_patch_releases_names_and_does_not_ask() -> None:
    """Which patch release the target has moves."""
    line = "a==1; python_full_version < '3.13.3'"

    assert absent(held([], line)) == []
    assert unpinned(held([installed("a==1")], line)) == []
    assert others(held([installed("a==2")], line)) == ["a 2"]


def test_of_lines_for_several_pythons_the_targets_counts() -> None:
    lines = ("a==1; python_version < '3.12'", "a==2; python_version >= '3.12'")

    assert others(held([installed("a==2")], *lines)) == []
    assert others(held([installed("a==1")], *lines)) == ["a 1"]


# --- lines without a name ---


def test_a_folder_without_a_name_may_be_what_is_not_named() -> None:
    report = held([installed("service==1")], "./service")

    assert unpinned(report) == ["service"]
    assert report.unpinned[0].nameless is not None


def test_what_came_with_an_image_is_not_asked_for() -> None:
    pip = replace(
        a_distribution("pip", "24"),
        location=location("usr/lib/python3.13/site-packages/pip-24.dist-info"),
    )
    boto3 = replace(
        a_distribution("boto3", "1"), location=location("var/runtime/boto3-1.dist-info")
    )
    own = replace(
        a_distribution("mine", "1"),
        location=location("usr/lib/python3.13/site-packages/mine-1.dist-info"),
    )

    assert unpinned(held([pip, boto3, own, installed("setuptools==80")])) == ["mine", "setuptools"]


# --- lock files ---

LOCK = LockFile("pylock.toml", extras=frozenset({"web"}), groups=frozenset({"dev"}))


def locked(name: str, version: str, marker: str = "", lock: LockFile = LOCK) -> Pin:
    specifier = f"=={version}" if version else ""
    return Pin(name, f"{name}=={version}", HERE, specifier, True, marker=marker, lock=lock)  # noqa: FBT003 - exact


@pytest.mark.parametrize("marker", ["'web' in extras", "'dev' in dependency_groups"])
def test_what_can_be_chosen_in_a_lock_file_may_be_there(marker: str) -> None:
    line = locked("a", "1", marker)

    assert held([], line) == PinReport(("requirements.txt",))
    assert held([installed("a==1")], line) == PinReport(("requirements.txt",))
    assert others(held([installed("a==2")], line)) == ["a 2"]


def test_a_default_group_is_asked_for() -> None:
    lock = replace(LOCK, default_groups=frozenset({"main"}))

    assert absent(held([], locked("a", "1", "'main' in dependency_groups", lock))) == ["a"]


def test_a_package_without_a_version_is_any() -> None:
    assert held([installed("a==7")], locked("a", "")) == PinReport(("requirements.txt",))


@pytest.mark.parametrize(
    ("lock", "condition"),
    [
        (replace(LOCK, requires_python=">=3.14"), "Python >=3.14"),
        (replace(LOCK, environments=("sys_platform == 'darwin'",)), "sys_platform == 'darwin'"),
    ],
)
def test_a_lock_for_another_target_says_nothing_else(lock: LockFile, condition: str) -> None:
    report = held([installed("b==1")], locked("a", "1", lock=lock), locked("c", "1", lock=lock))

    assert [each.condition for each in report.foreign] == [condition]
    assert replace(report, foreign=()) == PinReport(("requirements.txt",))


def test_a_lock_for_several_targets_holds_on_each() -> None:
    lock = replace(
        LOCK,
        requires_python=">=3.12",
        environments=("sys_platform == 'darwin'", "sys_platform == 'linux'"),
    )

    assert held([installed("a==1")], locked("a", "1", lock=lock)) == PinReport(
        ("requirements.txt",)
    )


# --- what no installer understands ---


@pytest.mark.parametrize("line", ["a b c", "x; sys_platform ~= 'linux'", "y; zzz == '1'"])
def test_a_requirement_that_nobody_understands_asks_for_nothing(line: str) -> None:
    found = [installed("a==1", line, "b"), installed("b==1")]

    assert unpinned(held(found, "a")) == []
