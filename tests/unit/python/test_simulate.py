"""What importing does, as far as it can be known without running anything.

The texts in `IMPORTS` were printed by CPython 3.13.0 for the same trees.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from typing import Final

import pytest
from tests.unit.python.simulated import (
    EXT,
    LOADS,
    OLD,
    PYTHON,
    TASK,
    Artifact,
    Files,
    Loads,
    circular,
    doubted,
    importing,
    missing,
    not_there,
)

from abicheck.filesystem import Entry, Kind, Tree
from abicheck.model import Failure, Site, Verdict
from abicheck.python.simulate import Simulation

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
    # --- loops and contexts that may be left early ---
    "the end of a loop that may be left early": (
        {"m.py": "import time\nfor t in 'ab':\n    if time.f(t): break\nelse:\n    assert False\n"},
        "m",
        LOADS,
    ),
    "the end of a loop that goes on": (
        {
            "m.py": "import time\nfor t in 'ab':\n    if time.f(t): continue\n"
            "else:\n    raise ImportError('x')\n"
        },
        "m",
        ("ImportError", "x"),
    ),
    "the end of a loop in a loop that may be left early": (
        {
            "m.py": "import time\nfor s in 'ab':\n    for t in 'ab':\n"
            "        if time.f(t): break\n    if s == 'a': continue\n    import nope\n"
        },
        "m",
        missing("'nope'"),
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


def test_a_module_in_a_thousand_packages_is_predicted() -> None:
    """Parents come first, however many there are; the first that is missing decides."""
    assert importing(".".join("a" * 1000), {"b.py": ""}) == missing("'a'")


def test_more_packages_than_the_importer_can_enter_are_not_entered() -> None:
    """CPython 3.13 ends in a RecursionError at some 300 parts, whatever there is."""
    half = "a." * 150
    artifact = Artifact({"m.py": f"__import__('{half}' '{half}a')\n", "a/__init__.py": ""})

    assert artifact.outcome("m") == "uncertain"


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


def test_an_extension_may_import_a_sibling_that_imports_it_back() -> None:
    """As Cython does with the exception classes of the module it was written for."""
    files = {
        "p/__init__.py": "",
        f"p/_a_fast{EXT}": "",
        "p/_a.py": "class E(Exception): ...\nfrom ._a_fast import loop",
    }
    words = {f"p/_a_fast{EXT}": b"failedp._ap._a_fastE"}
    place = f"/var/task/p/_a_fast{EXT}"

    assert Artifact(files).outcome("p._a_fast") == LOADS
    assert Artifact(files, words=words).outcome("p._a") == LOADS
    said = doubted(Artifact(files, words=words), "p._a_fast")
    assert said == circular("loop", "p._a_fast", place)[1]


def test_what_a_source_imports_is_not_doubted_for_a_sibling_that_it_names() -> None:
    """As shapely's, which names the module of its exceptions: imported in this order, it works."""
    files = {
        "p/__init__.py": "from . import lib",
        f"p/lib{EXT}": "",
        "p/errors.py": "from p.lib import Base",
    }
    words = {f"p/lib{EXT}": b"\0p.errors\0"}

    assert Artifact(files, words=words).outcome("p") == LOADS
    assert Artifact(files, words=words).outcome("p.lib") == LOADS


def test_an_extension_may_import_what_this_build_of_python_lacks() -> None:
    files = {"p/__init__.py": "", f"p/tk{EXT}": "", "p/_finder.py": "import tkinter"}
    direct = {f"p/tk{EXT}": b"\0_tkinter\0"}
    through_a_sibling = {f"p/tk{EXT}": b"\0p._finder\0"}

    for words in (direct, through_a_sibling):
        said = doubted(Artifact(files, words=words), "p.tk")
        assert said == "No module named '_tkinter'"


def test_what_an_extension_names_and_can_import_is_no_doubt() -> None:
    files = {"p/__init__.py": "", f"p/a{EXT}": "", "p/b.py": "import json"}
    words = {f"p/a{EXT}": b"\0p.b\0json\0"}

    assert Artifact(files, words=words).outcome("p.a") == LOADS


def test_a_second_name_for_a_loaded_extension_is_a_doubt() -> None:
    files = {
        "p/__init__.py": "import sys; sys.path.insert(1, __path__[0]); import native",
        "p/native.abi3.so": "",
    }

    assert Artifact(files).outcome("p") == LOADS
    assert doubted(Artifact(files), "p.native") is not None


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
    ("path", "text"), [("m.pyc", ""), ("m.py", "# coding: no-such-coding\n" * (8 << 15))]
)
def test_what_cannot_be_read_is_not_vouched_for(path: str, text: str) -> None:
    prediction = Artifact({path: text}).predict("m")

    assert prediction.verdict is Verdict.UNCERTAIN
    assert prediction.failure is not None
    assert prediction.failure.message
    assert prediction.via == (Site(PurePosixPath(path), 1),)


def test_what_the_compiler_refuses_is_not_imported() -> None:
    text = "try:\n    pass\nexcept A, B:\n    pass\n"

    prediction = Artifact({"m.py": "import n\n", "n.py": text}).predict("m")

    assert prediction.failure is not None
    assert (prediction.failure.exception, prediction.failure.message) == (
        "SyntaxError",
        "multiple exception types must be parenthesized (n.py, line 3)",
    )
    assert [str(site) for site in prediction.via] == ["m.py:1", "n.py:3"]


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


