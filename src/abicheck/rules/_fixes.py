"""The one fix of a finding, ready to be pasted.

pip matches `--platform` tags exactly, so every manylinux tag up to the
target's glibc is listed; without `--upgrade` it leaves the wrong file in
place and reports success.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Final

from abicheck.model import ArtifactKind, Case, Distribution, TargetProfile

_FOLDER: Final = "BUILD_DIR"
_INDENT: Final = " \\\n  "
_PER_LINE = 3
_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")  # PEP 508
_VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]*")

# Distributions that ask for a library of the build machine, and what to install instead.
REPLACEMENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "opencv-python": "opencv-python-headless",
        "opencv-contrib-python": "opencv-contrib-python-headless",
        "psycopg2": "psycopg2-binary",
        "psycopg": "psycopg[binary]",
        "psycopg-c": "psycopg[binary]",
        "mysqlclient": "PyMySQL",
    }
)


def owner(case: Case, path: PurePosixPath) -> Distribution | None:
    """Return the distribution that brought the file at an artifact path."""
    return case.owners.get(path)


def reinstall(case: Case, path: PurePosixPath) -> str:
    """Return the command that puts the right build of a file's distribution in place."""
    distribution = owner(case, path)
    profile = case.profile
    # METADATA is the artifact's, and what is printed here is pasted into a shell.
    if distribution is None or not _NAME.fullmatch(distribution.name):
        return build_in_image(profile)
    requirement = distribution.name
    if _VERSION.fullmatch(distribution.version):
        requirement += f"=={distribution.version}"
    if case.inventory.kind is ArtifactKind.WHEEL:
        return _pip(profile, "download --no-deps", requirement)
    return _pip(profile, f"install --upgrade --no-deps --target {_FOLDER}", requirement)


def replace(case: Case, path: PurePosixPath) -> str | None:
    """Return the command that installs a distribution's self-contained relative, if any."""
    distribution = owner(case, path)
    other = REPLACEMENTS.get(distribution.name.lower().replace("_", "-")) if distribution else None
    if other is None:
        return None
    return _pip(case.profile, f"install --upgrade --no-deps --target {_FOLDER}", f"'{other}'")


def build_in_image(profile: TargetProfile) -> str:
    """Return the command that builds the project in the target's own image."""
    platform = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}[profile.machine]
    return (
        f'docker run --rm --platform {platform} -v "$PWD":/src -w /src --entrypoint pip'
        f"{_INDENT}{profile.image} install --upgrade --target {_FOLDER} ."
    )


def ship_library(case: Case, soname: str) -> str:
    """Return how a library gets to where LD_LIBRARY_PATH looks in a function."""
    if case.inventory.kind is ArtifactKind.WHEEL:
        return "auditwheel repair WHEEL  # copies what the wheel needs into it"
    file = shlex.quote(soname)
    return f"mkdir -p {_FOLDER}/lib && cp -- {file} {_FOLDER}/lib/  # built for {case.profile.os}"


def _pip(profile: TargetProfile, verb: str, requirement: str) -> str:
    options = [f"--platform {tag}" for tag in profile.wheel_platforms]
    lines = [" ".join(options[i : i + _PER_LINE]) for i in range(0, len(options), _PER_LINE)]
    first = f"pip {verb} --only-binary=:all: --python-version {profile.interpreter.dotted}"
    return _INDENT.join((first, *lines, requirement))
