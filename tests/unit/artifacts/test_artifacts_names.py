"""What a member may be called, and the order in which work is handed back."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from abicheck.artifacts._names import check_name
from abicheck.artifacts._parallel import in_order
from abicheck.model import Irregular


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("handler.py", None),
        ("pkg/__init__.py", None),
        ("./handler.py", None),
        ("a..b/..c/d..", None),
        ("módulo.py", None),
        (" ", None),
        ("", Irregular.BAD_NAME),
        ("a\0.py", Irregular.BAD_NAME),
        ("a" * 101, Irregular.BAD_NAME),
        ("/handler.py", Irregular.CLIMBS_OUT),
        ("//handler.py", Irregular.CLIMBS_OUT),
        ("C:/handler.py", Irregular.CLIMBS_OUT),
        ("c:\\handler.py", Irregular.CLIMBS_OUT),
        ("..", Irregular.CLIMBS_OUT),
        ("../handler.py", Irregular.CLIMBS_OUT),
        ("a/../../handler.py", Irregular.CLIMBS_OUT),
        ("a/..", Irregular.CLIMBS_OUT),
        ("..\\handler.py", Irregular.CLIMBS_OUT),
        ("a\\..\\..\\handler.py", Irregular.CLIMBS_OUT),
        ("a\\handler.py", Irregular.BACKSLASH),
    ],
)
def test_what_is_wrong_with_a_name(name: str, kind: Irregular | None) -> None:
    """A name is hostile until it has been looked at; a backslash is only odd."""
    fault = check_name(name, 100)

    assert (fault and fault[0]) == kind


@pytest.mark.parametrize("weight", [0, 1, 10_000, 300_000, 40 << 20])
def test_results_come_in_the_order_of_the_jobs(weight: int) -> None:
    """Batched or alone, whichever thread is done first."""
    jobs = [(number, weight) for number in range(300)]

    assert list(in_order(lambda job: job * 2, jobs)) == [number * 2 for number, _ in jobs]


def test_jobs_are_taken_as_they_are_needed() -> None:
    """Results wait in memory, so what is in flight is bounded: some 32 MiB."""
    taken = 0

    def jobs() -> Iterator[tuple[int, int]]:
        nonlocal taken
        for number in range(1000):
            taken += 1
            yield number, 16 << 20

    results = in_order(lambda job: job, jobs())
    next(results)

    assert taken < 10


def test_a_job_that_fails_ends_the_work() -> None:
    """The exception is the caller's to meet, in its turn."""

    def work(job: int) -> int:
        if job == 3:
            reason = "the third"
            raise KeyError(reason)
        return job

    results = in_order(work, [(number, 1 << 20) for number in range(10)])

    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(KeyError, match="the third"):
        next(results)


def test_no_thread_is_left_behind() -> None:
    """Also where the consumer loses interest."""
    before = threading.active_count()
    results = in_order(lambda job: job, [(number, 1 << 20) for number in range(100)])
    next(results)
    del results

    assert threading.active_count() == before
