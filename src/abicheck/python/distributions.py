"""Distributions as installers left them: `*.dist-info`, and setuptools' older `*.egg-info`."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final

from abicheck.model import Distribution, Location
from abicheck.python.record import read_record

_DIST_INFO: Final = frozenset({"METADATA", "WHEEL", "RECORD", "INSTALLER", "direct_url.json"})
_EGG_INFO: Final = frozenset({"PKG-INFO", "requires.txt"})
_EGG: Final = ".egg-info"
_SEPARATORS: Final = re.compile(r"[-_.]+")


def canonical(name: str) -> str:
    """Return a distribution's name as PEP 503 compares it."""
    return _SEPARATORS.sub("-", name).lower()


def is_metadata(name: str) -> bool:
    """Whether a member is one of the files that describe a distribution."""
    folder, _, file = name.rpartition("/")
    if file in _DIST_INFO:
        return folder.endswith(".dist-info")
    return folder.endswith(_EGG) if file in _EGG_INFO else file.endswith(_EGG)


def read_distributions(files: Mapping[str, bytes]) -> tuple[Distribution, ...]:
    """Return the distributions that `files` describe, member name to content, sorted.

    A folder without a readable METADATA is named by its own name, as
    `NAME-VERSION.dist-info` (binary distribution format, PyPA).
    """
    folders = {name if name.endswith(_EGG) else name.rpartition("/")[0] for name in files}
    return tuple(
        _read_egg(folder, files) if folder.endswith(_EGG) else _read(folder, files)
        for folder in sorted(folders)
    )


def _read(folder: str, files: Mapping[str, bytes]) -> Distribution:
    stem = posixpath.basename(folder).removesuffix(".dist-info")
    name, _, version = stem.partition("-")
    metadata = _headers(files.get(f"{folder}/METADATA", b""))
    wheel = _headers(files.get(f"{folder}/WHEEL", b""))
    record = read_record(files.get(f"{folder}/RECORD", b""), posixpath.dirname(folder))
    editable, origin = _direct_url(files.get(f"{folder}/direct_url.json", b""))
    pure = wheel.get("root-is-purelib")
    return Distribution(
        name=metadata.get("name", [name])[0],
        version=metadata.get("version", [version])[0],
        location=Location(PurePosixPath(folder)),
        tags=tuple(wheel.get("tag", ())),
        files=frozenset(line.path for line in record),
        requires_python=metadata.get("requires-python", [None])[0],
        requires=tuple(metadata.get("requires-dist", ())),
        record=record,
        installer=files.get(f"{folder}/INSTALLER", b"").decode("utf-8", "replace").strip(),
        pure=None if pure is None else pure[0].lower() == "true",
        editable=editable,
        origin=origin,
    )


def _read_egg(folder: str, files: Mapping[str, bytes]) -> Distribution:
    """Read what setup.py left: a folder, or a file alone for what distutils installed."""
    stem = posixpath.basename(folder).removesuffix(_EGG)
    name, _, rest = stem.partition("-")
    metadata = _headers(files.get(f"{folder}/PKG-INFO", files.get(folder, b"")))
    return Distribution(
        name=metadata.get("name", [name])[0],
        version=metadata.get("version", [rest.partition("-py")[0]])[0],
        location=Location(PurePosixPath(folder)),
        requires_python=metadata.get("requires-python", [None])[0],
        requires=tuple(_egg_requires(files.get(f"{folder}/requires.txt", b""))),
    )


def _egg_requires(data: bytes) -> list[str]:
    """Return the lines of requires.txt as Requires-Dist has them.

    A section is `[extra]`, `[:marker]` or `[extra:marker]` (setuptools).
    """
    found: list[str] = []
    conditions: list[str] = []
    for line in map(str.strip, data.decode("utf-8", "replace").splitlines()):
        if line.startswith("[") and line.endswith("]"):
            extra, _, marker = line[1:-1].partition(":")
            conditions = [f"({marker})"] if marker else []
            conditions += [f'extra == "{extra}"'] if extra else []
        elif line and conditions:
            found.append(f"{line}; {' and '.join(conditions)}")
        elif line:
            found.append(line)
    return found


def _direct_url(data: bytes) -> tuple[bool, str]:
    """Return whether an install is editable, and the URL it came from (PEP 610)."""
    try:
        content = json.loads(data or b"{}")
    except (ValueError, RecursionError):
        return False, ""
    if not isinstance(content, dict):
        return False, ""
    info, url = content.get("dir_info"), content.get("url")
    editable = isinstance(info, dict) and info.get("editable") is True
    return editable, url if isinstance(url, str) else ""


def _headers(data: bytes) -> dict[str, list[str]]:
    """Return the header lines of an RFC 822 file, names in lower case."""
    headers: dict[str, list[str]] = {}
    # A line of blanks goes on with the header before it: licences have such lines.
    for line in data.decode("utf-8", "replace").replace("\r\n", "\n").split("\n"):
        if not line:
            break
        name, colon, value = line.partition(":")
        if colon and not line[0].isspace():
            headers.setdefault(name.strip().lower(), []).append(value.strip())
    return headers
