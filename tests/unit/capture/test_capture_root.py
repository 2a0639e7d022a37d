"""From a root file system to a profile: what is found, by which links, and what is refused."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Final

import pytest
from tests.elfbuilder import Elf, definition
from tests.rootbuilder import (
    LIBC,
    LOADER,
    MULTIARCH,
    PYTHON,
    SUFFIXES,
    X86_64,
    Root,
    a_library,
    a_root,
    new_cache,
    write_root,
)

from abicheck.capture import Captured, Request, capture_folder
from abicheck.errors import ArtifactError
from abicheck.model import SymbolDef, TargetProfile
from abicheck.profiles import parse_profile, write_profile

PYTHON_AT: Final = "/usr/bin/python3.13"


def captured(folder: Path, root: Root | None = None, **asked: object) -> Captured:
    request = replace(Request("mine", "a root"), **asked)  # type: ignore[arg-type]
    return capture_folder(write_root(folder, a_root() if root is None else root), request)


def profile_of(folder: Path, root: Root | None = None, **asked: object) -> TargetProfile:
    return captured(folder, root, **asked).profile


def with_shared_python(run_path: str | None = "$ORIGIN/../lib") -> Root:
    """A root whose interpreter is a libpython of its own."""
    root = a_root()
    shared = "/opt/python/lib/libpython3.13.so.1.0"
    del root["/usr/bin/python3"], root[PYTHON_AT]
    root["/opt/python/bin/python3.13"] = Elf(
        interpreter=LOADER, needed=("libpython3.13.so.1.0", "libc.so.6"), runpath=run_path
    ).build()
    root[shared] = (
        Elf(
            soname="libpython3.13.so.1.0",
            needed=("libc.so.6",),
            symbols=(definition("PyModule_Create2"),),
        ).build()
        + SUFFIXES
    )
    root["/opt/python/lib/python3.13/os.py"] = b""
    root["/opt/python/lib/python3.13/site-packages/requests/__init__.py"] = b""
    return root


def test_the_c_library_is_what_its_own_banner_says(tmp_path: Path) -> None:
    found = captured(tmp_path)

    assert found.profile.libc_version == (2, 36)
    assert found.provenance["libc"] == (
        "GNU C Library (Somebody GLIBC 2.36-9) stable release version 2.36"
    )


def test_default_directories_are_those_compiled_into_the_loader(tmp_path: Path) -> None:
    profile = profile_of(tmp_path)

    assert profile.default_path == (
        "/lib/x86_64-linux-gnu",
        "/usr/lib/x86_64-linux-gnu",
        "/lib",
        "/usr/lib",
    )
    assert profile.lib == "lib/x86_64-linux-gnu"


def test_libraries_are_known_by_their_real_path_and_found_through_links(tmp_path: Path) -> None:
    profile = profile_of(tmp_path)

    assert profile.libraries[f"{MULTIARCH}/libz.so.1.2.13"].soname == "libz.so.1"
    assert profile.links[f"{MULTIARCH}/libz.so.1"] == "libz.so.1.2.13"
    assert profile.links["/lib"] == "usr/lib"


def test_start_up_is_the_search_list_by_the_loader_s_names(tmp_path: Path) -> None:
    assert profile_of(tmp_path).interpreter.startup == (
        PYTHON_AT,
        "/lib/x86_64-linux-gnu/libc.so.6",
        LOADER,
    )


def test_the_interpreter_is_read_from_its_files(tmp_path: Path) -> None:
    found = captured(tmp_path)
    python = found.profile.interpreter

    assert (python.version, python.soname, str(python.executable)) == ((3, 13), "", PYTHON_AT)
    assert python.suffixes == (".cpython-313-x86_64-linux-gnu.so", ".abi3.so", ".so")
    assert python.magic == b"\xf3\x0d\r\n"
    assert "PyModule_Create2" in python.exports
    assert {"time", "sys", "builtins", "os"} <= python.builtin
    assert {"json", "_bz2", "time"} <= python.stdlib
    assert python.shipped == {"six"}
    assert found.provenance["interpreter"] == f"{PYTHON_AT}, CPython 3.13.5"


def test_the_search_path_of_debian_is_its_own(tmp_path: Path) -> None:
    assert list(map(str, profile_of(tmp_path).interpreter.path)) == [
        "/var/task",
        "/usr/lib/python313.zip",
        "/usr/lib/python3.13",
        "/usr/lib/python3.13/lib-dynload",
        "/usr/lib/python3/dist-packages",
    ]


def test_a_shared_libpython_is_the_interpreter_s_exporter(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, with_shared_python(), python="/opt/python/bin/python3.13")

    assert profile.interpreter.soname == "libpython3.13.so.1.0"
    assert profile.interpreter.startup[1] == "/opt/python/bin/../lib/libpython3.13.so.1.0"
    assert profile.interpreter.shipped == {"requests"}
    assert "PyModule_Create2" in profile.interpreter.exports


def test_the_environment_of_a_container_counts(tmp_path: Path) -> None:
    root = with_shared_python(run_path=None)
    environment = {"LD_LIBRARY_PATH": "/opt/python/lib:/nowhere", "PATH": "/opt/python/bin"}

    profile = profile_of(tmp_path, root, environment=environment)

    assert profile.library_path == ("/opt/python/lib", "/nowhere")
    assert profile.interpreter.startup[1] == "/opt/python/lib/libpython3.13.so.1.0"


def test_what_the_cache_names_is_a_library_of_the_target(tmp_path: Path) -> None:
    root = a_root()
    root["/opt/far/libfar.so.1"] = a_library("libfar.so.1", "far")
    root["/etc/ld.so.cache"] = new_cache([("libfar.so.1", "/opt/far/libfar.so.1", X86_64, 0)])

    profile = profile_of(tmp_path, root)

    assert profile.cache == {"libfar.so.1": ("/opt/far/libfar.so.1",)}
    assert "/opt/far/libfar.so.1" in profile.libraries


def test_libraries_of_a_private_folder_are_found_by_the_run_path_that_names_it(
    tmp_path: Path,
) -> None:
    root = a_root()
    outer = Elf(soname="libo.so.1", needed=("libi.so.1",), runpath="$ORIGIN/private")
    root[f"{MULTIARCH}/libo.so.1"] = outer.build()
    root[f"{MULTIARCH}/private/libi.so.1"] = a_library("libi.so.1", "inner")

    assert f"{MULTIARCH}/private/libi.so.1" in profile_of(tmp_path, root).libraries


def test_libraries_of_hwcaps_folders_are_found(tmp_path: Path) -> None:
    root = a_root()
    path = f"{MULTIARCH}/glibc-hwcaps/x86-64-v3/libz.so.1"
    root[path] = a_library("libz.so.1", "inflate")

    profile = profile_of(tmp_path, root, isa_level=3)

    assert path in profile.libraries
    assert profile.hwcaps[:2] == ("glibc-hwcaps/x86-64-v3", "glibc-hwcaps/x86-64-v2")


@pytest.mark.parametrize(
    "content",
    [b"/* GNU ld script */ INPUT(-lfoo)", Elf(soname="libx.so", machine=183).build(), b""],
)
def test_what_is_no_object_of_this_machine_is_no_library(tmp_path: Path, content: bytes) -> None:
    root = a_root()
    root[f"{MULTIARCH}/libx.so"] = content

    assert f"{MULTIARCH}/libx.so" not in profile_of(tmp_path, root).libraries


def test_a_link_that_leads_out_of_the_root_is_followed_inside_it(tmp_path: Path) -> None:
    """The checking machine has that file; the target has not."""
    outside = tmp_path / "outside.so"
    outside.write_bytes(a_library("libout.so", "out"))
    root = a_root()
    root[f"{MULTIARCH}/libout.so"] = str(outside)
    root[f"{MULTIARCH}/libup.so"] = "../" * 40 + str(outside).lstrip("/")

    sonames = {lib.soname for lib in profile_of(tmp_path / "root", root).libraries.values()}

    assert "libout.so" not in sonames


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    root = a_root()
    root[f"{MULTIARCH}/liba.so"] = "libb.so"
    root[f"{MULTIARCH}/libb.so"] = "liba.so"
    root[f"{MULTIARCH}/libself.so"] = "libself.so/deeper"

    assert f"{MULTIARCH}/liba.so" not in profile_of(tmp_path, root).libraries


def drop(*paths: str) -> Root:
    root = a_root()
    for path in paths:
        del root[path]
    return root


def put(path: str, content: bytes) -> Root:
    return a_root() | {path: content}


@pytest.mark.parametrize(
    ("root", "message"),
    [
        (drop("/usr/bin/python3", PYTHON_AT), "no CPython at .*/usr/bin"),
        (drop(f"{MULTIARCH}/libc.so.6"), "no libc.so.6 beside it"),
        (drop(f"{MULTIARCH}/ld-linux-x86-64.so.2"), "its loader .* is not there"),
        (drop("/usr/lib/python3.13/os.py"), "no standard library above it"),
        (put(f"{MULTIARCH}/libc.so.6", LIBC.build()), "it has no release banner"),
        (put(f"{MULTIARCH}/ld-linux-x86-64.so.2", LIBC.build()), "it has no default directories"),
        (
            put(PYTHON_AT, replace(PYTHON, interpreter="/lib/ld-musl-x86_64.so.1").build()),
            "linked against musl .*, which is not judged",
        ),
        (put(PYTHON_AT, replace(PYTHON, interpreter=None).build()), "linked statically"),
        (put(PYTHON_AT, replace(PYTHON, machine=243).build()), "built for riscv64"),
        (
            put(PYTHON_AT, replace(PYTHON, needed=("libc.so.6", "libgone.so.1")).build()),
            "would not start: libgone.so.1: cannot open shared object file",
        ),
        (put(PYTHON_AT, b"#!/bin/sh\n"), "no CPython at"),
    ],
)
def test_a_root_that_is_no_target_is_refused_by_name(
    tmp_path: Path, root: Root, message: str
) -> None:
    with pytest.raises(ArtifactError, match=message):
        captured(tmp_path, root)


def test_the_newest_file_that_was_read_dates_the_facts(tmp_path: Path) -> None:
    root = write_root(tmp_path, a_root())
    for place in root.rglob("*"):
        if place.is_file():
            os.utime(place, (0, 0))
    when = dt.datetime(2025, 7, 25, tzinfo=dt.UTC).timestamp()
    os.utime(root / PYTHON_AT.lstrip("/"), (when, when))

    assert capture_folder(root, Request("x", "x")).profile.as_of == "2025-07-25"


def test_a_day_that_was_asked_for_is_taken(tmp_path: Path) -> None:
    assert profile_of(tmp_path, as_of=dt.date(2024, 2, 29)).as_of == "2024-02-29"


def test_the_same_tree_twice_is_the_same_text(tmp_path: Path) -> None:
    day = dt.date(2025, 1, 1)
    texts = [
        write_profile(found.profile, found.provenance)
        for found in (
            captured(tmp_path / "a", as_of=day),
            captured(tmp_path / "b", dict(reversed(a_root().items())), as_of=day),
        )
    ]

    assert texts[0] == texts[1]


def test_a_profile_that_was_written_is_read_as_it_was(tmp_path: Path) -> None:
    found = captured(tmp_path)

    again = parse_profile(write_profile(found.profile, found.provenance).encode(), "mine.json")

    for path, library in found.profile.libraries.items():
        same = again.libraries[path]
        assert same.table.definitions == library.table.definitions, path
        assert (same.table.versions, same.table.versioned) == (
            library.table.versions,
            library.table.versioned,
        )
        assert same.load_references() == library.load_references()
        for name in ("soname", "needed", "rpath", "runpath", "version_needs"):
            assert getattr(same, name) == getattr(library, name)
    said = replace(found.profile, libraries={}, provenance=found.provenance)
    assert replace(again, libraries={}) == said


def test_numbers_of_versions_survive_the_text(tmp_path: Path) -> None:
    libc = profile_of(tmp_path).libraries[f"{MULTIARCH}/libc.so.6"]

    assert libc.path == PurePosixPath(f"{MULTIARCH}/libc.so.6")
    assert libc.table.definitions["memcpy"] == (SymbolDef("GLIBC_2.14", hidden=False, index=3),)


def test_of_an_environment_only_what_was_asked_for_is_passed_on(tmp_path: Path) -> None:
    """A profile is committed; a password in an image's environment is not to be."""
    environment = {"PATH": "/usr/bin", "DB_PASSWORD": "hunter2"}

    provenance = captured(tmp_path, a_root(), environment=environment).provenance

    assert provenance["environment"] == "PATH=/usr/bin"


def test_without_a_python3_the_newest_interpreter_is_taken(tmp_path: Path) -> None:
    """By its number: as text, 3.10 comes before 3.9."""
    root = a_root()
    program, library = root[PYTHON_AT], root["/usr/lib/python3.13/os.py"]
    del root["/usr/bin/python3"], root[PYTHON_AT]
    for version in ("3.9", "3.10"):
        root[f"/usr/bin/python{version}"] = program
        root[f"/usr/lib/python{version}/os.py"] = library

    assert profile_of(tmp_path, root).interpreter.version == (3, 10)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_library_that_may_not_be_read_is_passed_over_and_told(tmp_path: Path) -> None:
    """As the loader of this user would; the rest is a profile all the same."""
    private = f"{MULTIARCH}/libprivate.so.1"
    folder = write_root(tmp_path, {**a_root(), private: a_library("libprivate.so.1")})
    (folder / private.lstrip("/")).chmod(0)
    found = capture_folder(folder, Request("mine", "a root"))

    assert private not in map(str, found.profile.libraries)
    assert private in found.provenance["denied"]
