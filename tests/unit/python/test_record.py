"""RECORD against what is there, as values: a Tree, and distributions that list its files."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import PurePosixPath

import pytest

from abicheck.filesystem import Entry, Kind, Places, Tree
from abicheck.model import Distribution, Location, RecordedFile, RecordReport
from abicheck.python.record import check_records, read_record, strangers

ROOT = "/var/task"
PLACES = Places(ROOT)


def _entry(content: bytes) -> Entry:
    digest = hashlib.sha256(content).digest()
    return Entry(Kind.FILE, size=len(content), sha256=digest)


def _tree(files: Mapping[str, bytes]) -> Tree:
    return Tree({f"{ROOT}/{path}": _entry(content) for path, content in files.items()})


def _row(path: str, content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(content)}"


def _distribution(
    *rows: str, name: str = "pkg", folder: str = "", installer: str = ""
) -> Distribution:
    record = read_record("\n".join(rows).encode(), folder)
    place = PurePosixPath(folder) / f"{name}-1.0.dist-info"
    files = frozenset(line.path for line in record)
    return Distribution(
        name, "1.0", Location(place), files=files, record=record, installer=installer
    )


def _check(files: Mapping[str, bytes], *distributions: Distribution) -> list[RecordReport]:
    return list(check_records(distributions, PLACES, _tree(files).entry))


def _said(report: RecordReport) -> tuple[list[str], list[str], list[str]]:
    return (
        [str(place) for place in report.lost],
        [str(each.location) for each in report.altered],
        [f"{each.location} by {each.winner.name}" for each in report.overlaps],
    )


# --- reading ---


def test_a_line_has_a_path_a_digest_and_a_size() -> None:
    (line,) = read_record(_row("pkg/a.py", b"x = 1\n").encode(), "")

    assert line == RecordedFile("pkg/a.py", hashlib.sha256(b"x = 1\n").digest(), 6)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("../../bin/run,,", "../../bin/run"),
        ("pkg/../other.py,,", "other.py"),
        ('"with, comma.py",,', "with, comma.py"),
        ("pkg/a.py", "pkg/a.py"),
    ],
)
def test_paths_are_normalised(text: str, path: str) -> None:
    (line,) = read_record(text.encode(), "")

    assert line.path == path


def test_paths_are_those_of_the_artifact() -> None:
    (line,) = read_record(b"pkg/a.py,,", "python")

    assert line.path == "python/pkg/a.py"


@pytest.mark.parametrize(
    "text", ["a.py,md5=abc,1", "a.py,sha256=!,1", "a.py,sha256=QUJD,1", "a.py,sha256,1"]
)
def test_another_digest_is_none(text: str) -> None:
    (line,) = read_record(text.encode(), "")

    assert line == RecordedFile("a.py", None, 1)


@pytest.mark.parametrize("size", ["", "-1", "x", "1" * 30, "²"])
def test_what_is_no_size_is_none(size: str) -> None:
    (line,) = read_record(f"a.py,,{size}".encode(), "")

    assert line.size is None


def test_what_is_no_csv_lists_nothing() -> None:
    assert read_record(b"a" * 200_000, "") == ()


# --- comparing ---


def test_a_clean_install_has_nothing_to_report() -> None:
    files = {"pkg/a.py": b"a", "pkg/b.so": b"b"}
    (report,) = _check(files, _distribution(*(_row(p, d) for p, d in files.items())))

    assert (report.listed, report.kept, _said(report)) == (2, 2, ([], [], []))


def test_a_file_that_is_gone_is_lost() -> None:
    (report,) = _check({}, _distribution(_row("pkg/a.py", b"a")))

    assert _said(report) == (["pkg/a.py"], [], [])


@pytest.mark.parametrize(
    "path",
    [
        "../../bin/run",
        "../../share/man/man1/run.1",
        "bin/run",
        "Scripts/run.exe",
        "pkg/__pycache__/a.cpython-313.pyc",
        "pkg-1.0.dist-info/RECORD",
        "pkg-1.0.dist-info/INSTALLER",
        "pkg-1.0.dist-info/REQUESTED",
    ],
)
def test_what_installers_move_or_make_again_is_not_expected(path: str) -> None:
    """An installer moves scripts after it has written RECORD; bytecode and its own files may be pruned."""
    (report,) = _check({}, _distribution(f"{path},sha256=47DEQpj8HBSa,0"))

    assert (report.listed, _said(report)) == (0, ([], [], []))


def test_one_flipped_bit_is_seen() -> None:
    """Law: to the last byte, also where the size is the same."""
    (report,) = _check({"pkg/b.so": b"aaab"}, _distribution(_row("pkg/b.so", b"aaaa")))

    assert _said(report) == ([], ["pkg/b.so"], [])
    assert report.altered[0].size == 4


def test_without_a_digest_the_size_counts() -> None:
    distribution = _distribution("pkg/a.py,,3", "pkg/b.py,,4", "pkg/c.py,,")
    files = {"pkg/a.py": b"abc", "pkg/b.py": b"abc", "pkg/c.py": b"abc"}
    (report,) = _check(files, distribution)

    assert _said(report) == ([], ["pkg/b.py"], [])


def test_a_file_that_nobody_hashed_is_taken_by_its_size() -> None:
    """In an image."""
    tree = Tree({f"{ROOT}/pkg/a.py": Entry(Kind.FILE, size=1)})
    (report,) = check_records((_distribution(_row("pkg/a.py", b"a")),), PLACES, tree.entry)

    assert report.kept == 1


def test_of_two_that_install_a_file_the_last_one_wins() -> None:
    """The other was overwritten; neither has been altered."""
    one = _distribution(_row("cv2/a.so", b"1"), name="opencv-python")
    other = _distribution(_row("cv2/a.so", b"2"), name="opencv-python-headless")
    first, second = _check({"cv2/a.so": b"2"}, one, other)

    assert _said(first) == ([], [], ["cv2/a.so by opencv-python-headless"])
    assert _said(second) == ([], [], [])


def test_two_that_install_the_same_content_do_not_matter() -> None:
    one = _distribution(_row("ns/__init__.py", b""), name="one")
    other = _distribution(_row("ns/__init__.py", b""), name="other")

    assert [_said(r) for r in _check({"ns/__init__.py": b""}, one, other)] == [([], [], [])] * 2


def test_a_file_that_is_what_neither_of_two_says_is_altered() -> None:
    one = _distribution(_row("cv2/a.so", b"1"), name="one")
    other = _distribution(_row("cv2/a.so", b"2"), name="other")

    assert [_said(r)[1] for r in _check({"cv2/a.so": b"3"}, one, other)] == [["cv2/a.so"]] * 2


def test_a_distribution_below_the_root_lists_what_is_beside_it() -> None:
    distribution = _distribution(_row("pkg/a.py", b"a"), "../bin/run,,", folder="python")
    (report,) = _check({"python/pkg/a.py": b"a"}, distribution)

    assert (report.listed, report.kept) == (1, 1)


def test_who_packages_for_a_system_is_noted() -> None:
    (report,) = _check({}, _distribution(_row("a.py", b""), installer="conda"))

    assert report.packaged


def test_a_distribution_without_a_record_is_not_judged() -> None:
    """Debian's packages, and what setup.py installed."""
    assert _check({"pkg/a.py": b""}, _distribution()) == []


# --- strangers ---


@pytest.mark.parametrize(
    ("path", "is_strange"),
    [
        ("pkg/_old.so", True),
        ("pkg/sub/_old.so", True),
        ("pkg/_core.so", False),
        ("mine.so", False),
        ("mine/_core.so", False),
    ],
)
def test_a_binary_in_a_folder_of_a_distribution_is_listed(path: str, *, is_strange: bool) -> None:
    """Law: what lies in nobody's folder is one's own."""
    distribution = _distribution("pkg/__init__.py,,", "pkg/_core.so,,", "single.py,,")
    places = [Location(PurePosixPath(path))]

    found = [(str(place), d.name) for place, d in strangers(places, (distribution,), PLACES)]

    assert found == ([(path, "pkg")] if is_strange else [])
