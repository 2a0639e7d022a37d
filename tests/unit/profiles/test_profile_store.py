"""How a target's description is found, read, and held to its own laws."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from abicheck.errors import AbicheckError, ProfileError, UsageError
from abicheck.model import SymbolDef, SymbolRef, VersionNeed
from abicheck.profiles import DEFAULT_TARGET, list_profiles, load_profile

MINIMAL: Final[dict[str, Any]] = {
    "schema": 2,
    "name": "mine",
    "title": "my own target",
    "runtime": "python3.13",
    "os": "Amazon Linux 2023",
    "machine": "x86_64",
    "libc": "glibc",
    "libc_version": "2.34",
    "as_of": "2026-01-01",
    "task_root": "/var/task",
    "library_path": ["/lib64"],
    "default_path": ["/lib64"],
    "hwcaps": [],
    "lib": "lib64",
    "platform": "x86_64",
    "page_size": 4096,
    "kernel": "5.10.0",
    "isa_level": 3,
    "static_tls": 1664,
    "wheel_platforms": ["manylinux2014_x86_64"],
    "interpreter": {
        "version": "3.13",
        "soname": "libpython3.13.so.1.0",
        "exports": "cpython-3.13",
        "stable_abi": "stable-abi",
        "magic": "f30d0d0a",
        "suffixes": [".so"],
        "startup": ["/lib64/libc.so.6"],
        "path": ["/var/task"],
        "builtin": [],
        "stdlib": [],
    },
    "libraries": [
        {"path": "/lib64/libc.so.6", "soname": "libc.so.6", "symbols": "glibc-2.34-x86_64"}
    ],
}

_TRUE: Final = True
Change = Callable[[dict[str, Any]], object]


def write(folder: Path, change: Change | None = None) -> str:
    """Write a profile of one's own, changed, and return its path."""
    data = json.loads(json.dumps(MINIMAL))
    if change is not None:
        change(data)
    path = folder / "mine.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return str(path)


def test_the_default_target_is_built_in() -> None:
    assert DEFAULT_TARGET in list_profiles()
    assert load_profile(DEFAULT_TARGET).name == DEFAULT_TARGET


def test_a_profile_of_one_s_own_is_read_by_its_path(tmp_path: Path) -> None:
    profile = load_profile(write(tmp_path))

    assert (profile.name, profile.glibc, profile.interpreter.dotted) == ("mine", "2.34", "3.13")


def test_a_profile_that_names_a_table_has_its_symbols(tmp_path: Path) -> None:
    libc = load_profile(write(tmp_path)).libraries["/lib64/libc.so.6"]

    assert {d.version for d in libc.table.definitions["memcpy"]} == {"GLIBC_2.2.5", "GLIBC_2.14"}
    assert libc.table.versions is not None
    assert "GLIBC_2.34" in libc.table.versions


def test_an_unknown_target_is_an_error_of_the_request() -> None:
    with pytest.raises(UsageError, match=r"^unknown target 'no-such'; .*targets list"):
        load_profile("no-such")


def test_a_name_that_is_nearly_right_gets_a_suggestion() -> None:
    with pytest.raises(ProfileError, match=rf"did you mean {DEFAULT_TARGET}\?$"):
        load_profile("lambda-python3.13-x86-64")


def test_a_folder_is_no_profile(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="a folder and no profile"):
        load_profile(str(tmp_path))


@pytest.mark.parametrize("data", [b"\xff\xfe", b"{", b"", b"[1", b"schema = 1"])
def test_what_is_not_json_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "mine.json"
    path.write_bytes(data)

    with pytest.raises(ProfileError):
        load_profile(str(path))


def drop(*keys: str) -> Change:
    """Leave out what stands at this address."""

    def change(data: dict[str, Any]) -> None:
        for key in keys[:-1]:
            data = data[key]
        del data[keys[-1]]

    return change


