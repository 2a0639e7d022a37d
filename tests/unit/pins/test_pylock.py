"""pylock.toml: the packages of a lock file as pins."""

from __future__ import annotations

from pathlib import Path

import pytest

from abicheck.errors import UsageError
from abicheck.model import Pin
from abicheck.pins import read_pins

HEAD = 'lock-version = "1.0"\ncreated-by = "a locker"\n'
ATTRS = """\
[[packages]]
name = "attrs"
version = "25.1.0"
requires-python = ">=3.8"
wheels = [
  {name = "attrs-25.1.0-py3-none-any.whl", url = "https://host.invalid/attrs-25.1.0-py3-none-any.whl", hashes = {sha256 = "AA11", md5 = "00"}},
]
[packages.sdist]
name = "attrs-25.1.0.tar.gz"
url = "https://host.invalid/attrs-25.1.0.tar.gz"
hashes = {sha256 = "bb22"}

[[packages]]
name = "local"
marker = "'web' in extras or 'dev' in dependency_groups"
directory = {path = "."}
"""


def pins(folder: Path, text: str, name: str = "pylock.toml") -> tuple[Pin, ...]:
    (folder / name).write_text(text, encoding="utf-8")
    return read_pins([str(folder / name)], {}).pins


@pytest.mark.parametrize("name", ["pylock.toml", "pylock.web.toml"])
def test_a_package_is_a_pin_with_the_hashes_of_all_its_files(tmp_path: Path, name: str) -> None:
    attrs, local = pins(tmp_path, HEAD + ATTRS, name)

    assert (attrs.name, attrs.specifier, attrs.exact) == ("attrs", "==25.1.0", True)
    assert attrs.hashes == {"sha256:aa11", "sha256:bb22"}
    assert (attrs.site.line, local.site.line) == (3, 15)
    assert (local.name, local.specifier, local.exact) == ("local", "", True)
    assert local.marker == '"web" in extras or "dev" in dependency_groups'


def test_a_lock_says_what_can_be_chosen_and_where_it_holds(tmp_path: Path) -> None:
    text = f"""{HEAD}requires-python = ">=3.12"
environments = ["sys_platform == 'linux'"]
extras = ["web"]
dependency-groups = ["dev", "main"]
default-groups = ["main"]
{ATTRS}"""
    lock = pins(tmp_path, text)[0].lock

    assert lock is not None
    assert lock.requires_python == ">=3.12"
    assert lock.environments == ('sys_platform == "linux"',)
    assert lock.extras == {"web"}
    assert lock.groups == {"dev", "main"}
    assert lock.default_groups == {"main"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "lock-version"),
        ('lock-version = "2.0"\ncreated-by = "x"\npackages = []\n', "version"),
        (HEAD + '[[packages]]\nname = "Not Normal"\n', "name"),
        ("no toml", "Expected"),
        (
            HEAD
            + '[[packages]]\nname = "a"\nversion = "1"\nmarker = "os_name ~= \'x\'"\ndirectory = {path = "."}\n',
            "Undefined",
        ),
        (HEAD + "environments = [\"os_name ~= 'x'\"]\npackages = []\n", "Undefined"),
        ("a = " + "[" * 3000, "PEP 751"),
    ],
)
def test_what_is_no_lock_file_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        pins(tmp_path, text)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pylock.toml").write_bytes(b"\xff")
    with pytest.raises(UsageError, match="not a lock file"):
        read_pins([str(tmp_path / "pylock.toml")], {})


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_pins([str(tmp_path / "pylock.toml")], {})
