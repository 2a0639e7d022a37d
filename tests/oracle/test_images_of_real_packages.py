"""Real packages on a real system, in every form that engines and tools write an image in."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest
from tests.oracle import debian
from tests.oracle.wheels import Warehouse, read_trees

from abicheck.model import Report, Severity, TargetProfile
from abicheck.pipeline import check

pytestmark = [pytest.mark.engine, pytest.mark.network]

Tool = Callable[..., str]
NAME: Final = "localhost/abicheck-wheels:1"
PACKAGES: Final = "usr/local/lib/python3.13/dist-packages"
RIGHT: Final = "pywavelets"
"""With numpy: dozens of extensions, and libraries of their own that these find by run path."""

# What the archive's form says of itself, and not the image: Docker's old form names no media
# types, and zstd is a question of Lambda's.
_OF_THE_FORM: Final = "ABI802"


@pytest.fixture(scope="module")
def root(roots: Path, warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return Debian 13 with its own Python, and real wheels installed."""
    place = tmp_path_factory.mktemp("wheels")
    system = debian.make("trixie", roots).root
    subprocess.run(["cp", "-a", system, place / "root"], check=True)
    # Copied: what the warehouse lays out are links to its own files.
    tree = warehouse.make_tree(read_trees()[RIGHT], place / "tree")
    shutil.copytree(tree, place / "root" / PACKAGES, dirs_exist_ok=True)
    return place / "root"


@pytest.fixture(scope="module")
def broken(root: Path) -> str:
    """Return the library that is taken out, relative to the packages."""
    packages = root / PACKAGES
    [library] = packages.glob("numpy.libs/libscipy_openblas64_*.so*")
    library.unlink()
    return library.name


@pytest.fixture(scope="module")
def in_docker(root: Path, broken: str, docker: Tool) -> Iterator[str]:
    """Return the name of the image that the engine made of the root file system."""
    assert broken
    changes = ("--change", 'ENTRYPOINT ["/usr/bin/python3", "-m", "awslambdaric"]')
    with subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE) as tar:
        subprocess.run(
            ["docker", "import", *changes, "-", NAME],
            stdin=tar.stdout,
            check=True,
            capture_output=True,
        )
    yield NAME
    docker("rmi", "--force", NAME)


@pytest.fixture(scope="module")
def forms(
    in_docker: str, docker: Tool, podman: Tool, tool: Tool, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Path]:
    """Return the image in each form, by who wrote it."""
    place = tmp_path_factory.mktemp("forms")
    made = {
        name: place / name
        for name in ("docker save", "skopeo oci", "skopeo oci zstd", "skopeo dir", "skopeo archive")
    }
    docker("save", "--output", made["docker save"], in_docker)
    saved = f"docker-archive:{made['docker save']}"
    tool("skopeo", "copy", saved, f"oci:{made['skopeo oci']}:app")
    packed = ("--dest-compress", "--dest-compress-format", "zstd")
    tool("skopeo", "copy", *packed, saved, f"oci:{made['skopeo oci zstd']}:app")
    tool("skopeo", "copy", saved, f"dir:{made['skopeo dir']}")
    tool("skopeo", "copy", saved, f"oci-archive:{made['skopeo archive']}:app")
    podman("load", "--input", made["docker save"])
    for form in ("docker-archive", "oci-archive", "oci-dir", "docker-dir"):
        made[f"podman {form}"] = place / f"podman-{form}"
        podman("save", "--format", form, "--output", made[f"podman {form}"], NAME)
    return made


def _found(report: Report) -> list[tuple[str, str, str, str]]:
    return sorted(
        (
            finding.rule.code,
            str(finding.severity),
            str(finding.fault.location.path),
            finding.fault.message,
        )
        for finding in report.findings
        if finding.rule.code != _OF_THE_FORM
    )


def test_every_form_of_one_image_has_the_same_findings(
    forms: Mapping[str, Path], broken: str, target: TargetProfile
) -> None:
    """Numpy without its BLAS, judged by Debian's own glibc and CPython."""
    reports = {name: check(path, target) for name, path in forms.items()}
    expected = reports["docker save"]
    lost = [f for f in expected.findings if f.fault.subject == broken]

    assert expected.profile.glibc == "2.41"
    assert expected.profile.interpreter.version == (3, 13)
    assert {str(f.severity) for f in lost} >= {str(Severity.ERROR)}
    assert all(str(f.fault.location.path).startswith(PACKAGES) for f in lost)
    assert {name: _found(report) for name, report in reports.items()} == dict.fromkeys(
        reports, _found(expected)
    )
    assert [
        name for name, r in reports.items() if _OF_THE_FORM in {f.rule.code for f in r.findings}
    ]


def test_the_image_by_its_name_in_the_engine_is_the_archive(
    forms: Mapping[str, Path], in_docker: str, target: TargetProfile
) -> None:
    """`docker:REF` streams what `docker save` writes."""
    assert _found(check(f"docker:{in_docker}", target)) == _found(
        check(forms["docker save"], target)
    )
