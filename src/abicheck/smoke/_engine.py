"""The container engine: found, asked for an image, and every refusal of its in one line."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from abicheck.errors import EngineError

_PATIENCE: Final = 600
"""Seconds that the engine may take for one answer; it unpacks what it is sent."""
_MACHINES: Final = {"x86_64": "amd64", "aarch64": "arm64"}
_EMULATE: Final = (
    "run where that processor is, or add emulation to the engine "
    "(docker run --privileged --rm tonistiigi/binfmt --install {})"
)


@dataclass(frozen=True, slots=True)
class Image:
    """An image that the engine has: what was asked for, and what it is.

    `id` is the digest of its configuration, `digest` that of the repository;
    `environment` is what it sets for its processes;
    `checks_itself` is whether it has a command that an engine runs from time to time.
    """

    reference: str
    id: str
    digest: str
    platform: str
    environment: Mapping[str, str]
    checks_itself: bool = False


class Engine:
    """A connection to an engine, in its own words; `host` is where it is."""

    def __init__(self, client: Any, host: str) -> None:  # noqa: ANN401 - the SDK ships no types
        self.api = client.api
        self.host = host
        version, info = self.api.version(), self.api.info()
        parts = version.get("Components") or [{}]
        self.name = f"{parts[0].get('Name', 'Engine')} {version.get('Version', '')}".strip()
        self.is_podman = "podman" in self.name.lower()
        self.processors = int(info.get("NCPU") or 1)
        self.limits_processors = bool(info.get("CpuCfsQuota"))
        for key, what in (("MemoryLimit", "memory"), ("PidsLimit", "processes")):
            if info.get(key) is False:
                reason = f"{self.name} cannot limit the {what} of a container; use another engine"
                raise EngineError(reason)

    def image(self, reference: str, platform: str) -> Image:
        """Return the image for `platform`, pulled if the engine does not have it.

        Raises `EngineError` where it cannot be had.
        """
        found = self._inspect(reference)
        if found is None or _platform(found) != platform:
            self._pull(reference, platform)
            found = self._inspect(reference)
        if found is None or _platform(found) != platform:
            reason = f"{reference}: there is no image of that name for {platform}"
            raise EngineError(reason)
        config = found.get("Config") or {}
        return Image(
            reference=reference,
            id=found["Id"],
            digest=_digest(found, reference),
            platform=platform,
            environment=dict(each.partition("=")[::2] for each in config.get("Env") or ()),
            checks_itself=bool(config.get("Healthcheck")),
        )

    def _inspect(self, reference: str) -> dict[str, Any] | None:
        import docker.errors  # noqa: PLC0415 - slow to import, and only a smoke import needs it

        with suppress(docker.errors.NotFound), refusals(reference):
            found: dict[str, Any] = self.api.inspect_image(reference)
            return found
        return None

    def _pull(self, reference: str, platform: str) -> None:
        name, _, digest = reference.partition("@")
        host, slash, rest = name.rpartition("/")
        rest, _, tag = rest.partition(":")
        with refusals(f"{reference}: cannot be pulled"):
            for line in self.api.pull(
                f"{host}{slash}{rest}",
                tag=digest or tag or "latest",
                platform=platform,
                stream=True,
                decode=True,
            ):
                if "error" in line:
                    reason = f"{reference}: cannot be pulled: {_one_line(line['error'])}"
                    raise EngineError(reason)


@contextmanager
def connect() -> Iterator[Engine]:
    """Give the engine that `DOCKER_HOST` names, or one at a usual place.

    Raises `EngineError` where none answers.
    """
    import docker  # noqa: PLC0415 - slow to import, and only a smoke import needs it

    named = os.environ.get("DOCKER_HOST")
    for host in (named,) if named else (None, *_usual_places()):
        try:
            client = docker.from_env(
                timeout=_PATIENCE,
                environment={**os.environ, **({"DOCKER_HOST": host} if host else {})},
            )
        except docker.errors.DockerException:
            continue
        try:
            with refusals("the engine does not answer"):
                engine = Engine(client, host or "")
            yield engine
        finally:
            client.close()
        return
    where = f"at {named}" if named else "at its usual socket"
    reason = f"no container engine answers {where}; start docker or podman, or set DOCKER_HOST"
    raise EngineError(reason)


def _usual_places() -> Iterator[str]:
    """Yield the sockets of engines that run without root, and of podman."""
    folders = [Path(folder) for folder in (os.environ.get("XDG_RUNTIME_DIR"),) if folder]
    places = [folder / name for folder in folders for name in ("docker.sock", "podman/podman.sock")]
    for place in (*places, Path("/run/podman/podman.sock")):
        if place.exists():
            yield f"unix://{place}"


@contextmanager
def refusals(what: str) -> Iterator[None]:
    """Turn what the engine, or the way to it, raises into an `EngineError` about `what`.

    That the engine does not have something passes, for whoever asked.
    """
    import docker.errors  # noqa: PLC0415 - as above
    import requests  # noqa: PLC0415 - what docker's own client raises when a connection breaks

    try:
        yield
    except docker.errors.NotFound:
        raise
    except docker.errors.APIError as error:
        words = str(error.explanation or error)
        reason = f"{what}: the engine refuses: {_one_line(words)}"
        raise EngineError(reason) from error
    except (docker.errors.DockerException, OSError, requests.RequestException) as error:
        reason = f"{what}: {_one_line(str(error))}"
        raise EngineError(reason) from error


def not_runnable(image: Image) -> str:
    """Return why the programs of an image cannot be run, and what to do."""
    machine = image.platform.rpartition("/")[2]
    return f"{image.reference}: the engine cannot run {image.platform}; {_EMULATE.format(machine)}"


def _platform(found: dict[str, Any]) -> str:
    machine = str(found.get("Architecture", ""))
    return f"{found.get('Os', 'linux')}/{_MACHINES.get(machine, machine)}"


def _digest(found: dict[str, Any], reference: str) -> str:
    """Return the repository's digest by which the image was had, or ""."""
    name = reference.partition("@")[0]
    digests = [str(each).partition("@") for each in found.get("RepoDigests") or ()]
    mine = [digest for repository, _, digest in digests if name.startswith(repository)]
    return (mine or [digest for _, _, digest in digests] or [""])[0]


def _one_line(words: str) -> str:
    return " ".join(words.split())[:300]
