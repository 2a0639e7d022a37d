"""What packages do while they are imported, each case as small as it can be.

The cases were found in distributions that load, or die, otherwise than had been predicted.
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
    circular,
    doubted,
    importing,
    missing,
)

IMPORTS: Final[dict[str, tuple[Files, str, tuple[str, str] | str]]] = {
    "a stranger makes an object whose attributes it may set": (
        {
            "m.py": "import operator\n"
            "class C:\n"
            "    def __init__(self):\n"
            "        operator.methodcaller('fill')(self)\n"
            "    def fill(self):\n"
            "        self.known = 1\n"
            "    def __getattr__(self, name):\n"
            "        raise AttributeError(name)\n"
            "c = C()\n"
            "c.known\n"
        },
        "m",
        LOADS,
    ),
    "an object whose attributes a metaclass fills": (
        {
            "m.py": "class Registry:\n"
            "    def __init__(self):\n"
            "        self.classes = {}\n"
            "    def __getattr__(self, name):\n"
            "        if name not in self.classes:\n"
            "            raise AttributeError(name)\n"
            "        return self.classes[name]\n"
            "registry = Registry()\n"
            "class Meta(type):\n"
            "    def __init__(cls, name, bases, names):\n"
            "        registry.classes[name] = cls\n"
            "class One(metaclass=Meta):\n"
            "    pass\n"
            "registry.One\n"
        },
        "m",
        LOADS,
    ),
    "a list in an object that calls nested too deeply fill": (
        {
            "m.py": "class C:\n"
            "    def __init__(self):\n"
            "        self.items = []\n"
            "    def fill(self):\n"
            "        self.items.append(1)\n"
            "    def first(self):\n"
            "        self.fill()\n"
            "        return self.items[0]\n"
            + "".join(
                f"    def at{depth}(self):\n        return self.at{depth + 1}()\n"
                for depth in range(7)
            )
            + "    at7 = first\n"
            "C().at0()\n"
        },
        "m",
        LOADS,
    ),
    "a list of the module that calls nested too deeply fill": (
        {
            "m.py": "items = []\n"
            "def at9():\n"
            "    items.append(1)\n"
            + "".join(f"def at{depth}():\n    at{depth + 1}()\n" for depth in range(9))
            + "at0()\n"
            "items[0]\n"
        },
        "m",
        LOADS,
    ),
    "a module that is not to be imported": (
        {"m.py": "import sys\nsys.modules['n'] = None\nimport n\n", "n.py": ""},
        "m",
        ("ModuleNotFoundError", "import of n halted; None in sys.modules"),
    ),
    "a submodule that is not to be imported": (
        {
            "m.py": "import sys\nsys.modules['p.n'] = None\nfrom p import n\n",
            "p/__init__.py": "",
            "p/n.py": "",
        },
        "m",
        ("ModuleNotFoundError", "import of p.n halted; None in sys.modules"),
    ),
    "a module that was not to be imported": (
        {
            "m.py": "import sys\nsys.modules['n'] = None\n"
            "if 'n' not in sys.modules or sys.modules.get('n') is not None: import nope\n"
            "try:\n    import n\nexcept ImportError:\n    del sys.modules['n']\n"
            "import n\n",
            "n.py": "",
        },
        "m",
        LOADS,
    ),
    "a __getattr__ below a star import of names that are not known": (
        {
            "p/__init__.py": "from .names import *\n"
            "def __getattr__(name):\n"
            "    raise AttributeError(f'no {name}')\n",
            "p/names.py": "import struct\nglobals().update(struct.__dict__)\n",
            "m.py": "from p import calcsize\n",
        },
        "m",
        LOADS,
    ),
    "an item that is not there": ({"m.py": "{'a': 1}['b']"}, "m", ("KeyError", "'b'")),
    "a condition on what a call has returned": (
        {
            "m.py": "import operator\n"
            "class D:\n    c = 1\n"
            "class C:\n    class a:\n        b = D\n"
            "spec = operator.attrgetter('a')(C).b\n"
            "if spec.c is None or not spec.c:\n"
            "    raise ValueError('x')\n"
        },
        "m",
        LOADS,
    ),
    "a `try` that is to fail": (
        {
            "m.py": "try:\n    1 / 0\n"
            "except ZeroDivisionError:\n    pass\n"
            "else:\n    raise RuntimeError('it should have failed')\n"
        },
        "m",
        LOADS,
    ),
    "an import after a `try` that went well": (
        {"m.py": "try:\n    int('1')\nexcept ValueError:\n    pass\nelse:\n    import nope\n"},
        "m",
        missing("'nope'"),
    ),
    "what is raised after an import that went well": (
        {
            "m.py": "try:\n    import json\n"
            "except ImportError:\n    pass\n"
            "else:\n    raise RuntimeError('not both')\n"
        },
        "m",
        ("RuntimeError", "not both"),
    ),
    "an entry of sys.modules that may be there, with another for the contrary": (
        {"m.py": "import sys\nif sys.modules.get('p', 1) != 1: import nope\n", "p.py": ""},
        "m",
        LOADS,
    ),
}


@pytest.mark.parametrize(("files", "module", "expected"), IMPORTS.values(), ids=IMPORTS)
def test_what_packages_do_while_they_are_imported(
    files: Files, module: str, expected: tuple[str, str] | str
) -> None:
    assert importing(module, files) == expected


_PART: Final = {
    "whole/__init__.py": "import part",
    "part/__init__.py": "import sys\n"
    "if {test}:\n    raise ImportError('whole should be imported before part')\n",
}


@pytest.mark.parametrize("test", ["'whole' not in sys.modules", "sys.modules.get('whole') is None"])
def test_a_module_that_asks_what_was_imported_before_it_is_followed_anew(test: str) -> None:
    files = {path: text.replace("{test}", test) for path, text in _PART.items()}
    artifact = Artifact(files)

    assert artifact.outcome("whole") == LOADS
    assert artifact.outcome("part") == ("ImportError", "whole should be imported before part")
    assert artifact.outcome("whole.nope") == missing("'whole.nope'")


def test_a_copy_of_cffi_s_backend_in_a_package_needs_no_other() -> None:
    backend = f"p/_cffi_backend{EXT}"
    artifact = Artifact({"p/__init__.py": "", backend: ""}, mentions={backend: ["_cffi_backend"]})

    assert artifact.outcome("p._cffi_backend") == LOADS


_NATIVE: Final = {
    "p/__init__.py": "from . import _native\nimport p.parts\n",
    f"p/_native{EXT}": "",
}
_STUB: Final = {"p/parts.pyi": ""}
_NAMES: Final = b"\0sys\0modules\0p.parts\0"


@pytest.mark.parametrize(
    ("files", "words", "expected"),
    [
        (_NATIVE, _NAMES, LOADS),
        (_NATIVE, b"\0sys\0modules\0p.others\0", missing("'p.parts'")),
        (_NATIVE | _STUB, b"", LOADS),
        (_NATIVE | _STUB, _NAMES + b"cython_runtime\0", missing("'p.parts'")),
        (_NATIVE | {f"p/parts{OLD}": ""}, _NAMES, missing("'p.parts'")),
        (_NATIVE | {"p/__init__.py": "import p.parts\n"}, _NAMES, missing("'p.parts'")),
    ],
    ids=["it is", "another", "a stub", "Cython's", "a file of it", "not loaded yet"],
)
def test_an_extension_puts_submodules_into_sys_modules(
    files: Files, words: bytes, expected: tuple[str, str] | str
) -> None:
    artifact = Artifact(files, words={f"p/_native{EXT}": words})

    assert artifact.outcome("p") == expected


_GROUP: Final = f"85cae537__mypyc{EXT}"
_COMPILED: Final = {_GROUP: "", "p/__init__.py": "", f"p/mod{EXT}": "", "p/mod.py": ""}


def compiled(*, mod: str = "", without: str = "", **files: str) -> Artifact:
    """A module that mypyc has compiled together with others."""
    whole = {
        **_COMPILED,
        "p/mod.py": mod,
        **{f"p/{name}.py": text for name, text in files.items()},
    }
    kept = {path: text for path, text in whole.items() if path != without}
    return Artifact(kept, mentions={f"p/mod{EXT}": ["85cae537__mypyc"]})


def test_a_module_compiled_by_mypyc_needs_the_one_that_holds_the_code() -> None:
    assert compiled().outcome("p.mod") == LOADS
    assert compiled(without=_GROUP).outcome("p.mod") == missing("'85cae537__mypyc'")


def test_a_module_compiled_by_mypyc_imports_what_its_source_does() -> None:
    assert compiled(mod="import nope").outcome("p.mod") == missing("'nope'")
    assert compiled(mod="raise ValueError").outcome("p.mod") == LOADS
    assert compiled(mod="import nope", without=_GROUP).outcome("p.mod") == missing(
        "'85cae537__mypyc'"
    )


def test_what_mypyc_says_of_a_name_that_is_not_there_is_not_foretold() -> None:
    artifact = compiled(mod="from p.other import late", other="")

    assert doubted(artifact, "p.mod") == (
        f"cannot import name 'late' from 'p.other' ({TASK}/p/other.py)"
    )


def test_a_compiled_module_has_no_more_names_yet_than_its_source_has_bound() -> None:
    artifact = compiled(mod="from p import other", other="from p.mod import late")

    assert artifact.outcome("p.mod") == circular("late", "p.mod", f"{TASK}/p/mod{EXT}")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (b"\0cython_runtime\0p/mod.py\0mod.py\0", missing("'nope'")),
        (b"\0cython_runtime\0mod.pyx\0", LOADS),
        (b"\0mod.py\0", LOADS),
    ],
    ids=["from it", "from another", "by another"],
)
def test_a_module_compiled_by_cython_imports_what_its_source_does(
    words: bytes, expected: tuple[str, str] | str
) -> None:
    files = {"p/__init__.py": "", f"p/mod{EXT}": "", "p/mod.py": "import nope"}

    assert Artifact(files, words={f"p/mod{EXT}": words}).outcome("p.mod") == expected


def test_cython_takes_the_imports_of_its_directives_out() -> None:
    """As zmq.backend.cython._zmq, a source that Python could run as well."""
    code = "import cython\nfrom cython import compiled\nfrom cython.cimports.libc import stdio\n"
    files = {
        "p/__init__.py": "",
        f"p/mod{EXT}": "",
        "p/mod.py": code,
        "q.py": "import p.mod, cython",
    }
    artifact = Artifact(files, words={f"p/mod{EXT}": b"\0cython_runtime\0mod.py\0"})

    assert artifact.outcome("p.mod") == LOADS
    assert artifact.outcome("q") == missing("'cython'")


def test_cython_has_words_of_its_own_for_a_name_that_is_not_there() -> None:
    files = {
        "p/__init__.py": "",
        f"p/mod{EXT}": "",
        "p/mod.py": "from p.other import x",
        "p/other.py": "",
    }
    words = {f"p/mod{EXT}": b"\0cython_runtime\0mod.py\0"}

    assert Artifact(files, words=words).outcome("p.mod") == ("ImportError", "cannot import name x")


_NO_X: Final = "libx.so.1: cannot open shared object file: No such file or directory"
_NOWHERE: Final = "ctypes.util.find_library() did not manage to locate a library called"
_FFI: Final = "class FFI:\n    def dlopen(self, name): pass\n"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import ctypes\nctypes.CDLL('libx.so.1')", ("OSError", _NO_X)),
        ("import ctypes\nctypes.cdll['libx.so.1']", ("OSError", _NO_X)),
        ("import ctypes\nctypes.CDLL('liby.so.1')", LOADS),
        ("import ctypes\nctypes.CDLL('')", LOADS),
        (
            """import ctypes
