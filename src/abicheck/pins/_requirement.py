"""One requirement, as pip takes it: by name, by URL, as a file or a folder."""

from __future__ import annotations

import re
import tomllib
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from packaging.markers import InvalidMarker, Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

from abicheck.errors import UsageError
from abicheck.model import Pin, Site
from abicheck.pins._markers import require_sense

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

_SCHEME: Final = re.compile(r"(?:https?|ftp|file|(?:git|hg|svn|bzr)(?:\+[a-z]+)?):", re.IGNORECASE)
_EXTRAS: Final = re.compile(r"(.+)\[([^\]]*)\]")
_FRAGMENT_HASH: Final = re.compile(r"(sha256|sha384|sha512)=([0-9a-fA-F]+)")
_EGG: Final = re.compile(r"[#&]egg=([A-Za-z0-9][A-Za-z0-9._-]*)")
_ARCHIVES: Final = (".whl", ".zip", ".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tbz", ".tar.xz")
_LARGEST: Final = 4 << 20  # bytes of a pyproject.toml


def read_requirement(text: str, site: Site, base: Path, *, editable: bool = False) -> Pin:
    """Return what one requirement pins; `base` is the folder that local ones may be in.

    Raises `UsageError` where pip would not take it.
    """
    if _is_link(text) or (editable and not _is_direct(text)):
        return _of_link(text, site, base)
    try:
        found = Requirement(text)
    except (InvalidRequirement, RecursionError) as error:  # a marker of a thousand parentheses
        reason = f"{site}: {str(error).splitlines()[0]}: {text}"
        raise UsageError(reason) from error
    name = canonicalize_name(found.name)
    marker = require_sense(found.marker, str(site))
    extras = frozenset(canonicalize_name(extra) for extra in found.extras)
    if found.url is not None:
        version = _release(found.url)[1]
        return Pin(
            name,
            text,
            site,
            specifier=f"=={version}" if version else "",
            exact=True,
            extras=extras,
            marker=marker,
            url=found.url,
            hashes=_fragment_hashes(found.url),
        )
    specifier = found.specifier
    return Pin(name, text, site, str(specifier), _is_exact(specifier), extras=extras, marker=marker)


def _is_exact(specifier: SpecifierSet) -> bool:
    """Whether a specifier admits one version only, local parts apart."""
    return any(
        each.operator == "===" or (each.operator == "==" and not each.version.endswith(".*"))
        for each in specifier
    )


def _is_direct(text: str) -> bool:
    """Whether a requirement is of the form `name @ url`."""
    name, at, _ = text.partition("@")
    return bool(at) and not _looks_like_path(name)


def _is_link(text: str) -> bool:
    if _SCHEME.match(text):
        return True
    if _is_direct(text):
        return False
    bare = text.partition(";")[0].strip()
    bare = bare.partition("#")[0].partition("[")[0]
    return _looks_like_path(bare) or bare.lower().endswith(_ARCHIVES)


def _looks_like_path(text: str) -> bool:
    return "/" in text or "\\" in text or text.startswith(".")


def _of_link(text: str, site: Site, base: Path) -> Pin:
    """Return what a URL, a file or a folder pins; its own name says which distribution it is."""
    # In a URL the semicolon may be part of a path; the blank tells.
    link, _, condition = text.partition("; " if _SCHEME.match(text) else ";")
    link = link.strip()
    extras: frozenset[str] = frozenset()
    with_extras = _EXTRAS.fullmatch(link)
    if with_extras is not None:
        link = with_extras[1].strip()
        names = (name.strip() for name in with_extras[2].split(","))
        extras = frozenset(canonicalize_name(name) for name in names if name)
    try:
        marker = Marker(condition) if condition.strip() else None
    except (InvalidMarker, RecursionError) as error:
        reason = f"{site}: {str(error).splitlines()[0]}: {text}"
        raise UsageError(reason) from error
    egg = _EGG.search(link)
    name, version = _release(link)
    if egg is not None:
        name = canonicalize_name(egg[1])
    elif not name and not _SCHEME.match(link):
        name = _project_name(link, base)
    return Pin(
        name,
        text,
        site,
        specifier=f"=={version}" if version else "",
        exact=True,
        extras=extras,
        marker=require_sense(marker, str(site)),
        url=link,
        hashes=_fragment_hashes(link),
    )


def _release(link: str) -> tuple[str, str]:
    """Return the name and the version that an archive's file name tells, or two empty texts."""
    path = link.partition("#")[0].partition("?")[0].replace("\\", "/")
    file = urllib.parse.unquote(path.rstrip("/").rpartition("/")[2])
    try:
        if file.endswith(".whl"):
            name, version, *_ = parse_wheel_filename(file)
        else:
            name, version = parse_sdist_filename(file)
    except (InvalidWheelFilename, InvalidSdistFilename):
        return "", ""
    return name, str(version)


def _fragment_hashes(link: str) -> frozenset[str]:
    fragment = link.partition("#")[2]
    return frozenset(f"{m[1]}:{m[2].lower()}" for m in _FRAGMENT_HASH.finditer(fragment))


def _project_name(link: str, base: Path) -> str:
    """Return the name that a local folder's pyproject.toml gives its project, or an empty text.

    pip looks from the current folder, the tools that write requirements files
    mean their own.
    """
    for folder in (Path(), base):
        file = folder / link / "pyproject.toml"
        try:
            if not file.is_file() or file.stat().st_size > _LARGEST:
                continue
            project = tomllib.loads(file.read_text(encoding="utf-8")).get("project")
        except (OSError, ValueError, RecursionError):
            continue  # pip would fail to build it, and the name stays unknown
        name = project.get("name") if isinstance(project, dict) else None
        if isinstance(name, str):
            return canonicalize_name(name)
    return ""
