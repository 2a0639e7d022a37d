"""The same tree as a folder, as a ZIP and as an image gives the same findings."""

from __future__ import annotations

import re
import stat
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.imagebuilder import Image, Tarred, archive, docker_25, folder, link, tar
from tests.lambdabase import lambda_base

from abicheck.artifacts import DEFAULT_LIMITS, open_image
from abicheck.capture import Request, capture_image
from abicheck.model import Report, TargetProfile
from abicheck.pipeline import check
from abicheck.profiles import load_profile

FIXTURES: Final = Path(__file__).parents[2] / "fixtures"
CASES: Final = tuple(
    sorted(
        {
            case["file"]
            for case in tomllib.loads((FIXTURES / "cases.toml").read_text("utf-8")).values()
        }
    )
)
_TASK: Final = "var/task/"
_INSIDE: Final = re.compile(rf"(?<!/)\b{_TASK}")  # a member, not a path of the target

Found = tuple[str, str, str, str, str, str]
"""Code, severity, path below the task root, message, subject, module."""


@dataclass(frozen=True)
class File:
    """A file of a tree, or a link where it has a target."""

    data: bytes = b""
    target: str = ""
    mode: int = 0o644


Tree = Mapping[str, File]


def _read(name: str) -> Tree:
    tree = {}
    with zipfile.ZipFile(FIXTURES / name) as opened:
        for info in opened.infolist():
            mode = info.external_attr >> 16
            data = opened.read(info)
            if stat.S_ISLNK(mode):
                tree[info.filename] = File(target=data.decode(), mode=0o777)
            elif not info.is_dir():
                tree[info.filename] = File(data, mode=stat.S_IMODE(mode) or 0o644)
    return tree


@cache
def _base() -> Image:
    return lambda_base(load_profile("lambda-python3.13-x86_64-image"))


@cache
def _captured() -> TargetProfile:
    """Return the base as a target: what a ZIP is judged by."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "base.tar")
        path.write_bytes(archive(docker_25(_base())))
        with open_image(path, DEFAULT_LIMITS) as image:
            return capture_image(image, Request(name="base", source="base")).profile


def _as_folder(tree: Tree, place: Path) -> Report:
    root = place / "folder"
    root.mkdir()
    for name, file in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if file.target:
            path.symlink_to(file.target)
        else:
            path.write_bytes(file.data)
            path.chmod(file.mode)
    return check(root, _captured())


def _as_zip(tree: Tree, place: Path) -> Report:
    with zipfile.ZipFile(place / "tree.zip", "w") as made:
        for name, file in tree.items():
            info = zipfile.ZipInfo(name)
            kind = stat.S_IFLNK if file.target else stat.S_IFREG
            info.external_attr = (kind | file.mode) << 16
            made.writestr(info, file.target or file.data)
    return check(place / "tree.zip", _captured())


def _as_image(tree: Tree, place: Path, under: str = _TASK) -> Report:
    above = {str(parent) for name in tree for parent in Path(under, name).parents} - {"."}
    entries = [folder(name) for name in sorted(above)]
    entries += [
        link(under + name, file.target)
        if file.target
        else Tarred(under + name, file.data, mode=file.mode)
        for name, file in tree.items()
    ]
    image = replace(_base(), layers=(*_base().layers, tar(entries)))
    path = place / "image.tar"
    path.write_bytes(archive(docker_25(image)))
    return check(path, _captured())


def _findings(report: Report) -> list[Found]:
    """Return the findings of the tree.

    What Lambda asks of every image is no matter of it, and neither is that nothing in the
    whole artifact is known: an image has the base's files besides.
    """
    return sorted(
        (
            finding.rule.code,
            str(finding.severity),
            str(finding.fault.location.path).removeprefix(_TASK),
            _INSIDE.sub("", finding.fault.message),
            finding.fault.subject.removeprefix(_TASK),
            finding.fault.module or "",
        )
        for finding in report.findings
        if not finding.rule.code.startswith(("ABI009", "ABI8"))
    )


def _three(tree: Tree) -> tuple[list[Found], list[Found], list[Found]]:
    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        return (
            _findings(_as_folder(tree, place)),
            _findings(_as_zip(tree, place)),
            _findings(_as_image(tree, place)),
        )


on_linux: Final = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="links and modes of the kernel that is mirrored"
)


def test_the_base_alone_is_sound(tmp_path: Path) -> None:
    """Its files are as Lambda's are on record; what is found later is the tree's own."""
    report = _as_image({"app.py": File()}, tmp_path)

    assert _findings(report) == []
    assert report.inventory.image is not None
    assert report.inventory.image.drift is None


@on_linux
@pytest.mark.parametrize("name", CASES)
def test_a_fixture_has_the_same_findings_in_every_form(name: str) -> None:
    in_folder, in_zip, in_image = _three(_read(name))

    assert in_zip == in_folder
    assert in_image == in_zip


@on_linux
@pytest.mark.parametrize("name", [n for n in CASES if re.search("guard|bytecode|cache|link", n)])
def test_an_image_may_have_its_packages_elsewhere(name: str, tmp_path: Path) -> None:
    """In site-packages of its interpreter: the same modules, and they matter as much.

    Only of cases that are about names: a library in the task root is found by LD_LIBRARY_PATH.
    """
    packages = "var/lang/lib/python3.13/site-packages/"
    tree = _read(name)
    there = _findings(_as_image(tree, tmp_path, packages))
    in_zip = _findings(_as_zip(tree, tmp_path))

    assert [(f[0], f[1], f[5]) for f in there] == [(f[0], f[1], f[5]) for f in in_zip]


def test_the_fixtures_have_findings_to_compare(tmp_path: Path) -> None:
    """A tree that is as sound as it is broken would show nothing."""
    assert _findings(_as_zip(_read("cases/first-of-two-missing-libraries.zip"), tmp_path))


@cache
def _pool() -> tuple[tuple[str, File], ...]:
    return tuple(
        (member, file)
        for name in CASES
        if name.startswith("cases/")
        for member, file in _read(name).items()
        if len(file.data) < 1 << 16
    )


@on_linux
@given(st.data())
def test_a_tree_of_any_files_has_the_same_findings_in_every_form(data: st.DataObject) -> None:
    """Files of several fixtures in one folder, that were never meant to meet."""
    drawn = data.draw(st.lists(st.sampled_from(_pool()), min_size=1, max_size=8))
    tree: dict[str, File] = {}
    for name, file in drawn:
        inside = any(other.startswith(f"{name}/") or name.startswith(f"{other}/") for other in tree)
        if not inside:
            tree[name] = file
    # Without the name of an installer, an archive of one distribution is a wheel.
    for name in [name for name in tree if name.endswith(".dist-info/WHEEL")]:
        tree.setdefault(name.replace("/WHEEL", "/INSTALLER"), File(b"pip\n"))
    in_folder, in_zip, in_image = _three(tree)

    assert in_zip == in_folder
    assert in_image == in_zip
