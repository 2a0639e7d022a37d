"""An image as an artifact: its layers read once, its tree as a process sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TypeVar

from abicheck.artifacts._base import Limits, Member, Wanted
from abicheck.artifacts._image._blobs import BlobStore
from abicheck.artifacts._image._layers import LayerReader, LimitReachedError
from abicheck.artifacts._image._layout import Candidate
from abicheck.artifacts._image._packing import compression_of
from abicheck.artifacts._image._squash import Record, Squashed, squash
from abicheck.artifacts._image._stream import Digests
from abicheck.filesystem import Kind
from abicheck.model import (
    ArtifactKind,
    ImageConfig,
    ImageFacts,
    ImageLayer,
    Irregular,
    Irregularity,
    Location,
    reached,
)

T = TypeVar("T")


class ImageArtifact:
    """One image of an archive.  `config` and `layers` are there from the start.

    `irregularities` and `facts` are complete once the members have been
    consumed.  What is visible is known only when the last layer has been
    read, since it may hide what the others brought; `examine` therefore turns
    contents into values as they pass, and the bytes are let go.
    """

    kind = ArtifactKind.IMAGE
    packed: int | None = None
    expected: int | None = None

    def __init__(
        self, store: BlobStore, image: Candidate, limits: Limits, found: list[Irregularity]
    ) -> None:
        self._store = store
        self._image = image
        self.limits = limits
        self._unpacked = 0
        self._squashed = Squashed()
        self.irregularities: list[Irregularity] = found
        self.config: ImageConfig = image.config
        self.layers: tuple[ImageLayer, ...] = self._layers()

    def _layers(self) -> tuple[ImageLayer, ...]:
        blobs, diff_ids = self._image.blobs, self.config.diff_ids
        if len(diff_ids) != len(blobs) and (diff_ids or not self.irregularities):
            detail = f"the configuration lists {len(diff_ids)} layers, the manifest {len(blobs)}"
            self._note(Irregular.DISAGREEMENT, Location(PurePosixPath()), detail)
        # `docker import` leaves a comment and no command.
        steps = [
            step.created_by or step.comment for step in self.config.history if not step.empty_layer
        ]
        if len(steps) != len(blobs):
            steps = []  # which of them made which layer cannot be told
        layers = []
        for index, blob in enumerate(blobs):
            view = self._store.find(blob.name)
            layer = ImageLayer(
                index=index,
                diff_id=diff_ids[index] if index < len(diff_ids) else f"layer-{index}",
                digest=blob.digest,
                media_type=blob.media_type,
                compression=None if view is None else compression_of(bytes(view[:4])),
                size=0 if view is None else len(view),
                created_by=steps[index] if steps else "",
            )
            layers.append(layer)
        return tuple(layers)

    def _note(self, kind: Irregular, location: Location, detail: str) -> None:
        self.irregularities.append(Irregularity(kind, location, detail))

    @property
    def facts(self) -> ImageFacts:
        """What the archive says of the image besides its files."""
        return ImageFacts(
            config=self.config,
            layers=self.layers,
            media_type=self._image.media_type,
            index=self._image.index,
            children=self._image.children,
            unpacked=self._unpacked,
            orphans=tuple(self._squashed.orphans),
        )

    def members(self, wanted: Wanted) -> Iterator[Member]:
        """Yield each visible path once, sorted, with the bytes of what is wanted.

        All of these are held until the last layer has been read: `examine`
        is for images of any size.
        """
        for member, data in self.examine(wanted, lambda member: bytes(member.data or b"")):
            yield replace(member, data=data)

    def examine(
        self,
        wanted: Wanted,
        read: Callable[[Member], T],
        listed: Callable[[str], bool] = lambda _: False,
    ) -> Iterator[tuple[Member, T | None]]:
        """Yield each visible path, sorted, with what `read` has made of its content.

        `read` is called once for the content of every file that `wanted` asks
        for, layer by layer, under the name the layer has for it.  It may be seen
        at another path, by a hard link or through a linked folder, or be hidden.
        What `listed` says of that name tells whether the content's digest is taken.
        """
        values: dict[tuple[int, int], T] = {}
        digests = Digests()

        def keep(layer: int, number: int, member: Member) -> None:
            if member.data is not None and listed(member.name):
                digests.add((layer, number), member.data)
            values[layer, number] = read(member)

        try:
            records = self._read(LayerReader(self.limits, wanted, keep, self._store.forget))
        finally:
            digests.close()
        self._squashed = squash(records)
        for misfit in self._squashed.misfits:
            place = Location(PurePosixPath(misfit.name), self.layers[misfit.layer].diff_id)
            self._note(misfit.kind, place, misfit.detail)
        for path in self._squashed.visible:
            if path.record < 0:
                yield Member(path.name, path.kind, 0, path.mode), None
                continue
            record = records[path.layer][path.record]
            is_file = path.kind is Kind.FILE
            member = Member(
                name=path.name,
                kind=path.kind,
                size=record.size if is_file else 0,
                mode=path.mode,
                head=record.head,
                target=record.target if path.kind is Kind.SYMLINK else "",
                layer=self.layers[path.layer].diff_id,
                sha256=digests.of((path.layer, path.record)),
            )
            yield member, values.get((path.layer, path.record))

    def _read(self, reader: LayerReader) -> list[list[Record]]:
        records: list[list[Record]] = []
        if len(self.layers) > self.limits.layer_count:
            detail = (
                f"{len(self.layers):,} layers, more than {self.limits.layer_count:,}; none was read"
            )
            self._note(Irregular.LIMIT, Location(PurePosixPath()), reached("layer_count", detail))
            return [[] for _ in self.layers]
        try:
            for layer, blob in zip(self.layers, self._image.blobs, strict=True):
                view = self._store.find(blob.name)
                if view is None:
                    detail = f"{blob.name} is not in the archive"
                    reader.note(layer, "", Irregular.MISSING_BLOB, detail)
                    records.append([])
                else:
                    records.append(reader.read(layer, view))
        except LimitReachedError:
            pass  # noted; what lies beyond the limit is not vouched for
        self.irregularities += reader.irregularities
        self._unpacked = reader.unpacked
        return records

    def outline(self) -> frozenset[str]:
        """Return nothing: an image is a root file system."""
        return frozenset()

    def sha256(self) -> str | None:
        """Return None: an image is named by its id, the same in whatever form it is saved."""
        return None

    def close(self) -> None:
        """Let go of the archive."""
        self._store.close()
