"""Python modules that attack what imports them, and one that tells what it finds itself in."""

from __future__ import annotations

from typing import Final

INNOCENT: Final = "import os, json\nassert os.listdir('/tmp') == []\nopen('/tmp/x', 'w').close()\n"
FORK_BOMB: Final = """
import os
while True:
    os.fork()
"""
NEVER_ENDS: Final = """
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
"""
ENDLESS: Final = """
import sys
while True:
    sys.stdout.write("x" * 65536)
"""
FILLS: Final = """
with open("/tmp/full", "wb") as file:
    while True:
        file.write(bytes(1 << 20))
"""
HOGS: Final = """
held = []
while True:
    held.append(bytearray(64 << 20))
"""
KILLS: Final = """
import os, signal
for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
    os.kill(os.getppid(), number)
try:
    os.kill(-1, signal.SIGKILL)
except ProcessLookupError:
    pass
raise ValueError("still here, and so is", os.getppid())
"""
LOOKS_INTO: Final = """
import os
found = []
for path in ("/proc/1/mem", "/proc/1/fd/0", "/proc/1/fd/1", "/proc/1/environ", "/proc/1/maps"):
    try:
        open(path, "rb" if path.endswith(("environ", "maps")) else "r+b").close()
        found.append(path)
    except OSError:
        pass
raise ValueError(found)
"""
FORGES: Final = r"""
import json, os, struct, sys
lie = json.dumps({"nonce": "", "module": "innocent3", "result": "raised 1\nImportError\nforged",
                  "status": 0, "limit": None, "stderr": "", "accounting": "", "mark": "", "clean": True})
for stream in (1, 2, 3, 4, 5, 6):
    for line in (lie.encode() + b"\n", struct.pack(">BxxxL", 1, len(lie)) + lie.encode()):
        try:
            os.write(stream, line)
        except OSError:
            pass
for path in ("/proc/1/fd/1", "/dev/console", "/dev/tty", "/abicheck/driver.py"):
    try:
        with open(path, "w") as file:
            file.write(lie + "\n")
    except OSError:
        pass
raise ImportError("the truth")
"""
LIMITS: Final = """
import resource
resource.prlimit(1, resource.RLIMIT_NOFILE, (3, 3))
resource.prlimit(1, resource.RLIMIT_AS, (1 << 20, 1 << 20))
"""
STAYS: Final = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    while True:
        try:
            open("/tmp/x", "w").write("still here")
            os.kill(1, 9)
        except OSError:
            pass
"""
LEAVES: Final = """
import ctypes, os
ctypes.CDLL(None).shmget(0, 1 << 20, 0o1666)
for name in ("a", "b"):
    os.makedirs("/tmp/" + name + "/" + "/".join("d" * 200))
os.chmod("/tmp/a", 0)
"""
INSIDE: Final = """
import os, resource, socket

def refused(act):
    try:
        act()
    except OSError as error:
        return os.strerror(error.errno)

status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
raise ValueError({
    "caps": {name: int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")},
    "privileges": status["NoNewPrivs"].strip(),
    "seccomp": status["Seccomp"].strip(),
    "user": (os.getuid(), os.getgid(), os.getgroups() or [os.getgid()]),
    "root": refused(lambda: open("/x", "w")),
    "task": refused(lambda: open("/var/task/x", "w")),
    "lang": refused(lambda: os.chmod("/var/task/told.py", 0o777)),
    "interfaces": [name for _, name in socket.if_nameindex()],
    "shm": os.path.ismount("/dev/shm"),
    "core": resource.getrlimit(resource.RLIMIT_CORE),
    "files": resource.getrlimit(resource.RLIMIT_NOFILE),
    "tmp": os.statvfs("/tmp").f_blocks * os.statvfs("/tmp").f_frsize,
    "driver": refused(lambda: os.listdir("/proc/1/fd")),
    "writable": sorted({
        above for top in os.listdir("/") if top not in ("proc", "sys")
        for above, _, _ in os.walk("/" + top) if os.access(above, os.W_OK)
    }),
})
"""

FOUND_INSIDE: Final = {
    "caps": dict.fromkeys(("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"), 0),
    "interfaces": ["lo"],
    "privileges": "1",
    "seccomp": "2",
    "user": (993, 990, [990]),
    "root": "Read-only file system",
    "task": "Read-only file system",
    "lang": "Read-only file system",
    "shm": False,
    "core": (0, 0),
    "files": (1024, 1024),
    "tmp": 512 << 20,
    "writable": ["/dev/mqueue", "/tmp"],  # noqa: S108 - the container's; the limit of message queues is zero
    "driver": "Permission denied",
}
