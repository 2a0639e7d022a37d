"""ZIP archives: read once, in order, checked, and never unpacked onto a disk."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import struct
import tempfile
import tracemalloc
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from abicheck.artifacts import DEFAULT_LIMITS, Limits, Member, open_artifact
from abicheck.filesystem import Kind
from abicheck.model import ArtifactKind, Irregular

# Offsets in the header of a member in the central directory (APPNOTE 4.3.12).
NEEDED, FLAGS, METHOD, CRC, PACKED, SIZE, OFFSET = 6, 8, 10, 16, 20, 24, 42
CENTRAL = b"PK\x01\x02"


def _zip(members: Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # zipfile warns of a duplicate name
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return buffer.getvalue()


def _with_mode(name: str, mode: int, content: bytes = b"") -> bytes:
    """Return an archive of one member that was packed on Unix."""
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = mode << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, content)
    return buffer.getvalue()


def _lie(data: bytes, offset: int, value: int, layout: str = "<I", member: int = 0) -> bytes:
    """Overwrite a field of one member wherever it stands, so that all readers see one thing."""
    image = bytearray(data)
    central = data.index(CENTRAL)
    for _ in range(member):
        central = data.index(CENTRAL, central + 1)
    (local,) = struct.unpack_from("<I", data, central + OFFSET)
    struct.pack_into(layout, image, central + offset, value)
    if NEEDED <= offset <= SIZE:
        struct.pack_into(layout, image, local + offset - 2, value)
    return bytes(image)


class _Reading:
    """All that came of reading one archive."""

    def __init__(self, data: bytes, folder: Path, limits: Limits = DEFAULT_LIMITS) -> None:
        path = folder / "function.zip"
        path.write_bytes(data)
        self.asked: list[tuple[str, bytes, int]] = []
        with open_artifact(path, limits) as artifact:
            self.kind = artifact.kind
            self.members: list[Member] = list(artifact.members(self._wanted))
            self.irregular = [(i.kind, str(i.location)) for i in artifact.irregularities]
            self.details = [i.detail for i in artifact.irregularities]
        self.names = [member.name for member in self.members]

    def _wanted(self, name: str, head: bytes, size: int) -> bool:
        self.asked.append((name, head, size))
        return True


def test_members_come_in_the_order_of_the_directory(tmp_path: Path) -> None:
    """However many threads inflate them, and however unequal they are."""
    members = [(f"{i:04}.bin", bytes((i * 37) % 9000) + b"%d" % i) for i in range(1500)]
    members.insert(700, ("large.bin", os.urandom(3 << 20)))
    reading = _Reading(_zip(members), tmp_path)

    assert reading.names == [name for name, _ in members]
    assert [bytes(m.data or b"") for m in reading.members] == [content for _, content in members]


def test_every_member_is_read_once(tmp_path: Path) -> None:
    """The filter is asked once a file, with its name, its first 512 bytes and its size."""
    members = [(f"{i}.py", b"%d" % i * 400) for i in range(600)]
    reading = _Reading(_zip(members), tmp_path)

    assert Counter(name for name, _, _ in reading.asked) == Counter(name for name, _ in members)
    assert {name: (head, size) for name, head, size in reading.asked} == {
        name: (content[:512], len(content)) for name, content in members
    }


def test_only_what_is_wanted_is_kept(tmp_path: Path) -> None:
    """`head` is always there; `data` is the whole file or None."""
    path = tmp_path / "function.zip"
    path.write_bytes(_zip([("a.py", b"a" * 1000), ("b.txt", b"b" * 1000)]))
    with open_artifact(path, DEFAULT_LIMITS) as artifact:
        a, b = artifact.members(lambda name, *_: name.endswith(".py"))

    assert (a.head, a.data, a.size) == (b"a" * 512, b"a" * 1000, 1000)
    assert (b.head, b.data, b.size) == (b"b" * 512, None, 1000)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("size", [0, 1, 5000, 3 << 20])
def test_every_file_has_its_digest(tmp_path: Path, size: int, method: int) -> None:
    """Law: the SHA-256 of all bytes, whether they are kept or only pass by."""
    content = os.urandom(size)
    path = tmp_path / "function.zip"
    path.write_bytes(_zip([("a.py", content), ("b.txt", content), ("c/", b"")], method))
    with open_artifact(path, DEFAULT_LIMITS) as artifact:
        digests = [m.sha256 for m in artifact.members(lambda name, *_: name == "a.py")]

    assert digests == [hashlib.sha256(content).digest()] * 2 + [None]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_bytes_of_a_member_outlive_the_archive(tmp_path: Path, method: int) -> None:
    """Values are left when the artifact is closed, also where they are a view of the file."""
    reading = _Reading(_zip([("a.py", b"pass\n" * 300)], method), tmp_path)

    assert [bytes(member.data or b"") for member in reading.members] == [b"pass\n" * 300]


def test_an_empty_member_is_a_file_of_no_bytes(tmp_path: Path) -> None:
    """Deflated or stored."""
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        reading = _Reading(_zip([("pkg/__init__.py", b"")], method), tmp_path)

        assert [(m.kind, m.size, m.head) for m in reading.members] == [(Kind.FILE, 0, b"")]
        assert reading.irregular == []


def test_nothing_is_written_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither beside the archive, nor where temporary files go, nor where we stand."""
    for name in ("archive", "temporary", "here"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.chdir(tmp_path / "here")
    archive = tmp_path / "archive" / "function.zip"
    archive.write_bytes(_zip([("pkg/a.py", b"a"), ("b.so", b"\x7fELF" * 5000), ("../c", b"c")]))
    before = {str(p): p.lstat().st_mtime_ns for p in tmp_path.rglob("*")}
    with open_artifact(archive, DEFAULT_LIMITS) as artifact:
        assert len(list(artifact.members(lambda *_: True))) == 2
        artifact.sha256()

    assert {str(p): p.lstat().st_mtime_ns for p in tmp_path.rglob("*")} == before


# --- kinds and modes ------------------------------------------------------------


def test_mode_bits_are_those_of_unix(tmp_path: Path) -> None:
    """Where the archive was packed on Unix; elsewhere nobody knows."""
    unix = _Reading(_with_mode("a.so", stat.S_IFREG | 0o640), tmp_path)
    elsewhere = _Reading(
        _lie(_with_mode("a.so", stat.S_IFREG | 0o640), 5, 0, "<B"),  # made by: MS-DOS
        tmp_path,
    )

    assert [m.mode for m in unix.members] == [0o640]
    assert [m.mode for m in elsewhere.members] == [None]


def test_a_folder_has_no_slash_and_no_bytes(tmp_path: Path) -> None:
    """Told by its trailing slash."""
    named = _Reading(_zip([("pkg/", b"")]), tmp_path)
    marked = _Reading(_with_mode("pkg/", stat.S_IFDIR | 0o755), tmp_path)

    assert [(m.name, m.kind, m.size) for m in named.members] == [("pkg", Kind.DIRECTORY, 0)]
    assert [(m.name, m.kind, m.mode) for m in marked.members] == [("pkg", Kind.DIRECTORY, 0o755)]
    assert named.asked == marked.asked == []


def test_a_symbolic_link_is_its_target(tmp_path: Path) -> None:
    """The content of the member, whatever it points to; nobody follows it here."""
    reading = _Reading(_with_mode("liby.so", stat.S_IFLNK | 0o777, b"../../etc/passwd"), tmp_path)

    assert [(m.kind, m.target, m.data) for m in reading.members] == [
        (Kind.SYMLINK, "../../etc/passwd", None)
    ]
    assert reading.asked == []


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (
            ["pkg/__init__.py", "pkg-1.0.dist-info/WHEEL", "pkg-1.0.dist-info/RECORD"],
            ArtifactKind.WHEEL,
        ),
        (["pkg-1.0.dist-info/WHEEL", "pkg-1.0.dist-info/INSTALLER"], ArtifactKind.ZIP),
        (["pkg-1.0.dist-info/WHEEL", "other-2.0.dist-info/WHEEL"], ArtifactKind.ZIP),
        (["pkg-1.0.dist-info/METADATA"], ArtifactKind.ZIP),
        (["python/pkg-1.0.dist-info/WHEEL"], ArtifactKind.ZIP),
        (["handler.py"], ArtifactKind.ZIP),
    ],
)
def test_a_wheel_is_told_from_an_installed_tree(
    tmp_path: Path, names: list[str], kind: ArtifactKind
) -> None:
    """One dist-info with WHEEL, and no INSTALLER (PEP 376): nobody has installed it yet."""
    assert _Reading(_zip([(name, b"") for name in names]), tmp_path).kind is kind


