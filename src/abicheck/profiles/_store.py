"""Find a profile by name or path, read it, and hold it to its own laws."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Final

from abicheck.errors import ProfileError
from abicheck.model import Interpreter, Library, SymbolDef, SymbolTable, TargetProfile
from abicheck.profiles._getters import Fields
from abicheck.profiles._tables import split_sections, table_of

DEFAULT_TARGET: Final = "lambda-python3.13-x86_64"
_SCHEMA = 1
_DATA: Final = files("abicheck.profiles") / "data"
ReadTable = Callable[[str], str]


def list_profiles() -> tuple[str, ...]:
    """Return the names of the built-in profiles, sorted."""
    names = (item.name for item in _DATA.iterdir())
    return tuple(sorted(name.removesuffix(".json") for name in names if name.endswith(".json")))


def load_profile(name: str) -> TargetProfile:
    """Return the profile called `name`, or the one in the file at that path.

    Raises `ProfileError` where there is none, or where it breaks a law; the
    message gives the address of the offending value.
    """
    if name in list_profiles():
        text = (_DATA / f"{name}.json").read_text(encoding="utf-8")
        return _parse(text, name, _read_builtin_table)
    path = Path(name)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        known = get_close_matches(name, list_profiles(), n=1)
        hint = f"; did you mean {known[0]}?" if known else f"; known: {', '.join(list_profiles())}"
        reason = f"unknown target {name!r}{hint}"
        raise ProfileError(reason) from error
    return _parse(text, path.name, _read_builtin_table)


def _read_builtin_table(name: str) -> str:
    if not name.replace("-", "").replace(".", "").replace("_", "").isalnum():
        reason = f"table {name!r}: not a table's name"
        raise ProfileError(reason)
    try:
        return (_DATA / "tables" / f"{name}.txt").read_text(encoding="utf-8")
    except OSError as error:
        reason = f"table {name!r}: there is no such table"
        raise ProfileError(reason) from error


def _parse(text: str, where: str, read_table: ReadTable) -> TargetProfile:
    try:
        data = json.loads(text)
    except ValueError as error:
        reason = f"{where}: not JSON: {error}"
        raise ProfileError(reason) from error
    fields = Fields(data, where)
    if fields.get("schema", int) != _SCHEMA:
        reason = f"{where}.schema: this version reads schema {_SCHEMA}"
        raise ProfileError(reason)
    if fields.get("libc", str) != "glibc":
        reason = f"{where}.libc: only glibc targets are judged"
        raise ProfileError(reason)
    interpreter, exports = _interpreter(
        Fields(fields.get("interpreter", dict), f"{where}.interpreter"), read_table
    )
    libc = fields.numbers("libc_version", 2)
    kernel = fields.numbers("kernel", 3)
    fields.find("provenance", {})
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
        libraries=_libraries(fields, read_table, exports),
        interpreter=interpreter,
        task_root=PurePosixPath(fields.get("task_root", str)),
        wheel_platforms=fields.strings("wheel_platforms"),
        as_of=fields.get("as_of", str),
        image=fields.find("image", ""),
        limits=fields.mapping("limits", int),
        links=fields.mapping("links", str),
    )
    fields.finish()
    _hold_to_laws(profile, where)
    return profile


def _interpreter(fields: Fields, read_table: ReadTable) -> tuple[Interpreter, SymbolTable]:
    version = fields.numbers("version", 2)
    exports, sometimes = set(), set()
    for line in read_table(fields.get("exports", str)).splitlines():
        if not line.startswith("#"):
            name, _, mark = line.partition(" ")
            exports.add(name)
            if mark:
                sometimes.add(name)
    stable = {}
    for line in read_table(fields.get("stable_abi", str)).splitlines():
        if not line.startswith("#"):
            added, _, name = line.partition(" ")
            major, _, minor = added.partition(".")
            stable[name] = (int(major), int(minor))
    interpreter = Interpreter(
        version=(version[0], version[1]),
        suffixes=fields.strings("suffixes"),
        exports=frozenset(exports),
        sometimes=frozenset(sometimes),
        path=tuple(map(PurePosixPath, fields.strings("path"))),
        soname=fields.get("soname", str),
        startup=fields.strings("startup"),
        builtin=frozenset(fields.strings("builtin")),
        stdlib=frozenset(fields.strings("stdlib")),
        stable_abi=MappingProxyType(stable),
        shipped=frozenset(fields.strings("shipped", optional=True)),
        magic=_magic(fields),
    )
    fields.finish()
    unversioned = (SymbolDef(),)
    table = SymbolTable(lambda: dict.fromkeys(exports, unversioned))
    return interpreter, table


def _magic(fields: Fields) -> bytes:
    text = fields.get("magic", str)
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        reason = f"{fields.where}.magic: not hexadecimal: {text!r}"
        raise ProfileError(reason) from error


def _libraries(
    profile: Fields, read_table: ReadTable, exports: SymbolTable
) -> Mapping[str, Library]:
    libraries: dict[str, Library] = {}
    texts: dict[str, dict[str, str]] = {}
    for fields in profile.objects("libraries"):
        soname = fields.get("soname", str)
        if soname in libraries:
            reason = f"{fields.where}.soname: {soname} is listed twice"
            raise ProfileError(reason)
        source = fields.find("symbols", "")
        versions = fields.strings("versions", optional=True) or None
        stand_in = fields.find("stand_in", False)  # noqa: FBT003 - a default, not a flag
        if source == "interpreter":
            table = exports
        elif source:
            if source not in texts:
                texts[source] = split_sections(read_table(source))
            body = texts[source].get(soname)
            if body is None:
                reason = f"{fields.where}.symbols: table {source!r} has no section [{soname}]"
                raise ProfileError(reason)
            table = table_of(body, f"{source}[{soname}]", versions, complete=not stand_in)
        else:
            table = SymbolTable(dict, versions=versions, versioned=True, complete=False)
        libraries[soname] = Library(
            soname=soname,
            path=PurePosixPath(fields.get("path", str)),
            table=table,
            needed=fields.strings("needed", optional=True),
            introduced=fields.mapping("introduced", str),
            doubtful=fields.find("doubtful", ""),
            source=source,
        )
        fields.finish()
    return MappingProxyType(libraries)


def _hold_to_laws(profile: TargetProfile, where: str) -> None:
    for soname in profile.interpreter.startup:
        if soname not in profile.libraries:
            reason = f"{where}.interpreter.startup: {soname} is not among the libraries"
            raise ProfileError(reason)
    for library in profile.libraries.values():
        for soname in library.needed:
            if soname not in profile.libraries:
                reason = f"{where}.libraries: {library.soname} needs {soname}, which is not listed"
                raise ProfileError(reason)
        if not library.path.is_absolute():
            reason = f"{where}.libraries: {library.soname}: {library.path} is not absolute"
            raise ProfileError(reason)
