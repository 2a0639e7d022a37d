"""Hostile tars and images: bombs, entries that lead elsewhere, documents that lie."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import struct
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tests.imagebuilder import (
    Files,
    Image,
    Tarred,
    archive,
    docker_25,
    folder,
    hard_link,
    indexed,
    lay_out,
    link,
    oci,
    opaque,
    podman,
    sha256,
    tar,
)
from tests.threats.threat import ATTACK, Request, Threat, checked, threat

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
_SMALL: Final = tar([folder("usr"), Tarred("usr/app.py", b"x = 1\n")])


def _image(place: Path, files: Files) -> Request:
    (place / "image.tar").write_bytes(archive(files))
    return checked("image.tar")


def _layer(place: Path, *entries: Tarred) -> Request:
    return _image(place, oci(Image([_SMALL, tar(entries)])))


def _with_blob(blob: bytes, media_type: str) -> Files:
    """Return an image of one layer whose blob is as given, and whose diff id is any."""
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{'0' * 64}"]},
        }
    ).encode()
    layer = {"mediaType": media_type, "digest": sha256(blob), "size": len(blob)}
    return _with_manifest(config, [layer], {sha256(blob): blob})


def _with_manifest(config: bytes, layers: list[object], blobs: dict[str, bytes]) -> Files:
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": sha256(config),
                "size": len(config),
            },
            "layers": layers,
        }
    ).encode()
    return _with_index(manifest, {**blobs, sha256(config): config})


def _with_index(manifest: bytes, blobs: dict[str, bytes], media_type: str = _MANIFEST) -> Files:
    entry = {"mediaType": media_type, "digest": sha256(manifest), "size": len(manifest)}
    index = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
    named = {**blobs, sha256(manifest): manifest}
    files = {f"blobs/{digest.replace(':', '/')}": data for digest, data in named.items()}
    return {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": index, **files}


def _file_of(size: int) -> bytes:
    """Return the tar header of a file of so many bytes."""
    info = tarfile.TarInfo("zeros.bin")
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)


# --- bombs ---


@threat("a zstd layer of a megabyte that unpacks to a hundred gigabytes", code="ABI002")
def image_zstd_bomb(place: Path) -> Request:
    zeros = zstd.compress(bytes(64 << 20), 3)
    blob = zstd.compress(_file_of(100 << 30)) + zeros * 1600
    return _image(place, _with_blob(blob, "application/vnd.oci.image.layer.v1.tar+zstd"))


@threat("a gzip layer in a gzip layer", code="ABI003")
def image_packed_twice(place: Path) -> Request:
    blob = gzip.compress(gzip.compress(_SMALL, mtime=0), mtime=0)
    return _image(place, _with_blob(blob, "application/vnd.oci.image.layer.v1.tar+gzip"))


@threat("a sparse file of eight exabytes in a layer of two kilobytes", code="ABI002")
def image_sparse_bomb(place: Path) -> Request:
    info = tarfile.TarInfo("usr/lib/libsparse.so")
    content = b"1\n9223372036854775000\n5\n".ljust(512, b"\0") + b"\x7fELF\2"
    info.size = len(content)
    info.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "usr/lib/libsparse.so",
        "GNU.sparse.realsize": "9223372036854775807",
    }
    layer = info.tobuf(tarfile.PAX_FORMAT) + content.ljust(1024, b"\0") + bytes(1024)
    return _image(place, oci(Image([_SMALL, layer])))


def _file(number: int) -> bytes:
    return tarfile.TarInfo(f"f/{number}").tobuf(tarfile.USTAR_FORMAT)


@threat("a pax header of a gigabyte", code="ABI002")
def image_huge_pax_header(place: Path) -> Request:
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 1 << 30
    return _image(place, oci(Image([_SMALL, info.tobuf(tarfile.USTAR_FORMAT) + bytes(4096)])))


# --- entries ---


@threat("a file whose name leads out of the image", code="ABI005")
def image_climbing_name(place: Path) -> Request:
    return _layer(place, Tarred("../../etc/cron.d/x", ATTACK.encode()))


@threat(
    "a link to the root of the checking machine, and a file through it", status=3, says="no CPython"
)
def image_link_to_host(place: Path) -> Request:
    return _layer(place, link("var", "../../../../.."), Tarred("var/x.py", ATTACK.encode()))


@threat("a hard link to a file that is not in the image", code="ABI005")
def image_hard_link_out(place: Path) -> Request:
    return _layer(place, hard_link("passwd", "../../etc/passwd"))


@threat("links that lead to one another, and a file through them", code="ABI003")
def image_link_loop(place: Path) -> Request:
    return _layer(place, link("a", "b"), link("b", "a"), Tarred("a/x.py", b"x = 1\n"))


@threat("a chain of ten thousand links, and a file through it", code="ABI003")
def image_link_chain(place: Path) -> Request:
    chain = [link(f"l{n}", f"l{n + 1}") for n in range(10_000)]
    return _layer(place, *chain, Tarred("l0/x.py", b"x = 1\n"))


@threat("hard links to hard links, ten thousand long", status=3, says="no CPython")
def image_hard_link_chain(place: Path) -> Request:
    chain = [hard_link(f"h{n + 1}", f"h{n}") for n in range(10_000)]
    return _layer(place, Tarred("h0", b"x = 1\n"), *chain)


@threat("devices and pipes", status=3, says="no CPython")
def image_devices(place: Path) -> Request:
    return _layer(
        place,
        Tarred("dev/sda", type=tarfile.BLKTYPE),
        Tarred("dev/mem", type=tarfile.CHRTYPE),
        Tarred("usr/lib/libx.so", type=tarfile.FIFOTYPE),
    )


@threat("a whiteout of the root, and of the folder above it", code="ABI005")
def image_whiteout_of_root(place: Path) -> Request:
    return _layer(place, Tarred(".wh.."), Tarred(".wh.."), Tarred(".wh."), opaque("."))


@threat("a negative size in a header", code="ABI003")
def image_negative_size(place: Path) -> Request:
    header = bytearray(_file_of(0))
    header[124:136] = b"\xff" * 12
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return _image(place, oci(Image([_SMALL, bytes(header) + bytes(1024)])))


# --- documents ---


@threat("a blob whose bytes have another digest", code="ABI812")
def image_wrong_digest(place: Path) -> Request:
    files = oci(Image([_SMALL], packing=""))
    name = f"blobs/{sha256(_SMALL).replace(':', '/')}"
    return _image(place, {**files, name: _SMALL.replace(b"x = 1", b"x = 2")})


@threat("a layer that is not in the archive", code="ABI813")
def image_missing_blob(place: Path) -> Request:
    files = docker_25(Image([_SMALL]))
    return _image(
        place, {n: d for n, d in files.items() if n != f"blobs/{sha256(_SMALL).replace(':', '/')}"}
    )


@threat("blobs that are named by paths out of the archive", code="ABI813")
def image_blob_elsewhere(place: Path) -> Request:
    files = podman(Image([_SMALL]))
    (entry,) = json.loads(files["manifest.json"])
    entry["Layers"] = ["../../../../etc/passwd", "/etc/passwd"]
    return _image(place, {**files, "manifest.json": json.dumps([entry]).encode()})


@threat("an index that names itself", code="ABI812")
def image_index_loop(place: Path) -> Request:
    digest = f"sha256:{hashlib.sha256(b'any').hexdigest()}"
    entry = {"mediaType": "application/vnd.oci.image.index.v1+json", "digest": digest, "size": 9}
    index = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
    files = {"oci-layout": b"{}", "index.json": index, f"blobs/sha256/{digest[7:]}": index}
    return _image(place, files)


@threat("an index of ten thousand manifests", code="ABI002")
def image_many_manifests(place: Path) -> Request:
    one = Image([_SMALL])
    files = indexed([one])
    manifest = one.manifest()
    entries = [
        {"mediaType": _MANIFEST, "digest": sha256(manifest), "size": len(manifest),
         "platform": {"os": "linux", "architecture": f"cpu{n}"}}
        for n in range(10_000)
    ]  # fmt: skip
    files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": entries}).encode()
    return _image(place, files)


@threat("a manifest that nests lists a hundred thousand deep", code="ABI003")
def image_deep_manifest(place: Path) -> Request:
    return _image(place, _with_index(b'{"layers":' + b"[" * 100_000, {}))


@threat("numbers of five thousand digits, and what is no number, in the documents", code="ABI003")
def image_absurd_numbers(place: Path) -> Request:
    config = (
        b'{"architecture": "amd64", "os": "linux", "config": {"User": 1e999}, "rootfs": {"diff_ids": [%s]}}'
        % (b"9" * 5000)
    )
    return _image(place, _with_manifest(config, [{"size": -1, "digest": 7}], {}))


@threat("a command of an image that is a million words", code="ABI002")
def image_long_command(place: Path) -> Request:
    return _image(place, oci(Image([_SMALL], run={"Cmd": ["word"] * 1_000_000})))


@threat("an OCI layout whose blobs are links to files of the checking machine", code="ABI813")
def image_folder_with_links(place: Path) -> Request:
    root = lay_out(oci(Image([_SMALL])), place / "layout")
    for blob in (root / "blobs" / "sha256").iterdir():
        blob.unlink()
        blob.symlink_to("/etc/passwd")
    return checked("layout")


@threat("something else than an image on standard input", status=3, says="no container image")
def image_stream_of_garbage(place: Path) -> Request:
    del place
    return checked("-", stdin=struct.pack("<Q", 0xDEADBEEF) * 4096)


@threat("an image on standard input that ends in the middle", code="ABI003")
def image_stream_cut_off(place: Path) -> Request:
    del place
    data = archive(docker_25(Image([tar([Tarred("x", os.urandom(200_000))])])))
    return checked("-", stdin=data[:150_000])


THREATS: Final[Iterable[Threat]] = (
    image_zstd_bomb,
    image_packed_twice,
    image_sparse_bomb,
    image_huge_pax_header,
    image_climbing_name,
    image_link_to_host,
    image_hard_link_out,
    image_link_loop,
    image_link_chain,
    image_hard_link_chain,
    image_devices,
    image_whiteout_of_root,
    image_negative_size,
    image_wrong_digest,
    image_missing_blob,
    image_blob_elsewhere,
    image_index_loop,
    image_many_manifests,
    image_deep_manifest,
    image_absurd_numbers,
    image_long_command,
    image_folder_with_links,
    image_stream_of_garbage,
    image_stream_cut_off,
)
