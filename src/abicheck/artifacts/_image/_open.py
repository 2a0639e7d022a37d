"""Open an image: from an archive, a folder, or a stream."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from abicheck.artifacts._base import Limits
from abicheck.artifacts._image._artifact import ImageArtifact
from abicheck.artifacts._image._blobs import BlobStore, FolderStore, open_stream, open_tar
from abicheck.artifacts._image._layout import Candidate, Layout, read_layout
from abicheck.artifacts._image._select import select
from abicheck.errors import ArtifactError, UsageError
from abicheck.model import ImageConfig, Irregular, Irregularity, Location


@contextmanager
def open_image(
    source: Path | IO[bytes],
    limits: Limits,
    *,
    architecture: str | None = None,
    reference: str | None = None,
) -> Iterator[ImageArtifact]:
    """Open the image that is saved at a path, or comes through a stream.

    Raises `UsageError` where there is nothing at the path, or where
    `architecture` (`x86_64`, `arm64`) and `reference` do not name one image of
    several; `ArtifactError` where the source cannot be read or is no image.
    """
    if isinstance(source, Path):
        if not source.exists():
            reason = f"{source}: no such file or folder"
            raise UsageError(reason)
        image = find_image(source, limits, architecture, reference)
    else:
        image = image_of(open_stream(source, limits), limits, architecture, reference)
    if image is None:
        name = source if isinstance(source, Path) else "the stream"
        reason = f"{name}: no container image; `docker save`, buildx, podman and skopeo write one"
        raise ArtifactError(reason)
    try:
        yield image
    finally:
        image.close()


def find_image(
    path: Path, limits: Limits, architecture: str | None, reference: str | None
) -> ImageArtifact | None:
    """Return the image saved at a path; None where there is something else."""
    store: BlobStore | None = FolderStore(path) if path.is_dir() else open_tar(path, limits)
    return image_of(store, limits, architecture, reference)


def image_of(
    store: BlobStore | None, limits: Limits, architecture: str | None, reference: str | None
) -> ImageArtifact | None:
    """Return the image of a store; None, and the store closed, where it holds none.

    An archive that was cut off before it says what it holds is an image without layers.
    """
    if store is None:
        return None
    try:
        layout = read_layout(store)
        if not layout.recognised and not store.faults:
            store.close()
            return None
        image = Candidate(ImageConfig(), ())
        if layout.images:
            image = select(layout.images, architecture, reference)
    except BaseException:
        store.close()
        raise
    return ImageArtifact(store, image, limits, _irregularities(store, layout))


def _irregularities(store: BlobStore, layout: Layout) -> list[Irregularity]:
    whole = Location(PurePosixPath())
    found = [Irregularity(fault.kind, whole, fault.detail) for fault in store.faults]
    found += [Irregularity(fault.kind, whole, fault.detail) for fault in layout.faults]
    if not layout.images and not found:
        missing = [child for child in layout.absent if not child.attestation]
        if missing:
            names = ", ".join(
                f"{child.digest} ({child.platform})" if str(child.platform) else child.digest
                for child in missing
            )
            detail = f"listed, and not in the archive: {names}"
            found.append(Irregularity(Irregular.MISSING_BLOB, whole, detail))
        else:
            detail = "the archive holds no image"
            found.append(Irregularity(Irregular.EMPTY_ARCHIVE, whole, detail))
    return found
