"""Real imports in a real engine: what loads, what fails, and in what surroundings."""

from __future__ import annotations

import ast
import json
import os
import threading
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, Final

import pytest
from tests.hostile import FOUND_INSIDE, INSIDE
from tests.smokebase import REFERENCE, only, request_for

from abicheck.errors import EngineError
from abicheck.model import Failure, SmokeOutcome, SmokeRun
from abicheck.smoke import Filling, run

pytestmark = pytest.mark.engine

Importing = Callable[..., SmokeRun]
Package = Callable[[Mapping[str, str]], Path]

_FIXTURES: Final = Path(__file__).resolve().parents[2] / "fixtures"
_CASES: Final = tomllib.loads((_FIXTURES / "cases.toml").read_text(encoding="utf-8"))
# One of each kind; what the releases of glibc between Lambda's and the stand-in's word alike.
_VARIANTS: Final = (
    "dashboard",
    "dashboard-stub",
    "32-bit-copy-only",
    "aarch64-copy-only",
    "bytecode-of-another-python",
    "constructor-that-aborts",
    "cut-after-300-bytes",
    "extension-through-a-symbolic-link",
    "four-kilobytes-of-text",
)
_OUTCOMES: Final = {
    "loads": SmokeOutcome.LOADED,
    "fails": SmokeOutcome.FAILED,
    "dies": SmokeOutcome.DIED,
}


# --- outcomes ------------------------------------------------------------------------------


def test_a_good_package_loads(smoke: Importing, base: str) -> None:
    """With where that was, and how long it took."""
    made = smoke(_FIXTURES / "dashboard-good.zip", "handler", "pydantic_core._pydantic_core")

    assert [each.outcome for each in made.imports] == [SmokeOutcome.LOADED] * 2
    assert all(each.failure is None and each.microseconds > 0 for each in made.imports)
    assert (made.image, made.platform, made.discarded) == (base, "linux/amd64", 0)
    assert made.python.startswith("3.13.")
    assert made.id.startswith("sha256:")


@pytest.mark.parametrize("name", _VARIANTS)
def test_a_broken_variant_fails_as_it_was_measured(smoke: Importing, name: str) -> None:
    """In the runtime's own words, or by the same death."""
    case = _CASES[name]
    made = only(smoke(_FIXTURES / case["file"], case["module"]))

    failure = made.failure or Failure("", "", "")
    assert made.outcome is _OUTCOMES[case["import"] if not case["crash"] else "dies"]
    assert (failure.exception or "", failure.crash or "") == (case["exception"], case["crash"])
    assert case["crash"] or failure.message == case["message"]


def test_the_deaths_of_an_import(smoke: Importing, package: Package) -> None:
    """By a signal, by leaving, and by SystemExit, which is an exception like another."""
    source = package(
        {
            "fault.py": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
            "left.py": "import os, sys; sys.stderr.write('bye'); sys.stderr.flush(); os._exit(127)",
            "exits.py": "import sys; sys.exit('enough')",
            "wrong.py": "def f(:",
        }
    )
    fault, left, exits, wrong = smoke(source, "fault", "left", "exits", "wrong").imports

    assert (fault.outcome, fault.failure and fault.failure.crash) == (SmokeOutcome.DIED, "SIGSEGV")
    assert left.failure is not None
    assert (left.outcome, left.failure.crash, left.failure.stderr) == ("died", "exit 127", "bye")
    assert exits.failure is not None
    assert (exits.failure.exception, exits.failure.message) == ("SystemExit", "enough")
    assert wrong.failure is not None
    assert wrong.failure.exception == "SyntaxError"


def test_each_import_has_a_process_of_its_own(smoke: Importing, package: Package) -> None:
    """What one leaves in its interpreter, or in /tmp, another does not see."""
    see = "import os, sys\nassert 'json' not in sys.modules and os.listdir('/tmp') == []\n"
    leave = "import json, os\nos.makedirs('/tmp/a/b')\nopen('/tmp/a/b/c', 'w').write('x')\n"
    source = package({f"m{number}.py": see + leave for number in range(6)})

    made = smoke(source, *(f"m{number}" for number in range(6)))
    assert [each.failure for each in made.imports] == [None] * 6


def test_what_stands_around_an_import(
    base: str, package: Package, tmp_path: Path, fixtures: Path
) -> None:
    """Layers in /opt, sys.path as the runtime has it, `.pth` files, the function's variables."""
    del fixtures
    layer = tmp_path / "layer"
    (layer / "python").mkdir(parents=True)
    (layer / "python" / "layered.py").write_text("WHERE = __file__")
    told = """
import os, sys, layered, extra
raise ValueError((layered.WHERE, sys.path[:3], os.getcwd(), os.environ["STAGE"], sys.argv,
                  os.environ["LD_LIBRARY_PATH"], extra.__file__))
"""
    files = {"told.py": told, "extra.pth": "vendored\n", "vendored/extra.py": ""}
    request = request_for(base, package(files), "told")
    request = replace(
        request,
        fillings=(*request.fillings, Filling(layer, PurePosixPath("/opt"))),
        environment={**request.environment, "STAGE": "test"},
    )
    failure = only(run(request)).failure

    assert failure is not None
    assert (failure.exception, failure.stderr) == ("ValueError", None)
    assert ast.literal_eval(failure.message or "") == (
        "/opt/python/layered.py",
        ["/var/task", "/opt/python/lib/python3.13/site-packages", "/opt/python"],
        "/var/task",
        "test",
        [""],
        "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
        "/var/task/vendored/extra.py",
    )


