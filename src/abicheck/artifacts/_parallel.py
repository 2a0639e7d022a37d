"""Run a function over many small jobs on a few threads, results in order.

The work (inflate, CRC, reading files) releases the interpreter lock, so
threads use every core.  Small jobs travel in batches, because handing one
over costs more than inflating a kilobyte; large ones are bounded in number,
because their results wait in memory until the consumer has parsed them.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")

_BATCH: Final = 256 << 10
_IN_FLIGHT: Final = 32 << 20
_MAX_WORKERS: Final = 8


def in_order(work: Callable[[Job], Result], jobs: Iterable[tuple[Job, int]]) -> Iterator[Result]:
    """Yield `work(job)` for each (job, size in bytes), in the order given."""
    workers = min(_MAX_WORKERS, os.cpu_count() or 1)
    pool = ThreadPoolExecutor(max_workers=workers)
    waiting: deque[tuple[Future[list[Result]], int]] = deque()
    flying = 0

    def run(batch: list[Job]) -> list[Result]:
        return [work(job) for job in batch]

    try:
        for batch, size in _batches(jobs):
            while waiting and (flying + size > _IN_FLIGHT or len(waiting) > 4 * workers):
                future, landed = waiting.popleft()
                yield from future.result()
                flying -= landed
            waiting.append((pool.submit(run, batch), size))
            flying += size
        while waiting:
            yield from waiting.popleft()[0].result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _batches(jobs: Iterable[tuple[Job, int]]) -> Iterator[tuple[list[Job], int]]:
    batch: list[Job] = []
    size = 0
    for job, weight in jobs:
        batch.append(job)
        size += weight + 1024
        if size >= _BATCH:
            yield batch, size
            batch, size = [], 0
    if batch:
        yield batch, size
