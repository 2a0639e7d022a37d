"""An image of the local container engine, by its reference."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager

from abicheck.artifacts._base import Limits
from abicheck.artifacts._image import ImageArtifact, image_of
from abicheck.artifacts._image._blobs import TarStore, spool
from abicheck.errors import ArtifactError, UsageError

_START = "start it, or save the image with an engine of yours and check the archive"


@contextmanager
def open_engine_image(
    reference: str, limits: Limits, *, architecture: str | None = None
) -> Iterator[ImageArtifact]:
    """Open the image that the local engine calls `reference`, as it saves it.

    Which engine that is, the environment says: `DOCKER_HOST`, or the socket at
    the usual place.  Raises `ArtifactError` where none answers or where it has
    no such image, and `UsageError` as `open_image` does, or for no name at all.
    """
    if not reference:
        reason = "docker:: the image's name is missing"
        raise UsageError(reason)
    # The engine has already chosen by name; what it saved may be called otherwise.
    image = image_of(_save(reference, limits), limits, architecture, None)
    if image is None:
        reason = f"docker:{reference}: what the engine saved is no image"
        raise ArtifactError(reason)
    try:
        yield image
    finally:
        image.close()


def _save(reference: str, limits: Limits) -> TarStore | None:
    import docker  # noqa: PLC0415 - slow to import, and only an engine's image needs it
    import requests  # noqa: PLC0415 - what docker's own client raises when a connection breaks

    try:
        with closing(docker.from_env()) as client:
            return spool(client.api.get_image(reference), limits)
    except docker.errors.NotFound as error:
        reason = f"docker:{reference}: the engine has no such image; pull or build it first"
        raise ArtifactError(reason) from error
    except docker.errors.APIError as error:
        reason = f"docker:{reference}: the engine refuses: {error.explanation or error}"
        raise ArtifactError(reason) from error
    except docker.errors.DockerException as error:
        where = os.environ.get("DOCKER_HOST", "its usual socket")
        reason = f"docker:{reference}: no engine answers at {where}; {_START}"
        raise ArtifactError(reason) from error
    except (OSError, requests.RequestException) as error:
        reason = f"docker:{reference}: the image was not received: {_first_line(error)}"
        raise ArtifactError(reason) from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
