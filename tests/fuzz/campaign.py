"""Fuzz targets one after the other, each until nothing new is found: `python -m tests.fuzz.campaign`.

    python -m tests.fuzz.campaign all --quiet-minutes 10 --minutes 60 --corpus FOLDER

A target's run ends when its coverage has not grown for so many minutes, when its time is
over, or with a crash.  One line tells what came of each: executions, edges covered,
minutes, and how long nothing new had come.  Exit status 1 where a target crashed.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from tests.fuzz.targets import TARGETS

_STATUS: Final = re.compile(r"^#(\d+)\t.*?cov: (\d+)")
_STOPPED: Final = re.compile(r"^==\d+== ?ERROR: (.*)|^(?:DEDUP_TOKEN|SUMMARY): (.*)")
_MINUTE: Final = 60.0


@dataclass(slots=True)
class Progress:
    """What libFuzzer has said so far; `grown` is when its coverage last grew."""

    began: float
    grown: float
    executions: int = 0
    coverage: int = 0
    stopped: str = ""

    def read(self, line: str) -> None:
        """Take one line of libFuzzer's into account."""
        status = _STATUS.match(line)
        if status is not None:
            self.executions = max(self.executions, int(status[1]))
            if int(status[2]) > self.coverage:
                self.coverage, self.grown = int(status[2]), time.monotonic()
        stopped = _STOPPED.match(line)
        if stopped is not None:
            self.stopped = (stopped[1] or stopped[2]).strip()

    def __str__(self) -> str:
        now = time.monotonic()
        end = f"; {self.stopped}" if self.stopped else ""
        return (
            f"{self.executions:,} executions, {self.coverage:,} edges, "
            f"{(now - self.began) / _MINUTE:.1f} minutes, "
            f"nothing new for {(now - self.grown) / _MINUTE:.1f}{end}"
        )


def fuzz(name: str, corpus: Path, *, minutes: float, quiet: float) -> tuple[Progress, int]:
    """Run one target; return what libFuzzer has said, and its exit status."""
    folder = corpus / name
    folder.mkdir(parents=True, exist_ok=True)
    options = [f"-max_total_time={int(minutes * _MINUTE)}", f"-artifact_prefix={corpus}/{name}-"]
    progress = Progress(time.monotonic(), time.monotonic())
    with (corpus / f"{name}.log").open("w", encoding="utf-8") as log:
        command = [sys.executable, "-m", "tests.fuzz.run", name, *options, str(folder)]
        with subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, encoding="utf-8", errors="replace"
        ) as process:
            assert process.stderr is not None
            ended = _follow(process.stderr, log, progress, quiet * _MINUTE)
            if ended:
                process.terminate()
        return progress, 0 if ended else process.returncode


def _follow(stream: IO[str], log: IO[str], progress: Progress, quiet: float) -> bool:
    """Read to the end, or until nothing new has come for so many seconds; say which it was."""
    for line in stream:
        log.write(line)
        progress.read(line)
        if time.monotonic() - progress.grown > quiet:
            return True
    return False


def main() -> int:
    """Fuzz what is asked for; exit status 1 where a target crashed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.campaign")
    parser.add_argument("names", nargs="+", choices=(*TARGETS, "all"))
    parser.add_argument("--minutes", type=float, default=60.0, help="of each target, at most")
    parser.add_argument("--quiet-minutes", type=float, default=10.0, help="without anything new")
    parser.add_argument("--corpus", type=Path, help="where inputs, crashes and logs are kept")
    arguments = parser.parse_args()
    corpus = arguments.corpus or Path(tempfile.mkdtemp(prefix="abicheck-fuzz-"))
    crashed = False
    for name in TARGETS if "all" in arguments.names else arguments.names:
        progress, status = fuzz(
            name, corpus, minutes=arguments.minutes, quiet=arguments.quiet_minutes
        )
        crashed |= status != 0
        sys.stdout.write(f"{name}: {progress}{f'; exit status {status}' if status else ''}\n")
        sys.stdout.flush()
    if crashed:
        sys.stdout.write(f"crashes are in {corpus}\n")
    return int(crashed)


if __name__ == "__main__":
    sys.exit(main())
