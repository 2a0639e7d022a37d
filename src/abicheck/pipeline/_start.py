"""How Lambda starts an image: which folder is the function's, and which handler is meant."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Sequence
from typing import Final

from abicheck.model import ImageConfig

TASK_ROOT: Final = "/var/task"
_ENTRY: Final = "lambda-entrypoint.sh"
_CLIENT: Final = ("-m", "awslambdaric")
_HANDLER: Final = re.compile(r"[\w/-]+(\.[\w-]+)+")
_PYTHON: Final = re.compile(r"python3(\.\d+)?t?")
_SHELLS: Final = frozenset({"sh", "bash", "dash", "ash"})
# What a shell does besides running one program with these words.
_ACTIVE: Final = re.compile(r"[;&|<>()`$*?\[{}\n~#!]")


def working_directory(config: ImageConfig) -> str:
    """Return where the program starts: the root where the image names none (image-spec)."""
    return posixpath.normpath(f"/{config.working_dir.lstrip('/')}")


def task_root(config: ImageConfig) -> str:
    """Return where the function's own code lies.

    awslambdaric leaves it to `python -m`, which takes the working directory, and Lambda's own
    bootstrap takes the variable; in another image that says nothing it is where Lambda has it.
    """
    if is_client_started(config):
        return working_directory(config)
    given = (config.env.get("LAMBDA_TASK_ROOT", ""), config.working_dir)
    named = (folder for folder in given if folder.startswith("/") and folder.strip("/"))
    return posixpath.normpath(next(named, TASK_ROOT))


def is_client_started(config: ImageConfig) -> bool:
    """Whether the image starts awslambdaric by its name, and not through a script."""
    return _after_client(command_of(config)) is not None


def interpreter_of(config: ImageConfig) -> str | None:
    """Return the name of the Python that is started, maybe by another program; None for none."""
    command = command_of(config)
    arguments = _after_client(command)
    before = command[:1] if arguments is None else command[: len(command) - len(arguments)]
    names = [word for word in before if _PYTHON.fullmatch(posixpath.basename(word))]
    return names[-1] if names else None


def handler_of(config: ImageConfig) -> str | None:
    """Return the handler setting that an image starts with; None where it names none.

    It is the one argument of the entry script of Lambda's base images, and the
    first one of `python -m awslambdaric`.  A script of the image's own hands it
    on, as AWS's guide has it: there, a single argument that reads like a handler.
    """
    command = command_of(config)
    arguments = _after_client(command)
    if arguments is not None:
        return arguments[0] if arguments else None
    if not command or len(command) != 2 or not command[0].endswith(".sh"):  # noqa: PLR2004
        return None
    is_lambdas = posixpath.basename(command[0]) == _ENTRY
    return command[1] if is_lambdas or _HANDLER.fullmatch(command[1]) else None


def command_of(config: ImageConfig) -> tuple[str, ...]:
    """Return the words of what is run, ENTRYPOINT and CMD in either form.

    The shell form is `/bin/sh -c LINE`, and a shell form of ENTRYPOINT leaves
    CMD out.  A line that does more than run one program is left as it is.
    """
    command = (*config.entrypoint, *config.cmd)
    if len(command) < 3 or command[1] != "-c":  # noqa: PLR2004 - a shell, its option, the line
        return command
    if posixpath.basename(command[0]) not in _SHELLS or _ACTIVE.search(command[2]):
        return command
    try:
        words = shlex.split(command[2])
    except ValueError:  # a quotation without an end
        return command
    return tuple(words[1:] if words[:1] == ["exec"] else words)


def _after_client(command: Sequence[str]) -> Sequence[str] | None:
    """Return the arguments of `-m awslambdaric`; None where that is not what is run."""
    for place in range(1, len(command) - 1):
        if tuple(command[place : place + 2]) == _CLIENT:
            return command[place + 2 :]
    return None
