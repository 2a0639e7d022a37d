"""The containers of one run: one that holds the artifact, and those in which it is imported.

The holder is never started: what is copied into it lies in anonymous volumes, which the
others have read-only.  All of them carry the run's labels, and go with it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from abicheck.errors import EngineError
from abicheck.model import SmokeImport
from abicheck.smoke._answers import OUTPUT, read_answer
from abicheck.smoke._engine import Engine, Image, not_runnable, refusals
from abicheck.smoke._filling import INSIDE, driver_stream, members_of, tar_stream
from abicheck.smoke._reaper import gone
from abicheck.smoke._request import LAMBDA_USER, LAYERS, SmokeRequest
from abicheck.smoke._wire import MisbehaviourError, Wire

_FILES: Final = 1024  # Lambda's own limit of open files
_CONTAINERS: Final = 4  # the kernel counts a user's processes over all containers
_STARTING: Final = 60.0
"""Seconds until the driver speaks; under emulation it is slow."""
_SETTLING: Final = 30.0
"""Seconds until it has cleaned up after an import that has ended, and answers."""
_LIBRARY_PATH: Final = "LD_LIBRARY_PATH"
_INJECTING: Final = ("LD_PRELOAD", "LD_AUDIT")


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a run takes place: engine, image, and the container that holds the artifact."""

    engine: Engine
    image: Image
    request: SmokeRequest
    labels: Mapping[str, str]
    holder: str


def set_stage(
    engine: Engine, image: Image, request: SmokeRequest, labels: Mapping[str, str]
) -> Stage:
    """Return the stage of a run, with everything that is to be imported in its place."""
    api = engine.api
    roots = sorted({INSIDE, *(str(filling.root) for filling in request.fillings)})
    with refusals("the artifact cannot be copied into a container"):
        made = api.create_container(
            image.id,
            entrypoint=[str(request.python)],
            command=[],
            labels=dict(labels),
            use_config_proxy=False,
            host_config=api.create_host_config(
                network_mode="none",
                cap_drop=["ALL"],
                mounts=[_empty_volume(root, labels) for root in roots],
            ),
        )
        holder = made["Id"]
        for filling in request.fillings:
            stream = tar_stream(members_of(filling.source))
            api.put_archive(holder, str(filling.root), stream)
        # Last: nothing that the artifact brings can stand in its place.
        api.put_archive(holder, INSIDE, driver_stream())
    return Stage(engine, image, request, labels, holder)


