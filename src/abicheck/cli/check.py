"""`abicheck check`: the verdict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click

from abicheck import __version__
from abicheck.cli._comma import WORDS, ListOption
from abicheck.cli._help import Sectioned
from abicheck.cli._options import SETTINGS, examination_options
from abicheck.cli._status import Status
from abicheck.errors import UsageError
from abicheck.model import Severity
from abicheck.reporters import ANCHORED, FORMATS, MATRIXED, Run

_EPILOG: Final = (
    "Every option is also an environment variable, lists with commas, and a key of the "
    "configuration."
)


_MEANING: Final = {
    Status.CLEAN: "nothing found that counts",
    Status.FINDINGS: "findings at or above --fail-level",
    Status.IMPOSSIBLE: "not all that was asked for could be done",
}


@click.command("check", cls=Sectioned, epilog=_EPILOG, context_settings=SETTINGS)
@examination_options
@click.option(
    "--format",
    "formats",
    cls=ListOption,
    multiple=True,
    type=WORDS,
    envvar="ABICHECK_FORMAT",
    show_envvar=True,
    metavar="NAME[=FILE]",
    help=f"One of {', '.join(FORMATS)}; again with a FILE to write to.  [default: text]",
)
@click.option(
    "--fail-level",
    type=click.Choice(["error", "warning", "note"]),
    default="error",
    show_default=True,
    show_envvar=True,
    help="The lowest severity that makes the exit status 1.",
)
@click.option("--exit-zero", is_flag=True, show_envvar=True, help="Exit 0 even with findings.")
@click.option(
    "--baseline",
    metavar="FILE",
    show_envvar=True,
    help="Known findings, which do not count: see `abicheck baseline`.",
)
@click.option(
    "--anchor",
    metavar="FILE",
    show_envvar=True,
    help="The file of the repository at which sarif, github and gitlab show findings.  "
    "[default: the lock or requirements file that names the distribution]",
)
@click.option(
    "--category",
    default="abicheck",
    show_default=True,
    show_envvar=True,
    help="What SARIF tells several uses by.",
)
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    show_envvar=True,
)
@click.option(
    "-q", "--quiet", is_flag=True, show_envvar=True, help="Verdicts and findings only, no summary."
)
@click.option(
    "-v",
    "--verbose",
    is_flag=True,
    show_envvar=True,
    help="Say on standard error what is read, on which target and why, and how long it takes.",
)
@click.option(
    "--progress/--no-progress",
    default=True,
    show_envvar=True,
    help="Show a bar, where standard error is a terminal.",
)
@click.version_option(__version__, prog_name="abicheck", message="%(prog)s %(version)s")
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> int:  # noqa: ANN401 - of as many types as options
    """Say whether the compiled code in each ARTIFACT will load on the target.

    An ARTIFACT is a deployment ZIP, a wheel, a folder laid out as /var/task,
    a layer, one shared object, or a container image: an archive as engines save it, an
    OCI layout, - for standard input, docker:REF for the local engine's.
    Without any, every function of the configuration is checked.  Exit status:
    0 nothing found, 1 findings, 2 the request is wrong, 3 it could not be
    carried out.
    """
    # What follows costs more than all of click, and --help need not wait for it.
    from abicheck.cli._anchors import find_anchors  # noqa: PLC0415
    from abicheck.cli._examine import examine  # noqa: PLC0415
    from abicheck.cli._outputs import parse_outputs, write_outputs  # noqa: PLC0415
    from abicheck.cli._status import status_of  # noqa: PLC0415
    from abicheck.cli._watch import Watch  # noqa: PLC0415
    from abicheck.config import Baseline, read_baseline  # noqa: PLC0415

    if options["quiet"] and options["verbose"]:
        reason = "--quiet and --verbose do not go together"
        raise UsageError(reason)
    outputs = parse_outputs(options["formats"] or ("text",))
    bar = options["progress"] and not options["quiet"]
    watch = Watch(bar=bar, verbose=options["verbose"])
    anchor, level = options["anchor"], Severity[options["fail_level"].upper()]
    if anchor is not None and not Path(anchor).is_file():
        reason = f"--anchor {anchor}: no such file"
        raise UsageError(reason)
    named = options["baseline"]
    baseline = read_baseline(Path(named)) if named is not None else Baseline()
    examined = examine(
        ctx,
        baseline=baseline,
        watch=watch,
        matrix=any(output.format in MATRIXED for output in outputs),
    )
    status = status_of(
        examined.reports, level, failed=bool(examined.failures), forgive=options["exit_zero"]
    )
    run = Run(
        examined.reports,
        __version__,
        status,
        failures=examined.failures,
        notices=examined.notices,
        category=options["category"],
        level=level,
        quiet=options["quiet"],
    )
    if any(output.format in ANCHORED for output in outputs):
        run = replace(run, anchors=find_anchors(run.reports, anchor))
    write_outputs(run, outputs, color=options["color"])
    for output in outputs:
        if output.file is not None:
            watch.say(f"{output.format} written to {output.file}")
    watch.say(f"exit status {int(status)}: {_MEANING[status]}")
    return status
