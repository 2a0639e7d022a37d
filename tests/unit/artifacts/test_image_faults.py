"""Hostile and damaged images: each fault is an irregularity of its own kind."""

from __future__ import annotations

import gzip
import json
import tarfile
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from tests.imagebuilder import (
    PACKERS,
    Files,
    Image,
    archive,
    docker_old,
    folder,
    hard_link,
    lay_out,
    oci,
    sha256,
    tar,
)
from tests.imagebuilder import Tarred as File

from abicheck.artifacts import DEFAULT_LIMITS, Limits, Member, open_artifact, open_image
from abicheck.model import ArtifactKind, Irregular, Irregularity

BASE: Final = tar([folder("x"), File("x/a.py", b"a" * 3000)])
TOP: Final = tar([File("x/b.py", b"b" * 3000)])
APP: Final = Image((BASE, TOP))


class _Reading:
    def __init__(
        self, data: bytes | Files, tmp_path: Path, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        path = tmp_path / "image.tar"
        path.write_bytes(data if isinstance(data, bytes) else archive(data))
        with open_image(path, limits) as image:
            self.members: list[Member] = list(image.members(lambda *_: True))
            self.faults: Sequence[Irregularity] = tuple(image.irregularities)
        self.kinds = [fault.kind for fault in self.faults]
        self.names = {member.name for member in self.members}


def _path(data: bytes) -> str:
    return f"blobs/{sha256(data).replace(':', '/')}"


@pytest.mark.parametrize("packing", PACKERS)
def test_a_layer_that_is_not_there_is_named(tmp_path: Path, packing: str) -> None:
    """The others are read all the same."""
    app = replace(APP, packing=packing)
    files = oci(app)
    del files[_path(app.blobs[0])]
    reading = _Reading(files, tmp_path)

    assert reading.kinds == [Irregular.MISSING_BLOB]
    assert reading.faults[0].location.layer == APP.diff_ids[0]
    assert reading.names == {"x", "x/b.py"}


@pytest.mark.parametrize("packing", PACKERS)
def test_a_layer_with_another_digest_is_named(tmp_path: Path, packing: str) -> None:
    """One fault, although two digests are wrong."""
    app = replace(APP, packing=packing)
    other = replace(APP, packing=packing, layers=(BASE, tar([File("x/c.py")])))
    files = oci(app) | {_path(app.blobs[1]): other.blobs[1]}
    reading = _Reading(files, tmp_path)

    assert reading.kinds == [Irregular.WRONG_DIGEST]
    assert app.blobs[1] != other.blobs[1]
    assert sha256(app.blobs[1]) in reading.faults[0].detail
    assert sha256(other.blobs[1]) in reading.faults[0].detail


def test_a_wrong_diff_id_is_named(tmp_path: Path) -> None:
    """The blob is what the manifest says, and unpacks to something else than the image says."""
    app = replace(APP, extra={"rootfs": {"diff_ids": [sha256(BASE), sha256(BASE)]}})
    reading = _Reading(oci(app), tmp_path)

    assert reading.kinds == [Irregular.WRONG_DIGEST]
    assert "unpacked layer" in reading.faults[0].detail


@pytest.mark.parametrize("what", ["manifest", "config"])
def test_a_changed_document_is_named(tmp_path: Path, what: str) -> None:
    """Also where its JSON is sound."""
    data = APP.manifest() if what == "manifest" else APP.config
    reading = _Reading(oci(APP) | {_path(data): data + b" "}, tmp_path)

    assert reading.kinds == [Irregular.WRONG_DIGEST]
    assert reading.names == {"x", "x/a.py", "x/b.py"}


def test_a_changed_configuration_of_an_old_archive_is_named(tmp_path: Path) -> None:
    """Its file is called after its digest."""
    files = docker_old(APP)
    (name,) = [n for n in files if n.endswith(".json") and n != "manifest.json"]
    reading = _Reading(files | {name: files[name] + b"\n"}, tmp_path)

    assert reading.kinds == [Irregular.WRONG_DIGEST]


@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("size", [0.1, 0.5, 0.9])
def test_a_layer_that_is_cut_off_is_named(tmp_path: Path, packing: str, size: float) -> None:
    """As cut off, and not by the digest that is wrong for the same reason."""
    noise = b"".join(sha256(b"%d" % n).encode() for n in range(3000))
    app = Image((tar([File("noise", noise), File("end", noise[::-1])]),), packing=packing)
    (blob,) = app.blobs
    reading = _Reading(oci(app) | {_path(blob): blob[: int(len(blob) * size)]}, tmp_path)

    assert reading.kinds == [Irregular.TRUNCATED]


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_a_layer_whose_packing_is_damaged_is_named(tmp_path: Path, packing: str) -> None:
    """In the middle of the stream."""
    noise = b"".join(sha256(b"%d" % n).encode() for n in range(3000))
    app = Image((tar([File("noise", noise)]),), packing=packing)
    blob = bytearray(app.blobs[0])
    blob[len(blob) // 2 :] = bytes(len(blob) - len(blob) // 2)
    reading = _Reading(oci(app) | {_path(app.blobs[0]): bytes(blob)}, tmp_path)

    assert reading.kinds in ([Irregular.CORRUPT], [Irregular.TRUNCATED])


def test_a_layer_that_is_no_tar_is_named(tmp_path: Path) -> None:
    """Encrypted, or packed in a way that no engine writes."""
    app = Image((b"\xfd7zXZ\0" + bytes(range(256)) * 8,), packing="")

    assert _Reading(oci(app), tmp_path).kinds == [Irregular.METHOD]


@pytest.mark.parametrize("empty", [b"", bytes(1024), bytes(10240)])
@pytest.mark.parametrize("packing", ["", "gzip"])
def test_an_empty_layer_is_sound(tmp_path: Path, packing: str, empty: bytes) -> None:
    """Two blocks of zeros are a tar of nothing."""
    reading = _Reading(oci(Image((empty, BASE), packing=packing)), tmp_path)

    assert reading.kinds == []
    assert reading.names == {"x", "x/a.py"}


def test_gzip_members_behind_one_another_are_one_layer(tmp_path: Path) -> None:
    """As pigz and estargz write them; zeros behind the last are padding."""
    half = len(BASE) // 2
    blob = gzip.compress(BASE[:half], mtime=0) + gzip.compress(BASE[half:], mtime=0) + bytes(100)
    app = Image((BASE,))
    files = oci(app)
    manifest = json.loads(files[_path(app.manifest())])
    manifest["layers"][0]["digest"] = sha256(blob)
    changed = json.dumps(manifest).encode()
    index = files["index.json"].replace(sha256(app.manifest()).encode(), sha256(changed).encode())
    reading = _Reading(
        files | {"index.json": index, _path(changed): changed, _path(blob): blob}, tmp_path
    )

    assert reading.kinds == []
    assert reading.names == {"x", "x/a.py"}


def test_an_archive_that_is_cut_off_is_named(tmp_path: Path) -> None:
    """Before it says what it holds: nothing is known of it, and it does not pass."""
    data = archive(docker_old(APP))
    path = tmp_path / "image.tar"
    path.write_bytes(data[: len(data) // 3])
    with open_artifact(path, DEFAULT_LIMITS) as artifact:
        kinds = [fault.kind for fault in artifact.irregularities]

        assert artifact.kind is ArtifactKind.IMAGE
        assert kinds == [Irregular.TRUNCATED]


def test_a_packed_archive_that_is_cut_off_is_named(tmp_path: Path) -> None:
    """Once, although the tar in it is cut off as well."""
    data = gzip.compress(archive(docker_old(APP)), 0)
    reading = _Reading(data[:-5000], tmp_path)

    assert reading.kinds == [Irregular.TRUNCATED]


# --- documents ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("index.json", b"{"),
        ("index.json", b'{"manifests": 5}'),
        ("index.json", b'{"manifests": [5]}'),
        ("index.json", b'{"manifests": [{"digest": "../../etc/passwd"}]}'),
        ("index.json", b'{"manifests": [{"digest": "sha256:../../etc/passwd"}]}'),
        ("index.json", b"[" * 100_000),
        ("index.json", b'{"manifests": [], "x": ' + b"9" * 5000 + b"}"),
        ("manifest.json", b'[{"Config": 5, "Layers": []}]'),
        ("manifest.json", b'[{"Config": "x", "Layers": [5]}]'),
        ("manifest.json", b'[{"Config": "../x.json", "Layers": ["../../etc/passwd"]}]'),
    ],
)
def test_a_malformed_document_is_a_fault(tmp_path: Path, name: str, content: bytes) -> None:
    """And never another exception."""
    path = lay_out({"oci-layout": b"{}", name: content}, tmp_path / "image")
    with open_artifact(path, DEFAULT_LIMITS) as artifact:
        list(artifact.members(lambda *_: True))
        recognised = artifact.kind is ArtifactKind.IMAGE

        assert not recognised or artifact.irregularities != []


def test_a_malformed_configuration_leaves_the_layers(tmp_path: Path) -> None:
    """Nothing is known of the platform, and the tree is read."""
    app = replace(APP, extra={"config": {"Env": "PATH=/bin"}})
    reading = _Reading(oci(app), tmp_path)

    assert reading.kinds == [Irregular.CORRUPT]
    assert "Env" in reading.faults[0].detail
    assert reading.names == {"x", "x/a.py", "x/b.py"}


def test_an_index_of_indexes_has_an_end(tmp_path: Path) -> None:
    """Each names the next, deeper than any engine nests them."""
    files: Files = {}
    inner = APP.manifest()
    kind = "application/vnd.oci.image.manifest.v1+json"
    for _ in range(8):
        files[_path(inner)] = inner
        entry = {"mediaType": kind, "digest": sha256(inner), "size": len(inner)}
        kind = "application/vnd.oci.image.index.v1+json"
        inner = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": [entry]}).encode()
    reading = _Reading(oci(APP) | files | {"index.json": inner}, tmp_path)

    assert reading.kinds == [Irregular.LIMIT]


def test_an_index_that_names_itself_is_read_once(tmp_path: Path) -> None:
    """Its digest is wrong, or it could not."""
    kind = "application/vnd.oci.image.index.v1+json"
    digest = "sha256:" + "a" * 64
    index = json.dumps({"manifests": [{"mediaType": kind, "digest": digest}] * 200}).encode()
    files = {"index.json": index, f"blobs/{digest.replace(':', '/')}": index}
    reading = _Reading(files, tmp_path)

    assert set(reading.kinds) == {Irregular.WRONG_DIGEST}


def test_a_diff_id_that_is_the_digest_of_the_packed_layer_is_wrong(tmp_path: Path) -> None:
    """Writers have confused the two."""
    app = replace(APP, extra={"rootfs": {"diff_ids": [sha256(blob) for blob in APP.blobs]}})

    assert _Reading(oci(app), tmp_path).kinds == [Irregular.WRONG_DIGEST] * 2


def test_other_numbers_of_layers_are_named(tmp_path: Path) -> None:
    """The manifest and the configuration must speak of the same layers."""
    app = replace(APP, extra={"rootfs": {"diff_ids": [sha256(BASE)]}})

    assert _Reading(oci(app), tmp_path).kinds == [Irregular.DISAGREEMENT]


# --- limits -------------------------------------------------------------------------------


@pytest.mark.parametrize("packing", PACKERS)
def test_a_bomb_stops_at_the_limit(tmp_path: Path, packing: str) -> None:
    """A few kilobytes that unpack to any size are read as far as the limit goes."""
    bomb = Image((tar([File("zeros", bytes(64 << 20))]), BASE), packing=packing)
    reading = _Reading(oci(bomb), tmp_path, Limits(layers=8 << 20))

    assert reading.kinds == [Irregular.LIMIT]
    assert "x" not in reading.names


def test_a_packed_archive_that_is_a_bomb_stops_at_the_limit(tmp_path: Path) -> None:
    """Before it fills the disk."""
    data = gzip.compress(archive(docker_old(APP) | {"zeros": bytes(64 << 20)}))
    reading = _Reading(data, tmp_path, Limits(layers=1 << 20))

    assert reading.kinds == [Irregular.LIMIT]


def test_too_many_entries_stop_at_the_limit(tmp_path: Path) -> None:
    """Over all layers together."""
    many = tar([File(f"f{n}") for n in range(60)])
    reading = _Reading(oci(Image((many, many, BASE))), tmp_path, Limits(members=100))

    assert reading.kinds == [Irregular.LIMIT]
    assert len(reading.members) <= 100


def test_a_large_file_is_passed_over(tmp_path: Path) -> None:
    """And named; the others are read."""
    layer = tar([File("large", bytes(5000)), File("small", b"s")])
    reading = _Reading(oci(Image((layer,))), tmp_path, Limits(member=4999))

    assert reading.kinds == [Irregular.LIMIT]
    assert {m.name: m.data for m in reading.members} == {"large": None, "small": b"s"}


def test_a_sparse_file_costs_what_it_unpacks_to(tmp_path: Path) -> None:
    """A map of a few bytes asks for terabytes of zeros."""
    records = b"".join(
        b"%d %s\n" % (len(text) + 4, text)
        for text in (b"GNU.sparse.map=0,1", b"GNU.sparse.size=9999999999999")
    )
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, len(records)
    header = info.tobuf(tarfile.USTAR_FORMAT) + records + bytes(-len(records) % 512)
    sparse = header + tar([File("sparse", b"1")])
    reading = _Reading(oci(Image((sparse,))), tmp_path)

    assert reading.kinds == [Irregular.LIMIT]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (File("../out"), Irregular.CLIMBS_OUT),
        (File("a/../../out"), Irregular.CLIMBS_OUT),
        (File("n" * 5000), Irregular.BAD_NAME),
        (File("l", type=tarfile.SYMTYPE, target="t" * 5000), Irregular.BAD_NAME),
        (hard_link("h", "../out"), Irregular.CLIMBS_OUT),
        (hard_link("h", "nothing"), Irregular.CORRUPT),
    ],
)
def test_a_hostile_entry_is_named_and_left_out(
    tmp_path: Path, entry: File, expected: Irregular
) -> None:
    """The rest of the layer is read."""
    reading = _Reading(oci(Image((tar([entry, File("sound")]),))), tmp_path)

    assert reading.kinds == [expected]
    assert reading.names == {"sound"}


def test_whole_names_are_read_below_the_root(tmp_path: Path) -> None:
    """An absolute name is one in the image."""
    reading = _Reading(oci(Image((tar([File("/etc/x", b"1")]),))), tmp_path)

    assert reading.kinds == []
    assert "etc/x" in reading.names


def test_deflate_without_gzip_is_no_layer(tmp_path: Path) -> None:
    """No engine reads zlib's own format."""
    app = Image((zlib.compress(BASE),), packing="")

    assert _Reading(oci(app), tmp_path).kinds == [Irregular.METHOD]
