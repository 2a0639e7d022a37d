"""Which subdirectories are searched for the processor's sake, release by release."""

from __future__ import annotations

import pytest

from abicheck.loader import hwcaps_subdirectories

LEVELS = ("glibc-hwcaps/x86-64-v4", "glibc-hwcaps/x86-64-v3", "glibc-hwcaps/x86-64-v2")
LEGACY = ("tls/x86_64/x86_64", "tls/x86_64", "tls", "x86_64/x86_64", "x86_64")


@pytest.mark.parametrize(
    ("libc", "subdirectories"),
    [
        ((2, 26), LEGACY),
        ((2, 31), LEGACY),
        ((2, 32), LEGACY),
        ((2, 33), LEVELS + LEGACY),
        ((2, 36), LEVELS + LEGACY),
        ((2, 37), LEVELS),
        ((2, 41), LEVELS),
        ((2, 42), LEVELS),
    ],
)
def test_each_release_searches_its_own(
    libc: tuple[int, int], subdirectories: tuple[str, ...]
) -> None:
    """As `LD_DEBUG=libs` lists them on 2.31, 2.36 and 2.41, on a processor of level 4 from AMD."""
    assert hwcaps_subdirectories(libc, "x86_64", 4, "x86_64") == subdirectories


@pytest.mark.parametrize(("level", "count"), [(1, 0), (2, 1), (3, 2), (4, 3)])
def test_only_the_levels_that_the_processor_has_are_searched(level: int, count: int) -> None:
    assert hwcaps_subdirectories((2, 42), "x86_64", level, "x86_64") == LEVELS[3 - count :]


def test_a_processor_of_intel_with_avx2_has_a_platform_of_its_own() -> None:
    assert hwcaps_subdirectories((2, 31), "x86_64", 3, "haswell") == (
        "tls/haswell/x86_64",
        "tls/haswell",
        "tls/x86_64",
        "tls",
        "haswell/x86_64",
        "haswell",
        "x86_64",
    )


def test_avx512_doubles_the_combinations() -> None:
    found = hwcaps_subdirectories((2, 31), "x86_64", 4, "haswell")

    assert found[:4] == (
        "tls/haswell/avx512_1/x86_64",
        "tls/haswell/avx512_1",
        "tls/haswell/x86_64",
        "tls/haswell",
    )
    assert len(found) == 15


@pytest.mark.parametrize(
    ("libc", "armv8", "subdirectories"),
    [
        ((2, 27), 2, ("tls/aarch64/cpuid", "tls/aarch64", "tls/cpuid", "tls")),
        ((2, 28), 2, ("tls/aarch64/atomics", "tls/aarch64", "tls/atomics", "tls")),
        ((2, 28), 0, ("tls/aarch64", "tls", "aarch64")),
        ((2, 36), 2, ("tls/aarch64/atomics", "tls/aarch64", "tls/atomics", "tls")),
        ((2, 37), 2, ()),
    ],
)
def test_aarch64_has_atomics_and_no_levels(
    libc: tuple[int, int], armv8: int, subdirectories: tuple[str, ...]
) -> None:
    found = hwcaps_subdirectories(libc, "aarch64", armv8, "aarch64")

    assert found[: len(subdirectories)] == subdirectories
    assert len(found) == (0 if not subdirectories else 7 if len(subdirectories) == 4 else 3)


def test_a_processor_without_a_platform_leaves_it_out() -> None:
    assert hwcaps_subdirectories((2, 31), "x86_64", 2, "") == ("tls/x86_64", "tls", "x86_64")
