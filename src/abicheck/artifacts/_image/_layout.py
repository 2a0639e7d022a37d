"""Where an archive keeps its images: Docker's `manifest.json`, and the OCI image layout.

Engines of 25 and later write both at once, and they may say different things:
25.0 wrote OCI manifests without layers.  Both are read; what the OCI layout
says counts, with names and whatever is missing there from `manifest.json`.
The folder that `skopeo copy … dir:` and `podman save --format docker-dir`
write is an image manifest with its blobs beside it.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from abicheck.artifacts._base import UnreadableMemberError
from abicheck.artifacts._image._blobs import BlobStore
from abicheck.artifacts._image._config import read_config
from abicheck.artifacts._image._json import Document, parse
from abicheck.model import ImageChild, ImageConfig, Irregular, Platform

_DIGEST: Final = re.compile(r"(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})")
_BLOB_PATH: Final = re.compile(r"blobs/(sha256|sha512)/([0-9a-f]+)")
_MAX_DEPTH: Final = 4  # an index in an index is what the containerd store writes
_MAX_IMAGES: Final = 256
_INDEXES: Final = frozenset(
    {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    }
)
_CONFIGS: Final = frozenset(
    {
        "",
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.docker.container.image.v1+json",
    }
)
_UNKNOWN: Final = Platform("unknown", "unknown")


@dataclass(frozen=True, slots=True)
class LayerBlob:
    """A layer as the manifest names it: its file in the store, digest, media type."""

    name: str
    digest: str | None
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One image of the archive; the fields are those of `ImageFacts`."""

    config: ImageConfig
    blobs: tuple[LayerBlob, ...]
    media_type: str = ""
    index: bool = False
    children: tuple[ImageChild, ...] = ()


@dataclass(slots=True)
class Layout:
    """What the archive holds: `images`, and the index entries that are none."""

    images: list[Candidate] = field(default_factory=list)
    absent: list[ImageChild] = field(default_factory=list)
    faults: list[UnreadableMemberError] = field(default_factory=list)
    recognised: bool = False


def read_layout(store: BlobStore) -> Layout:
    """Return the images that a store holds; what is wrong with it is in `faults`."""
    layout = Layout()
    reader = _Reader(store, layout)
    saved: list[Candidate] = []
    for read in (reader.read_index, lambda: saved.extend(reader.read_saved())):
        try:
            read()
        except UnreadableMemberError as error:
            layout.faults.append(error)
    layout.images = list(_merged(layout, saved))
    return layout