# --- values ---

VALUES: Final = {
    "bool(r'false'.lower().replace('false', ''))": "False",
    "'a'.center(3) + 'b'.zfill(3) + str('c'.isalnum())": " a 00bTrue",
    "'a.b'.encode().decode('UTF-8').split('.')[1]": "b",
    "b'a=1'.partition(b'=')[2].decode()": "1",
    "('a', 'b').index('b') + ('a', 'b').count('a')": "2",
    "[1, 2, 3].pop() + [4, 5].pop(0)": "7",
    "{'a': 1}.pop('a') + {}.pop('b', 2) + {}.setdefault('c', 3)": "6",
    "{} == '' or [] == None or (1,) == [1]": "False",
    "[1, 'a'] == [1, 'a'] != [1]": "True",
    "{k: v for k, v in {'a': {'b': ''}, 'c': ''}.items() if v != ''}['a']['b']": "",
    "1 + 2 * 3 - 7 // 2 % 5": "4",
    "-3 if not () else 4": "-3",
    "2 ** 10 >> 3 | 1 & 3": "129",
    "1 << 4": "16",
    '"a" + "b" "c"': "abc",
    '"%s-%d-%r %%" % ("a", 2, "b")': "a-2-'b' %",
    '"%s" % "x"': "x",
    '"{} {1} {name} {{}}".format("a", name="n") if 0 else "{0}{1}{0}".format("a", "b")': "aba",
    '"{} {} {name!s} {{x}}".format(1, None, name="n")': "1 None n {x}",
    "f\"{1}{'a'!r}{None}{'b'}\"": "1'a'Noneb",
    '", ".join(["a", "b"])': "a, b",
    '"/".join(("a", "b", "c"))': "a/b/c",
    '"a.b.c".split(".")[-1]': "c",
    '"a.b.c".rsplit(".", 1)[0]': "a.b",
    '"a.b.c".rpartition(".")[2] + "a.b".partition(".")[0]': "ca",
    '"libx.so".replace(".so", ".dll").upper().lower().title()': "Libx.Dll",
    '" x ".strip() + "xxy".lstrip("x") + "yx".rstrip("x")': "xyy",
    '"libx".startswith(("a", "lib")) and not "libx".endswith("y")': "True",
    '"abc"[1:] + "abc"[::-1] + "abc"[0]': "bccbaa",
    "[1, 2, 3][1:][0] + (4, 5)[-1]": "7",
    "[1, *(2, 3)][2]": "3",
    "(*[1], 2)[1]": "2",
    '{"a": 1, **{"b": 2}}["b"]': "2",
    '{"a": 1}.get("b", 3) + {"a": 1}.get("a")': "4",
    '{"a": 1}.get("z")': "None",
    'dict(a=1, b=2)["b"]': "2",
    'dict({"a": 5})["a"]': "5",
    '{k: v for k, v in {"a": 1}.items()}["a"]': "1",
    'list({"a": 1}.keys())[0] + list({"a": "v"}.values())[0]': "av",
    "[x + 1 for x in range(5) if x % 2][1]": "4",
    '[a + b for a in "xy" for b in "12"][3]': "y2",
    "list(x for x in (1, 2))[1]": "2",
    '(lambda a, b=2, *c, d=4, **e: (a, b, len(c), d, e["f"]))(1, 3, 5, f=6)[4]': "6",
    "(lambda a, /, b: a - b)(5, b=3)": "2",
    'len("abc") + len([1]) + len({"a": 1}) + len(())': "5",
    'str(1) + str(None) + str(True) + str("a") + str()': "1NoneTruea",
    'int("12") + int(3.7) + int()': "15",
    'bool([]) or bool("x")': "True",
    "bool()": "False",
    'list("ab")[1] + tuple("ab")[0]': "ba",
    'sorted(["b", "a"])[0]': "a",
    'list(reversed(["a", "b"]))[0]': "b",
    'list(enumerate(["a", "b"], 1))[1][0]': "2",
    'list(zip("ab", "cd"))[1][1]': "d",
    "list(map(str, (1, 2)))[1]": "2",
    "list(map(lambda x: x + 1, [1]))[0]": "2",
    'list(filter(None, ["", "a"]))[0]': "a",
    "list(filter(lambda x: x > 1, [1, 2]))[0]": "2",
    "next(iter_ for iter_ in (5, 6))": "5",
    'next((x for x in () if x), "default")': "default",
    "any([0, 1]) and all([1, 1]) and not any(()) and all(())": "True",
    "any([0, 0]) or all([0, 1])": "False",
    'isinstance("a", str) and isinstance(1, int) and not isinstance("a", bytes)': "True",
    "isinstance({}, dict) and not isinstance([], dict)": "True",
    'isinstance(ImportError("x"), (OSError, ImportError))': "True",
    '1 < 2 <= 2 != 3 and "a" < "b" and 2.5 > 2 >= 1': "True",
    "(1, 2) < (1, 3) and (1, 2) <= (1, 2, 0) and not (2,) < (1, 5)": "True",
    '"b" in "abc" and "x" not in ("a", "b") and 2 in [1, 2] and "k" in {"k": 1}': "True",
    "None is None and 1 is not None and True is True": "True",
    '(1, "a") == (1, "a") and (1,) != (2,) and () == ()': "True",
    '0 or "" or "last"': "last",
    '1 and "x" and 0': "0",
    '"yes" if len("ab") == 2 else "no"': "yes",
    "(y := 5) + y": "10",
    'str(ImportError("text")) + str(ImportError()) + str(OSError("o"))': "texto",
    'str(KeyError("k")) + str(ValueError("a", 1))': "'k'('a', 1)",
    'ImportError("m").msg + str(ImportError("m").name) + ImportError("m", name="n").name': "mNonen",
    'RuntimeError("a", "b").args[1]': "b",
    'os.path.join("a", "b", "/c", "d")': "/c/d",
    "os.path.dirname(__file__) + os.path.basename(__file__)": "/var/task/p__init__.py",
    'os.path.splitext("lib/x.tar.gz")[1] + os.path.split("a/b")[1]': ".gzb",
    'os.path.abspath("x/../y") + os.path.normpath("a//b/./c/../d")': "/var/task/ya/b/d",
    'os.path.realpath(os.path.join(os.path.dirname(__file__), "lib"))': "/var/task/p/lib",
    'os.path.exists(os.path.dirname(__file__)) and not os.path.exists(__file__ + "x")': "True",
    "os.path.isfile(__file__) and os.path.isdir(os.path.dirname(__file__)) and not os.path.isdir(__file__)": "True",
    'os.path.expanduser("/x") + os.fspath("y") + os.sep + os.curdir + os.pathsep + os.extsep + os.pardir': "/xy/.:...",
    'sorted(os.listdir(os.path.dirname(__file__) + "/lib"))[1]': "liby.so",
    'os.listdir(os.path.join(__path__[0]))[0] if len(os.listdir(__path__[0])) == 1 else "several"': "several",
    'glob.glob(os.path.join(__path__[0], "lib", "*.so.?"))[0]': "/var/task/p/lib/libx.so.1",
    '[n for n in os.listdir(__path__[0] + "/lib") if n.endswith(".1")][0]': "libx.so.1",
    "os.getcwd()[0]": "/",
    'str(pathlib.Path(__file__).parent / "lib" / "liby.so")': "/var/task/p/lib/liby.so",
    'pathlib.Path(__file__).resolve().parents[0].name + pathlib.Path("a/b.tar").stem + pathlib.Path("b.so").suffix': "pb.so",
    'str(pathlib.Path("/a", "b").joinpath("c").with_name("d.so").with_suffix(".x"))': "/a/b/d.x",
    'pathlib.Path("/a/b").as_posix() + str("/x" / pathlib.Path("y")) + os.fspath(pathlib.Path("z"))': "/a/b/x/yz",
    'pathlib.Path(__file__).exists() and (pathlib.Path(__file__).parent / "lib").is_dir() and not pathlib.Path(__file__).is_dir()': "True",
    '[str(x) for x in pathlib.Path(__file__).parent.glob("*.txt")][0]': "/var/task/p/data.txt",
    'str(pathlib.Path("a").absolute())[0]': "/",
    'sorted(str(x) for x in (pathlib.Path(__file__).parent / "lib").iterdir())[0]': "/var/task/p/lib/libx.so.1",
    'pathlib.Path("a") == pathlib.Path("a") and pathlib.Path("a") != pathlib.Path("b")': "True",
    "sys.platform + os.name + sys.byteorder + sys.implementation.name": "linuxposixlittlecpython",
    "sys.version_info >= (3, 13) and sys.version_info[:2] == (3, 13) and sys.version_info < (4,) and sys.version_info.major == 3": "True",
    "sys.version_info.minor + sys.version_info[0] + sys.implementation.version[1]": "29",
    "sys.implementation.cache_tag": "cpython-313",
    'sys.maxsize > 2**32 and struct.calcsize("P") * 8 == 64': "True",
    "platform.system() + platform.machine() + platform.architecture()[0] + platform.python_implementation()": "Linuxx86_6464bitCPython",
    '".".join(platform.python_version_tuple()[:2])': "3.13",
    'sysconfig.get_config_var("EXT_SUFFIX") + sysconfig.get_config_var("SOABI")': ".cpython-313-x86_64-linux-gnu.socpython-313-x86_64-linux-gnu",
    "importlib.machinery.EXTENSION_SUFFIXES[1]": ".abi3.so",
    "sys.getfilesystemencoding()": "utf-8",
    '__name__ + __package__ + __path__[0][-1] + str("p" in sys.modules)': "pppTrue",
    '"sys" in sys.builtin_module_names and "nope" not in sys.builtin_module_names': "True",
    '"x" in globals() or "os" in globals()': "True",
    'globals()["__name__"] + vars()["__name__"] + globals().get("__name__")': "ppp",
    'getattr(sys, "frozen", False) or hasattr(sys, "getwindowsversion") or hasattr(os, "startfile")': "False",
    'getattr(os.path, "join")("a", "b")': "a/b",
    'hasattr(json, "nope") if 0 else "skipped"': "skipped",
    'os.environ.get("MY_OWN") or os.getenv("MY_OWN", "unset")': "unset",
    '"MY_OWN" in os.environ': "False",
    'os.environ.setdefault("MY_OTHER", "v") + os.environ["MY_OTHER"] + str(os.environ.pop("MY_OTHER"))': "vvv",
    'copy.copy(["a"])[0] + copy.copy({"k": "v"})["k"]': "av",
    'importlib.util.find_spec("nope") is None and importlib.util.find_spec("json") is not None': "True",
    'importlib.util.find_spec("p.nope") is None': "True",
    '[1, 2].index(2) if 0 else ["a", "b"].index("b")': "1",
}

