"""`abicheck baseline`: accept what is found today, and forget what was mended."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from abicheck.cli._watch import Watch

from abicheck.cli._options import SETTINGS, examination_options
from abicheck.cli._shared import print_report
from abicheck.cli._status import Status
from abicheck.config import Baseline, read_baseline
from abicheck.reporters import number

_FILE: Final = "abicheck-baseline.json"

_baseline = click.option(
    "--baseline", default=_FILE, show_default=True, show_envvar=True, metavar="FILE"
)
_quiet = click.option("-q", "--quiet", is_flag=True, show_envvar=True, help="Say nothing.")


@click.group("baseline", context_settings=SETTINGS, no_args_is_help=False)
def command() -> None:
    """Know findings by their fingerprints, which survive a rebuild."""


@command.command("write", context_settings=SETTINGS)
@examination_options
@_baseline
@_quiet
@click.pass_context
def write(ctx: click.Context, /, **options: Any) -> int:  # noqa: ANN401 - of as many types as options
    """Write down every finding of each ARTIFACT, or of every function of the configuration."""
    from abicheck.cli._examine import examine  # noqa: PLC0415 - --help need not wait for it

    examined = examine(ctx, baseline=Baseline(), watch=_watch(options))
    if examined.failures:
        return Status.IMPOSSIBLE
    return _write(Path(options["baseline"]), Baseline.of(examined.reports), options, "written")


@command.command("prune", context_settings=SETTINGS)
@examination_options
@_baseline
@_quiet
@click.pass_context
def prune(ctx: click.Context, /, **options: Any) -> int:  # noqa: ANN401 - of as many types as options
    """Drop what is found no more; nothing is added, and what was not examined stays."""
    from abicheck.cli._examine import examine  # noqa: PLC0415 - --help need not wait for it

    path = Path(options["baseline"])
    before = read_baseline(path)
    examined = examine(ctx, baseline=before, watch=_watch(options))
    if examined.failures:
        return Status.IMPOSSIBLE
    after = before.without_mended(examined.reports)
    dropped = len(before.entries) - len(after.entries)
    return _write(path, after, options, f"left, {number(dropped, 'entry', 'entries')} dropped")


def _watch(options: dict[str, Any]) -> Watch:
    from abicheck.cli._watch import Watch  # noqa: PLC0415 - as above

    return Watch(bar=not options["quiet"], verbose=False)


def _write(path: Path, baseline: Baseline, options: dict[str, Any], what: str) -> int:
    from abicheck.cli._outputs import write_file  # noqa: PLC0415 - --help need not wait for it

    write_file(path, baseline.text())
    if not options["quiet"]:
        print_report(f"{path}: {number(len(baseline.entries), 'finding')} {what}\n")
    return Status.CLEAN
