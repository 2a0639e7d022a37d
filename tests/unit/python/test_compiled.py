"""What compiled modules import, as far as their strings tell."""

from __future__ import annotations

from tests.unit.python.simulated import EXT, LOADS, OLD, TASK, Artifact, doubted, missing

from abicheck.model import Failure

CYTHON = b"\0cython_runtime\0"
NUMPY = "numpy/__init__.py"
ARRAY = f"numpy/_core/_multiarray_umath{EXT}"


def test_cython_imports_at_once_the_compiled_modules_that_it_cimports() -> None:
    files = {"p/__init__.py": "", f"p/a{EXT}": "", f"p/b{OLD}": "", "p/c.py": ""}
    names = b"p.a.function\0p.c\0p.b\0"

    assert Artifact(files, words={f"p/a{EXT}": CYTHON + names}).outcome("p.a") == missing("'p.b'")
    assert Artifact(files, words={f"p/a{EXT}": b"\0" + names}).outcome("p.a") == LOADS


def test_a_compiled_package_is_not_imported_by_the_name_of_its_file() -> None:
    """As zeroconf's, in which such names stand."""
    init = f"p/__init__{EXT}"
    files = {init: "", f"p/a{EXT}": ""}
    words = dict.fromkeys(files, CYTHON + b"p.__init__\0")
    fails = {init: Failure("ImportError", "no PyInit___init__")}
    artifact = Artifact(files, words=words)

    assert artifact.outcome("p.a") == LOADS
    assert [path for path, _ in artifact.loads.asked] == [f"{TASK}/{init}", f"{TASK}/p/a{EXT}"]
    assert Artifact(files, words=words, fails=fails).outcome("p.a")[1] == "no PyInit___init__"


def test_what_is_declared_to_cython_and_is_not_there_was_compiled() -> None:
    files = {"p/__init__.py": "", f"p/a{EXT}": "", "p/b.pxd": ""}
    words = {f"p/a{EXT}": CYTHON + b"p.b\0p.d\0"}

    assert Artifact(files, words=words).outcome("p.a") == missing("'p.b'")


def test_a_cimported_module_may_lie_where_its_name_does_not_lead() -> None:
    """As those of pydevd, which debugpy puts on `sys.path`."""
    files = {"p/__init__.py": "", f"p/v/b/c{EXT}": "", f"p/v/a{EXT}": ""}
    words = {f"p/v/a{EXT}": CYTHON + b"b.c\0"}

    assert Artifact(files, words=words).outcome("p.v.a") == missing("'b'")
    assert Artifact(files, words=words).outcome("p.v.b.c") == LOADS


def test_a_module_compiled_under_a_shorter_name_may_import_by_that_one() -> None:
    files = {"p/__init__.py": "", f"p/b/c{EXT}": "", "p/b/constants.py": ""}
    path = f"p/b/c{EXT}"

    named = Artifact(files, words={path: CYTHON + b"b.c\0xb.constantsx"})
    assert doubted(named, "p.b.c") == "No module named 'b'"
    whole = Artifact(files, words={path: CYTHON + b"p.b.c\0xp.b.constantsx"})
    assert whole.outcome("p.b.c") == LOADS


def test_cython_replaces_what_has_gone_wrong_with_numpy() -> None:
    files = {NUMPY: "import nope", ARRAY: "", f"m{EXT}": ""}
    api = CYTHON + b"numpy._core._multiarray_umath\0numpy.core._multiarray_umath\0"
    new = {f"m{EXT}": api + b"numpy.import_array\0"}
    old = {f"m{EXT}": api + b"numpy.import_array\0xnumpy.core.multiarray failed to importx"}

    assert Artifact(files, words={f"m{EXT}": api}).outcome("m") == missing("'nope'")
    for words, name in ((new, "_core"), (old, "core")):
        said = Artifact(files, words=words).outcome("m")
        assert said == ("ImportError", f"numpy.{name}.multiarray failed to import")


def test_an_extension_whose_import_is_guarded_may_need_a_sibling() -> None:
    """As rapidfuzz's, which falls back on Python: what that lacks, the extension may lack."""
    files = {
        "p/__init__.py": "try:\n    from p.fast import ratio\nexcept ImportError:\n"
        "    from p.slow import ratio\n",
        f"p/fast{EXT}": "",
        "p/slow.py": "from p.distance import Score",
        "p/distance/metrics.py": "",
    }
    words = {f"p/fast{EXT}": CYTHON + b"getslowitems"}
    text = "cannot import name 'Score' from 'p.distance' (unknown location)"

    assert Artifact(files).outcome("p") == LOADS
    assert doubted(Artifact(files, words=words), "p") == text
    whole = {**files, "p/distance/__init__.py": "Score = 1"}
    assert Artifact(whole, words=words).outcome("p") == LOADS


def test_a_sibling_that_asks_for_something_optional_is_no_doubt() -> None:
    """As lxml.cssselect, which says itself what to install."""
    optional = "try:\n    import nope\nexcept ImportError:\n    raise ImportError('install nope')\n"
    files = {"p/__init__.py": "", f"p/a{EXT}": "", "p/b.py": optional}
    words = {f"p/a{EXT}": b"\0p.b\0"}

    assert Artifact(files, words=words).outcome("p.a") == LOADS
    there = {**files, "nope.pyi": ""}
    assert doubted(Artifact(there, words=words), "p.a") == "install nope"


def test_a_package_is_no_sibling_of_its_modules() -> None:
    files = {"p/__init__.py": "from p import a\nimport nope", f"p/a{EXT}": "", "m.py": ""}
    words = {f"p/a{EXT}": b"\0p.__init__\0"}

    assert Artifact(files, words=words).outcome("p.a") == missing("'nope'")
    files["p/__init__.py"] = "if __name__ == 'p.__init__': import q.nope"
    files["q/nope.pyi"] = ""
    assert Artifact(files, words=words).outcome("p.a") == LOADS
