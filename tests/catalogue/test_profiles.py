"""Every built-in profile is read, and holds together."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from abicheck.model import TargetProfile
from abicheck.profiles import list_profiles, load_profile


@pytest.fixture(scope="module", params=list_profiles())
def profile(request: pytest.FixtureRequest) -> TargetProfile:
    return load_profile(request.param)


def test_it_is_called_as_its_file_is(profile: TargetProfile) -> None:
    assert profile.name in list_profiles()
    assert profile.name == f"lambda-{profile.runtime}-{profile.machine}"


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

    assert due - python.exports == set()


def test_built_in_modules_are_part_of_the_standard_library(profile: TargetProfile) -> None:
    assert {"sys", "builtins", "time"} <= profile.interpreter.builtin
    assert {"json", "os", "ctypes", "ssl"} <= profile.interpreter.stdlib


def test_the_function_s_own_folder_comes_first_on_sys_path(profile: TargetProfile) -> None:
    path = profile.interpreter.path

    assert path[0] == profile.task_root
    assert path[-1].name == "lib-dynload"
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
