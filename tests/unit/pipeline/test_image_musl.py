"""An image with musl is recognised, named and not judged; what was not judged does not pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.elfbuilder import Elf, definition
from tests.imagebuilder import Image, Tarred, archive, oci, tar
from tests.rootbuilder import MULTIARCH, PYTHON, SUFFIXES, Root, a_root, entries_of, layer_of

from abicheck.errors import ArtifactError
from abicheck.model import Report, Severity, TargetProfile
from abicheck.pipeline import check

LOADER = "/lib/ld-musl-x86_64.so.1"
LIBC = Elf(soname="libc.musl-x86_64.so.1", symbols=(definition("memcpy"),)).build()
PACKAGES = "/usr/local/lib/python3.13/site-packages"
EXTENSION = Elf(needed=("libc.musl-x86_64.so.1",), symbols=(definition("PyInit_fast"),)).build()


def alpine() -> Root:
    """CPython as Alpine has it, with an extension and the client of Lambda's runtime API."""
    python = replace(PYTHON, interpreter=LOADER, needed=("libc.musl-x86_64.so.1",))
    return {
        LOADER: LIBC,
        "/lib/libc.musl-x86_64.so.1": "ld-musl-x86_64.so.1",
        "/usr/local/bin/python3.13": python.build() + SUFFIXES,
        "/usr/local/lib/python3.13/os.py": b"",
        "/usr/local/lib/python3.13/site.py": b"",
        f"{PACKAGES}/fast.cpython-313-x86_64-linux-musl.so": EXTENSION,
        f"{PACKAGES}/awslambdaric/__main__.py": b"",
        "/var/task/app.py": b"import fast\n",
    }


@pytest.fixture
def examine(tmp_path: Path, target: TargetProfile) -> Callable[..., Report]:
    """Return the check of an image with this root file system."""

    def run(root: Root, program: str = "/usr/local/bin/python3.13") -> Report:
        path = tmp_path / "image.tar"
        start = {
            "Entrypoint": [program, "-m", "awslambdaric"],
            "Cmd": ["app.handler"],
            "WorkingDir": "/var/task",
        }
        path.write_bytes(archive(oci(Image((layer_of(root),), run=start))))
        return check(path, target)

    return run


def test_an_image_with_musl_does_not_pass(examine: Callable[..., Report]) -> None:
    """One error that names the loader; nothing is said of the extension, nor is the client lost."""
    report = examine(alpine())

    assert _found(report) == [("ABI811", Severity.ERROR)]
    assert LOADER in report.findings[0].fault.message
    assert report.objects == ()
    assert report.packages == ()


def test_a_musl_image_without_python_is_named_as_one(examine: Callable[..., Report]) -> None:
    """By musl's loader, as long as no glibc is beside it."""
    root: Root = {LOADER: LIBC, "/bin/app": b"#!/bin/sh\n"}

    assert ("ABI811", Severity.ERROR) in _found(examine(root, "/bin/app"))
    with pytest.raises(ArtifactError, match="no CPython"):
        examine({**root, f"{MULTIARCH}/libc.so.6": b""}, "/bin/app")


def test_lambdas_demands_hold_for_an_image_with_musl(tmp_path: Path, target: TargetProfile) -> None:
    """They are of the manifest and of modes, whatever the C library."""
    root = alpine()
    entries = [*entries_of(root), Tarred("var/task/secret.py", b"", mode=0o600)]
    path = tmp_path / "private.tar"
    start = {"Entrypoint": ["/usr/bin/none"], "Cmd": ["app.handler"]}
    path.write_bytes(archive(oci(Image((tar(entries),), run=start))))

    found = _found(check(path, target))

    assert set(found) == {
        ("ABI805", Severity.ERROR),
        ("ABI810", Severity.ERROR),
        ("ABI811", Severity.ERROR),
    }


def test_musl_beside_glibc_makes_no_musl_image(examine: Callable[..., Report]) -> None:
    """Debian has a package of it; the interpreter's own loader decides."""
    root = a_root() | {LOADER: LIBC, "/var/task/app.py": b"def handler(event, context): ...\n"}
    report = examine(root, "/usr/bin/python3.13")

    assert "ABI811" not in dict(_found(report))
    assert report.profile.libc_version == (2, 36)


def test_an_extension_for_musl_is_an_error_in_an_image_with_glibc(
    examine: Callable[..., Report],
) -> None:
    """As in a ZIP: the importer does not see its name, or the loader does not find its library."""
    suffix = {
        "/var/task/app.py": b"import fast\ndef handler(event, context): ...\n",
        "/var/task/fast.cpython-313-x86_64-linux-musl.so": EXTENSION,
    }
    bare = {
        "/var/task/app.py": b"import fast\ndef handler(event, context): ...\n",
        "/var/task/fast.abi3.so": EXTENSION,
    }

    for files in (suffix, bare):
        found = dict(_found(examine({**a_root(), **files}, "/usr/bin/python3.13")))
        assert found.get("ABI105") is Severity.ERROR


def _found(report: Report) -> list[tuple[str, Severity]]:
    return [(finding.rule.code, finding.severity) for finding in report.findings]
