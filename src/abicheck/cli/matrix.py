"""`abicheck matrix`: an artifact on every Lambda runtime; never a verdict."""

from __future__ import annotations

import json

import click

from abicheck.cli._function import env_option, find_layers, layer_option, read_environment
from abicheck.cli._options import SETTINGS
from abicheck.cli._shared import print_report, resolve_artifacts
from abicheck.cli._targets import (
    ARCHITECTURES,
    as_of_option,
    on_runtimes,
)
from abicheck.cli._watch import Watch
from abicheck.errors import UsageError
from abicheck.pipeline import check_all
from abicheck.reporters import matrix_json, matrix_text


@click.command("matrix", context_settings=SETTINGS)
@click.argument("artifacts", nargs=-1, metavar="ARTIFACT")
@click.option("--handler", show_envvar=True, help="Lambda's handler setting, such as app.handler.")
@layer_option
@env_option
@click.option(
    "--architecture",
    type=click.Choice(ARCHITECTURES),
    show_envvar=True,
    help="Of one architecture only.",
)
@as_of_option
@click.option("--json", "as_json", is_flag=True, help="As JSON, with the reasons whole.")
def command(  # noqa: PLR0913, PLR0917 - click gives options as arguments
    artifacts: tuple[str, ...],
    handler: str | None,
    layers: tuple[str, ...],
    environment: tuple[str, ...],
    architecture: str | None,
    day: str | None,
    as_json: bool,  # noqa: FBT001 - click gives options as arguments
) -> int:
    """Say on which Lambda runtimes ARTIFACT loads, and where not, the first reason why.

    The artifact is read once.  To see everything that is found on one of them,
    run `abicheck check` with --runtime and --architecture.
    """
    if len(artifacts) != 1:
        reason = "matrix takes one artifact"
        raise UsageError(reason)
    (path,) = resolve_artifacts(artifacts)
    chosen = ARCHITECTURES if architecture is None else (architecture,)
    profiles = on_runtimes(day, chosen)
    watch = Watch(bar=True, verbose=False)
    with watch.of(path):
        reports = check_all(
            path,
            profiles,
            handler=handler,
            layers=find_layers(layers),
            environment=read_environment(environment),
            progress=watch.step,
        )
    print_report(
        json.dumps(matrix_json(reports), indent=2) + "\n" if as_json else matrix_text(reports)
    )
    return 0