def put(value: object, *keys: str | int) -> Change:
    """Write something else at this address."""

    def change(data: Any) -> None:  # noqa: ANN401 - objects and lists alike
        for key in keys[:-1]:
            data = data[key]
        data[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop("machine"), "mine.json.machine: expected str, found nothing"),
        (put(7, "machine"), "mine.json.machine: expected str, found int"),
        (put("4096", "page_size"), "mine.json.page_size: expected int, found str"),
        (put(_TRUE, "isa_level"), "mine.json.isa_level: expected int, found bool"),
        (
            put("2.x", "libc_version"),
            "mine.json.libc_version: expected a version of 2 parts, found '2.x'",
        ),
        (put([3], "hwcaps"), "mine.json.hwcaps[0]: expected str, found int"),
        (
            put(["/lib64", None], "library_path"),
            "mine.json.library_path[1]: expected str, found NoneType",
        ),
        (put([7], "libraries"), "mine.json.libraries[0]: expected an object, found int"),
        (
            put({"GLIBC_2.34": "spring"}, "libraries", 0, "introduced"),
            "mine.json.libraries[0].introduced.GLIBC_2.34: 'spring' is no date such as 2025-03-01",
        ),
        (
            put(3, "libraries", 0, "soname"),
            "mine.json.libraries[0].soname: expected str, found int",
        ),
        (put("zz", "interpreter", "magic"), "mine.json.interpreter.magic: not hexadecimal: 'zz'"),
        (
            drop("interpreter", "version"),
            "mine.json.interpreter.version: expected str, found nothing",
        ),
        (put(1, "isa_levle"), "mine.json.isa_levle: unknown key"),
        (put(1, "interpreter", "sufixes"), "mine.json.interpreter.sufixes: unknown key"),
        (put(1, "libraries", 0, "soname2"), "mine.json.libraries[0].soname2: unknown key"),
        (put(1, "schema"), "mine.json.schema: this version reads schema 2"),
        (put("musl", "libc"), "mine.json.libc: only glibc targets are judged"),
    ],
)
def test_a_fault_is_named_with_its_address(tmp_path: Path, change: Change, message: str) -> None:
    with pytest.raises(ProfileError) as error:
        load_profile(write(tmp_path, change))

    assert str(error.value) == message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            put(["/lib64/libz.so.1"], "interpreter", "startup"),
            "mine.json.interpreter.startup: /lib64/libz.so.1 is not among the libraries",
        ),
        (put("x\n\x1b[31mPASS", "title"), "mine.json.title: not one line of printable text"),
        (
            put("/var/../task", "task_root"),
            "mine.json.task_root: /var/../task is not absolute and normal",
        ),
        (
            put([], "interpreter", "path"),
            "mine.json.interpreter.path: /var/task, the task root, is not on it",
        ),
        (
            put([""], "interpreter", "suffixes"),
            "mine.json.interpreter.suffixes: expected one at least, and none empty",
        ),
        (put(0, "page_size"), "mine.json.page_size: expected a number from 4096 to 65536"),
        (put(-1, "isa_level"), "mine.json.isa_level: expected a number from 0 to 4"),
        (
            put("lib64/libc.so.6", "libraries", 0, "path"),
            "mine.json.libraries: lib64/libc.so.6 is not absolute",
        ),
        (
            put({"/lib64": "usr/lib64"}, "links"),
            "mine.json.libraries: /lib64/libc.so.6 is not a real path: None",
        ),
        (
            put({"/usr//lib64": "/lib64"}, "links"),
            "mine.json.links: /usr//lib64 is not absolute and normal",
        ),
        (
            put(MINIMAL["libraries"] * 2, "libraries"),
            "mine.json.libraries[1].path: /lib64/libc.so.6 is listed twice",
        ),
        (
            put("zlib-1.2.11-x86_64", "libraries", 0, "symbols"),
            "mine.json.libraries[0].symbols: table 'zlib-1.2.11-x86_64' has no section [libc.so.6]",
        ),
        (
            put("no-such-table", "libraries", 0, "symbols"),
            "table 'no-such-table': there is no such table",
        ),
        (
            put("../../../secret", "libraries", 0, "symbols"),
            "table '../../../secret': not a table's name",
        ),
    ],
)
def test_a_profile_obeys_its_laws(tmp_path: Path, change: Change, message: str) -> None:
    with pytest.raises(ProfileError) as error:
        load_profile(write(tmp_path, change))

    assert str(error.value) == message


@pytest.mark.parametrize("address", [["limits"], ["links"], ["image"], ["libraries", 0, "needed"]])
def test_what_may_be_left_out_may_not_be_something_else(
    tmp_path: Path, address: list[str | int]
) -> None:
    with pytest.raises(ProfileError, match="expected"):
        load_profile(write(tmp_path, put(7, *address)))


@pytest.mark.parametrize(
    ("text", "address"),
    [("2", ["libc_version"]), ("5.10", ["kernel"]), ("3", ["interpreter", "version"])],
)
def test_a_version_with_too_few_parts_is_refused_and_not_a_defect(
    tmp_path: Path, text: str, address: list[str | int]
) -> None:
    with pytest.raises(AbicheckError):
        load_profile(write(tmp_path, put(text, *address)))


def test_a_machine_that_is_not_known_is_refused(tmp_path: Path) -> None:
    """Nothing could be judged for it, and a rule would look it up in vain."""
    with pytest.raises(AbicheckError):
        load_profile(write(tmp_path, put("sparc", "machine")))


# --- a captured profile: one file, with tables of its own ---

CAPTURED: Final[dict[str, Any]] = {
    "path": "/usr/lib/liba.so.1.2",
    "soname": "liba.so.1",
    "symbols": "liba",
    "references": "liba needs",
    "versions": ["liba.so.1", "A_1", "A_2"],
    "needed": ["libc.so.6", "libgone.so.1"],
    "rpath": "$ORIGIN/a",
    "runpath": "$ORIGIN/b",
    "version_needs": ["libc.so.6(GLIBC_2.14)", "libc.so.6(GLIBC_2.38)?"],
}