for name in 'libx.so.1', 'liby.so.1':
    try:
        ctypes.CDLL(name)
        break
    except OSError:
        pass
else:
    raise ImportError('neither')
""",
            LOADS,
        ),
        (
            "import ctypes.util\nif not ctypes.util.find_library('x'): raise ImportError('no x')",
            ("ImportError", "no x"),
        ),
        ("import ctypes.util\nif not ctypes.util.find_library('y'): import nope", "uncertain"),
        (
            f"{_FFI}FFI().dlopen('libx.so.1')",
            (
                "OSError",
                f"cannot load library 'libx.so.1': {_NO_X}.  Additionally, {_NOWHERE} 'libx.so.1'",
            ),
        ),
        (f"{_FFI}FFI().dlopen('x')", ("OSError", f"{_NOWHERE} 'x'")),
        (f"{_FFI}FFI().dlopen('y')", LOADS),
        (
            "from ext import ffi\nffi.dlopen('libx.so.1')",
            ("OSError", f"cannot load library 'libx.so.1': {_NO_X}"),
        ),
    ],
)
def test_a_library_is_opened_by_its_name(code: str, expected: tuple[str, str] | str) -> None:
    files = {"m.py": code, f"ext{EXT}": "", "nope": ""}
    artifact = Artifact(files, absent={"libx.so.1", "liblibx.so.1.so"})

    assert artifact.outcome("m") == expected


def test_a_library_that_is_opened_without_a_guard_and_is_nowhere_is_remembered() -> None:
    code = (
        "import ctypes\nfrom contextlib import suppress\n"
        "with suppress(OSError):\n    ctypes.CDLL('libx.so.1')\n"
    )
    artifact = Artifact(
        {"m.py": f"{code}ctypes.CDLL('libz.so.1')\n"}, absent={"libx.so.1", "libz.so.1"}
    )
    artifact.predict("m")

    assert list(artifact.simulation.absent()) == ["libz.so.1"]


def test_what_a_lone_wheel_opens_by_name_may_come_with_another() -> None:
    code = "import ctypes, ctypes.util\nctypes.CDLL('libx.so.1')\nctypes.util.find_library('x')"

    assert Artifact({"m.py": code}, absent={"libx.so.1"}, alone=True).outcome("m") == LOADS


def test_an_archive_may_be_unpacked_where_the_function_may_write() -> None:
    """As serverless-python-requirements does with `zip: true`."""
    files = {
        "unzip_requirements.py": "import sys\nsys.path.append('/tmp/sls-py-req')\n",
        "m.py": "try:\n    import unzip_requirements\nexcept ImportError:\n    pass\nimport pandas",
        "n.py": "import pandas",
    }

    assert importing("m", files) == LOADS
    assert importing("n", files) == missing("'pandas'")


def test_what_is_searched_from_the_start_is_known_wherever_it_lies() -> None:
    """Below /tmp too: nobody will fill it."""
    python = replace(PYTHON, path=(PurePosixPath("/tmp/task"), *PYTHON.path))  # noqa: S108 - the target's

    assert Artifact({"m.py": "import pandas"}, python=python).outcome("m") == missing("'pandas'")
