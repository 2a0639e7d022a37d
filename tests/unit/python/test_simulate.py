"""What importing does, as far as it can be known without running anything.

The texts in `IMPORTS` were printed by CPython 3.13.0 for the same trees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Final

import pytest
from tests.factories import INTERPRETER

from abicheck.filesystem import Entry, Kind, Tree
from abicheck.model import Failure, Interpreter, Prediction, Site, Verdict
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
        "typing",
        "warnings",
        "winreg",
    ]
)
PYTHON: Final[Interpreter] = replace(INTERPRETER, stdlib=STDLIB, shipped=frozenset({"boto3"}))

Files = Mapping[str, str]


class Loads:
    """A loader that fails as told, and remembers what it was asked."""

    def __init__(self, fails: Mapping[str, Failure], uncertain: AbstractSet[str]) -> None:
        self._fails = {f"/var/task/{path}": failure for path, failure in fails.items()}
        self._uncertain = {f"/var/task/{path}" for path in uncertain}
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

    def uncertain(self, path: str) -> bool:
        return path in self._uncertain


class Artifact:
    """A simulation of files given as text, and its loader."""

    def __init__(
        self,
        files: Files,
        *,
        fails: Mapping[str, Failure] | None = None,
        uncertain: AbstractSet[str] = frozenset(),
        alone: bool = False,
        mentions: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        data = {f"/var/task/{path}": text.encode() for path, text in files.items()}
        named = {f"/var/task/{path}": names for path, names in (mentions or {}).items()}
        self.loads = Loads(fails or {}, uncertain)
        self.simulation = Simulation(
            Tree({path: Entry(Kind.FILE) for path in data}),
            data.get,
            PYTHON,
            self.loads,
            assume_missing_installed=alone,
            mentions=lambda path: named.get(path, ()),
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

IMPORTS: Final[dict[str, tuple[Files, str, tuple[str, str] | str]]] = {
    # --- names that are not found ---
    "nothing of that name": ({}, "nope", missing("'nope'")),
    "the parent is missing": ({}, "nope.sub", missing("'nope'")),
    "a submodule is missing": ({"p/__init__.py": ""}, "p.sub", missing("'p.sub'")),
    "the parent is a module": ({"m.py": ""}, "m.x", missing("'m.x'; 'm' is not a package")),
    "a chain through a module": ({"m.py": ""}, "m.x.y", missing("'m.x'; 'm' is not a package")),
    "a module of another tag": (
        {"orjson/__init__.py": "from .orjson import *", f"orjson/orjson{OLD}": ""},
        "orjson",
        missing("'orjson.orjson'"),
    ),
    "a Windows module": (
        {"m.py": "import winreg"},
        "m",
        missing("'winreg'"),
    ),
    # --- names that a module does not have ---
    "from a package": (
        {"p/__init__.py": "", "m.py": "from p import x"},
        "m",
        not_there("x", "p", f"{TASK}/p/__init__.py"),
    ),
    "from a module": (
        {"n.py": "y = 1", "m.py": "from n import x as z"},
        "m",
        not_there("x", "n", f"{TASK}/n.py"),
    ),
    "from a folder of stubs": (
        {
            "core/__init__.py": "from core._core import Args, Other",
            "core/_core/__init__.pyi": "",
            f"core/_core{OLD}": "",
        },
        "core",
        not_there("Args", "core._core", "unknown location"),
    ),
    "an extension by name from its own package": (
        {"p/__init__.py": "from . import ext", f"p/ext{OLD}": ""},
        "p",
        circular("ext", "p", f"{TASK}/p/__init__.py"),
    ),
    "an extension by name from another package": (
        {"p/__init__.py": "", f"p/ext{OLD}": "", "m.py": "from p import ext"},
        "m",
        not_there("ext", "p", f"{TASK}/p/__init__.py"),
    ),
    "a real circle": (
        {"a.py": "from b import x\ny = 1", "b.py": "from a import y\nx = 1"},
        "a",
        circular("y", "a", f"{TASK}/a.py"),
    ),
    "a circle that closes in time": (
        {"a.py": "y = 1\nfrom b import x", "b.py": "from a import y\nx = 1"},
        "a",
        LOADS,
    ),
    "a circle over modules, not names": (
        {"p/__init__.py": "from . import a", "p/a.py": "from p import b", "p/b.py": "import p.a"},
        "p",
        LOADS,
    ),
    "a name deleted again": (
        {"n.py": "x = 1\ndel x", "m.py": "from n import x"},
        "m",
        not_there("x", "n", f"{TASK}/n.py"),
    ),
    "a submodule counts as a name": (
        {"p/__init__.py": "", "p/x.py": "", "m.py": "from p import x"},
        "m",
        LOADS,
    ),
    "a name bound by a star import": (
        {"a.py": "x = 1", "b.py": "from a import *", "m.py": "from b import x"},
        "m",
        LOADS,
    ),
    "a private name is not starred": (
        {"a.py": "_x = 1", "b.py": "from a import *", "m.py": "from b import _x"},
        "m",
        not_there("_x", "b", f"{TASK}/b.py"),
    ),
    "__all__ imports submodules": (
        {
            "p/__init__.py": "__all__ = ['x']",
            "p/x.py": "import nope",
            "m.py": "from p import *",
        },
        "m",
        missing("'nope'"),
    ),
    "__all__ promises too much": (
        {"n.py": "__all__ = ['x']", "m.py": "from n import *"},
        "m",
        ("AttributeError", "module 'n' has no attribute 'x'"),
    ),
    "a name that a module computes": (
        {
            "p/__init__.py": "def __getattr__(name):\n    return len(name)\n",
            "m.py": "from p import x",
        },
        "m",
        LOADS,
    ),
    "a name that a module refuses": (
        {
            "p.py": "def __getattr__(name):\n    raise AttributeError(name)\n",
            "m.py": "from p import x",
        },
        "m",
        not_there("x", "p", f"{TASK}/p.py"),
    ),
    "a lazy import of a module that fails": (
        {
            "p/__init__.py": "import importlib\n"
            "def __getattr__(name):\n"
            "    return importlib.import_module('.' + name, __name__)\n",
            "p/lazy.py": "import nope",
            "m.py": "from p import lazy",
        },
        "m",
        missing("'nope'"),
    ),
    "names put into globals": (
        {"n.py": "globals().update(x=1)", "m.py": "from n import x"},
        "m",
        LOADS,
    ),
    # --- relative imports ---
    "relative to nothing": (
        {"m.py": "from . import x"},
        "m",
        ("ImportError", "attempted relative import with no known parent package"),
    ),
    "beyond the top": (
        {"p/__init__.py": "from .. import x"},
        "p",
        ("ImportError", "attempted relative import beyond top-level package"),
    ),
    "a sibling": (
        {"p/__init__.py": "", "p/a.py": "from .b import x", "p/b.py": "x = 1"},
        "p.a",
        LOADS,
    ),
    # --- exceptions ---
    "a guard catches": (
        {"m.py": "try:\n    import nope\nexcept ImportError:\n    nope = None\n"},
        "m",
        LOADS,
    ),
    "a guard for something else": (
        {"m.py": "try:\n    import nope\nexcept (KeyError, OSError):\n    pass\n"},
        "m",
        missing("'nope'"),
    ),
    "a guard with an ancestor": (
        {"m.py": "try:\n    import nope\nexcept Exception:\n    pass\n"},
        "m",
        LOADS,
    ),
    "a bare guard": ({"m.py": "try:\n    import nope\nexcept:\n    pass\n"}, "m", LOADS),
    "ImportError is no ModuleNotFoundError": (
        {
            "p/__init__.py": "",
            "m.py": "try:\n    from p import x\nexcept ModuleNotFoundError:\n    pass\n",
        },
        "m",
        not_there("x", "p", f"{TASK}/p/__init__.py"),
    ),
    "the fallback fails in turn": (
        {"m.py": "try:\n    import nope\nexcept ImportError:\n    import neither\n"},
        "m",
        missing("'neither'"),
    ),
    "raised again": (
        {"m.py": "try:\n    import nope\nexcept ImportError:\n    x = 1\n    raise\n"},
        "m",
        missing("'nope'"),
    ),
    "raised again by name, later": (
        {
            "m.py": "try:\n    import a\nexcept ImportError as first:\n"
            "    try:\n        import b\n    except ImportError:\n        raise first from None\n"
        },
        "m",
        missing("'a'"),
    ),
    "raised with other words": (
        {
            "m.py": "try:\n    import nope\nexcept ImportError as e:\n"
            "    raise RuntimeError(f'install it: {e}') from e\n"
        },
        "m",
        ("RuntimeError", "install it: No module named 'nope'"),
    ),
    "raised with the name of what is missing": (
        {
            "m.py": "try:\n    import nope.sub\nexcept ImportError as e:\n"
            "    raise ImportError('C extension: {0} not built'.format(e.name))\n"
        },
        "m",
        ("ImportError", "C extension: nope not built"),
    ),
    "an exception of the artifact's own": (
        {
            "m.py": "class Missing(ImportError): pass\n"
            "try:\n    raise Missing('gone')\nexcept ImportError:\n    pass\n"
            "raise Missing('%s of %d' % ('none', 2))\n"
        },
        "m",
        ("Missing", "none of 2"),
    ),
    "suppressed": (
        {"m.py": "import contextlib\nwith contextlib.suppress(ImportError):\n    import nope\n"},
        "m",
        LOADS,
    ),
    "swallowed by a context of the artifact's own": (
        {
            "m.py": "class Optional:\n"
            "    def __enter__(self): return self\n"
            "    def __exit__(self, *error): return True\n"
            "with Optional():\n    import nope\n"
        },
        "m",
        LOADS,
    ),
    "finally does not catch": (
        {"m.py": "try:\n    import nope\nfinally:\n    x = 1\n"},
        "m",
        missing("'nope'"),
    ),
    "an exception that a loop collects": (
        {
            "m.py": "errors = []\n"
            "for name in ('a', 'b'):\n"
            "    try:\n        __import__(name)\n"
            "    except ImportError as e:\n        errors.append(str(e))\n"
            "if errors:\n    raise OSError(', '.join(errors))\n"
        },
        "m",
        ("OSError", "No module named 'a', No module named 'b'"),
    ),
    "a flag that is asked later": (
        {
            "m.py": "try:\n    import nope\n    HAS = True\nexcept ImportError:\n    HAS = False\n"
            "if HAS:\n    import neither\n"
        },
        "m",
        LOADS,
    ),
    "None instead of a module": (
        {
            "m.py": "try:\n    import nope\nexcept ImportError:\n    nope = None\n"
            "if nope is None:\n    raise ImportError('nope is needed')\n"
        },
        "m",
        ("ImportError", "nope is needed"),
    ),
    "a name that may be undefined": (
        {
            "m.py": "try:\n    _SETUP\nexcept NameError:\n    _SETUP = False\nif not _SETUP:\n"
            "    import nope\n"
        },
        "m",
        missing("'nope'"),
    ),
    "what Linux lacks": (
        {"m.py": "import os\nos.add_dll_directory('x')\n"},
        "m",
        ("AttributeError", "module 'os' has no attribute 'add_dll_directory'"),
    ),
    "what Linux lacks, asked first": (
        {"m.py": "import os\nif hasattr(os, 'add_dll_directory'):\n    import nope\n"},
        "m",
        LOADS,
    ),
    # --- conditions ---
    "only for type checkers": (
        {"m.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import nope\n"},
        "m",
        LOADS,
    ),
    "for another platform": (
        {"m.py": "import sys\nif sys.platform == 'win32':\n    import nope\n"},
        "m",
        LOADS,
    ),
    "for a newer Python": (
        {"m.py": "import sys\nif sys.version_info >= (3, 14):\n    import nope\n"},
        "m",
        LOADS,
    ),
    "for this Python": (
        {
            "m.py": "import sys\nif sys.version_info[:2] >= (3, 13) and sys.maxsize > 2**32:\n"
            "    import nope\n"
        },
        "m",
        missing("'nope'"),
    ),
    "for this implementation": (
        {
            "m.py": "import platform\nif platform.python_implementation() == 'CPython':\n"
            "    import nope\n"
        },
        "m",
        missing("'nope'"),
    ),
    "when a variable is set": (
        {"m.py": "import os\nif os.environ.get('MY_OWN_BACKEND', 'c') != 'c':\n    import nope\n"},
        "m",
        LOADS,
    ),
    "when another module is there": (
        {"m.py": "import importlib.util\nif importlib.util.find_spec('other'):\n    import nope\n"},
        "m",
        LOADS,
    ),
    # --- calls ---
    "a function that imports": (
        {"m.py": "def f(name):\n    import nope\nf('x')\n"},
        "m",
        missing("'nope'"),
    ),
    "a function that is not called": (
        {"m.py": "def f():\n    import nope\n"},
        "m",
        LOADS,
    ),
    "a function of another module": (
        {
            "a.py": "from importlib import import_module\n"
            "def select(name):\n    return import_module(name)\n",
            "m.py": "from a import select\nselect('nope.' + 'sub')\n",
        },
        "m",
        missing("'nope'"),
    ),
    "a decorator": (
        {"m.py": "def d(f):\n    import nope\n    return f\n@d\ndef g(): pass\n"},
        "m",
        missing("'nope'"),
    ),
    "a class body": (
        {"m.py": "class C:\n    import nope\n"},
        "m",
        missing("'nope'"),
    ),
    "a constructor": (
        {
            "m.py": "class C:\n    def __init__(self): self.load()\n"
            "    def load(self):\n        import nope\nc = C()\n"
        },
        "m",
        missing("'nope'"),
    ),
    "a default argument": (
        {"m.py": "def f(x=__import__('nope')): pass\n"},
        "m",
        missing("'nope'"),
    ),
    "a generator is not run": (
        {"m.py": "def f():\n    import nope\n    yield\nf()\n"},
        "m",
        LOADS,
    ),
    # --- search paths ---
    "sys.path is extended": (
        {
            "m.py": "import os, sys\n"
            "sys.path.insert(0, os.path.join(os.path.dirname(__file__), 'vendor'))\n"
            "import inner\n",
            "vendor/inner.py": "import nope\n",
        },
        "m",
        missing("'nope'"),
    ),
    "a package extends its own path": (
        {
            "p/__init__.py": "import os\n__path__.append(os.path.join(__path__[0], 'more'))\n",
            "p/more/x.py": "",
        },
        "p.x",
        LOADS,
    ),
    "a file is executed": (
        {
            "m.py": "import os\nhere = os.path.dirname(__file__)\n"
            "with open(os.path.join(here, 'version.py')) as f:\n    exec(f.read())\n",
            "version.py": "import nope\n",
        },
        "m",
        missing("'nope'"),
    ),
    "no metadata": (
        {"m.py": "import importlib.metadata\n__version__ = importlib.metadata.version('m-pkg')\n"},
        "m",
        ("PackageNotFoundError", "No package metadata was found for m-pkg"),
    ),
    "metadata under a normalised name": (
        {
            "m.py": "from importlib.metadata import version\nversion('My.Pkg')\n",
            "my_pkg-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: my-pkg\nVersion: 1.0\n",
        },
        "m",
        LOADS,
    ),
    # --- libraries ---
    "a library that is not there": (
        {
            "m.py": "import ctypes, os\n"
            "ctypes.CDLL(os.path.join(os.path.dirname(__file__), 'libx.so'))\n"
        },
        "m",
        (
            "OSError",
            f"{TASK}/libx.so: cannot open shared object file: No such file or directory",
        ),
    ),
    "a search that ends in an exception": (
        {
            "p/__init__.py": """
