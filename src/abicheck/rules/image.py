"""ABI8xx: what Lambda demands of an image's manifest, configuration and layers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from abicheck.model import Case, Compression, Fault, ImageFacts, Irregular, Location, Severity
from abicheck.rules._rule import rule

_WHOLE: Final = Location(PurePosixPath())
_LARGEST: Final = 10 << 30
_MANIFESTS: Final = frozenset(
    {
        "",  # Docker's old form states none; what pushes it will
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
    }
)
_DOCKER: Final = "application/vnd.docker.distribution.manifest.v2+json"
_DOCKER_LAYER: Final = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_LAYERS: Final = frozenset(
    {
        "",
        _DOCKER_LAYER,
        "application/vnd.oci.image.layer.v1.tar",
        "application/vnd.oci.image.layer.v1.tar+gzip",
    }
)
# What the words of a media type promise; None where they promise nothing.
_PROMISES: Final = (
    ("gzip", Compression.GZIP),
    ("zstd", Compression.ZSTD),
    ("tar", Compression.NONE),
)
_NOT_SUPPORTED: Final = (
    "The image manifest, config or layer media type for the source image * is not supported."
)
_NO_ATTESTATIONS: Final = (
    "docker buildx build --platform linux/amd64 --provenance=false --sbom=false ...",
    "set BUILDX_NO_DEFAULT_ATTESTATIONS=1",
)


def _image(case: Case) -> Iterator[ImageFacts]:
    """Yield the image, where the artifact is one."""
    if case.inventory.image is not None:
        yield case.inventory.image


@rule(
    "ABI801",
    Severity.ERROR,
    "the image is an index of several",
    explanation="Lambda takes one image manifest and no index (manifest list).  BuildKit adds an "
    "attestation of provenance, an entry for the platform unknown/unknown, and makes an index of "
    "every image by that.",
    messages=(
        _NOT_SUPPORTED,
        "The image manifest or layer media type for the source image * is not supported.",
    ),
    causes=(
        "buildx with its default attestations",
        "an image for several platforms",
        "the containerd image store",
    ),
    fixes=_NO_ATTESTATIONS,
)
def image_index(case: Case) -> Iterator[Fault]:
    """What is pushed must be one image manifest."""
    for image in _image(case):
        attestations = [child for child in image.children if child.attestation]
        others = [child for child in image.children if not child.attestation]
        if image.index or attestations:
            parts = [f"{len(attestations)} attestations"] if len(attestations) > 1 else []
            parts += ["an attestation"] if len(attestations) == 1 else []
            parts += [str(child.platform) or child.digest for child in others]
            alone = "" if parts else ", of this image alone"
            yield Fault(
                _WHOLE,
                f"an index stands above the image{alone}"
                + (f", with {', '.join(parts)} besides" if parts else ""),
                subject="index",
                why="Lambda takes a single image manifest",
                evidence=tuple(child.digest for child in image.children),
                fix=_NO_ATTESTATIONS[0].replace("amd64", image.config.platform.architecture),
            )


@rule(
    "ABI802",
    Severity.ERROR,
    "a manifest or layer in a form that Lambda does not take",
    explanation="Lambda takes Docker's manifest of version 2, schema 2, with gzip layers, and OCI "
    "manifests with plain or gzip layers.  A plain layer under Docker's manifest is refused, and "
    "so is a layer that lies with somebody else.  No document of Lambda's accepts zstd.",
    messages=("UnsupportedImageLayerDetected - Layer Digest *", _NOT_SUPPORTED),
    causes=("a build tool that mixes Docker's and OCI's media types", "zstd compression"),
    fixes=(
        "write OCI media types: buildx --output type=image,oci-mediatypes=true,compression=gzip",
    ),
)
def unsupported_media_type(case: Case) -> Iterator[Fault]:
    """Manifest and layers have media types that Lambda documents."""
    for image in _image(case):
        if image.media_type not in _MANIFESTS:
            yield Fault(_WHOLE, f"a manifest of type {image.media_type}", subject=image.media_type)
        for layer in image.layers:
            where = Location(PurePosixPath(), layer.diff_id)
            kind = layer.media_type
            refused = kind not in _LAYERS or (
                image.media_type == _DOCKER and kind not in {"", _DOCKER_LAYER}
            )
            is_zstd = layer.compression is Compression.ZSTD or kind.endswith("zstd")
            if is_zstd:
                yield Fault(
                    where,
                    f"layer {layer.index} is compressed with zstd",
                    subject=str(layer.index),
                    why="no document of Lambda's accepts it, and none refuses it",
                    severity=Severity.WARNING,
                )
            elif refused:
                yield Fault(
                    where, f"layer {layer.index} is of type {kind}", subject=str(layer.index)
                )
            elif kind and layer.compression not in {None, _promise(kind)}:
                found = "plain" if layer.compression is Compression.NONE else layer.compression
                yield Fault(
                    where,
                    f"layer {layer.index} is of type {kind}, and its bytes are {found}",
                    subject=str(layer.index),
                    why="local engines look at the bytes, registries at the type",
                    severity=Severity.WARNING,
                )


def _promise(media_type: str) -> Compression | None:
    return next((packed for word, packed in _PROMISES if media_type.endswith(word)), None)


@rule(
    "ABI803",
    Severity.ERROR,
    "a file comes before its folder",
    explanation="Lambda unpacks layers strictly: the folder of every entry must have come before "
    "it, in the same layer or a lower one.  Docker makes the folder and says nothing.",
    messages=("InvalidImage: MissingParentDirectory: Parent directory does not exist for file: *",),
    causes=("layers written by bazel rules or by a script", "a tar of files without their folders"),
    fixes=("add the folders to the tar, each before what is in it",),
)
def missing_parent_directory(case: Case) -> Iterator[Fault]:
    """Parents come before children."""
    for image in _image(case):
        seen: set[int] = set()
        for index, name in image.orphans:
            if index not in seen:
                seen.add(index)
                yield Fault(
                    Location(PurePosixPath(name), image.layers[index].diff_id),
                    f"layer {index} has no entry for {PurePosixPath(name).parent} before it",
                    subject=str(index),
                    evidence=tuple(other for layer, other in image.orphans if layer == index),
                )


@rule(
    "ABI804",
    Severity.ERROR,
    "an image for another platform",
    explanation="The image's configuration names one operating system and one architecture.  The "
    "function must have the same; an image that was built on another machine runs nothing.",
    messages=(
        "fork/exec *: exec format error",
        "Runtime.InvalidEntrypoint",
    ),
    causes=("built on Apple Silicon or an Arm runner for an x86_64 function", "the reverse"),
    fixes=("docker buildx build --platform linux/amd64 ...", "choose arm64 for the function"),
)
def wrong_image_platform(case: Case) -> Iterator[Fault]:
    """Image and function run on the same machine."""
    for image in _image(case):
        platform = image.config.platform
        if not platform.architecture:
            continue  # the configuration could not be read, and another rule says so
        if platform.os not in {"linux", ""} or platform.architecture != image.architecture:
            yield Fault(
                _WHOLE,
                f"built for {platform}; the function runs on linux/{image.architecture}",
                subject="platform",
                fix=f"docker buildx build --platform linux/{image.architecture} ...",
            )


@rule(
    "ABI807",
    Severity.WARNING,
    "a base image without a digest",
    explanation="A tag moves: what is built tomorrow from the same Dockerfile may have another "
    "libc, other libraries, another interpreter.",
    causes=("FROM names a tag, or nothing but a repository",),
    fixes=("FROM public.ecr.aws/lambda/python:3.13@sha256:...",),
)
def base_not_pinned(case: Case) -> Iterator[Fault]:
    """A base image is named by its digest."""
    for image in _image(case):
        for name in image.floating:
            yield Fault(_WHOLE, f"FROM {name} has no @sha256:", subject=name)


@rule(
    "ABI808",
    Severity.ERROR,
    "the image is larger than Lambda takes",
    explanation="All layers together, uncompressed, may be 10 GiB.  What a later layer deletes "
    "counts as well.",
    messages=(
        "InvalidImage(SizeLimitExceeded: Uncompressed container image size exceeds 10 GiB limit)",
    ),
    causes=("CUDA libraries for a processor that has no GPU", "build tools left in a layer"),
    fixes=("build in one stage and copy the result into another: multi-stage builds",),
)
def image_too_large(case: Case) -> Iterator[Fault]:
    """An image fits into Lambda's limit."""
    for image in _image(case):
        if image.unpacked > _LARGEST:
            largest = max(image.layers, key=lambda layer: layer.size)
            yield Fault(
                Location(PurePosixPath(), largest.diff_id),
                f"{image.unpacked:,} bytes unpacked; Lambda takes {_LARGEST:,}",
                subject="size",
            )


