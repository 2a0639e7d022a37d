"""A layer's bytes come in chunks, wherever these end; contents are hashed beside the reading."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from tests.imagebuilder import Image, Tarred, archive, hard_link, oci, tar

from abicheck.artifacts import DEFAULT_LIMITS, open_image
from abicheck.artifacts._image._stream import ByteStream

TEXT = bytes(range(200))
MEBIBYTE = 1 << 20


@pytest.mark.parametrize("size", [1, 7, 64, 200, 500])
def test_a_peek_is_what_is_read_next(size: int) -> None:
    """Over the end of chunks, and of the stream; a chunk may be empty."""
    chunks = [TEXT[start : start + size] for start in range(0, len(TEXT), size)]
    stream = ByteStream(iter([b"", *chunks, b""]))

    for step in (3, 0, 50, 99, 60):
        here = stream.position
        assert stream.peek(step) == TEXT[here : here + step]
        assert bytes(stream.read(step)) == TEXT[here : here + step]
    assert stream.peek(1) == b""


@pytest.mark.parametrize("packing", ["", "gzip", "zstd"])
def test_the_digest_of_a_content_is_that_of_its_bytes(tmp_path: Path, packing: str) -> None:
    """Small or in many chunks, seen by its own name or by another; only where it is asked for."""
    contents = {
        "small": b"abc",
        "large": TEXT * 20_000,
        "many": b"x" * (3 * MEBIBYTE),
        "unlisted": b"?",
        "unwanted": b"!",
    }
    layer = tar([*(Tarred(name, data) for name, data in contents.items()), hard_link("z", "large")])
    path = tmp_path / "image.tar"
    path.write_bytes(archive(oci(Image((layer,), packing=packing))))

    with open_image(path, DEFAULT_LIMITS) as image:
        found = {
            member.name: member.sha256
            for member, _ in image.examine(
                lambda name, *_: name != "unwanted", lambda _: None, lambda name: name != "unlisted"
            )
        }

    expected = {name: hashlib.sha256(data).digest() for name, data in contents.items()}
    assert found == {**expected, "z": expected["large"], "unlisted": None, "unwanted": None}
