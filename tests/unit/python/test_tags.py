"""Wheel tags against a target, as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.factories import a_distribution, a_profile, an_object, with_header

from abicheck.model import ElfFacts
from abicheck.python.tags import find_misfits, find_mislabels

AARCH64 = 183


@pytest.mark.parametrize(
    ("tag", "misfit"),
    [
        ("py3-none-any", None),
        ("py2.py3-none-any", None),
        ("cp313-cp313-manylinux_2_28_x86_64", None),
        ("cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64", None),
        ("cp39-abi3-manylinux_2_34_x86_64", None),
        ("cp313-cp313-linux_x86_64", None),
        ("py3-none-manylinux1_x86_64", None),
        ("cp313-cp313-manylinux_2_35_x86_64", "manylinux_2_35_x86_64"),
        ("cp313-cp313-manylinux_2_28_aarch64", "manylinux_2_28_aarch64"),
        ("cp313-cp313-macosx_11_0_arm64", "macosx_11_0_arm64"),
        ("cp313-cp313-win_amd64", "win_amd64"),
        ("cp313-cp313-musllinux_1_2_x86_64", "musllinux_1_2_x86_64"),
        ("cp311-cp311-manylinux_2_28_x86_64", "cp311"),
        ("cp314-abi3-manylinux_2_28_x86_64", "abi3"),
        ("cp313-cp313t-manylinux_2_28_x86_64", "cp313t"),
        ("pp310-pypy310_pp73-manylinux_2_28_x86_64", "pypy310_pp73"),
        ("nonsense", None),
    ],
)
def test_a_tag_fits_where_an_installer_would_take_it(tag: str, misfit: str | None) -> None:
    found = [each.tag for each in find_misfits([a_distribution(tags=[tag])], a_profile())]

    assert found == ([] if misfit is None else [misfit])


def test_one_tag_that_fits_is_enough() -> None:
    tags = ["cp313-cp313-win_amd64", "cp313-cp313-manylinux_2_17_x86_64"]

    assert list(find_misfits([a_distribution(tags=tags)], a_profile())) == []


def test_a_build_without_the_global_lock_takes_its_own_tags() -> None:
    suffixes = (".cpython-313t-x86_64-linux-gnu.so", ".so")
    profile = a_profile()
    profile = replace(profile, interpreter=replace(profile.interpreter, suffixes=suffixes))
    tags = ("cp313-cp313t-linux_x86_64", "cp313-cp313-linux_x86_64", "cp39-abi3-linux_x86_64")
    distributions = [a_distribution(tags=[tag]) for tag in tags]

    assert [each.tag for each in find_misfits(distributions, profile)] == ["cp313", "abi3"]


def _mislabels(tags: Sequence[str], *objects: ElfFacts) -> list[str]:
    distribution = a_distribution(tags=tags)
    owners = {facts.location: distribution for facts in objects}
    return [f"{m.promised}: {m.found}" for m in find_mislabels(owners, objects)]


@pytest.mark.parametrize(
    ("tag", "need", "found"),
    [
        ("cp39-abi3-manylinux_2_17_x86_64", "libc.so.6(GLIBC_2.17)", []),
        (
            "cp39-abi3-manylinux_2_17_x86_64",
            "libc.so.6(GLIBC_2.28)",
            ["manylinux_2_17_x86_64: GLIBC_2.28"],
        ),
        (
            "cp39-abi3-manylinux2014_x86_64",
            "libm.so.6(GLIBC_2.27)",
            ["manylinux2014_x86_64: GLIBC_2.27"],
        ),
        (
            "cp39-abi3-manylinux_2_34_x86_64.manylinux_2_17_x86_64",
            "libc.so.6(GLIBC_2.34)",
            ["manylinux_2_17_x86_64: GLIBC_2.34"],
        ),
        ("cp39-abi3-linux_x86_64", "libc.so.6(GLIBC_2.38)", []),
        ("cp39-abi3-musllinux_1_2_x86_64", "libc.so.6(GLIBC_2.38)", []),
        ("cp39-abi3-manylinux_2_17_x86_64", "libstdc++.so.6(GLIBCXX_3.4.29)", []),
    ],
)
def test_a_manylinux_tag_promises_a_glibc(tag: str, need: str, found: list[str]) -> None:
    """Law: the lowest of several, since each is a promise of its own."""
    assert _mislabels([tag], an_object("mod.so", needs=[need])) == found


def test_a_binary_is_no_part_of_any() -> None:
    assert _mislabels(["py3-none-any"], an_object("mod.so")) == ["any: a binary for x86_64"]


def test_a_binary_for_another_machine_than_the_tag_says() -> None:
    facts = with_header(an_object("mod.so"), machine=AARCH64)

    assert _mislabels(["cp39-abi3-manylinux_2_17_x86_64"], facts) == [
        "manylinux_2_17_x86_64: a binary for aarch64"
    ]


def test_a_distribution_is_named_once_by_its_worst() -> None:
    needs = ["libc.so.6(GLIBC_2.28)", "libc.so.6(GLIBC_2.34)", "libc.so.6(GLIBC_2.30)"]
    objects = [an_object(f"{i}.so", needs=[need]) for i, need in enumerate(needs)]

    assert _mislabels(["cp39-abi3-manylinux_2_17_x86_64"], *objects) == [
        "manylinux_2_17_x86_64: GLIBC_2.34"
    ]
