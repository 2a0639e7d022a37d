"""How Lambda starts an image: which folder is the function's, and which handler is meant."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from typing import Final

from abicheck.model import ImageConfig

TASK_ROOT: Final = "/var/task"
_ENTRY: Final = "lambda-entrypoint.sh"
_CLIENT: Final = ("-m", "awslambdaric")
_HANDLER: Final = re.compile(r"[\w/-]+(\.[\w-]+)+")


def task_root(config: ImageConfig) -> str:
    """Return where the function's own code lies.

    awslambdaric takes the working directory, and Lambda's own bootstrap the
    variable; in an image that says nothing it is where Lambda has it.
    """
    given = (config.env.get("LAMBDA_TASK_ROOT", ""), config.working_dir)
    if _after_client(_command(config)) is not None:
        given = given[::-1]
    named = (folder for folder in given if folder.startswith("/") and folder.strip("/"))
    return posixpath.normpath(next(named, TASK_ROOT))


def handler_of(config: ImageConfig) -> str | None:
    """Return the handler setting that an image starts with; None where it names none.

    It is the one argument of the entry script of Lambda's base images, and the
    first one of `python -m awslambdaric`.  A script of the image's own hands it
    on, as AWS's guide has it: there, a single argument that reads like a handler.
    """
    command = _command(config)
    arguments = _after_client(command)
    if arguments is not None:
        return arguments[0] if arguments else None
    if not command or len(command) != 2 or not command[0].endswith(".sh"):  # noqa: PLR2004
        return None
    is_lambdas = posixpath.basename(command[0]) == _ENTRY
    return command[1] if is_lambdas or _HANDLER.fullmatch(command[1]) else None


def _command(config: ImageConfig) -> tuple[str, ...]:
    return (*config.entrypoint, *config.cmd)


def _after_client(command: Sequence[str]) -> Sequence[str] | None:
    """Return the arguments of `-m awslambdaric`; None where that is not what is run."""
    for place in range(1, len(command) - 1):
        if tuple(command[place : place + 2]) == _CLIENT:
            return command[place + 2 :]
    return None
