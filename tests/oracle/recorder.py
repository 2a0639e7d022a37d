"""Record, inside a target, what its loader and its importer really do.

    python3 -B recorder.py < GROUPS > ANSWERS

A group is one artifact: where it lies, the LD_LIBRARY_PATH it runs with, and the questions
about it.  Each question is answered in a process of its own, forked from one that has
started and imported nothing else, so that no answer depends on another.  Both streams hold
one Python literal a line: the json module would itself load an extension.

With `-X pycache_prefix=FOLDER` bytecode is kept there, and never beside the sources.
Runs on any CPython from 3.8 on, also where nothing but the interpreter is installed: it
imports only what every start of Python imports, and what is written in Python.
"""

from __future__ import annotations

import _imp
import importlib
import os
import signal
import site
import sys
from contextlib import suppress
from importlib.machinery import ModuleSpec

_PROBE = "abicheck_probe"
# No object has this init function: a load that comes this far has succeeded.
_LOADED = f"dynamic module does not define module export function (PyInit_{_PROBE})"
_STDERR = 2000


def main() -> None:
    """Start a process for each group: LD_LIBRARY_PATH is read once, when a process starts."""
    if len(sys.argv) > 1:
        task, limit, questions = eval(sys.stdin.read())  # noqa: S307 - the harness's own words
        answer_group(task, limit, questions)
        return
    for line in sys.stdin:
        task, library_path, limit, questions = eval(line)  # noqa: S307 - as above
        _run_apart(repr((task, limit, questions)), library_path)
        sys.stdout.write("done\n")
        sys.stdout.flush()


def _run_apart(group: str, library_path: str) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        os.dup2(reading, 0)
        environment = {"LANG": "C.UTF-8", "HOME": "/nonexistent", "PATH": os.defpath}
        if library_path:
            environment["LD_LIBRARY_PATH"] = library_path
        cache = sys.pycache_prefix
        kept = ["-B"] if cache is None else ["-X", f"pycache_prefix={cache}"]
        command = [sys.executable, *kept, __file__, "group"]
        os.execve(sys.executable, command, environment)  # noqa: S606 - no shell is wanted
    os.close(reading)
    with open(writing, "w", encoding="utf-8") as stream:  # noqa: PTH123 - a descriptor
        stream.write(group)
    os.waitpid(child, 0)


def answer_group(task: str, limit: int, questions: list[tuple[str, str]]) -> None:
    """Answer every question about the artifact at `task`, `limit` seconds each at most.

    As many at a time as there are processors, in the order in which they end.
    """
    os.chdir(task)
    sys.path[0] = task  # where the interpreter has put this script's own folder
    sys.argv = [""]
    running: dict[int, tuple[str, str, int, int]] = {}
    for kind, subject in questions:
        if len(running) >= (os.cpu_count() or 1):
            _report(running)
        child, said, errors = _ask(kind, subject, task, limit)
        running[child] = (kind, subject, said, errors)
    while running:
        _report(running)


def _ask(kind: str, subject: str, task: str, limit: int) -> tuple[int, int, int]:
    """Start the process of one question; return it, and where it leaves what it has to say."""
    said = os.memfd_create("said")
    errors = os.memfd_create("errors")
    child = os.fork()
    if child == 0:
        os.setsid()
        os.dup2(errors, 1)
        os.dup2(errors, 2)
        signal.alarm(limit)
        found = None
        try:
            if kind == "open":
                _open(subject)
            else:
                # As Lambda's bootstrap does: the task root is a site directory as well.
                site.addsitedir(task)
                importlib.import_module(subject)
        except BaseException as error:  # noqa: BLE001 - whatever leaves the import is the answer
            found = (type(error).__name__, str(error))
        os.write(said, ascii(found).encode())
        os._exit(0)
    return child, said, errors


def _report(running: dict[int, tuple[str, str, int, int]]) -> None:
    """Wait for one process, and write what it was asked, exception, message, status, stderr."""
    child, status = os.wait()
    kind, subject, said, errors = running.pop(child)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # what it started must not outlive it
    text = _content(said)
    stderr = _content(errors)[-_STDERR:].decode("utf-8", "replace")
    exception, message = (eval(text) if text else None) or (None, None)  # noqa: S307 - written above
    answer = (kind, subject, exception, message, status, stderr)
    sys.stdout.write(ascii(answer) + "\n")
    sys.stdout.flush()


def _open(path: str) -> None:
    """Open a shared object as CPython opens an extension, and execute no init function.

    ctypes would do as well, but it brings libffi into the process first.
    """
    try:
        _imp.create_dynamic(ModuleSpec(_PROBE, None, origin=path))
    except ImportError as error:
        if str(error) != _LOADED:
            raise


def _content(descriptor: int) -> bytes:
    os.lseek(descriptor, 0, os.SEEK_SET)
    with open(descriptor, "rb") as stream:
        return stream.read()


main()
