"""The options that say what a function has besides its archive: layers, variables, a budget."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from abicheck.cli._comma import ASSIGNMENTS, FILES, ListOption
from abicheck.cli._shared import did_you_mean, is_missing
from abicheck.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]+")  # Lambda's own pattern
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, and what cfn-lint has.
_RESERVED: Final = frozenset(
    (
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
    )
)
_MOST: Final = 4096  # bytes: Lambda's limit for all variables of a function
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([KMG])I?)?B?", re.IGNORECASE | re.ASCII)
_UNITS: Final = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def layer_option(command: F) -> F:
    """Add --layer to a command, as `layers`."""
    return click.option(
        "--layer",
        "layers",
        cls=ListOption,
        multiple=True,
        type=FILES,
        metavar="ZIP",
        show_envvar=True,
        envvar="ABICHECK_LAYER",
        help="A layer of the function, a ZIP or a folder; again for the next one above it.",
    )(command)


def env_option(command: F) -> F:
    """Add --env to a command, as `environment`."""
    return click.option(
        "--env",
        "environment",
        cls=ListOption,
        multiple=True,
        type=ASSIGNMENTS,
        metavar="NAME=VALUE",
        show_envvar=True,
        envvar="ABICHECK_ENV",
        help="A variable that the function sets, such as PYTHONPATH or LD_LIBRARY_PATH.",
    )(command)


def size_option(command: F) -> F:
    """Add --size-budget to a command."""
    return click.option(
        "--size-budget",
        metavar="SIZE",
        show_envvar=True,
        help="How large all of it may be unpacked, such as 100MB; "
        "as in Lambda's quotas, 1 MB is 1,048,576 bytes.",
    )(command)


def find_layers(names: Iterable[str]) -> tuple[Path, ...]:
    """Return the layers that are named, each of which exists and is named once."""
    found: dict[str, Path] = {}
    for name in names:
        if not name or is_missing(name):
            reason = f"--layer {name or repr(name)}: no such file or folder{did_you_mean(name)}"
            raise UsageError(reason)
        real = os.path.realpath(name)
        if real in found:
            reason = f"--layer {name}: named twice; Lambda takes each layer of a function once"
            raise UsageError(reason)
        found[real] = Path(name)
    return tuple(found.values())


def read_environment(texts: Iterable[str]) -> Mapping[str, str]:
    """Return variables by name, the last value of each.

    Raises `UsageError` where Lambda would refuse to configure them.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            reason = f"--env {text!r}: expected NAME=VALUE"
            raise UsageError(reason)
        if name in _RESERVED:
            reason = f"--env {name}: Lambda keeps this variable for itself, and refuses a function \
that sets it: Reserved keys used in this request: {name}"
            raise UsageError(reason)
        if not _NAME.fullmatch(name):
            reason = f"--env {name!r}: Lambda takes names of letters, digits and _, a letter first"
            raise UsageError(reason)
        found[name] = value
    size = sum(len(f"{name}{value}".encode()) for name, value in found.items())
    if size > _MOST:
        reason = f"--env: {size:,} bytes; Lambda takes {_MOST:,} for all variables of a function"
        raise UsageError(reason)
    return found


def read_size(text: str | None) -> int | None:
    """Return a size in bytes: `100MB`, `1.5 GiB`, `1000000`.

    Each unit is a power of 1024, with or without the `i`.  Raises `UsageError`
    for what is no size, and for nothing at all.
    """
    if text is None:
        return None
    found = _SIZE.fullmatch(text.strip())
    size = int(float(found[1]) * _UNITS[(found[2] or "").upper()]) if found is not None else 0
    if size <= 0:
        reason = f"--size-budget {text!r}: expected a size such as 100MB"
        raise UsageError(reason)
    return size
