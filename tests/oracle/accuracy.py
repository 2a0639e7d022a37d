"""Compare what abicheck says with what a target really did."""

from __future__ import annotations

import enum
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from tests.oracle.truth import Answer, Artifact, Kind, Question, Site

from abicheck.model import Failure, Prediction, Report, TargetProfile, Verdict
from abicheck.pipeline import check


class Outcome(enum.StrEnum):
    """How a prediction and an answer lie to each other."""

    AGREED = "agreed"
    MISSED = "missed"
    FALSE_ALARM = "false alarm"
    OTHER_MESSAGE = "message differs"
    UNCERTAIN = "uncertain"


class Failing(enum.StrEnum):
    """The classes of failure that are counted apart, by what the runtime said."""

    WRONG_TAG = "wrong tag"
    WRONG_MACHINE = "wrong machine"
    MISSING_LIBRARY = "missing library"
    MISSING_VERSION = "missing version"
    MISSING_SYMBOL = "missing symbol"
    LOADER = "other words of the loader"
    DEATH = "death"
    PYTHON = "Python-level consequence"


@dataclass(frozen=True, slots=True)
class Row:
    """One question: what was said before, and what happened."""

    artifact: str
    question: Question
    truth: Answer
    said: Answer | None
    """None where abicheck calls it uncertain."""
    outcome: Outcome


@dataclass(slots=True)
class Table:
    """The rows of one target."""

    target: str
    rows: list[Row] = field(default_factory=list)

    def count(self, outcome: Outcome) -> int:
        """Return how many rows have this outcome."""
        return sum(row.outcome is outcome for row in self.rows)

    def disagreements(self) -> tuple[Row, ...]:
        """Return the rows in which abicheck is wrong."""
        wrong = (Outcome.MISSED, Outcome.FALSE_ALARM, Outcome.OTHER_MESSAGE)
        return tuple(row for row in self.rows if row.outcome in wrong)


# --- one artifact ---


def compare(
    artifact: Artifact, report: Report, answers: Mapping[Question, Answer]
) -> Iterator[Row]:
    """Yield a row for each question that abicheck has an answer to, or should have."""
    said = _predictions(report)
    other_names = _other_names(report)
    for question, truth in answers.items():
        if question not in said:
            # Not listed as a module: right, unless it can be imported.
            if question.kind is Kind.OPEN or (truth.succeeded and question not in other_names):
                yield Row(artifact.name, question, truth, None, Outcome.MISSED)
            continue
        yield _row(artifact.name, question, truth, said[question])


def _row(artifact: str, question: Question, truth: Answer, said: Answer | None) -> Row:
    if said is None:
        outcome = Outcome.UNCERTAIN
    elif truth.succeeded:
        outcome = Outcome.AGREED if said.succeeded else Outcome.FALSE_ALARM
    elif said.succeeded:
        outcome = Outcome.MISSED
    else:
        outcome = Outcome.AGREED if said == truth else Outcome.OTHER_MESSAGE
    return Row(artifact, question, truth, said, outcome)


def _predictions(report: Report) -> dict[Question, Answer | None]:
    """Return what the report says, question by question; None for `uncertain`."""
    said: dict[Question, Answer | None] = {}
    for package in report.packages:
        said[Question(Kind.IMPORT, package.name)] = _imported(package.prediction)
    for thing in report.objects:
        halt = thing.alone
        opened = Answer() if halt is None else _as_answer(halt.failure)
        place = Question(Kind.OPEN, str(thing.location.path))
        said[place] = opened if halt is None or halt.certain else None
        if thing.module is not None and thing.prediction is not None:
            said[Question(Kind.IMPORT, thing.module)] = _imported(thing.prediction)
    if report.handler is not None:
        failure = report.handler.failure
        # What the runtime itself objects to, such as a built-in module, can be imported.
        refused = failure is not None and (failure.exception or "").startswith("Runtime.")
        answer = Answer() if refused else _imported(report.handler)
        said[Question(Kind.IMPORT, report.handler.module)] = answer
    return said


def _other_names(report: Report) -> set[Question]:
    """Return the names that modules have besides those by which the report lists them.

    Where a path file adds a folder of the artifact to sys.path, what lies in it has two.
    """
    suffixes = report.profile.interpreter.suffixes
    return {
        Question(Kind.IMPORT, ".".join((*place.parts[:-1], place.name.removesuffix(suffix))))
        for place in (thing.location.path for thing in report.objects if thing.module is not None)
        for suffix in suffixes
        if place.name.endswith(suffix)
    }


def _imported(prediction: Prediction) -> Answer | None:
    if prediction.verdict is Verdict.UNCERTAIN:
        return None
    return Answer() if prediction.failure is None else _as_answer(prediction.failure)


def _as_answer(failure: Failure) -> Answer:
    if failure.crash is not None:
        return Answer(crash=failure.crash, message=failure.stderr)
    return Answer(failure.exception, failure.message)