VALUE_FILES: Final = {"p/lib/libx.so.1": "", "p/lib/liby.so": "", "p/data.txt": ""}
VALUE_IMPORTS: Final = (
    "import copy, glob, importlib.machinery, importlib.util, json, os, pathlib, platform, struct, "
    "sys, sysconfig, time\n"
)


@pytest.mark.parametrize("expression", VALUES)
def test_an_expression_has_the_value_that_it_has_in_cpython(expression: str) -> None:
    code = f"{VALUE_IMPORTS}raise RuntimeError({expression})\n"

    assert importing("p", {"p/__init__.py": code, **VALUE_FILES}) == (
        "RuntimeError",
        VALUES[expression],
    )


UNKNOWN: Final = (
    "[2, 1].sort(key=time.f)",
    "'a'.center(10**9)",
    "b'a'.decode('rot13')",
    "(1, 2).index(3)",
    "[1] == [time.f()]",
    "{1, 2} == {2, 1}",
    "time.time()",
    "nowhere_to_be_found",
    "[*time.f()][0]",
    "{**time.f()}['a']",
    "{time.f(): 1}['a']",
    "f'{time.time()}'",
    "f'{1:>3}' + f'{1!a}'",
    "'%5d' % 1",
    "'%s %s' % (1,)",
    "'{:3} {} {9999}'.format(1)",
    "'{a.b}'.format(a=1)",
    "'a'.join(time.f())",
    "''.join(os.listdir(__path__[0]))",
    "'a'.center(time.f())",
    "'a'.index('b')",
    "'a' * 3",
    "1 / 2",
    "1 // 0",
    "1 << -1",
    "~1",
    "-time.time()",
    "not time.time()",
    "time.time() < 5",
    "time.time() == 5 or time.time() != 6",
    "5 in time.f() or 'x' in time.f()",
    "time.time() is None",
    "(1, time.time()) < (1, 2)",
    "time.time() and 1",
    "1 if time.time() else 2",
    "[x for x in time.f()][0]",
    "[x for x in (1, 2) if time.time()][0]",
    "[x for x in range(1000)][0]",
    "{x: 1 for x in time.f()}['a']",
    "[1, 2][time.f()]",
    "time.f()[0]",
    "'abc'[time.f():]",
    "list(time.f())[0]",
    "list({1, 2})[0]",
    "tuple(time.f())[0]",
    "sorted([2, 1])[0]",
    "sorted(time.f())[0]",
    "list(reversed(time.f()))[0]",
    "enumerate(time.f())",
    "zip(time.f(), 'ab')",
    "range(time.f())",
    "len(time.f())",
    "int(time.f())",
    "int('1' * 1)",
    "bool(time.f())",
    "any([time.f()]) or any(time.f())",
    "all([time.f()]) and all(time.f())",
    "dict(time.f())['a']",
    "dict([(1, 2)])[1]",
    "map(str, 'a', 'b')",
    "list(map(str, time.f()))[0]",
    "list(filter(None, time.f()))[0]",
    "list(filter(time.f, [1]))[0]",
    "next(time.f())",
    "isinstance(time.f(), str)",
    "isinstance('a', time.f())",
    "str(time.f())",
    "str(OSError(2, 'gone'))",
    "OSError(2, 'gone').errno",
    "ImportError('a').foo",
    "os.path.join(time.f(), 'x')",
    "os.path.splitext(time.f())[0]",
    "os.path.exists('/etc/passwd')",
    "os.path.exists(time.f())",
    "os.path.dirname(time.f())",
    "os.path.dirname()",
    "os.listdir('/nowhere')[0]",
    "os.listdir(time.f())[0]",
    "glob.glob('*/x')[0]",
    "glob.glob(time.f())[0]",
    "pathlib.Path(time.f())",
    "pathlib.Path('a').rglob('*')",
    "next(iter(pathlib.Path('*/a').glob('x')))",
    "pathlib.Path('a').with_name(time.f())",
    "platform.python_version_tuple()[2]",
    "sys.version_info[2]",
    "sysconfig.get_config_var('prefix')",
    "struct.calcsize('l')",
    "os.environ['PATH']",
    "os.environ.get('AWS_REGION', 'x')",
    "os.environ.get(time.f())",
    "os.environ.items()",
    "'PATH' in os.environ",
    "'ctypes' in sys.modules",
    "sys.modules['json']",
    "sys.modules[time.f()]",
    "sys.modules.keys()",
    "globals()[time.f()]",
    "globals().get('z')",
    "globals().items()",
    "vars(time.f())",
    "getattr(time.f(), 'a')",
    "getattr(sys, time.f())",
    "getattr(sys, 'argv', 1)",
    "hasattr(time.f(), 'a') or hasattr(sys, time.f())",
    "importlib.util.find_spec(time.f()) is None",
    "importlib.util.find_spec('.x', 'p') is None",
    "importlib.import_module(time.f()).x",
    "importlib.import_module('.x', time.f()).x",
    "super().x",
    "super(int, 3).x",
    "(lambda a: a)()",
    "(lambda a: a)(1, 2)",
    "(lambda a: a)(1, b=2)",
    "(lambda: 1)(*time.f())",
    "open('nowhere').read()",
    "compile('1', '', 'eval')",
    "eval('1')",
    "[].pop",
    "[1].pop(5)",
    "{'a': 1}.pop('b')",
    "{'a': 1}.setdefault(time.f(), 2)",
)


