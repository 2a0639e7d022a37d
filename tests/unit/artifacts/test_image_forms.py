"""Every form an image is saved in gives the same image."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from tests.imagebuilder import (
    FORMS,
    PACKERS,
    Files,
    Image,
    archive,
    containerd,
    directory,
    docker_25,
    docker_old,
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
    whiteout,
)
from tests.imagebuilder import Tarred as File

from abicheck.artifacts import DEFAULT_LIMITS, ImageArtifact, Member, open_artifact, open_image
from abicheck.errors import ArtifactError, UsageError
from abicheck.filesystem import Kind
from abicheck.model import ArtifactKind, Compression, ImageChild, Irregular, Platform

ELF: Final = b"\x7fELF" + bytes(range(256)) * 5
BASE: Final = tar(
    [
        folder("usr/"),
        folder("usr/lib64/"),
        link("lib64", "usr/lib64"),
        File("usr/lib64/libc.so.6", ELF, mode=0o755),
        folder("opt/"),
        File("opt/old.py", b"old"),
        File("etc-release", b"1"),
    ]
)
UPPER: Final = tar(
    [
        whiteout("etc-release"),
        folder("opt/"),
        opaque("opt"),
        File("opt/new.py", b"new"),
        hard_link("opt/same.py", "opt/new.py"),
        File("lib64/libm.so.6", ELF[::-1]),
    ]
)
APP: Final = Image(
    (BASE, UPPER),
    run={
        "Env": ["PATH=/usr/bin", "LD_LIBRARY_PATH=/opt/a:/opt/b", "EMPTY="],
        "Entrypoint": ["/usr/bin/python3", "-m", "awslambdaric"],
        "Cmd": ["app.handler"],
        "WorkingDir": "/var/task",
        "User": "1000",
        "Labels": {"a": "b"},
    },
    extra={"created": "2026-01-02T03:04:05Z"},
)
# What a process sees, and which of the two layers brought it.
EXPECTED: Final = {
    "lib64": (Kind.SYMLINK, b"", 0),
    "opt": (Kind.DIRECTORY, b"", 1),
    "opt/new.py": (Kind.FILE, b"new", 1),
    "opt/same.py": (Kind.FILE, b"new", 1),
    "usr": (Kind.DIRECTORY, b"", 0),
    "usr/lib64": (Kind.DIRECTORY, b"", 0),
    "usr/lib64/libc.so.6": (Kind.FILE, ELF, 0),
    "usr/lib64/libm.so.6": (Kind.FILE, ELF[::-1], 1),
}


@contextmanager
def _opened(
    files: Files | bytes,
    folder: Path,
    reference: str | None = None,
    architecture: str | None = None,
) -> Iterator[ImageArtifact]:
    path = folder / "image.tar"
    path.write_bytes(files if isinstance(files, bytes) else archive(files))
    with open_image(path, DEFAULT_LIMITS, reference=reference, architecture=architecture) as image:
        yield image


def _all(image: ImageArtifact) -> list[Member]:
    return list(image.members(lambda *_: True))


def _tree(image: ImageArtifact) -> dict[str, tuple[Kind, bytes, int]]:
    by_layer = {layer.diff_id: layer.index for layer in image.layers}
    return {
        member.name: (member.kind, bytes(member.data or b""), by_layer[member.layer])
        for member in _all(image)
    }


def _faults(image: ImageArtifact) -> list[Irregular]:
    _all(image)
    return [irregularity.kind for irregularity in image.irregularities]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("outer", ["tar", "tar.gz", "tar.zst", "folder", "stream", "gzip stream"])
def test_every_form_gives_the_same_image(tmp_path: Path, form: str, outer: str) -> None:
    """As an archive, packed or not, as a folder, and through a pipe."""
    files = FORMS[form](APP)
    packed = archive(files)
    if outer == "folder":
        source: Path | io.BytesIO = lay_out(files, tmp_path / "image")
    elif "stream" in outer:
        source = io.BytesIO(gzip.compress(packed) if "gzip" in outer else packed)
    else:
        source = tmp_path / "image"
        source.write_bytes(PACKERS[{"gz": "gzip", "zst": "zstd"}.get(outer[4:], "")](packed))
    with open_image(source, DEFAULT_LIMITS) as image:
        tree = _tree(image)

        assert tree == EXPECTED
        assert image.irregularities == []
        assert [layer.diff_id for layer in image.layers] == [sha256(BASE), sha256(UPPER)]
        assert [layer.created_by for layer in image.layers] == ["step 0", "step 1"]
        assert image.config.id == sha256(APP.config)
        assert image.facts.unpacked == len(BASE) + len(UPPER)


def test_the_configuration_is_read(tmp_path: Path) -> None:
    """Environment, entry point, command, user, folder, labels, history, platform."""
    with _opened(docker_old(APP), tmp_path) as image:
        config = image.config

    assert config.platform == Platform("linux", "amd64")
    assert config.names == ("app:latest",)
    assert list(config.env.items()) == [
        ("PATH", "/usr/bin"),
        ("LD_LIBRARY_PATH", "/opt/a:/opt/b"),
        ("EMPTY", ""),
    ]
    assert config.entrypoint == ("/usr/bin/python3", "-m", "awslambdaric")
    assert (config.cmd, config.working_dir, config.user) == (("app.handler",), "/var/task", "1000")
    assert (dict(config.labels), config.created) == ({"a": "b"}, "2026-01-02T03:04:05Z")
    assert [step.empty_layer for step in config.history] == [False, True, False]


@pytest.mark.parametrize("packing", PACKERS)
def test_compression_is_told_by_the_bytes(tmp_path: Path, packing: str) -> None:
    """`dir:` folders of skopeo keep the media type of gzip for layers that are plain."""
    files = oci(replace(APP, packing=packing))
    with _opened(files, tmp_path) as image:
        assert _tree(image) == EXPECTED
        assert [layer.compression for layer in image.layers] == [Compression(packing or "none")] * 2
        assert image.irregularities == []


def test_layers_saved_twice_may_be_links(tmp_path: Path) -> None:
    """Old engines save a repeated layer as a link to the first, inside the archive."""
    files = docker_old(replace(APP, layers=(BASE, UPPER, BASE)))
    first = next(name for name in files if name.endswith("layer.tar"))
    manifest = files["manifest.json"].decode()
    copy = f"{'f' * 64}/layer.tar"
    head, _, tail = manifest.rpartition(first)
    files["manifest.json"] = f"{head}{copy}{tail}".encode()
    with _opened(archive(files, {copy: f"../{first}"}), tmp_path) as image:
        tree = _tree(image)

    assert tree["opt/old.py"] == (Kind.FILE, b"old", 2)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    """Neither by its own name nor by that of a folder above."""
    files = directory(APP)
    outside = lay_out(files, tmp_path / "outside")
    inside = lay_out(files, tmp_path / "inside")
    blob = sha256(APP.blobs[0]).removeprefix("sha256:")
    (inside / blob).unlink()
    (inside / blob).symlink_to(outside / blob)
    with open_image(inside, DEFAULT_LIMITS) as image:
        assert _faults(image) == [Irregular.MISSING_BLOB]


# --- several images, several platforms -------------------------------------------

ARM: Final = replace(APP, architecture="arm64")
OTHER: Final = replace(APP, name="other:2", layers=(UPPER,))


@pytest.mark.parametrize(("architecture", "expected"), [("x86_64", "amd64"), ("arm64", "arm64")])
@pytest.mark.parametrize("form", [indexed, containerd])
def test_the_architecture_names_one_platform(
    tmp_path: Path, form: object, architecture: str, expected: str
) -> None:
    """Also by the kernel's name for it."""
    files = indexed([APP, ARM]) if form is indexed else containerd(APP, ARM)
    with _opened(files, tmp_path, architecture=architecture) as image:
        assert image.config.platform.architecture == expected


