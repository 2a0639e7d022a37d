"""Open a container and yield its members: ZIP, wheel, folder, object, container image.

What an artifact is, is told by its content.  Nothing is ever extracted, no
link of the checking machine is followed out of a folder, and every member is
read once, in parallel where the interpreter lock is released.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

from abicheck.artifacts._base import DEFAULT_LIMITS, Artifact, Limits, Member
from abicheck.artifacts._open import open_artifact
from abicheck.artifacts._source import ENGINE, is_no_path, open_source
from abicheck.model import ArtifactKind

if TYPE_CHECKING:
    from abicheck.artifacts._engine import open_engine_image
    from abicheck.artifacts._image import ImageArtifact, open_image

__all__ = [
    "DEFAULT_LIMITS",
    "ENGINE",
    "Artifact",
    "ImageArtifact",
    "Limits",
    "Member",
    "is_image",
    "is_no_path",
    "open_artifact",
    "open_engine_image",
    "open_image",
    "open_source",
]

_HOMES = {
    "ImageArtifact": "abicheck.artifacts._image",
    "open_engine_image": "abicheck.artifacts._engine",
    "open_image": "abicheck.artifacts._image",
}


def is_image(artifact: Artifact) -> TypeGuard[ImageArtifact]:
    """Whether an artifact is a container image."""
    return artifact.kind is ArtifactKind.IMAGE


if not TYPE_CHECKING:  # a type checker would take any name for granted

    def __getattr__(name: str) -> object:
        """Import what reads images when it is asked for: other artifacts need none of it."""
        if name not in _HOMES:
            message = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(message)
        from importlib import import_module  # noqa: PLC0415

        return getattr(import_module(_HOMES[name]), name)