# --- members that lie -------------------------------------------------------------


LARGE = 3 << 20


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("name", ["a.py", "a.txt"])
@pytest.mark.parametrize(
    ("offset", "value", "irregular"),
    [
        (SIZE, LARGE, []),
        (SIZE, LARGE - 1, [(Irregular.CORRUPT, "a")]),
        (SIZE, LARGE + 1, [(Irregular.CORRUPT, "a")]),
        (CRC, 7, [(Irregular.CORRUPT, "a")]),
        (METHOD, 12, [(Irregular.METHOD, "a")]),
    ],
)
def test_a_large_member_is_checked_whether_it_is_wanted_or_not(  # noqa: PLR0913, PLR0917
    tmp_path: Path,
    method: int,
    name: str,
    offset: int,
    value: int,
    irregular: list[tuple[Irregular, str]],
) -> None:
    """Law: size, end and CRC are those that the directory states, kept or dropped."""
    content = bytes(range(256)) * (LARGE // 512) + os.urandom(LARGE // 2)
    layout = "<H" if offset == METHOD else "<I"
    path = tmp_path / "function.zip"
    path.write_bytes(_lie(_zip([(name, content)], method), offset, value, layout))
    with open_artifact(path, DEFAULT_LIMITS) as artifact:
        members = list(artifact.members(lambda name, *_: name == "a.py"))
        found = [(i.kind, str(i.location)[0]) for i in artifact.irregularities]

    assert found == irregular
    assert [(m.size, m.head) for m in members] == ([] if irregular else [(LARGE, content[:512])])
    assert [m.data for m in members] == ([] if irregular else [content if name == "a.py" else None])


def test_a_large_member_that_is_not_wanted_is_never_held(tmp_path: Path) -> None:
    """A hundred megabytes of zeros pass through a few; their CRC is checked all the same."""
    path = tmp_path / "function.zip"
    path.write_bytes(_zip([("zeros.bin", bytes(100 << 20))]))
    tracemalloc.start()
    try:
        with open_artifact(path, DEFAULT_LIMITS) as artifact:
            (member,) = artifact.members(lambda *_: False)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert (member.size, member.head, member.data) == (100 << 20, bytes(512), None)
    assert artifact.irregularities == []
    assert peak < 10 << 20


def test_a_file_behind_blocks_of_no_bytes(tmp_path: Path) -> None:
    """The head is the beginning of the file, however late it comes in the stream."""
    content = b"\x7fELF" + bytes(2 << 20)
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    packed = b"\0\0\0\xff\xff" * 40_000 + packer.compress(content) + packer.flush()
    data = _zip([("mod.so", packed)], zipfile.ZIP_STORED)
    for offset, value, layout in (
        (METHOD, 8, "<H"),
        (SIZE, len(content), "<I"),
        (CRC, zlib.crc32(content), "<I"),
    ):
        data = _lie(data, offset, value, layout)
    reading = _Reading(data, tmp_path)

    assert [(m.head[:4], m.data == content) for m in reading.members] == [(b"\x7fELF", True)]
    assert reading.irregular == []


def test_a_link_to_a_path_that_no_system_call_takes(tmp_path: Path) -> None:
    """The content of the member is not even inflated."""
    reading = _Reading(_with_mode("l", stat.S_IFLNK | 0o777, b"a" * 5000), tmp_path)

    assert (reading.names, reading.irregular) == ([], [(Irregular.BAD_NAME, "l")])


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("size", [0, 1, 999, 1001, 1_000_000])
def test_a_member_that_lies_about_its_size(tmp_path: Path, method: int, size: int) -> None:
    """More or less than it declared: corrupt, and nothing of it is passed on."""
    data = _lie(_zip([("a.py", b"x" * 1000), ("b.py", b"")], method), SIZE, size)
    reading = _Reading(data, tmp_path)

    assert reading.irregular == [(Irregular.CORRUPT, "a.py")]
    assert reading.names == ["b.py"]


def test_a_bomb_costs_no_more_than_it_declared(tmp_path: Path) -> None:
    """Sixty-four mebibytes that say they are ten bytes are inflated for eleven."""
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    chunk = bytes(1 << 20)
    packed = b"".join(packer.compress(chunk) for _ in range(64)) + packer.flush()
    data = _zip([("a.bin", packed)], zipfile.ZIP_STORED)
    data = _lie(_lie(data, METHOD, 8, "<H"), SIZE, 10)
    reading = _Reading(data, tmp_path)

    assert reading.irregular == [(Irregular.CORRUPT, "a.bin")]
    assert "10 bytes" in reading.details[0]


def test_a_wrong_checksum(tmp_path: Path) -> None:
    """The directory states what the bytes must amount to."""
    data = _zip([("a.py", b"a" * 100)])
    reading = _Reading(_lie(data, CRC, 0xDEADBEEF), tmp_path)

    assert reading.irregular == [(Irregular.CORRUPT, "a.py")]


def test_a_deflate_stream_that_is_none(tmp_path: Path) -> None:
    """Block type 3 does not exist (RFC 1951)."""
    data = _lie(_zip([("a.py", b"\xff" * 40)], zipfile.ZIP_STORED), METHOD, 8, "<H")
    reading = _Reading(data, tmp_path)

    assert reading.irregular == [(Irregular.CORRUPT, "a.py")]


def test_a_deflate_stream_without_its_end(tmp_path: Path) -> None:
    """Everything but the last block was packed: the right bytes, and no end to them."""
    data = _zip([("a.py", bytes(range(256)) * 40)])
    (packed,) = struct.unpack_from("<I", data, data.index(CENTRAL) + PACKED)
    reading = _Reading(_lie(data, PACKED, packed - 1), tmp_path)

    assert (Irregular.CORRUPT, "a.py") in reading.irregular
    assert reading.names == []


@pytest.mark.parametrize("flags", [0x1, 0x41, 0x801])
def test_an_encrypted_member(tmp_path: Path, flags: int) -> None:
    """Bit 0 of the general purpose flag; traditional and strong encryption alike."""
    data = _lie(_zip([("a.py", b"a"), ("b.py", b"b")]), FLAGS, flags, "<H")
    reading = _Reading(data, tmp_path)

    assert reading.irregular == [(Irregular.ENCRYPTED, "a.py")]
    assert reading.names == ["b.py"]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_method_that_lambda_does_not_take(tmp_path: Path, method: int) -> None:
    """Python's zipfile could read it; the target cannot."""
    reading = _Reading(_zip([("a.py", b"a")], method), tmp_path)

    assert reading.irregular == [(Irregular.METHOD, "a.py")]
    assert f"method {method};" in reading.details[0]


def test_a_member_that_needs_a_newer_format(tmp_path: Path) -> None:
    """Unpackers pass over what needs a version of the format that they do not know."""
    data = _lie(_zip([("a.py", b"a"), ("b.py", b"b")]), NEEDED, 64, "<B")
    reading = _Reading(data, tmp_path)

    assert reading.irregular == [(Irregular.METHOD, "a.py")]
    assert reading.details == ["needs version 6.4 of the ZIP format"]
    assert reading.names == ["b.py"]


@pytest.mark.parametrize("offset", [1, 0x7FFFFFFF])
def test_a_member_that_is_not_where_the_directory_says(tmp_path: Path, offset: int) -> None:
    """A local header must begin there."""
    data = _lie(_zip([("a.py", b"a"), ("b.py", b"b")]), OFFSET, offset)
    reading = _Reading(data, tmp_path)

    assert (Irregular.CORRUPT, "a.py") in reading.irregular
    assert reading.names == ["b.py"]


def test_a_member_that_is_longer_than_the_file(tmp_path: Path) -> None:
    """Its bytes cannot be had."""
    reading = _Reading(_lie(_zip([("a.py", b"a")]), PACKED, 1 << 30), tmp_path)

    assert reading.irregular == [(Irregular.CORRUPT, "a.py")]


# --- names ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("../x.py", Irregular.CLIMBS_OUT),
        ("a/../../x.py", Irregular.CLIMBS_OUT),
        ("/x.py", Irregular.CLIMBS_OUT),
        ("C:/x.py", Irregular.CLIMBS_OUT),
        ("x" * 5000, Irregular.BAD_NAME),
    ],
)
def test_a_member_whose_name_leads_out_is_placed_nowhere(
    tmp_path: Path, name: str, kind: Irregular
) -> None:
    """It is named, and its bytes are not even looked at."""
    reading = _Reading(_zip([(name, b"x"), ("y.py", b"y")]), tmp_path)

    assert reading.irregular == [(kind, name)]
    assert reading.names == ["y.py"]
    assert [asked for asked, _, _ in reading.asked] == ["y.py"]


