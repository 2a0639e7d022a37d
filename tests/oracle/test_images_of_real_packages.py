"""Real packages in a real image, in every form that engines and tools write it in.

The image is built by buildx, and a step of the build takes a library away: a whiteout, as
builders write it.  From there it goes through the engines of Debian 12 (docker 20.10, podman 4.3,
skopeo 1.9, umoci), which are this machine's, and of Debian 13 (docker 26.1 with either store,
containerd 1.7, podman 5.4, skopeo 1.18).  What neither writes is synthesised in
`tests.imagebuilder`, which says of each form what it follows.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest
from tests.oracle import debian
from tests.oracle.engines import Engine, Newer
from tests.oracle.wheels import Warehouse, read_trees

from abicheck.model import Report, TargetProfile
from abicheck.pipeline import check

pytestmark = [pytest.mark.engine, pytest.mark.network]

Tool = Callable[..., str]
NAME: Final = "localhost/abicheck-wheels:1"
ATTESTED: Final = "localhost/abicheck-wheels:attested"
PACKAGES: Final = "usr/local/lib/python3.13/dist-packages"
TREES: Final = ("psycopg2-binary", "pyyaml", "msgpack-cp311", "bcrypt-cut-in-header")
DOCKERFILE: Final = f"""\
FROM scratch
ADD root.tar /
COPY packages /{PACKAGES}
RUN ["/usr/bin/python3", "-c", "import glob, os; [os.remove(f) for f in glob.glob(\
'/{PACKAGES}/psycopg2_binary.libs/libpq-*')]; os.execv('/usr/sbin/ldconfig', ['ldconfig'])"]
ENV LAMBDA_TASK_ROOT=/var/task
ENTRYPOINT ["/usr/bin/python3.13", "-m", "awslambdaric"]
CMD ["app.handler"]
"""

# What a form says of itself, and not of the image in it.
_INDEX, _MEDIA_TYPE = "ABI801", "ABI802"


@pytest.fixture(scope="module")
def newer(roots: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newer]:
    """Return the newer programs, with a shared folder that goes with the tests."""
    shared = tmp_path_factory.mktemp("shared")
    yield Newer(roots, shared)
    shutil.rmtree(shared)


@pytest.fixture(scope="module")
def context(newer: Newer, roots: Path, warehouse: Warehouse) -> str:
    """Return the folder that the image is built from, as the newer programs call it."""
    place = newer.shared / "context"
    place.mkdir()
    packages = ("python3-minimal", "libpython3-stdlib", "libstdc++6", "libc-bin")
    system = debian.unpack("trixie", roots / "python", *packages)
    task = place / "function/var/task"
    task.mkdir(parents=True)
    (task / "app.py").write_text("def handler(event, context):\n    import psycopg2\n")
    without = (
        "--exclude=./usr/share/doc",
        "--exclude=./usr/share/locale",
        "--exclude=./usr/share/man",
    )
    both = ("-C", system, *without, ".", "-C", place / "function", "var")
    subprocess.run(["tar", "-cf", place / "root.tar", *both], check=True)
    trees = read_trees()
    for name in TREES:
        tree = warehouse.make_tree(trees[name], place / name)
        shutil.copytree(tree, place / "packages", dirs_exist_ok=True)
    (place / "Dockerfile").write_text(DOCKERFILE)
    (place / ".dockerignore").write_text("*\n!root.tar\n!packages\n")
    return "/shared/context"


@pytest.fixture(scope="module")
def store(newer: Newer) -> Iterator[Engine]:
    """Return a newer engine whose images are containerd's."""
    with newer.engine("store", containerd_store=True) as engine:
        yield engine


@pytest.fixture(scope="module")
def classic(newer: Newer) -> Iterator[Engine]:
    """Return a newer engine whose images are its own."""
    with newer.engine("classic", containerd_store=False) as engine:
        yield engine