def test_several_platforms_are_listed_where_none_is_named(tmp_path: Path) -> None:
    """The request is incomplete; nothing is guessed."""
    with (
        pytest.raises(UsageError, match=r"several images.*linux/amd64.*linux/arm64"),
        _opened(indexed([APP, ARM]), tmp_path),
    ):
        pass


@pytest.mark.parametrize("form", [docker_old, docker_25, oci])
@pytest.mark.parametrize(
    "reference", ["other:2", "docker.io/library/other:2", sha256(OTHER.config)]
)
def test_the_reference_names_one_image(tmp_path: Path, form: object, reference: str) -> None:
    """By any spelling, or by its id."""
    assert callable(form)
    with _opened(form(APP, OTHER), tmp_path, reference=reference) as image:
        assert image.config.id in {sha256(OTHER.config), sha256(replace(OTHER, packing="").config)}
        assert len(image.layers) == 1


@pytest.mark.parametrize("reference", ["app", "app:latest", "library/app", sha256(APP.config)[:19]])
def test_what_a_reference_leaves_out_is_added(tmp_path: Path, reference: str) -> None:
    """The tag is `latest`, the registry Docker's own; the beginning of an id will do."""
    with _opened(docker_old(APP, OTHER), tmp_path, reference=reference) as image:
        assert image.config.names == ("app:latest",)