def test_a_backslash_is_reported_and_the_member_read(tmp_path: Path) -> None:
    """On Linux it is a character like any other."""
    reading = _Reading(_zip([("pkg\\__init__.py", b"x")]), tmp_path)

    assert reading.irregular == [(Irregular.BACKSLASH, "pkg\\__init__.py")]
    assert reading.names == ["pkg\\__init__.py"]


def test_names_beyond_ascii(tmp_path: Path) -> None:
    """UTF-8 by its flag, or code page 437."""
    utf8 = _Reading(_zip([("módulo.py", b"x")]), tmp_path)
    image = _lie(_zip([("m\x01dulo.py", b"x")]), FLAGS, 0, "<H").replace(b"m\x01dulo", b"m\xa2dulo")
    cp437 = _Reading(image, tmp_path)

    assert (utf8.names, utf8.irregular) == (["módulo.py"], [])
    assert (cp437.names, cp437.irregular) == (["módulo.py"], [])


def test_a_name_that_is_not_the_utf8_it_claims_to_be(tmp_path: Path) -> None:
    """One member has no name; the others are judged."""
    data = _zip([("a.py", b"a"), ("módulo.py", b"x"), ("z.py", b"z")])
    reading = _Reading(data.replace("mó".encode(), b"m\xc3\x28"), tmp_path)

    assert reading.irregular == [(Irregular.BAD_NAME, "m\udcc3(dulo.py")]
    assert reading.names == ["a.py", "z.py"]