def _broken(case: Case, kind: Irregular) -> Iterator[Fault]:
    for irregularity in case.inventory.irregularities:
        if irregularity.kind is kind:
            subject = irregularity.location.layer
            yield Fault(irregularity.location, irregularity.detail, subject=subject)


@rule(
    "ABI812",
    Severity.ERROR,
    "a part of the image is not what its digest says",
    explanation="Manifest, configuration and layers are named by the SHA-256 of their bytes, a "
    "layer also by that of its uncompressed tar.  Engines and registries refuse what differs.",
    messages=("filesystem layer verification failed for digest *",),
    causes=("an archive that was edited or damaged", "a tool that writes wrong diff ids"),
    fixes=("save the image again",),
)
def wrong_digest(case: Case) -> Iterator[Fault]:
    """Digests are those of the bytes."""
    yield from _broken(case, Irregular.WRONG_DIGEST)


@rule(
    "ABI813",
    Severity.ERROR,
    "a part of the image is not in the archive",
    explanation="The archive names a layer, a configuration or a manifest that it does not hold: "
    "of what is in it nothing is known.",
    causes=(
        "an archive of several platforms of which the engine had only one",
        "foreign layers, which are never saved",
        "a folder that was copied in part",
    ),
    fixes=(
        "pull the image for one platform and save it again: docker pull --platform linux/amd64",
    ),
)
def missing_blob(case: Case) -> Iterator[Fault]:
    """An archive holds all that it names."""
    yield from _broken(case, Irregular.MISSING_BLOB)


RULES: Final = (
    image_index,
    unsupported_media_type,
    missing_parent_directory,
    wrong_image_platform,
    base_not_pinned,
    image_too_large,
    wrong_digest,
    missing_blob,
)
