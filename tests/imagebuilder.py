"""Writes container images in every form an engine saves them in, and in forms none would.

What each engine writes was looked at, not guessed: tests/oracle has one image in the forms of
docker 20.10 and 26.1 (its own store and containerd's), buildx, ctr, podman 4.3 and 5.4, skopeo and
umoci.  Here the same forms are small, made anywhere, and can be got wrong on purpose.  These alone
are only written here, after what their issues and sources show: the manifests without layers of
Docker 25.0, layers as links of old engines, a `docker save` of several images, an index whose
other platforms are not in the archive, and whatever is damaged.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

OCI: Final = "application/vnd.oci.image"
DOCKER: Final = "application/vnd.docker"

PACKERS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "": lambda data: data,
    "gzip": lambda data: gzip.compress(data, compresslevel=1, mtime=0),
    "zstd": zstd.compress,
}


@dataclass(frozen=True)
class Tarred:
    """An entry of a layer: a file unless `type` says otherwise (tarfile's constants)."""

    name: str
    data: bytes = b""
    type: bytes = tarfile.REGTYPE
    target: str = ""
    mode: int = 0o644


def folder(name: str, mode: int = 0o755) -> Tarred:
    return Tarred(name, type=tarfile.DIRTYPE, mode=mode)


def link(name: str, target: str) -> Tarred:
    return Tarred(name, type=tarfile.SYMTYPE, target=target, mode=0o777)


def hard_link(name: str, target: str) -> Tarred:
    return Tarred(name, type=tarfile.LNKTYPE, target=target)


def whiteout(name: str) -> Tarred:
    parent, slash, base = name.rpartition("/")
    return Tarred(f"{parent}{slash}.wh.{base}")


def opaque(name: str) -> Tarred:
    return Tarred(f"{name}/.wh..wh..opq")


def tar(entries: Sequence[Tarred], form: int = tarfile.PAX_FORMAT) -> bytes:
    """Return a tar of the entries, by the standard library: a writer that is not ours."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for entry in entries:
            info = tarfile.TarInfo(entry.name)
            info.type, info.linkname, info.mode = entry.type, entry.target, entry.mode
            info.size = len(entry.data)
            archive.addfile(info, io.BytesIO(entry.data))
    return buffer.getvalue()


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


@lru_cache(maxsize=32)  # a form asks for its blobs several times, and some are whole systems
def _packed(layer: bytes, packing: str) -> bytes:
    return PACKERS[packing](layer)


@dataclass(frozen=True)
class Image:
    """An image: its layers' tars, lowest first, and what its configuration says."""

    layers: Sequence[bytes]
    architecture: str = "amd64"
    name: str = "app:latest"
    packing: str = "gzip"
    run: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def diff_ids(self) -> list[str]:
        return [sha256(layer) for layer in self.layers]

    @property
    def config(self) -> bytes:
        history = [{"created_by": f"step {n}"} for n in range(len(self.layers))]
        history.insert(1, {"created_by": "ENV", "empty_layer": True})  # type: ignore[dict-item]
        return _json(
            {
                "architecture": self.architecture,
                "os": "linux",
                "config": dict(self.run),
                "rootfs": {"type": "layers", "diff_ids": self.diff_ids},
                "history": history,
                **self.extra,
            }
        )

    @property
    def blobs(self) -> list[bytes]:
        return [_packed(layer, self.packing) for layer in self.layers]

    def manifest(self, *, docker: bool = False) -> bytes:
        suffix = f"+{self.packing}" if self.packing else ""
        layer_type = f"{OCI}.layer.v1.tar{suffix}"
        config_type, own = f"{OCI}.config.v1+json", f"{OCI}.manifest.v1+json"
        if docker:
            layer_type = f"{DOCKER}.image.rootfs.diff.tar{suffix.replace('+', '.')}"
            config_type = f"{DOCKER}.container.image.v1+json"
            own = f"{DOCKER}.distribution.manifest.v2+json"
        return _json(
            {
                "schemaVersion": 2,
                "mediaType": own,
                "config": descriptor(config_type, self.config),
                "layers": [descriptor(layer_type, blob) for blob in self.blobs],
            }
        )


def descriptor(media_type: str, data: bytes, **more: object) -> dict[str, object]:
    return {"mediaType": media_type, "digest": sha256(data), "size": len(data), **more}


Files = dict[str, bytes]
"""What an archive or a folder of an image holds, by name."""


def _blob(data: bytes) -> tuple[str, bytes]:
    return f"blobs/{sha256(data).replace(':', '/')}", data


def _platform(image: Image) -> dict[str, str]:
    return {"os": "linux", "architecture": image.architecture}


def _oci(manifests: Sequence[dict[str, object]], blobs: Sequence[bytes]) -> Files:
    index = {"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": manifests}
    files = dict(_blob(blob) for blob in blobs)
    return {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": _json(index), **files}


def docker_old(*images: Image) -> Files:
    """`docker save` up to 24: `manifest.json`, a folder a layer, `repositories`."""
    files: Files = {}
    entries, repositories = [], {}
    for image in images:
        paths = []
        for data, diff_id in zip(image.layers, image.diff_ids, strict=True):
            id_ = hashlib.sha256(diff_id.encode()).hexdigest()
            files |= {f"{id_}/VERSION": b"1.0", f"{id_}/json": b"{}", f"{id_}/layer.tar": data}
            paths.append(f"{id_}/layer.tar")
        config = sha256(image.config).removeprefix("sha256:") + ".json"
        files[config] = image.config
        entries.append({"Config": config, "RepoTags": [image.name], "Layers": paths})
        repository, _, tag = image.name.rpartition(":")
        repositories[repository] = {tag: "0" * 64}
    return {**files, "manifest.json": _json(entries), "repositories": _json(repositories)}


def _saved(images: Sequence[Image], *, sources: bool) -> bytes:
    entries = []
    for image in images:
        entry: dict[str, object] = {
            "Config": _blob(image.config)[0],
            "RepoTags": [image.name],
            "Layers": [_blob(blob)[0] for blob in image.blobs],
        }
        if sources:
            entry["LayerSources"] = {
                diff_id: descriptor(f"{OCI}.layer.v1.tar", layer)
                for diff_id, layer in zip(image.diff_ids, image.layers, strict=True)
            }
        entries.append(entry)
    return _json(entries)


def _named(image: Image) -> dict[str, dict[str, str]]:
    return {
        "annotations": {
            "io.containerd.image.name": f"docker.io/library/{image.name}",
            "org.opencontainers.image.ref.name": image.name.rpartition(":")[2],
        }
    }


def docker_25(*images: Image) -> Files:
    """`docker save` of 25 and later: an OCI layout with plain layers, and `manifest.json`."""
    plain = [replace(image, packing="") for image in images]
    manifests, blobs = [], []
    for image in plain:
        manifest = image.manifest()
        manifests.append(descriptor(f"{OCI}.manifest.v1+json", manifest, **_named(image)))
        blobs += [manifest, image.config, *image.layers]
    files = _oci(manifests, blobs)
    return {**files, "manifest.json": _saved(plain, sources=True), "repositories": b"{}"}


ATTESTATION: Final = _json(
    {
        "schemaVersion": 2,
        "mediaType": f"{OCI}.manifest.v1+json",
        "config": descriptor(f"{OCI}.config.v1+json", b"{}"),
        "layers": [descriptor("application/vnd.in-toto+json", b"{}")],
    }
)


def _attests(image: Image) -> dict[str, object]:
    return descriptor(
        f"{OCI}.manifest.v1+json",
        ATTESTATION,
        annotations={
            "vnd.docker.reference.digest": sha256(image.manifest()),
            "vnd.docker.reference.type": "attestation-manifest",
        },
        platform={"architecture": "unknown", "os": "unknown"},
    )


def indexed(
    images: Sequence[Image], *, attested: bool = False, absent: Sequence[Image] = ()
) -> Files:
    """An OCI layout whose `index.json` names one index, as buildx and containerd write it."""
    children, blobs = [], []
    for image in (*images, *absent):
        manifest = image.manifest()
        platform = _platform(image)
        children.append(descriptor(f"{OCI}.manifest.v1+json", manifest, platform=platform))
        if image in images:
            blobs += [manifest, image.config, *image.blobs]
        if attested:
            children.append(_attests(image))
            blobs += [ATTESTATION, b"{}"]
    index = _json({"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": children})
    named = _named(images[0]) if images else {}
    return _oci([descriptor(f"{OCI}.index.v1+json", index, **named)], [index, *blobs])


def containerd(*images: Image) -> Files:
    """`docker save` from the containerd store: a nested index, gzip layers, `manifest.json`."""
    return {**indexed(images, attested=True), "manifest.json": _saved(images, sources=False)}


def buildx_oci(*images: Image) -> Files:
    """`buildx build --output type=oci`: a nested index where attestations are asked for."""
    return indexed(images, attested=True)


def buildx_docker(image: Image) -> Files:
    """`buildx build --output type=docker`: a layout without an inner index, `manifest.json`."""
    return {**oci(image), "manifest.json": _saved([image], sources=False)}


def oci(*images: Image) -> Files:
    """An OCI layout as skopeo, umoci and `podman save --format oci-dir` write it."""
    manifests, blobs = [], []
    for image in images:
        manifest = image.manifest()
        name = {"org.opencontainers.image.ref.name": image.name}
        manifests.append(descriptor(f"{OCI}.manifest.v1+json", manifest, annotations=name))
        blobs += [manifest, image.config, *image.blobs]
    return _oci(manifests, blobs)


def podman(image: Image) -> Files:
    """`podman save`: layers beside the configuration, and links where Docker had folders."""
    files: Files = {}
    names = []
    for layer, diff_id in zip(image.layers, image.diff_ids, strict=True):
        names.append(f"{diff_id.removeprefix('sha256:')}.tar")
        files[names[-1]] = layer
    config = sha256(image.config).removeprefix("sha256:") + ".json"
    entry = {"Config": config, "RepoTags": [f"localhost/{image.name}"], "Layers": names}
    return {**files, config: image.config, "manifest.json": _json([entry]), "repositories": b"{}"}


def directory(image: Image) -> Files:
    """`podman save --format docker-dir`, `skopeo copy … dir:`: a manifest, blobs by their hash."""
    blobs = {sha256(blob).removeprefix("sha256:"): blob for blob in (image.config, *image.blobs)}
    version = b"Directory Transport Version: 1.1\n"
    return {"manifest.json": image.manifest(docker=True), "version": version, **blobs}


FORMS: Final[Mapping[str, Callable[[Image], Files]]] = {
    "docker-20": docker_old,
    "docker-25": docker_25,
    "docker-29-containerd": containerd,
    "buildx-oci": buildx_oci,
    "buildx-docker": buildx_docker,
    "podman-docker-archive": podman,
    "oci": oci,
    "docker-dir": directory,
}
"""Each form by the engine that writes it."""


def archive(files: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> bytes:
    """Return the files as a tar, with symbolic links behind them."""
    entries = [Tarred(name, data) for name, data in files.items()]
    return tar([*entries, *(link(name, target) for name, target in (links or {}).items())])


def lay_out(files: Mapping[str, bytes], root: Path) -> Path:
    """Write the files below a folder, and return it."""
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root
