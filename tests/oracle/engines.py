"""Engines and tools newer than this machine's: Debian 13's, from a root file system of their own.

Each program runs in a process and mount namespace that ends with it, changed into that root.
`/shared` there is a folder here, by which archives and sockets are handed over.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from tests.oracle import debian

_PACKAGES: Final = (
    "docker.io",
    "docker-cli",
    "docker-buildx",
    "containerd",
    "runc",
    "podman",
    "skopeo",
    "coreutils",
    "ca-certificates",
)
_SHARED: Final = PurePosixPath("/shared")
# A builder remounts its root, which must be a mount of its own for that.
_ENTER: Final = """
set -e
mount --make-rprivate /
mount --bind "$0" "$0"
mkdir -p "$0/shared"
mount --bind "$1" "$0/shared"
mount -t proc proc "$0/proc"
mount -t tmpfs tmpfs "$0/run"
mount --rbind /sys "$0/sys"
mount --rbind /dev "$0/dev"
root=$0
shift
exec chroot "$root" "$@"
"""
_PODMAN: Final = ("--root=/shared/podman", "--runroot=/shared/podman-run", "--storage-driver=vfs")
_PATIENCE: Final = 60  # seconds until an engine answers


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that runs: its socket and its containerd's, as they are called in the root."""

    socket: PurePosixPath
    containerd: PurePosixPath


class Newer:
    """The programs of Debian 13, with a folder `shared` between them and this machine."""

    def __init__(self, roots: Path, shared: Path) -> None:
        """Use the root that `roots` holds, or make it there."""
        self._root = debian.unpack("trixie", roots / "engines", *_PACKAGES)
        self.shared = shared

    def run(self, *command: str | PurePosixPath) -> str:
        """Run a command and return what it says."""
        done = subprocess.run(
            self.inside(*command), capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def docker(self, engine: Engine, *arguments: str) -> str:
        """Run docker's client with an engine behind it."""
        return self.run("docker", "--host", f"unix://{engine.socket}", *arguments)

    def podman(self, *arguments: str) -> str:
        """Run podman on a store in the shared folder."""
        return self.run("podman", *_PODMAN, *arguments)

    def inside(self, *command: str | PurePosixPath) -> list[str]:
        """Return the command line that runs a command in the root."""
        namespaces = ("unshare", "--mount", "--pid", "--fork", "--kill-child")
        enter = ("sh", "-c", _ENTER, self._root, self.shared)
        return [*map(str, (*namespaces, *enter, *command))]

    @contextmanager
    def engine(self, name: str, *, containerd_store: bool) -> Iterator[Engine]:
        """Run dockerd while the context lasts: with its own store of layers, or containerd's."""
        place = _SHARED / name
        (self.shared / name).mkdir()
        features = {"features": {"containerd-snapshotter": containerd_store}}
        (self.shared / name / "config.json").write_text(json.dumps(features))
        settings = {
            "config-file": place / "config.json",
            "data-root": place / "data",
            "exec-root": place / "run",
            "pidfile": place / "pid",
            "host": f"unix://{place}/socket",
            "storage-driver": "native" if containerd_store else "vfs",
            "bridge": "none",
            "iptables": "false",
            "ip6tables": "false",
        }
        command = self.inside("dockerd", *(f"--{key}={value}" for key, value in settings.items()))
        log = self.shared / name / "log"
        with log.open("wb") as said, subprocess.Popen(command, stdout=said, stderr=said) as process:
            try:
                engine = Engine(place / "socket", place / "run/containerd/containerd.sock")
                self._await(engine, process, log)
                yield engine
            finally:
                process.kill()  # and by that, everything in its namespace

    def _await(self, engine: Engine, process: subprocess.Popen[bytes], log: Path) -> None:
        ask = self.inside("docker", "--host", f"unix://{engine.socket}", "info")
        until = time.monotonic() + _PATIENCE
        while subprocess.run(ask, capture_output=True, check=False, timeout=60).returncode:
            if process.poll() is not None or time.monotonic() > until:
                reason = f"no engine: {log.read_text()[-2000:]}"
                raise RuntimeError(reason)
            time.sleep(0.2)
