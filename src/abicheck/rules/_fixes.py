"""The one fix of a finding, ready to be pasted.

pip matches `--platform` tags exactly, so every manylinux tag up to the
target's glibc is listed; without `--upgrade` it leaves the wrong file in
place and reports success.  In an image pip is its own, and knows what fits it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from abicheck.model import ArtifactKind, Case, Distribution, Location, TargetProfile

_FOLDER: Final = "BUILD_DIR"
_INDENT: Final = " \\\n  "
_PER_LINE = 3
_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")  # PEP 508
_VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]*")

# Distributions that ask for a library of the build machine, and what to install instead.
# They share their release numbers.
REPLACEMENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "opencv-python": "opencv-python-headless",
        "opencv-contrib-python": "opencv-contrib-python-headless",
        "psycopg2": "psycopg2-binary",
        "psycopg-c": "psycopg-binary",
    }
)


def owner(case: Case, place: Location) -> Distribution | None:
    """Return the distribution that brought a file of the artifact."""
    return case.owners.get(place)


def reinstall(case: Case, place: Location) -> str:
    """Return the command that puts the right build of a file's distribution in place."""
    distribution = owner(case, place)
    # METADATA is the artifact's, and what is printed here is pasted into a shell.
    if distribution is None or not _NAME.fullmatch(distribution.name):
        return build_in_image(case.profile)
    return _pip(case, _exactly(distribution.name, distribution.version), distribution)


def install(case: Case, requirement: str) -> str:
    """Return the command that adds what a requirement without marker asks for."""
    return _pip(case, shlex.quote(requirement) if requirement.isprintable() else "REQUIREMENT")


def replace(case: Case, place: Location) -> str | None:
    """Return the command that installs a distribution's self-contained relative, if any."""
    distribution = owner(case, place)
    if distribution is None:
        return None
    other = REPLACEMENTS.get(distribution.name.lower().replace("_", "-"))
    if other is None:
        return None
    return _pip(case, _exactly(other, distribution.version), distribution)


def build_in_image(profile: TargetProfile) -> str:
    """Return the command that builds the project in the target's own image."""
    if not profile.image:
        where = f"on {profile.os}, with CPython {profile.interpreter.dotted}"
        return f"pip install --upgrade --target {_FOLDER} .  # {where}"
    platform = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}[profile.machine]
    return (
        f'docker run --rm --platform {platform} -v "$PWD":/src -w /src --entrypoint pip'
        f"{_INDENT}{profile.image} install --upgrade --target {_FOLDER} ."
    )


def ship_library(case: Case, soname: str) -> str:
    """Return how a library gets to where LD_LIBRARY_PATH looks in a function."""
    if not soname.isprintable():
        return build_in_image(case.profile)  # no name of a library that anybody has
    if case.inventory.kind is ArtifactKind.WHEEL:
        return "auditwheel repair WHEEL  # copies what the wheel needs into it"
    file = shlex.quote(soname)
    return f"mkdir -p {_FOLDER}/lib && cp -- {file} {_FOLDER}/lib/  # built for {case.profile.os}"


def _exactly(name: str, version: str) -> str:
    return f"{name}=={version}" if _VERSION.fullmatch(version) else name


def _pip(case: Case, wanted: str, instead_of: Distribution | None = None) -> str:
    profile = case.profile
    if case.inventory.kind is ArtifactKind.IMAGE:
        folder = "" if instead_of is None else f"/{instead_of.location.path.parent}"
        target = f" --target {shlex.quote(folder)}" if folder.isprintable() and folder else ""
        return f"RUN pip install --upgrade --no-deps --only-binary=:all:{target}{_INDENT}{wanted}"
    if case.inventory.kind is ArtifactKind.WHEEL:
        verb = "pip download --no-deps"
    else:
        # Up to 24.1 pip held Requires-Python against the Python that runs it,
        # whatever --python-version says; the wheel's own tag is what counts.
        verb = f"pip install --upgrade --no-deps --ignore-requires-python --target {_FOLDER}"
    options = [f"--platform {tag}" for tag in profile.wheel_platforms]
    return _INDENT.join(
        (
            verb,
            f"--only-binary=:all: --python-version {profile.interpreter.dotted}",
            *(" ".join(options[i : i + _PER_LINE]) for i in range(0, len(options), _PER_LINE)),
            wanted,
        )
    )
