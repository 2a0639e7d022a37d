"""An artifact given as text, and what is said of an import of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final

from tests.factories import INTERPRETER

from abicheck.filesystem import Entry, Kind, Tree
from abicheck.model import Failure, Interpreter, Prediction, Verdict
from abicheck.python.simulate import Simulation

EXT: Final = ".cpython-313-x86_64-linux-gnu.so"
OLD: Final = ".cpython-311-x86_64-linux-gnu.so"

STDLIB: Final = frozenset(
    [
        "__future__",
        "contextlib",
        "copy",
        "ctypes",
        "functools",
        "glob",
        "importlib",
        "json",
        "operator",
        "os",
        "pathlib",
        "platform",
        "pkgutil",
        "struct",
        "sys",
        "sysconfig",
        "time",
        "tkinter",
        "typing",
        "warnings",
        "winreg",
    ]
)
PYTHON: Final[Interpreter] = replace(INTERPRETER, stdlib=STDLIB, shipped=frozenset({"boto3"}))

Files = Mapping[str, str]


class Loads:
    """A loader that fails as told, and remembers what it was asked."""

    def __init__(
        self,
        fails: Mapping[str, Failure],
        uncertain: AbstractSet[str],
        absent: AbstractSet[str] = frozenset(),
    ) -> None:
        self._fails = {f"/var/task/{path}": failure for path, failure in fails.items()}
        self._uncertain = {f"/var/task/{path}" for path in uncertain}
        self._absent = absent
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def extension(
        self, path: str, module: str, before: Sequence[str], everywhere: AbstractSet[str]
    ) -> Failure | None:
        del module, everywhere
        return self.library(path, before, frozenset())

    def library(
        self, path: str, before: Sequence[str], everywhere: AbstractSet[str]
    ) -> Failure | None:
        del everywhere
        self.asked.append((path, tuple(before)))
        return self._fails.get(path)

    def search(self, name: str, before: Sequence[str]) -> str | Failure:
        del before
        if name in self._absent:
            text = f"{name}: cannot open shared object file: No such file or directory"
            return Failure("ImportError", text)
        return f"/usr/lib64/{name}"

    def has_library(self, beginning: str) -> bool:
        return not any(name.startswith(beginning) for name in self._absent)

    def uncertain(self, path: str) -> bool:
        return path in self._uncertain


class Artifact:
    """A simulation of files given as text, and its loader."""

    def __init__(  # noqa: PLR0913 - each stands for one part of the outside
        self,
        files: Files,
        *,
        fails: Mapping[str, Failure] | None = None,
        uncertain: AbstractSet[str] = frozenset(),
        alone: bool = False,
        mentions: Mapping[str, Sequence[str]] | None = None,
        words: Mapping[str, bytes] | None = None,
        absent: AbstractSet[str] = frozenset(),
        python: Interpreter = PYTHON,
    ) -> None:
        data = {f"/var/task/{path}": text.encode() for path, text in files.items()}
        named = {f"/var/task/{path}": names for path, names in (mentions or {}).items()}
        strings = {f"/var/task/{path}": text for path, text in (words or {}).items()}
        self.loads = Loads(fails or {}, uncertain, absent)
        self.simulation = Simulation(
            Tree({path: Entry(Kind.FILE) for path in data}),
            data.get,
            python,
            self.loads,
            assume_missing_installed=alone,
            mentions=lambda path: named.get(path, ()),
            words=lambda path: strings.get(path, b""),
        )

    def predict(self, module: str) -> Prediction:
        return self.simulation.predict(module)

    def outcome(self, module: str) -> tuple[str, str | None] | str:
        """The class and text of the exception, or the verdict."""
        prediction = self.predict(module)
        failure = prediction.failure
        if prediction.verdict is Verdict.FAILS and failure is not None and failure.exception:
            return failure.exception, failure.message
        return str(prediction.verdict)


def importing(module: str, files: Files) -> tuple[str, str | None] | str:
    return Artifact(files).outcome(module)


def missing(text: str) -> tuple[str, str]:
    return "ModuleNotFoundError", f"No module named {text}"


def not_there(name: str, module: str, place: str) -> tuple[str, str]:
    return "ImportError", f"cannot import name {name!r} from {module!r} ({place})"


def circular(name: str, module: str, place: str) -> tuple[str, str]:
    return (
        "ImportError",
        (
            f"cannot import name {name!r} from partially initialized module {module!r} "
            f"(most likely due to a circular import) ({place})"
        ),
    )


TASK = "/var/task"
LOADS = "loads"


def doubted(artifact: Artifact, module: str) -> str | None:
    """What may be said of an import of which the outcome is not known."""
    prediction = artifact.predict(module)
    assert prediction.verdict is Verdict.UNCERTAIN
    assert prediction.failure is not None
    return prediction.failure.message
