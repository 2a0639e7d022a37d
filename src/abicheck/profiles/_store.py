"""Find a profile by name or path, read it, and hold it to its own laws."""

from __future__ import annotations

import datetime as dt
import json
import posixpath
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Final

from abicheck.errors import ProfileError
from abicheck.filesystem import target_tree
from abicheck.model import (
    Interpreter,
    Library,
    SymbolDef,
    SymbolRef,
    SymbolTable,
    TargetProfile,
    VersionNeed,
)
from abicheck.profiles._getters import Fields, is_number
from abicheck.profiles._parts import DATA, compose
from abicheck.profiles._tables import (
    parse_references,
    parse_version_need,
    split_sections,
    table_of,
)

DEFAULT_TARGET: Final = "lambda-python3.13-x86_64"
SCHEMA: Final = 2
STABLE_ABI: Final = "stable-abi"
_MAX_SIZE: Final = 256 << 20  # bytes; a host with a thousand libraries has 20 MiB


def list_profiles() -> tuple[str, ...]:
    """Return the names of the built-in profiles, sorted."""
    names = (item.name for item in DATA.iterdir())
    return tuple(sorted(name.removesuffix(".json") for name in names if name.endswith(".json")))


def load_profile(name: str) -> TargetProfile:
    """Return the profile called `name`, or the one in the file at that path.

    Raises `ProfileError` where there is none, or where it breaks a law; the
    message gives the address of the offending value.
    """
    if name in list_profiles():
        return _parse((DATA / f"{name}.json").read_bytes(), name, builtin=True)
    path = Path(name)
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_SIZE + 1)
    except (IsADirectoryError, PermissionError) as error:
        reason = f"{name}: {error.strerror}"
        if path.is_dir():
            reason = f"{name}: a folder and no profile; `abicheck capture` makes one of it"
        raise ProfileError(reason) from error
    except (OSError, ValueError) as error:
        # Short names too: `python3.13`, `python3.13-arm64`.
        short = (known.removeprefix("lambda-").removesuffix("-x86_64") for known in list_profiles())
        known = get_close_matches(name, [*list_profiles(), *short], n=1)
        hint = f"; did you mean {known[0]}?" if known else "; `abicheck targets list` has them all"
        reason = f"unknown target {name!r}{hint}"
        raise ProfileError(reason) from error
    return parse_profile(data, path.name)


def parse_profile(data: bytes, where: str) -> TargetProfile:
    """Return the profile that a file holds; `where` is what messages call it."""
    if len(data) > _MAX_SIZE:
        reason = f"{where}: larger than {_MAX_SIZE >> 20} MiB"
        raise ProfileError(reason)
    return _parse(data, where, builtin=False)


def _read_builtin_table(name: str) -> str:
    if not name.replace("-", "").replace(".", "").replace("_", "").isalnum():
        reason = f"table {name!r}: not a table's name"
        raise ProfileError(reason)
    try:
        return (DATA / "tables" / f"{name}.txt").read_text(encoding="utf-8")
    except OSError as error:
        reason = f"table {name!r}: there is no such table"
        raise ProfileError(reason) from error


class _Tables:
    """The tables that a profile may name: its own, and those that come with abicheck.

    The tables of a built-in profile, which tests have read to their end, are
    `known` to be there and are not read before they are asked.
    """

    def __init__(self, inline: Mapping[str, str], *, known: bool) -> None:
        self.known = known
        self._inline = inline
        self._sections: dict[str, dict[str, str]] = {}

    def read(self, name: str) -> str:
        """Return the whole text of a table."""
        return self._inline[name] if name in self._inline else _read_builtin_table(name)

    def section(self, name: str, soname: str | None) -> str | None:
        """Return the lines of a library: a table of the profile's own is of one library."""
        if name in self._inline:
            return self._inline[name]
        if name not in self._sections:
            self._sections[name] = split_sections(_read_builtin_table(name))
        return None if soname is None else self._sections[name].get(soname)