@pytest.mark.parametrize("reference", ["app:2", "ap", "nothing", "sha256:" + "0" * 64])
def test_a_reference_that_names_nothing_is_an_error_of_usage(
    tmp_path: Path, reference: str
) -> None:
    """Even where there is only one image."""
    with (
        pytest.raises(UsageError, match=f"no image is called {reference}; .*app:latest"),
        _opened(docker_old(APP), tmp_path, reference=reference),
    ):
        pass


def test_the_only_image_is_taken_whatever_its_architecture(tmp_path: Path) -> None:
    """That it is the wrong one is a finding."""
    with _opened(docker_old(ARM), tmp_path, architecture="x86_64") as image:
        assert image.config.platform.architecture == "arm64"


def test_one_image_under_two_names_is_one_image(tmp_path: Path) -> None:
    """It can be asked for by either."""
    twice = docker_old(APP, replace(APP, name="app:2"))
    with _opened(twice, tmp_path, reference="app:2") as image:
        assert set(image.config.names) == {"app:latest", "app:2"}


def test_attestations_are_passed_over_and_reported(tmp_path: Path) -> None:
    """They stand in the index as if they were images."""
    with _opened(indexed([APP], attested=True), tmp_path) as image:
        assert _faults(image) == []
        facts = image.facts

    assert facts.index
    assert [(child.platform, child.attestation) for child in facts.children] == [
        (Platform("unknown", "unknown"), True)
    ]


def test_a_platform_that_is_listed_and_not_there_is_reported(tmp_path: Path) -> None:
    """Engines keep one platform of what they pulled."""
    with _opened(indexed([APP], absent=[ARM]), tmp_path) as image:
        assert image.config.platform.architecture == "amd64"
        assert image.facts.children == (
            ImageChild(sha256(ARM.manifest()), Platform("linux", "arm64"), present=False),
        )


def test_an_archive_of_absent_platforms_holds_no_image(tmp_path: Path) -> None:
    """And says which it would have held."""
    with _opened(indexed([], absent=[ARM]), tmp_path) as image:
        assert _faults(image) == [Irregular.MISSING_BLOB]
        assert "linux/arm64" in image.irregularities[0].detail


def test_a_single_image_has_no_index(tmp_path: Path) -> None:
    """The `index.json` of a layout is no index of platforms."""
    with _opened(docker_25(APP), tmp_path) as image:
        assert not image.facts.index
        assert image.facts.children == ()


# --- the oddities of engines ----------------------------------------------------------


def test_an_oci_manifest_without_layers_leaves_the_word_to_manifest_json(tmp_path: Path) -> None:
    """Docker 25.0 wrote such (moby 47065)."""
    plain = replace(APP, packing="")
    files = docker_25(APP)
    hollow = replace(plain, layers=(), extra={"rootfs": {"diff_ids": plain.diff_ids}})
    manifest = hollow.manifest().replace(
        sha256(hollow.config).encode(), sha256(plain.config).encode()
    )
    files |= {
        "index.json": oci(plain)["index.json"].replace(
            sha256(plain.manifest()).encode(), sha256(manifest).encode()
        ),
        f"blobs/{sha256(manifest).replace(':', '/')}": manifest,
    }
    with _opened(files, tmp_path) as image:
        assert _tree(image) == EXPECTED
        assert image.irregularities == []