@pytest.mark.parametrize(
    ("name", "second", "kind", "detail"),
    [
        ("x.py", b"a", Irregular.DUPLICATE, "the same content twice"),
        ("x.txt", b"b", Irregular.DUPLICATE, "with other content; the last one counts"),
        ("x.py", b"b", Irregular.DISAGREEMENT, "it is there twice, with other content"),
        ("x.so.1", b"b", Irregular.DISAGREEMENT, "it is there twice, with other content"),
        ("run", b"\x7fELF", Irregular.DUPLICATE, "with other content; the last one counts"),
    ],
)
def test_two_members_of_one_name(
    tmp_path: Path, name: str, second: bytes, kind: Irregular, detail: str
) -> None:
    """Dead weight, data that somebody meant to ship, or code of which a reader takes the other."""
    reading = _Reading(_zip([(name, b"a"), ("y.py", b""), (name, second)]), tmp_path)

    assert reading.irregular == [(kind, name)]
    assert reading.details[0].partition(":")[0] == detail
    assert reading.names == ["y.py", name]
    assert bytes(reading.members[1].data or b"") == second


def test_irregularities_come_in_the_order_of_the_directory(tmp_path: Path) -> None:
    """Whether a name tells or only the bytes do."""
    names = ["a.py", "../b.py", "c.py", "d\\e.py", "f.py", "../g.py", "h.py"]
    data = _zip([(name, b"x" * 100_000) for name in names])
    for member in (0, 2, 6):
        data = _lie(data, CRC, 0, member=member)
    reading = _Reading(data, tmp_path)

    assert reading.irregular == [
        (Irregular.CORRUPT, "a.py"),
        (Irregular.CLIMBS_OUT, "../b.py"),
        (Irregular.CORRUPT, "c.py"),
        (Irregular.BACKSLASH, "d\\e.py"),
        (Irregular.CLIMBS_OUT, "../g.py"),
        (Irregular.CORRUPT, "h.py"),
    ]