@pytest.mark.parametrize("expression", UNKNOWN)
def test_a_value_that_does_not_follow_is_not_guessed(expression: str) -> None:
    code = f"{VALUE_IMPORTS}raise RuntimeError({expression})\n"

    assert importing("p", {"p/__init__.py": code, **VALUE_FILES}) == ("RuntimeError", None)


CODE: Final = {
    "a list is put in order": (
        "x = ['b', 'a', 'c']\nx.sort()\nx.reverse()\nx.remove('b')\nx = ''.join(x)\n",
        "ca",
    ),
    "a table without its empty values": (
        (
            "def clean(d):\n"
            "    if isinstance(d, dict):\n"
            "        return {k: clean(v) for k, v in d.items() if v != '' and clean(v) != ''}\n"
            "    return d\n"
            "x = clean({'a': {'b': {'c': bool('false'.replace('false', '')), 'd': ''}}})\n"
            "x = x['a']['b']['c']\n"
        ),
        "False",
    ),
    "a tuple is unpacked": (
        "a, (b, *c), d = 1, (2, 3, 4), 5\nx = (a, b, c[1], d)[2]\n",
        "4",
    ),
    "a list grows": (
        "x = []\nx.append('a')\nx.insert(0, 'b')\nx.extend(['c'])\nx += ['d']\nx = ''.join(x)\n",
        "bacd",
    ),
    "a list is replaced as a whole": (
        "x = []\ny = x\ny[:] = ('a', 'b')\nx = x[1]\n",
        "b",
    ),
    "a dictionary grows": (
        "x = {}\nx['a'] = 1\nx.update({'b': 2}, c=3)\nx = x['a'] + x['b'] + x['c']\n",
        "6",
    ),
    "a list is shared": (
        "x = y = []\ny.append('a')\nx = x[0]\n",
        "a",
    ),
    "a copy is not shared": (
        "x = ['a']\ny = x.copy()\ny.append('b')\nx = len(x)\n",
        "1",
    ),
    "text is added to": (
        "x = 'a'\nx += 'b'\n",
        "ab",
    ),
    "a number is added to": (
        "x = 1\nx += 2\nx -= 1\nx *= 5\nx //= 3\n",
        "3",
    ),
    "a loop over known items": (
        (
            "x = ''\n"
            "for i, c in enumerate('abc'):\n"
            "    if i == 1:\n"
            "        continue\n"
            "    x += c\n"
            "else:\n"
            "    x += '!'\n"
        ),
        "ac!",
    ),
    "a loop that is left": (
        "for x in (1, 2, 3):\n    if x == 2:\n        break\nelse:\n    x = 0\n",
        "2",
    ),
    "a while that is not entered": (
        "x = 1\nwhile x > 5:\n    x = 2\nelse:\n    x += 10\n",
        "11",
    ),
    "a chained assignment": (
        "x = y = 3\nx = x + y\n",
        "6",
    ),
    "an annotated assignment": (
        "x: int = 4\ny: str\n",
        "4",
    ),
    "a deleted and rebound name": (
        "x = 1\ndel x\nx = 2\n",
        "2",
    ),
    "a function with all kinds of parameters": (
        (
            "def f(a, /, b, *c, d, e=5, **g):\n"
            "    return a + b + c[0] + d + e + g['h']\n"
            "x = f(1, 2, 3, d=4, h=6)\n"
        ),
        "21",
    ),
    "arguments from a list and a dictionary": (
        "def f(a, b, c):\n    return a + b + c\nx = f(*[1, 2], **{'c': 3})\n",
        "6",
    ),
    "a function that returns early": (
        "def f(a):\n    if a:\n        return 'early'\n    return 'late'\nx = f(1) + f(0)\n",
        "earlylate",
    ),
    "a function without a return": (
        "def f():\n    pass\nx = f()\n",
        "None",
    ),
    "a closure": (
        "def f(a):\n    def g():\n        return a\n    return g\nx = f('inner')()\n",
        "inner",
    ),
    "a nonlocal name": (
        (
            "def f():\n"
            "    a = 1\n"
            "    def g():\n"
            "        nonlocal a\n"
            "        a = 2\n"
            "    g()\n"
            "    return a\n"
            "x = f()\n"
        ),
        "2",
    ),
    "a global name": (
        "x = 1\ndef f():\n    global x\n    x = 2\nf()\n",
        "2",
    ),
    "recursion": (
        "def f(n):\n    return 0 if n == 0 else n + f(n - 1)\nx = f(3)\n",
        "6",
    ),
    "a method": (
        (
            "class C:\n"
            "    def __init__(self, a):\n"
            "        self.a = a\n"
            "    def f(self):\n"
            "        return self.a\n"
            "x = C('own').f()\n"
        ),
        "own",
    ),
    "a class attribute": (
        "class C:\n    a = 'shared'\nx = C().a + C.a + C.__name__\n",
        "sharedsharedC",
    ),
    "an inherited method": (
        "class B:\n    def f(self):\n        return 'base'\nclass C(B):\n    pass\nx = C().f()\n",
        "base",
    ),
    "super without arguments": (
        (
            "class B:\n"
            "    def __init__(self, a):\n"
            "        self.a = a\n"
            "class C(B):\n"
            "    def __init__(self):\n"
            "        super().__init__('up')\n"
            "x = C().a\n"
        ),
        "up",
    ),
    "super with arguments": (
        (
            "class B(object):\n"
            "    def f(self):\n"
            "        return 'up'\n"
            "class C(B):\n"
            "    def f(self):\n"
            "        return super(C, self).f()\n"
            "x = C().f()\n"
        ),
        "up",
    ),
    "a property": (
        "class C:\n    @property\n    def a(self):\n        return 'computed'\nx = C().a\n",
        "computed",
    ),
    "a static method": (
        "class C:\n    @staticmethod\n    def f(a):\n        return a\nx = C().f('static')\n",
        "static",
    ),
    "an attribute that is computed": (
        (
            "class C:\n"
            "    def __getattr__(self, name):\n"
            "        return name.upper()\n"
            "x = C().missing\n"
        ),
        "MISSING",
    ),
    "an attribute set from outside": (
        (
            "class C: pass\n"
            "c = C()\n"
            "c.a = 1\n"
            "setattr(c, 'b', 2)\n"
            "x = c.a + getattr(c, 'b') + vars(c)['a']\n"
        ),
        "4",
    ),
    "a context that gives itself": (
        (
            "class C:\n"
            "    a = 'inside'\n"
            "    def __enter__(self): return self\n"
            "    def __exit__(self, *e): return None\n"
            "with C() as c:\n"
            "    x = c.a\n"
        ),
        "inside",
    ),
    "a decorator": (
        "def twice(f):\n    return lambda: f() + f()\n@twice\ndef f(): return 'a'\nx = f()\n",
        "aa",
    ),
    "a cached function": (
        "import functools\n@functools.lru_cache\ndef f(): return 'once'\nx = f()\n",
        "once",
    ),
    "a class decorator": (
        "def mark(c):\n    c.a = 'marked'\n    return c\n@mark\nclass C: pass\nx = C().a\n",
        "marked",
    ),
    "a false class": (
        "class C:\n    def __bool__(self): return False\n    a = 1\nx = C.a\n",
        "1",
    ),
    "globals are written": (
        "globals()['y'] = 'written'\nx = y\n",
        "written",
    ),
    "globals are updated": (
        "globals().update({'y': 'a'}, z='b')\nx = y + z\n",
        "ab",
    ),
    "an exception that is kept": (
        "try:\n    raise KeyError('k')\nexcept (OSError, LookupError) as e:\n    x = str(e)\n",
        "'k'",
    ),
    "else after a try": (
        "try:\n    x = 1\nexcept ValueError:\n    x = 2\nelse:\n    x += 2\nfinally:\n    x += 4\n",
        "7",
    ),
    "finally with a return": (
        "def f():\n    try:\n        raise OSError\n    finally:\n        return 'kept'\nx = f()\n",
        "kept",
    ),
    "a missing key": (
        "try:\n    x = {'a': 1}['b']\nexcept KeyError:\n    x = 'none'\n",
        "none",
    ),
    "an index out of range": (
        "try:\n    x = [1][3]\nexcept IndexError as e:\n    x = str(e)\n",
        "list index out of range",
    ),
    "an empty iterator": (
        "try:\n    x = next(y for y in [])\nexcept StopIteration:\n    x = 'empty'\n",
        "empty",
    ),
    "an unset variable": (
        (
            "import os\n"
            "try:\n"
            "    x = os.environ['MY_OWN']\n"
            "except KeyError:\n"
            "    os.environ['MY_OWN'] = 'now'\n"
            "    x = os.environ['MY_OWN']\n"
        ),
        "now",
    ),
    "an assertion that fails": (
        "try:\n    assert 1 > 2, 'sizes'\nexcept AssertionError as e:\n    x = str(e)\n",
        "sizes",
    ),
    "nothing to raise again": (
        "try:\n    raise\nexcept RuntimeError as e:\n    x = str(e)\n",
        "No active exception to reraise",
    ),
    "a name of another module": (
        "import q\nx = q.a + q.f('b')\n",
        "AAb",
    ),
    "a module from sys.modules": (
        "import sys\nx = sys.modules[__name__].__name__ + sys.modules.get(__name__).__name__\n",
        "pp",
    ),
    "a module put into sys.modules": (
        (
            "import sys\n"
            "sys.modules['other'] = sys.modules[__name__]\n"
            "import other\n"
            "x = other.__name__\n"
        ),
        "p",
    ),
    "a module taken out of sys.modules": (
        "import sys\nimport q\nx = q.n\ndel sys.modules['q']\nimport q\nx += q.n\n",
        "2",
    ),
    "a submodule is an attribute": (
        "import r.s\nx = r.s.a\n",
        "S",
    ),
    "a module under another name": (
        "import r.s as t\nfrom r import s as u\nx = t.a + u.a\n",
        "SS",
    ),
    "code from a file": (
        (
            "y = {}\n"
            "with open(__file__.replace('p.py', 'q.py')) as f:\n"
            "    exec(compile(f.read(), 'q', 'exec'), globals())\n"
            "x = a\n"
        ),
        "A",
    ),
    "a star import": (
        "from q import *\nx = a\n",
        "A",
    ),
    "__import__ gives the top": (
        "x = __import__('r.s').__name__ + __import__('r.s', fromlist=['a']).__name__\n",
        "rr.s",
    ),
}

