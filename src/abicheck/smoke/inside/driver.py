"""The first process of the container: starts one import after the other, and tells of each.

Speaks JSON, one object a line: the first line that it is given are its settings, every
other is one import; the first that it gives says what it is, every other how one ended.
It ends when its standard input does, and the container with it.

As process 1 it cannot be killed from inside, every orphan becomes its child, and what an
import leaves behind is gone before the next one begins.  What cannot be cleaned up is
told, and so is everything about this process that another one of its user could change.
"""

from __future__ import annotations

import json
import os
import resource
import select
import shutil
import signal
import sys
import time
from typing import Any, Iterator

_CHILD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "child.py")
_SCRATCH = "/tmp"  # noqa: S108 - the container's own, and the only place that can be written
_IPC = ("/proc/sysvipc/shm", "/proc/sysvipc/sem", "/proc/sysvipc/msg")
_COUNTERS = {
    # The kernel's own, by the second version of its control groups and by the first.
    "memory": (
        ("/sys/fs/cgroup/memory.events", "oom_kill"),
        ("/sys/fs/cgroup/memory/memory.oom_control", "oom_kill"),
    ),
    "processes": (
        ("/sys/fs/cgroup/pids.events", "max"),
        ("/sys/fs/cgroup/pids/pids.events", "max"),
    ),
}
_LIMITS = sorted({getattr(resource, n) for n in dir(resource) if n.startswith("RLIMIT_")})
_PR_SET_DUMPABLE = 4
_CHUNK = 64 << 10
_ACCOUNTING = 4 << 20  # of CPython's lines; some fifty thousand
_TAIL = 8 << 10
_RESULT = 256 << 10
_GRACE = 5.0
_POLL = 0.05
_PAGE = 4096
_NEVER_STARTED = 126


class Errors:
    """What a child writes to standard error from the mark on: its beginning and its end."""

    def __init__(self, mark: bytes) -> None:
        self._mark = mark
        self._before = b""
        self._begun = False
        self.head = bytearray()
        self.tail = b""

    def take(self, data: bytes) -> None:
        """Keep of some more what is worth it."""
        if not self._begun:
            self._before = (self._before + data)[-2 * _CHUNK :]
            _, found, data = self._before.partition(self._mark)
            self.tail = self._before[-_TAIL:]
            if not found:
                return
            self._begun, self._before, self.tail = True, b"", b""
        self.head += data[: max(0, _ACCOUNTING - len(self.head))]
        self.tail = (self.tail + data)[-_TAIL:]


class Child:
    """The process of one import, and what has been read of it."""

    def __init__(self, settings: dict[str, Any], asked: dict[str, Any]) -> None:
        self.mark = b"\n%s\n" % os.urandom(16).hex().encode()
        self.errors = Errors(self.mark)
        self.result = b""
        self.printed = 0
        self.status: int | None = None
        pipes = [os.pipe() for _ in range(3)]
        ours, theirs = [pipe[0] for pipe in pipes], [pipe[1] for pipe in pipes]
        command = [sys.executable, *(["-X", "importtime"] if asked["timed"] else [])]
        command += [_CHILD, asked["module"], settings["task_root"], self.mark.strip().decode()]
        command += ["\n".join(settings["path"]), "\n".join(settings["preloaded"])]
        self.pid = os.fork()
        if self.pid == 0:
            _become(command, settings, theirs)
        for descriptor in theirs:
            os.close(descriptor)
        for descriptor in ours:
            os.set_blocking(descriptor, False)
        self.output, self.said = ours[:2], ours[2]
        self.open = set(ours)

    def read(self, wait: float) -> None:
        """Take what has come, and wait for it if nothing has; know afterwards if it lives."""
        ready, _, _ = select.select(list(self.open), [], [], wait)
        for descriptor in ready:
            self._take(descriptor)
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = status if pid else None

    def drain(self) -> None:
        """Take what is left, once nobody writes any more, and close everything."""
        for descriptor in list(self.open):
            while self._take(descriptor):
                pass
        for descriptor in (*self.output, self.said):
            os.close(descriptor)

    def _take(self, descriptor: int) -> bool:
        try:
            data = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self.open.discard(descriptor)
            return False
        if descriptor == self.said:
            self.result = (self.result + data)[:_RESULT]
        else:
            self.printed += len(data)
            if descriptor == self.output[1]:
                self.errors.take(data)
        return True


