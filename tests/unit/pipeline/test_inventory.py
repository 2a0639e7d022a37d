"""An artifact becomes values: where each member lies, and what it is."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from abicheck.artifacts import DEFAULT_LIMITS, ImageArtifact, open_artifact
from abicheck.model import TargetProfile
from abicheck.pipeline._inventory import Contents, read_artifact


def _take(path: Path, target: TargetProfile) -> Contents:
    with open_artifact(path, DEFAULT_LIMITS) as artifact:
        assert not isinstance(artifact, ImageArtifact)
        return read_artifact(artifact, path.name, target.task_root, lambda _: None).on(target)


def _zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return path


@pytest.mark.parametrize(
    "name", ["pkg/mod.py", "./pkg/mod.py", "pkg//mod.py", "pkg/./mod.py", ".//pkg/././/mod.py"]
)
def test_a_member_lies_where_an_unpacker_puts_it(
    tmp_path: Path, target: TargetProfile, name: str
) -> None:
    """Law: `//` is a slash and `/./` nothing, as for the system call that creates the file."""
    contents = _take(_zip(tmp_path / "function.zip", {name: b"x = 1\n"}), target)

    assert contents.sources == {"/var/task/pkg/mod.py": b"x = 1\n"}
    assert contents.tree.is_file("/var/task/pkg/mod.py")
    assert contents.inventory.packages == ("pkg",)


def test_the_purelib_of_a_wheel_is_the_root(tmp_path: Path, target: TargetProfile) -> None:
    """`NAME.data/purelib` and `platlib` are what an installer moves (PEP 427), however spelt."""
    wheel = {
        "pkg-1.data/purelib/a.py": b"",
        "./pkg-1.data//platlib/b.py": b"",
        "pkg-1.data/scripts/c.py": b"",
        "pkg-1.dist-info/WHEEL": b"Wheel-Version: 1.0\n",
    }
    contents = _take(_zip(tmp_path / "pkg-1-py3-none-any.whl", wheel), target)

    assert sorted(contents.sources) == [
        "/var/task/a.py",
        "/var/task/b.py",
        "/var/task/pkg-1.data/scripts/c.py",
    ]