def _built(newer: Newer, store: Engine, context: str) -> dict[str, Path]:
    """Build the image into each form that buildx, docker with containerd's store and ctr write."""

    def build(*options: str) -> None:
        newer.docker(store, "buildx", "build", "--quiet", "--network=none", *options, context)

    def build_to(file: str, form: str, *options: str) -> Path:
        build(*options, f"--output={form},name={NAME},dest=/shared/{file}")
        return newer.shared / file

    plain, attested = "--provenance=false", "--provenance=mode=max"
    zstd = "type=oci,compression=zstd,force-compression=true"
    made = {
        "buildx docker": build_to("buildx-docker.tar", "type=docker", plain),
        "buildx oci": build_to("buildx-oci.tar", "type=oci", plain),
        "buildx oci folder": build_to("buildx-oci", "type=oci,tar=false", plain),
        "buildx oci zstd": build_to("buildx-zstd.tar", zstd, plain),
        "buildx oci attested": build_to("buildx-attested.tar", "type=oci", attested),
    }
    for name, option in ((NAME, plain), (ATTESTED, attested)):
        build("--tag", name, option)
    saved = {"containerd store": NAME, "containerd store attested": ATTESTED}
    for form, name in saved.items():
        file = form.replace(" ", "-")
        newer.docker(store, "save", "--output", f"/shared/{file}", name)
        made[form] = newer.shared / file
    ctr = ("ctr", "--address", store.containerd, "--namespace", "moby", "images", "export")
    newer.run(*ctr, "/shared/ctr.tar", ATTESTED)
    return {**made, "ctr attested": newer.shared / "ctr.tar"}


def _copied(run: Tool, source: str, where: str, who: str) -> dict[str, str]:
    """Copy the image to each form that a skopeo writes, below `where`."""
    forms = {"oci": "oci:{}:app", "dir": "dir:{}", "oci-archive": "oci-archive:{}:app"}
    forms["docker-archive"] = "docker-archive:{}:app:1"
    made = {}
    for form, pattern in forms.items():
        made[f"{who} {form}"] = f"{where}/{who}-{form}"
        run("skopeo", "copy", source, pattern.format(made[f"{who} {form}"]))
    return made


@pytest.fixture(scope="module")
def forms(  # noqa: PLR0913, PLR0917 - one a program
    newer: Newer,
    store: Engine,
    classic: Engine,
    context: str,
    docker: Tool,
    podman: Tool,
    tool: Tool,
) -> Iterator[Mapping[str, Path]]:
    """Return the image in each form, by who wrote it."""
    made = _built(newer, store, context)
    first = made["buildx docker"]
    newer.docker(classic, "load", "--input", f"/shared/{first.name}")
    newer.docker(classic, "save", "--output", "/shared/docker-26.tar", NAME)
    newer.podman("load", "--input", f"/shared/{first.name}")
    docker("load", "--input", first)
    docker("save", "--output", newer.shared / "docker-20.tar", NAME)
    podman("load", "--input", first)
    made |= {"docker 26": newer.shared / "docker-26.tar"}
    made |= {"docker 20": newer.shared / "docker-20.tar"}
    for form in ("docker-archive", "oci-archive", "oci-dir", "docker-dir"):
        saving = ("save", "--quiet", "--format", form, "--output")
        made[f"podman 5 {form}"] = newer.shared / f"podman-5-{form}"
        newer.podman(*saving, f"/shared/podman-5-{form}", NAME)
        made[f"podman 4 {form}"] = newer.shared / f"podman-4-{form}"
        podman(*saving, made[f"podman 4 {form}"], NAME)
    trusting = ("skopeo", "--insecure-policy")
    copied = _copied(
        lambda _, *rest: newer.run(*trusting, *rest),
        f"docker-archive:/shared/{first.name}",
        "/shared",
        "skopeo-1.18",
    )
    made |= {name: newer.shared / Path(path).name for name, path in copied.items()}
    whole = ("copy", "--all", f"oci-archive:/shared/{made['buildx oci attested'].name}")
    newer.run(*trusting, *whole, "dir:/shared/skopeo-all")
    made["skopeo-1.18 dir attested"] = newer.shared / "skopeo-all"
    saved = f"docker-archive:{made['docker 20']}"
    copied = _copied(tool, saved, str(newer.shared), "skopeo-1.9")
    made |= {name: Path(path) for name, path in copied.items()}
    packed = ("--dest-compress", "--dest-compress-format", "zstd")
    made["skopeo-1.9 oci zstd"] = newer.shared / "skopeo-1.9-zstd"
    tool("skopeo", "copy", *packed, saved, f"oci:{made['skopeo-1.9 oci zstd']}:app")
    made["umoci"] = newer.shared / "umoci"
    tool("skopeo", "copy", saved, f"oci:{made['umoci']}:app")
    tool("umoci", "config", "--image", f"{made['umoci']}:app", "--author", "umoci")
    yield made
    docker("rmi", "--force", NAME)