def _become(command: list[str], settings: dict[str, Any], pipes: list[int]) -> None:
    """Turn the forked process into the child: pipes on 1 to 3, and nothing else that is ours."""
    try:
        os.setsid()
        high = [os.dup2(pipe, 100 + number) for number, pipe in enumerate(pipes)]
        for number, descriptor in enumerate(high, start=1):
            os.dup2(descriptor, number)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.closerange(4, 256)
        os.chdir(settings["task_root"])
        os.execve(sys.executable, command, settings["environment"])  # noqa: S606 - no shell is wanted
    except BaseException as error:  # noqa: BLE001 - there is nobody else to tell
        os.write(2, str(error).encode())
    os._exit(_NEVER_STARTED)


class Driver:
    """What the settings say, and what must be the same after every import."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self._unchanged = _own_state()

    def import_one(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Import one module in a process of its own, and return how that ended."""
        before = {name: _count(*places) for name, places in _COUNTERS.items()}
        child = Child(self._settings, asked)
        limit = self._watch(child, asked["timeout"])
        full = _is_full()
        gone = _kill_everything(child)
        child.drain()
        if limit is None:
            for name, places in _COUNTERS.items():
                if _count(*places) > before[name]:
                    limit = name
        return {
            "module": asked["module"],
            "limit": limit or ("scratch" if full else None),
            "status": child.status,
            "result": child.result.decode("latin-1"),
            "stderr": child.errors.tail.decode("latin-1"),
            "accounting": child.errors.head.decode("latin-1") if asked["timed"] else "",
            "mark": child.mark.decode(),
            "clean": gone and _wipe() and _own_state() == self._unchanged,
        }

    def _watch(self, child: Child, timeout: float) -> str | None:
        """Read until the child has ended, and return the limit that was met first, if any."""
        deadline = time.monotonic() + timeout
        while child.status is None:
            left = deadline - time.monotonic()
            if left <= 0:
                return "time"
            if child.printed > self._settings["output"]:
                return "output"
            if child.open:
                # Its end closes the pipes, unless another process has them too.
                child.read(min(left, _POLL))
            else:
                time.sleep(min(left, _POLL / 10))
                child.read(0)
        return None


def _kill_everything(child: Child) -> bool:
    """Kill every process but this one; return whether none is left."""
    deadline = time.monotonic() + _GRACE
    while time.monotonic() < deadline:
        try:
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            pass
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return True
        if pid == child.pid and child.status is None:
            child.status = status
        if not pid:
            time.sleep(0.001)
    return False


def _wipe() -> bool:
    """Empty what can be written to; return whether nothing is left."""
    try:
        for entry in list(os.scandir(_SCRATCH)):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)
        return not os.listdir(_SCRATCH) and not any(_rows(path) for path in _IPC)
    except (OSError, RecursionError):
        return False


def _is_full() -> bool:
    status = os.statvfs(_SCRATCH)
    return status.f_bavail * status.f_frsize < _PAGE or (status.f_files > 0 == status.f_favail)


def _rows(path: str) -> list[str]:
    """Return what a table of the kernel's has below its head line."""
    try:
        with open(path) as file:
            return file.read().splitlines()[1:]
    except FileNotFoundError:
        return []


def _count(*places: tuple[str, str]) -> int:
    """Return a counter of the kernel's; 0 where it is not shown."""
    for path, key in places:
        try:
            with open(path) as file:
                rows = dict(line.split() for line in file)
        except (OSError, ValueError):
            continue
        if key in rows:
            return int(rows[key])
    return 0


def _own_state() -> tuple[object, ...]:
    """Return all that a process of the same user may change about this one."""
    return (
        [resource.getrlimit(limit) for limit in _LIMITS],
        os.getpriority(os.PRIO_PROCESS, 0),
        os.sched_getscheduler(0),
        os.sched_getaffinity(0),
        os.getpgid(0),
    )


def _hide() -> bool:
    """Close this process to those of the same user; return whether that was possible."""
    try:
        import ctypes  # noqa: PLC0415 - an image may have been stripped of it

        status: int = ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        return False
    return status == 0


def _lines() -> Iterator[dict[str, Any]]:
    waiting = b""
    while True:
        data = os.read(0, _CHUNK)
        if not data:
            return
        *whole, waiting = (waiting + data).split(b"\n")
        for line in whole:
            yield json.loads(line)


def _tell(nonce: str, words: dict[str, Any]) -> None:
    rest = json.dumps({"nonce": nonce, **words}).encode() + b"\n"
    while rest:
        rest = rest[os.write(1, rest) :]


def main() -> None:
    """Answer until nobody asks any more."""
    # Process 1 gets no signal that it has not asked for, and Python asks for this one.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    hidden = _hide() and os.getpid() == 1
    lines = _lines()
    settings = next(lines, None)
    if settings is None:
        return
    driver = Driver(settings)
    _tell(settings["nonce"], {"python": list(sys.version_info[:3]), "hidden": hidden})
    for asked in lines:
        _tell(settings["nonce"], driver.import_one(asked))


main()
