"""pylock.toml (PEP 751), read by packaging's own reader."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Final

from packaging.pylock import Package, Pylock, PylockValidationError

from abicheck.errors import UsageError
from abicheck.model import LockFile, Pin, Site
from abicheck.pins._markers import require_sense

_PACKAGE: Final = re.compile(r"\s*\[\[\s*packages\s*\]\]")
_STRONG: Final = ("sha256", "sha384", "sha512")


def read_pylock(path: Path) -> tuple[Pin, ...]:
    """Return the packages of a lock file, in order; raises `UsageError` where it is none."""
    try:
        text = path.read_text(encoding="utf-8")
        table: dict[str, Any] = tomllib.loads(text)
        lock = Pylock.from_dict(table)
    except OSError as error:
        reason = f"{path}: {error.strerror or error}"
        raise UsageError(reason) from error
    except (PylockValidationError, RecursionError, ValueError) as error:
        reason = f"{path}: not a lock file of PEP 751: {error}"
        raise UsageError(reason) from error
    file = LockFile(
        path.as_posix(),
        str(lock.requires_python or ""),
        tuple(require_sense(each, str(path)) for each in lock.environments or ()),
        frozenset(lock.extras or ()),
        frozenset(lock.dependency_groups or ()),
        frozenset(lock.default_groups or ()),
    )
    lines = [n for n, line in enumerate(text.split("\n"), start=1) if _PACKAGE.match(line)]
    places = lines if len(lines) == len(lock.packages) else [1] * len(lock.packages)
    return tuple(
        _pin(package, Site(PurePosixPath(path.as_posix()), place), file)
        for package, place in zip(lock.packages, places, strict=True)
    )


def _pin(package: Package, site: Site, lock: LockFile) -> Pin:
    version = str(package.version) if package.version is not None else ""
    return Pin(
        package.name,
        f"{package.name}=={version}" if version else package.name,
        site,
        specifier=f"=={version}" if version else "",
        exact=True,
        marker=require_sense(package.marker, str(site), locked=True),
        hashes=frozenset(_hashes(package)),
        lock=lock,
    )


def _hashes(package: Package) -> Iterator[str]:
    archives = (*(package.wheels or ()), package.sdist, package.archive)
    for archive in archives:
        for algorithm, digest in (archive.hashes if archive is not None else {}).items():
            if algorithm in _STRONG:
                yield f"{algorithm}:{digest.lower()}"
