"""A base image laid out as Lambda's is, with an interpreter that runs.

Made from Debian's packages: what is Lambda's own is only the layout.
"""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from abicheck.model import SmokeImport, SmokeRun
from abicheck.profiles import load_profile
from abicheck.smoke import SmokeRequest

REFERENCE: Final = "localhost/abicheck-smoke-base:3.13"
PODMAN: Final = """
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
"""
_PYTHON: Final = "python3.13"
_LIBRARIES: Final = "usr/lib/x86_64-linux-gnu"
_FOLDERS: Final = (
    *("tmp", "opt", "etc", "usr", "usr/lib", "var", "var/task", "var/runtime"),
    *("var/lang", "var/lang/bin", "var/lang/lib"),
)
_KEPT: Final = {
    **{name: name for name in ("lib", "lib64", "usr/lib64", "etc/ld.so.cache", _LIBRARIES)},
    f"usr/bin/{_PYTHON}": f"var/lang/bin/{_PYTHON}",
    f"usr/lib/{_PYTHON}": f"var/lang/lib/{_PYTHON}",
}
_HEAVY: Final = (f"{_LIBRARIES}/gconv", f"{_LIBRARIES}/perl-base")


def write_archive(debian: Path, archive: Path) -> Path:
    """Write what a Debian root file system needs to run Python, laid out as Lambda has it."""
    with tarfile.open(archive, "w") as tar:
        for folder in _FOLDERS:
            info = tarfile.TarInfo(folder)
            info.type, info.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(info)
        for old, new in _KEPT.items():
            tar.add(debian / old, new, filter=_light)
    return archive


def _light(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if info.name.startswith(_HEAVY) else info


def give(archive: Path, reference: str = REFERENCE, client: Sequence[str] = ("docker",)) -> str:
    """Give the archive to an engine, under a name of its own; return that."""
    subprocess.run([*client, "import", archive, reference], check=True, capture_output=True)
    return reference


def request_for(image: str, source: Path, *modules: str, timeout: float = 20) -> SmokeRequest:
    """Return the request to import modules of one archive in the stand-in."""
    profile = load_profile("lambda-python3.13-x86_64")
    return SmokeRequest.on(profile, modules, function=source, image=image, timeout=timeout)


def only(run: SmokeRun) -> SmokeImport:
    """Return the only import of a run."""
    (made,) = run.imports
    return made
