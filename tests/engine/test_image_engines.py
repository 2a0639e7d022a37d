"""Images as real engines and tools save them, and unpack them."""

from __future__ import annotations

import os
import random
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from tests.imagebuilder import (
    Image,
    Tarred,
    archive,
    folder,
    hard_link,
    lay_out,
    link,
    oci,
    opaque,
    tar,
    whiteout,
)

from abicheck.artifacts import DEFAULT_LIMITS, open_engine_image, open_image
from abicheck.artifacts._image._squash import Record, squash
from abicheck.artifacts._image._tar import TarType
from abicheck.errors import ArtifactError
from abicheck.filesystem import Kind
from abicheck.model import Compression

pytestmark = pytest.mark.engine

Tool = Callable[..., str]
Seen = dict[str, tuple[str, int, str, bytes]]

REFERENCE: Final = "localhost/abicheck-test:1"
APP: Final = Image(
    (
        tar(
            [
                folder("usr"),
                folder("usr/lib64"),
                Tarred("usr/lib64/libc.so.6", b"\x7fELF" * 300, mode=0o755),
                link("lib64", "usr/lib64"),
                folder("opt"),
                Tarred("opt/old.py", b"old"),
                Tarred("gone.py", b"gone"),
                Tarred("p/" * 60 + "long.py", b"long"),
            ]
        ),
        tar(
            [
                whiteout("gone.py"),
                folder("opt"),
                opaque("opt"),
                Tarred("opt/new.py", b"new", mode=0o600),
                hard_link("opt/same.py", "opt/new.py"),
                folder("usr"),
                folder("usr/lib64"),
                Tarred("usr/lib64/libm.so.6", os.urandom(3000)),
            ]
        ),
    ),
    name="abicheck-test:1",
    run={"Env": ["LD_LIBRARY_PATH=/opt/lib"], "Cmd": ["/bin/app"], "WorkingDir": "/var/task"},
)


def _seen(source: Path, **choice: str) -> tuple[Seen, tuple[str, ...], set[Compression | None]]:
    with open_image(source, DEFAULT_LIMITS, **choice) as image:
        found: Seen = {
            m.name: (m.kind.name, m.mode or 0, m.target, bytes(m.data or b""))
            for m in image.members(lambda *_: True)
        }
        assert image.irregularities == []
        assert dict(image.config.env) == {"LD_LIBRARY_PATH": "/opt/lib"}
        assert image.config.working_dir == "/var/task"
        return found, image.config.diff_ids, {layer.compression for layer in image.layers}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the image as an OCI layout of our own."""
    return lay_out(oci(APP), tmp_path_factory.mktemp("built") / "layout")


@pytest.fixture(scope="module")
def expected(built: Path) -> Seen:
    """Return the image's tree as it is read from that layout."""
    found, _, _ = _seen(built)

    assert "gone.py" not in found
    assert found["opt/same.py"][3] == b"new"
    return found


@pytest.fixture(scope="module")
def in_docker(built: Path, tool: Tool, docker: Tool) -> Iterator[str]:
    """Return the image's name in the local docker engine, while it is there."""
    tool("skopeo", "copy", f"oci:{built}:{APP.name}", f"docker-daemon:{REFERENCE}")
    yield REFERENCE
    docker("rmi", "--force", REFERENCE)


@pytest.fixture(scope="module")
def in_podman(built: Path, tmp_path_factory: pytest.TempPathFactory, podman: Tool) -> str:
    """Return the image's name in podman's own store."""
    path = tmp_path_factory.mktemp("podman") / "image.tar"
    path.write_bytes(archive({name: (built / name).read_bytes() for name in oci(APP)}))
    podman("load", "--input", path)
    return REFERENCE


@pytest.mark.parametrize(
    ("form", "options", "packing"),
    [
        ("oci:{}:app", (), Compression.GZIP),
        ("oci:{}:app", ("--dest-compress-format", "zstd"), Compression.ZSTD),
        ("oci-archive:{}:app", (), Compression.GZIP),
        ("docker-archive:{}:app:1", (), Compression.NONE),
        ("dir:{}", (), Compression.GZIP),
        ("dir:{}", ("--dest-decompress",), Compression.NONE),
    ],
)
def test_skopeo_writes_the_same_image(  # noqa: PLR0913, PLR0917 - three of them are a form
    built: Path,
    expected: Seen,
    tool: Tool,
    tmp_path: Path,
    form: str,
    options: tuple[str, ...],
    packing: Compression,
) -> None:
    """As layout, archive and folder, packed and not."""
    path = tmp_path / "copy"
    if "zstd" in options:
        # Recompression has to be asked for: from plain layers.
        tool("skopeo", "copy", "--dest-decompress", f"oci:{built}:{APP.name}", f"dir:{tmp_path}/d")
        tool("skopeo", "copy", "--dest-compress", *options, f"dir:{tmp_path}/d", form.format(path))
    else:
        tool("skopeo", "copy", *options, f"oci:{built}:{APP.name}", form.format(path))
    found, diff_ids, packings = _seen(path)

    assert found == expected
    assert list(diff_ids) == APP.diff_ids
    assert packings == {packing}


def test_docker_saves_the_same_image(
    in_docker: str, expected: Seen, docker: Tool, tmp_path: Path
) -> None:
    """In the form of its release."""
    docker("save", "--output", tmp_path / "image.tar", in_docker)
    found, diff_ids, _ = _seen(tmp_path / "image.tar", reference=in_docker)

    assert found == expected
    assert list(diff_ids) == APP.diff_ids


