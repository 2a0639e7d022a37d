"""ZIP archives that readers take for different things, and those that only look odd.

Each is made of one sound archive of two modules, `a.py` and `b.py`.  What differs is what
its name says; whoever needs such bytes takes them from here.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import Final

from abicheck.model import Irregular

LOCAL, CENTRAL, END = b"PK\3\4", b"PK\1\2", b"PK\5\6"
# Offsets in a header of the central directory; in a local header each of the first is two less.
NEEDED, FLAGS, METHOD, CRC, PACKED, SIZE, NAME, EXTRA, PART, OFFSET = (
    *(6, 8, 10, 16, 20, 24, 28, 30, 34, 42),
)
A, B = b"a = 1\n" * 20, b"b = 2\n" * 20


def sound(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return an archive on which all readers agree: of `a.py` and `b.py`, or of these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members or (("a.py", A), ("b.py", B)):
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return buffer.getvalue()


def in_directory(data: bytes, offset: int, value: int, layout: str = "<I") -> bytes:
    """Overwrite a field of the first header of the central directory."""
    return _set(data, data.index(CENTRAL) + offset, value, layout)


def in_local(data: bytes, offset: int, value: int, layout: str = "<I") -> bytes:
    """Overwrite a field of the first local header."""
    return _set(data, data.index(LOCAL) + offset, value, layout)


def in_end(data: bytes, offset: int, value: int, layout: str = "<H") -> bytes:
    """Overwrite a field of the end record."""
    return _set(data, data.rindex(END) + offset, value, layout)


def _set(data: bytes, place: int, value: int, layout: str) -> bytes:
    image = bytearray(data)
    struct.pack_into(layout, image, place, value)
    return bytes(image)


def put_in(data: bytes, content: bytes, place: int) -> bytes:
    """Put bytes between members, and let every offset count with them."""
    central = data.index(CENTRAL)
    (start,) = struct.unpack_from("<I", data, data.rindex(END) + 16)
    image = data[:place] + content + data[place:]
    here = central + len(content)
    while image[here : here + 4] == CENTRAL:
        (offset,) = struct.unpack_from("<I", image, here + OFFSET)
        if offset >= place:
            image = _set(image, here + OFFSET, offset + len(content), "<I")
        here += 46 + sum(struct.unpack_from("<3H", image, here + NAME))
    return in_end(image, 16, start + len(content), "<I")


def with_extra(data: bytes, extra: bytes) -> bytes:
    """Give the first header of the directory an extra field."""
    place = data.index(CENTRAL)
    (name,) = struct.unpack_from("<H", data, place + NAME)
    (size,) = struct.unpack_from("<I", data, data.rindex(END) + 12)
    data = in_directory(data, EXTRA, len(extra), "<H")
    data = data[: place + 46 + name] + extra + data[place + 46 + name :]
    return in_end(data, 12, size + len(extra), "<I")


def zip64(data: bytes, **lies: int) -> bytes:
    """Add the end record of ZIP64, and its locator, with other numbers where they are given."""
    place = data.rindex(END)
    _, _, _, _, count, size, offset, _ = struct.unpack_from("<4s4H2IH", data, place)
    true = {"length": 44, "part": 0, "count": count, "size": size, "offset": offset}
    true |= {"where": place, "parts": 1}
    said = true | lies
    record = struct.pack(
        *("<4sQ2H2I4Q", b"PK\6\6", said["length"], 45, 45, said["part"], said["part"]),
        *(said["count"], said["count"], said["size"], said["offset"]),
    )
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, said["where"], said["parts"])
    return data[:place] + record + locator + data[place:]


def streamed(*, magic: bool = True, wide: bool = False, **lies: int) -> bytes:
    """Return `a.py` as it is written to a pipe: its sizes stand behind its content."""
    data = sound(("a.py", A))
    start = data.index(CENTRAL)
    crc, packed, size = struct.unpack_from("<3I", data, start + CRC)
    said = {"crc": crc, "packed": packed, "size": size} | lies
    descriptor = struct.pack("<IQQ" if wide else "<3I", said["crc"], said["packed"], said["size"])
    data = put_in(data, (b"PK\7\x08" if magic else b"") + descriptor, start)
    data = in_directory(in_local(data, FLAGS - 2, 8, "<H"), FLAGS, 8, "<H")
    for offset in (CRC, PACKED, SIZE):
        data = in_local(data, offset - 2, 0)
    return data


def alone(name: bytes, content: bytes) -> bytes:
    """Return a stored member with no directory."""
    crc, size = zlib.crc32(content), len(content)
    header = struct.pack("<4s5H3I2H", LOCAL, 20, 0, 0, 0, 0, crc, size, size, len(name), 0)
    return header + name + content


def zeros(*names: bytes, size: int) -> bytes:
    """Return members that all have the same content, which is there once, under the first name.

    Two are a bomb whose members overlap, one is a bomb as dense as deflate makes it.
    """
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    piece, crc = bytes(1 << 20), 0
    kernel = b"".join(packer.compress(piece) for _ in range(size >> 20)) + packer.flush()
    for _ in range(size >> 20):
        crc = zlib.crc32(piece, crc)
    numbers = (crc, len(kernel), size)
    local = struct.pack("<4s5H3I2H", LOCAL, 20, 0, 8, 0, 0, *numbers, len(names[0]), 0)
    local += names[0] + kernel
    count = len(names)
    central = b"".join(
        struct.pack("<4s6H3I", CENTRAL, 20, 20, 0, 8, 0, 0, *numbers)
        + struct.pack("<5H2I", len(name), *[0] * 6)
        + name
        for name in names
    )
    end = struct.pack("<4s4H2IH", END, 0, 0, count, count, len(central), len(local), 0)
    return local + central + end


def many(count: int) -> bytes:
    """Return members of no bytes; from 65,536 on with the end record of ZIP64."""
    names = [b"%07d.py" % number for number in range(count)]
    local = b"".join(alone(name, b"") for name in names)
    central = b"".join(
        struct.pack("<4s6H3I5H2I", CENTRAL, 20, 20, *[0] * 7, 10, 0, 0, 0, 0, 0, number * 40) + name
        for number, name in enumerate(names)
    )
    short = count % (1 << 16)
    end = struct.pack("<4s4H2IH", END, 0, 0, short, short, len(central), len(local), 0)
    data = local + central + end
    return zip64(in_end(in_end(data, 8, 0xFFFF), 10, 0xFFFF), count=count) if count >> 16 else data


def _middle(data: bytes) -> int:
    return data.index(LOCAL, 4)


def _unicode(name: bytes, of: bytes = b"a.py") -> bytes:
    return struct.pack("<HHBI", 0x7075, 5 + len(name), 1, zlib.crc32(of)) + name


Made = Callable[[], bytes]
_TWO: Final = sound()
_PATH: Final = "a.py"

# Each with what is found: of the archive, or of one of its members.
DISAGREEING: Final[Mapping[str, tuple[Made, Irregular, str]]] = {
    name: (make, kind, place)
    for name, kind, place, make in (
        *(
            (f"the {what} of the local header", Irregular.DISAGREEMENT, _PATH, make)
            for what, make in (
                ("name", lambda: in_local(_TWO, 30, ord("c"), "<B")),
                ("method", lambda: in_local(_TWO, METHOD - 2, 0, "<H")),
                ("checksum", lambda: in_local(_TWO, CRC - 2, 7)),
                ("packed size", lambda: in_local(_TWO, PACKED - 2, 7)),
                ("size", lambda: in_local(_TWO, SIZE - 2, 7)),
                ("encryption", lambda: in_local(_TWO, FLAGS - 2, 1, "<H")),
                ("flag of streaming", lambda: in_local(_TWO, FLAGS - 2, 8, "<H")),
            )
        ),
        *(
            (f"the {what} of the data descriptor", Irregular.DISAGREEMENT, _PATH, make)
            for what, make in (
                ("checksum", lambda: streamed(crc=7)),
                ("packed size", lambda: streamed(packed=7)),
                ("size", lambda: streamed(size=7)),
                ("wide size", lambda: streamed(wide=True, size=7)),
            )
        ),
        *(
            (f"the {what} of the end record", Irregular.DISAGREEMENT, ".", make)
            for what, make in (
                ("count", lambda: in_end(_TWO, 10, 1)),
                ("count of this part", lambda: in_end(_TWO, 8, 1)),
                ("part", lambda: in_end(_TWO, 4, 1)),
                ("part of the directory", lambda: in_end(_TWO, 6, 1)),
                ("offset", lambda: in_end(_TWO, 16, 5000, "<I")),
            )
        ),
        *(
            (f"the {what} of the ZIP64 end record", Irregular.DISAGREEMENT, ".", make)
            for what, make in (
                ("count", lambda: zip64(_TWO, count=1)),
                ("size", lambda: zip64(_TWO, size=50)),
                ("offset", lambda: zip64(_TWO, offset=7)),
                ("part", lambda: zip64(_TWO, part=1)),
                ("length", lambda: zip64(_TWO, length=45)),
                ("place", lambda: zip64(_TWO, where=0)),
                ("number of parts", lambda: zip64(_TWO, parts=2)),
            )
        ),
        (
            "a ZIP64 locator that leads nowhere",
            *(Irregular.DISAGREEMENT, "."),
            lambda: zip64(_TWO).replace(b"PK\6\6", b"PK\6\0"),
        ),
        (
            "two end records, one in the comment of the other",
            *(Irregular.DISAGREEMENT, "."),
            lambda: in_end(_TWO, 20, 22) + _TWO[-22:],
        ),
        (
            "two archives, one behind the other",
            *(Irregular.DISAGREEMENT, "."),
            lambda: sound(("c.py", b"")) + _TWO,
        ),
        (
            "a member before the first that is not listed",
            *(Irregular.DISAGREEMENT, "."),
            lambda: put_in(_TWO, alone(b"c.py", b"c"), 0),
        ),
        (
            "a member between two that is not listed",
            *(Irregular.DISAGREEMENT, "."),
            lambda: put_in(_TWO, alone(b"c.py", b"c"), _middle(_TWO)),
        ),
        (
            "a member behind the last that is not listed",
            *(Irregular.DISAGREEMENT, "."),
            lambda: put_in(_TWO, alone(b"c.py", b"c"), _TWO.index(CENTRAL)),
        ),
        (
            "bytes between two members",
            *(Irregular.STRAY_BYTES, "."),
            lambda: put_in(_TWO, b"hidden", _middle(_TWO)),
        ),
        (
            "bytes before the directory",
            *(Irregular.STRAY_BYTES, "."),
            lambda: put_in(_TWO, b"hidden", _TWO.index(CENTRAL)),
        ),
        ("bytes before the archive", Irregular.STRAY_BYTES, ".", lambda: b"hidden" + _TWO),
        (
            "bytes before the archive that it counts",
            *(Irregular.STRAY_BYTES, "."),
            lambda: put_in(_TWO, b"hidden", 0),
        ),
        ("bytes after the archive", Irregular.STRAY_BYTES, ".", lambda: _TWO + b"\0" * 10_000),
        ("a comment that is cut off", Irregular.TRUNCATED, ".", lambda: in_end(_TWO, 20, 9)),
        (
            "a member in another part",
            *(Irregular.DISAGREEMENT, _PATH),
            lambda: in_directory(_TWO, PART, 1, "<H"),
        ),
        (
            "an extra field that is cut off",
            *(Irregular.DISAGREEMENT, _PATH),
            lambda: with_extra(_TWO, b"\x99\x99\xff\0"),
        ),
        (
            "sizes in the ZIP64 extra field that nothing asks for",
            *(Irregular.DISAGREEMENT, _PATH),
            lambda: with_extra(_TWO, struct.pack("<HHQQ", 1, 16, 5, 5)),
        ),
        (
            "two ZIP64 extra fields",
            *(Irregular.DISAGREEMENT, _PATH),
            lambda: with_extra(_TWO, struct.pack("<HHQ", 1, 8, 5) * 2),
        ),
        (
            "another name in Unicode",
            *(Irregular.DISAGREEMENT, _PATH),
            lambda: with_extra(_TWO, _unicode(b"os.py")),
        ),
        (
            "code twice, and not the same",
            *(Irregular.DISAGREEMENT, _PATH),
            lambda: sound(("a.py", A), ("b.py", B)).replace(b"b.py", b"a.py"),
        ),
        (
            "strong encryption",
            *(Irregular.ENCRYPTED, _PATH),
            lambda: in_local(in_directory(_TWO, FLAGS, 0x40, "<H"), FLAGS - 2, 0x40, "<H"),
        ),
        (
            "a patch",
            *(Irregular.METHOD, _PATH),
            lambda: in_local(in_directory(_TWO, FLAGS, 0x20, "<H"), FLAGS - 2, 0x20, "<H"),
        ),
        (
            "a version of the format that a deflated member does not need",
            *(Irregular.METHOD, _PATH),
            lambda: in_directory(_TWO, NEEDED, 51, "<B"),
        ),
    )
}

# What real packers write, and no reader stumbles over.
AGREEING: Final[Mapping[str, Made]] = {
    "sound": sound,
    "stored": lambda: sound(method=zipfile.ZIP_STORED),
    "a comment": lambda: in_end(_TWO, 20, 5) + b"hello",
    "a ZIP in a ZIP, stored": lambda: sound(("a.zip", _TWO), method=zipfile.ZIP_STORED),
    "written to a pipe": streamed,
    "written to a pipe, without the magic": lambda: streamed(magic=False),
    "written to a pipe, with wide sizes": lambda: streamed(wide=True),
    "written to a pipe, with wide sizes and no magic": lambda: streamed(wide=True, magic=False),
    "written to a pipe, with its size in front": lambda: in_local(streamed(), SIZE - 2, len(A)),
    "a ZIP64 end record": lambda: zip64(_TWO),
    "a ZIP64 end record that alone is right": lambda: zip64(
        in_end(in_end(_TWO, 12, 0xFFFFFFFF, "<I"), 16, 0xFFFFFFFF, "<I"),
        size=_TWO.rindex(END) - _TWO.index(CENTRAL),
        offset=_TWO.index(CENTRAL),
    ),
    "sizes in the ZIP64 extra field as well": lambda: with_extra(
        _TWO, struct.pack("<HHQQ", 1, 16, *_sizes(_TWO))
    ),
    "its own name in Unicode": lambda: with_extra(_TWO, _unicode(b"a.py")),
    "the name in Unicode that it had": lambda: with_extra(_TWO, _unicode(b"os.py", b"z.py")),
    "an extra field of another kind": lambda: with_extra(_TWO, b"\xfe\xca\0\0"),
    "padding in an extra field": lambda: with_extra(_TWO, bytes(7)),
    "a Python application": lambda: put_in(_TWO, b"#!/usr/bin/env python3\n", 0),
    "members in another order than the directory": lambda: _reversed(_TWO),
}


def _sizes(data: bytes) -> tuple[int, int]:
    packed, size = struct.unpack_from("<2I", data, data.index(CENTRAL) + PACKED)
    return size, packed


def _reversed(data: bytes) -> bytes:
    first, end = data.index(CENTRAL), data.rindex(END)
    second = data.index(CENTRAL, first + 4)
    return data[:first] + data[second:end] + data[first:second] + data[end:]
