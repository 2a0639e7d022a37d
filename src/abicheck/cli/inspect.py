"""`abicheck inspect`: every binary with its facts; never a verdict."""

from __future__ import annotations

from io import StringIO

import click

from abicheck.cli._function import find_layers, layer_option
from abicheck.cli._options import SETTINGS
from abicheck.cli._shared import print_report, resolve_artifacts
from abicheck.cli._targets import choose_target, target_options
from abicheck.errors import UsageError
from abicheck.pipeline import check
from abicheck.reporters import write_inspect


@click.command("inspect", context_settings=SETTINGS)
@click.argument("artifacts", nargs=-1, metavar="ARTIFACT...")
@layer_option
@target_options
def command(  # noqa: PLR0913, PLR0917 - click gives options as arguments
    artifacts: tuple[str, ...],
    layers: tuple[str, ...],
    target: str | None,
    runtime: str | None,
    architecture: str | None,
    day: str | None,
) -> int:
    """List every binary of each ARTIFACT: machine, module, glibc needed, libraries, compilers."""
    profile = choose_target(target, runtime, architecture, day)
    if layers and len(artifacts) > 1:
        reason = "--layer goes with one artifact"
        raise UsageError(reason)
    found = find_layers(layers)
    reports = [check(path, profile, layers=found) for path in resolve_artifacts(artifacts)]
    buffer = StringIO()
    write_inspect(reports, buffer)
    print_report(buffer.getvalue())
    return 0
