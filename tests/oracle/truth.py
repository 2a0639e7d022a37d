"""What really happens: targets that run, and what they answer about an artifact.

A `Site` runs `recorder.py` with an interpreter of its own, here or in a container, and
returns one `Answer` for each `Question`.  Which questions an artifact raises is decided
here and not by abicheck, so that an object which abicheck overlooks is asked about too.
"""

from __future__ import annotations

import ast
import enum
import itertools
import os
import shutil
import signal
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

RECORDER: Final = Path(__file__).with_name("recorder.py")
LIMIT: Final = 60
"""Seconds that one import may take."""
_ASSERTION: Final = 127


class Kind(enum.StrEnum):
    """What is asked: `dlopen` of a file, or an import of a dotted name."""

    OPEN = "open"
    IMPORT = "import"


@dataclass(frozen=True, slots=True, order=True)
class Question:
    """One process: the file to open, relative to the task root, or the module to import."""

    kind: Kind
    subject: str


@dataclass(frozen=True, slots=True)
class Answer:
    """How the process ended: with nothing to say, with an exception, or by a death.

    `crash` is `SIGBUS` and its like, `exit 127` (then `message` is what the loader wrote to
    standard error), or `exit N` of an artifact's own making.
    """

    exception: str | None = None
    message: str | None = None
    crash: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether it loaded."""
        return self.exception is None and self.crash is None

    def __str__(self) -> str:
        if self.succeeded:
            return "loads"
        return ": ".join(filter(None, (self.exception or self.crash, self.message)))


@dataclass(frozen=True, slots=True)
class Artifact:
    """A folder that lies on a target, and the questions about it."""

    name: str
    folder: Path
    questions: tuple[Question, ...]


class Site(Protocol):
    """Somewhere an artifact's code can really be run."""

    name: str

    def task_root(self, artifact: Artifact) -> str:
        """Return where the artifact lies in the eyes of the target."""
        ...

    def record(
        self, artifacts: Sequence[Artifact], library_path: str
    ) -> Iterator[tuple[Artifact, Mapping[Question, Answer]]]:
        """Yield the answers of each artifact; `{task}` in the path is its task root."""
        ...


class Host:
    """The loader of the machine that asks, under an interpreter of it."""

    def __init__(self, python: str = sys.executable) -> None:
        self.name = "host"
        self._python = python

    def task_root(self, artifact: Artifact) -> str:
        """Return the folder itself."""
        return str(artifact.folder)

    def record(
        self, artifacts: Sequence[Artifact], library_path: str
    ) -> Iterator[tuple[Artifact, Mapping[Question, Answer]]]:
        """Run the recorder in a child process."""
        command = [*_without_privileges(), self._python, "-B", str(RECORDER)]
        return _converse(command, [(a, self.task_root(a)) for a in artifacts], library_path)


class Container:
    """A container of an image that the local engine has."""

    def __init__(self, name: str, image: str, shelf: Path, python: str = "python3") -> None:
        """Take the artifacts from `shelf`, the folder that holds the folder of each."""
        self.name = name
        self._image = image
        self._shelf = shelf
        self._python = python

    def task_root(self, artifact: Artifact) -> str:
        """Return where the shelf is mounted, and the artifact's place on it."""
        return f"/shelf/{artifact.folder.relative_to(self._shelf)}"

    def record(
        self, artifacts: Sequence[Artifact], library_path: str
    ) -> Iterator[tuple[Artifact, Mapping[Question, Answer]]]:
        """Run the recorder in one container for all of them."""
        command = ["docker", "run", "--rm", "--interactive", "--network=none", "--cap-drop=ALL"]
        command += [
            "--user=993:990",
            "--read-only",
            "--tmpfs=/tmp",
            "--security-opt=no-new-privileges",
        ]
        command += [f"--volume={self._shelf}:/shelf:ro", f"--volume={RECORDER}:/recorder.py:ro"]
        command += [self._image, self._python, "-X", "pycache_prefix=/tmp/bytecode", "/recorder.py"]
        return _converse(command, [(a, self.task_root(a)) for a in artifacts], library_path)


