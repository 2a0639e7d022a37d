"""The options that name a target, and what they amount to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any, Final, TypeVar

import click

from abicheck.errors import UsageError
from abicheck.model import TargetProfile
from abicheck.profiles import DEFAULT_TARGET, as_of, list_profiles, load_profile

ARCHITECTURES: Final = ("x86_64", "arm64")
DEFAULT_RUNTIME: Final = "python3.13"
F = TypeVar("F", bound=Callable[..., Any])


def target_options(command: F) -> F:
    """Add --target, --runtime, --architecture and --as-of to a command."""
    options = (
        click.option(
            "--target",
            metavar="NAME",
            show_envvar=True,
            help=f"A target's name or file.  [default: {DEFAULT_TARGET}]",
        ),
        click.option(
            "--runtime",
            metavar="NAME",
            show_envvar=True,
            help="A Lambda runtime, such as python3.12.",
        ),
        click.option(
            "--architecture",
            type=click.Choice(ARCHITECTURES),
            show_envvar=True,
            help="Of the runtime, or which platform of an image archive.",
        ),
        as_of_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


def as_of_option(command: F) -> F:
    """Add --as-of to a command."""
    return click.option(
        "--as-of",
        "day",
        metavar="DATE",
        envvar="ABICHECK_AS_OF",
        show_envvar=True,
        help="Judge by the target as it was on that day, such as 2025-03-01.",
    )(command)


def choose_target(
    target: str | None, runtime: str | None, architecture: str | None, day: str | None
) -> TargetProfile:
    """Return the target that the options name; raise `UsageError` where they name none."""
    if target is not None and (runtime is not None or architecture is not None):
        reason = "--target names a whole target; leave --runtime and --architecture out"
        raise UsageError(reason)
    if target is None and (runtime is not None or architecture is not None):
        target = runtime_target(runtime or DEFAULT_RUNTIME, architecture or ARCHITECTURES[0])
    profile = load_profile(full_name(target) if target is not None else DEFAULT_TARGET)
    return on_day(profile, day)


def on_day(profile: TargetProfile, day: str | None) -> TargetProfile:
    """Return the target as of a day, ISO format; None is the newest release."""
    if day is None:
        return profile
    try:
        date = dt.date.fromisoformat(day)
    except ValueError as error:
        reason = f"--as-of {day!r}: not a date such as 2025-03-01"
        raise UsageError(reason) from error
    return as_of(profile, date)


def runtime_target(runtime: str, architecture: str) -> str:
    """Return the name of the target that Lambda's own configuration means."""
    name = f"lambda-{runtime}-{architecture}"
    if name not in list_profiles():
        close = get_close_matches(runtime, runtimes(), n=1)
        hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(runtimes())}"
        reason = f"unknown runtime {runtime!r}; {hint}"
        raise UsageError(reason)
    return name


def runtimes() -> list[str]:
    """Return the runtimes that are known, the oldest first."""
    names = {name.split("-")[1] for name in list_profiles() if name.startswith("lambda-python")}
    return sorted(names, key=by_release)


def on_runtimes(
    day: str | None, architectures: Sequence[str] = ARCHITECTURES
) -> tuple[TargetProfile, ...]:
    """Return every runtime on these architectures, the oldest first, as of a day."""
    return tuple(
        on_day(load_profile(runtime_target(runtime, each)), day)
        for runtime in runtimes()
        for each in architectures
    )


def by_release(name: str) -> tuple[int, ...]:
    """Order runtimes by the numbers in their names: python3.9 before python3.10."""
    digits = name.partition("python3.")[2].partition("-")[0]
    return (int(digits) if digits.isdecimal() else 0,)


def full_name(name: str) -> str:
    """Return a target's name for a short one: `python3.12`, `python3.12-arm64`."""
    for known in (name, f"lambda-{name}", f"lambda-{name}-{ARCHITECTURES[0]}"):
        if known in list_profiles():
            return known
    return name
