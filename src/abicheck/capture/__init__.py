"""Make a target profile: of a root file system, an image, this host, or a function's reply.

Nothing of a root file system or an image is executed.  Of this host, the chosen
interpreter and its loader are, to say what no file does.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from abicheck.artifacts import ImageArtifact
from abicheck.capture._function import function_archive
from abicheck.capture._image import ImageRoot, Kept, is_asked, keep, read_image
from abicheck.capture._interpreter import find_program
from abicheck.capture._profile import Captured, MuslError, Request, capture
from abicheck.capture._reply import is_reply, parse_reply
from abicheck.capture._root import Folder, Root
from abicheck.capture._running import ask, ask_platform

__all__ = [
    "Captured",
    "ImageRoot",
    "Kept",
    "MuslError",
    "Request",
    "Root",
    "capture",
    "capture_folder",
    "capture_host",
    "capture_image",
    "capture_reply",
    "function_archive",
    "is_asked",
    "is_reply",
    "keep",
]


def capture_folder(path: Path, request: Request) -> Captured:
    """Return the profile of the root file system in a folder."""
    return capture(Folder(path), request)


def capture_image(image: ImageArtifact, request: Request) -> Captured:
    """Return the profile of the file system that a container of this image would have."""
    root = read_image(image, request.source)
    name = next(iter(image.config.names), "") or (image.config.id or "")
    request = _with_environment(request, root.environment)
    return capture(root, replace(request, image=request.image or name))


def capture_reply(data: bytes, where: str, request: Request) -> Captured:
    """Return the profile of the runtime that gave this reply."""
    root, running = parse_reply(data, where)
    return capture(root, _with_environment(request, running.environment), running)


def capture_host(request: Request) -> Captured:
    """Return the profile of this machine and of one of its interpreters."""
    root = Folder(Path("/"))
    environment = {n: os.environ[n] for n in ("LD_LIBRARY_PATH", "PYTHONPATH") if n in os.environ}
    # What a relative entry means depends on where one stands.
    own = (entry for entry in os.environ.get("PATH", "").split(":") if entry.startswith("/"))
    search = (*own, "/usr/local/bin", "/usr/bin")
    name = request.python or next((f"{f}/python3" for f in search if _runs(f"{f}/python3")), None)
    if name is not None and root.is_file(name) and root.facts(name) is None:
        # A script, such as pyenv's: it knows which interpreter it stands for.
        name = ask(name).executable
    program = find_program(root, name, search)
    running = ask(program.name)
    running = replace(running, platform=ask_platform(program.facts.interpreter or program.path))
    request = _with_environment(request, environment)
    return capture(root, replace(request, python=program.path), running)


def _runs(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)  # noqa: PTH113 - as PATH is searched


def _with_environment(request: Request, environment: Mapping[str, str]) -> Request:
    """Return the request with an environment under what it asks for itself."""
    return replace(request, environment={**environment, **request.environment})