# --- a target ---


def measure(
    site: Site,
    profile: TargetProfile,
    artifacts: Iterable[tuple[Artifact, Path, str | None]],
    library_path: Sequence[str] = (),
) -> Table:
    """Ask a target about artifacts and compare; each comes with what abicheck is given.

    That is the folder or ZIP to check, and the handler's module or None.  `library_path`
    is LD_LIBRARY_PATH, in which `{task}` stands for the task root.
    """
    given = {artifact: (path, module) for artifact, path, module in artifacts}
    table = Table(site.name)
    answered = site.record(tuple(given), ":".join(library_path))
    with ThreadPoolExecutor(max_workers=1) as aside:
        # The target answers for the next artifact while this one is predicted.
        pending = aside.submit(next, answered, None)
        while (answer := pending.result()) is not None:
            pending = aside.submit(next, answered, None)
            artifact, answers = answer
            path, module = given[artifact]
            here = at_task_root(profile, site.task_root(artifact), library_path)
            report = check(path, here, handler=None if module is None else f"{module}.__class__")
            table.rows += compare(artifact, report, answers)
    return table


def at_task_root(profile: TargetProfile, task: str, library_path: Sequence[str]) -> TargetProfile:
    """Return the profile with another task root, first on sys.path, and LD_LIBRARY_PATH."""
    interpreter = profile.interpreter
    path = tuple(entry for entry in interpreter.path if entry != profile.task_root)
    return replace(
        profile,
        task_root=PurePosixPath(task),
        library_path=tuple(entry.format(task=task) for entry in library_path),
        interpreter=replace(interpreter, path=(PurePosixPath(task), *path)),
    )


# --- the table ---


def failing(row: Row) -> Failing:
    """Return the class of a failure, by what the runtime said."""
    message = row.truth.message or ""
    if row.truth.crash is not None:
        return Failing.DEATH
    if "version `" in message and "not found (required by" in message:
        return Failing.MISSING_VERSION
    if "undefined symbol: " in message:
        return Failing.MISSING_SYMBOL
    if message.endswith("cannot open shared object file: No such file or directory"):
        # glibc words a foreign machine like an absent file; only its path tells them apart.
        return Failing.WRONG_MACHINE if message.startswith("/") else Failing.MISSING_LIBRARY
    if "wrong ELF class" in message:
        return Failing.WRONG_MACHINE
    if re.search(r"No module named|unknown location|does not define module export", message):
        return Failing.WRONG_TAG
    if row.truth.exception == "ImportError" and re.match(r"[^ ]*: ", message):
        return Failing.LOADER
    return Failing.PYTHON


def template(row: Row) -> tuple[str, Failing, str]:
    """Return what makes two failures the same one: distribution, class, and the words."""
    words = re.sub(r"/[^ :']+|[`'][^']*'|: [A-Za-z_]\w*(?=,|$)", "…", row.truth.message or "")
    return row.artifact.partition(" ")[0], failing(row), words


def summary(tables: Sequence[Table]) -> str:
    """Return the table in Markdown: a line for each target, then one for each class."""
    lines = [
        "| target | questions | agreed | missed | false alarms | message differs | uncertain |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for table in tables:
        counts = (f"{table.count(outcome):,}" for outcome in Outcome)
        lines.append(f"| {table.target} | {len(table.rows):,} | {' | '.join(counts)} |")
    lines += ["", "| failure | cases | message equal |", "| --- | ---: | ---: |"]
    for kind, (equal, cases) in by_class(tables).items():
        lines.append(f"| {kind} | {cases:,} | {100 * equal / cases:.1f} % |")
    return "\n".join(lines)


def by_class(tables: Sequence[Table]) -> dict[Failing, tuple[int, int]]:
    """Return for each class how many failures were predicted in their words, of how many.

    Counted once for each target, distribution and wording; all its rows must be right.
    """
    wrong: dict[tuple[str, tuple[str, Failing, str]], bool] = {}
    for table in tables:
        for row in table.rows:
            if not row.truth.succeeded and row.outcome is not Outcome.UNCERTAIN:
                key = (table.target, template(row))
                wrong[key] = wrong.get(key, False) or row.outcome is not Outcome.AGREED
    cases = Counter(kind for _, (_, kind, _) in wrong)
    equal = Counter(kind for (_, (_, kind, _)), bad in wrong.items() if not bad)
    return {kind: (equal[kind], cases[kind]) for kind in Failing if cases[kind]}


def explain(table: Table) -> str:
    """Return every disagreement, with what was said and what happened."""
    return "\n".join(
        f"{table.target}: {row.artifact}: {row.question.kind} {row.question.subject}: {row.outcome}\n"
        f"    said      {row.said if row.said is not None else 'nothing'}\n"
        f"    happened  {row.truth}"
        for row in table.disagreements()
    )