@pytest.mark.parametrize("form", ["docker-archive", "oci-archive", "oci-dir", "docker-dir"])
def test_podman_saves_the_same_image(
    in_podman: str, expected: Seen, podman: Tool, tmp_path: Path, form: str
) -> None:
    """In all four of its formats."""
    path = tmp_path / "saved"
    podman("save", "--format", form, "--output", path, in_podman)
    found, diff_ids, _ = _seen(path)

    assert found == expected
    assert list(diff_ids) == APP.diff_ids


# --- the local engine ----------------------------------------------------------------------


def test_the_local_engine_is_asked_for_an_image(in_docker: str, expected: Seen) -> None:
    """By the name it has there; nothing is left behind."""
    with open_engine_image(in_docker, DEFAULT_LIMITS) as image:
        found = {
            m.name: (m.kind.name, m.mode or 0, m.target, bytes(m.data or b""))
            for m in image.members(lambda *_: True)
        }

    assert found == expected


def test_an_image_that_the_engine_lacks_is_an_error(docker: Tool) -> None:
    """It says what to do."""
    del docker
    with (
        pytest.raises(ArtifactError, match=r"docker:abicheck-none:1: .* pull or build it first"),
        open_engine_image("abicheck-none:1", DEFAULT_LIMITS),
    ):
        pass


# --- what unpacking gives -------------------------------------------------------------------


def _stack(seed: int) -> list[list[Tarred]]:
    """Return a stack of layers such as builders write: folders first, marks in any place."""
    choose = random.Random(seed)  # noqa: S311 - the same fifty stacks on every run
    names = ["a", "b", "c", "lib"]
    stack: list[list[Tarred]] = []
    for number in range(choose.randint(2, 5)):
        entries: list[Tarred] = []
        for _ in range(choose.randint(1, 10)):
            name = "/".join(choose.choices(names, k=choose.randint(1, 3)))
            parts = name.split("/")
            kind = choose.choice(["file", "file", "folder", "link", "hard", "white", "opaque"])
            parents = [folder("/".join(parts[:n])) for n in range(1, len(parts))]
            if kind == "file":
                made = [
                    Tarred(name, f"{number} {name}".encode(), mode=choose.choice([0o644, 0o600]))
                ]
            elif kind == "folder":
                made = [folder(name, choose.choice([0o755, 0o700]))]
            elif kind == "link":
                made = [link(name, choose.choice(["a", "b", "../a", "/c", "lib/b"]))]
            elif kind == "hard":
                made = [hard_link(name, choose.choice(["a", "b/c", "lib/a", "c"]))]
            elif kind == "white":
                made = [whiteout(name)]
            else:
                made = [folder(name), opaque(name)]
            entries += [*(parents if choose.random() < 0.7 else []), *made]
        stack.append(entries)
    return stack


_TYPES: Final = {
    b"0": TarType.FILE,
    b"1": TarType.HARD_LINK,
    b"2": TarType.SYMLINK,
    b"5": TarType.DIRECTORY,
}


def _fits(stack: list[list[Tarred]]) -> bool:
    """Whether every entry can be unpacked, so that umoci does not stop."""
    layers = [
        [Record(e.name, _TYPES[e.type], e.mode, len(e.data), e.target) for e in entries]
        for entries in stack
    ]
    return squash(layers).misfits == []


def _unpacked(root: Path) -> Seen:
    found: Seen = {}
    for above, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(above) / name
            status = path.lstat()
            mode = stat.S_IMODE(status.st_mode)
            key = str(path.relative_to(root))
            if stat.S_ISLNK(status.st_mode):
                found[key] = (Kind.SYMLINK.name, 0, str(path.readlink()), b"")
            elif stat.S_ISDIR(status.st_mode):
                found[key] = (Kind.DIRECTORY.name, mode, "", b"")
            else:
                found[key] = (Kind.FILE.name, mode, "", path.read_bytes())
    return found


def test_the_fold_agrees_with_umoci(tool: Tool, tmp_path: Path) -> None:
    """On fifty stacks of layers with whiteouts, opaque folders, links and replacements."""
    tool("umoci", "--version")
    compared = refused = 0
    for seed in filter(lambda seed: _fits(_stack(seed)), range(10_000)):
        image = Image([tar(entries) for entries in _stack(seed)], name="app")
        layout = lay_out(oci(image), tmp_path / f"{seed}" / "layout")
        bundle = tmp_path / f"{seed}" / "bundle"
        unpack = ("umoci", "unpack", "--rootless", "--image", f"{layout}:app", bundle)
        if subprocess.run(unpack, capture_output=True, check=False, timeout=60).returncode:
            # It goes by the order inside a layer, and into a loop that a whiteout there removes.
            refused += 1
            continue
        compared += 1
        with open_image(layout, DEFAULT_LIMITS) as opened:
            ours: Seen = {
                m.name: (
                    m.kind.name,
                    0 if m.kind is Kind.SYMLINK else m.mode or 0,
                    m.target,
                    bytes(m.data or b""),
                )
                for m in opened.members(lambda *_: True)
            }

        assert (seed, ours) == (seed, _unpacked(bundle / "rootfs"))
        if compared == 50:
            break

    assert (compared, refused <= 5) == (50, True)
