"""Import one module, and say on descriptor 3 how that ended.

    python child.py MODULE TASK_ROOT MARK PATHS PRELOADED

`PATHS` and `PRELOADED` are lists with a line feed between their items.  Imports only
what every start of Python has imported, so that the process is as fresh as it can be.
`MARK` on standard error is where the import begins, and where it ends.
"""

from __future__ import annotations

import importlib
import os
import site
import sys
import time

RESULT = 3
_LONGEST = 64 << 10


def main() -> None:
    """Do what Lambda's bootstrap does before a handler's module is imported, then that."""
    module, task_root, mark, paths, preloaded = sys.argv[1:]
    sys.argv = [""]
    sys.path.pop(0)  # this script's own folder
    os.set_inheritable(RESULT, False)  # noqa: FBT003 - takes no keyword
    # Where memory ends, this process is to be killed and not the one that tells of it.
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")
    for name in filter(None, preloaded.split("\n")):
        _preload(name)
    own = list(sys.path)
    # The artifact stands first; what the interpreter adds of itself must not be lost.
    sys.path[:] = list(dict.fromkeys([*filter(None, paths.split("\n")), *own]))
    line = f"\n{mark}\n".encode()
    write, leave, clock = os.write, os._exit, time.perf_counter_ns
    write(2, line)
    began = clock()
    try:
        site.addsitedir(task_root)
        began = clock()
        # As `importlib.import_module` would, but this is what CPython's accounting sees.
        __import__(module)
    except BaseException as error:  # noqa: BLE001 - whatever leaves the import is the answer
        spent = clock() - began
        answer = _raised(error, spent)
    else:
        answer = b"loaded %d\n" % (clock() - began)
    write(2, line)
    while answer:
        answer = answer[write(RESULT, answer) :]
    leave(0)


def _preload(name: str) -> None:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # it is there, and something that it needs is not: the image is broken


def _raised(error: BaseException, spent: int) -> bytes:
    try:
        message = str(error)
    except BaseException:  # noqa: BLE001 - as the artifact has written it
        message = ""
    name = type(error).__name__.replace("\n", " ")
    text = message.encode("utf-8", "surrogatepass")[:_LONGEST]
    return b"raised %d\n" % spent + name.encode("utf-8", "surrogatepass") + b"\n" + text


main()