def test_an_index_without_a_list_leaves_the_word_to_manifest_json(tmp_path: Path) -> None:
    """Docker 25.0 wrote null where the list belongs (moby 47210)."""
    files = docker_25(APP) | {"index.json": b'{"schemaVersion":2,"manifests":null}'}
    with _opened(files, tmp_path) as image:
        assert _tree(image) == EXPECTED
        assert image.irregularities == []


def test_two_lists_of_layers_that_differ_are_named(tmp_path: Path) -> None:
    """Where `index.json` and `manifest.json` contradict each other, which runs is open."""
    files = docker_25(APP)
    first, second = (f"blobs/{d.replace(':', '/')}".encode() for d in APP.diff_ids)
    manifest = files["manifest.json"]
    swapped = manifest.replace(first, b"X").replace(second, first).replace(b"X", second)
    with _opened(files | {"manifest.json": swapped}, tmp_path) as image:
        assert _faults(image) == [Irregular.DISAGREEMENT]


def test_what_is_no_image_is_an_error(tmp_path: Path) -> None:
    """A tar of something else, a folder of something else."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "root.tar").write_bytes(BASE)
    for name in ("folder", "root.tar"):
        with (
            pytest.raises(ArtifactError, match="no container image"),
            open_image(tmp_path / name, DEFAULT_LIMITS),
        ):
            pass
    with (
        pytest.raises(ArtifactError, match="no container image"),
        open_image(io.BytesIO(b"text"), DEFAULT_LIMITS),
    ):
        pass


def test_an_artifact_that_is_an_image_is_opened_as_one(tmp_path: Path) -> None:
    """As archive or folder, whatever it is called."""
    (tmp_path / "app.zip").write_bytes(archive(podman(APP)))
    lay_out(oci(APP), tmp_path / "layout")
    for name in ("app.zip", "layout"):
        with open_artifact(tmp_path / name, DEFAULT_LIMITS) as artifact:
            assert artifact.kind is ArtifactKind.IMAGE
            assert {member.name for member in artifact.members(lambda *_: False)} == set(EXPECTED)


def test_an_image_whose_last_file_is_a_zip_is_an_image(tmp_path: Path) -> None:
    """A ZIP is told by its end, and that of a small one may lie at the end of the tar."""
    end = b"PK\x05\x06" + bytes(18)
    path = tmp_path / "image.tar"
    path.write_bytes(archive(docker_old(Image((tar([File("a.zip", end)]),)))))
    with open_artifact(path, DEFAULT_LIMITS) as artifact:
        assert artifact.kind is ArtifactKind.IMAGE


@pytest.mark.parametrize(
    "content", [b'{"Config": 1}', b"[]", b"[1]", b"{", b'{"schemaVersion": 2}', b"[[[[", b"null"]
)
def test_a_folder_with_a_manifest_of_its_own_is_a_folder(tmp_path: Path, content: bytes) -> None:
    """Web extensions and asset pipelines have a `manifest.json` as well."""
    (tmp_path / "manifest.json").write_bytes(content)
    (tmp_path / "app.py").write_bytes(b"")
    with open_artifact(tmp_path, DEFAULT_LIMITS) as artifact:
        assert artifact.kind is ArtifactKind.FOLDER


def test_what_has_been_given_back_can_be_read_again(tmp_path: Path) -> None:
    """Pages of the archive are let go as they are read; contents that are kept outlive that."""
    with _opened(docker_old(APP), tmp_path) as image:
        first = _all(image)
        again = _all(image)

    assert first == again


def test_an_empty_stream_is_told_as_one() -> None:
    """Its own program has failed, and said why."""
    with (
        pytest.raises(ArtifactError, match="the stream is empty"),
        open_image(io.BytesIO(), DEFAULT_LIMITS),
    ):
        pass
