"""A profile as text: one self-contained JSON file, the same bytes for the same facts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Final

from abicheck.model import Library, SymbolRef, SymbolTable, TargetProfile, VersionNeed
from abicheck.profiles._store import SCHEMA, STABLE_ABI

_INTERPRETER: Final = "interpreter"


def write_profile(profile: TargetProfile, provenance: Mapping[str, str]) -> str:
    """Return a captured profile with all its symbol tables in it, for `load_profile` to read."""
    tables: dict[str, str] = {}
    python = profile.interpreter
    exported = _exporter(profile)
    tables[_INTERPRETER] = "\n".join(sorted(filter(_is_plain, python.exports)))
    libraries = [
        _library(library, tables, exports=path == exported)
        for path, library in sorted(profile.libraries.items())
    ]
    data: dict[str, object] = {
        "schema": SCHEMA,
        "name": profile.name,
        "title": profile.title,
        "runtime": profile.runtime,
        "os": profile.os,
        "machine": profile.machine,
        "libc": "glibc",
        "libc_version": profile.glibc,
        "as_of": profile.as_of,
        "image": profile.image,
        "task_root": str(profile.task_root),
        "library_path": list(profile.library_path),
        "default_path": list(profile.default_path),
        "links": dict(sorted(profile.links.items())),
        "cache": {name: list(paths) for name, paths in sorted(profile.cache.items())},
        "hwcaps": list(profile.hwcaps),
        "lib": profile.lib,
        "platform": profile.platform,
        "page_size": profile.page_size,
        "kernel": ".".join(map(str, profile.kernel)),
        "isa_level": profile.isa_level,
        "static_tls": profile.static_tls,
        "wheel_platforms": list(profile.wheel_platforms),
        "limits": dict(profile.limits),
        "interpreter": {
            "version": python.dotted,
            "soname": python.soname,
            "executable": str(python.executable or ""),
            "exports": _INTERPRETER,
            "stable_abi": STABLE_ABI,
            "magic": python.magic.hex(),
            "suffixes": list(python.suffixes),
            "startup": list(python.startup),
            "preloaded": list(python.preloaded),
            "path": [str(entry) for entry in python.path],
            "builtin": sorted(python.builtin),
            "stdlib": sorted(python.stdlib),
            "shipped": sorted(python.shipped),
        },
        "libraries": libraries,
        "tables": tables,
        "provenance": dict(sorted(provenance.items())),
    }
    lines = (f" {json.dumps(key)}: {_value(value)}" for key, value in data.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _value(value: object) -> str:
    """Return what can be compared line by line: long lists and objects, an entry a line."""
    if isinstance(value, dict) and value:
        lines = (f"  {json.dumps(key)}: {json.dumps(entry)}" for key, entry in value.items())
        return "{\n" + ",\n".join(lines) + "\n }"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(f"  {json.dumps(entry)}" for entry in value) + "\n ]"
    return json.dumps(value)


def _exporter(profile: TargetProfile) -> str:
    """Return the path of the library that has the interpreter's own exports."""
    python = profile.interpreter
    if not python.soname:
        return str(python.executable)
    named = (p for p, lib in profile.libraries.items() if lib.soname == python.soname)
    return next(
        (p for p in named if profile.libraries[p].table.definitions.keys() == python.exports), ""
    )


def _library(library: Library, tables: dict[str, str], *, exports: bool) -> dict[str, object]:
    path = str(library.path)
    entry: dict[str, object] = {"path": path}
    if library.soname is not None:
        entry["soname"] = library.soname
    table = library.table
    if exports and not table.versioned:
        entry["symbols"] = _INTERPRETER
    elif table.complete:
        tables[path] = _symbols(table)
        entry["symbols"] = path
        entry["versioned"] = table.versioned
    if table.versions is not None and not (exports and not table.versioned):
        entry["versions"] = _versions(library, table.versions)
    optional = {
        "needed": list(library.needed),
        "version_needs": list(map(_version_need, library.version_needs)),
        "introduced": dict(library.introduced),
        "doubtful": library.doubtful,
    }
    entry |= {key: value for key, value in optional.items() if value}
    # An empty run path is not the same as none.
    paths = {"rpath": library.rpath, "runpath": library.runpath}
    entry |= {key: value for key, value in paths.items() if value is not None}
    references = _references(library.load_references())
    if references:
        tables[f"{path} references"] = references
        entry["references"] = f"{path} references"
    return entry


def _versions(library: Library, versions: tuple[str, ...]) -> list[str]:
    """Return the nodes so that their places tell their numbers, as `table_of` counts them."""
    places = {version: place for place, version in enumerate(versions)}
    definitions = library.table.definitions.values()
    first = next(
        (d.index - places[d.version] for row in definitions for d in row if d.version in places), 2
    )
    # The base definition is number 1.  One that is not called as the library is, nothing asks for.
    return list(versions if first != 1 or versions[0] == library.soname else versions[1:])


def _symbols(table: SymbolTable) -> str:
    rows = sorted(
        (definition.index, name, definition.version or "-", "h" if definition.hidden else "d")
        for name, definitions in table.definitions.items()
        for definition in definitions
        if _is_plain(name) and _is_plain(definition.version or "-")
    )
    return "\n".join(f"{version} {name} {kind}" for _, name, version, kind in rows)


def _references(references: Iterable[SymbolRef]) -> str:
    return "\n".join(
        f"{ref.version or '-'} {ref.soname or '-'} {ref.name} {_kind(ref)}"
        for ref in references
        if all(map(_is_plain, (ref.name, ref.version or "-", ref.soname or "-")))
    )


def _kind(ref: SymbolRef) -> str:
    if ref.data:
        return "W" if ref.weak else "D"
    return "w" if ref.weak else "-"


def _version_need(need: VersionNeed) -> str:
    return f"{need}{'?' if need.weak else ''}"


def _is_plain(name: str) -> bool:
    """Whether a name can stand in a line; no compiler makes another."""
    return bool(name) and not name.startswith("#") and " " not in name and "\n" not in name