from pathlib import Path
from platform import system
import ctypes

def _find():
    here = Path(__file__).resolve()
    folders = [here.parents[1], here.parents[0] / "bin", here.parents[0] / "lib"]
    if system() in ("Windows", "Microsoft"):
        names = [p / "x.dll" for p in folders]
    else:
        names = [p / "lib_x.so" for p in folders]
    found = [str(p) for p in names if p.is_file()]
    if not found:
        listed = "\\n".join(map(str, names))
        raise Exception(f"Cannot find it in:\\n{listed}")
    return found

ctypes.cdll.LoadLibrary(_find()[0])
"""
        },
        "p",
        (
            "Exception",
            f"Cannot find it in:\n{TASK}/lib_x.so\n{TASK}/p/bin/lib_x.so\n{TASK}/p/lib/lib_x.so",
        ),
    ),
}


@pytest.mark.parametrize("name", IMPORTS)
def test_importing_ends_as_it_does_in_cpython(name: str) -> None:
    files, module, expected = IMPORTS[name]

    assert importing(module, files) == expected


# --- what the target and the surroundings provide ---


@pytest.mark.parametrize("module", ["json", "json.decoder", "sys", "boto3.session", "os.path"])
def test_what_the_target_brings_along_can_be_imported(module: str) -> None:
    assert importing("m", {"m.py": f"import {module}"}) == LOADS
    assert importing("m", {"m.py": f"from {module} import anything"}) == LOADS


def test_a_module_of_the_artifact_hides_the_standard_librarys() -> None:
    files = {"m.py": "from json import JSONDecoder", "json.py": ""}

    assert importing("m", files) == not_there("JSONDecoder", "json", "/var/task/json.py")


def test_built_in_modules_cannot_be_hidden() -> None:
    assert importing("m", {"m.py": "import time, os", "time.py": "import x", "os.py": "!"}) == LOADS


def test_an_images_own_standard_library_is_not_followed() -> None:
    tree = Tree(
        {
            path: Entry(Kind.FILE)
            for path in (
                "/var/task/m.py",
                "/var/lang/lib/python3.13/os.py",
                "/var/lang/lib/python3.13/json/__init__.py",
            )
        }
    )
    sources = {"/var/task/m.py": b"from json import anything"}
    simulation = Simulation(
        tree, sources.get, PYTHON, Loads({}, frozenset()), assume_missing_installed=False
    )

    assert simulation.predict("m").verdict is Verdict.LOADS


def test_a_lone_wheel_leans_on_what_is_installed_beside_it() -> None:
    files = {"p/__init__.py": "import numpy.linalg\nfrom numpy import anything", "ns/a.py": ""}
    wheel = Artifact(files, alone=True)

    assert wheel.outcome("p") == LOADS
    assert wheel.outcome("ns.other") == LOADS
    assert wheel.outcome("p.gone") == missing("'p.gone'")


def test_import_hooks_provide_what_no_file_shows() -> None:
    files = {
        "six.py": "import sys\nclass Importer: pass\nsys.meta_path.append(Importer())\n",
        "m.py": "from six.moves import urllib\n",
    }

    assert importing("m", files) == LOADS


def test_setuptools_brings_distutils_back() -> None:
    assert importing("m", {"m.py": "import distutils"}) == missing("'distutils'")
    assert importing("m", {"m.py": "import distutils", "setuptools/__init__.py": ""}) == LOADS


# --- extensions and libraries ---

REFUSED: Final = Failure(
    "ImportError", "libGL.so.1: cannot open shared object file: No such file or directory"
)
REFUSED_LIBRARY: Final = replace(REFUSED, exception="OSError")
DEAD: Final = Failure(None, None, crash="SIGSEGV")


def test_an_extension_fails_as_the_loader_says_and_names_the_object() -> None:
    files = {"h.py": "import p\n", "p/__init__.py": "\n\nfrom .ext import *\n", f"p/ext{EXT}": ""}
    prediction = Artifact(files, fails={f"p/ext{EXT}": REFUSED}).predict("h")

    assert prediction.verdict is Verdict.FAILS
    assert prediction.failure == replace(REFUSED, decided_by=PurePosixPath(f"/var/task/p/ext{EXT}"))
    assert prediction.via == (
        Site(PurePosixPath("h.py"), 1),
        Site(PurePosixPath("p/__init__.py"), 3),
    )


def test_the_object_that_the_loader_blames_is_blamed() -> None:
    blamed = replace(REFUSED, decided_by=PurePosixPath("/var/task/p.libs/liby.so"))
    prediction = Artifact({"ext.so": ""}, fails={"ext.so": blamed}).predict("ext")

    assert prediction.failure == blamed


def test_a_missing_module_is_decided_by_the_source_that_asked() -> None:
    prediction = Artifact({"m.py": "import nope"}).predict("m")

    assert prediction.failure is not None
    assert prediction.failure.decided_by == PurePosixPath("/var/task/m.py")


def test_a_failure_of_the_parent_is_the_failure_of_the_child() -> None:
    artifact = Artifact({"p/__init__.py": "import nope", f"p/ext{EXT}": ""})

    assert artifact.outcome("p.ext") == missing("'nope'")
    assert artifact.loads.asked == []


def test_a_guarded_extension_that_fails_does_no_harm() -> None:
    files = {"m.py": "try:\n    import ext\nexcept ImportError:\n    import json\n", "ext.so": ""}

    assert Artifact(files, fails={"ext.so": REFUSED}).outcome("m") == LOADS


def test_a_crash_is_never_caught() -> None:
    files = {"m.py": "try:\n    import ext\nexcept:\n    pass\n", "ext.so": ""}
    prediction = Artifact(files, fails={"ext.so": DEAD}).predict("m")

    assert prediction.verdict is Verdict.FAILS
    assert prediction.failure is not None
    assert prediction.failure.crash == "SIGSEGV"


def test_an_uncertain_object_makes_its_importers_uncertain_unless_they_are_prepared() -> None:
    files = {
        "a.py": "import ext",
        "b.py": "try:\n    import ext\nexcept ImportError:\n    ext = None\n",
        "ext.so": "",
    }
    artifact = Artifact(files, uncertain={"ext.so"})

    assert artifact.outcome("a") == "uncertain"
    assert artifact.outcome("b") == LOADS


def test_the_loader_is_told_what_was_opened_before_in_order() -> None:
    files = {"m.py": "import a, b\nimport a", "a.so": "", "b.abi3.so": ""}
    artifact = Artifact(files)
    artifact.predict("m")

    assert artifact.loads.asked == [
        ("/var/task/a.so", ()),
        ("/var/task/b.abi3.so", ("/var/task/a.so",)),
    ]


def test_what_earlier_predictions_imported_is_not_opened_in_a_fresh_process() -> None:
    artifact = Artifact({"a.so": "", "b.so": ""})
    artifact.predict("a")
    artifact.predict("b")

    assert artifact.loads.asked[-1] == ("/var/task/b.so", ())


def test_what_a_repeated_import_opens_is_still_opened() -> None:
    files = {
        "x.py": "import p",
        "y.py": "import p\nimport b",
        "p.py": "import a",
        "a.so": "",
        "b.so": "",
    }
    artifact = Artifact(files)
    artifact.predict("x")
    artifact.predict("y")

    assert artifact.loads.asked[-1] == ("/var/task/b.so", ("/var/task/a.so",))


def test_names_taken_from_an_extension_are_taken_to_be_there() -> None:
    files = {"m.py": "from ext import anything\nfrom ext.sub import more\n", "ext.so": ""}

    assert importing("m", files) == LOADS


def test_an_extension_imports_the_compiled_modules_that_it_mentions() -> None:
    files = {f"p/a{EXT}": "", f"p/b{OLD}": "", "p/c.py": "import nope", "p/__init__.py": ""}
    mentions = {f"p/a{EXT}": ("p", "p.a", "p.c", "numpy.linalg", "p.b")}

    assert Artifact(files).outcome("p.a") == LOADS
    assert Artifact(files, mentions=mentions).outcome("p.a") == missing("'p.b'")


def test_a_module_that_cffi_generated_needs_its_backend() -> None:
    files = {"ext.abi3.so": ""}
    mentions = {"ext.abi3.so": ("_cffi_backend",)}

    assert Artifact(files, mentions=mentions).outcome("ext") == missing("'_cffi_backend'")
    assert Artifact(files, mentions=mentions, alone=True).outcome("ext") == LOADS


LIBRARY: Final = "p/lib/libx.so"


@pytest.mark.parametrize(
    "code",
    [
        "import ctypes, os\nctypes.CDLL(os.path.join(os.path.dirname(__file__), 'lib', 'libx.so'))",
        (
            "from ctypes import *\nfrom os import path\n"
            "CDLL(path.abspath(path.dirname(__file__)) + '/lib/libx.so', mode=RTLD_GLOBAL)"
        ),
        (
            "import ctypes, pathlib\n"
            "ctypes.cdll.LoadLibrary(str(pathlib.Path(__file__).parent / 'lib' / 'libx.so'))"
        ),
        (
            "import ctypes, pathlib\n"
            "here = pathlib.Path(__file__).resolve().parent\n"
            "ctypes.PyDLL(f'{here}/lib/lib{chr(120)}.so')"
        ),
        (
            "import ctypes.util, ctypes, os, glob\n"
            "def load(name):\n"
            "    for folder in ('nowhere', 'lib'):\n"
            "        full = os.path.join(__path__[0], folder, name)\n"
            "        if os.path.exists(full):\n"
            "            return ctypes.CDLL(full)\n"
            "load('libx.so')"
        ),
        (
            "import ctypes, glob, os\n"
            "ctypes.cdll[glob.glob(os.path.dirname(__file__) + '/lib/*.so*')[0]]"
        ),
        (
            "import importlib.resources as r, ctypes\n"
            "with r.as_file(r.files(__name__).joinpath('lib/libx.so')) as path:\n"
            "    ctypes.CDLL(str(path))"
        ),
        (
            "from cffi import FFI\nffi = FFI()\n"
            "ffi.dlopen(__file__.replace('__init__.py', 'lib/libx.so'))"
        ),
        "import numpy as np\nnp.ctypeslib.load_library('libx', __path__[0] + '/lib')",
    ],
)
def test_a_library_is_opened_however_its_name_is_put_together(code: str) -> None:
    artifact = Artifact({"p/__init__.py": code, LIBRARY: ""}, alone=True)
    artifact.predict("p")

    assert list(artifact.simulation.opened()) == [f"/var/task/{LIBRARY}"]


def test_a_library_fails_with_oserror_at_the_line_that_opens_it() -> None:
    code = "import ctypes\nctypes.CDLL(__path__[0] + '/lib/libx.so')\n"
    artifact = Artifact({"p/__init__.py": code, LIBRARY: ""}, fails={LIBRARY: REFUSED_LIBRARY})
    prediction = artifact.predict("p")

    assert prediction.failure == replace(
        REFUSED_LIBRARY, decided_by=PurePosixPath(f"/var/task/{LIBRARY}")
    )
    assert prediction.via == (Site(PurePosixPath("p/__init__.py"), 2),)
    (site,) = artifact.simulation.opened().values()
    assert (site.site, site.guarded) == (Site(PurePosixPath("p/__init__.py"), 2), False)


def test_a_guarded_library_is_known_as_such() -> None:
    code = (
        "import ctypes\ntry:\n    ctypes.CDLL(__path__[0] + '/lib/libx.so')\nexcept OSError: pass"
    )
    artifact = Artifact({"p/__init__.py": code, LIBRARY: ""}, fails={LIBRARY: REFUSED_LIBRARY})

    assert artifact.outcome("p") == LOADS
    assert artifact.simulation.opened()[f"/var/task/{LIBRARY}"].guarded


def test_libraries_of_the_system_are_not_judged() -> None:
    code = (
        "import ctypes, ctypes.util\nctypes.CDLL('libc.so.6')\nctypes.CDLL(None)\n"
        "ctypes.CDLL(ctypes.util.find_library('x') or '/usr/lib64/liby.so')\n"
    )

    assert importing("m", {"m.py": code}) == LOADS


def test_a_search_that_tries_every_suffix_says_all_it_has_tried() -> None:
    code = """
