"""How a target's description is found, read, and held to its own laws."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from abicheck.errors import AbicheckError, ProfileError, UsageError
from abicheck.profiles import DEFAULT_TARGET, list_profiles, load_profile

MINIMAL: Final[dict[str, Any]] = {
    "schema": 1,
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
        "startup": ["libc.so.6"],
        "path": ["/var/task"],
        "builtin": [],
        "stdlib": [],
    },
    "libraries": [
        {"soname": "libc.so.6", "path": "/lib64/libc.so.6", "symbols": "glibc-2.34-x86_64"}
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
    libc = load_profile(write(tmp_path)).libraries["libc.so.6"]

    assert {d.version for d in libc.table.definitions["memcpy"]} == {"GLIBC_2.2.5", "GLIBC_2.14"}
    assert libc.table.versions is not None
    assert "GLIBC_2.34" in libc.table.versions


def test_an_unknown_target_is_an_error_of_the_request() -> None:
    with pytest.raises(UsageError, match=r"^unknown target 'no-such'; known: .*lambda-python3\.13"):
        load_profile("no-such")


def test_a_name_that_is_nearly_right_gets_a_suggestion() -> None:
    with pytest.raises(ProfileError, match=rf"did you mean {DEFAULT_TARGET}\?$"):
        load_profile("lambda-python3.13-x86-64")


def test_a_folder_is_no_profile(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="unknown target"):
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
            put(3, "libraries", 0, "soname"),
            "mine.json.libraries[0].soname: expected str, found int",
        ),
        (put("zz", "interpreter", "magic"), "mine.json.interpreter.magic: not hexadecimal: 'zz'"),
        (
            drop("interpreter", "soname"),
            "mine.json.interpreter.soname: expected str, found nothing",
        ),
        (put(1, "isa_levle"), "mine.json.isa_levle: unknown key"),
        (put(1, "interpreter", "sufixes"), "mine.json.interpreter.sufixes: unknown key"),
        (put(1, "libraries", 0, "soname2"), "mine.json.libraries[0].soname2: unknown key"),
        (put(2, "schema"), "mine.json.schema: this version reads schema 1"),
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
            put(["libz.so.1"], "interpreter", "startup"),
            "mine.json.interpreter.startup: libz.so.1 is not among the libraries",
        ),
        (
            put(["libz.so.1"], "libraries", 0, "needed"),
            "mine.json.libraries: libc.so.6 needs libz.so.1, which is not listed",
        ),
        (
            put("lib64/libc.so.6", "libraries", 0, "path"),
            "mine.json.libraries: libc.so.6: lib64/libc.so.6 is not absolute",
        ),
        (
            put(MINIMAL["libraries"] * 2, "libraries"),
            "mine.json.libraries[1].soname: libc.so.6 is listed twice",
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