@pytest.mark.parametrize("other", ["./x.txt", "x.txt", ".//x.txt"])
def test_two_names_that_are_one_path(tmp_path: Path, other: str) -> None:
    """As an unpacker would place them; the last one counts."""
    reading = _Reading(_zip([("x.txt", b"a"), (other, b"b")]), tmp_path)

    assert reading.irregular == [(Irregular.DUPLICATE, "x.txt")]
    assert reading.names == [other]


@pytest.mark.parametrize(
    ("names", "places"),
    [
        (["a", "a/b.py"], ["a"]),
        (["a/b.py", "a"], ["a/b.py"]),
        (["a", "a/"], ["a"]),
        (["a/", "a"], ["a"]),
        (["a", "./a//b/c.py"], ["a"]),
        (["a/b/c.py", "a/b", "a/d.py"], ["a/b/c.py", "a/d.py"]),
    ],
)
def test_a_file_and_a_folder_of_one_name(
    tmp_path: Path, names: list[str], places: list[str]
) -> None:
    """Info-ZIP leaves out the one that comes later, Python's zipfile ends with an exception."""
    reading = _Reading(_zip([(name, b"") for name in names]), tmp_path)
    clash = names[1].removesuffix("/")

    assert [(kind, Path(name)) for kind, name in reading.irregular] == [
        (Irregular.CLASH, Path(clash))
    ]
    assert reading.names == places


