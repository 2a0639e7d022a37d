"""The tar format as layers hold it, and what is wrong with tars that are not whole."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from typing import Final

import pytest
from tests.imagebuilder import Tarred as File
from tests.imagebuilder import folder, hard_link, link, tar

from abicheck.artifacts._base import UnreadableMemberError
from abicheck.artifacts._image._sparse import expand
from abicheck.artifacts._image._stream import ByteStream
from abicheck.artifacts._image._tar import TarEntry, TarType, is_tar, read_tar
from abicheck.model import Irregular

LONG: Final = "/".join(["a-folder-with-a-name"] * 30) + "/file.so"
END: Final = bytes(1024)


def _read(data: bytes, piece: int = 700) -> list[tuple[TarEntry, bytes]]:
    """Read a tar that comes in pieces of an awkward size."""
    stream = ByteStream(iter([data[i : i + piece] for i in range(0, len(data), piece)]))
    found = []
    for entry in read_tar(stream):
        content = bytes(stream.read(entry.stored))
        if entry.extents is not None:
            content = expand(content, entry.extents, entry.size)
        found.append((entry, content))
    return found


def _header(name: bytes = b"file", **fields: bytes) -> bytes:
    """Return a header of version 7 with some fields set; the checksum is right."""
    places = {
        "mode": (100, 8), "size": (124, 12), "type": (156, 1), "link": (157, 100),
        "magic": (257, 8), "prefix": (345, 155), "pieces": (386, 96), "more": (482, 1),
        "real": (483, 12),
    }  # fmt: skip
    block = bytearray(512)
    block[: len(name)] = name
    for field, value in {"size": b"00000000000\0", "mode": b"0000644\0", **fields}.items():
        start, length = places[field]
        block[start : start + length] = value.ljust(length, b"\0")
    block[148:156] = b"        "
    block[148:156] = f"{sum(block):06o}\0 ".encode()
    return bytes(block)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def _pax(records: Mapping[str, str]) -> bytes:
    body = b""
    for key, value in records.items():
        line = f" {key}={value}\n".encode()
        size = len(line)
        while len(f"{size}") + len(line) != size:
            size = len(f"{size}") + len(line)
        body += f"{size}".encode() + line
    return _header(size=f"{len(body):011o}\0".encode(), type=b"x") + _padded(body)


def _fault(data: bytes) -> Irregular:
    with pytest.raises(UnreadableMemberError) as caught:
        _read(data)
    return caught.value.kind


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_long_names_and_long_targets_are_read(form: int) -> None:
    """By a pax header, or by GNU's own entries."""
    target = f"../{LONG}"
    entries = _read(tar([File(LONG, b"x" * 1000), link("l", target), hard_link("h", LONG)], form))

    assert [(entry.name, entry.type, entry.target) for entry, _ in entries] == [
        (LONG, TarType.FILE, ""),
        ("l", TarType.SYMLINK, target),
        ("h", TarType.HARD_LINK, LONG),
    ]
    assert entries[0][1] == b"x" * 1000


def test_the_prefix_of_ustar_is_the_beginning_of_the_name() -> None:
    """A name of up to 255 bytes has two fields."""
    name = "/".join(["folder"] * 20) + "/" + "f" * 90
    (entry, _), *_ = _read(tar([File(name)], tarfile.USTAR_FORMAT))

    assert entry.name == name


def test_gnu_has_times_where_ustar_has_the_prefix() -> None:
    """Its magic differs."""
    header = _header(magic=b"ustar  \0", prefix=b"12345670123")

    assert _read(header + END)[0][0].name == "file"


def test_names_in_any_encoding_survive() -> None:
    """What is no UTF-8 is kept byte by byte."""
    (entry, _), *_ = _read(_header(b"caf\xe9") + END)

    assert entry.name.encode("utf-8", "surrogateescape") == b"caf\xe9"


