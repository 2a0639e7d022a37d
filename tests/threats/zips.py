"""Hostile ZIPs and wheels: bombs, readers that disagree, names that lead elsewhere."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tests.threats.threat import Request, Threat, checked, threat
from tests.threats.zipbits import STORED, Entry, pack

APP: Final = Entry(b"app.py", b"x = 1\n")
_ZEROS: Final = 1 << 20


def _archive(folder: Path, data: bytes, name: str = "app.zip") -> Request:
    (folder / name).write_bytes(data)
    return checked(name)


def _zeros(size: int) -> bytes:
    """Return so many bytes of zeros, deflated, without ever holding them."""
    import zlib  # noqa: PLC0415 - here alone

    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = bytes(_ZEROS)
    parts = [engine.compress(block) for _ in range(size // _ZEROS)]
    return b"".join((*parts, engine.flush()))


# --- bombs ---


@threat(
    "a ZIP whose members all lie over one another and unpack to far more than they hold",
    code="ABI013",
)
def zip_overlapping_members(folder: Path) -> Request:
    kernel = Entry(b"0.py", stored=_zeros(64 << 20), size=64 << 20, crc=0x2D7B5B4C)
    others = [
        Entry(b"%d.py" % n, b"", packed=len(kernel.stored or b""), size=64 << 20, offset=0,
              headless=True, local=b"0.py")
        for n in range(1, 60)
    ]  # fmt: skip
    return _archive(folder, pack([kernel, *others]))


@threat("a ZIP of ZIPs of ZIPs, six deep and sixteen wide, like 42.zip", code="ABI009")
def zip_nested_archives(folder: Path) -> Request:
    inner = pack([Entry(b"0.dll", stored=_zeros(16 << 20), size=16 << 20, crc=0)])
    for _ in range(5):
        inner = pack([Entry(b"%d.zip" % n, inner) for n in range(16)])
    return _archive(folder, inner)


@threat("a member of a thousandth of its size, as large as Lambda takes", code="ABI002")
def zip_of_zeros(folder: Path) -> Request:
    size = 4096 << 20
    members = [
        APP,
        *(Entry(b"%d.bin" % n, stored=_zeros(1 << 20), size=size, crc=0) for n in range(2)),
    ]
    return _archive(folder, pack(members))


@threat("a million empty members", code="ABI002")
def zip_million_members(folder: Path) -> Request:
    name = b"%06x.py"
    local = b"PK\3\4" + bytes(22) + struct.pack("<2H", 9, 0)
    central = bytearray()
    body = bytearray()
    for n in range(1_000_000):
        each = name % n
        head = struct.pack("<4s4B4H3I5H2I", b"PK\1\2", 20, 3, 20, 0, 0, 0, 0, 0x21, 0, 0, 0,
                           len(each), 0, 0, 0, 0, 0o100644 << 16, len(body))  # fmt: skip
        central += head + each
        body += local + each
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, len(central), len(body), 0)
    return _archive(folder, bytes(body + central + end))


@threat("a size of ten bytes in every header, and a hundred megabytes behind it", code="ABI003")
def zip_size_lies(folder: Path) -> Request:
    return _archive(folder, pack([APP, Entry(b"lie.py", stored=_zeros(100 << 20), size=10, crc=0)]))


# --- readers that disagree ---


@threat("another name in the local header than in the central directory", code="ABI013")
def zip_local_name_differs(folder: Path) -> Request:
    return _archive(folder, pack([APP, Entry(b"good.py", b"y = 1\n", local=b"evil.py")]))


@threat("a name twice, with other content", code="ABI013")
def zip_duplicate_names(folder: Path) -> Request:
    return _archive(folder, pack([APP, Entry(b"mod.py", b"y = 1\n"), Entry(b"mod.py", b"z = 1\n")]))


@threat("a name with a zero byte, where C readers end it", code="ABI005")
def zip_nul_in_name(folder: Path) -> Request:
    return _archive(folder, pack([APP, Entry(b"mod.py\0.txt", b"y = 1\n")]))


@threat("a member whose checksum is that of other bytes", code="ABI003")
def zip_wrong_checksum(folder: Path) -> Request:
    return _archive(folder, pack([APP, Entry(b"mod.py", b"y = 1\n", crc=1, local_crc=1)]))


@threat("an archive that ends within a member", code="ABI003")
def zip_cut_off(folder: Path) -> Request:
    return _archive(folder, pack([APP, Entry(b"mod.py", bytes(9999), STORED)])[:500])


@threat("bytes that are no deflate stream", code="ABI003")
def zip_damaged_stream(folder: Path) -> Request:
    return _archive(folder, pack([APP, Entry(b"mod.py", b"y = 1\n", stored=b"\xff" * 20)]))


@threat("a central directory said to begin before the file", code="ABI003")
def zip_directory_elsewhere(folder: Path) -> Request:
    return _archive(folder, pack([APP], directory_size=0xFFFFFF0))


@threat("a local header said to lie behind the end", code="ABI003")
def zip_member_elsewhere(folder: Path) -> Request:
    return _archive(folder, pack([APP, Entry(b"mod.py", b"y = 1\n", offset=0xFFFFF0)]))


@threat("a ZIP64 field that is cut off", code="ABI003")
def zip_zip64_cut_off(folder: Path) -> Request:
    entry = Entry(b"mod.py", b"y", size=0xFFFFFFFF, extra=struct.pack("<2HI", 1, 4, 1))
    return _archive(folder, pack([APP, entry]))


@threat("sizes of 2^63 in a ZIP64 field", code="ABI013")
def zip_zip64_huge(folder: Path) -> Request:
    extra = struct.pack("<2HQ", 1, 8, 1 << 63)
    return _archive(folder, pack([APP, Entry(b"mod.py", b"y", size=0xFFFFFFFF, extra=extra)]))


# --- names and kinds ---


@threat("a name that leads out with ..", code="ABI005")
def zip_climbing_name(folder: Path) -> Request:
    return _archive(folder, pack([APP, Entry(b"../../etc/cron.d/x", b"y = 1\n")]))


@threat("an absolute name", code="ABI005")
def zip_absolute_name(folder: Path) -> Request:
    return _archive(folder, pack([APP, Entry(b"/etc/passwd", b"y = 1\n")]))


@threat("a name that leads out with backslashes", code="ABI005")
def zip_climbing_backslashes(folder: Path) -> Request:
    return _archive(folder, pack([APP, Entry(b"..\\..\\evil.py", b"y = 1\n")]))


@threat("a name of 65,535 characters", code="ABI005")
def zip_long_name(folder: Path) -> Request:
    return _archive(folder, pack([APP, Entry(b"a" * 65535, b"y = 1\n")]))


@threat("a member two thousand folders deep", code="ABI002")
def zip_deep_name(folder: Path) -> Request:
    return _archive(folder, pack([APP, Entry(b"a/" * 2000 + b"b.py", b"y = 1\n")]))


@threat("a file where another member needs a folder", code="ABI004")
def zip_file_and_folder(folder: Path) -> Request:
    return _archive(folder, pack([APP, Entry(b"pkg", b"x"), Entry(b"pkg/mod.py", b"y = 1\n")]))


@threat("a link to a file of the checking machine", status=0)
def zip_link_to_host(folder: Path) -> Request:
    link = Entry(b"host.py", b"/etc/passwd", STORED, mode=0o120777)
    return _archive(folder, pack([APP, link]))


@threat("links that lead to one another, and one to itself", code="ABI603")
def zip_link_loop(folder: Path) -> Request:
    links = [
        Entry(b"a.py", b"b.py", STORED, mode=0o120777),
        Entry(b"b.py", b"a.py", STORED, mode=0o120777),
        Entry(b"self", b"self/self", STORED, mode=0o120777),
    ]
    return _archive(folder, pack([Entry(b"app.py", b"import a, self.x\n"), *links]))


@threat("a chain of a thousand links", status=0)
def zip_link_chain(folder: Path) -> Request:
    links = [Entry(b"l%d" % n, b"l%d" % (n + 1), STORED, mode=0o120777) for n in range(1000)]
    return _archive(folder, pack([Entry(b"app.py", b"import l0\n"), *links, Entry(b"l1000/m.py")]))


@threat("a member that is encrypted", code="ABI004")
def zip_encrypted(folder: Path) -> Request:
    return _archive(folder, pack([APP, Entry(b"mod.py", b"y = 1\n", flags=1)]))


@threat("a method of compression that nobody knows", code="ABI004")
def zip_unknown_method(folder: Path) -> Request:
    return _archive(folder, pack([APP, Entry(b"mod.py", b"y", 0x7777, stored=b"y")]))


THREATS: Final[Iterable[Threat]] = (
    zip_overlapping_members,
    zip_nested_archives,
    zip_of_zeros,
    zip_size_lies,
    zip_local_name_differs,
    zip_duplicate_names,
    zip_nul_in_name,
    zip_wrong_checksum,
    zip_cut_off,
    zip_damaged_stream,
    zip_directory_elsewhere,
    zip_member_elsewhere,
    zip_zip64_cut_off,
    zip_zip64_huge,
    zip_climbing_name,
    zip_absolute_name,
    zip_climbing_backslashes,
    zip_long_name,
    zip_deep_name,
    zip_file_and_folder,
    zip_link_to_host,
    zip_link_loop,
    zip_link_chain,
    zip_encrypted,
    zip_unknown_method,
)
