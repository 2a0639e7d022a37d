"""Container images: what their configuration says, and what their layers are."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from abicheck.model._places import Location


class Compression(enum.StrEnum):
    """How a layer's tar is packed, told by its bytes and not by its media type."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


@dataclass(frozen=True, slots=True)
class Platform:
    """What an image runs on, in Go's words: `linux`, `amd64`, and for arm a variant."""

    os: str = ""
    architecture: str = ""
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


@dataclass(frozen=True, slots=True)
class ImageLayer:
    """One layer, the lowest has index 0.

    `diff_id` is the digest of its uncompressed tar: the same in every form the
    image is saved in, and what `Location.layer` holds; `layer-0` and so on where
    the configuration lists none.  `digest` is that of the
    blob as it lies in the archive, None where the form does not state it.
    `media_type` is empty where the form states none, `compression` is None where
    the blob is not in the archive.  `created_by` is the command of the history
    that made the layer.  Sizes are in bytes; `unpacked` is the tar's.
    """

    index: int
    diff_id: str
    digest: str | None
    media_type: str
    compression: Compression | None
    size: int
    created_by: str = ""


@dataclass(frozen=True, slots=True)
class HistoryStep:
    """One line of an image's history; an empty layer changed the configuration only."""

    created_by: str = ""
    created: str = ""
    comment: str = ""
    empty_layer: bool = False


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """An image's configuration (image-spec, config.md).

    `id` is the digest of the configuration's own bytes, which Docker calls the
    image's id, and `digest` that of its manifest; both are None where there is
    none.  `names` are the references under which the archive holds it.  `env`
    is in the order of the file; an entry point and a command may be absent.
    """

    platform: Platform = Platform()
    id: str | None = None
    digest: str | None = None
    names: tuple[str, ...] = ()
    created: str = ""
    env: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    user: str = ""
    working_dir: str = ""
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    diff_ids: tuple[str, ...] = ()
    history: tuple[HistoryStep, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageChild:
    """An entry of an image index that is not the image examined.

    `present` says whether its manifest is in the archive; an attestation is no
    image at all, although an index lists it as one.
    """

    digest: str
    platform: Platform
    present: bool
    attestation: bool = False


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """The program that an image runs: its name as configured, and the file that is.

    `path` is where that file lies with every link followed, None where there is
    none; `link` says whether the name itself is a symbolic link.  `executable`
    is about everybody, since Lambda runs it as a user of its own.  `arguments`
    are the rest of ENTRYPOINT, and CMD.
    """

    name: str
    path: str | None
    arguments: tuple[str, ...] = ()
    link: bool = False
    executable: bool = True


@dataclass(frozen=True, slots=True)
class BaseChange:
    """A fact of a base image on record, and what it is in the image examined."""

    name: str
    recorded: str
    found: str


@dataclass(frozen=True, slots=True)
class BaseDrift:
    """What an image on Lambda's base has differently from the built-in target of that base.

    `target` is that target's name.  `facts` are of the system, `lost` and
    `gained` are the sonames of its libraries, and `ceilings` the highest version
    nodes of libraries that both have, by soname.
    """

    target: str
    facts: tuple[BaseChange, ...] = ()
    lost: tuple[str, ...] = ()
    gained: tuple[str, ...] = ()
    ceilings: tuple[BaseChange, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether anything is different."""
        return bool(self.facts or self.lost or self.gained or self.ceilings)


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What an image is besides its files: what the archive says, and how it would be run.

    `media_type` is that of the manifest, empty for Docker's old form.  `index`
    says whether an image index (manifest list) stands above it, the mandatory
    `index.json` of an OCI layout apart; `children` are the index's other entries.
    `unpacked` is the size of all layers' tars together, in bytes.  `orphans`
    are the first entries, in the order of the tar, whose parent directory no
    earlier entry brought, as (layer index, name).

    The rest is asked of the tree: `entry_point`, None where none is configured;
    `client`, by which the image speaks to Lambda's runtime API, empty where none
    was recognised; `unreadable`, the files for Python or the loader that only
    their owner may read; `musl`, the loader of an image that is not glibc's.
    `floating` are the base images that a Dockerfile names without a digest, and
    `architecture` is what the function runs on, in Go's words.  `drift` is what
    Lambda's base has differently from what is on record; None where it is the
    same, or the base another's.  `handler` is the function that CMD names, None
    where it names none, or where the image is not judged.  `whole` says that
    every layer and the configuration could be read.
    """

    config: ImageConfig
    layers: tuple[ImageLayer, ...]
    media_type: str = ""
    index: bool = False
    children: tuple[ImageChild, ...] = ()
    unpacked: int = 0
    orphans: tuple[tuple[int, str], ...] = ()
    entry_point: EntryPoint | None = None
    client: str = ""
    unreadable: tuple[Location, ...] = ()
    musl: str = ""
    floating: tuple[str, ...] = ()
    architecture: str = ""
    drift: BaseDrift | None = None
    handler: str | None = None
    whole: bool = True