class _Reader:
    def __init__(self, store: BlobStore, layout: Layout) -> None:
        self._store = store
        self._layout = layout
        self._indexes: set[str] = set()
        self._manifests: dict[str, Candidate | None] = {}
        self._flat = False  # blobs lie beside the manifest, without their algorithm's name

    # --- the OCI layout ---

    def read_index(self) -> None:
        """Read `index.json` and the indexes below it (image-spec, image-layout.md)."""
        data = self._store.find("index.json")
        if data is None:
            return
        document = parse(data, "index.json")
        if isinstance(document, tuple) or "manifests" not in document.data:
            return
        self._layout.recognised = True
        self._walk(document, (), 0)

    def _walk(self, index: Document, names: tuple[str, ...], depth: int) -> None:
        """Take in the entries of an index; below the outermost, they are one another's siblings."""
        if depth > _MAX_DEPTH:
            reason = f"{index.where}: an image index {depth} levels deep"
            raise UnreadableMemberError(Irregular.LIMIT, reason)
        first = len(self._layout.images)
        own: list[ImageChild] = []
        for descriptor in index.objects("manifests"):
            if len(self._layout.images) + len(self._layout.absent) >= _MAX_IMAGES:
                reason = f"{index.where}: more than {_MAX_IMAGES:,} images"
                raise UnreadableMemberError(Irregular.LIMIT, reason)
            own += self._take(descriptor, _names(descriptor) or names, depth)
        if depth:
            for place in range(first, len(self._layout.images)):
                image = self._layout.images[place]
                if not image.index:
                    others = tuple(child for child in own if child.digest != image.config.digest)
                    self._layout.images[place] = replace(image, index=True, children=others)

    def _take(
        self, descriptor: Document, names: tuple[str, ...], depth: int
    ) -> Iterable[ImageChild]:
        digest = _digest(descriptor)
        platform = _platform(descriptor.inner("platform"))
        annotations = descriptor.mapping("annotations")
        child = ImageChild(digest, platform, present=True)
        is_attestation = (
            annotations.get("vnd.docker.reference.type") == "attestation-manifest"
            or platform == _UNKNOWN
        )
        data = self._store.find(self._blob(digest))
        if is_attestation or data is None:
            child = replace(child, present=data is not None, attestation=is_attestation)
            self._layout.absent.append(child)
            return (child,)
        self._verify(data, digest, "the manifest")
        document = parse(data, digest)
        if isinstance(document, tuple):
            reason = f"{digest}: no image manifest"
            raise UnreadableMemberError(Irregular.CORRUPT, reason)
        media_type = document.text("mediaType") or descriptor.text("mediaType")
        if media_type in _INDEXES or ("manifests" in document.data and not media_type):
            if digest not in self._indexes:  # one that lists itself has a wrong digest
                self._indexes.add(digest)
                self._walk(document, names, depth + 1)
            return (child,)
        if digest not in self._manifests:
            self._manifests[digest] = self._manifest(document, media_type, digest)
        image = self._manifests[digest]
        if image is None:
            child = replace(child, attestation=True)
            self._layout.absent.append(child)
            return (child,)
        self._layout.images.append(replace(image, config=replace(image.config, names=names)))
        platform = platform if platform != Platform() else image.config.platform
        return (replace(child, platform=platform),)

    def _manifest(self, document: Document, media_type: str, digest: str) -> Candidate | None:
        """Read an image manifest; None where it describes something that is no image."""
        described = document.inner("config")
        if described.text("mediaType") not in _CONFIGS or "config" not in document.data:
            return None
        blobs = tuple(
            LayerBlob(self._blob(_digest(layer)), _digest(layer), layer.text("mediaType"))
            for layer in document.objects("layers")
        )
        id_ = _digest(described)
        config = self._config(self._blob(id_), id_)
        return Candidate(replace(config, digest=digest), blobs, media_type)

    def _config(self, name: str, id_: str | None) -> ImageConfig:
        data = self._store.find(name)
        if data is None:
            self._fault(Irregular.MISSING_BLOB, f"the configuration {name} is not in the archive")
            return ImageConfig(id=id_)
        if id_ is not None:
            self._verify(data, id_, "the configuration")
        try:
            document = parse(data, name)
            if isinstance(document, Document):
                return read_config(document, f"sha256:{hashlib.sha256(data).hexdigest()}")
        except UnreadableMemberError as error:
            self._layout.faults.append(error)
        else:
            self._fault(Irregular.CORRUPT, f"{name}: no image configuration")
        return ImageConfig(id=id_)

    # --- docker save, and `dir:` ---

    def read_saved(self) -> Iterable[Candidate]:
        """Read `manifest.json`: the list that `docker save` writes, or a manifest itself."""
        data = self._store.find("manifest.json")
        if data is None:
            return
        document = parse(data, "manifest.json")
        if isinstance(document, Document):
            if document.number("schemaVersion") and self._is_directory():
                self._flat = True
                yield from self._directory(document, data)
            return
        if not document or not {"Config", "Layers"} <= document[0].data.keys():
            return
        self._layout.recognised = True
        for entry in document[:_MAX_IMAGES]:
            path = posixpath.normpath(entry.text("Config"))
            config = self._config(path, _digest_of_path(path))
            sources = entry.inner("LayerSources")
            blobs = []
            for number, name in enumerate(entry.texts("Layers")):
                diff_id = config.diff_ids[number] if number < len(config.diff_ids) else ""
                source = sources.inner(diff_id).text("mediaType")
                blobs.append(LayerBlob(name, _digest_of_path(name), source))
            names = tuple(entry.texts("RepoTags"))
            yield Candidate(replace(config, names=names), tuple(blobs))

    def _is_directory(self) -> bool:
        """Whether the store is a folder of the `dir:` transport, by the file it marks it with."""
        data = self._store.find("version")
        return data is not None and bytes(data[:19]) == b"Directory Transport"

    def _directory(self, document: Document, data: memoryview) -> Iterable[Candidate]:
        self._layout.recognised = True
        media_type = document.text("mediaType")
        if media_type in _INDEXES or "manifests" in document.data:
            # `skopeo copy --all`: the manifests lie beside it as HEX.manifest.json.
            self._walk(document, (), 1)
            return
        if document.number("schemaVersion") == 1:
            reason = "manifest.json: schema 1, which no engine makes any more"
            raise UnreadableMemberError(Irregular.METHOD, reason)
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        image = self._manifest(document, media_type, digest)
        if image is not None:
            yield image

    # --- blobs ---

    def _blob(self, digest: str) -> str:
        algorithm, _, text = digest.partition(":")
        if not self._flat:
            return f"blobs/{algorithm}/{text}"
        manifest = f"{text}.manifest.json"
        return manifest if self._store.find(manifest) is not None else text

    def _verify(self, data: memoryview, digest: str, what: str) -> None:
        algorithm, _, stated = digest.partition(":")
        found = hashlib.new(algorithm, data).hexdigest()
        if found != stated:
            self._fault(
                Irregular.WRONG_DIGEST, f"{what} {digest} has the digest {algorithm}:{found}"
            )

    def _fault(self, kind: Irregular, reason: str) -> None:
        self._layout.faults.append(UnreadableMemberError(kind, reason))


