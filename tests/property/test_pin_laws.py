"""Laws of what is pinned: any bytes are pins or a refusal, and pip reads the same lines."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name
from tests.factories import a_distribution, a_profile, location

from abicheck.errors import UsageError
from abicheck.filesystem import Entry, Kind, Places
from abicheck.model import (
    Distribution,
    Pin,
    PinnedWheel,
    PinReport,
    Pins,
    Site,
    UnpinnedWheel,
    WheelReport,
)
from abicheck.pins import read_pins
from abicheck.pins._requirements import _logical_lines
from abicheck.python.installed_wheels import compare_with_wheels
from abicheck.python.pinned import hold_against_pins

TARGET: Final = a_profile()
HERE: Final = Site(PurePosixPath("requirements.txt"), 1)

fragments = st.sampled_from(
    [
        *(
            "a==1",
            "b[x]>=2",
            "; python_version<'3.14'",
            " \\",
            "\\",
            "\n",
            "\r\n",
            "#",
            " # c",
            " ",
        ),
        *("--hash=sha256:aa", "-r x.txt", "-c", "-e", "@ https://host.invalid/a.whl", "./d", "[["),
        *("${A}", "'", '"', "\t", "\f", "packages]]", "name=", "lock-version='1.0'", "\ufeff"),
    ]
)
texts = st.lists(fragments | st.text(max_size=3), max_size=30).map("".join)


@given(texts.map(str.encode) | st.binary(max_size=200), st.sampled_from(["r.txt", "pylock.toml"]))
def test_any_bytes_are_pins_or_a_refusal(data: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, name)
        file.write_bytes(data)
        try:
            files = read_pins([str(file)], {"A": "1"}).files
        except UsageError as error:
            # Of the file itself, or of one beside it that it includes.
            files = (str(file),) if str(error).startswith(folder) else ()

    assert files == (str(file),)


@given(texts, st.dictionaries(st.sampled_from("ABC"), st.text("x1#${} ", max_size=3)))
def test_pip_reads_the_same_lines(text: str, environ: dict[str, str]) -> None:
    pip = pytest.importorskip("pip._internal.req.req_file")
    with pytest.MonkeyPatch.context() as patch:
        for name in "ABC":
            patch.setenv(name, environ.get(name, ""))
        theirs = list(pip.preprocess(text))

    assert list(_logical_lines(text, environ)) == theirs


# --- what is installed, pinned as it is ---

names = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,6}[A-Za-z0-9])?", fullmatch=True)
versions = st.from_regex(
    r"[0-9]{1,3}(\.[0-9]{1,3}){0,3}((a|b|rc)[0-9])?(\.post[0-9])?(\.dev[0-9])?(\+[a-z0-9]{1,4})?",
    fullmatch=True,
)
environments = st.dictionaries(names, versions, max_size=6).filter(
    lambda found: len(set(map(canonicalize_name, found))) == len(found)
)
requires = st.sampled_from(
    ["x", "x[y]>=1", "x; extra == 'y'", "x; python_full_version < '3.13.4'", "=", "x; zzz == '1'"]
)


def _installed(found: dict[str, str], lines: list[str]) -> tuple[Distribution, ...]:
    return tuple(replace(a_distribution(n, v), requires=tuple(lines)) for n, v in found.items())


@given(environments, st.lists(requires, max_size=3), st.sampled_from(["==", "===", ">=", ""]))
def test_what_is_installed_is_what_a_file_of_it_pins(
    found: dict[str, str], lines: list[str], operator: str
) -> None:
    """Whatever it requires in turn: who pins what is there has pinned it all."""
    found = {n: v for n, v in found.items() if operator != ">=" or "+" not in v}
    text = "".join(f"{n}{operator}{v if operator else ''}\n" for n, v in found.items())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "requirements.txt")
        file.write_text(text, encoding="utf-8")
        pins = read_pins([str(file)], {})
    report = hold_against_pins(_installed(found, lines), pins, TARGET)

    assert report == PinReport(pins.files)


@given(environments.filter(bool), st.data())
def test_one_difference_is_one_difference(found: dict[str, str], data: st.DataObject) -> None:
    """A distribution that goes, comes or changes is named, and nothing else is."""
    lines = tuple(
        Pin(canonicalize_name(n), n, HERE, f"=={v}", exact=True) for n, v in found.items()
    )
    victim = data.draw(st.sampled_from(sorted(found)))
    rest = {n: v for n, v in found.items() if n != victim}
    gone = hold_against_pins(_installed(rest, []), Pins((), lines), TARGET)
    come = hold_against_pins(
        _installed(found, []),
        Pins((), tuple(p for p in lines if p.text != victim)),
        TARGET,
    )
    changed = hold_against_pins(_installed({**found, victim: "999!1"}, []), Pins((), lines), TARGET)

    assert [each.pin.text for each in gone.absent] == [victim]
    assert [each.distribution.name for each in come.unpinned] == [victim]
    assert [each.distribution.name for each in changed.others] == [victim]
    assert gone == PinReport(absent=gone.absent)
    assert come == PinReport(unpinned=come.unpinned)
    assert changed == PinReport(others=changed.others)


# --- what is installed, and the wheel that it came from ---

parts = st.sampled_from(["a", "b", "__init__.py", "c.so", "__pycache__"])
paths = st.lists(parts, min_size=1, max_size=4).map("/".join).map("pkg/{}".format)
trees = st.dictionaries(paths, st.binary(min_size=32, max_size=32), min_size=1, max_size=8)
INFO: Final = "pkg-1.0.dist-info"


class Folder(NamedTuple):
    """A folder with one pinned wheel."""

    wheel: PinnedWheel

    def pinned(self, name: str, version: str) -> tuple[PinnedWheel, ...]:
        return (self.wheel,) if (name, version) == ("pkg", "1.0") else ()

    def unpinned(self, name: str, version: str) -> tuple[UnpinnedWheel, ...]:
        del name, version
        return ()


def _compare(wheel: dict[str, bytes], there: dict[str, bytes]) -> WheelReport:
    """Compare what is there, and listed in RECORD, with a wheel."""
    distribution = a_distribution("pkg", "1.0", files={*there, f"{INFO}/RECORD"})
    files = {f"/var/task/{path}": Entry(Kind.FILE, sha256=data) for path, data in there.items()}
    return compare_with_wheels(
        (distribution,),
        PinReport(),
        Folder(PinnedWheel("w.whl", wheel)),
        files,
        Places("/var/task"),
    )


@given(trees)
def test_what_is_what_the_wheel_holds_departs_from_it_in_nothing(tree: dict[str, bytes]) -> None:
    assert _compare(tree, tree) == WheelReport(compared=len(tree))


@given(trees, st.data())
def test_each_departure_from_the_wheel_is_named(
    tree: dict[str, bytes], data: st.DataObject
) -> None:
    victim = data.draw(st.sampled_from(sorted(tree)))
    rest = {path: content for path, content in tree.items() if path != victim}
    place = location(victim)
    altered = _compare(tree, {**rest, victim: b"other"})
    added = _compare(rest, tree)
    lost = _compare(tree, rest)

    assert [each.altered for each in altered.departures] == [(place,)]
    assert [each.added for each in added.departures] == [(place,)]
    assert [each.lost for each in lost.departures] == [(place,)]