@pytest.mark.parametrize(
    ("type_", "name", "expected"),
    [
        (b"0", b"f", TarType.FILE),
        (b"\0", b"f", TarType.FILE),
        (b"7", b"f", TarType.FILE),
        (b"\0", b"d/", TarType.DIRECTORY),
        (b"5", b"d", TarType.DIRECTORY),
        (b"1", b"f", TarType.HARD_LINK),
        (b"2", b"f", TarType.SYMLINK),
        (b"3", b"f", TarType.DEVICE),
        (b"4", b"f", TarType.DEVICE),
        (b"6", b"f", TarType.DEVICE),
    ],
)
def test_each_type_is_told(type_: bytes, name: bytes, expected: TarType) -> None:
    """Version 7 tells a directory by the slash at its end."""
    (entry, _), *_ = _read(_header(name, type=type_) + END)

    assert entry.type is expected


def test_a_link_has_no_content_whatever_size_it_states() -> None:
    """As in Go's archive/tar; cpio's kind of tar states the size of the file."""
    data = _header(b"h", type=b"1", size=b"00000001000\0", link=b"file") + _header(b"next") + END

    assert [entry.name for entry, _ in _read(data)] == ["h", "next"]


@pytest.mark.parametrize(
    "size", [b"\x80" + bytes(10) + b"\x05", b"00000000005 ", b"5 \0", b"     5 \0", b"  5"]
)
def test_sizes_are_octal_or_base_256(size: bytes) -> None:
    """With spaces and zeros around them, as old tars wrote them."""
    assert _read(_header(size=size) + _padded(b"hello") + END)[0][1] == b"hello"


def test_the_size_of_a_pax_header_counts() -> None:
    """The field cannot hold more than 8 GiB."""
    data = _pax({"size": "5", "path": "big"}) + _header(size=b"0\0") + _padded(b"hello") + END
    ((entry, content),) = _read(data)

    assert (entry.name, content) == ("big", b"hello")


def test_global_pax_headers_are_passed_over() -> None:
    """No engine heeds them; `git archive` writes one."""
    body = _pax({"path": "other"})
    data = _header(type=b"g", size=body[124:136]) + body[512:] + _header() + END

    assert [entry.name for entry, _ in _read(data)] == ["file"]


def test_a_sum_of_signed_bytes_is_a_checksum_too() -> None:
    """Some old tars added up `char`."""
    block = bytearray(_header(b"caf\xe9"))
    block[148:156] = b" " * 8
    signed = sum(byte - 256 if byte > 127 else byte for byte in block)
    block[148:156] = f"{signed:06o}\0 ".encode()

    assert is_tar(bytes(block))
    assert len(_read(bytes(block) + END)) == 1


@pytest.mark.parametrize("end", [b"", bytes(512), bytes(1024), bytes(10240)])
def test_a_tar_ends_with_zeros_or_with_its_bytes(end: bytes) -> None:
    """Go takes either for the end."""
    assert len(_read(_header() + end)) == 1


def test_what_is_behind_the_end_is_no_entry() -> None:
    """But belongs to the layer, and to its digest."""
    assert len(_read(_header() + END + _header())) == 1


# --- sparse files -----------------------------------------------------------------------

SPARSE: Final = bytes(1000) + b"A" * 512 + bytes(5000) + b"B" * 100
STORED: Final = b"A" * 512 + b"B" * 100


def _piece(offset: int, size: int) -> bytes:
    return f"{offset:011o}\0{size:011o}\0".encode()


def test_old_gnu_sparse_files_are_filled_with_zeros() -> None:
    """The map is in the header and, where it has no room, in blocks behind it."""
    size, real = (f"{n:011o}\0".encode() for n in (len(STORED), len(SPARSE)))
    single = [_piece(1000, 512), _piece(6512, 100)]
    whole = _header(
        type=b"S", magic=b"ustar  \0", size=size, real=real, pieces=b"".join(single)
    ) + _padded(STORED)  # fmt: skip
    split = [_piece(1000 + 128 * n, 128) for n in range(4)] + [_piece(6512, 100)]
    block = (split[4].ljust(504, b"\0") + b"\0").ljust(512, b"\0")
    extended = _header(
        type=b"S", magic=b"ustar  \0", size=size, real=real, pieces=b"".join(split[:4]), more=b"\1"
    ) + block + _padded(STORED)  # fmt: skip

    for data in (whole, extended):
        entries = _read(data + _header(b"next") + END)

        assert [entry.name for entry, _ in entries] == ["file", "next"]
        assert entries[0][1] == SPARSE


