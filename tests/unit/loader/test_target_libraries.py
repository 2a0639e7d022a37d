"""What the target itself has: its links, its cache, and what its libraries ask for in turn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

from tests.factories import (
    ENOENT,
    INTERPRETER,
    a_library,
    a_profile,
    an_object,
    found,
    load,
    need,
    ref,
    said,
)

from abicheck.model import FoundBy, Library, TargetProfile


def provider(profile: TargetProfile, name: str) -> tuple[str | None, FoundBy | None]:
    link_map = load(an_object("mod.so", needed=[name]), profile=profile)
    return next((file, how) for asked, file, how in found(link_map) if asked == name)


def with_links(*libraries: Library, **links: str) -> TargetProfile:
    profile = a_profile(*libraries)
    return replace(profile, library_path=(), links={f"/{name}": to for name, to in links.items()})


def in_cache(name: str, *paths: str, libraries: tuple[Library, ...] = ()) -> TargetProfile:
    profile = a_profile(*libraries)
    return replace(profile, library_path=(), cache={name: paths})


REAL = replace(a_library("liba.so.1"), path=PurePosixPath("/usr/lib/a/liba.so.1.2"))


def test_a_library_is_found_through_links_of_files_and_folders() -> None:
    profile = replace(
        a_profile(REAL),
        library_path=("/lib/a",),
        links={"/lib": "usr/lib", "/usr/lib/a/liba.so.1": "liba.so.1.2"},
    )

    assert provider(profile, "liba.so.1") == ("/usr/lib/a/liba.so.1.2", FoundBy.LIBRARY_PATH)


def test_two_files_of_one_soname_are_two_libraries() -> None:
    second = replace(REAL, path=PurePosixPath("/opt/liba.so.1"))
    profile = replace(a_profile(REAL, second), library_path=("/opt", "/usr/lib/a"))

    assert provider(profile, "liba.so.1") == ("/opt/liba.so.1", FoundBy.LIBRARY_PATH)


def test_the_cache_is_asked_before_the_default_directories() -> None:
    profile = in_cache("libz.so.1", "/usr/lib/a/liba.so.1.2", libraries=(REAL,))

    assert provider(profile, "libz.so.1") == ("/usr/lib/a/liba.so.1.2", FoundBy.CACHE)


def test_a_cache_that_names_what_is_gone_leaves_it_to_the_default_directories() -> None:
    profile = in_cache("libz.so.1", "/gone/libz.so.1", "/usr/lib/a/liba.so.1.2", libraries=(REAL,))

    assert provider(profile, "libz.so.1") == ("/lib64/libz.so.1", FoundBy.DEFAULT_PATH)


def test_a_link_of_the_artifact_may_lead_to_the_target() -> None:
    link_map = load(
        an_object("mod.so", needed=["libmine.so"]), links={"libmine.so": "/lib64/libz.so.1"}
    )

    assert ("libmine.so", "/lib64/libz.so.1", FoundBy.LIBRARY_PATH) in found(link_map)


def test_a_library_of_the_target_brings_what_it_finds_by_its_own_rpath() -> None:
    outer = replace(a_library("libouter.so.1", needed=["liba.so.1"]), rpath="/usr/lib/a")
    inner = replace(REAL, path=PurePosixPath("/usr/lib/a/liba.so.1"))

    link_map = load(an_object("mod.so", needed=["libouter.so.1"]), profile=a_profile(outer, inner))

    assert ("liba.so.1", "/usr/lib/a/liba.so.1", FoundBy.RPATH) in found(link_map)


def test_a_vendored_library_that_comes_first_can_break_one_of_the_target() -> None:
    ssl = replace(
        a_library("libssl.so.3", needed=["libcrypto.so.3"]),
        version_needs=(need("libcrypto.so.3(OPENSSL_3.2.0)"),),
    )
    profile = replace(a_profile(ssl), default_path=("/lib64",))

    link_map = load(
        an_object("mod.so", needed=["libcrypto.so.3", "libssl.so.3"], rpath="$ORIGIN"),
        an_object("libcrypto.so.3", soname="libcrypto.so.3", nodes=["OPENSSL_3.0.0"]),
        profile=profile,
    )

    assert said(link_map) == (
        "/var/task/libcrypto.so.3: version `OPENSSL_3.2.0' not found "
        "(required by /lib64/libssl.so.3)"
    )


def test_what_a_library_of_the_target_looks_up_must_be_there() -> None:
    ssl = replace(
        a_library("libssl.so.3", needed=["libcrypto.so.3"]),
        load_references=lambda: (ref("EVP_new"), ref("memcpy@GLIBC_2.14")),
    )

    link_map = load(
        an_object("mod.so", needed=["libcrypto.so.3", "libssl.so.3"], rpath="$ORIGIN"),
        an_object("libcrypto.so.3", soname="libcrypto.so.3"),
        profile=a_profile(ssl),
    )

    assert said(link_map) == "/lib64/libssl.so.3: undefined symbol: EVP_new"


def test_the_executable_answers_before_every_library() -> None:
    python = Library(None, PurePosixPath("/usr/bin/python3.13"), REAL.table)
    profile = a_profile(replace(python, table=a_library("x", "only_here").table))
    interpreter = replace(INTERPRETER, startup=("/usr/bin/python3", *INTERPRETER.startup))
    profile = replace(profile, interpreter=interpreter, links={"/usr/bin/python3": "python3.13"})

    assert said(load(an_object("mod.so", refers=["only_here"]), profile=profile)) is None


def test_a_library_that_no_link_and_no_folder_leads_to_is_missing() -> None:
    profile = with_links(REAL, lib="usr/lib")

    assert said(load(an_object("mod.so", needed=["liba.so.1"]), profile=profile)) == (
        f"liba.so.1: {ENOENT}"
    )


def with_program(rpath: str, runpath: str | None = None) -> TargetProfile:
    """A target whose interpreter is an executable with run paths of its own, as conda's is."""
    path = PurePosixPath("/opt/bin/python")
    program = replace(a_library("python"), soname=None, path=path, rpath=rpath, runpath=runpath)
    profile = a_profile(program, replace(REAL, path=PurePosixPath("/opt/lib/liba.so.1")))
    interpreter = replace(
        INTERPRETER,
        executable=program.path,
        startup=(str(program.path), *profile.interpreter.startup),
    )
    return replace(profile, library_path=(), interpreter=interpreter)


def test_the_programs_own_rpath_is_the_last_of_every_chain() -> None:
    profile = with_program(rpath="$ORIGIN/../lib")

    assert provider(profile, "liba.so.1") == ("/opt/lib/liba.so.1", FoundBy.RPATH)


def test_the_programs_runpath_is_for_itself_alone() -> None:
    profile = with_program(rpath="$ORIGIN/../lib", runpath="$ORIGIN/../lib")

    assert provider(profile, "liba.so.1") == (None, None)
