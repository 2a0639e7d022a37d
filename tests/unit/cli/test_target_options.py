"""--target, --runtime, --architecture, --as-of; and what was built for another runtime."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.elfbuilder import Elf, Need, definition, reference
from tests.factories import write_zip
from tests.imagebuilder import Image, archive, docker_25, tar

if TYPE_CHECKING:
    from tests.unit.cli.process import Run

AARCH64 = 183


def an_extension(name: str, machine: int = 62) -> bytes:
    return Elf(machine=machine, symbols=(definition(f"PyInit_{name}"),)).build()


def built_for(path: Path, tag: str, machine: int, count: int = 2) -> str:
    """Write a ZIP of so many extensions with a tag in their names; return its name."""
    names = ["one", "two", "three"][:count]
    members: dict[str, str | bytes] = {
        f"{name}.cpython-{tag}-linux-gnu.so": an_extension(name, machine) for name in names
    }
    members["handler.py"] = "".join(f"import {name}\n" for name in names)
    return write_zip(path / "a.zip", members).name


@pytest.fixture
def arm312(tmp_path: Path) -> str:
    return built_for(tmp_path, "312-aarch64", AARCH64)


def test_a_runtime_and_an_architecture_name_a_target_as_lambda_does(
    call: Run, tmp_path: Path, arm312: str
) -> None:
    result = call(arm312, "--runtime", "python3.12", "--architecture", "arm64", cwd=tmp_path)

    assert result.returncode == 0
    assert result.stdout.startswith(
        "PASS  a.zip   python3.12, arm64, Amazon Linux 2023 (glibc 2.34)\n"
    )


def test_what_was_plainly_built_for_another_runtime_is_told_so_first(
    call: Run, tmp_path: Path, arm312: str
) -> None:
    result = call(arm312, cwd=tmp_path)

    assert result.returncode == 1
    first, *rest = result.stdout.splitlines()
    assert first == (
        "FAIL  a.zip   python3.13, x86_64, Amazon Linux 2023 (glibc 2.34); built for python3.12, "
        "arm64: passes with --runtime python3.12 --architecture arm64"
    )
    assert any("Would load on python3.12, arm64." in line for line in rest)


def test_json_says_so_too_and_keeps_every_finding(call: Run, tmp_path: Path, arm312: str) -> None:
    (artifact,) = json.loads(call(arm312, "--format", "json", cwd=tmp_path).stdout)["artifacts"]

    assert artifact["would_load_on"] == {
        "runtime": "python3.12",
        "architecture": "arm64",
        "plainly": True,
    }
    assert len(artifact["findings"]) == 2


def test_one_extension_is_no_plain_case(call: Run, tmp_path: Path) -> None:
    """A single wrong wheel is more likely than a whole artifact for another runtime."""
    built_for(tmp_path, "311-x86_64", 62, count=1)

    lines = call("a.zip", cwd=tmp_path).stdout.splitlines()

    assert lines[0].endswith("(glibc 2.34)")
    assert lines[-2].endswith("Would load on python3.11.")


def test_nothing_is_promised_where_it_would_fail_as_well(call: Run, tmp_path: Path) -> None:
    broken = Elf(needed=("libnowhere.so.1",), symbols=(definition("PyInit_one"),)).build()
    write_zip(tmp_path / "a.zip", {"one.cpython-312-x86_64-linux-gnu.so": broken})

    text = call("a.zip", cwd=tmp_path).stdout

    assert "Would load" not in text
    assert "Its extensions are named for python3.12." in text


def test_files_for_several_versions_were_built_for_none(call: Run, tmp_path: Path) -> None:
    members: dict[str, str | bytes] = {
        f"one.cpython-{tag}-x86_64-linux-gnu.so": an_extension("one") for tag in ("311", "312")
    }
    write_zip(tmp_path / "a.zip", {**members, "handler.py": "import one\n"})

    assert "Would load" not in call("a.zip", cwd=tmp_path).stdout


def test_untagged_files_are_known_by_their_machine(call: Run, tmp_path: Path) -> None:
    members: dict[str, str | bytes] = {
        f"{name}.so": an_extension(name, AARCH64) for name in ("one", "two")
    }
    write_zip(tmp_path / "a.zip", {**members, "handler.py": "import one, two\n"})

    assert (
        call("a.zip", cwd=tmp_path)
        .stdout.splitlines()[0]
        .endswith(
            "built for python3.13, arm64: passes with --runtime python3.13 --architecture arm64"
        )
    )


def test_an_older_day_has_older_libraries(call: Run, tmp_path: Path) -> None:
    """Amazon Linux 2023 got the libstdc++ of GCC 14 on 2025-04-01."""
    symbols = (definition("PyInit_one"), reference("f", "GLIBCXX_3.4.30", "libstdc++.so.6"))
    wants = Elf(
        needed=("libstdc++.so.6",),
        symbols=symbols,
        needs=(Need("libstdc++.so.6", "GLIBCXX_3.4.30"),),
    )
    write_zip(tmp_path / "a.zip", {"one.so": wants.build(), "handler.py": "import one\n"})

    def code(*options: str) -> list[tuple[str, str]]:
        said = call("a.zip", "--format", "json", *options, cwd=tmp_path).stdout
        return [
            (found["code"], found["severity"])
            for found in json.loads(said)["artifacts"][0]["findings"]
            if found["code"] in ("ABI303", "ABI305")
        ]

    assert code() == [("ABI305", "warning")]
    assert code("--as-of", "2025-03-31") == [("ABI303", "error")]
    assert code("--as-of", "2025-04-01") == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--runtime python3.8", "unknown runtime 'python3.8'; did you mean"),
        ("--runtime nodejs22.x", "unknown runtime 'nodejs22.x'; known: python3.9, python3.10"),
        ("--architecture riscv64", "is not one of 'x86_64', 'arm64'"),
        ("--target python3.12 --runtime python3.12", "--target names a whole target"),
        ("--target python3.12 --architecture arm64", "--target names a whole target"),
        ("--as-of 2025-13-01", "--as-of '2025-13-01': not a date such as 2025-03-01"),
    ],
)
def test_options_that_name_no_target_are_refused(call: Run, options: str, message: str) -> None:
    result = call("dashboard.zip", *options.split())

    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr


def test_a_target_has_short_names(call: Run) -> None:
    first = call("dashboard-good.zip", "--target", "python3.13").stdout

    assert first == call("dashboard-good.zip").stdout


# --- what was set more closely ---


@pytest.fixture
def configured(tmp_path: Path, arm312: str) -> Path:
    (tmp_path / "abicheck.toml").write_text(
        f'target = "python3.13"\n[functions.api]\nartifact = "{arm312}"\n'
        'runtime = "python3.12"\narchitecture = "arm64"\n',
        encoding="utf-8",
    )
    return tmp_path


def title(result: subprocess.CompletedProcess[str]) -> str:
    return result.stdout.splitlines()[0].split("   ")[1].partition(" (glibc")[0]


def test_a_function_s_own_runtime_wins_over_a_target_for_all(call: Run, configured: Path) -> None:
    assert title(call(cwd=configured)) == "python3.12, arm64, Amazon Linux 2023"


def test_the_environment_wins_over_a_function_and_the_command_line_over_both(
    call: Run, configured: Path
) -> None:
    env = {"ABICHECK_TARGET": "python3.14"}

    assert title(call(cwd=configured, env=env)) == "python3.14, x86_64, Amazon Linux 2023"
    result = call("--runtime", "python3.11", cwd=configured, env=env)
    assert title(result) == "python3.11, arm64, Amazon Linux 2"


# --- images, which are their own target ---


@pytest.fixture
def image(tmp_path: Path) -> str:
    """Write an image with nothing in it; what is asked of it is wrong before that matters."""
    (tmp_path / "image.tar").write_bytes(archive(docker_25(Image((tar([]),)))))
    return "image.tar"


@pytest.mark.parametrize(
    "options",
    [("--target", "python3.12"), ("--runtime", "python3.12"), ("--runtime=python3.13",)],
)
def test_an_image_has_no_target_but_itself(
    call: Run, tmp_path: Path, image: str, options: tuple[str, ...]
) -> None:
    """Told on the command line, and what to say instead; also of an engine's, unasked."""
    for name in (image, "docker:none:1"):
        result = call(name, *options, cwd=tmp_path)

        assert (result.returncode, result.stdout) == (2, "")
        assert f"{name}: an image brings its own runtime" in result.stderr
        assert "--architecture" in result.stderr


