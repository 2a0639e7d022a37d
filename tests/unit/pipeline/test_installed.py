"""Whole artifacts whose distributions were pruned, exchanged or left behind: what is found."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from tests.factories import write_zip

from abicheck.model import Report, TargetProfile
from abicheck.pipeline import check

Files = Mapping[str, str]
Found = Callable[..., list[str]]


def installed(files: Files, *requires: str, name: str = "pkg", below: str = "") -> dict[str, str]:
    """Files with the metadata that an installer leaves beside them, all below a folder."""
    info = f"{name}-1.0.dist-info"
    metadata = [f"Name: {name}", "Version: 1.0", *(f"Requires-Dist: {r}" for r in requires)]
    own = {
        f"{info}/INSTALLER": "pip\n",
        f"{info}/METADATA": "\n".join(["Metadata-Version: 2.1", *metadata, ""]),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nTag: py3-none-any\n",
    }
    rows = [f"{path},sha256={_digest(text)},{len(text)}" for path, text in {**files, **own}.items()]
    whole = {**files, **own, f"{info}/RECORD": "\n".join([*rows, f"{info}/RECORD,,", ""])}
    return {f"{below}{path}": text for path, text in whole.items()}


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def without(files: Files, *names: str) -> dict[str, str]:
    return {path: text for path, text in files.items() if path not in names}


@pytest.fixture
def judged(tmp_path: Path, target: TargetProfile) -> Callable[..., Report]:
    """`judged(files, handler="app.handler")`: the report of a ZIP with these files."""

    def judge(files: Files, *layers: Files, handler: str | None = None) -> Report:
        path = write_zip(tmp_path / "function.zip", files)
        paths = [write_zip(tmp_path / f"{i}.zip", layer) for i, layer in enumerate(layers)]
        return check(path, target, layers=paths, handler=handler)

    return judge


@pytest.fixture
def found(judged: Callable[..., Report]) -> Found:
    """Each finding's code, severity and file."""

    def find(files: Files, *layers: Files, handler: str | None = None) -> list[str]:
        report = judged(files, *layers, handler=handler)
        return [f"{f.rule.code} {f.severity} {f.fault.location}" for f in report.findings]

    return find


# --- lost files ---

PKG = {
    "pkg/__init__.py": "",
    "pkg/a.py": "from pkg import b\n",
    "pkg/b.py": "",
    "pkg/tests/test_b.py": "import pkg.b\n",
}
INFO = "pkg-1.0.dist-info"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from pkg import b\n", "ABI702 warning pkg/b.py"),
        ("from . import b\n", "ABI702 warning pkg/b.py"),
        ("def f():\n    import pkg.b\n", "ABI702 warning pkg/b.py"),
        ("try:\n    import pkg.b\nexcept ImportError:\n    pass\n", f"ABI702 note {INFO}"),
        ("import sys\nif sys.platform == 'win32':\n    import pkg.b\n", f"ABI702 note {INFO}"),
        ("import sys\nif sys.version_info < (3, 9):\n    import pkg.b\n", f"ABI702 note {INFO}"),
        (
            "import sys\nif sys.version_info >= (3, 9):\n    import pkg.b\n",
            "ABI702 warning pkg/b.py",
        ),
        ("", f"ABI702 note {INFO}"),
    ],
)
def test_a_lost_module_weighs_as_much_as_who_imports_it(
    found: Found, source: str, expected: str
) -> None:
    """Law: an import that nothing reaches yet, and nothing guards, may fail later."""
    files = installed({**PKG, "pkg/a.py": source})

    assert found(without(files, "pkg/b.py")) == [expected]


def test_a_lost_module_that_the_package_imports_is_an_error(found: Found) -> None:
    files = installed({**PKG, "pkg/__init__.py": "import pkg.a\n"})

    assert found(without(files, "pkg/b.py")) == ["ABI702 error pkg/b.py"]


def test_a_lost_initialiser_is_named(judged: Callable[..., Report]) -> None:
    """The folder is a namespace package then, and what is asked of it is not there."""
    files = installed({"pkg/__init__.py": "value = 1\n"}) | {"app.py": "from pkg import value\n"}
    (finding,) = judged(without(files, "pkg/__init__.py")).findings

    assert str(finding.fault.location) == "pkg/__init__.py"
    assert finding.distribution is not None


def test_what_the_handler_does_not_reach_is_a_note(found: Found) -> None:
    files = installed({**PKG, "pkg/__init__.py": "import pkg.a\n"})
    files |= {"app.py": "def handler(event, context): ...\n"}

    assert found(without(files, "pkg/b.py"), handler="app.handler") == ["ABI702 note pkg/b.py"]


def test_a_name_that_a_pruned_distribution_does_not_give_is_told_once(found: Found) -> None:
    """Which of the lost files gave it is not known, so it is no more than a warning."""
    files = installed(PKG) | {"app.py": "from pkg import name\n"}

    assert found(without(files, "pkg/b.py")) == ["ABI702 warning pkg/b.py"]


