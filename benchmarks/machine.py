"""The machine in a line, since ratios hold on a machine like it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import sysconfig
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def describe() -> str:
    """Return processor, cores, system, Python and how it was built, isal and unzip."""
    cores = len(os.sched_getaffinity(0))
    optimized = "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or "")
    build = "" if optimized else " built without profile-guided optimization"
    if Path(sysconfig.get_paths()["stdlib"]).parts[:3] == ("/", "usr", "lib"):
        build = " of the distribution"
    return (
        f"{_processor()}, {cores} cores; {_system()}, {platform.system()} {platform.release()}; "
        f"CPython {platform.python_version()}{build}, isal {_version('isal')}; {_unzip()}; "
        f"load {os.getloadavg()[0]:.1f} at the start"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.machine()


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return sys.platform


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "is missing"


def _unzip() -> str:
    said = subprocess.run(["unzip", "-v"], capture_output=True, text=True, check=True).stdout
    return " ".join(said.split()[:2])
