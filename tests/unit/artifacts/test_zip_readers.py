"""Archives that readers take for different things: each is reported, and nothing else is."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from tests.oddzips import (
    AGREEING,
    CENTRAL,
    DISAGREEING,
    OFFSET,
    A,
    in_directory,
    in_end,
    many,
    sound,
    with_extra,
    zeros,
)

from abicheck.artifacts import DEFAULT_LIMITS, Limits, open_artifact
from abicheck.filesystem import Kind
from abicheck.model import Irregular

Found = list[tuple[Irregular, str]]


def _read(data: bytes, folder: Path, limits: Limits = DEFAULT_LIMITS) -> tuple[list[str], Found]:
    path = folder / "function.zip"
    path.write_bytes(data)
    with open_artifact(path, limits) as artifact:
        names = [member.name for member in artifact.members(lambda *_: False)]
        return names, [(i.kind, str(i.location)) for i in artifact.irregularities]


@pytest.mark.parametrize("name", DISAGREEING)
def test_what_readers_disagree_on_is_reported(tmp_path: Path, name: str) -> None:
    """A member of which two things are said is not read; the other one is."""
    make, kind, place = DISAGREEING[name]
    names, found = _read(make(), tmp_path)

    assert (kind, place) in found
    if place != ".":
        assert names.count(place) == ("twice" in name)


@pytest.mark.parametrize("name", AGREEING)
def test_what_readers_agree_on_is_not_reported(tmp_path: Path, name: str) -> None:
    """And every member is read."""
    data = AGREEING[name]()
    names, found = _read(data, tmp_path)

    assert found == []
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert names == archive.namelist()


@pytest.mark.parametrize("shift", [-5, 1, 7])
def test_a_directory_that_is_not_where_the_end_record_says(tmp_path: Path, shift: int) -> None:
    """Whoever adds the difference to every offset finds no member, and whoever does not, all."""
    data = sound()
    names, found = _read(in_end(data, 16, data.index(CENTRAL) + shift, "<I"), tmp_path)

    assert names == []
    assert {kind for kind, _ in found} >= {Irregular.CORRUPT}


def test_a_directory_where_the_end_record_says_and_another_in_front_of_it(tmp_path: Path) -> None:
    """One reader goes where it is told, the other as far back as the directory is long."""
    data = sound()
    start, end = data.index(CENTRAL), data.rindex(b"PK\5\6")
    names, found = _read(data[:end] + data[start:], tmp_path)

    assert (Irregular.DISAGREEMENT, ".") in found
    assert names == []


def test_members_that_overlap_are_not_read(tmp_path: Path) -> None:
    """However many there are, what they unpack to is there once: none of it is inflated."""
    data = zeros(*(b"%04d.py" % number for number in range(1000)), size=16 << 20)
    names, found = _read(data, tmp_path)

    assert names == []
    assert {kind for kind, _ in found} == {Irregular.DISAGREEMENT}


def test_a_member_within_another(tmp_path: Path) -> None:
    """The outer one is not read: a part of its content is what others take for a member."""
    inner = ("c.py", b"c = 3\n")
    content = sound(inner, method=zipfile.ZIP_STORED)
    data = sound(("a.bin", content[: content.index(CENTRAL)]), inner, method=zipfile.ZIP_STORED)
    image = bytearray(data)
    place = data.rindex(CENTRAL) + OFFSET
    image[place : place + 4] = (30 + len("a.bin")).to_bytes(4, "little")
    names, found = _read(bytes(image), tmp_path)

    assert (Irregular.DISAGREEMENT, "a.bin") in found
    assert names == ["c.py"]


@pytest.mark.parametrize("count", [65_535, 65_536])
def test_a_number_of_members_that_16_bits_do_not_hold(tmp_path: Path, count: int) -> None:
    """Without the ZIP64 record, a reader that counts sees none of 65,536."""
    data = many(count)
    names, found = _read(data, tmp_path)
    assert (len(names), found) == (count, [])

    if count >> 16:
        bare = data[: data.rindex(b"PK\6\6")] + in_end(in_end(data, 8, 0), 10, 0)[-22:]
        assert _read(bare, tmp_path)[1] == [(Irregular.DISAGREEMENT, ".")]


def test_more_members_than_are_read(tmp_path: Path) -> None:
    """None is read, whatever number the end record states."""
    honest = many(1000)
    for data in (honest, in_end(in_end(honest, 8, 3), 10, 3)):
        names, found = _read(data, tmp_path, Limits(members=999))
        assert names == []
        assert (Irregular.LIMIT, ".") in found

    assert _read(honest, tmp_path, Limits(members=1000))[1] == []


def test_a_folder_by_its_mode_that_is_a_file_by_its_name(tmp_path: Path) -> None:
    """`zipfile` makes an empty module of it, Info-ZIP a folder."""
    data = in_directory(sound(("a.py", b"")), 38, 0o040755 << 16)
    data = in_directory(data, 5, 3, "<B")

    assert _read(data, tmp_path) == ([], [(Irregular.DISAGREEMENT, "a.py")])


def test_a_link_in_a_wheel_is_a_file(tmp_path: Path) -> None:
    """An installer writes its content, a path, as it would that of any file."""
    link = in_directory(sound(("a.so", b"/etc/passwd"), ("b.py", b"")), 38, 0o120777 << 16)
    wheel = in_directory(
        sound(("a.so", b"/etc/passwd"), ("b-1.dist-info/WHEEL", b"")), 38, 0o120777 << 16
    )
    kinds = []
    for data in (link, wheel):
        path = tmp_path / "b-1-py3-none-any.whl"
        path.write_bytes(in_directory(data, 5, 3, "<B"))
        with open_artifact(path, DEFAULT_LIMITS) as artifact:
            kinds.append(next(artifact.members(lambda *_: False)).kind)

    assert kinds == [Kind.SYMLINK, Kind.FILE]


def test_a_name_in_unicode_beside_one_of_a_code_page(tmp_path: Path) -> None:
    """Info-ZIP's field says what the bytes of the name mean; nobody can mistake it."""
    data = sound(("m\x01dulo.py", A)).replace(b"m\x01dulo", b"m\xa2dulo")
    field = struct.pack("<HHBI", 0x7075, 15, 1, zlib.crc32(b"m\xa2dulo.py")) + "módulo.py".encode()

    assert _read(with_extra(data, field), tmp_path) == (["módulo.py"], [])
