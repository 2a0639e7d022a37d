"""How much is done, not how long it takes: every member is inflated once, and read once."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from abicheck.artifacts import DEFAULT_LIMITS, open_artifact
from abicheck.artifacts import _inflate as inflating

HEAD = 512  # of a member of more than a mebibyte, before it is known whether it is wanted
STEP = 64 << 10  # packed bytes that a decoder is given at once


class Meter:
    """The codec in use, with a count of the packed bytes it took and of those it gave."""

    def __init__(self, codec: Any) -> None:  # noqa: ANN401 - either library, without types
        self.codec = codec
        self.taken = self.given = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.codec, name)

    def decompressobj(self, wbits: int) -> _Decoder:
        return _Decoder(self, self.codec.decompressobj(wbits=wbits))


class _Decoder:
    def __init__(self, meter: Meter, decoder: Any) -> None:  # noqa: ANN401 - as above
        self.meter, self.decoder = meter, decoder

    def __getattr__(self, name: str) -> object:
        return getattr(self.decoder, name)

    def decompress(self, data: memoryview, most: int) -> bytes:
        found: bytes = self.decoder.decompress(data, most)
        self.meter.taken += len(data) - len(self.decoder.unconsumed_tail)
        self.meter.given += len(found)
        return found


@pytest.fixture
def meter(monkeypatch: pytest.MonkeyPatch) -> Meter:
    found = Meter(inflating._codec)  # noqa: SLF001 - the one place where it can be metered
    monkeypatch.setattr(inflating, "_codec", found)
    return found


def _zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 20) + 1, (16 << 20) + 1])
def test_a_member_is_inflated_once(
    tmp_path: Path, meter: Meter, size: int, *, wanted: bool
) -> None:
    """Whether it is held or let go, small, large, or hashed while it is inflated."""
    content = (os.urandom(1 << 12) * (1 + size // (1 << 12)))[:size]
    path = _zip(tmp_path / "function.zip", {"a.so": content})

    with open_artifact(path, DEFAULT_LIMITS) as artifact:
        (member,) = artifact.members(lambda _name, _head, _size: wanted)

    assert meter.given == size + (HEAD if size > 1 << 20 else 0)
    assert (member.data is not None and bytes(member.data) == content) is wanted


def test_no_byte_of_an_archive_is_read_twice_but_for_a_look_at_large_members(
    tmp_path: Path, meter: Meter
) -> None:
    large = os.urandom(2 << 20)
    members = {f"pkg/{number}.py": os.urandom(100 * number) for number in range(200)}
    path = _zip(tmp_path / "function.zip", {**members, "a.so": large})
    with zipfile.ZipFile(path) as archive:
        packed = sum(info.compress_size for info in archive.infolist())

    with open_artifact(path, DEFAULT_LIMITS) as artifact:
        assert sum(1 for _ in artifact.members(lambda *_: True)) == 201

    assert packed <= meter.taken <= packed + STEP
