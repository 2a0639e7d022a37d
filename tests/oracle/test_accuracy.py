"""The harness itself: it counts as it should, and a broken rule makes it fail."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from tests.oracle import __main__ as command
from tests.oracle.accuracy import Failing, Outcome, Row, Table, by_class, failing, summary
from tests.oracle.cases import CASES
from tests.oracle.runs import recorded
from tests.oracle.truth import Answer, Kind, Question

from abicheck.loader import _open
from abicheck.model import Halt

LOADS = Answer()
REFUSED = Answer("ImportError", "/t/mod.so: file too short")


def a_row(truth: Answer, said: Answer | None, outcome: Outcome) -> Row:
    return Row("pkg", Question(Kind.OPEN, "mod.so"), truth, said, outcome)


# --- counting ---


@pytest.mark.parametrize(
    ("exception", "message", "expected"),
    [
        ("ModuleNotFoundError", "No module named 'a.b'", Failing.WRONG_TAG),
        ("ImportError", "cannot import name 'x' from 'a' (unknown location)", Failing.WRONG_TAG),
        (
            "ImportError",
            "/t/a.so: cannot open shared object file: No such file or directory",
            Failing.WRONG_MACHINE,
        ),
        ("ImportError", "/t/a.so: wrong ELF class: ELFCLASS32", Failing.WRONG_MACHINE),
        (
            "ImportError",
            "liba.so.1: cannot open shared object file: No such file or directory",
            Failing.MISSING_LIBRARY,
        ),
        (
            "ImportError",
            "/lib64/libc.so.6: version `GLIBC_2.38' not found (required by /t/a.so)",
            Failing.MISSING_VERSION,
        ),
        ("ImportError", "/t/a.so: undefined symbol: f", Failing.MISSING_SYMBOL),
        ("ImportError", "/t/a.so: file too short", Failing.LOADER),
        ("RuntimeError", "no", Failing.PYTHON),
    ],
)
def test_a_failure_is_of_the_class_that_its_words_tell(
    exception: str, message: str, expected: Failing
) -> None:
    assert failing(a_row(Answer(exception, message), None, Outcome.MISSED)) is expected


def test_one_wording_of_one_distribution_counts_once_and_all_of_it_must_be_right() -> None:
    right = a_row(REFUSED, REFUSED, Outcome.AGREED)
    wrong = a_row(REFUSED, LOADS, Outcome.MISSED)

    assert by_class([Table("t", [right, right])]) == {Failing.LOADER: (1, 1)}
    assert by_class([Table("t", [right, wrong])]) == {Failing.LOADER: (0, 1)}


def test_the_table_has_a_line_for_each_target() -> None:
    table = Table("a target", [a_row(LOADS, LOADS, Outcome.AGREED)] * 1200)

    assert "| a target | 1,200 | 1,200 | 0 | 0 | 0 | 0 |" in summary([table]).splitlines()


# --- what glibc 2.34 answered when the fixtures were made ---


def test_every_recorded_answer_is_predicted() -> None:
    table = recorded()

    assert table.disagreements() == ()
    assert len(table.rows) > 250


# --- a rule that is broken ---


def _versions_last(self: _open._Opening, halt: Halt) -> None:
    """As if versions were checked after symbols: what is found later counts for more."""
    self._halt = halt


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's loader runs on Linux alone")
@pytest.mark.parametrize(
    ("function", "broken", "case", "outcome"),
    [
        (
            "_stop",
            _versions_last,
            "missing-version-before-missing-symbol",
            Outcome.OTHER_MESSAGE,
        ),
        ("_bind", lambda *_, **__: None, "undefined-function", Outcome.MISSED),
    ],
)
def test_a_broken_rule_makes_the_harness_fail(  # noqa: PLR0913, PLR0917 - pytest's arguments
    function: str,
    broken: Callable[..., None],
    case: str,
    outcome: Outcome,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The exit status is 1, and the disagreement is told."""
    monkeypatch.setattr(f"abicheck.loader._open._Opening.{function}", broken)
    monkeypatch.setattr("tests.oracle.cases.CASES", {case: CASES[case]})
    monkeypatch.setattr(sys, "argv", ["oracle", "--host"])

    assert command.main() == 1
    assert str(outcome) in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["--debian"], ["--wheels"], ["--host", "--only", "x"]])
def test_a_run_that_would_show_nothing_is_refused(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["oracle", *arguments])

    with pytest.raises(SystemExit) as left:
        command.main()

    assert left.value.code == 2