CODE_FILES: Final = {
    "q.py": "a = 'A'\nn = 1\ndef f(x): return a + x\n",
    "r/__init__.py": "",
    "r/s.py": "a = 'S'\n",
}


@pytest.mark.parametrize("name", CODE)
def test_code_computes_what_it_computes_in_cpython(name: str) -> None:
    code, text = CODE[name]

    assert importing("p", {"p.py": f"{code}raise RuntimeError(x)\n", **CODE_FILES}) == (
        "RuntimeError",
        text,
    )


LOST: Final = {
    "a list that another function has seen": "x = ['a']\ntime.f(x)\nx = x[0]\n",
    "a dictionary that another function has seen": "x = {'a': 1}\ntime.f(x=x)\nx = x['a']\n",
    "a list changed on one path": "x = ['a']\nif time.time():\n    x.append('b')\nx = x[-1]\n",
    "a name bound on one path": "x = 1\nif time.time():\n    x = 2\n",
    "a name deleted on one path": "x = 1\nif time.time():\n    del x\n",
    "a name bound in a loop of unknown length": "x = 1\nfor y in time.f():\n    x = 2\n",
    "a loop that may be left early": "x = 0\nfor y in (1, 2):\n    if time.time():\n"
    "        break\n    x += y\n",
    "a global that an unknown call may change": "x = 1\ndef f():\n    global x\n    x = 2\n"
    "    yield\nf()\n",
    "the result of two returns": "def f():\n    if time.time():\n        return 1\n    return 2\n"
    "x = f()\n",
    "a value from one case": "match time.f():\n    case 1:\n        x = 1\n    case _:\n        x = 2\n",
    "a tuple of another length": "try:\n    x, y = time.f()\nexcept ValueError:\n    x = 1\n",
    "an item under an unknown key": "x = {'a': 1}\nx[time.f()] = 2\nx = x['a']\n",
    "a slice that is replaced": "x = ['a']\nx[0:1] = 'b'\nx = x[0]\n",
    "an attribute set on one path": "class C: pass\nc = C()\nc.a = 1\nif time.time():\n"
    "    c.a = 2\nx = c.a\n",
    "an instance of an unknown class": "class C(time.T):\n    a = 1\nx = C().b\n",
    "a class with a metaclass": "class C(metaclass=time.T):\n    a = 1\nx = C().b\n",
    "what an unknown decorator returns": "@time.f\ndef f(): return 1\nx = f()\n",
    "what a coroutine returns": "async def f(): return 1\nx = f()\n",
    "an exception with text of its own": "class E(Exception):\n    def __str__(self): return 'x'\n"
    "x = str(E('a'))\n",
}