def _parse(text: bytes, where: str, *, builtin: bool) -> TargetProfile:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = f"{where}: not JSON: {error}"
        raise ProfileError(reason) from error
    if isinstance(data, dict):
        data = compose(data, where)
    fields = Fields(data, where)
    if fields.get("schema", int) != SCHEMA:
        reason = f"{where}.schema: this version reads schema {SCHEMA}"
        raise ProfileError(reason)
    if fields.get("libc", str) != "glibc":
        reason = f"{where}.libc: only glibc targets are judged"
        raise ProfileError(reason)
    tables = _Tables(fields.mapping("tables", str), known=builtin)
    interpreter, exports = _interpreter(
        Fields(fields.get("interpreter", dict), f"{where}.interpreter"), tables
    )
    libc = fields.numbers("libc_version", 2)
    kernel = fields.numbers("kernel", 3)
    profile = TargetProfile(
        name=fields.get("name", str),
        title=fields.get("title", str),
        runtime=fields.get("runtime", str),
        machine=fields.one_of("machine", ("x86_64", "aarch64")),
        libc_version=(libc[0], libc[1]),
        os=fields.get("os", str),
        library_path=fields.strings("library_path"),
        default_path=fields.strings("default_path"),
        hwcaps=fields.strings("hwcaps"),
        lib=fields.get("lib", str),
        platform=fields.get("platform", str),
        page_size=fields.get("page_size", int),
        kernel=(kernel[0], kernel[1], kernel[2]),
        isa_level=fields.get("isa_level", int),
        static_tls=fields.get("static_tls", int),
        libraries=_libraries(fields, tables, exports),
        interpreter=interpreter,
        task_root=PurePosixPath(fields.get("task_root", str)),
        wheel_platforms=fields.strings("wheel_platforms"),
        as_of=fields.get("as_of", str),
        image=fields.find("image", ""),
        limits=fields.mapping("limits", int),
        links=fields.mapping("links", str),
        cache=fields.lists("cache"),
        package=fields.find("package", ""),
        deprecation=fields.mapping("deprecation", str),
        preliminary=fields.find("preliminary", ""),
        provenance=fields.mapping("provenance", str),
    )
    fields.finish()
    _hold_to_laws(profile, where)
    return profile


def _interpreter(fields: Fields, tables: _Tables) -> tuple[Interpreter, SymbolTable]:
    version = fields.numbers("version", 2)
    exports, sometimes = set(), set()
    for line in tables.read(fields.get("exports", str)).split("\n"):
        if line and not line.startswith("#"):
            name, _, mark = line.partition(" ")
            exports.add(name)
            if mark:
                sometimes.add(name)
    executable = fields.find("executable", "")
    interpreter = Interpreter(
        version=(version[0], version[1]),
        suffixes=fields.strings("suffixes"),
        exports=frozenset(exports),
        sometimes=frozenset(sometimes),
        path=tuple(map(PurePosixPath, fields.strings("path"))),
        soname=fields.find("soname", ""),
        startup=fields.strings("startup"),
        builtin=frozenset(fields.strings("builtin")),
        stdlib=frozenset(fields.strings("stdlib")),
        stable_abi=_stable_abi(fields, tables),
        shipped=frozenset(fields.strings("shipped", optional=True)),
        magic=_magic(fields),
        executable=PurePosixPath(executable) if executable else None,
        preloaded=fields.strings("preloaded", optional=True),
    )
    fields.finish()
    unversioned = (SymbolDef(),)
    table = SymbolTable(lambda: dict.fromkeys(exports, unversioned))
    return interpreter, table


def stable_abi() -> Mapping[str, tuple[int, int]]:
    """Return the names of CPython's stable ABI, each with the release in which it joined."""
    return _parse_stable_abi(_read_builtin_table(STABLE_ABI), STABLE_ABI)


def _stable_abi(fields: Fields, tables: _Tables) -> Mapping[str, tuple[int, int]]:
    table = fields.get("stable_abi", str)
    return _parse_stable_abi(tables.read(table), f"{fields.where}.stable_abi: {table}")


def _parse_stable_abi(text: str, where: str) -> Mapping[str, tuple[int, int]]:
    stable = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        added, _, name = line.partition(" ")
        major, _, minor = added.partition(".")
        if not (is_number(major) and is_number(minor)):
            reason = f"{where}: not 'version name': {line[:60]!r}"
            raise ProfileError(reason)
        stable[name] = (int(major), int(minor))
    return MappingProxyType(stable)


def _magic(fields: Fields) -> bytes:
    text = fields.get("magic", str)
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        reason = f"{fields.where}.magic: not hexadecimal: {text!r}"
        raise ProfileError(reason) from error