def _without_privileges() -> list[str]:
    """Return the command before a command that keeps root from reading what nobody may."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        reason = "root may read every file: setpriv (util-linux) is needed to give that up"
        raise RuntimeError(reason)
    return [setpriv, "--bounding-set=-all", "--inh-caps=-all"]


def _converse(
    command: Sequence[str], artifacts: Sequence[tuple[Artifact, str]], library_path: str
) -> Iterator[tuple[Artifact, Mapping[Question, Answer]]]:
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        if process.stdin is None or process.stdout is None:  # both were asked for
            raise AssertionError
        for artifact, task in artifacts:
            asked = [(str(q.kind), _subject(q, task)) for q in artifact.questions]
            path = library_path.format(task=task)
            process.stdin.write(ascii((task, path, LIMIT, asked)) + "\n")
            process.stdin.flush()
            lines = list(itertools.takewhile(lambda line: line != "done\n", process.stdout))
            if len(lines) != len(asked):
                reason = f"{artifact.name}: {len(lines)} answers to {len(asked)} questions"
                raise RuntimeError(reason)
            said = dict(map(_parse, lines))
            questions = zip(artifact.questions, asked, strict=True)
            yield artifact, {question: said[words] for question, words in questions}


def _subject(question: Question, task: str) -> str:
    return f"{task}/{question.subject}" if question.kind is Kind.OPEN else question.subject


def _parse(line: str) -> tuple[tuple[str, str], Answer]:
    kind, subject, exception, message, status, stderr = ast.literal_eval(line)
    asked = (kind, subject)
    if os.WIFSIGNALED(status):
        return asked, Answer(crash=signal.Signals(os.WTERMSIG(status)).name)
    code = os.WEXITSTATUS(status)
    if code:
        words = stderr.strip() if code == _ASSERTION else None
        return asked, Answer(crash=f"exit {code}", message=words)
    return asked, Answer(exception, message)


# --- what to ask ---


def questions_about(folder: Path, suffixes: Sequence[str], *modules: str) -> tuple[Question, ...]:
    """Return every shared object to be opened, and every module and package to be imported.

    `suffixes` are those of the target's extension modules; `modules` are asked for besides.
    """
    opened = []
    imported = dict.fromkeys(modules)
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        inner = path.relative_to(folder)
        if not path.is_symlink() and _is_object(path):
            opened.append(inner.as_posix())
        imported.update(dict.fromkeys(_modules(inner, suffixes)))
    return (
        *(Question(Kind.OPEN, path) for path in opened),
        *(Question(Kind.IMPORT, module) for module in imported),
    )


def _is_object(path: Path) -> bool:
    """Whether a loader could be given the file: by its name, or by its first bytes."""
    if path.name.endswith(".so") or ".so." in path.name:
        return True
    try:
        with path.open("rb") as file:
            return file.read(4) == b"\x7fELF"
    except OSError:  # nobody may read it, or the link leads nowhere
        return False


def _modules(path: Path, suffixes: Sequence[str]) -> Iterable[str]:
    """Yield the module that a file is, where it is an extension or lies at the top."""
    parents = path.parts[:-1]
    if not all(part.isidentifier() for part in parents):
        return
    for suffix in suffixes:
        if path.name.endswith(suffix):
            name = path.name.removesuffix(suffix)
            yield ".".join((*parents, *([name] if name != "__init__" else [])))
            break
    if path.suffix == ".py":
        top = parents[0] if parents else path.stem
        if top.isidentifier() and top != "__init__":
            yield top


# --- putting artifacts where they can be run ---


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack a ZIP with the modes it gives, and return the folder.

    What others may not read nobody may: Lambda runs a function as a user who owns none of
    its files, and whoever runs this owns them all.
    """
    modes: list[tuple[Path, int]] = []
    folder.mkdir(parents=True)
    with zipfile.ZipFile(archive) as members:
        for info in members.infolist():
            mode = info.external_attr >> 16
            path = folder / info.filename
            path.parent.mkdir(parents=True, exist_ok=True)
            if stat.S_ISLNK(mode):
                path.symlink_to(members.read(info).decode())
                continue
            if info.is_dir():
                path.mkdir(exist_ok=True)
            else:
                path.write_bytes(members.read(info))
            modes.append((path, mode))
    for path, mode in reversed(modes):
        others = mode & stat.S_IRWXO
        path.chmod(others << 6 | others << 3 | others | stat.S_IWUSR)
    return folder


def retag(archive: Path, copy: Path, one: str, other: str) -> Path:
    """Copy a ZIP, with two parts of its members' names exchanged."""
    with zipfile.ZipFile(archive) as members, zipfile.ZipFile(copy, "w") as out:
        for info in members.infolist():
            data = members.read(info)
            first, *rest = info.filename.split(one)
            info.filename = other.join(part.replace(other, one) for part in (first, *rest))
            out.writestr(info, data)
    return copy
