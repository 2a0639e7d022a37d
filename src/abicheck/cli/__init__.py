"""Arguments in, exit status out.

A bare `abicheck ARTIFACT…` is `abicheck check ARTIFACT…`.  click parses and
explains; every outcome is mapped to an exit status here, because click's own
mapping turns Ctrl-C, a closed pipe and our own defects into 1.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from abicheck import __version__
from abicheck.cli._status import Status

COMMANDS: Final = {
    "check": "say whether artifacts will load (the default)",
    "inspect": "list every binary of an artifact with its facts",
    "matrix": "say on which Lambda runtimes an artifact loads",
    "targets": "list, show and compare what targets provide",
    "capture": "make a target of a root file system, this host or a function's reply",
    "config": "show what is configured, and where",
    "baseline": "accept known findings, and forget those that were mended",
    "completion": "print what bash, zsh or fish needs to complete our words",
    "explain": "explain a rule, or find the rules behind a runtime message",
}
# Words of the command line that later versions fill; none of them is ever an artifact.
RESERVED: Final = (
    "advise",
    "diff",
    "sbom",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    argv = list(sys.argv[1:] if arguments is None else arguments)
    if argv == ["help"] and not os.path.lexists("help"):
        argv = ["--help"]
    collecting = gc.isenabled()
    # The process ends with its answer; a collection would only walk every syntax
    # tree that is kept, over and over.
    gc.disable()
    try:
        status = _answer_at_once(argv)
        if status is None:
            status = _run(argv)
    except KeyboardInterrupt:
        print("abicheck: interrupted", file=sys.stderr)
        return Status.INTERRUPTED
    finally:
        if arguments is None:
            gc.freeze()  # nor when the interpreter ends, which always collects
        if collecting:
            gc.enable()
    return status


def _answer_at_once(argv: list[str]) -> int | None:
    """Answer what scripts and shells ask all the time, before anything is imported for it."""
    if argv == ["--version"]:
        print(f"abicheck {__version__}")
        return Status.CLEAN
    instruction = os.environ.get("_ABICHECK_COMPLETE")
    if instruction is None:
        return None
    from abicheck.cli.completion import answer  # noqa: PLC0415 - a shell asks, not a person

    return answer(instruction)


def _run(argv: list[str]) -> int:
    import click  # noqa: PLC0415 - main must be able to answer Ctrl-C before anything is imported

    from abicheck.errors import AbicheckError, UsageError  # noqa: PLC0415

    name, rest = ("check", argv)
    if argv and argv[0] in COMMANDS:
        name, rest = argv[0], argv[1:]
    elif argv and argv[0] in RESERVED:
        return _complain(f"{argv[0]!r} is not part of this version", Status.USAGE)
    program = "abicheck" if name == "check" else f"abicheck {name}"
    command: click.Command = import_module(f"abicheck.cli.{name}").command
    try:
        result = command.main(rest, prog_name=program, standalone_mode=False)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.ClickException as error:
        where = error.ctx.get_usage() if isinstance(error, click.UsageError) and error.ctx else ""
        if where:
            print(where, file=sys.stderr)
        return _complain(error.format_message(), Status.USAGE)
    except click.Abort as error:
        raise KeyboardInterrupt from error
    except UsageError as error:
        return _complain(str(error), Status.USAGE)
    except AbicheckError as error:
        return _complain(str(error), Status.IMPOSSIBLE)
    except Exception as error:  # noqa: BLE001 - a defect of ours must not look like a finding
        import traceback  # noqa: PLC0415 - a defect is not to be prepared for by every run

        traceback.print_exc()
        return _complain(f"internal error: {error!r}; please report it", Status.IMPOSSIBLE)
    return int(result or 0)


def _complain(message: str, status: Status) -> Status:
    from abicheck.reporters import printable  # noqa: PLC0415 - `--version` need not wait for it

    print(f"abicheck: {printable(message)}", file=sys.stderr)
    return status
