"""Artifacts against requirements and the wheels that they were installed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from tests.factories import write_zip
from tests.imagebuilder import Tarred, archive, docker_25, folder, tar
from tests.lambdabase import lambda_base
from tests.wheelbuilder import a_wheel, installed, record_line, sha256

from abicheck.errors import ArtifactError, UsageError
from abicheck.model import Finding, Pins, Report, Severity, TargetProfile
from abicheck.pins import read_pins
from abicheck.pipeline import check
from abicheck.profiles import load_profile

FILES: Final[dict[str, str | bytes]] = {
    "shape/__init__.py": "from shape.area import area\n",
    "shape/area.py": "def area(): return 1\n",
    "shape/data.bin": bytes(range(256)),
    "shape-1.0.dist-info/entry_points.txt": "[console_scripts]\nshape = shape:area\n",
    "shape-1.0.data/scripts/draw": "#!python\nimport shape\n",
    "shape-1.0.data/scripts/tool": b"\x00program",
    "shape-1.0.data/data/share/shape.txt": "shapes\n",
    "shape-1.0.data/purelib/shapes.py": "import shape\n",
}
RECORD: Final = "shape-1.0.dist-info/RECORD"
HANDLER: Final = {"handler.py": b"def handle(event, context): ...\n"}


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    return a_wheel(tmp_path / "wheels", "shape", "1.0", FILES).parent


@pytest.fixture
def pins(tmp_path: Path, wheels: Path) -> Pins:
    return pinned(tmp_path, f"shape==1.0 --hash={sha256(next(wheels.iterdir()))}\n")


def pinned(folder: Path, text: str) -> Pins:
    (folder / "requirements.txt").write_text(text, encoding="utf-8")
    return read_pins([str(folder / "requirements.txt")], {})


def judged(
    folder: Path,
    members: Mapping[str, bytes],
    target: TargetProfile,
    pins: Pins,
    wheels: Path | None,
) -> Report:
    archive = write_zip(folder / "function.zip", {**members, **HANDLER})
    return check(archive, target, pins=pins, wheels=wheels)


def brief(findings: tuple[Finding, ...]) -> list[str]:
    """What the rules of this family say, its severity where it is no error."""
    return [
        f"{f.rule.code} {f.fault.message}"
        for f in findings
        if f.rule.code.startswith("ABI72") and f.severity is Severity.ERROR
    ]


def changed(files: dict[str, bytes], path: str, content: bytes | None) -> dict[str, bytes]:
    """Return an installed tree in which a file is other, new or gone, and RECORD says the same."""
    lines = files[RECORD].decode().splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(f"{path},")]
    files = {name: data for name, data in files.items() if name != path}
    if content is not None:
        files[path] = content
        kept.append(record_line(path, content))
    return {**files, RECORD: "".join(kept).encode()}


def test_what_was_installed_from_the_pinned_wheel_is_what_it_holds(
    tmp_path: Path, target: TargetProfile, pins: Pins, wheels: Path
) -> None:
    """Scripts with a line of their own, data, what installers write: nothing differs."""
    report = judged(tmp_path, installed("shape", "1.0", FILES), target, pins, wheels)

    assert report.findings == ()


def test_what_uv_installs_is_what_it_holds(
    tmp_path: Path, target: TargetProfile, pins: Pins, wheels: Path
) -> None:
    """It writes `bin/x` into RECORD, not `../../bin/x`."""
    files = installed("shape", "1.0", FILES)
    files[RECORD] = files[RECORD].replace(b"../../", b"")
    files["shape-1.0.dist-info/uv_cache.json"] = b"{}"

    assert judged(tmp_path, files, target, pins, wheels).findings == ()


@pytest.mark.parametrize(
    "path", ["shape/area.py", "shape/data.bin", "shapes.py", "shape-1.0.dist-info/METADATA"]
)
def test_a_file_that_was_changed_with_its_line_of_record_is_told_by_the_wheel(
    tmp_path: Path, target: TargetProfile, pins: Pins, wheels: Path, path: str
) -> None:
    files = installed("shape", "1.0", FILES)
    files = changed(files, path, files[path] + b"\n")

    assert brief(judged(tmp_path, files, target, pins, wheels).findings) == [
        f"ABI726 {path}: not what shape-1.0-py3-none-any.whl holds"
    ]


@pytest.mark.parametrize("path", ["shape/area.py", "shape/more.so"])
def test_where_the_wheel_tells_record_is_silent(
    tmp_path: Path, target: TargetProfile, pins: Pins, wheels: Path, path: str
) -> None:
    """One fault is one finding: of a file that was changed or added alone, the wheel speaks."""
    files = {**installed("shape", "1.0", FILES), path: b"def area(): return 2\n"}
    found = judged(tmp_path, files, target, pins, wheels).findings
    about = [f.rule.code for f in found if path in f"{f.fault.location.path} {f.fault.message}"]
    alone = judged(tmp_path, files, target, pins, None).findings

    assert [code for code in about if code.startswith("ABI7")] == [
        "ABI726" if path == "shape/area.py" else "ABI727"
    ]
    assert any(f.rule.code in {"ABI710", "ABI711"} for f in alone)


@pytest.mark.parametrize("path", ["bin/tool", "share/shape.txt"])
def test_what_lies_outside_of_the_packages_is_compared_too(
    tmp_path: Path, target: TargetProfile, pins: Pins, wheels: Path, path: str
) -> None:
    files = installed("shape", "1.0", FILES)

    assert brief(judged(tmp_path, {**files, path: b"other"}, target, pins, wheels).findings) == [
        f"ABI726 {path}: not what shape-1.0-py3-none-any.whl holds"
    ]


@pytest.mark.parametrize("listed", ["in RECORD", ""])
def test_a_file_that_the_wheel_does_not_have_was_added(
    tmp_path: Path, target: TargetProfile, pins: Pins, wheels: Path, listed: str
) -> None:
    files = installed("shape", "1.0", FILES)
    added = changed(files, "shape/more.py", b"import os\n")
    if not listed:
        added[RECORD] = files[RECORD]

    assert brief(judged(tmp_path, added, target, pins, wheels).findings) == [
        "ABI727 shape/more.py: not in shape-1.0-py3-none-any.whl"
    ]


@pytest.mark.parametrize("path", ["more.pth", "bin/other", "shape-1.0.dist-info/more"])
def test_what_record_lists_anywhere_must_be_the_wheels(
    tmp_path: Path, target: TargetProfile, pins: Pins, wheels: Path, path: str
) -> None:
    files = changed(installed("shape", "1.0", FILES), path, b"")

    assert brief(judged(tmp_path, files, target, pins, wheels).findings) == [
        f"ABI727 {path}: not in shape-1.0-py3-none-any.whl"
    ]


def test_the_script_of_an_entry_point_is_in_no_wheel(
    tmp_path: Path, target: TargetProfile, pins: Pins, wheels: Path
) -> None:
    files = changed(installed("shape", "1.0", FILES), "bin/shape", b"#!/usr/bin/python3\n")

    assert judged(tmp_path, files, target, pins, wheels).findings == ()


def test_the_functions_own_code_is_nobodys(
    tmp_path: Path, target: TargetProfile, pins: Pins, wheels: Path
) -> None:
    files = {**installed("shape", "1.0", FILES), "mine/__init__.py": b"", "mine/a.py": b""}

    assert judged(tmp_path, files, target, pins, wheels).findings == ()


def test_bytecode_is_a_note(
    tmp_path: Path, target: TargetProfile, pins: Pins, wheels: Path
) -> None:
    path = "shape/__pycache__/area.cpython-313.pyc"
    files = changed(installed("shape", "1.0", FILES), path, b"\xf3\r\r\n" + bytes(12))
    (finding,) = judged(tmp_path, files, target, pins, wheels).findings

    assert (finding.rule.code, finding.severity) == ("ABI727", Severity.NOTE)


def test_a_file_that_is_gone_with_its_line_of_record_is_told_by_the_wheel(
    tmp_path: Path, target: TargetProfile, pins: Pins, wheels: Path
) -> None:
    files = changed(installed("shape", "1.0", FILES), "shape/data.bin", None)

    assert brief(judged(tmp_path, files, target, pins, wheels).findings) == [
        "ABI728 shape/data.bin: in shape-1.0-py3-none-any.whl, neither in the artifact nor in RECORD"
    ]


def test_scripts_may_be_left_out(
    tmp_path: Path, target: TargetProfile, pins: Pins, wheels: Path
) -> None:
    files = installed("shape", "1.0", FILES)
    files = {path: data for path, data in files.items() if not path.startswith("bin/")}

    assert brief(judged(tmp_path, files, target, pins, wheels).findings) == []


def test_a_wheel_whose_hash_is_not_pinned_vouches_for_nothing(
    tmp_path: Path, target: TargetProfile, wheels: Path
) -> None:
    pins = pinned(tmp_path, f"shape==1.0 --hash=sha256:{'0' * 64}\n")
    (finding,) = judged(tmp_path, installed("shape", "1.0", FILES), target, pins, wheels).findings

    assert finding.rule.code == "ABI725"
    assert finding.fault.why == (
        "shape-1.0-py3-none-any.whl is there, and no line has its hash, "
        f"{sha256(next(wheels.iterdir()))}"
    )


def test_the_hash_of_another_distribution_is_not_its_own(
    tmp_path: Path, target: TargetProfile, wheels: Path
) -> None:
    """Else a file of any pinned wheel could be renamed."""
    there = sha256(next(wheels.iterdir()))
    pins = pinned(tmp_path, f"shape==1.0 --hash=sha256:{'0' * 64}\nother==1 --hash={there}\n")
    found = judged(tmp_path, installed("shape", "1.0", FILES), target, pins, wheels).findings

    assert [f.rule.code for f in found] == ["ABI722", "ABI725"]


def test_without_its_wheel_a_distribution_is_not_vouched_for(
    tmp_path: Path, target: TargetProfile, pins: Pins, wheels: Path
) -> None:
    """Whether a line pins it or not, and its files are held against nobody."""
    files = installed("shape", "1.0", FILES)
    for name in ("other", "stray"):
        files |= installed(name, "2", {f"{name}/__init__.py": ""})
    pins = replace(pins, pins=(*pins.pins, *pinned(tmp_path, "other==2\n").pins))
    found = judged(tmp_path, files, target, pins, wheels).findings

    assert [(f.rule.code, f.fault.subject, f.fault.why) for f in found] == [
        ("ABI725", "other", "none of its wheels is in the folder"),
        ("ABI725", "stray", "no line pins it"),
    ]


def test_of_the_wheels_for_several_platforms_the_one_that_fits_counts(
    tmp_path: Path, target: TargetProfile, wheels: Path
) -> None:
    other = a_wheel(wheels, "shape", "1.0", {**FILES, "shape/area.py": "x = 1"}, tag="py2-none-any")
    hashes = " ".join(f"--hash={sha256(path)}" for path in wheels.iterdir())
    pins = pinned(tmp_path, f"shape==1.0 {hashes}\n")

    assert other.is_file()
    assert judged(tmp_path, installed("shape", "1.0", FILES), target, pins, wheels).findings == ()


def test_a_file_of_two_distributions_is_one_of_theirs(
    tmp_path: Path, target: TargetProfile, wheels: Path
) -> None:
    """Both install it, and the last one wins."""
    theirs: dict[str, str | bytes] = {"shape/area.py": "other\n", "solid.py": ""}
    a_wheel(wheels, "solid", "1.0", theirs)
    lines = [f"{p.name.split('-')[0]}==1.0 --hash={sha256(p)}\n" for p in wheels.iterdir()]
    files = {**installed("shape", "1.0", FILES), **installed("solid", "1.0", theirs)}
    report = judged(tmp_path, files, target, pinned(tmp_path, "".join(lines)), wheels)

    assert brief(report.findings) == []


def test_another_version_is_not_compared(
    tmp_path: Path, target: TargetProfile, pins: Pins, wheels: Path
) -> None:
    files = installed("shape", "1.1", {"shape/__init__.py": ""})
    found = judged(tmp_path, files, target, pins, wheels).findings

    assert [f.rule.code for f in found] == ["ABI723"]


# --- requests that cannot be carried out ---


def test_without_hashes_no_wheel_can_be_trusted(
    tmp_path: Path, target: TargetProfile, wheels: Path
) -> None:
    with pytest.raises(UsageError, match="has a --hash"):
        judged(tmp_path, {}, target, pinned(tmp_path, "shape==1.0\n"), wheels)


@pytest.mark.parametrize(("name", "words"), [("none", "No such file"), ("empty", "no wheel is in")])
def test_a_folder_without_wheels_is_refused(
    tmp_path: Path, target: TargetProfile, pins: Pins, name: str, words: str
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=words):
        judged(tmp_path, {}, target, pins, tmp_path / name)


def test_a_pinned_wheel_that_cannot_be_read_ends_the_request(
    tmp_path: Path, target: TargetProfile, wheels: Path
) -> None:
    """Nothing can be compared with it, and nobody else has its hash."""
    wheel = next(wheels.iterdir())
    wheel.write_bytes(wheel.read_bytes()[:-40])
    pins = pinned(tmp_path, f"shape==1.0 --hash={sha256(wheel)}\n")
    with pytest.raises(ArtifactError, match="cannot be compared with"):
        judged(tmp_path, installed("shape", "1.0", FILES), target, pins, wheels)


def test_a_wheel_alone_is_not_compared_with_requirements(
    target: TargetProfile, pins: Pins, wheels: Path
) -> None:
    with pytest.raises(UsageError, match="in a wheel alone nothing is"):
        check(next(wheels.iterdir()), target, pins=pins)


def test_an_image_is_compared_with_requirements_and_not_with_wheels(
    tmp_path: Path, target: TargetProfile, pins: Pins, wheels: Path
) -> None:
    """Of its files only code and metadata are hashed, and a part proves nothing."""
    files = {f"var/task/{path}": data for path, data in installed("shape", "1.1", FILES).items()}
    above = {str(parent) for name in files for parent in Path(name).parents} - {"."}
    entries = [folder(name) for name in sorted(above)]
    entries += [Tarred(name, data, mode=0o644) for name, data in files.items()]
    base = lambda_base(load_profile("lambda-python3.13-x86_64-image"))
    image = tmp_path / "image.tar"
    image.write_bytes(archive(docker_25(replace(base, layers=(*base.layers, tar(entries))))))

    assert brief(check(image, target, pins=pins).findings) == [
        "ABI723 shape 1.1 is in the artifact, and ==1.0 is pinned"
    ]
    with pytest.raises(UsageError, match="no image"):
        check(image, target, pins=pins, wheels=wheels)
