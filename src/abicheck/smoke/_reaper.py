"""Remove everything that a run has made in an engine, also when the run cannot.

    python _reaper.py < LIFE

As a script this is a process of its own, which waits for its standard input to end.  The
first line of that is the run's identity; where no second line says that the run has
removed everything itself, it was killed, and this process does it.  So it imports nothing
of abicheck, and docker's SDK only when there is something to do.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

RUN: Final = "abicheck.run"
"""The label that names the run."""
UNTIL: Final = "abicheck.until"
"""The label that says, in seconds since the epoch, when no run of that name can be alive."""
_TRIES: Final = 40
_PAUSE: Final = 0.25
_DONE: Final = b"done\n"
_GONE: Final = (404, 409)  # removed already, or just being removed


def remove_labelled(api: Any, label: str) -> None:  # noqa: ANN401 - the SDK ships no types
    """Remove the containers, volumes and images that carry a label, until there are none.

    What the engine was still making when it was first asked, it may show a little later.
    """
    for _ in range(_TRIES):
        if not _remove_once(api, label):
            return
        time.sleep(_PAUSE)


def remove_expired(api: Any) -> None:  # noqa: ANN401 - as above
    """Remove what runs have left behind that were killed together with their reaper."""
    runs = {
        labels[RUN]
        for labels in map(_labels, _everything(api, UNTIL))
        if RUN in labels and labels.get(UNTIL, "").isdecimal() and int(labels[UNTIL]) < time.time()
    }
    for run in sorted(runs):
        remove_labelled(api, f"{RUN}={run}")


def _remove_once(api: Any, label: str) -> bool:  # noqa: ANN401 - as above
    found = False
    chosen = {"label": label}
    for container in api.containers(all=True, filters=chosen):
        found = True
        with gone():
            api.remove_container(container["Id"], v=True, force=True)
    for volume in api.volumes(filters=chosen)["Volumes"] or ():
        found = True
        with gone():
            api.remove_volume(volume["Name"])
    for image in api.images(filters=chosen):
        found = True
        with gone():
            api.remove_image(image["Id"], force=True)
    return found


def _everything(api: Any, label: str) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - as above
    chosen = {"label": label}
    yield from api.containers(all=True, filters=chosen)
    yield from api.volumes(filters=chosen)["Volumes"] or ()
    yield from api.images(filters=chosen)


def _labels(thing: Mapping[str, Any]) -> Mapping[str, str]:
    return thing.get("Labels") or {}


@contextmanager
def gone() -> Iterator[None]:
    """Accept that the engine does not have any more what was to be removed."""
    import docker.errors  # noqa: PLC0415 - slow to import, and mostly there is nothing to do

    try:
        yield
    except docker.errors.APIError as error:
        if error.status_code not in _GONE:
            raise


@contextmanager
def reaper(run: str, host: str) -> Iterator[None]:
    """Have a process of its own remove what carries the label of `run`, unless this one ends well.

    It outlives this process, however that is ended.  `host` is the engine's, "" for that
    of the environment.
    """
    environment = {**os.environ, **({"DOCKER_HOST": host} if host else {})}
    with subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-P", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,  # a Ctrl-C is for this process alone
    ) as process:
        if process.stdin is None:  # it was asked for
            raise AssertionError
        process.stdin.write(f"{run}\n".encode())
        process.stdin.flush()
        yield
        process.stdin.write(_DONE)


def _main() -> None:
    run = sys.stdin.buffer.readline().decode().strip()
    if not run or sys.stdin.buffer.readline() == _DONE:
        return
    import docker  # noqa: PLC0415 - as above

    with suppress(docker.errors.DockerException):
        client = docker.from_env(timeout=600)
        # The engine may still be making what it was asked for last.
        for _ in range(4):
            remove_labelled(client.api, f"{RUN}={run}")
            time.sleep(1)


if __name__ == "__main__":
    _main()
