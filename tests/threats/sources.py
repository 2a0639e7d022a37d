"""Hostile Python: sources that a parser or a simulation would choke on, and code that waits."""

from __future__ import annotations

import marshal
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from tests.factories import write_zip
from tests.threats.threat import ATTACK, PAYLOAD, Request, Threat, checked, threat

_HANDLER: Final = "\ndef handler(*_): ...\n"


def _app(place: Path, source: str | bytes, **others: str | bytes) -> Request:
    return _files(place, {"app.py": source, **others})


def _files(place: Path, files: Mapping[str, str | bytes]) -> Request:
    write_zip(place / "app.zip", files)
    return checked("app.zip", "--handler", "app.handler")


# --- parsing ---


@threat("a hundred thousand parentheses", code="ABI606")
def source_deep_parentheses(place: Path) -> Request:
    return _app(place, f"x = {'(' * 100_000}{')' * 100_000}{_HANDLER}")


@threat("an attribute of an attribute, a hundred thousand times", status=0, code="ABI602")
def source_deep_attributes(place: Path) -> Request:
    return _app(place, f"x = a{'.a' * 100_000}{_HANDLER}")


@threat("a sum of a hundred thousand terms, and as many unary signs", code="ABI002")
def source_deep_sum(place: Path) -> Request:
    return _app(place, f"x = {'+1' * 100_000}\ny = {'-' * 100_000}1{_HANDLER}")


@threat("blocks in blocks, ninety deep, and an elif of ten thousand", code="ABI002")
def source_deep_blocks(place: Path) -> Request:
    blocks = "".join(f"{' ' * n}if x:\n" for n in range(90))
    chain = "if x: pass\n" + "elif x: pass\n" * 10_000
    return _app(place, f"x = 1\n{chain}{blocks}{' ' * 90}import a\n{_HANDLER}")


@threat("a source of thirty megabytes", code="ABI002")
def source_huge(place: Path) -> Request:
    return _app(place, "x = 'a' + b\n" * (30 << 20 >> 4) + _HANDLER)


@threat("a number of a million digits", code="ABI606")
def source_huge_number(place: Path) -> Request:
    return _app(place, f"x = {'9' * 1_000_000}{_HANDLER}")


@threat("a coding line that names a codec which is none of text", code="ABI606")
def source_codec(place: Path) -> Request:
    return _app(place, f"# coding: zlib_codec\n{_HANDLER}")


@threat("zero bytes, lone surrogates and a byte order mark within", code="ABI606")
def source_no_text(place: Path) -> Request:
    return _app(place, b"x = '\xed\xa0\x80\0\xef\xbb\xbf'\n" + _HANDLER.encode())


# --- simulating ---


@threat("loops that never end, and functions that call themselves", status=0)
def source_endless(place: Path) -> Request:
    return _app(
        place,
        "def f(n): return f(n + 1) + f(n + 2)\n"
        "x = [1]\nfor y in x: x.append(y)\n"
        f"while True:\n    if f(1): break\n{_HANDLER}",
    )


@threat("values that grow without end: powers, repetitions, formats", status=0)
def source_huge_values(place: Path) -> Request:
    return _app(
        place,
        "a = 9 ** 9 ** 9 ** 9\nb = 'x' * 10 ** 12\nc = '%1000000000d' % 1\n"
        "d = f'{1:>1000000000}'\ne = 'x'.ljust(10 ** 10)\nf = [0] * 10 ** 10\n"
        "g = '{:1000000000}'.format(1)\nh = 1 << 10 ** 10\ni = bytes(10 ** 10)\n"
        "j = 'ab'.replace('', 'x' * 10 ** 6) * 10 ** 6\nk = range(10 ** 18)\nl = list(k)\n"
        "m = 'x'\n" + "m = m + m\n" * 64 + f"n = '/'.join(['y' * 10 ** 6] * 10 ** 6)\n{_HANDLER}",
    )


@threat("a sys.path that each import makes longer", status=0)
def source_growing_path(place: Path) -> Request:
    return _app(
        place,
        "import sys\nfor n in range(10 ** 9):\n    sys.path.append('/x' * n)\n"
        f"sys.path *= 1000000\nimport pkg{_HANDLER}",
        **{"pkg/__init__.py": "__path__ *= 10 ** 9\nfrom . import pkg\n", "pkg/pkg.py": ""},
    )


# --- code that waits to be run ---


@threat("a path file with a line of code", status=0, code="ABI616")
def code_in_path_file(place: Path) -> Request:
    line = f"import os; os.system('echo {PAYLOAD}')\n"
    return _files(place, {"app.py": _HANDLER, "evil.pth": line, "distutils-precedence.pth": line})


@threat("sitecustomize, usercustomize and modules that replace those of abicheck", status=0)
def code_that_shadows(place: Path) -> Request:
    names = ("sitecustomize", "usercustomize", "json", "re", "click", "elftools", "abicheck")
    for name in names:
        (place / f"{name}.py").write_text(ATTACK, encoding="utf-8")
    return _files(place, {"app.py": _HANDLER, **{f"{name}.py": ATTACK for name in names[:2]}})


@threat("a folder with setup.py, conftest.py, and code in every module", status=0)
def code_in_a_folder(place: Path) -> Request:
    folder = place / "build"
    (folder / "pkg").mkdir(parents=True)
    for name in ("setup.py", "conftest.py", "noxfile.py", "pkg/__init__.py", "pkg/__main__.py"):
        (folder / name).write_text(ATTACK, encoding="utf-8")
    (folder / "app.py").write_text(f"import pkg\n{_HANDLER}", encoding="utf-8")
    return checked("build", "--handler", "app.handler")


@threat("bytecode of an attack, as a module without its source", status=0)
def pyc_with_code(place: Path) -> Request:
    code = marshal.dumps(compile(ATTACK, "mod.py", "exec"))
    data = b"\xf3\r\r\n" + bytes(12) + code
    return _app(place, f"import mod\n{_HANDLER}", **{"mod.pyc": data})


@threat("bytecode that would crash who unmarshals it", status=0)
def pyc_that_crashes(place: Path) -> Request:
    data = b"\xf3\r\r\n" + bytes(12) + b"(\xff\xff\xff\x7f" + b"[" * 100_000 + PAYLOAD.encode()
    return _app(place, f"import mod\n{_HANDLER}", **{"mod.pyc": data})


@threat("bytecode of two bytes, and of another release", code="ABI207")
def pyc_cut_off(place: Path) -> Request:
    old = struct.pack("<H", 3394) + b"\r\n" + bytes(12)
    return _app(place, f"import a, b\n{_HANDLER}", **{"a.pyc": b"\xf3\r", "b.pyc": old})


@threat("pickles among the data, and a module that would load them", status=0)
def code_in_pickles(place: Path) -> Request:
    pickled = b"cos\nsystem\n(S'echo " + PAYLOAD.encode() + b"'\ntR."
    return _app(
        place,
        f"import pickle\nx = pickle.load(open('model.pkl', 'rb'))\n{_HANDLER}",
        **{"model.pkl": pickled},
    )


THREATS: Final[Iterable[Threat]] = (
    source_deep_parentheses,
    source_deep_attributes,
    source_deep_sum,
    source_deep_blocks,
    source_huge,
    source_huge_number,
    source_codec,
    source_no_text,
    source_endless,
    source_huge_values,
    source_growing_path,
    code_in_path_file,
    code_that_shadows,
    code_in_a_folder,
    code_in_pickles,
    pyc_with_code,
    pyc_that_crashes,
    pyc_cut_off,
)
