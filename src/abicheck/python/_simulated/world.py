"""What the process can see: its file system, its interpreter and its environment."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from abicheck.filesystem import Tree
from abicheck.model import Interpreter
from abicheck.python._simulated.values import ANY, THING, ListValue, Value
from abicheck.python.startup import loaded_before

# The Windows part of sys.stdlib_module_names, and macOS's; no Linux build has them.
_NOT_ON_LINUX: Final = frozenset(
    ("_overlapped", "_scproxy", "_winapi", "_wmi", "msvcrt", "nt", "winreg", "winsound")
)

# What a Linux CPython lacks, and packages ask for without asking first.
_ABSENT: Final = frozenset(
    (
        "asyncio.ProactorEventLoop",
        "asyncio.WindowsProactorEventLoopPolicy",
        "asyncio.WindowsSelectorEventLoopPolicy",
        "ctypes.FormatError",
        "ctypes.HRESULT",
        "ctypes.OleDLL",
        "ctypes.WINFUNCTYPE",
        "ctypes.WinDLL",
        "ctypes.WinError",
        "ctypes.oledll",
        "ctypes.windll",
        "os.add_dll_directory",
        "os.startfile",
        "sys._MEIPASS",
        "sys.dllhandle",
        "sys.frozen",
        "sys.getandroidapilevel",
        "sys.getwindowsversion",
        "sys.pypy_version_info",
        "sys.winver",
    )
)

# What a function's process finds in its environment before anybody has configured it:
# the variables that Lambda documents, and those of any login.  All others are unset.
_VARIABLES: Final = frozenset(
    ("HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "PWD", "PYTHONPATH", "SHLVL", "TZ", "USER")
)
_VARIABLE_PREFIXES: Final = ("AWS_", "LAMBDA_", "LC_", "_")

RTLD_NOW: Final = 2  # bits/dlfcn.h; CPython opens extensions with it
RTLD_GLOBAL: Final = 0x100

_CONSTANTS: Final[dict[str, Value]] = {
    "builtins.__debug__": True,
    "os.curdir": ".",
    "os.extsep": ".",
    "os.name": "posix",
    "os.pardir": "..",
    "os.path.sep": "/",
    "os.pathsep": ":",
    "os.sep": "/",
    "sys.byteorder": "little",
    "sys.implementation.name": "cpython",
    "sys.maxsize": 2**63 - 1,
    "sys.platform": "linux",
    "os.RTLD_GLOBAL": RTLD_GLOBAL,
    "os.RTLD_LAZY": 1,
    "os.RTLD_LOCAL": 0,
    "os.RTLD_NOW": RTLD_NOW,
    "ctypes.DEFAULT_MODE": 0,
    "ctypes.RTLD_GLOBAL": RTLD_GLOBAL,
    "ctypes.RTLD_LOCAL": 0,
    "typing.TYPE_CHECKING": False,
    "typing_extensions.TYPE_CHECKING": False,
}


@dataclass(frozen=True)
class World:
    """The surroundings of a process; `root` is its working directory, the task root.

    `environment` are variables whose values are known: those that the function sets.
    """

    tree: Tree
    interpreter: Interpreter
    root: str
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def machine(self) -> str:
        """`platform.machine()`, which the first extension suffix spells."""
        _, _, rest = self.interpreter.suffixes[0].removeprefix(".cpython-").partition("-")
        return rest.partition("-")[0]

    @property
    def executable(self) -> str | None:
        """`sys.executable`, as the place of the standard library gives it away."""
        lib = f"/lib/python{self.interpreter.dotted}"
        for entry in map(str, self.interpreter.path):
            if entry.endswith(lib):
                return f"{entry.removesuffix(lib)}/bin/python{self.interpreter.dotted}"
        return None

    def constant(self, name: str) -> Value | None:
        """Return the value of one of Python's own names; None where it is but a name."""
        ask = _DEPENDENT.get(name)
        return _CONSTANTS.get(name) if ask is None else ask(self)

    def absolute(self, path: str) -> str:
        """Return `os.path.abspath(path)`."""
        return posixpath.normpath(posixpath.join(self.root, path))

    def in_view(self, path: str) -> bool:
        """Whether the tree is the authority on what lies at `path`."""
        roots = (self.root, *map(str, self.interpreter.path))
        return self.tree.real(path) is not None or any(
            path.startswith(f"{root}/") and self.tree.is_dir(root) for root in roots
        )

    @cached_property
    def loaded_before(self) -> frozenset[str]:
        """Top-level modules that nothing in the artifact can hide any more."""
        return loaded_before(self.interpreter, self.tree)

    def provides(self, name: str) -> bool:
        """Whether the target brings a top-level module of this name along."""
        interpreter = self.interpreter
        if name in interpreter.shipped or name in interpreter.builtin:
            return True
        return name in interpreter.stdlib and name not in _NOT_ON_LINUX


def is_absent(name: str) -> bool:
    """Whether a Linux CPython is known to lack this attribute.

    No name in `sys` begins with a capital; cv2 marks its progress with such.
    """
    return name in _ABSENT or (name.startswith("sys.") and name[4:5].isupper())


def is_set(variable: str) -> bool:
    """Whether an environment variable may be set although nobody configured it."""
    return variable in _VARIABLES or variable.startswith(_VARIABLE_PREFIXES)


def _version_info(world: World) -> Value:
    return (*world.interpreter.version, ANY, "final", 0)


_DEPENDENT: Final[dict[str, Callable[[World], Value]]] = {
    "importlib.machinery.EXTENSION_SUFFIXES": lambda world: ListValue(
        list(world.interpreter.suffixes)
    ),
    "sys.executable": lambda world: world.executable or ANY,
    "sys.implementation.cache_tag": lambda world: (
        f"cpython-{world.interpreter.tag.removeprefix('cp')}"
    ),
    "sys.implementation.version": _version_info,
    "sys.version_info": _version_info,
    "sys.version_info.major": lambda world: world.interpreter.version[0],
    "sys.version_info.minor": lambda world: world.interpreter.version[1],
    "ctypes.pythonapi": lambda _world: THING,
}
