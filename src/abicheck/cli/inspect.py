"""`abicheck inspect`: every binary with its facts; never a verdict."""

from __future__ import annotations

from io import StringIO

import click

from abicheck.cli._shared import print_report, resolve_artifacts
from abicheck.cli._targets import choose_target, target_options
from abicheck.pipeline import check
from abicheck.reporters import write_inspect


@click.command("inspect", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("artifacts", nargs=-1, metavar="ARTIFACT...")
@target_options
def command(
    artifacts: tuple[str, ...],
    target: str | None,
    runtime: str | None,
    architecture: str | None,
    day: str | None,
) -> int:
    """List every binary of each ARTIFACT: machine, module, glibc needed, libraries, compilers."""
    profile = choose_target(target, runtime, architecture, day)
    reports = [check(path, profile) for path in resolve_artifacts(artifacts)]
    buffer = StringIO()
    write_inspect(reports, buffer)
    print_report(buffer.getvalue())
    return 0
