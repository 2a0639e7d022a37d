"""Distributions as pip left them: `*.dist-info` with METADATA, WHEEL and RECORD."""

from __future__ import annotations

import csv
import posixpath
from collections.abc import Mapping
from pathlib import PurePosixPath

from abicheck.model import Distribution, Location

_FILES = ("METADATA", "WHEEL", "RECORD")


def is_metadata(name: str) -> bool:
    """Whether a member is one of the files that describe a distribution."""
    folder, _, file = name.rpartition("/")
    return file in _FILES and folder.endswith(".dist-info")


def read_distributions(files: Mapping[str, bytes]) -> tuple[Distribution, ...]:
    """Return the distributions that `files` describe, member name to content, sorted.

    A folder without a readable METADATA is named by its own name, as
    `NAME-VERSION.dist-info` (binary distribution format, PyPA).
    """
    folders = sorted({name.rpartition("/")[0] for name in files})
    return tuple(_read(folder, files) for folder in folders)


def _read(folder: str, files: Mapping[str, bytes]) -> Distribution:
    stem = posixpath.basename(folder).removesuffix(".dist-info")
    name, _, version = stem.partition("-")
    metadata = _headers(files.get(f"{folder}/METADATA", b""))
    wheel = _headers(files.get(f"{folder}/WHEEL", b""))
    return Distribution(
        name=metadata.get("name", [name])[0],
        version=metadata.get("version", [version])[0],
        location=Location(PurePosixPath(folder)),
        tags=tuple(wheel.get("tag", ())),
        files=_record(files.get(f"{folder}/RECORD", b""), posixpath.dirname(folder)),
        requires_python=metadata.get("requires-python", [None])[0],
        requires=tuple(metadata.get("requires-dist", ())),
    )


def _headers(data: bytes) -> dict[str, list[str]]:
    """Return the header lines of an RFC 822 file, names in lower case."""
    headers: dict[str, list[str]] = {}
    for line in data.decode("utf-8", "replace").splitlines():
        if not line.strip():
            break
        name, colon, value = line.partition(":")
        if colon and not line[0].isspace():
            headers.setdefault(name.strip().lower(), []).append(value.strip())
    return headers


def _record(data: bytes, root: str) -> frozenset[str]:
    """Return the paths that RECORD lists, as member names of the artifact."""
    lines = data.decode("utf-8", "replace").splitlines()
    try:
        rows = list(csv.reader(lines))
    except csv.Error:  # a field beyond csv's limit: no RECORD that pip wrote
        return frozenset()
    return frozenset(posixpath.normpath(posixpath.join(root, row[0])) for row in rows if row)
