"""Every built-in profile is read, and holds together."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final

import pytest

from abicheck.model import TargetProfile
from abicheck.profiles import as_of, list_profiles, load_profile

# A macro until 3.9, in the stable ABI all the same.
NOT_YET: Final[Mapping[tuple[int, int], set[str]]] = {(3, 9): {"PyCFunction_New"}}
# The highest node of each family, as the releases of the two systems have them.
CEILINGS: Final[Mapping[str, Mapping[str, str]]] = {
    "Amazon Linux 2": {
        "GLIBC": "2.26",
        "GLIBCXX": "3.4.24",
        "CXXABI": "1.3.11",
        "GCC": "7.0.0",
        "ZLIB": "1.2.5.2",
    },
    "Amazon Linux 2023": {
        "GLIBC": "2.34",
        "GLIBCXX": "3.4.33",
        "CXXABI": "1.3.15",
        "GCC": "14.0.0",
        "ZLIB": "1.2.9",
        "OPENSSL": "3.5.0",
    },
}


@pytest.fixture(scope="module", params=list_profiles())
def profile(request: pytest.FixtureRequest) -> TargetProfile:
    return load_profile(request.param)


def test_it_is_called_as_its_file_is(profile: TargetProfile) -> None:
    assert profile.name in list_profiles()
    flavour = {"zip": "", "image": "-image"}[profile.package]
    assert profile.name == f"lambda-{profile.runtime}-{profile.architecture}{flavour}"


def test_every_table_can_be_read_to_its_end(profile: TargetProfile) -> None:
    for library in profile.libraries.values():
        names = library.table.definitions
        nodes = {d.version for definitions in names.values() for d in definitions}

        assert nodes - {None} <= set(library.table.versions or ()), library.soname


def test_a_library_is_called_as_its_file_is(profile: TargetProfile) -> None:
    for path, library in profile.libraries.items():
        assert (str(library.path), library.path.name) == (path, library.soname)


def sonames(profile: TargetProfile) -> set[str | None]:
    return {library.soname for library in profile.libraries.values()}


def test_no_two_libraries_have_one_soname(profile: TargetProfile) -> None:
    assert len(profile.libraries) == len(sonames(profile))


def test_every_library_lies_where_the_loader_looks(profile: TargetProfile) -> None:
    places = {*profile.library_path, *profile.default_path, *profile.links.values()}

    for library in profile.libraries.values():
        assert str(library.path.parent) in places, library.soname


def test_what_a_library_needs_is_there(profile: TargetProfile) -> None:
    for library in profile.libraries.values():
        assert set(library.needed) <= sonames(profile), library.soname


def test_the_libc_has_the_nodes_of_its_release_and_none_newer(profile: TargetProfile) -> None:
    numbers = [
        tuple(map(int, match[1].split(".")))
        for node in profile.libraries["/lib64/libc.so.6"].table.versions or ()
        if (match := re.fullmatch(r"GLIBC_([\d.]+)", node))
    ]

    assert max(numbers) <= profile.libc_version


def test_the_start_up_libraries_are_among_those_of_the_target(profile: TargetProfile) -> None:
    startup = profile.interpreter.startup

    assert set(startup) <= profile.libraries.keys()
    assert profile.libraries[startup[0]].soname == profile.interpreter.soname
    assert len(startup) == len(set(startup))


def test_the_start_up_libraries_bring_all_that_they_need(profile: TargetProfile) -> None:
    started = [profile.libraries[path] for path in profile.interpreter.startup]

    for library in started:
        assert set(library.needed) <= {other.soname for other in started}


def test_the_interpreter_has_suffixes_exports_and_a_magic_number(profile: TargetProfile) -> None:
    python = profile.interpreter

    assert python.suffixes[0] == (
        f".cpython-{python.version[0]}{python.version[1]}-{profile.machine}-linux-gnu.so"
    )
    assert python.suffixes[1:] == (".abi3.so", ".so")
    assert {"PyModule_Create2", "PyObject_Call", "Py_IncRef"} <= python.exports
    assert python.sometimes < python.exports
    assert len(python.magic) == 4
    assert python.magic.endswith(b"\r\n")


def test_only_private_names_come_and_go_between_patch_releases(profile: TargetProfile) -> None:
    assert all(name.startswith("_") for name in profile.interpreter.sometimes)


def test_the_stable_abi_of_this_python_is_exported_by_it(profile: TargetProfile) -> None:
    python = profile.interpreter
    due = {name for name, added in python.stable_abi.items() if added <= python.version}

    assert due - python.exports == NOT_YET.get(python.version, set())


def test_built_in_modules_are_part_of_the_standard_library(profile: TargetProfile) -> None:
    assert {"sys", "builtins", "time"} <= profile.interpreter.builtin
    assert {"json", "os", "ctypes", "ssl"} <= profile.interpreter.stdlib


def lib_dynload(profile: TargetProfile) -> PurePosixPath:
    return PurePosixPath(f"/var/lang/lib/{profile.runtime}/lib-dynload")


def test_the_function_s_own_folder_comes_first_on_sys_path(profile: TargetProfile) -> None:
    path = profile.interpreter.path

    assert path[0] == profile.task_root
    assert path.index(profile.task_root) < path.index(lib_dynload(profile))
    assert all(entry.is_absolute() for entry in path)
    assert len(path) == len(set(path))


def test_paths_of_the_loader_are_absolute(profile: TargetProfile) -> None:
    places = (*profile.library_path, *profile.default_path, *profile.links)

    assert all(place.startswith("/") and not place.endswith("/") for place in places)


def test_limits_and_sizes_make_sense(profile: TargetProfile) -> None:
    assert profile.page_size & (profile.page_size - 1) == 0
    assert profile.page_size >= 4096
    assert 1 <= profile.isa_level <= 4
    assert profile.static_tls > 0
    assert profile.limits["unzipped"] == 262_144_000


def test_platform_tags_go_up_to_the_libc_and_not_beyond(profile: TargetProfile) -> None:
    glibcs = [
        (int(match[1]), int(match[2]))
        for tag in profile.wheel_platforms
        if (match := re.fullmatch(rf"manylinux_(\d+)_(\d+)_{profile.machine}", tag))
    ]

    assert max(glibcs) == profile.libc_version
    assert glibcs == sorted(glibcs)


def test_facts_are_dated(profile: TargetProfile) -> None:
    known = dt.date.fromisoformat(profile.as_of)

    for library in profile.libraries.values():
        for node, since in library.introduced.items():
            assert node in (library.table.versions or ()), (library.soname, node)
            assert dt.date.fromisoformat(since) <= known


# --- the targets as a whole ---


def test_every_runtime_is_there_on_both_machines_and_as_image() -> None:
    runtimes = [f"python3.{minor}" for minor in range(9, 16)]

    assert set(list_profiles()) == {
        f"lambda-{runtime}-{architecture}{flavour}"
        for runtime in runtimes
        for architecture in ("x86_64", "arm64")
        for flavour in ("", "-image")
    }


def test_the_ceilings_are_those_of_the_operating_system(profile: TargetProfile) -> None:
    nodes = [n for lib in profile.libraries.values() for n in lib.table.versions or ()]

    for family, ceiling in CEILINGS[profile.os].items():
        numbers = [
            tuple(map(int, match[1].split(".")))
            for node in nodes
            if (match := re.fullmatch(rf"{family}_([\d.]+)", node))
        ]
        assert ".".join(map(str, max(numbers))) == ceiling, family


def test_what_a_part_says_of_a_library_is_of_one_that_is_there(profile: TargetProfile) -> None:
    """A path mistyped in a part would make a library of its own, without a soname."""
    assert all(library.soname for library in profile.libraries.values())


def test_only_the_managed_runtime_has_libraries_in_doubt(profile: TargetProfile) -> None:
    doubtful = [library.soname for library in profile.libraries.values() if library.doubtful]

    assert bool(doubtful) == (profile.package == "zip")
    assert "libc.so.6" not in doubtful


def test_the_image_has_all_that_the_managed_runtime_has(profile: TargetProfile) -> None:
    image = load_profile(f"lambda-{profile.runtime}-{profile.architecture}-image")

    assert profile.libraries.keys() <= image.libraries.keys()


def test_the_other_machine_has_the_same_libraries(profile: TargetProfile) -> None:
    """The loader apart, which has a name of its own, and the vector math that arm64 lacks."""
    names = {"x86_64": "arm64", "arm64": "x86_64"}
    other = load_profile(profile.name.replace(profile.architecture, names[profile.architecture]))
    apart = {s for s in sonames(profile) ^ sonames(other) if s is not None}

    assert all(name.startswith(("ld-linux-", "libmvec.so")) for name in apart), apart


def test_each_kind_of_fact_has_its_source(profile: TargetProfile) -> None:
    kinds = {"libraries", "glibc", "ceilings", "stand_ins", "interpreter", "environment", "dates"}

    assert kinds <= profile.provenance.keys()
    assert all(profile.provenance.values())


def test_a_runtime_has_its_dates_or_is_preliminary(profile: TargetProfile) -> None:
    days = [dt.date.fromisoformat(profile.deprecation[key]) for key in profile.deprecation]

    assert bool(days) != bool(profile.preliminary)
    assert days == sorted(days)


def test_on_the_last_day_of_the_facts_nothing_is_missing_and_nothing_is_recent(
    profile: TargetProfile,
) -> None:
    newest = as_of(profile, dt.date.fromisoformat(profile.as_of))

    for path, library in newest.libraries.items():
        assert library.table.versions == profile.libraries[path].table.versions
        assert not library.introduced


def test_amazon_linux_2023_had_gcc_11_until_april_2025() -> None:
    profile = load_profile("lambda-python3.12-arm64")
    before = as_of(profile, dt.date(2025, 3, 31)).libraries["/lib64/libstdc++.so.6"]
    after = as_of(profile, dt.date(2025, 4, 1)).libraries["/lib64/libstdc++.so.6"]

    assert "GLIBCXX_3.4.29" in (before.table.versions or ())
    assert "GLIBCXX_3.4.30" not in (before.table.versions or ())
    assert "GLIBCXX_3.4.33" in (after.table.versions or ())
