"""Laws of artifacts: names stay inside, order is immaterial, and any bytes get a verdict."""

from __future__ import annotations

import io
import posixpath
import stat
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.elfbuilder import spelled_out

from abicheck.artifacts import DEFAULT_LIMITS, Limits, Member, open_artifact
from abicheck.artifacts._names import check_name
from abicheck.artifacts._parallel import in_order
from abicheck.errors import AbicheckError
from abicheck.model import Irregular, Report, TargetProfile
from abicheck.pipeline import check

ROOT: Final = "/var/task"
# One small example a law: what a law is about lies in the cases, not in chance alone.
CASES: Final = (
    "sound",
    "siblings-for-every-platform",
    "vendored-library-lacks-a-version",
    "library-through-a-symbolic-link",
    "missing-library-before-missing-version-before-missing-symbol",
    "runpath-origin",
    "mislabelled-wheel",
    "guard-for-another-exception",
    "stubs-only-folder",
    "ctypes-library-lacks-libgomp",
    "circular-needs",
    "git-lfs-pointer",
    "wrong-machine-abi3",
    "broken-library-that-nothing-reaches",
    "unreadable-copy-first",
)

fragments = st.sampled_from(
    ["..", ".", "", "a", "b.py", "\\", "C:", "...", "a..b", "\0", "é", " ", "~"]
)
hostile = st.lists(fragments | st.text(max_size=4), max_size=6).map("/".join)
backslashed = st.lists(fragments | st.text(max_size=4), max_size=6).map("\\".join)