def test_a_target_of_one_function_is_no_image(call: Run, tmp_path: Path, image: str) -> None:
    (tmp_path / "abicheck.toml").write_text(
        f'[functions.a]\nartifact = "{image}"\nruntime = "python3.12"\n'
    )
    result = call(cwd=tmp_path)

    assert result.returncode == 2
    assert "an image brings its own runtime" in result.stderr


@pytest.mark.parametrize("where", ["environment", "configuration"])
def test_a_target_for_all_functions_passes_images_by(
    call: Run, tmp_path: Path, image: str, where: str
) -> None:
    """It is meant for those that have none."""
    if where == "configuration":
        (tmp_path / "abicheck.toml").write_text('runtime = "python3.12"\n')
    env = {"ABICHECK_RUNTIME": "python3.12"} if where == "environment" else {}
    result = call(image, cwd=tmp_path, env=env)

    assert "an image brings its own runtime" not in result.stderr


# --- what only an image has ---


@pytest.mark.parametrize("option", ["--reference=app:1", "--dockerfile=Dockerfile"])
def test_what_only_an_image_has_is_refused_elsewhere(
    call: Run, tmp_path: Path, option: str
) -> None:
    """Told of the one artifact it was named for; an unreadable file keeps its finding."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "handler.py").write_text("")
    (tmp_path / "cut.tar").write_bytes(b"")
    result = call("app", option, cwd=tmp_path)

    assert (result.returncode, result.stdout) == (2, "")
    assert f"app: no container image, which {option.partition('=')[0]} is about" in result.stderr
    assert call("cut.tar", option, cwd=tmp_path).returncode == 1


def test_what_is_said_for_all_passes_by_what_is_no_image(call: Run, tmp_path: Path) -> None:
    """Of several artifacts one may be meant; so with the environment and the configuration."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "handler.py").write_text("")

    assert call("a", "b", "--reference=app:1", cwd=tmp_path).returncode == 0
    assert call("a", cwd=tmp_path, env={"ABICHECK_REFERENCE": "app:1"}).returncode == 0


def test_a_name_of_the_engine_is_the_reference(call: Run, tmp_path: Path) -> None:
    """Two names might be of two images; nothing is asked of the engine then."""
    result = call("docker:app:1", "--reference=app:2", cwd=tmp_path)

    assert result.returncode == 2
    assert "docker:app:1 names the image itself; leave --reference out" in result.stderr