def test_pax_sparse_files_are_filled_with_zeros() -> None:
    """Form 0.1 has the map in its header, form 1.0 before the data."""
    one = _pax({"GNU.sparse.map": "1000,512,6512,100", "GNU.sparse.size": str(len(SPARSE)),
                "GNU.sparse.name": "real"})  # fmt: skip
    body = _padded(STORED)
    header = _header(b"GNUSparseFile.0/real", size=f"{len(STORED):011o}\0".encode())
    table = _padded(b"2\n1000\n512\n6512\n100\n")
    other = _pax({"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "real",
                  "GNU.sparse.realsize": str(len(SPARSE))})  # fmt: skip
    big = _header(size=f"{len(STORED) + 512:011o}\0".encode())

    for data in (one + header + body, other + big + table + body):
        entries = _read(data + _header(b"next") + END)

        assert [entry.name for entry, _ in entries] == ["real", "next"]
        assert entries[0][1] == SPARSE


@pytest.mark.parametrize(
    "map_", ["6512,100,1000,512", "1000,512,6512,101", "1000,512", "1000,x", "0,612,9,0", "1000"]
)
def test_a_map_that_does_not_fit_is_a_damage(map_: str) -> None:
    """Pieces out of order, beyond the end, or not as long as what is stored."""
    header = _header(size=f"{len(STORED):011o}\0".encode())
    data = _pax({"GNU.sparse.map": map_, "GNU.sparse.size": "6612"}) + header + _padded(STORED)

    assert _fault(data + END) is Irregular.CORRUPT


def test_a_map_without_end_is_a_damage() -> None:
    """However many blocks of digits follow."""
    pax = _pax({"GNU.sparse.major": "1", "GNU.sparse.realsize": "9"})

    assert _fault(pax + _header(size=b"77777777\0") + b"1" * 9000) is Irregular.CORRUPT


# --- damage -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (_header()[:300], Irregular.TRUNCATED),
        (_header(size=b"00000001000\0") + bytes(100), Irregular.TRUNCATED),
        (_header(b"L", type=b"L", size=b"00000001000\0") + b"a" * 100, Irregular.TRUNCATED),
        (_pax({"path": "a"}), Irregular.TRUNCATED),
        (_header() + b"x" * 512, Irregular.CORRUPT),
        (_header() + bytes(512) + _header(), Irregular.CORRUPT),
        (_header(size=b"0000000000x\0") + END, Irregular.CORRUPT),
        (_header(size=b"\xff" * 12) + END, Irregular.CORRUPT),
        (_header(type=b"x", size=b"00000000004\0") + _padded(b"9 a=") + END, Irregular.CORRUPT),
        (_header(type=b"x", size=b"00000000006\0") + _padded(b"6 abc\n") + END, Irregular.CORRUPT),
        (_header(type=b"x", size=b"00000000003\0") + _padded(b"0 \n") + END, Irregular.CORRUPT),
        (_pax({"size": "-1"}) + _header() + END, Irregular.CORRUPT),
        (_header(type=b"x", size=b"77777777777\0") + END, Irregular.LIMIT),
        (_header(type=b"V") + END, Irregular.METHOD),
    ],
)
def test_damage_is_named(data: bytes, expected: Irregular) -> None:
    """Where a tar breaks off, lies, or is too large in its headers."""
    assert _fault(data) is expected


def test_what_comes_before_a_damage_is_read() -> None:
    """The entries of a tar that was cut off are listed up to there."""
    stream = ByteStream(iter([_header(b"a") + _header(b"b") + b"x" * 512]))
    entries = read_tar(stream)

    assert [next(entries).name, next(entries).name] == ["a", "b"]
    with pytest.raises(UnreadableMemberError):
        next(entries)


def test_whatever_tarfile_writes_is_read_as_tarfile_reads_it() -> None:
    """Modes, kinds and bytes agree with the standard library's reader."""
    entries = [folder("d/", 0o700), File("d/x", b"1" * 5000, mode=0o4755), link("l", "d/x")]
    data = tar(entries)
    with tarfile.open(fileobj=io.BytesIO(data)) as other:
        expected = [(info.name, info.mode, info.size) for info in other]

    assert [(e.name.rstrip("/"), e.mode, e.size) for e, _ in _read(data)] == expected