def test_folders_and_the_files_in_them_are_no_clash(tmp_path: Path) -> None:
    """Named before, after or not at all."""
    names = ["./", "a/", "a/b.py", "c/d/e.py", "c/", "c/d/", "f.py"]
    reading = _Reading(_zip([(name, b"") for name in names]), tmp_path)

    assert reading.irregular == []
    assert len(reading.names) == len(names)


# --- limits -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "names", "irregular"),
    [
        (Limits(members=3), [], [(Irregular.LIMIT, ".")]),
        (Limits(total=25), ["a.py", "b.py"], [(Irregular.LIMIT, "c.py")]),
        (Limits(total=10), ["a.py"], [(Irregular.LIMIT, "b.py")]),
        (Limits(member=10), ["a.py", "c.py", "d.py"], [(Irregular.LIMIT, "b.py")]),
        (Limits(path=3), [], [(Irregular.BAD_NAME, f"{x}.py") for x in "abcd"]),
        (Limits(nesting=0), ["a.py", "b.py", "c.py", "d.py"], []),
        (Limits(members=4, total=41, member=11, path=4), ["a.py", "b.py", "c.py", "d.py"], []),
    ],
)
def test_a_limit_that_was_reached_is_reported(
    tmp_path: Path, limits: Limits, names: list[str], irregular: list[tuple[Irregular, str]]
) -> None:
    """Too many members or bytes end the reading; one large member is left out alone."""
    sizes = {"a.py": 10, "b.py": 11, "c.py": 10, "d.py": 10}
    data = _zip([(name, b"x" * size) for name, size in sizes.items()])
    reading = _Reading(data, tmp_path, limits)

    assert (reading.names, reading.irregular) == (names, irregular)


def test_folders_nest_a_hundred_deep(tmp_path: Path) -> None:
    """What lies deeper is not read: each folder on the way costs memory of its own."""
    deep, deeper = ("d/" * depth + "mod.so" for depth in (100, 101))
    reading = _Reading(_zip([(deep, b"a"), (deeper, b"b")]), tmp_path)

    assert (reading.names, reading.irregular) == ([deep], [(Irregular.LIMIT, deeper)])


def test_a_limit_counts_what_a_member_declares(tmp_path: Path) -> None:
    """A member that says it has four gigabytes is not even begun."""
    data = _lie(_zip([("a.bin", b"a"), ("b.py", b"b")]), SIZE, 0xFFFFFFFE)
    reading = _Reading(data, tmp_path, Limits(total=8 << 30, ratio=1 << 32))

    assert reading.irregular == [(Irregular.LIMIT, "a.bin")]
    assert reading.names == ["b.py"]
    assert [name for name, _, _ in reading.asked] == ["b.py"]