@pytest.mark.parametrize("name", LOST)
def test_what_may_have_changed_is_not_known_any_more(name: str) -> None:
    code = f"import time\n{LOST[name]}raise RuntimeError(x)\n"

    assert importing("p", {"p.py": code}) == ("RuntimeError", None)


# --- libraries whose name is known in part ---


def test_the_one_file_that_a_partly_known_name_can_mean_is_opened() -> None:
    code = "import ctypes, time\nctypes.CDLL(f'{time.f()}/lib/libx.so')\n"
    files = {"m.py": code, LIBRARY: "", "p/libx.so": ""}
    artifact = Artifact(files, fails={LIBRARY: REFUSED_LIBRARY})

    assert artifact.outcome("m") == "uncertain"
    assert list(artifact.simulation.opened()) == [f"/var/task/{LIBRARY}"]


def test_of_several_files_that_a_name_can_mean_none_is_held_against_it() -> None:
    code = "import ctypes, time\nctypes.CDLL('lib' + time.f() + '.so')\n"
    files = {"m.py": code, "p/libx.so": "", "p/liby.so": ""}
    artifact = Artifact(files, fails={"p/libx.so": REFUSED_LIBRARY})

    assert artifact.outcome("m") == LOADS
    assert len(artifact.simulation.opened()) == 2