import os
from importlib import machinery

def load(name):
    parts = name.split(".")
    attempts = []
    for ext in machinery.EXTENSION_SUFFIXES:
        try:
            file = parts[-1] + ext
            full = os.path.join(os.path.dirname(__file__), file)
            if not os.path.isfile(full):
                attempts.append("Not found '%s'" % file)
                continue
            return ffi.dlopen(full)
        except OSError as exp:
            attempts.append("Cannot load '%s': %s" % (file, str(exp)))
    raise OSError("Cannot load native module '%s': %s" % (name, ", ".join(attempts)))

from cffi import FFI
ffi = FFI()
load("C._raw")
"""
    artifact = Artifact(
        {"C/__init__.py": code, "C/_raw.abi3.so": ""},
        fails={"C/_raw.abi3.so": replace(REFUSED_LIBRARY, message="invalid ELF header")},
        alone=True,
    )

    assert artifact.outcome("C") == (
        "OSError",
        (
            "Cannot load native module 'C._raw': "
            "Not found '_raw.cpython-313-x86_64-linux-gnu.so', "
            "Cannot load '_raw.abi3.so': invalid ELF header, "
            "Not found '_raw.so'"
        ),
    )


def test_a_package_that_imports_its_namesake_from_inside_itself() -> None:
    code = """