def test_tests_are_nobody_that_needs_a_module(found: Found) -> None:
    files = without(installed({**PKG, "pkg/a.py": ""}), "pkg/b.py")

    assert found(files) == [f"ABI702 note {INFO}"]


def test_a_record_in_a_layer_is_held_against_the_layer(found: Found) -> None:
    layer = installed(PKG, below="python/")
    broken = without(layer, "python/pkg/b.py")

    assert found({"app.py": ""}, layer) == []
    assert found({"app.py": "import pkg.a\n"}, broken) == ["ABI702 error 0.zip:python/pkg/b.py"]


# --- requirements ---


def test_a_requirement_that_a_layer_brings_is_met(found: Found) -> None:
    function = installed({"pkg/__init__.py": "import dep\n"}, "dep")
    layer = installed({"dep/__init__.py": ""}, name="dep", below="python/")

    assert found(function, layer) == []
    assert found(function) == [f"ABI705 error {INFO}"]


@pytest.mark.parametrize(
    ("requirement", "source", "expected"),
    [
        ("PyYAML", "import yaml\n", f"ABI705 error {INFO}"),
        ("dep", "import other\n", f"ABI705 error {INFO}"),  # the only candidate
        (
            "dep",
            "try:\n    import dep\nexcept ImportError:\n    dep = None\n",
            f"ABI705 note {INFO}",
        ),
        ("dep", "def f():\n    import dep\n", f"ABI705 warning {INFO}"),
        ("dep; extra == 'more'", "import dep\n", "ABI713 note pkg/__init__.py"),
        ("boto3", "import boto3\n", ""),
    ],
)
def test_a_requirement_weighs_as_much_as_who_imports_it(
    found: Found, requirement: str, source: str, expected: str
) -> None:
    files = installed({"pkg/__init__.py": source}, requirement)

    assert found(files) == ([expected] if expected else [])


def test_what_an_extra_brings_is_no_want_of_another_requirement(found: Found) -> None:
    """A program of a distribution that asks for more than its library does."""
    files = installed({"pkgd.py": "import web\n"}, "dep", "web; extra == 'd'")

    assert found(files) == [f"ABI705 note {INFO}", "ABI713 note pkgd.py"]


def test_a_lone_wheel_finds_its_requirements_elsewhere(
    tmp_path: Path, target: TargetProfile
) -> None:
    files = installed({"pkg/__init__.py": "import dep\n"}, "dep")
    wheel = write_zip(tmp_path / "pkg-1.0-py3-none-any.whl", without(files, f"{INFO}/INSTALLER"))

    assert [f.rule.code for f in check(wheel, target).findings] == []


def test_what_a_distribution_vendors_is_not_installed(found: Found) -> None:
    """`setuptools/_vendor` is on nobody's sys.path; nobody asks for its requirements."""
    vendored = installed({"dep/__init__.py": ""}, "missing", name="dep", below="pkg/_vendor/")

    assert found(installed({"pkg/__init__.py": ""}) | without(vendored, "pkg/_vendor/dep/x")) == []


def test_requirements_of_an_egg_are_read(found: Found) -> None:
    files = {
        "pkg/__init__.py": "",
        "pkg.egg-info/PKG-INFO": "Name: pkg\nVersion: 1.0\n",
        "pkg.egg-info/requires.txt": "dep>=1\n\n[more]\nother\n\n[:sys_platform == 'win32']\nwin\n",
    }

    assert found(files) == ["ABI705 note pkg.egg-info"]


# --- elsewhere ---


def test_an_environment_that_a_path_file_enters_is_entered(found: Found) -> None:
    inside = ".venv/lib/python3.13/site-packages"
    files = installed(PKG, below=f"{inside}/") | {".venv/pyvenv.cfg": "home = /usr/bin\n"}
    files |= {"app.py": "import pkg\ndef handler(event, context): ...\n"}

    assert found(files) == ["ABI704 warning .venv"]
    assert found(files | {"here.pth": f"{inside}\n"}) == ["ABI616 note here.pth"]


def test_an_editable_install_beside_its_code_is_whole(found: Found) -> None:
    files = installed({"__editable__.pkg-1.0.pth": "/home/me/pkg\n"}) | {"app.py": ""}

    entered = "ABI616 note __editable__.pkg-1.0.pth"
    assert found(files) == ["ABI703 warning __editable__.pkg-1.0.pth", entered]
    assert found(files | {"pkg/__init__.py": ""}) == [entered]


def test_an_egg_link_is_an_editable_install(found: Found) -> None:
    assert found({"app.py": "", "pkg.egg-link": "/home/me/pkg\n.\n"}) == [
        "ABI703 warning pkg.egg-link"
    ]
