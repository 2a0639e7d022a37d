"""`abicheck check`: the verdict."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from abicheck import __version__
from abicheck.cli import COMMANDS
from abicheck.cli._anchors import find_anchors
from abicheck.cli._outputs import parse_outputs, write_outputs
from abicheck.cli._shared import progress, resolve_artifacts
from abicheck.cli._status import status_of
from abicheck.errors import ArtifactError, UsageError
from abicheck.model import Report, Severity
from abicheck.pipeline import check
from abicheck.profiles import DEFAULT_TARGET, load_profile
from abicheck.reporters import ANCHORED, FORMATS, Run, printable

_HANDLER: Final = re.compile(r"[^./\s][^\s]*\.[^./\s]+")
_EPILOG: Final = "Commands: " + "; ".join(f"{name}: {what}" for name, what in COMMANDS.items())


@click.command(
    "check",
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.argument("artifacts", nargs=-1, metavar="ARTIFACT...")
@click.option(
    "--target", default=DEFAULT_TARGET, show_default=True, help="A target's name or file."
)
@click.option("--handler", help="Lambda's handler setting, such as app.handler.")
@click.option("--architecture", help="Which platform of an image archive: x86_64 or arm64.")
@click.option("--reference", help="Which image of an archive: its name, digest or id.")
@click.option(
    "--dockerfile", metavar="FILE", help="What the image was built from: are its bases pinned?"
)
@click.option(
    "--format",
    "formats",
    multiple=True,
    metavar="NAME[=FILE]",
    help=f"One of {', '.join(FORMATS)}; again with a FILE to write to.  [default: text]",
)
@click.option(
    "--fail-level",
    type=click.Choice(["error", "warning", "note"]),
    default="error",
    show_default=True,
    help="The lowest severity that makes the exit status 1.",
)
@click.option("--exit-zero", is_flag=True, help="Exit 0 even with findings.")
@click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True
)
@click.option(
    "--anchor",
    metavar="FILE",
    help="The file of the repository at which sarif, github and gitlab show findings.  "
    "[default: the lock or requirements file that names the distribution]",
)
@click.option(
    "--category", default="abicheck", show_default=True, help="What SARIF tells several uses by."
)
@click.option("-q", "--quiet", is_flag=True, help="Verdicts and findings only, no summary.")
@click.version_option(__version__, prog_name="abicheck", message="%(prog)s %(version)s")
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    artifacts: tuple[str, ...],
    target: str,
    handler: str | None,
    architecture: str | None,
    reference: str | None,
    dockerfile: str | None,
    formats: tuple[str, ...],
    fail_level: str,
    exit_zero: bool,  # noqa: FBT001
    color: str,
    anchor: str | None,
    category: str,
    quiet: bool,  # noqa: FBT001
) -> int:
    """Say whether the compiled code in each ARTIFACT will load on the target.

    An ARTIFACT is a deployment ZIP, a wheel, a folder laid out as /var/task,
    one shared object, or a container image: an archive as engines save it, an
    OCI layout, - for standard input, docker:REF for the local engine's.  Exit
    status: 0 nothing found, 1 findings, 2 the request is wrong, 3 it could not
    be carried out.
    """
    outputs = parse_outputs(formats or ("text",))
    paths = resolve_artifacts(artifacts)
    if handler is not None and len(paths) > 1:
        reason = "--handler goes with one artifact"
        raise UsageError(reason)
    if handler is not None and not _HANDLER.fullmatch(handler):
        reason = f"--handler {handler!r}: Lambda takes module.function, such as app.handler"
        raise UsageError(reason)
    text = _read_dockerfile(dockerfile)
    if anchor is not None and not Path(anchor).is_file():
        reason = f"--anchor {anchor}: no such file"
        raise UsageError(reason)
    profile = load_profile(target)
    reports: list[Report] = []
    failures: list[str] = []
    for path in paths:
        try:
            with progress(path, quiet=quiet) as shown:
                reports.append(
                    check(
                        path,
                        profile,
                        handler=handler,
                        architecture=architecture,
                        reference=reference,
                        dockerfile=text,
                        progress=shown,
                    )
                )
        except ArtifactError as error:
            failures.append(str(error))
            print(f"abicheck: {printable(str(error))}", file=sys.stderr)
    level = Severity[fail_level.upper()]
    status = status_of(reports, level, failed=bool(failures), forgive=exit_zero)
    run = Run(
        tuple(reports), __version__, status, failures=tuple(failures), level=level, quiet=quiet
    )
    if any(output.format in ANCHORED for output in outputs):
        run = replace(run, anchors=find_anchors(run.reports, anchor), category=category)
    write_outputs(run, outputs, color=color)
    return status


def _read_dockerfile(name: str | None) -> str | None:
    if name is None:
        return None
    try:
        return Path(name).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        reason = f"--dockerfile {name}: {error.strerror or error}"
        raise UsageError(reason) from error
