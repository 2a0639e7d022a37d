"""Debian releases as targets: root file systems made by mmdebstrap, run as containers.

Three releases hold three glibcs and three CPythons.  The mirror is the one that this
machine's own apt uses.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

RELEASES: Final = {
    "bullseye": "glibc 2.31, CPython 3.9 (Debian 11)",
    "bookworm": "glibc 2.36, CPython 3.11 (Debian 12)",
    "trixie": "glibc 2.41, CPython 3.13 (Debian 13)",
}
_REPOSITORY: Final = "abicheck-oracle"


class MissingToolError(RuntimeError):
    """A program that makes or runs a target is not there."""


@dataclass(frozen=True, slots=True)
class Debian:
    """A release whose root file system is in a folder and in the engine as an image."""

    release: str
    root: Path
    image: str

    @property
    def title(self) -> str:
        """What its loader and its interpreter are."""
        return RELEASES[self.release]


def require_tools() -> None:
    """Raise `MissingToolError` where a target cannot be made or run here."""
    if os.name != "posix" or os.geteuid() != 0:
        reason = "mmdebstrap and the engine want root"
        raise MissingToolError(reason)
    for tool in ("mmdebstrap", "docker"):
        if shutil.which(tool) is None:
            reason = f"{tool} is not installed"
            raise MissingToolError(reason)
    asked = subprocess.run(["docker", "info"], capture_output=True, text=True, check=False)
    if asked.returncode != 0:
        reason = f"no engine answers: {asked.stderr.strip()}"
        raise MissingToolError(reason)


def make_root(release: str, shelf: Path) -> Path:
    """Return a release's root file system, made in `shelf` unless an earlier run has left it."""
    return _bootstrap(release, shelf / release, "--variant=minbase", "--include=python3")


def make(release: str, shelf: Path) -> Debian:
    """Return a release, made in `shelf`, and given to the engine."""
    root = make_root(release, shelf)
    image = f"{_REPOSITORY}:{release}"
    with subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE) as tar:
        subprocess.run(["docker", "import", "-", image], stdin=tar.stdout, check=True)
    if tar.returncode != 0:
        reason = f"tar: exit status {tar.returncode}"
        raise RuntimeError(reason)
    return Debian(release, root, image)


def unpack(release: str, root: Path, *packages: str) -> Path:
    """Return a root with packages and what they need, unpacked and not configured.

    That takes a third of the time: what a package does when it is installed, such as adding
    users, is not done.
    """
    return _bootstrap(
        release, root, "--variant=extract", f"--include=base-files,{','.join(packages)}"
    )


def _bootstrap(release: str, root: Path, *options: str) -> Path:
    if not root.exists():
        half = root.with_suffix(".half")  # whole or not there, whenever a run is ended
        shutil.rmtree(half, ignore_errors=True)
        _run(["mmdebstrap", "--quiet", *options, release, str(half), mirror()])
        half.rename(root)
    return root


def mirror() -> str:
    """Return the first Debian archive among apt's own sources."""
    listing = _run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(CREATED_BY)"])
    places = [line.split(" ")[0] for line in listing.splitlines() if line.endswith(" Packages")]
    main = [place for place in places if "security" not in place]
    if not main:
        reason = "apt has no sources to take a mirror from"
        raise MissingToolError(reason)
    return main[0]


def _run(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