def _empty_volume(root: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """Return the mount of an anonymous volume, without what the image has in its place."""
    options = {"NoCopy": True, "Labels": dict(labels)}
    return {"Type": "volume", "Target": root, "VolumeOptions": options}


class Sealed:
    """A running container, in which one module after the other is imported.

    `python` is the version of its interpreter; `hidden` is whether its driver is safe from
    the processes that it starts.  Where it is not, only one import may be asked for.
    Raises `EngineError` where it cannot be started.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        request, api = stage.request, stage.engine.api
        with refusals(f"{stage.image.reference}: cannot be started"):
            made = api.create_container(
                stage.image.id,
                entrypoint=[str(request.python), "-I", "-S", "-B", f"{INSIDE}/driver.py"],
                command=[],
                user=LAMBDA_USER,
                environment=self._drivers_environment(),
                working_dir="/",
                labels=dict(stage.labels),
                stdin_open=True,
                healthcheck={"test": ["NONE"]} if stage.image.checks_itself else None,
                use_config_proxy=False,
                host_config=api.create_host_config(**_seal(stage)),
            )
            self.id: str = made["Id"]
            nonce = secrets.token_hex(16)
            stream = api.attach_socket(
                self.id, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
            )
            # The SDK gives a file object around a socket, or the socket.
            self._wire = Wire(getattr(stream, "_sock", stream), nonce)
            self._stream = stream
            try:
                api.start(self.id)
            except BaseException:
                self._hang_up()
                raise
        try:
            self._wire.tell(self._settings(nonce))
            hello = self._wire.hear(_STARTING)
        except MisbehaviourError as error:
            self.discard()
            raise EngineError(self._why_not(error)) from error
        self.python = ".".join(map(str, hello.get("python") or ()))
        self.hidden = hello.get("hidden") is True

    def ask(self, module: str) -> tuple[SmokeImport, bool]:
        """Return how the import of a module ended, and whether another may follow.

        Raises `MisbehaviourError` where the container does not say so properly.
        """
        request = self._stage.request
        asked = {"module": module, "timed": module in request.timed, "timeout": request.timeout}
        self._wire.tell(asked)
        words = self._wire.hear(request.timeout + _SETTLING)
        return read_answer(module, words, request), self.hidden and words["clean"] is True

    @property
    def errors(self) -> str:
        """The end of what the driver itself has written to standard error."""
        return self._wire.errors.decode("utf-8", "replace").strip()

    def discard(self) -> None:
        """End it, whatever goes on in it; the engine removes it."""
        try:
            # First: the end of the container wakes whoever listens to it.
            with refusals("a container cannot be removed"), gone():
                self._stage.engine.api.remove_container(self.id, v=True, force=True)
        finally:
            self._hang_up()

    def _hang_up(self) -> None:
        self._wire.close()
        self._stream.close()

    def _why_not(self, error: MisbehaviourError) -> str:
        request, image = self._stage.request, self._stage.image
        said = self.errors
        if "exec format error" in said.lower():
            return not_runnable(image)
        last = said.splitlines()[-1] if said else str(error)
        return f"{image.reference}: {request.python} does not run there: {last}"

    def _drivers_environment(self) -> dict[str, str]:
        """Return what the driver needs: nothing of the artifact may be loaded into it."""
        request = self._stage.request
        roots = tuple(f"{root}/" for root in (request.task_root, LAYERS))
        path = self._imports_environment().get(_LIBRARY_PATH, "").split(":")
        safe = [each for each in path if each and not f"{each}/".startswith(roots)]
        # What the image sets cannot be unset.
        return {_LIBRARY_PATH: ":".join(safe), **dict.fromkeys(_INJECTING, "")}

    def _imports_environment(self) -> dict[str, str]:
        return {**self._stage.image.environment, **self._stage.request.environment}

    def _settings(self, nonce: str) -> dict[str, Any]:
        request = self._stage.request
        return {
            "nonce": nonce,
            "task_root": str(request.task_root),
            "path": [str(each) for each in request.path],
            "preloaded": list(request.preloaded),
            "environment": self._imports_environment(),
            "output": OUTPUT,
        }


def _seal(stage: Stage) -> dict[str, Any]:
    """Return the settings that keep what runs in a container inside it.

    As far as they are Lambda's own they are the same: its user, its one place to write,
    its number of open files and processes, and no shared memory.
    """
    from docker.types import LogConfig, Ulimit  # noqa: PLC0415 - slow to import

    request, engine = stage.request, stage.engine
    # Of the mode, runc makes that of the folder in the image; podman knows nothing but a mode.
    owner = "mode=1777" if engine.is_podman else "uid={},gid={}".format(*LAMBDA_USER.split(":"))
    hard = {"fsize": request.scratch, "nofile": _FILES, "core": 0, "msgqueue": 0}
    tmpfs = {"/tmp": f"rw,exec,nosuid,nodev,size={request.scratch},{owner}"}  # noqa: S108 - the container's
    if engine.is_podman:
        # Else it sets one that an engine with fewer rights than root's is refused.
        hard["nproc"] = _CONTAINERS * request.processes
        # What it adds by itself to a root that cannot be written.
        tmpfs |= dict.fromkeys(("/run", "/var/tmp"), "ro,size=4k")  # noqa: S108 - as above
    settings: dict[str, Any] = {
        "network_mode": "none",
        "read_only": True,
        "volumes_from": [f"{stage.holder}:ro"],
        "tmpfs": tmpfs,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "ipc_mode": "none",
        "mem_limit": request.memory,
        "memswap_limit": request.memory,
        "pids_limit": request.processes,
        "ulimits": [Ulimit(name=name, soft=value, hard=value) for name, value in hard.items()],
        "log_config": LogConfig(type="none"),
        "auto_remove": True,
    }
    if engine.limits_processors:
        settings["nano_cpus"] = 10**9
    return settings
