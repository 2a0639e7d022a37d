"""Print the accuracy table: what abicheck says, against what real targets do.

    python -m tests.oracle --host --recorded --debian bullseye bookworm trixie --wheels

Wants root, mmdebstrap and an engine for `--debian`, and a package index for `--wheels`.
Every disagreement is printed; the exit status is 1 where there is one.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.oracle import debian
from tests.oracle.accuracy import Table, explain, summary
from tests.oracle.runs import on_debian, on_host, recorded
from tests.oracle.wheels import Warehouse, read_trees


def main() -> int:
    """Measure what was asked for; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.oracle", description=__doc__)
    parser.add_argument("--host", action="store_true", help="the fixtures, on this machine")
    parser.add_argument("--recorded", action="store_true", help="the fixtures, as recorded")
    parser.add_argument("--debian", nargs="*", choices=debian.RELEASES, default=())
    parser.add_argument("--wheels", action="store_true", help="real wheels on those releases")
    parser.add_argument("--only", nargs="*", help="these trees of real wheels alone")
    options = parser.parse_args()
    if not (options.host or options.recorded or options.debian):
        parser.error("name a target: --host, --recorded, --debian")
    if (options.wheels or options.only) and not options.debian:
        parser.error("--wheels and --only are about --debian")

    tables: list[Table] = []
    if options.host:
        with on_host() as target:
            tables.append(_told(target.fixtures()))
    if options.recorded:
        tables.append(_told(recorded()))
    if options.debian:
        debian.require_tools()
    with _folder("ABICHECK_ROOTS") as roots, _folder("ABICHECK_WAREHOUSE") as kept:
        for release in options.debian:
            with on_debian(debian.make(release, roots)) as target:
                if not options.only:
                    tables.append(_told(target.fixtures()))
                if options.wheels:
                    trees = read_trees()
                    chosen = [trees[name] for name in options.only or trees]
                    wheels = target.trees(chosen, Warehouse(kept))
                    wheels.target += ", wheels"
                    tables.append(_told(wheels))
    sys.stdout.write(f"{summary(tables)}\n")
    # A table without a row has shown nothing.
    return 1 if any(table.disagreements() or not table.rows for table in tables) else 0


def _told(table: Table) -> Table:
    """Print the disagreements of a table, and return it."""
    if table.disagreements():
        sys.stdout.write(f"{explain(table)}\n")
    sys.stderr.write(f"{table.target}: done\n")
    return table


@contextmanager
def _folder(variable: str) -> Iterator[Path]:
    """Give the folder that an environment variable names, which is kept, or one that goes."""
    kept = os.environ.get(variable)
    if kept:
        yield Path(kept)
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)


if __name__ == "__main__":
    raise SystemExit(main())