def test_a_name_of_which_nothing_is_known_opens_nothing() -> None:
    code = "import ctypes, time\nctypes.CDLL(time.f())\nctypes.CDLL(name=time.f() + '/')\n"
    artifact = Artifact({"m.py": code, "p/libx.so": ""})

    assert artifact.outcome("m") == LOADS
    assert artifact.simulation.opened() == {}


# --- paths that may be taken ---


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("while time.f():\n    import ext\n", "uncertain"),
        ("while time.f():\n    break\nelse:\n    import ext\n", "uncertain"),
        ("for x in time.f():\n    import ext\n", "uncertain"),
        ("match time.f():\n    case 1:\n        import ext\n", "uncertain"),
        ("time.f() and __import__('ext')\n", "uncertain"),
        ("x = __import__('ext') if time.f() else None\n", "uncertain"),
        ("def f():\n    if time.f():\n        return\n    import ext\nf()\n", "uncertain"),
        ("for x in (1, 2):\n    if time.f():\n        continue\n    import ext\n", "uncertain"),
        ("try:\n    import ext\nexcept time.Error:\n    pass\n", REFUSED.message),
        ("try:\n    import ext\nexcept Unheard:\n    pass\n", "uncertain"),
        ("try:\n    if time.f():\n        import ext\nexcept ImportError:\n    pass\n", LOADS),
        (
            (
                "try:\n    if time.f():\n        import json.x\n        raise KeyError\n"
                "except KeyError:\n    import ext\n"
            ),
            "uncertain",
        ),
        ("if time.f():\n    import ext\nelse:\n    raise ImportError('other')\n", None),
        ("if time.f():\n    import ext\nelse:\n    raise OSError('other')\n", None),
        ("with time.f():\n    import ext\n", REFUSED.message),
        (
            (
                "import contextlib\n@contextlib.contextmanager\ndef optional():\n    try:\n"
                "        yield\n    except ImportError:\n        pass\n"
                "with optional():\n    import ext\n"
            ),
            LOADS,
        ),
    ],
)
def test_what_an_unknown_path_leads_to(code: str, expected: str | None) -> None:
    files = {"m.py": f"import time\n{code}", "ext.so": ""}
    artifact = Artifact(files, fails={"ext.so": REFUSED})
    prediction = artifact.predict("m")
    outcome: str | None = str(prediction.verdict)
    if prediction.verdict is Verdict.FAILS:
        assert prediction.failure is not None
        outcome = prediction.failure.message

    assert outcome == expected


