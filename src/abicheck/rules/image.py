"""ABI8xx: what Lambda demands of a container image, whatever is in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Final

from abicheck.model import Case, Compression, Fault, ImageFacts, Irregular, Location, Severity
from abicheck.rules._rule import rule

_WHOLE: Final = Location(PurePosixPath())
_LARGEST: Final = 10 << 30
_SHOWN: Final = 3  # names in a message; the evidence has them all
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
    "ABI805",
    Severity.ERROR,
    "the entry point cannot be run",
    explanation="Lambda runs ENTRYPOINT, or CMD where there is none, as a user without privileges. "
    "It asks for an absolute path; a name that is looked up in PATH, and a link, work as long as "
    "they lead to a file that everybody may execute.",
    messages=(
        "fork/exec *: no such file or directory",
        "fork/exec *: permission denied",
        'exec: "*": executable file not found in $PATH',
        "The Lambda function's runtime entrypoint path isn't valid. *",
        "Runtime.InvalidEntrypoint",
    ),
    causes=("a script that was copied without its x bit", "a typing error", "a relative path"),
    fixes=(
        "COPY --chmod=755 entry.sh /entry.sh",
        'ENTRYPOINT ["/usr/local/bin/python", "-m", "awslambdaric"]',
    ),
)
def entry_point_not_runnable(case: Case) -> Iterator[Fault]:
    """The entry point is there, absolute, and executable for everybody."""
    for image in _image(case):
        entry = image.entry_point
        if entry is None:
            yield Fault(_WHOLE, "neither ENTRYPOINT nor CMD is set", subject="entry point")
            continue
        path = PurePosixPath((entry.path or entry.name).lstrip("/"))
        if entry.path is None:
            yield Fault(Location(path), f"{entry.name} is not in the image", subject=entry.name)
        elif not entry.executable:
            yield Fault(
                Location(path),
                f"{entry.name} is not executable for others",
                subject=entry.name,
                fix="COPY --chmod=755",
            )
        elif not entry.name.startswith("/"):
            yield Fault(
                Location(path),
                f"{entry.name} is no absolute path",
                subject=entry.name,
                why="Lambda documents an absolute path only",
                severity=Severity.WARNING,
            )
        elif entry.link:
            yield Fault(
                Location(path),
                f"{entry.name} is a link to {entry.path}",
                subject=entry.name,
                why="Lambda documents an entry point that is no link",
                severity=Severity.NOTE,
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


@rule(
    "ABI809",
    Severity.WARNING,
    "nothing in the image speaks to Lambda",
    explanation="An image must ask the runtime API for its events.  AWS's base images do; any "
    "other needs the package awslambdaric, the web adapter, or a client of its own, which is not "
    "recognised.",
    messages=("Runtime.ExitError",),
    causes=("an image made for a server, from python:3.13 or a distribution's own",),
    fixes=("pip install awslambdaric, and start it: python -m awslambdaric app.handler",),
)
def no_runtime_client(case: Case) -> Iterator[Fault]:
    """A client of the runtime API is in the image."""
    for image in _image(case):
        if not image.client and image.layers:
            yield Fault(
                _WHOLE, "neither awslambdaric nor a base image's entry is there", subject="client"
            )


@rule(
    "ABI810",
    Severity.ERROR,
    "a file that Lambda's user may not read",
    explanation="Lambda runs an image as a user of its own, whatever USER says: what only its "
    "owner may read, or what lies in a folder that only its owner may enter, is not there for it.",
    messages=("PermissionError: [Errno 13] Permission denied: '*'",),
    causes=("a CI system with a tight umask, whose modes COPY keeps",),
    fixes=("COPY --chmod=755 . .", "RUN chmod -R a+rX ${LAMBDA_TASK_ROOT}"),
)
def image_file_unreadable(case: Case) -> Iterator[Fault]:
    """Code is readable by everybody."""
    for image in _image(case):
        for location in image.unreadable:
            yield Fault(
                location,
                "its mode, or that of a folder above it, does not let others read it",
                subject="mode",
            )


@rule(
    "ABI811",
    Severity.WARNING,
    "an image with musl, which is not judged",
    explanation="Alpine and its relatives have another C library, whose loader searches and binds "
    "by rules of its own.  Nothing is said of whether extensions load there.",
    causes=("FROM python:3.13-alpine",),
    fixes=("FROM python:3.13-slim, or a base image of AWS",),
)
def musl_image(case: Case) -> Iterator[Fault]:
    """What was not judged is not vouched for."""
    for image in _image(case):
        if image.musl:
            where = Location(PurePosixPath(image.musl.lstrip("/")))
            yield Fault(where, f"its loader is {image.musl}; not judged", subject="musl")


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


@rule(
    "ABI814",
    Severity.NOTE,
    "Lambda's base image is not as it is on record",
    explanation="The image stands on Lambda's base, and its libraries are not those of the "
    "built-in target for that base: AWS has changed it since, or a layer of the image has.  The "
    "image was judged by what it brings.  A ZIP that is checked against the built-in target is "
    "judged by the record.",
    causes=(
        "a base image that is newer, or older, than the record",
        "dnf upgrade in the Dockerfile",
    ),
    fixes=(
        "abicheck capture IMAGE -o mine.json, and check against that: --target mine.json",
        "see what is on record: abicheck targets show lambda-python3.13-x86_64-image",
    ),
)
def base_has_drifted(case: Case) -> Iterator[Fault]:
    """Lambda's base is what is on record of it."""
    for image in _image(case):
        if image.drift is not None:
            changed = (*image.drift.facts, *image.drift.ceilings)
            changes = [f"{c.name}: {c.recorded} -> {c.found}" for c in changed]
            named = (
                _some("lost", image.drift.lost),
                _some("gained", image.drift.gained),
                "; ".join(changes[:_SHOWN]),
                f"{len(changes) - _SHOWN} other changes" if len(changes) > _SHOWN else "",
            )
            yield Fault(
                _WHOLE,
                f"not as {image.drift.target}: {'; '.join(filter(None, named))}",
                subject="drift",
                why="the image is judged by its own files",
                evidence=(
                    *(f"lost: {name}" for name in image.drift.lost),
                    *(f"gained: {name}" for name in image.drift.gained),
                    *changes,
                ),
            )


def _some(word: str, names: Sequence[str]) -> str:
    """Return a few of the names and how many others there are, under a word; "" for none."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{word} {', '.join(names[:_SHOWN])}{more}" if names else ""


RULES: Final = (
    image_index,
    unsupported_media_type,
    missing_parent_directory,
    wrong_image_platform,
    entry_point_not_runnable,
    base_not_pinned,
    image_too_large,
    no_runtime_client,
    image_file_unreadable,
    musl_image,
    wrong_digest,
    missing_blob,
    base_has_drifted,
)
