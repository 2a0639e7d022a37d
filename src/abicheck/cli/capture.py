"""`abicheck capture`: a target profile of what one has."""

from __future__ import annotations

import datetime as dt
import os
import posixpath
import re
import sys
from pathlib import Path
from typing import Final

import click

from abicheck.artifacts import (
    DEFAULT_LIMITS,
    ImageArtifact,
    open_artifact,
    open_engine_image,
)
from abicheck.capture import (
    Captured,
    Request,
    capture_folder,
    capture_host,
    capture_image,
    capture_reply,
    function_archive,
    is_reply,
)
from abicheck.cli._outputs import replace_file
from abicheck.cli._shared import did_you_mean, is_missing
from abicheck.cli._targets import ARCHITECTURES
from abicheck.errors import ArtifactError, UsageError
from abicheck.profiles import write_profile

_ASSIGNMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)
_ENGINE: Final = "docker:"
_HEAD: Final = 64
_MAX_REPLY: Final = 64 << 20
_LEVELS: Final = 4
_STANDARD_OUTPUT: Final = "-"


@click.command("capture", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("source", required=False)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    required=True,
    help="Where to write it; - for standard output.",
)
@click.option("--host", is_flag=True, help="Capture this machine and one of its interpreters.")
@click.option(
    "--emit-function",
    is_flag=True,
    help="Write a ZIP to run on the target instead; its reply is a SOURCE.",
)
@click.option("--python", metavar="PATH", help="The interpreter, as a path of the target.")
@click.option(
    "--env", "assignments", multiple=True, metavar="NAME=VALUE", help="The target's environment."
)
@click.option("--name", help="What to call the target.  [default: from SOURCE]")
@click.option(
    "--task-root",
    default="/var/task",
    show_default=True,
    metavar="PATH",
    help="Where artifacts will lie on the target.",
)
@click.option("--as-of", metavar="DATE", help="The day of the facts.  [default: the newest file's]")
@click.option(
    "--isa-level",
    type=click.IntRange(1, _LEVELS),
    help="The x86-64 level of its processors.  [default: 3, or this host's]",
)
@click.option(
    "--architecture",
    type=click.Choice(ARCHITECTURES),
    help="Which of an archive's images, or what else SOURCE has to be: x86_64 or arm64.",
)
@click.pass_context
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    ctx: click.Context,
    /,
    source: str | None,
    output: str,
    host: bool,  # noqa: FBT001
    emit_function: bool,  # noqa: FBT001
    python: str | None,
    assignments: tuple[str, ...],
    name: str | None,
    task_root: str,
    as_of: str | None,
    isa_level: int | None,
    architecture: str | None,
) -> int:
    """Make a target profile of SOURCE, for `abicheck check --target FILE`.

    SOURCE is a folder that holds a root file system, an archive that holds a
    container image, docker:REF for one of the local engine's, or the JSON reply
    of the function that --emit-function writes.
    """
    if sum((source is not None, host, emit_function)) != 1:
        reason = "name one SOURCE, or --host, or --emit-function"
        raise UsageError(reason)
    _check_output(output)
    if emit_function:
        _require_alone(ctx)
        _write(output, function_archive())
        return 0
    if not task_root.startswith("/"):
        reason = f"--task-root {task_root}: not an absolute path"
        raise UsageError(reason)
    if not (name or "").isprintable():
        reason = f"--name {name!r}: not one line of text"
        raise UsageError(reason)
    request = Request(
        name=name or _name_of(source),
        source=source or "this host",
        python=python,
        environment=dict(_assignment(text) for text in assignments),
        task_root=posixpath.normpath("/" + task_root.strip("/")),
        as_of=_day(as_of),
        isa_level=isa_level,
    )
    captured = (
        capture_host(request) if source is None else _capture_source(source, request, architecture)
    )
    asked = {"x86_64": "x86_64", "arm64": "aarch64"}.get(architecture or "")
    if asked not in {None, captured.profile.machine}:
        reason = f"--architecture {architecture}: {source or 'this host'} is of another, "
        raise UsageError(reason + captured.profile.architecture)
    _write(output, write_profile(captured.profile, captured.provenance).encode())
    return 0


def _check_output(output: str) -> None:
    """Raise `UsageError` where nothing can be written, before anything is read."""
    path = Path(output)
    if output == _STANDARD_OUTPUT:
        return
    if not output or path.is_dir():
        reason = f"--output {output}: a file is asked for"
        raise UsageError(reason)
    if not path.parent.is_dir():
        reason = f"--output {output}: there is no folder {path.parent}"
        raise UsageError(reason)


def _write(output: str, data: bytes) -> None:
    if output == _STANDARD_OUTPUT:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    else:
        replace_file(Path(output), data)


def _require_alone(ctx: click.Context) -> None:
    """Raise `UsageError` where --emit-function has company that it would not heed."""
    given = click.core.ParameterSource.COMMANDLINE
    for option in ctx.command.params:
        name = str(option.name)
        if name not in {"output", "emit_function"} and ctx.get_parameter_source(name) is given:
            reason = f"--emit-function does without {option.opts[-1]}: say it of the reply"
            raise UsageError(reason)


def _capture_source(source: str, request: Request, architecture: str | None) -> Captured:
    if source.startswith(_ENGINE):
        reference = source.removeprefix(_ENGINE)
        with open_engine_image(reference, DEFAULT_LIMITS, architecture=architecture) as image:
            return capture_image(image, request)
    if is_missing(source):
        reason = f"{source}: no such file or folder{did_you_mean(source)}"
        raise UsageError(reason)
    path = Path(source)
    if not path.is_dir() and (data := _reply(path)) is not None:
        return capture_reply(data, path.name, request)
    with open_artifact(path, DEFAULT_LIMITS, architecture=architecture) as artifact:
        if isinstance(artifact, ImageArtifact):
            return capture_image(artifact, request)
    if path.is_dir():
        return capture_folder(path, request)
    reason = f"{source}: neither a root file system nor an image nor a function's reply"
    raise UsageError(reason)


def _reply(path: Path) -> bytes | None:
    """Return the bytes of a file that is JSON, and None for any other."""
    try:
        with path.open("rb") as file:
            data = file.read(_HEAD)
            return data + file.read(_MAX_REPLY) if is_reply(data) else None
    except OSError as error:
        reason = f"{path}: {error.strerror or error}"
        raise ArtifactError(reason) from error


def _name_of(source: str | None) -> str:
    if source is None:
        return "host"
    if source.startswith(_ENGINE):
        return source.removeprefix(_ENGINE)
    path = Path(source)
    return path.stem if path.is_file() else path.resolve().name or "root"


def _assignment(text: str) -> tuple[str, str]:
    if not _ASSIGNMENT.fullmatch(text):
        reason = f"--env {text!r}: expected NAME=VALUE"
        raise UsageError(reason)
    name, _, value = text.partition("=")
    return name, value


def _day(text: str | None) -> dt.date | None:
    """Return the day asked for, or that of SOURCE_DATE_EPOCH, which builds share."""
    try:
        if text is not None:
            return dt.date.fromisoformat(text)
        epoch = os.environ.get("SOURCE_DATE_EPOCH")
        if epoch:
            return dt.datetime.fromtimestamp(int(epoch), tz=dt.UTC).date()
    except (ValueError, OverflowError, OSError) as error:
        what = f"--as-of {text}" if text is not None else "SOURCE_DATE_EPOCH"
        reason = f"{what}: {error}"
        raise UsageError(reason) from error
    return None