def _merged(layout: Layout, saved: Sequence[Candidate]) -> Iterable[Candidate]:
    """Yield each image once: what is in both places is one image with all its names."""
    by_id: dict[str | None, Candidate] = {}
    for image in (*layout.images, *saved):
        key = image.config.id
        known = by_id.get(key) if key is not None else None
        if known is None:
            by_id[key if key is not None else image.config.digest] = image
            continue
        names = tuple(dict.fromkeys((*image.config.names, *known.config.names)))
        # Docker 25.0 wrote OCI manifests without layers.
        blobs = known.blobs or image.blobs
        stated = [blob.digest for blob in blobs]
        other = [blob.digest for blob in image.blobs]
        if None not in other and stated != other:
            reason = f"index.json and manifest.json give other layers for the image {key}"
            layout.faults.append(UnreadableMemberError(Irregular.DISAGREEMENT, reason))
        by_id[key] = replace(known, config=replace(known.config, names=names), blobs=blobs)
    return by_id.values()


def _names(descriptor: Document) -> tuple[str, ...]:
    """Return what a descriptor is called: containerd's full name, else the layout's own."""
    annotations = descriptor.mapping("annotations")
    full = annotations.get("io.containerd.image.name")
    name = full or annotations.get("org.opencontainers.image.ref.name")
    return (name,) if name else ()


def _platform(document: Document) -> Platform:
    return Platform(document.text("os"), document.text("architecture"), document.text("variant"))


def _digest(descriptor: Document) -> str:
    digest = descriptor.text("digest")
    if not _DIGEST.fullmatch(digest):
        reason = f"{descriptor.where}.digest: {digest!r} is no digest"
        raise UnreadableMemberError(Irregular.CORRUPT, reason)
    return digest


def _digest_of_path(path: str) -> str | None:
    """Return the digest that a file of the archive is named after."""
    blob = _BLOB_PATH.fullmatch(path)
    if blob is not None and _DIGEST.fullmatch(f"{blob[1]}:{blob[2]}"):
        return f"{blob[1]}:{blob[2]}"
    digest = f"sha256:{path.removesuffix('.json')}"
    return digest if path.endswith(".json") and _DIGEST.fullmatch(digest) else None
