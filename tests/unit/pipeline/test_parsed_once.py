"""How much is done, not how long it takes: an artifact's modules are parsed once, or never."""

from __future__ import annotations

import zipfile
from collections import Counter
from pathlib import Path

import pytest
from tests.elfbuilder import Elf, definition

from abicheck import check
from abicheck.model import TargetProfile, Verdict
from abicheck.python.syntax import parse

TAG = "cpython-313-x86_64-linux-gnu"


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Counter[bytes]:
    """Return how often each source has been parsed, by its text."""
    counts: Counter[bytes] = Counter()

    def counted(data: bytes, path: str, version: tuple[int, int] | None) -> object:
        counts[data] += 1
        return parse(data, path, version)

    monkeypatch.setattr("abicheck.python.source.parse", counted)
    return counts


def _zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o644 << 16
            archive.writestr(info, content)
    return path


def test_a_module_that_is_imported_is_parsed_once(
    tmp_path: Path, target: TargetProfile, parsed: Counter[bytes]
) -> None:
    """Also where the handler fails, and what it reaches and who imports what are looked up."""
    sources = {
        "app.py": b"import pkg\nimport pkg._fast\n",
        "pkg/__init__.py": b"from pkg import helper\n",
        "pkg/helper.py": b"from pkg import _fast\n",
        "other.py": b"import pkg.helper\n",
    }
    broken = Elf(needed=("libmissing.so.1",), symbols=(definition("PyInit__fast"),)).build()
    path = _zip(tmp_path / "function.zip", {**sources, f"pkg/_fast.{TAG}.so": broken})

    report = check(path, target, handler="app.handler")

    assert [finding.rule.code for finding in report.findings] == ["ABI401"]
    assert {parsed[text] for text in sources.values()} == {1}


def test_a_wheel_that_loads_has_none_of_its_sources_parsed(
    tmp_path: Path, target: TargetProfile, parsed: Counter[bytes]
) -> None:
    """Not for a library either that is named like an extension, and only mentioned."""
    wheel = {
        "pkg/__init__.py": b"import os\n",
        f"pkg/_fast.{TAG}.so": Elf(symbols=(definition("PyInit__fast"),)).build(),
        "pkg/libdata.so": Elf(symbols=(definition("data"),)).build(),
        "pkg-1.dist-info/WHEEL": b"Wheel-Version: 1.0\n",
    }
    path = _zip(tmp_path / f"pkg-1-cp313-cp313-{target.wheel_platforms[0]}.whl", wheel)

    report = check(path, target)

    assert [package.prediction.verdict for package in report.packages] == [Verdict.LOADS]
    assert not parsed


def test_of_a_wheel_with_a_library_only_what_may_import_it_is_parsed(
    tmp_path: Path, target: TargetProfile, parsed: Counter[bytes]
) -> None:
    """What opens it by its path is no import, as a glance at its line tells."""
    naming = b'TEXT = """\nimport libdata\n"""\n'
    wheel = {
        "pkg/__init__.py": b"import os\n",
        "pkg/data.py": b"NAME = 'libdata.so'\n",
        "pkg/text.py": naming,
        "pkg/libdata.so": Elf(symbols=(definition("data"),)).build(),
        "pkg-1.dist-info/WHEEL": b"Wheel-Version: 1.0\n",
    }
    path = _zip(tmp_path / f"pkg-1-cp313-cp313-{target.wheel_platforms[0]}.whl", wheel)

    report = check(path, target)

    assert [package.prediction.verdict for package in report.packages] == [Verdict.LOADS]
    assert parsed == {naming: 1}