def _libraries(profile: Fields, tables: _Tables, exports: SymbolTable) -> Mapping[str, Library]:
    libraries: dict[str, Library] = {}
    for fields in profile.objects("libraries"):
        path = fields.get("path", str)
        if path in libraries:
            reason = f"{fields.where}.path: {path} is listed twice"
            raise ProfileError(reason)
        libraries[path] = Library(
            soname=fields.get("soname", str) if "soname" in fields else None,
            path=PurePosixPath(path),
            table=_symbols(fields, tables, exports),
            needed=fields.strings("needed", optional=True),
            rpath=fields.get("rpath", str) if "rpath" in fields else None,
            runpath=fields.get("runpath", str) if "runpath" in fields else None,
            version_needs=_version_needs(fields),
            load_references=_references(fields, tables),
            introduced=_dates(fields, "introduced"),
            doubtful=fields.find("doubtful", ""),
            source=fields.find("symbols", ""),
        )
        fields.finish()
    return MappingProxyType(libraries)


def _dates(fields: Fields, key: str) -> Mapping[str, str]:
    """Return a mapping to days, ISO format."""
    days = fields.mapping(key, str)
    for name, day in days.items():
        try:
            dt.date.fromisoformat(day)
        except ValueError as error:
            reason = f"{fields.where}.{key}.{name}: {day!r} is no date such as 2025-03-01"
            raise ProfileError(reason) from error
    return days


def _symbols(fields: Fields, tables: _Tables, exports: SymbolTable) -> SymbolTable:
    soname = fields.find("soname", "")
    source = fields.find("symbols", "")
    versions = fields.strings("versions", optional=True) or None
    stand_in = fields.find("stand_in", False)  # noqa: FBT003 - a default, not a flag
    versioned = fields.find("versioned", versions is not None)
    if source == "interpreter":
        return exports
    if not source:
        return SymbolTable(dict, versions=versions, versioned=True, complete=False)
    where = f"{source}[{soname}]"
    address = fields.where

    def body() -> str:
        text = tables.section(source, soname)
        if text is None:
            reason = f"{address}.symbols: table {source!r} has no section [{soname}]"
            raise ProfileError(reason)
        return text

    if not tables.known:
        body()
    return table_of(
        body, where, versions, soname=soname, versioned=versioned, complete=not stand_in
    )


def _version_needs(fields: Fields) -> tuple[VersionNeed, ...]:
    texts = fields.strings("version_needs", optional=True)
    return tuple(parse_version_need(text, f"{fields.where}.version_needs") for text in texts)


def _references(fields: Fields, tables: _Tables) -> Callable[[], tuple[SymbolRef, ...]]:
    name = fields.find("references", "")
    body = tables.read(name) if name else ""
    return cache(lambda: parse_references(body, name))


def _hold_values(profile: TargetProfile, where: str) -> None:
    for key in ("name", "title", "runtime", "os", "image"):
        if not getattr(profile, key).isprintable():
            reason = f"{where}.{key}: not one line of printable text"
            raise ProfileError(reason)
    root = str(profile.task_root)
    if posixpath.normpath(root) != root or not root.startswith("/"):
        reason = f"{where}.task_root: {root} is not absolute and normal"
        raise ProfileError(reason)
    if profile.task_root not in profile.interpreter.path:
        reason = f"{where}.interpreter.path: {root}, the task root, is not on it"
        raise ProfileError(reason)
    if not profile.interpreter.suffixes or not all(profile.interpreter.suffixes):
        reason = f"{where}.interpreter.suffixes: expected one at least, and none empty"
        raise ProfileError(reason)
    for key, least, most in (
        ("page_size", 1 << 12, 1 << 16),
        ("isa_level", 0, 4),
        ("static_tls", 0, 1 << 30),
    ):
        if not least <= getattr(profile, key) <= most:
            reason = f"{where}.{key}: expected a number from {least} to {most}"
            raise ProfileError(reason)


def _hold_to_laws(profile: TargetProfile, where: str) -> None:
    tree = target_tree(profile)
    _hold_values(profile, where)
    for path in profile.libraries:
        if not path.startswith("/"):
            reason = f"{where}.libraries: {path} is not absolute"
            raise ProfileError(reason)
        if tree.real(path) != path:
            reason = f"{where}.libraries: {path} is not a real path: {tree.real(path)}"
            raise ProfileError(reason)
    for path in profile.links:
        if posixpath.normpath(path) != path or not path.startswith("/"):
            reason = f"{where}.links: {path} is not absolute and normal"
            raise ProfileError(reason)
    python = profile.interpreter
    for key, names in (("startup", python.startup), ("preloaded", python.preloaded)):
        for name in names:
            if tree.real(name) not in profile.libraries:
                reason = f"{where}.interpreter.{key}: {name} is not among the libraries"
                raise ProfileError(reason)
