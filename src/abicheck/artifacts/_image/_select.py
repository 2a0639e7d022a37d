"""The one image of an archive that is meant: by reference, by architecture, or the only one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from abicheck.artifacts._image._layout import Candidate
from abicheck.errors import UsageError
from abicheck.model import ImageConfig

# Go's names for what the kernel and Lambda call otherwise.
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}
_SHORTEST_ID: Final = 12


def select(
    images: Sequence[Candidate], architecture: str | None, reference: str | None
) -> Candidate:
    """Return the image that `reference` and `architecture` name, or the only one.

    The only image is taken whatever its architecture: that it is the wrong one
    is a finding.  A reference is held against every spelling: `python:3.13` is
    `docker.io/library/python:3.13`, and a digest or the beginning of an image's
    id will do.  Raises `UsageError` with a list where none or several are left.
    """
    found = [image for image in images if reference is None or _is_called(image.config, reference)]
    if not found:
        reason = f"no image is called {reference}; what is there: {_listing(images)}"
        raise UsageError(reason)
    if len(found) == 1:
        return found[0]
    if architecture is None:
        reason = f"several images; name one by its reference or architecture: {_listing(found)}"
        raise UsageError(reason)
    wanted = _ARCHITECTURES.get(architecture, architecture)
    fitting = [
        image
        for image in found
        if image.config.platform.architecture == wanted
        and image.config.platform.os in {"linux", ""}
    ]
    if len(fitting) != 1:
        how_many = "several images" if fitting else "no image"
        listing = _listing(fitting or found)
        reason = f"{how_many} for {architecture}; name one by its reference: {listing}"
        raise UsageError(reason)
    return fitting[0]


def _is_called(config: ImageConfig, reference: str) -> bool:
    if reference in {config.id, config.digest}:
        return True
    text = reference.removeprefix("sha256:")
    if len(text) >= _SHORTEST_ID and (config.id or "").removeprefix("sha256:").startswith(text):
        return True
    _, at, digest = reference.partition("@")
    if at:
        return digest in {config.digest, config.id}
    wanted = _spelled_out(reference)
    return any(name == reference or _spelled_out(name) == wanted for name in config.names)


def _spelled_out(name: str) -> str:
    """Return a reference without what may be left out of it, and with its tag."""
    name = name.removeprefix("docker.io/").removeprefix("library/")
    name = name.removeprefix("localhost/")  # podman's own, for what was built here
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def _listing(images: Sequence[Candidate]) -> str:
    lines = [
        f"{', '.join(image.config.names) or 'without a name'} "
        f"({image.config.platform}, {(image.config.digest or image.config.id or '')[:19]})"
        for image in images
    ]
    return "; ".join(lines)
