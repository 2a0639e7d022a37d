"""The machine itself as a target: what is captured is what its own loader and interpreter say."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from abicheck.capture import Request, capture_host
from abicheck.elf import read_elf
from abicheck.errors import ArtifactError
from abicheck.filesystem import Entry, Kind, Tree, target_tree
from abicheck.loader import Loader
from abicheck.model import Location, TargetProfile

pytestmark = pytest.mark.skipif(
    sys.platform != "linux"
    or platform.libc_ver()[0] != "glibc"
    or platform.machine() not in ("x86_64", "aarch64"),
    reason="only a Linux with glibc, on a machine that is judged, can be asked",
)

_ASKED = """
import json, sys
maps = [line.rstrip().split(None, 5)[5:] for line in open("/proc/self/maps")]
print(json.dumps([path[0] for path in maps if path and ".so" in path[0]]))
"""


@pytest.fixture(scope="module")
def host() -> TargetProfile:
    return capture_host(Request("host", "this host", python=sys.executable)).profile


def test_the_release_and_the_interpreter_are_those_of_this_process(host: TargetProfile) -> None:
    from importlib.machinery import EXTENSION_SUFFIXES  # noqa: PLC0415 - it is what is tested

    assert host.glibc == platform.libc_ver()[1]
    assert host.machine == platform.machine()
    assert host.interpreter.version == sys.version_info[:2]
    assert list(host.interpreter.suffixes) == EXTENSION_SUFFIXES
    assert set(sys.builtin_module_names) <= host.interpreter.builtin


def test_the_start_up_objects_are_those_that_the_kernel_has_mapped(host: TargetProfile) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-c", _ASKED], capture_output=True, check=True, text=True
    )
    mapped = {path for path in json.loads(done.stdout) if "lib-dynload" not in path}
    tree = target_tree(host)

    started = {tree.real(name) for name in host.interpreter.startup}

    assert mapped <= started | set(host.interpreter.preloaded)


def test_the_default_directories_are_those_that_the_loader_lists(host: TargetProfile) -> None:
    loader = next(name for name in host.interpreter.startup if "/ld-" in name)
    done = subprocess.run(
        [loader, "--list-diagnostics"], capture_output=True, check=False, text=True
    )
    listed = re.findall(r'^path\.system_dirs\[\w+\]="(.+)/"$', done.stdout, re.MULTILINE)
    if not listed:
        pytest.skip("this loader is older than 2.33 and lists nothing")

    assert list(host.default_path) == listed


def test_every_extension_of_the_standard_library_is_predicted_to_load(host: TargetProfile) -> None:
    extensions = [path for path in host.libraries if "/lib-dynload/" in path]
    if not extensions:
        pytest.skip("this interpreter has every module built in")

    for path in extensions:
        facts = read_elf(Path(path).read_bytes(), Location(host.libraries[path].path))
        loader = Loader(Tree({path: Entry(Kind.FILE)}), {path: facts}, {}, host)
        assert loader.open(path).halt is None, path


def test_an_interpreter_that_is_not_there_is_named() -> None:
    with pytest.raises(ArtifactError, match="no CPython at /nowhere/python3"):
        capture_host(Request("host", "this host", python="/nowhere/python3"))


def test_a_script_before_the_interpreter_is_asked_which_one_it_stands_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a version manager's is; the next interpreter of the path would be another."""
    script = tmp_path / "python3"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"relative:{tmp_path}:/usr/bin")
    found = capture_host(Request("host", "this host")).profile

    assert str(found.interpreter.executable) == os.path.realpath(sys.executable)
