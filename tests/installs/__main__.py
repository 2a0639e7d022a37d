"""Judge real installs, whole and broken: `python -m tests.installs [NAME…]`."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.installs.installing import LOCKS, PIP, UV
from tests.installs.judging import run


def main() -> int:
    """Print what is wrong; exit status 1 where anything is."""
    parser = argparse.ArgumentParser(prog="python -m tests.installs")
    parser.add_argument("names", nargs="*", choices=[[], *LOCKS], default=[])
    parser.add_argument("--examples", type=int, default=3, help="times each thing is broken")
    parser.add_argument("--uv", action="store_true", help="install by uv as well")
    arguments = parser.parse_args()
    wrong = 0
    for name in arguments.names or LOCKS:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="abicheck-installs-") as place:
            tally = run(
                [name], [PIP, UV] if arguments.uv else [PIP], arguments.examples, Path(place)
            )
        wrong += len(tally.wrong)
        ways = ", ".join(f"{count} {kind}" for kind, count in sorted(tally.broken.items()))
        took = time.monotonic() - began
        sys.stdout.write(
            f"{name}: {len(tally.wrong)} wrong; {ways}; silent {dict(tally.silent)}; {took:.0f} s\n"
        )
        sys.stdout.writelines(f"  {text}\n" for text in tally.wrong)
        sys.stdout.flush()
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