def _found(report: Report) -> list[tuple[str, ...]]:
    """Return the findings that are about the image, with the layer each is placed in."""
    return sorted(
        (
            finding.rule.code,
            str(finding.severity),
            str(finding.fault.location.path),
            finding.fault.location.layer,
            finding.fault.origin,
            finding.fault.message,
        )
        for finding in report.findings
        if finding.rule.code not in {_INDEX, _MEDIA_TYPE}
    )


def test_every_form_of_one_image_has_the_same_findings(
    forms: Mapping[str, Path], target: TargetProfile
) -> None:
    """A library gone, a wrong tag and a cut file, judged by Debian's own glibc and CPython."""
    reports = {name: check(path, target) for name, path in forms.items()}
    expected = _found(reports["buildx docker"])
    told = {
        code: [name for name, r in reports.items() if code in {f.rule.code for f in r.findings}]
        for code in (_INDEX, _MEDIA_TYPE)
    }

    assert len(forms) == 29
    assert {found[0] for found in expected} >= {"ABI201", "ABI402"}
    assert {found[4] for found in expected if found[2].startswith(PACKAGES)} == {
        f"layer 1: COPY packages /{PACKAGES} # buildkit"
    }
    assert {name: _found(report) for name, report in reports.items()} == dict.fromkeys(
        reports, expected
    )
    assert {(r.profile.glibc, r.profile.interpreter.version) for r in reports.values()} == {
        ("2.41", (3, 13))
    }
    assert told[_INDEX] == [name for name in reports if name.endswith("attested")]
    assert set(told[_MEDIA_TYPE]) >= {"buildx oci zstd", "skopeo-1.9 oci zstd"}
    assert not {"buildx oci", "docker 26", "docker 20", "containerd store"} & {*told[_MEDIA_TYPE]}


def test_a_newer_engine_is_asked_by_name_and_through_a_pipe(  # noqa: PLR0913, PLR0917
    forms: Mapping[str, Path],
    newer: Newer,
    store: Engine,
    classic: Engine,
    target: TargetProfile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`docker:NAME`, and `docker save NAME | abicheck -`, whatever store the engine has."""
    expected = _found(check(forms["buildx docker"], target))
    asked = {}
    for engine in (store, classic):
        socket = newer.shared / engine.socket.relative_to("/shared")
        monkeypatch.setenv("DOCKER_HOST", f"unix://{socket}")
        asked[engine.socket] = _found(check(f"docker:{NAME}", target))
    saving = newer.inside("docker", "--host", f"unix://{classic.socket}", "save", NAME)
    abicheck = (sys.executable, "-m", "abicheck", "--quiet", "-")
    with subprocess.Popen(saving, stdout=subprocess.PIPE) as saved:
        piped = subprocess.run(
            abicheck, stdin=saved.stdout, capture_output=True, text=True, check=False
        )

    assert asked == dict.fromkeys(asked, expected)
    assert (piped.returncode, piped.stderr) == (1, "")
    assert "libpq-" in piped.stdout


def test_the_image_fails_as_it_is_said_to(
    forms: Mapping[str, Path], newer: Newer, store: Engine, target: TargetProfile
) -> None:
    """The message of every error is what the interpreter in a container of it says."""
    report = check(forms["buildx docker"], target)
    predictions = [o.prediction for o in report.objects if o.prediction is not None]
    predicted = {p.module: p.failure.message for p in predictions if p.failure is not None}
    run = ("run", "--rm", "--network=none", "--entrypoint=/usr/bin/python3", NAME, "-c")
    said = {}
    for module in predicted:
        program = f"""
try:
    import {module}
except ImportError as error:
    print(error, end="")
"""
        said[module] = newer.docker(store, *run, program)

    assert len(predicted) >= 2
    assert said == predicted