def captured(data: dict[str, Any]) -> None:
    data["libraries"].append(dict(CAPTURED))
    data["links"] = {"/usr/lib/liba.so.1": "liba.so.1.2", "/lib": "usr/lib"}
    data["cache"] = {"liba.so.1": ["/lib/liba.so.1"]}
    data["tables"] = {
        "liba": "A_2 g d\nA_1 f h\n- h d",
        "liba needs": "GLIBC_2.14 libc.so.6 memcpy -\n- - hook w\n- - data D\n- - maybe W",
    }


def test_a_table_of_its_own_is_that_of_one_library(tmp_path: Path) -> None:
    library = load_profile(write(tmp_path, captured)).libraries["/usr/lib/liba.so.1.2"]

    assert library.table.definitions == {
        "g": (SymbolDef("A_2", hidden=False, index=3),),
        "f": (SymbolDef("A_1", hidden=True, index=2),),
        "h": (SymbolDef(),),
    }
    assert library.table.versions == ("liba.so.1", "A_1", "A_2")
    assert library.table.complete


def test_what_the_loader_needs_of_a_library_is_read(tmp_path: Path) -> None:
    library = load_profile(write(tmp_path, captured)).libraries["/usr/lib/liba.so.1.2"]

    assert (library.soname, library.rpath, library.runpath) == (
        "liba.so.1",
        "$ORIGIN/a",
        "$ORIGIN/b",
    )
    assert library.needed == ("libc.so.6", "libgone.so.1")
    assert library.version_needs == (
        VersionNeed("libc.so.6", "GLIBC_2.14"),
        VersionNeed("libc.so.6", "GLIBC_2.38", weak=True),
    )
    assert library.load_references() == (
        SymbolRef("memcpy", "GLIBC_2.14", "libc.so.6"),
        SymbolRef("hook", weak=True),
        SymbolRef("data", data=True),
        SymbolRef("maybe", weak=True, data=True),
    )


def test_links_and_the_cache_are_read(tmp_path: Path) -> None:
    profile = load_profile(write(tmp_path, captured))

    assert profile.links["/lib"] == "usr/lib"
    assert profile.cache == {"liba.so.1": ("/lib/liba.so.1",)}


def test_a_library_may_have_no_soname_as_an_executable_has(tmp_path: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        data["libraries"].append({"path": "/usr/bin/python3.13", "symbols": "interpreter"})
        data["interpreter"]["startup"].insert(0, "/usr/bin/python3")
        data["interpreter"]["executable"] = "/usr/bin/python3.13"
        data["links"] = {"/usr/bin/python3": "python3.13"}

    profile = load_profile(write(tmp_path, change))

    assert profile.libraries["/usr/bin/python3.13"].soname is None
    assert "PyLong_FromLong" in profile.libraries["/usr/bin/python3.13"].table.definitions
    assert str(profile.interpreter.executable) == "/usr/bin/python3.13"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put(["A_1"], "libraries", 1, "version_needs"), "version_needs: not 'file"),
        (put("no-such", "libraries", 1, "references"), "table 'no-such': there is no such table"),
        (put(["/lib/liba.so.1"], "cache"), r"mine\.json\.cache: expected dict, found list"),
        (put("/lib/liba.so.1", "cache", "x"), r"mine\.json\.cache\.x: expected list, found str"),
        (put([3], "cache", "x"), r"mine\.json\.cache\.x\[0\]: expected str, found int"),
        (put(3, "tables", "liba"), r"mine\.json\.tables\.liba: expected str, found int"),
        (put(3, "provenance"), r"mine\.json\.provenance: expected dict, found int"),
        (put("1" * 5000 + ".0", "libc_version"), "expected a version of 2 parts"),
        (put("liba", "interpreter", "stable_abi"), "stable_abi: liba: not 'version name': 'A_2 g"),
    ],
)
def test_a_fault_of_a_captured_profile_is_named(
    tmp_path: Path, change: Change, message: str
) -> None:
    def both(data: dict[str, Any]) -> None:
        captured(data)
        change(data)

    with pytest.raises(ProfileError, match=message):
        load_profile(write(tmp_path, both))


@pytest.mark.parametrize("line", ["A_1 libc.so.6 f", "f", "A_1  libc.so.6 f w"])
def test_a_reference_of_another_shape_is_named_when_it_is_asked(tmp_path: Path, line: str) -> None:
    def change(data: dict[str, Any]) -> None:
        captured(data)
        data["tables"]["liba needs"] = line

    library = load_profile(write(tmp_path, change)).libraries["/usr/lib/liba.so.1.2"]

    with pytest.raises(ProfileError, match="not 'version file name kind'"):
        library.load_references()


@pytest.mark.parametrize(
    "text", [b"[" * 100_000, b"\xff\xfe\x00", b"", b"[]", b'{"schema": ' + b"9" * 5000 + b"}"]
)
def test_a_file_that_is_no_profile_is_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "mine.json"
    path.write_bytes(text)

    with pytest.raises(ProfileError):
        load_profile(str(path))


def test_links_in_a_circle_hide_what_lies_behind_them(tmp_path: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        data["links"] = {"/a": "b", "/b": "a", "/lib64": "/a"}

    with pytest.raises(ProfileError, match="is not a real path: None"):
        load_profile(write(tmp_path, change))
