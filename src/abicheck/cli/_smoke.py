"""`--smoke`: its options, and what they amount to."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from abicheck.errors import UsageError
from abicheck.model import TargetProfile

_TIME: Final = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(ms|s)")
_MICROSECONDS: Final = {"ms": 1_000, "s": 1_000_000}
_TIMEOUT: Final = "30s"
# What means nothing without --smoke.
_OF_SMOKE: Final = {
    "smoke_image": "--smoke-image",
    "smoke_timeout": "--smoke-timeout",
    "cold_start_budget": "--cold-start-budget",
}
F = TypeVar("F", bound=Callable[..., Any])


def smoke_options(command: F) -> F:
    """Add --smoke and what goes with it to a command."""
    options = (
        click.option(
            "--smoke/--no-smoke",
            default=False,
            show_envvar=True,
            help="Import it for real as well, in a sealed container of the target's base image.",
        ),
        click.option(
            "--smoke-image",
            metavar="REF",
            show_envvar=True,
            help="Another image to import it in; best by digest: NAME@sha256:...",
        ),
        click.option(
            "--smoke-timeout",
            metavar="TIME",
            default=_TIMEOUT,
            show_default=True,
            show_envvar=True,
            help="How long one import may take, such as 30s.",
        ),
        click.option(
            "--cold-start-budget",
            metavar="TIME",
            show_envvar=True,
            help="How long the imports of a cold start may take, such as 1s or 800ms.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def microseconds(option: str, text: str) -> int:
    """Return a time such as `1s`, `1.5s` or `800ms`; raise `UsageError` for any other."""
    found = _TIME.fullmatch(text.strip())
    value = round(float(found[1]) * _MICROSECONDS[found[2]]) if found is not None else 0
    if not value:
        reason = f"{option} {text!r}: not a time such as 1s or 800ms"
        raise UsageError(reason)
    return value


def require_smoke(ctx: click.Context, options: Mapping[str, Any]) -> None:
    """Raise `UsageError` where the command line says how to import, and not to import.

    The environment and the configuration may say it for runs that do.
    """
    for name, option in _OF_SMOKE.items():
        said = ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if said and not options["smoke"]:
            reason = f"{option} goes with --smoke"
            raise UsageError(reason)


def require_image(options: Mapping[str, Any], artifact: Path | str, target: TargetProfile) -> None:
    """Raise `UsageError` where nothing says in which image an artifact is to be imported."""
    in_itself = isinstance(artifact, str)  # docker:REF, or standard input
    if options["smoke"] and not options["smoke_image"] and not target.image and not in_itself:
        reason = f"--smoke: {target.name} names no image to import in; say --smoke-image REF"
        raise UsageError(reason)
