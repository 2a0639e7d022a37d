"""`abicheck inspect`: every binary with its facts; never a verdict."""

from __future__ import annotations

from io import StringIO

import click

from abicheck.cli._shared import print_report, resolve_artifacts
from abicheck.pipeline import check
from abicheck.profiles import DEFAULT_TARGET, load_profile
from abicheck.reporters import write_inspect


@click.command("inspect", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("artifacts", nargs=-1, metavar="ARTIFACT...")
@click.option(
    "--target", default=DEFAULT_TARGET, show_default=True, help="A target's name or file."
)
def command(artifacts: tuple[str, ...], target: str) -> int:
    """List every binary of each ARTIFACT: machine, module, glibc needed, libraries, compilers."""
    profile = load_profile(target)
    reports = [check(path, profile) for path in resolve_artifacts(artifacts)]
    buffer = StringIO()
    write_inspect(reports, buffer)
    print_report(buffer.getvalue())
    return 0