def test_cpython_accounts_for_the_time(base: str, package: Package) -> None:
    """Only where it was asked to, and for what the artifact itself has brought."""
    slow = "import sys, time\nsys.stderr.write('import time: is not all')\ntime.sleep(0.2)\n"
    source = package({"a/__init__.py": "import slow\n", "slow.py": slow})
    request = replace(request_for(base, source, "a", "slow"), timed=frozenset({"a"}))
    a, untimed = run(request).imports

    assert [each.module for each in a.times][-2:] == ["slow", "a"]
    assert a.times[-1].total_us >= a.times[-2].total_us >= 200_000
    assert a.times[-1].self_us < 200_000 <= a.microseconds
    assert untimed.times == ()


# --- the container -------------------------------------------------------------------------


def test_what_an_import_finds_itself_in(smoke: Importing, package: Package) -> None:
    """Told by the kernel, from inside."""
    failure = only(smoke(package({"told.py": INSIDE}), "told")).failure
    assert failure is not None
    seen = ast.literal_eval(failure.message or "")

    assert seen == FOUND_INSIDE


def _inspected(docker: Callable[..., str]) -> list[dict[str, Any]]:
    mine = ("--filter", "label=abicheck.run", "--filter", f"ancestor={REFERENCE}")
    names = docker("ps", "--all", "--quiet", *mine).split()
    found: list[dict[str, Any]] = json.loads(docker("inspect", *names)) if names else []
    return found


def test_what_the_engine_says_of_the_containers(
    base: str, package: Package, docker: Callable[..., str]
) -> None:
    """One that holds the artifact and never runs, and one that is sealed."""
    request = request_for(base, package({"waits.py": "import time; time.sleep(4)"}), "waits")
    thread = threading.Thread(target=run, args=(request,))
    thread.start()
    found: list[dict[str, Any]] = []
    while thread.is_alive() and not any(each["State"]["Running"] for each in found):
        found = _inspected(docker)
    thread.join()
    (holder,) = (each for each in found if each["State"]["Status"] == "created")
    (sealed,) = (each for each in found if each["State"]["Running"])
    host, config = sealed["HostConfig"], sealed["Config"]

    assert sorted((m["Destination"], m["RW"]) for m in holder["Mounts"]) == [
        ("/abicheck", True),
        ("/var/task", True),
    ]
    assert sorted((m["Destination"], m["Type"], m["RW"]) for m in sealed["Mounts"]) == [
        ("/abicheck", "volume", False),
        ("/var/task", "volume", False),
    ]
    assert host["Binds"] is None
    assert host["NetworkMode"] == "none"
    assert host["ReadonlyRootfs"] is True
    assert host["AutoRemove"] is True
    assert host["Privileged"] is False
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["IpcMode"] == "none"
    assert host["PidMode"] == ""
    assert not host["Devices"]
    assert host["Memory"] == host["MemorySwap"] == 1 << 30
    assert host["PidsLimit"] == 1024
    assert host["LogConfig"]["Type"] == "none"
    ((place, options),) = host["Tmpfs"].items()
    assert (place, "size=536870912" in options) == ("/tmp", True)  # noqa: S108 - as above
    assert {each["Name"]: each["Hard"] for each in host["Ulimits"]} == {
        "fsize": 512 << 20,
        "nofile": 1024,
        "core": 0,
        "msgqueue": 0,
    }
    assert config["User"] == "993:990"
    assert config["Tty"] is False
    assert not set(dict(each.split("=", 1) for each in config["Env"])) & (
        set(os.environ) - {"PATH", "LD_LIBRARY_PATH"}
    )
    assert _inspected(docker) == []


# --- what cannot be carried out ------------------------------------------------------------


def test_no_engine_is_no_outcome(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says where it was looked for, and what to do."""
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(EngineError, match=r"no container engine answers at tcp://127.0.0.1:1; "):
        run(request_for(base, _FIXTURES / "dashboard-good.zip", "handler"))


def test_an_image_that_cannot_be_had_is_no_outcome(docker: Callable[..., str]) -> None:
    """Nor is one for another platform."""
    del docker
    request = request_for("127.0.0.1:1/none:1", _FIXTURES / "dashboard-good.zip", "handler")
    with pytest.raises(EngineError, match=r"^127.0.0.1:1/none:1: cannot be pulled: [^\n]*$"):
        run(request)


def test_an_image_of_another_platform_is_no_outcome(base: str) -> None:
    """The engine is asked for the right one, and does not have it."""
    request = request_for(base, _FIXTURES / "dashboard-good.zip", "handler")
    with pytest.raises(EngineError, match=r"abicheck-smoke-base:3.13: [^\n]*$"):
        run(replace(request, platform="linux/arm64"))


def test_an_image_without_the_interpreter_is_no_outcome(
    base: str, docker: Callable[..., str]
) -> None:
    """Whichever way the engine says so."""
    request = request_for(base, _FIXTURES / "dashboard-good.zip", "handler")
    with pytest.raises(EngineError, match=r"abicheck-smoke-base:3.13: [^\n]*python3.12"):
        run(replace(request, python=PurePosixPath("/var/lang/bin/python3.12")))
    assert _inspected(docker) == []