def _packed(members: Sequence[tuple[zipfile.ZipInfo, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for info, content in members:
            archive.writestr(info, content)
    return buffer.getvalue()


def _members(path: Path) -> list[tuple[zipfile.ZipInfo, bytes]]:
    with zipfile.ZipFile(path) as archive:
        return [(info, archive.read(info)) for info in archive.infolist()]


def _check(data: bytes, target: TargetProfile, name: str = "function.zip") -> Report:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        return check(path, target)


def _findings(report: Report) -> set[tuple[str, str, str, str, str]]:
    """Return what a report finds, without the artifact's own name."""
    return {
        (f.rule.code, str(f.severity), str(f.fault.location), f.fault.subject, f.fault.message)
        for f in report.findings
    }


def _inventory(report: Report) -> Mapping[str, object]:
    """Return all that was learnt but what is the archive's own: its name and its digest."""
    inventory = replace(report.inventory, artifact="", sha256="", objects={}, irregularities=())
    return {
        "all the rest": inventory,
        "objects": {path: spelled_out(facts) for path, facts in report.inventory.objects.items()},
        "irregularities": set(report.inventory.irregularities),
    }


def _unpack(members: Sequence[tuple[zipfile.ZipInfo, bytes]], folder: Path) -> None:
    """Lay an archive out as Lambda does, links and modes included."""
    for info, content in members:
        path = folder / info.filename
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = info.external_attr >> 16
        if stat.S_ISLNK(mode):
            path.symlink_to(content.decode())
        else:
            path.write_bytes(content)
            path.chmod(stat.S_IMODE(mode))


# --- names ------------------------------------------------------------------------


@given(hostile | backslashed)
def test_no_name_that_passes_leads_out(name: str) -> None:
    """Law: what is accepted, backslashes and all, lies at or below the root of the artifact."""
    fault = check_name(name, 4096)
    if fault is None or fault[0] is Irregular.BACKSLASH:
        place = posixpath.normpath(posixpath.join(ROOT, name))

        assert place == ROOT or place.startswith(f"{ROOT}/")
        assert "\0" not in name


@given(hostile | backslashed)
def test_no_name_that_passes_leads_out_where_backslashes_separate(name: str) -> None:
    """Law: not even for somebody who takes a backslash for a separator."""
    fault = check_name(name, 4096)
    if fault is None or fault[0] is Irregular.BACKSLASH:
        parts = name.replace("\\", "/").split("/")

        assert ".." not in parts
        assert not name.startswith("/")


@given(st.lists(hostile, min_size=1, max_size=8, unique=True))
def test_members_of_an_archive_stay_inside(names: list[str]) -> None:
    """The same through a real archive: every member that comes out is placed below the root."""
    infos = [zipfile.ZipInfo(name) for name in names if "\0" not in name and name]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "function.zip"
        path.write_bytes(_packed([(info, b"x") for info in infos]))
        with open_artifact(path, DEFAULT_LIMITS) as artifact:
            found = [member.name for member in artifact.members(lambda *_: True)]

    assert all(
        posixpath.normpath(f"{ROOT}/{name}") == ROOT
        or posixpath.normpath(f"{ROOT}/{name}").startswith(f"{ROOT}/")
        for name in found
    )


# --- order ------------------------------------------------------------------------


@given(st.lists(st.integers(0, 600_000), max_size=80))
def test_results_come_in_the_order_of_the_jobs(sizes: list[int]) -> None:
    """Law: `list(in_order(f, jobs)) == [f(job) for job in jobs]`, however heavy they are."""
    jobs = list(enumerate(sizes))

    assert list(in_order(lambda number: -number, jobs)) == [-number for number, _ in jobs]


@given(
    contents=st.lists(st.binary(max_size=3000), max_size=30),
    stored=st.booleans(),
    data=st.data(),
)
def test_every_member_is_read_once_and_whole(
    *, contents: list[bytes], stored: bool, data: st.DataObject
) -> None:
    """Law: names, sizes, heads and bytes are those that were packed, each asked for once."""
    wanted = data.draw(st.sets(st.integers(0, 29)))
    method = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for number, content in enumerate(contents):
            archive.writestr(f"{number}", content)
    asked: list[str] = []

    def want(name: str, head: bytes, size: int) -> bool:
        asked.append(name)
        return int(name) in wanted and contents[int(name)][:512] == head and size >= len(head)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "function.zip"
        path.write_bytes(buffer.getvalue())
        with open_artifact(path, DEFAULT_LIMITS) as artifact:
            members: list[Member] = list(artifact.members(want))

    assert [member.name for member in members] == [str(n) for n in range(len(contents))]
    assert sorted(asked, key=int) == [member.name for member in members]
    assert [member.size for member in members] == [len(content) for content in contents]
    assert [None if m.data is None else bytes(m.data) for m in members] == [
        content if number in wanted else None for number, content in enumerate(contents)
    ]


@pytest.mark.parametrize("case", CASES)
@given(data=st.data())
@settings(max_examples=3)
def test_the_order_of_members_is_immaterial(
    case: str, fixtures: Path, target: TargetProfile, data: st.DataObject
) -> None:
    """Law: the same members in another order give the same inventory and the same findings."""
    members = _members(fixtures / "cases" / f"{case}.zip")
    shuffled = data.draw(st.permutations(members))
    one, other = (_check(_packed(order), target) for order in (members, shuffled))

    assert _inventory(one) == _inventory(other)
    assert _findings(one) == _findings(other)


@pytest.mark.parametrize("case", CASES)
def test_a_folder_and_an_archive_of_the_same_tree_give_the_same_findings(
    case: str, fixtures: Path, target: TargetProfile, tmp_path: Path
) -> None:
    """Law: how the files came here does not decide whether they load there."""
    path = fixtures / "cases" / f"{case}.zip"
    _unpack(_members(path), tmp_path)

    assert _findings(check(tmp_path, target)) == _findings(check(path, target))


# --- any bytes get a verdict --------------------------------------------------------

ends = st.sampled_from([b"PK\5\6" + bytes(18), b"PK\5\6" + b"\xff" * 16 + b"\0\0", b"PK\6\6", b""])
starts = st.sampled_from(
    [b"", b"PK\3\4", b"PK\5\6", b"\x7fELF", b"MZ", b"\x1f\x8b", b"\xcf\xfa\xed\xfe"]
)
file_names = st.sampled_from(["function.zip", "mod.so", "pkg-1.0-py3-none-any.whl", "function"])


@given(starts, st.binary(max_size=400), ends, file_names)
def test_any_file_gives_a_report_or_an_error_of_ours(
    target: TargetProfile, start: bytes, middle: bytes, end: bytes, name: str
) -> None:
    """Law: a fault in the artifact is a finding; there is no third thing."""
    try:
        report = _check(start + middle + end, target, name)
    except AbicheckError:
        return

    assert report.findings or report.objects


@given(
    case=st.sampled_from(CASES),
    edits=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
    behind=st.booleans(),
)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_archive_gives_a_report_or_an_error_of_ours(
    *,
    fixtures: Path,
    target: TargetProfile,
    case: str,
    edits: list[tuple[float, int]],
    behind: bool,
) -> None:
    """Bytes changed anywhere, or only in the directory, where the lies are told."""
    image = bytearray((fixtures / "cases" / f"{case}.zip").read_bytes())
    first = image.index(b"PK\1\2") if behind else 0
    for place, byte in edits:
        image[first + int(place * (len(image) - first))] = byte
    try:
        report = _check(bytes(image), target)
    except AbicheckError:
        return

    assert report.inventory.counts.size <= DEFAULT_LIMITS.total


@given(st.integers(0, 3000))
def test_an_archive_cut_anywhere_gives_a_report(
    fixtures: Path, target: TargetProfile, size: int
) -> None:
    """Law: what was cut off does not pass."""
    data = (fixtures / "cases" / "sound.zip").read_bytes()
    report = _check(data[: size % len(data)], target)

    assert [finding.rule.code for finding in report.findings] != []


@given(
    sizes=st.lists(st.integers(0, 300), max_size=12),
    members=st.integers(1, 12),
    total=st.integers(0, 2000),
    member=st.integers(0, 300),
)
def test_whatever_was_not_read_is_named(
    *, sizes: list[int], members: int, total: int, member: int
) -> None:
    """Law: without an irregularity every member was read; with limits, no more than they say."""
    limits = Limits(members=members, total=total, member=member)
    infos = [(zipfile.ZipInfo(f"{n}.bin"), bytes(size)) for n, size in enumerate(sizes)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "function.zip"
        path.write_bytes(_packed(infos))
        with open_artifact(path, limits) as artifact:
            read = list(artifact.members(lambda *_: False))
            kinds = {irregularity.kind for irregularity in artifact.irregularities}

    assert len(read) <= members
    assert sum(found.size for found in read) <= total
    assert all(found.size <= member for found in read)
    assert (Irregular.LIMIT in kinds) == (len(read) < len(sizes))
