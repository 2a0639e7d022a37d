"""Each archive of the fixtures has the irregularity that it was made for, and no other."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Final

import pytest

from abicheck.artifacts import DEFAULT_LIMITS, Limits, open_artifact
from abicheck.model import ArtifactKind, Irregular

EXPECTED: Final[dict[str, list[tuple[Irregular, str]]]] = {
    "not-an-archive.bin": [(Irregular.NOT_AN_ARCHIVE, ".")],
    "no-bytes.zip": [(Irregular.EMPTY_ARCHIVE, ".")],
    "empty.zip": [(Irregular.EMPTY_ARCHIVE, ".")],
    "truncated.zip": [(Irregular.TRUNCATED, ".")],
    "without-its-directory.zip": [(Irregular.TRUNCATED, ".")],
    "encrypted.zip": [
        (Irregular.ENCRYPTED, "handler.py"),
        (Irregular.ENCRYPTED, "pkg/__init__.py"),
    ],
    "base64-of-a-zip.zip": [(Irregular.NOT_AN_ARCHIVE, ".")],
    "prefixed.zip": [(Irregular.STRAY_BYTES, ".")],
    "stored.zip": [],
    "bzip2.zip": [(Irregular.METHOD, "handler.py")],
    "wrong-checksum.zip": [(Irregular.CORRUPT, "handler.py")],
    "two-names-for-one-member.zip": [(Irregular.DISAGREEMENT, "handler.py")],
    "climbing-member.zip": [(Irregular.CLIMBS_OUT, "../x.py")],
    "climbing-in-the-middle.zip": [(Irregular.CLIMBS_OUT, "pkg/../../x.py")],
    "absolute-member.zip": [(Irregular.CLIMBS_OUT, "/abs.py")],
    "backslash-in-a-name.zip": [
        (Irregular.BACKSLASH, "back\\slash.py"),
        (Irregular.BACKSLASH, "pkg\\__init__.py"),
    ],
    "duplicate-names.zip": [(Irregular.DUPLICATE, "pkg/data.txt")],
    "names-that-differ-in-case.zip": [],
    "file-and-folder-of-one-name.zip": [(Irregular.CLASH, "pkg/__init__.py")],
    "zip-in-zip.zip": [],
    "bomb.zip": [],
    "overlapping-members.zip": [(Irregular.DISAGREEMENT, f"{x}/data.bin") for x in "abcdefghij"],
    "no-python-no-binary.zip": [],
    "python-only.zip": [],
    "folder-instead-of-its-content.zip": [],
    "finder-droppings.zip": [],
    "installed.zip": [],
    "installed-without-a-module.zip": [],
    "installed-without-its-tests.zip": [],
    "installed-without-its-package.zip": [],
    "installed-without-its-metadata.zip": [],
    "installed-editable.zip": [],
    "installed-in-an-environment.zip": [],
    "requirement-missing.zip": [],
    "requirement-never-imported.zip": [],
    "requirements-of-other-targets.zip": [],
    "installed-for-an-older-python.zip": [],
    "installed-on-a-mac.zip": [],
    "installed-twice.zip": [],
    "installed-twice-and-mixed.zip": [],
    "installed-over-another.zip": [],
    "installed-and-edited.zip": [],
    "import-of-what-nobody-installed.zip": [],
    "function-of-a-layer.zip": [],
    "layer.zip": [],
    "layer-for-another-python.zip": [],
    "layer-without-python.zip": [],
}
NAMES: Final[dict[str, list[str]]] = {
    "prefixed.zip": ["handler.py", "pkg/__init__.py"],
    "stored.zip": ["handler.py"],
    "climbing-member.zip": ["handler.py"],
    "climbing-in-the-middle.zip": ["handler.py"],
    "absolute-member.zip": ["handler.py"],
    "backslash-in-a-name.zip": ["handler.py", "back\\slash.py", "pkg\\__init__.py"],
    "duplicate-names.zip": ["handler.py", "pkg/data.txt"],
    "names-that-differ-in-case.zip": ["handler.py", "pkg/data.txt", "pkg/Data.txt"],
    "overlapping-members.zip": [],
    "encrypted.zip": [],
    "bzip2.zip": [],
    "wrong-checksum.zip": [],
    "truncated.zip": [],
    "not-an-archive.bin": [],
}


def _read(
    path: Path, limits: Limits = DEFAULT_LIMITS
) -> tuple[list[str], list[tuple[Irregular, str]]]:
    """Return the names of the members, and what was irregular where."""
    with open_artifact(path, limits) as artifact:
        names = [member.name for member in artifact.members(lambda *_: False)]
        return names, [(i.kind, str(i.location)) for i in artifact.irregularities]


@pytest.mark.parametrize("name", EXPECTED)
def test_an_archive_has_the_irregularity_it_was_made_for(fixtures: Path, name: str) -> None:
    """Its kind and the member it is about, in the order of the archive."""
    _, irregularities = _read(fixtures / "archives" / name)

    assert irregularities == EXPECTED[name]


def test_every_archive_of_the_fixtures_is_expected(fixtures: Path) -> None:
    """A new archive comes with what it shows."""
    known = tomllib.loads((fixtures / "archives.toml").read_text(encoding="utf-8"))

    assert set(EXPECTED) == set(known)


@pytest.mark.parametrize("name", NAMES)
def test_what_can_be_read_is_read(fixtures: Path, name: str) -> None:
    """One bad member costs that member; one bad archive costs all of them."""
    names, _ = _read(fixtures / "archives" / name)

    assert names == NAMES[name]


def test_the_last_of_two_members_of_one_name_counts(fixtures: Path) -> None:
    """As it does for whoever unpacks them one after the other."""
    with open_artifact(fixtures / "archives" / "duplicate-names.zip", DEFAULT_LIMITS) as artifact:
        data = [m.data for m in artifact.members(lambda name, *_: name == "pkg/data.txt") if m.data]

    assert [bytes(content) for content in data] == [b"1\n"]


@pytest.mark.parametrize(
    ("limits", "irregularities"),
    [
        (
            Limits(member=1 << 20),
            [(Irregular.LIMIT, f"zeros/{n}") for n in ("zeros.bin", "zeros/zeros.so")],
        ),
        (Limits(total=40 << 20), [(Irregular.LIMIT, "zeros/zeros/zeros.so")]),
        (Limits(total=1 << 20), [(Irregular.LIMIT, "zeros/zeros.bin")]),
    ],
)
def test_a_limit_ends_a_bomb(
    fixtures: Path, limits: Limits, irregularities: list[tuple[Irregular, str]]
) -> None:
    """What was not examined is said: the member, or where reading ended."""
    names, found = _read(fixtures / "archives" / "bomb.zip", limits)

    assert found == irregularities
    assert "handler.py" in names


def test_the_digest_is_that_of_the_archive(fixtures: Path) -> None:
    """Of the file's own bytes, whatever is in them."""
    path = fixtures / "archives" / "bomb.zip"
    with open_artifact(path, DEFAULT_LIMITS) as artifact:
        digest = artifact.sha256()

    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_is_no_artifact_has_no_digest(fixtures: Path) -> None:
    """Nothing was examined, so nothing is vouched for by a digest."""
    path = fixtures / "archives" / "not-an-archive.bin"
    with open_artifact(path, DEFAULT_LIMITS) as artifact:
        assert (artifact.kind, artifact.sha256()) == (ArtifactKind.UNREADABLE, None)