def test_a_death_under_an_unknown_condition_is_a_doubt() -> None:
    files = {"m.py": "import time\nif time.f():\n    import ext\n", "ext.so": ""}
    prediction = Artifact(files, fails={"ext.so": DEAD}).predict("m")

    assert prediction.verdict is Verdict.UNCERTAIN
    assert prediction.failure is not None
    assert prediction.failure.crash == "SIGSEGV"


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("hasattr(q, 'there')", True),
        ("hasattr(q, 'gone')", True),
        ("hasattr(q, 'sub')", True),
        ("hasattr(lazy, 'gone')", True),
        ("hasattr(c, 'a')", True),
        ("not hasattr(q, 'there')", False),
    ],
)
def test_a_module_is_asked_for_its_attributes(test: str, *, expected: bool) -> None:
    code = f"import q.sub, lazy\nclass C: pass\nc = C()\nc.a = 1\nif {test}:\n    import nope\n"
    files = {
        "m.py": code,
        "q/__init__.py": "there = 1\n",
        "q/sub.py": "",
        "lazy.py": "def __getattr__(name):\n    raise AttributeError(name)\n",
        # A trace, so that an unknown test is not taken for one that fails.
        f"nope{OLD}": "",
    }

    if "gone" in test:
        # More attributes can be given to a module from anywhere.
        assert importing("m", files) == "uncertain"
    else:
        assert importing("m", files) == (missing("'nope'") if expected else LOADS)


def test_what_follows_a_failure_that_may_be_suppressed_may_not_have_run() -> None:
    """As rapidfuzz, which falls back on Python where none of its extensions can be imported."""
    files = {
        "p/__init__.py": "import contextlib\nhere = False\n"
        "with contextlib.suppress(ImportError):\n"
        "    early = True\n"
        "    from p.fast import ratio\n"
        "    here = True\n"
        "if not early: import other\n"
        "if not here: import nope\n",
        f"p/fast{EXT}": "",
        "nope.pyi": "",
    }
    path = f"p/fast{EXT}"

    assert importing("p", files) == LOADS
    artifact = Artifact(files, uncertain={path}, fails={path: Failure("ImportError", "no")})
    assert doubted(artifact, "p") == "No module named 'nope'"


# Printed by CPython 3.9.18, 3.10.13, 3.11.7, 3.12.1 and 3.13.0.
@pytest.mark.parametrize(
    ("version", "origin"),
    [((3, 9), ""), ((3, 12), ""), ((3, 13), f" from '{TASK}/p/__init__.py'")],
)
def test_a_circle_of_star_imports_is_told_in_the_words_of_the_release(
    version: tuple[int, int], origin: str
) -> None:
    files = {
        "p/__init__.py": "__all__ = ['y']\nimport p.a\ny = 1\n",
        "p/a.py": "from p import *\n",
    }
    text = (
        f"partially initialized module 'p'{origin} has no attribute 'y' "
        "(most likely due to a circular import)"
    )

    artifact = Artifact(files, python=replace(PYTHON, version=version))
    assert artifact.outcome("p") == ("AttributeError", text)


@pytest.mark.parametrize(
    ("version", "text"),
    [((3, 9), "nope"), ((3, 10), "No package metadata was found for nope")],
)
def test_missing_metadata_is_told_in_the_words_of_the_release(
    version: tuple[int, int], text: str
) -> None:
    files = {"m.py": "import importlib.metadata\nimportlib.metadata.version('nope')\n"}

    artifact = Artifact(files, python=replace(PYTHON, version=version))
    assert artifact.outcome("m") == ("PackageNotFoundError", text)