import importlib, os, sys

def bootstrap():
    if hasattr(sys, "OpenCV_LOADER"):
        raise ImportError("recursion")
    sys.OpenCV_LOADER = True
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    module = sys.modules.pop("cv2")
    native = importlib.import_module("cv2")
    sys.modules["cv2"] = module

bootstrap()
"""
    files = {"cv2/__init__.py": code, "cv2/cv2.abi3.so": ""}

    assert Artifact(files, fails={"cv2/cv2.abi3.so": REFUSED}).outcome("cv2") == (
        "ImportError",
        REFUSED.message,
    )
    assert Artifact(files).outcome("cv2") == LOADS


# --- what cannot be known ---


def test_an_object_that_fails_under_an_unknown_condition_is_a_doubt() -> None:
    files = {"m.py": "import time\nif time.time() > 5:\n    import ext\n", "ext.so": ""}
    artifact = Artifact(files, fails={"ext.so": REFUSED})
    prediction = artifact.predict("m")

    assert prediction.verdict is Verdict.UNCERTAIN
    assert prediction.failure is not None
    assert prediction.failure.message == REFUSED.message
    assert prediction.via == (Site(PurePosixPath("m.py"), 3),)


def test_branches_that_fail_alike_fail() -> None:
    code = "import time\nif time.time() > 5:\n    import ext\nelse:\n    import ext\n"
    artifact = Artifact({"m.py": code, "ext.so": ""}, fails={"ext.so": REFUSED})

    assert artifact.outcome("m") == ("ImportError", REFUSED.message)


def test_what_was_never_packaged_is_optional_under_an_unknown_condition() -> None:
    code = "import time\nif time.time() > 5:\n    import nope\n"

    assert importing("m", {"m.py": code}) == LOADS
    assert importing("m", {"m.py": code, f"nope{OLD}": ""}) == "uncertain"


def test_a_check_under_an_unknown_condition_is_taken_to_pass() -> None:
    assert (
        importing("m", {"m.py": "import time\nif time.time() > 5:\n    raise X('no')\n"}) == LOADS
    )


def test_a_raise_behind_a_return_that_may_be_taken_is_not_certain() -> None:
    code = "import time\ndef f():\n    if time.time() > 5:\n        return 1\n    raise OSError('x')\nf()\n"

    assert importing("m", {"m.py": code}) == LOADS


def test_a_name_bound_on_some_path_is_taken_to_be_there() -> None:
    files = {
        "n.py": "import time\nif time.time() > 5:\n    x = 1\n"
        "try:\n    y = time.time()\nexcept ValueError:\n    z = 1\n",
        "m.py": "from n import x, y, z",
    }

    assert importing("m", files) == LOADS


def test_a_name_that_only_a_skipped_branch_binds_is_not_there() -> None:
    files = {
        "n.py": "try:\n    from nope import x\nexcept ImportError:\n    pass\n",
        "m.py": "from n import x",
    }

    assert importing("m", files) == not_there("x", "n", "/var/task/n.py")


@pytest.mark.parametrize(
    "trick",
    [
        "exec('x = 1')",
        "import sys\nf(sys.modules[__name__])",
        "f(globals())",
        "from ext import *",
        "def g():\n    global x\n    x = 1\n",
        "vars().update(f())",
        "setattr(__import__(__name__), f(), 1)",
    ],
)
def test_a_module_that_may_hold_more_is_taken_to(trick: str) -> None:
    files = {"n.py": f"import time\nf = time.f\n{trick}\n", "m.py": "from n import x", "ext.so": ""}

    assert importing("m", files) == LOADS


@pytest.mark.parametrize(
    ("path", "text"), [("m.py", "print 'two'"), ("m.pyc", ""), ("m.py", "x = '\0'")]
)
def test_what_cannot_be_read_is_not_vouched_for(path: str, text: str) -> None:
    prediction = Artifact({path: text}).predict("m")

    assert prediction.verdict is Verdict.UNCERTAIN
    assert prediction.failure is not None
    assert prediction.failure.message
    assert prediction.via == (Site(PurePosixPath(path), 1),)


def test_a_source_that_is_not_to_be_had_is_not_vouched_for() -> None:
    simulation = Simulation(
        Tree({"/var/task/m.py": Entry(Kind.FILE)}),
        lambda _path: None,
        PYTHON,
        Loads({}, frozenset()),
        assume_missing_installed=False,
    )

    assert simulation.predict("m").verdict is Verdict.UNCERTAIN


# --- limits ---


def test_a_long_chain_of_imports_is_followed() -> None:
    files = {f"m{i}.py": f"import m{i + 1}" for i in range(400)} | {"m400.py": "import nope"}
    prediction = Artifact(files).predict("m0")

    assert prediction.failure is not None
    assert prediction.failure.message == "No module named 'nope'"
    assert len(prediction.via) == 401


def test_a_chain_beyond_all_measure_is_uncertain_with_a_reason() -> None:
    prediction = Artifact({f"m{i}.py": f"import m{i + 1}" for i in range(2000)}).predict("m0")

    assert prediction.verdict is Verdict.UNCERTAIN
    assert prediction.failure == Failure(None, "the chain of imports is too long to be followed")


def test_functions_that_import_each_other_end() -> None:
    files = {
        f"m{i}.py": f"def f():\n    import m{i + 1}\n    m{i + 1}.g()\ndef g():\n    f()\nf()\n"
        for i in range(100)
    }

    assert Artifact(files).predict("m0").verdict is Verdict.UNCERTAIN


@pytest.mark.parametrize(
    "code",
    [
        "def f():\n    return f()\nf()\n",
        "def f(n):\n    for i in range(200):\n        f(n + i)\nf(0)\n",
        "x = 'a'\nfor i in range(200):\n    x = x + x\n",
        "x = [1]\nfor i in range(200):\n    x = x + x\n    x += x\n",
        "x = ()\nfor i in range(200):\n    x = (x, x)\n",
        "x = 3\nfor i in range(200):\n    x = x * x\n",
        "x = 2 ** 10 ** 10\ny = 1 << 10 ** 10\nz = 'x' * 10 ** 10\n",
        "x = '%1000000000d' % 3\ny = '{:1000000000}'.format(3)\nz = f'{3:1000000000}'\n",
        "x = [a for a in range(200) for b in range(200) for c in range(200) for d in range(200)]\n",
        "x = " + " + ".join(["'a'"] * 3000) + "\n",
        "while True:\n    pass\n",
        "x = []\nx.append(x)\ny = [str(z) for z in x]\nz = x == x\n",
        "class A: pass\nclass B(A): pass\nA.__bases__ = (B,)\nB().x\n",
    ],
)
def test_no_code_takes_long(code: str) -> None:
    verdict = Artifact({"m.py": code + "import nope\n"}).predict("m").verdict

    assert verdict in (Verdict.FAILS, Verdict.UNCERTAIN)


# --- sites ---


def test_every_line_that_imports_a_module_is_found() -> None:
    files = {
        "h.py": "import a\nfrom p import ext\ndef later():\n    import p.ext\n",
        "a.py": "try:\n    from p.ext import x\nexcept ImportError:\n    x = None\n",
        "p/__init__.py": "try:\n    from . import ext\nexcept ImportError:\n    from . import slow\n",
        "p/slow.py": "",
        "p/ext.so": "",
    }
    artifact = Artifact(files, fails={"p/ext.so": REFUSED})
    artifact.predict("h")

    assert {(str(s.site), s.guarded, s.deferred) for s in artifact.simulation.sites("p.ext")} == {
        ("h.py:2", False, False),
        ("h.py:4", False, True),
        ("a.py:2", True, False),
        ("p/__init__.py:2", True, False),
    }


@pytest.mark.parametrize(
    ("handler", "guarded"),
    [
        ("except ImportError:\n    pass", True),
        ("except Exception as e:\n    ext = None", True),
        ("except:\n    pass", True),
        ("except OSError:\n    pass", False),
        ("except (OSError, ImportError):\n    pass", True),
        ("except ImportError:\n    raise", False),
        ("except ImportError:\n    raise RuntimeError('x')", False),
        ("except ImportError:\n    import nope", False),
        ("except ImportError:\n    from slow import gone", False),
        ("except ImportError:\n    from slow import there", True),
        ("finally:\n    pass", False),
    ],
)
def test_a_guard_counts_if_it_makes_the_failure_good(handler: str, *, guarded: bool) -> None:
    files = {"m.py": f"try:\n    import ext\n{handler}\n", "slow.py": "there = 1", "ext.so": ""}
    artifact = Artifact(files, fails={"ext.so": REFUSED})
    artifact.predict("m")
    (site,) = artifact.simulation.sites("ext")

    assert site.guarded is guarded


def test_a_crash_is_never_guarded() -> None:
    files = {"m.py": "try:\n    import ext\nexcept ImportError:\n    pass\n", "ext.so": ""}
    artifact = Artifact(files, fails={"ext.so": DEAD})
    artifact.predict("m")

    assert [site.guarded for site in artifact.simulation.sites("ext")] == [False]