# --- archives that are hard to find ---------------------------------------------


@pytest.mark.parametrize("prefix", [b"#!/usr/bin/env python3\n", b"\0" * 5000, b"MZ" + b"x" * 700])
def test_bytes_before_an_archive(tmp_path: Path, prefix: bytes) -> None:
    """An archive is found from its end, so anything may stand before it."""
    reading = _Reading(prefix + _zip([("a.py", b"a")]), tmp_path)

    assert (reading.names, reading.irregular) == (["a.py"], [(Irregular.STRAY_BYTES, ".")])


def test_a_comment_behind_an_archive(tmp_path: Path) -> None:
    """The longest that the format allows."""
    data = bytearray(_zip([("a.py", b"a")]))
    data[-2:] = struct.pack("<H", 0xFFFF)
    reading = _Reading(bytes(data) + b"x" * 0xFFFF, tmp_path)

    assert (reading.names, reading.irregular) == (["a.py"], [])


@pytest.mark.parametrize("size", [4, 21, 30, 60, 100])
def test_an_archive_that_was_cut_off(tmp_path: Path, size: int) -> None:
    """Without its end there is no directory."""
    data = _zip([("a.py", b"pass\n" * 10), ("b.py", b"")])[:size]
    reading = _Reading(data, tmp_path)

    assert (reading.names, reading.irregular) == ([], [(Irregular.TRUNCATED, ".")])


def test_a_directory_that_breaks_off(tmp_path: Path) -> None:
    """What stands before the break is read, and the break is reported."""
    data = _zip([(f"{x}.py", b"") for x in "abc"])
    last = data.rindex(CENTRAL)
    reading = _Reading(data[:last] + b"XX" + data[last + 2 :], tmp_path)

    assert reading.names == ["a.py", "b.py"]
    assert reading.irregular == [(Irregular.TRUNCATED, ".")]


@pytest.mark.parametrize("prefix", [b"", b"#!/bin/sh\n"])
def test_an_archive_with_a_zip64_end_record(tmp_path: Path, prefix: bytes) -> None:
    """As it is written from 65,536 members on; sizes that would not fit stand there alone."""
    data = _zip([("a.py", b"a"), ("b.py", b"b")])
    _, _, _, _, _, size, offset, _ = struct.unpack("<4s4H2IH", data[-22:])
    record = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 2, 2, size, offset)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, len(data) - 22, 1)
    honest = data[:-22] + record + locator + data[-22:]
    full = honest[:-10] + b"\xff" * 8 + b"\0\0"
    first, second = (_Reading(prefix + image, tmp_path) for image in (honest, full))
    before = [(Irregular.STRAY_BYTES, ".")] if prefix else []

    assert (first.names, first.irregular) == (["a.py", "b.py"], before)
    assert (second.names, second.irregular) == (["a.py", "b.py"], before)


@pytest.mark.parametrize("cut", [False, True])
def test_a_size_in_the_zip64_extra_field(tmp_path: Path, *, cut: bool) -> None:
    """Where 32 bits do not hold it; a field that is cut off says nothing."""
    info = zipfile.ZipInfo("a.py")
    info.extra = struct.pack("<HHQQ", 1, 16, 5, 5)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, b"pass\n")
        archive.writestr("b.py", b"")
    data = _lie(_lie(buffer.getvalue(), SIZE, 0xFFFFFFFF), PACKED, 0xFFFFFFFF)
    if cut:
        place = data.index(CENTRAL)
        data = data[:place] + data[place:].replace(b"\1\0\x10\0", b"\1\0\x0f\0", 1)
    reading = _Reading(data, tmp_path)

    assert reading.irregular == ([(Irregular.CORRUPT, "a.py")] if cut else [])
    assert reading.names == (["b.py"] if cut else ["a.py", "b.py"])


def test_an_archive_of_twenty_thousand_members(tmp_path: Path) -> None:
    """Small members travel in batches; none is lost, none comes out of turn."""
    names = [f"{i:05}" for i in range(20_000)]
    reading = _Reading(_zip([(name, b"") for name in names], zipfile.ZIP_STORED), tmp_path)

    assert reading.names == names
