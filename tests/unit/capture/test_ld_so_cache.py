"""ld.so.cache: which file the loader takes for a name (`_dl_load_cache_lookup`)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rootbuilder import EXTENSION, X86_64, Entry, new_cache, old_cache

from abicheck.capture._cache import read_cache

Z: Entry = ("libz.so.1", "/lib/libz.so.1", X86_64, 0)
ALL = ("x86-64-v4", "x86-64-v3", "x86-64-v2")


def read(data: bytes, level: int = 3, machine: str = "x86_64") -> dict[str, tuple[str, ...]]:
    return read_cache(data, machine, ALL[4 - level :], level)


def test_each_format_that_glibc_has_had_is_read() -> None:
    caches = [new_cache([Z]), old_cache([Z]), old_cache([], new_cache([Z]))]

    assert [read(data) for data in caches] == [{"libz.so.1": ("/lib/libz.so.1",)}] * 3


def test_entries_of_other_machines_are_not_the_loader_s() -> None:
    i386: Entry = ("libz.so.1", "/lib32/libz.so.1", 0x3, 0)
    arm: Entry = ("libz.so.1", "/lib/aarch64-linux-gnu/libz.so.1", 0xA03, 0)
    data = new_cache([i386, Z, arm])

    assert read(data) == {"libz.so.1": ("/lib/libz.so.1",)}
    assert read_cache(data, "aarch64", (), 1) == {
        "libz.so.1": ("/lib/aarch64-linux-gnu/libz.so.1",)
    }


def test_of_two_folders_the_first_in_the_file_wins() -> None:
    second: Entry = ("libz.so.1", "/usr/local/lib/libz.so.1", X86_64, 0)

    assert read(new_cache([second, Z]))["libz.so.1"] == (
        "/usr/local/lib/libz.so.1",
        "/lib/libz.so.1",
    )


def hwcap(level: int, index: int) -> int:
    """An entry for a named subdirectory whose library needs this level (bit `level - 1`)."""
    return EXTENSION | (level - 1) << 32 | index


V2: Entry = ("liba.so", "/lib/glibc-hwcaps/x86-64-v2/liba.so", X86_64, hwcap(1, 0))
V3: Entry = ("liba.so", "/lib/glibc-hwcaps/x86-64-v3/liba.so", X86_64, hwcap(3, 1))
PLAIN: Entry = ("liba.so", "/lib/liba.so", X86_64, 0)


@pytest.mark.parametrize(("level", "first"), [(4, V3), (3, V3), (2, V2), (1, PLAIN)])
def test_the_best_subdirectory_that_the_processor_is_served_from_comes_first(
    level: int, first: Entry
) -> None:
    data = new_cache([V2, V3, PLAIN], ("x86-64-v2", "x86-64-v3"))

    assert read(data, level)["liba.so"][0] == first[1]


def test_a_library_that_needs_a_better_processor_than_its_folder_says_is_passed_over() -> None:
    marked: Entry = (V2[0], V2[1], X86_64, hwcap(4, 0))

    assert read(new_cache([marked, PLAIN], ("x86-64-v2",)))["liba.so"] == (PLAIN[1],)


def test_legacy_subdirectories_are_left_out() -> None:
    legacy: Entry = ("liba.so", "/lib/haswell/liba.so", X86_64, 1 << 48)

    assert read(new_cache([legacy, PLAIN]))["liba.so"] == (PLAIN[1],)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no cache",
        b"glibc-ld.so.cache1.1",
        new_cache([Z])[:-5],
        new_cache([Z], flags=3),  # big endian
        b"ld.so-1.7.0\0\xff\xff\xff\xff",
    ],
)
def test_a_cache_that_is_damaged_is_one_that_the_loader_ignores(data: bytes) -> None:
    assert read(data) == {}


@given(st.binary(max_size=64), st.integers(0, 200), st.integers(0, 8))
def test_no_bytes_make_the_reader_raise(noise: bytes, at: int, length: int) -> None:
    data = new_cache([V2, V3, PLAIN, Z], ("x86-64-v2", "x86-64-v3"))

    for mutant in (data[:at] + noise + data[at + length :], old_cache([Z, V2])[:at] + noise):
        found = read(mutant)

        assert all(isinstance(path, str) for paths in found.values() for path in paths)
