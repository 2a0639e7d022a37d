"""Two commands in turn, each as a whole process: wall time, processor time, memory."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

_SAMPLE = 0.01  # seconds between two looks at the memory of a tree of processes


@dataclass(frozen=True, slots=True)
class Command:
    """What is run, and with which exit statuses it has done its work."""

    words: Sequence[str]
    statuses: frozenset[int] = frozenset({0})
    environment: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One run: seconds by the clock and of processors, and the largest process in bytes."""

    wall: float
    cpu: float
    peak: int


@dataclass(frozen=True, slots=True)
class Pair:
    """Runs of two commands, in turn: A B A B …; `sum` is the memory of all processes of A."""

    first: tuple[Run, ...]
    second: tuple[Run, ...]
    sum: int

    @property
    def wall(self) -> float:
        """The median of the ratios by the clock, one for each two neighbours."""
        return median(a.wall / b.wall for a, b in zip(self.first, self.second, strict=True))

    @property
    def cpu(self) -> float:
        """The median of the ratios of processor time."""
        return median(a.cpu / b.cpu for a, b in zip(self.first, self.second, strict=True))


def pair(first: Command, second: Command, runs: int) -> Pair:
    """Run two commands `runs` times in turn, after one run each that does not count."""
    together = _sum(first)
    run(second)
    ran = [(run(first), run(second)) for _ in range(runs)]
    return Pair(tuple(a for a, _ in ran), tuple(b for _, b in ran), together)


def times(command: Command, runs: int) -> tuple[Run, ...]:
    """Run one command several times, after one run that does not count."""
    run(command)
    return tuple(run(command) for _ in range(runs))


def run(command: Command) -> Run:
    """Run a command once; what it prints is thrown away."""
    process, start = _start(command), time.perf_counter()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    _accept(command, process.returncode)
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def _start(command: Command) -> subprocess.Popen[bytes]:
    null = subprocess.DEVNULL
    return subprocess.Popen(
        command.words, stdin=null, stdout=null, stderr=null, env=command.environment
    )


def _accept(command: Command, status: int) -> None:
    if status not in command.statuses:
        reason = f"{' '.join(command.words)}: exit status {status}"
        raise SystemExit(reason)


def _sum(command: Command) -> int:
    """Return the largest sum of the resident memory of a command and all that it starts."""
    process = _start(command)
    most = 0
    done = threading.Event()

    def look() -> None:
        nonlocal most
        while not done.wait(_SAMPLE):
            most = max(most, sum(map(_resident, _tree(process.pid))))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        _accept(command, process.wait())
    finally:
        done.set()
        watcher.join()
    return most


def _tree(pid: int) -> list[int]:
    """Return a process and its descendants, as Linux lists them."""
    found = [pid]
    for each in found:
        for tasks in Path(f"/proc/{each}/task").glob("*/children"):
            try:
                found += map(int, tasks.read_text(encoding="ascii").split())
            except OSError:  # it has ended meanwhile
                continue
    return found


def _resident(pid: int) -> int:
    try:
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    except (OSError, IndexError):  # it has ended meanwhile
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
