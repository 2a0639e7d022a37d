"""What is to be imported, and in what surroundings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from abicheck.model import TargetProfile

LAMBDA_USER: Final = "993:990"
"""The user and the group that Lambda runs a function as (`sbx_user1051`)."""
_HOME: Final = "/home/sbx_user1051"  # which is not there
_BOOTSTRAP: Final = "awslambdaric.bootstrap"
LAYERS: Final = PurePosixPath("/opt")
_MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Filling:
    """An artifact, and the folder of the container whose content it becomes."""

    source: Path
    root: PurePosixPath


@dataclass(frozen=True, slots=True)
class SmokeRequest:
    """One smoke import.

    `modules` are imported in this order, each in a process of its own; of those in
    `timed`, CPython's own accounting of import times is wanted as well.  `fillings`
    are put into the container in this order, what comes later over what came before;
    none where the image is itself the artifact.  `image` is what the engine calls
    it, or the path of an image archive, of which `architecture` and `reference`
    choose one where it holds several.  `platform` is the engine's word
    (`linux/amd64`).  `python` is the interpreter in the image, `path` its sys.path,
    `version` what it must be; `environment` is the processes' own, over that of the
    image.  `task_root` is the working directory and a site directory, whose `.pth`
    files count.  `preloaded` are modules that the process holds before the artifact
    comes into sys.path, as far as the image has them.

    `timeout` is in seconds, for one import; `memory` and `scratch` (the size of /tmp)
    are in bytes, `processes` is their number, threads included: those of one
    container.  `containers` is how many run at a time, 0 for as many as the engine
    has processors (four at most).
    """

    modules: tuple[str, ...]
    image: str | Path
    platform: str
    python: PurePosixPath
    version: tuple[int, int]
    path: tuple[PurePosixPath, ...]
    task_root: PurePosixPath
    fillings: tuple[Filling, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    timed: frozenset[str] = frozenset()
    preloaded: tuple[str, ...] = (_BOOTSTRAP,)
    timeout: float = 30.0
    memory: int = 1024 * _MIB
    scratch: int = 512 * _MIB
    processes: int = 1024
    containers: int = 0
    architecture: str | None = None
    reference: str | None = None

    @classmethod
    def on(  # noqa: PLR0913 - every one but the first two has a default
        cls,
        profile: TargetProfile,
        modules: Iterable[str],
        *,
        function: Path | None = None,
        layers: Iterable[Path] = (),
        image: str | Path | None = None,
        environment: Mapping[str, str] | None = None,
        timed: Collection[str] = (),
        timeout: float = 30.0,
        memory: int = 1024 * _MIB,
    ) -> SmokeRequest:
        """Return the request for a function on the target `profile`, in the order of `modules`.

        `function` and `layers` are the archives or folders; without any, the image
        is the artifact.  `environment` are the function's own variables.
        """
        fillings = [Filling(layer, LAYERS) for layer in layers]
        if function is not None:
            fillings.append(Filling(function, profile.task_root))
        interpreter = profile.interpreter
        return cls(
            modules=tuple(modules),
            image=profile.image if image is None else image,
            platform="linux/arm64" if profile.architecture == "arm64" else "linux/amd64",
            python=interpreter.executable
            or PurePosixPath(f"/var/lang/bin/python{interpreter.dotted}"),
            version=interpreter.version,
            path=interpreter.path,
            task_root=profile.task_root,
            fillings=tuple(fillings),
            environment={
                **_by_lambda(profile, memory),
                # An image brings its own.
                **(_by_the_runtime(profile) if fillings else {}),
                **(environment or {}),
            },
            timed=frozenset(timed),
            timeout=timeout,
            memory=memory,
        )


def _by_lambda(profile: TargetProfile, memory: int) -> dict[str, str]:
    """Return the variables that Lambda sets and that an import may look at; no credentials."""
    return {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{profile.runtime}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory // _MIB),
        "AWS_LAMBDA_FUNCTION_NAME": "abicheck",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_REGION": "us-east-1",
        "HOME": _HOME,
    }


def _by_the_runtime(profile: TargetProfile) -> dict[str, str]:
    """Return what the managed runtime adds to that."""
    given = {
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LAMBDA_TASK_ROOT": str(profile.task_root),
        "LANG": "en_US.UTF-8",
        "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "TZ": ":UTC",
    }
    if profile.library_path:
        given["LD_LIBRARY_PATH"] = ":".join(profile.library_path)
    return given
