"""Open a container and yield its members: ZIP, wheel, folder, object, container image.

What an artifact is, is told by its content.  Nothing is ever extracted, no
link of the checking machine is followed out of a folder, and every member is
read once, in parallel where the interpreter lock is released.
"""

from abicheck.artifacts._base import DEFAULT_LIMITS, Artifact, Limits, Member
from abicheck.artifacts._engine import open_engine_image
from abicheck.artifacts._image import ImageArtifact, open_image
from abicheck.artifacts._open import open_artifact
from abicheck.artifacts._source import is_no_path, open_source

__all__ = [
    "DEFAULT_LIMITS",
    "Artifact",
    "ImageArtifact",
    "Limits",
    "Member",
    "is_no_path",
    "open_artifact",
    "open_engine_image",
    "open_image",
    "open_source",
]
