"""Functions of a few lines, and what the runtime's own bootstrap logs of each.

The lines were logged by awslambdaric on CPython; `tests/network/test_bootstrap.py` asks it anew.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from abicheck.artifacts import DEFAULT_LIMITS, open_source
from abicheck.model import Case, TargetProfile
from abicheck.pipeline._inventory import read_artifact
from abicheck.pipeline._judge import Judge
from abicheck.profiles import DEFAULT_TARGET, load_profile

FUNCTION: Final = "def handler(event, context):\n    return 1\n"
IMPORTING: Final = "[ERROR] Runtime.ImportModuleError: Unable to import module"
MISSING: Final = "[ERROR] Runtime.HandlerNotFound: Handler"
_REGULAR: Final = 0o100000


@dataclass(frozen=True, slots=True)
class Function:
    """The files of a function, by name, its handler, and the first line that it fails with.

    `modes` are those of members that are not 0644; a name that ends in a slash is a folder.
    """

    files: Mapping[str, str | bytes]
    says: str = ""
    handler: str = "app.handler"
    modes: Mapping[str, int] = field(default_factory=dict)


HANDLERS: Final[Mapping[str, Function]] = {
    # --- the function ---
    "a function": Function({"app.py": FUNCTION}),
    "a module with a capital": Function({"App.py": FUNCTION}, handler="App.handler"),
    "a module in a folder": Function({"src/app.py": FUNCTION}, handler="src/app.handler"),
    "a module in a package": Function(
        {"src/__init__.py": "", "src/app.py": FUNCTION}, handler="src.app.handler"
    ),
    "a function of a package": Function({"app/__init__.py": FUNCTION}),
    "a name that is imported": Function(
        {"app.py": "from lib import handler\n", "lib.py": FUNCTION}
    ),
    "a star": Function({"app.py": "from lib import *\n", "lib.py": FUNCTION}),
    "an assignment": Function({"app.py": "handler = lambda event, context: 1\n"}),
    "a name bound in a branch": Function(
        {
            "app.py": "import os\nif os.environ.get('NO_SUCH'):\n    pass\nelse:\n    handler = dict.get\n"
        }
    ),
    "a function that is bound by another": Function(
        {"app.py": "def bind():\n    global handler\n    handler = dict.get\nbind()\n"}
    ),
    "a module's own __getattr__": Function(
        {"app.py": "def __getattr__(name):\n    return lambda event, context: name\n"}
    ),
    "a decorator": Function(
        {
            "app.py": "import functools\ndef d(f):\n    @functools.wraps(f)\n    def w(*a):\n"
            "        return f()\n    return w\n@d\ndef handler():\n    return 1\n"
        }
    ),
    "globals": Function({"app.py": "globals()['handler'] = lambda event, context: 1\n"}),
    "a function of another name": Function(
        {"app.py": FUNCTION},
        f"{MISSING} 'lambda_handler' missing on module 'app'",
        "app.lambda_handler",
    ),
    "a function in a folder that is not there": Function(
        {"src/app.py": FUNCTION}, f"{MISSING} 'main' missing on module 'src/app'", "src/app.main"
    ),
    "a function that was deleted": Function(
        {"app.py": f"{FUNCTION}del handler\n"}, f"{MISSING} 'handler' missing on module 'app'"
    ),
    "a private name and a star": Function(
        {"app.py": "from lib import *\n", "lib.py": "def _h(event, context): pass\n"},
        f"{MISSING} '_h' missing on module 'app'",
        "app._h",
    ),
    "a name that a star does not bring": Function(
        {"app.py": "from lib import *\n", "lib.py": f"__all__ = ['other']\nother = 1\n{FUNCTION}"},
        f"{MISSING} 'handler' missing on module 'app'",
    ),
    "an empty module": Function({"app.py": ""}, f"{MISSING} 'handler' missing on module 'app'"),
    "a submodule that nothing imports": Function(
        {"app/__init__.py": "", "app/handler.py": FUNCTION},
        f"{MISSING} 'handler' missing on module 'app'",
    ),
    "a method": Function(
        {"app.py": "class A:\n    def handler(self, event, context): pass\n"},
        f"{MISSING} 'handler' missing on module 'app'",
    ),
    "a function inside another": Function(
        {"app.py": "def main():\n    def handler(event, context): pass\n"},
        f"{MISSING} 'handler' missing on module 'app'",
    ),
    "a module that the runtime has already": Function(
        {"logging.py": FUNCTION},
        f"{MISSING} 'handler' missing on module 'logging'",
        "logging.handler",
    ),
    # --- the first event ---
    "no parameters": Function(
        {"app.py": "def handler():\n    return 1\n"},
        "[ERROR] TypeError: handler() takes 0 positional arguments but 2 were given",
    ),
    "one parameter": Function(
        {"app.py": "def handler(event):\n    return 1\n"},
        "[ERROR] TypeError: handler() takes 1 positional argument but 2 were given",
    ),
    "three parameters": Function(
        {"app.py": "def handler(self, event, context):\n    return 1\n"},
        "[ERROR] TypeError: handler() missing 1 required positional argument: 'context'",
    ),
    "a coroutine": Function(
        {"app.py": "async def handler(event, context):\n    return 1\n"},
        "[ERROR] Runtime.MarshalError: Unable to marshal response: "
        "Object of type coroutine is not JSON serializable",
    ),
    "a generator": Function(
        {"app.py": "def handler(event, context):\n    yield 1\n"},
        "[ERROR] Runtime.MarshalError: Unable to marshal response: "
        "Object of type generator is not JSON serializable",
    ),
    "a submodule for a function": Function(
        {"app/__init__.py": "from . import handler\n", "app/handler.py": FUNCTION},
        "[ERROR] TypeError: 'module' object is not callable",
    ),
    "a text for a function": Function(
        {"app.py": "handler = 'lib.handler'\n"},
        "[ERROR] TypeError: 'str' object is not callable",
    ),
    # --- the setting ---
    "no dot": Function(
        {"app.py": FUNCTION},
        "[ERROR] Runtime.MalformedHandlerName: "
        "Bad handler 'app': not enough values to unpack (expected 2, got 1)",
        "app",
    ),
    "a path": Function(
        {"app.py": FUNCTION},
        "[ERROR] TypeError: the 'package' argument is required to perform a relative import "
        "for '..app'",
        "./app.handler",
    ),
    "an absolute path": Function(
        {"app.py": FUNCTION},
        "[ERROR] TypeError: the 'package' argument is required to perform a relative import "
        "for '.app'",
        "/app.handler",
    ),
    "a function alone": Function(
        {"app.py": FUNCTION}, "[ERROR] ValueError: Empty module name", ".handler"
    ),
    "a module that is built in": Function(
        {"time.py": FUNCTION},
        "[ERROR] Runtime.BuiltInModuleConflict: "
        "Cannot use built-in module time as a handler module",
        "time.handler",
    ),
    "a file's name": Function(
        {"app.py": FUNCTION},
        f"{IMPORTING} 'app.py': No module named 'app.py'; 'app' is not a package",
        "app.py.handler",
    ),
    "two dots": Function(
        {"lib.py": FUNCTION}, f"{IMPORTING} 'app.': No module named 'app'", "app..handler"
    ),
    "two slashes": Function(
        {"lib.py": FUNCTION}, f"{IMPORTING} 'src//app': No module named 'src'", "src//app.handler"
    ),
    # --- the module ---
    "nothing of that name": Function(
        {"other.py": FUNCTION}, f"{IMPORTING} 'app': No module named 'app'"
    ),
    "a folder that was zipped": Function(
        {"project/app.py": FUNCTION}, f"{IMPORTING} 'app': No module named 'app'"
    ),
    "another case": Function({"App.py": FUNCTION}, f"{IMPORTING} 'app': No module named 'app'"),
    "a folder that is not there": Function(
        {"app.py": FUNCTION}, f"{IMPORTING} 'src/app': No module named 'src'", "src/app.handler"
    ),
    "a requirement that is not there": Function(
        {"app.py": f"import no_such_module\n{FUNCTION}"},
        f"{IMPORTING} 'app': No module named 'no_such_module'",
    ),
    "an exception": Function({"app.py": "raise ValueError('no')\n"}, "[ERROR] ValueError: no"),
    # --- syntax ---
    "a syntax error": Function(
        {"app.py": "def handler(event, context):\n    return = 1\n"},
        "[ERROR] Runtime.UserCodeSyntaxError: Syntax error in module 'app': "
        "invalid syntax (app.py, line 2)",
    ),
    "an indentation error": Function(
        {"app.py": "def handler(event, context):\nreturn 1\n"},
        "[ERROR] Runtime.UserCodeSyntaxError: Syntax error in module 'app': "
        "expected an indented block after function definition on line 1 (app.py, line 2)",
    ),
    "a syntax error in what is imported": Function(
        {"src/app.py": "import lib\n", "lib.py": "try:\n    pass\nexcept A, B:\n    pass\n"},
        "[ERROR] Runtime.UserCodeSyntaxError: Syntax error in module 'src/app': "
        "multiple exception types must be parenthesized (lib.py, line 3)",
        "src/app.handler",
    ),
    "a syntax error that is caught": Function(
        {
            "app.py": f"try:\n    import old\nexcept SyntaxError:\n    old = None\n{FUNCTION}",
            "old.py": "print 'two'\n",
        }
    ),
}


DENIED: Final = "[ERROR] PermissionError: [Errno 13] Permission denied:"

MODES: Final[Mapping[str, Function]] = {
    "a handler for its owner": Function(
        {"app.py": FUNCTION}, f"{DENIED} '/var/task/app.py'", modes={"app.py": 0o600}
    ),
    "a handler for its owner's group": Function(
        {"app.py": FUNCTION}, f"{DENIED} '/var/task/app.py'", modes={"app.py": 0o640}
    ),
    "a handler for reading": Function({"app.py": FUNCTION}, modes={"app.py": 0o444}),
    "a handler for others only": Function({"app.py": FUNCTION}, modes={"app.py": 0o004}),
    "a folder for its owner": Function(
        {"src/": "", "src/app.py": FUNCTION},
        f"{IMPORTING} 'src/app': No module named 'src.app'",
        "src/app.handler",
        {"src/": 0o700},
    ),
    "a folder that may be listed": Function(
        {"src/": "", "src/app.py": FUNCTION},
        f"{IMPORTING} 'src/app': No module named 'src.app'",
        "src/app.handler",
        {"src/": 0o744},
    ),
    "a folder that may be entered": Function(
        {"src/": "", "src/app.py": FUNCTION},
        f"{IMPORTING} 'src/app': No module named 'src.app'",
        "src/app.handler",
        {"src/": 0o711},
    ),
    "a package for its owner": Function(
        {
            "app.py": f"from lib import name\n{FUNCTION}",
            "lib/": "",
            "lib/__init__.py": "name = 1\n",
        },
        f"{IMPORTING} 'app': cannot import name 'name' from 'lib' (unknown location)",
        modes={"lib/": 0o700},
    ),
    "a package that may be entered": Function(
        {
            "app.py": f"from lib import name\n{FUNCTION}",
            "lib/": "",
            "lib/__init__.py": "name = 1\n",
        },
        modes={"lib/": 0o711},
    ),
    "a module of a package that may be entered": Function(
        {
            "app.py": f"from lib import part\n{FUNCTION}",
            "lib/": "",
            "lib/__init__.py": "",
            "lib/part.py": "",
        },
        f"{IMPORTING} 'app': cannot import name 'part' from 'lib' (/var/task/lib/__init__.py)",
        modes={"lib/": 0o711},
    ),
    "a folder in a folder for its owner": Function(
        {"a/": "", "a/b/": "", "a/b/app.py": FUNCTION},
        f"{IMPORTING} 'a/b/app': No module named 'a.b'",
        "a/b/app.handler",
        {"a/": 0o700},
    ),
    "a module of a package for its owner": Function(
        {
            "app.py": f"import lib.part\n{FUNCTION}",
            "lib/": "",
            "lib/__init__.py": "",
            "lib/part.py": "",
        },
        f"{DENIED} '/var/task/lib/part.py'",
        modes={"lib/part.py": 0o600},
    ),
    "an initializer for its owner": Function(
        {"app.py": f"import lib\n{FUNCTION}", "lib/__init__.py": ""},
        f"{DENIED} '/var/task/lib/__init__.py'",
        modes={"lib/__init__.py": 0o600},
    ),
    "bytecode for its owner": Function(
        {"app.py": f"import lib\n{FUNCTION}", "lib.pyc": b"\xf3\x0d\r\n" + bytes(12)},
        f"{DENIED} '/var/task/lib.pyc'",
        modes={"lib.pyc": 0o600},
    ),
    "a module for its owner that is not needed": Function(
        {
            "app.py": f"try:\n    import lib\nexcept OSError:\n    pass\n{FUNCTION}",
            "lib.py": "",
        },
        modes={"lib.py": 0o600},
    ),
    "a module for its owner and a guard for others": Function(
        {
            "app.py": f"try:\n    import lib\nexcept ImportError:\n    pass\n{FUNCTION}",
            "lib.py": "",
        },
        f"{DENIED} '/var/task/lib.py'",
        modes={"lib.py": 0o600},
    ),
    "a link to a file for its owner": Function(
        {"app.py": "real.py", "real.py": FUNCTION},
        f"{DENIED} '/var/task/app.py'",
        modes={"app.py": 0o120777, "real.py": 0o600},
    ),
    "a link out of a folder for its owner": Function(
        {"app.py": "src/app.py", "src/": "", "src/app.py": FUNCTION},
        f"{IMPORTING} 'app': No module named 'app'",
        modes={"app.py": 0o120777, "src/": 0o700},
    ),
}

SHADOWS: Final[Mapping[str, Function]] = {
    "a module that the runtime has already, hidden": Function(
        {"app.py": f"import logging\nlogging.getLogger()\n{FUNCTION}", "logging.py": ""}
    ),
    "a frozen module, hidden": Function(
        {"app.py": f"import os\nos.getcwd()\n{FUNCTION}", "os.py": ""}
    ),
    "a built-in module, hidden": Function(
        {"app.py": f"import time\ntime.time()\n{FUNCTION}", "time.py": ""}
    ),
    "the runtime's own JSON": Function(
        {"app.py": f"import simplejson\nsimplejson.loads('1')\n{FUNCTION}", "simplejson.py": ""}
    ),
    "a module, hidden by one that has what is asked": Function(
        {"app.py": f"from calendar import entries\n{FUNCTION}", "calendar.py": "entries = []\n"}
    ),
    "a module, hidden and asked for a name": Function(
        {"app.py": f"from random import randint\n{FUNCTION}", "random.py": ""},
        f"{IMPORTING} 'app': cannot import name 'randint' from 'random' (/var/task/random.py)",
    ),
    "a module, hidden and asked for an attribute": Function(
        {"app.py": f"import random\nrandom.seed(1)\n{FUNCTION}", "random.py": ""},
        "[ERROR] AttributeError: module 'random' has no attribute 'seed'",
    ),
    "a package, hidden by a module": Function(
        {"app.py": f"import email.message\n{FUNCTION}", "email.py": ""},
        f"{IMPORTING} 'app': No module named 'email.message'; 'email' is not a package",
    ),
    "a folder without an initializer that is called like a module": Function(
        {"app.py": f"import random\nrandom.seed(1)\n{FUNCTION}", "random/notes.txt": ""}
    ),
    "a folder without an initializer in a package": Function(
        {
            "app.py": f"from lib.part import name\n{FUNCTION}",
            "lib/__init__.py": "",
            "lib/part/other.py": "",
        },
        f"{IMPORTING} 'app': cannot import name 'name' from 'lib.part' (unknown location)",
    ),
}

LAYOUTS: Final[Mapping[str, Function]] = {**HANDLERS, **MODES, **SHADOWS}

SDK: Final = {
    "boto3/__init__.py": "",
    "boto3/session.py": "",
    "botocore/__init__.py": "",
    "botocore/client.py": "",
    "botocore/data/endpoints.json": "{}",
    "s3transfer/__init__.py": "",
    "s3transfer/manager.py": "",
}


def _without(start: str) -> dict[str, str]:
    return {name: text for name, text in SDK.items() if not name.startswith(start)}


APP: Final = {"app.py": FUNCTION}

# What a rule fires on, and what it must not fire on: code, and functions.
ODD: Final[Mapping[str, tuple[Function, Function]]] = {
    "ABI604": (
        HANDLERS["a function of another name"],
        HANDLERS["a star"],
    ),
    "ABI605": (HANDLERS["no dot"], HANDLERS["a module in a folder"]),
    "ABI606": (HANDLERS["a syntax error"], HANDLERS["a syntax error that is caught"]),
    "ABI607": (HANDLERS["no parameters"], HANDLERS["a decorator"]),
    "ABI608": (MODES["a handler for its owner"], MODES["a handler for reading"]),
    "ABI609": (
        Function(
            {
                "app.py": f"import random\ndef f():\n    return random.choice([1])\n{FUNCTION}",
                "random.py": "x = 1\n",
            }
        ),
        SHADOWS["a folder without an initializer that is called like a module"],
    ),
    "ABI610": (
        Function({"app.py": f"import boto3\n{FUNCTION}"}),
        Function({"app.py": f"try:\n    import boto3\nexcept ImportError:\n    pass\n{FUNCTION}"}),
    ),
    "ABI611": (Function({**APP, **_without("botocore/")}), Function({**APP, **SDK})),
    "ABI612": (
        Function({**APP, "lib": "/home/me/lib"}, modes={"lib": 0o120777}),
        Function({**APP, "lib": "/opt/lib"}, modes={"lib": 0o120777}),
    ),
    "ABI613": (
        Function({**APP, "lib/libx.so.1": "same", "lib/libx.so.1.2": "same"}),
        Function({**APP, "lib/libx.so.1": "one", "lib/libx.so.1.2": "two", "a.so": "one"}),
    ),
    "ABI614": (
        Function({**APP, "data/A.txt": "", "data/a.txt": ""}),
        Function({**APP, "data/A.txt": "", "other/a.txt": ""}),
    ),
    "ABI615": (
        Function({**APP, "code.zip": b"PK\x03\x04"}),
        Function({**APP, "zoneinfo/zoneinfo.tar.gz": b"\x1f\x8b"}),
    ),
    "ABI616": (
        Function({**APP, "a.pth": "import os\nvendor\nno-such-folder\n", "vendor/x.py": ""}),
        Function({**APP, "vendor/a.pth": "import os\n"}),
    ),
    "ABI617": (
        Function({**APP, "sitecustomize.py": ""}),
        Function({**APP, "lib/sitecustomize.py": ""}),
    ),
}


def write(function: Function, path: Path) -> Path:
    """Write a function as a ZIP made on Unix."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in function.files.items():
            info = zipfile.ZipInfo(name)
            mode = function.modes.get(name, 0o755 if name.endswith("/") else 0o644)
            kind = 0o040000 if name.endswith("/") else _REGULAR
            info.create_system = 3
            info.external_attr = (mode if mode > 0o7777 else kind | mode) << 16
            archive.writestr(info, content)
    return path


def case_of(function: Function, profile: TargetProfile | None = None) -> Case:
    """What the rules judge of a function."""
    profile = profile or load_profile(DEFAULT_TARGET)
    with tempfile.TemporaryDirectory() as folder:
        path = write(function, Path(folder, "a.zip"))
        with open_source(path, DEFAULT_LIMITS) as artifact:
            reading = read_artifact(artifact, "a.zip", profile.task_root, lambda _: None)
    return Judge(reading.on(profile), function.handler or None).case()
