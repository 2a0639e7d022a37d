"""Every limit: what is just within it is examined, and what is beyond it is a finding."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Final

import pytest
from tests.elfbuilder import Elf, Need, Note, definition
from tests.imagebuilder import Image, Tarred, archive, oci, tar
from tests.oddzips import many, sound, zeros

from abicheck.artifacts import DEFAULT_LIMITS, Limits, open_artifact
from abicheck.model import TargetProfile
from abicheck.pipeline import check

ZEROS: Final = 300 << 20


@dataclass(frozen=True)
class Reaching:
    """An artifact that needs a limit of at least `value`: one less is too little."""

    limit: str
    value: int
    build: Callable[[], bytes]
    less: int = 1
    name: str = "function.zip"


def _python(text: str) -> Callable[[], bytes]:
    return lambda: sound(("handler.py", b"import big\n"), ("big.py", text.encode()))


def _object(elf: Elf) -> Callable[[], bytes]:
    return lambda: sound(("mod.so", elf.build()))


def _image(*layers: bytes) -> Callable[[], bytes]:
    return lambda: archive(oci(Image(layers)))


_FILES: Final = tar([Tarred("etc/a", b"a"), Tarred("etc/b", b"b")], tarfile.GNU_FORMAT)
_MANY: Final = tar([Tarred(f"etc/{n}") for n in range(40)])


def _zeros() -> bytes:
    return tar([Tarred("etc/zeros", bytes(ZEROS))], tarfile.GNU_FORMAT)


_NESTED: Final = "x = " + "-" * 300 + "1\n"
_BRANCHES: Final = "if x:\n    pass\n" + "elif x:\n    pass\n" * 1500

REACHING: Final = {
    "members": Reaching("members", 9, lambda: many(9)),
    "members of layers": Reaching("members", 40, _image(_MANY), name="image.tar"),
    "total": Reaching("total", 240, sound),
    "member": Reaching("member", 120, sound),
    "ratio": Reaching("ratio", 1200, lambda: zeros(b"a.bin", size=ZEROS), less=800),
    "ratio of a layer": Reaching(
        "ratio", 1200, lambda: archive(oci(Image((_zeros(),), packing="gzip"))), 1100, "image.tar"
    ),
    "path": Reaching("path", 30, lambda: sound(("a" * 27 + ".py", b""))),
    "nesting": Reaching("nesting", 7, lambda: sound(("d/" * 7 + "a.py", b""))),
    "nesting of layers": Reaching(
        "nesting", 7, _image(tar([Tarred("d/" * 8 + "a")])), less=2, name="image.tar"
    ),
    "layers": Reaching("layers", len(_FILES), _image(_FILES), name="image.tar"),
    "layer_count": Reaching("layer_count", 3, _image(*[_FILES] * 3), name="image.tar"),
    "symbols": Reaching(
        "symbols", 21, _object(Elf(symbols=tuple(definition(f"f{n}") for n in range(20))))
    ),
    # A record for the file, and one for each version.
    "versions": Reaching(
        "versions", 21, _object(Elf(needs=tuple(Need("libc.so.6", f"V_{n}") for n in range(20))))
    ),
    "notes": Reaching(
        "notes", 20, _object(Elf(notes=tuple(Note(3, bytes(20)) for _ in range(20))))
    ),
    "source": Reaching("source", 1000, _python("#" * 1000)),
    "nodes": Reaching("nodes", 500, _python("x=1\n" * 250)),
    # The module's statement, its value, and what that holds.
    "depth": Reaching("depth", 302, _python(_NESTED)),
    "depth of a short chain": Reaching("depth", 3, _python(_BRANCHES)),
}


def _told(given: Reaching, value: int, folder: Path, target: TargetProfile) -> set[str]:
    """Return which limits are said to be reached."""
    path = folder / given.name
    path.write_bytes(given.build())
    # Dense as zeros are, everything else is to be within its limit.
    room = {} if given.limit == "ratio" else {"ratio": 1 << 32}
    limits = replace(DEFAULT_LIMITS, **room, **{given.limit: value})
    if given.name == "image.tar":  # without an interpreter it could not be judged
        with open_artifact(path, limits) as artifact:
            list(artifact.members(lambda *_: True))
            said = [found.detail for found in artifact.irregularities]
    else:
        report = check(path, target, handler="handler.handler", limits=limits)
        said = [f.fault.message for f in report.findings if f.rule.code in ("ABI002", "ABI005")]
    return {message.partition("(--limit ")[2].rstrip(")") for message in said}


@pytest.mark.parametrize("name", REACHING)
def test_what_is_beyond_a_limit_is_a_finding_that_names_it(
    name: str, tmp_path: Path, target: TargetProfile
) -> None:
    """An error: what was not examined is not vouched for."""
    given = REACHING[name]

    told = _told(given, given.value - given.less, tmp_path, target)

    assert told == {given.limit.replace("_", "-")}


@pytest.mark.parametrize("name", REACHING)
def test_what_is_within_a_limit_is_examined(
    name: str, tmp_path: Path, target: TargetProfile
) -> None:
    given = REACHING[name]

    assert _told(given, given.value, tmp_path, target) == set()


def test_every_limit_is_reached() -> None:
    assert {given.limit for given in REACHING.values()} == {each.name for each in fields(Limits)}


def test_a_few_zeros_are_no_bomb(tmp_path: Path, target: TargetProfile) -> None:
    """The first 256 MiB may be as dense as they like."""
    given = Reaching("ratio", 1, lambda: zeros(b"a.bin", size=255 << 20))

    assert _told(given, 1, tmp_path, target) == set()
