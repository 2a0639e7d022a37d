"""Run one command and say what it took: `python -I meter.py RESULT COMMAND...`.

A process of its own, and a small one: what Linux says of the memory of a child counts that
of the process that started it, and a test run is large.  The result is JSON: the exit
status, processor seconds, and the largest resident memory in bytes.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys

SECONDS = 300  # on the clock: what hangs is waited for no longer, however busy the machine is
PROCESSOR = 20


def main() -> None:
    """Run the command; kill it when it does not end."""
    result, *command = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR, PROCESSOR))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    process = subprocess.Popen(command)
    signal.signal(signal.SIGALRM, lambda *_: process.kill())
    signal.alarm(SECONDS)
    _, status, usage = os.wait4(process.pid, 0)
    unit = 1 if sys.platform == "darwin" else 1024
    with open(result, "w", encoding="utf-8") as file:  # noqa: PTH123 - imports little
        json.dump(
            {
                "status": os.waitstatus_to_exitcode(status),
                "seconds": usage.ru_utime + usage.ru_stime,
                "bytes": usage.ru_maxrss * unit,
            },
            file,
        )


main()
