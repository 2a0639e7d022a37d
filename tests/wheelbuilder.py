"""Wheels as build backends write them, and what installers make of them: bytes only."""

from __future__ import annotations

import base64
import hashlib
import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.factories import write_zip

WHEEL: Final = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def record_line(path: str, content: bytes) -> str:
    """Return a line of RECORD (PEP 376)."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(content)}\n"


def wheel_members(name: str, version: str, files: Mapping[str, str | bytes]) -> dict[str, bytes]:
    """Return the members of a wheel, with its metadata and RECORD."""
    info = f"{name}-{version}.dist-info"
    members = {
        path: content.encode() if isinstance(content, str) else content
        for path, content in {
            **files,
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            f"{info}/WHEEL": WHEEL,
        }.items()
    }
    lines = [record_line(path, content) for path, content in members.items()]
    members[f"{info}/RECORD"] = "".join((*lines, f"{info}/RECORD,,\n")).encode()
    return members


def a_wheel(
    folder: Path,
    name: str,
    version: str,
    files: Mapping[str, str | bytes],
    *,
    tag: str = "py3-none-any",
) -> Path:
    """Write a wheel and return it."""
    folder.mkdir(exist_ok=True)
    return write_zip(folder / f"{name}-{version}-{tag}.whl", wheel_members(name, version, files))


def sha256(path: Path) -> str:
    """Return a file's hash as requirements files have it."""
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def installed(name: str, version: str, files: Mapping[str, str | bytes]) -> dict[str, bytes]:
    """Return what `pip install --target` makes of a wheel, path to content.

    Scripts go to bin/ with their own first line, data to the root; RECORD has
    `../../` before what does not lie among the packages.
    """
    info = f"{name}-{version}.dist-info"
    placed: dict[str, bytes] = {}
    lines: list[str] = []
    for path, content in wheel_members(name, version, files).items():
        if path == f"{info}/RECORD":
            continue
        place, line, body = path, path, content
        top, _, rest = path.partition("/")
        section, _, tail = rest.partition("/")
        if top.endswith(".data"):
            place = line = tail
            if section == "scripts":
                place = posixpath.join("bin", tail)
                body = content.replace(b"#!python", b"#!/usr/bin/python3", 1)
            if section not in ("purelib", "platlib"):
                line = f"../../{place}"
        placed[place] = body
        lines.append(record_line(line, body))
    placed[f"{info}/INSTALLER"] = b"pip\n"
    lines.append(record_line(f"{info}/INSTALLER", b"pip\n"))
    placed[f"{info}/RECORD"] = "".join((*lines, f"{info}/RECORD,,\n")).encode()
    return placed
