"""Hostile metadata: what installers leave beside packages, made to cost or to mislead."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tests.factories import write_zip
from tests.threats.threat import Request, Threat, checked, threat

_INFO: Final = "pkg-1.0.dist-info"
_METADATA: Final = "Metadata-Version: 2.1\nName: pkg\nVersion: 1.0\n"
_WHEEL: Final = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def _installed(place: Path, **files: str | bytes) -> Request:
    given = {
        f"{_INFO}/METADATA": _METADATA,
        f"{_INFO}/WHEEL": _WHEEL,
        f"{_INFO}/INSTALLER": "pip\n",
        f"{_INFO}/RECORD": "pkg/__init__.py,,\n",
    }
    named = {f"{_INFO}/{name}": content for name, content in files.items()}
    write_zip(place / "app.zip", {"pkg/__init__.py": "x = 1\n", **given, **named})
    return checked("app.zip")


@threat("a RECORD of three thousand lines, of files that are not there", status=0, code="ABI702")
def record_long(place: Path) -> Request:
    lines = "".join(f"pkg/f{n}.py,sha256=abc,1\n" for n in range(3000))
    return _installed(place, RECORD=lines)


@threat("a RECORD whose lines lead out, by .. and by absolute paths", status=0)
def record_climbs(place: Path) -> Request:
    return _installed(
        place,
        RECORD="pkg/__init__.py,,\n../../../../etc/passwd,sha256=abc,1\n/etc/shadow,,\n\0,,\n",
    )


@threat("a RECORD with sizes and digests that are none", status=0, code="ABI702")
def record_absurd(place: Path) -> Request:
    lines = (
        f"pkg/__init__.py,sha256={'A' * 100_000},{'9' * 5000}\n"
        'pkg/x.py,md5=,-1\n"unclosed,,\npkg/y.py,shake_128=abc,1e9\n'
    )
    return _installed(place, RECORD=lines)


@threat("a wheel tag that stands for a hundred million", status=0)
def tags_compressed(place: Path) -> Request:
    part = ".".join(f"cp3{n}" for n in range(500))
    abi = ".".join(f"abi{n}" for n in range(500))
    platform = ".".join(f"manylinux_2_{n}_x86_64" for n in range(500))
    return _installed(place, WHEEL=f"{_WHEEL}Tag: {part}-{abi}-{platform}\n")


@threat("fifty thousand tags", status=0)
def tags_many(place: Path) -> Request:
    tags = "".join(f"Tag: cp313-cp313-manylinux_2_{n}_x86_64\n" for n in range(50_000))
    return _installed(place, WHEEL=_WHEEL + tags)


@threat("a requirement whose marker nests ten thousand deep", status=0)
def marker_deep(place: Path) -> Request:
    marker = "(" * 10_000 + "os_name == 'x'" + ")" * 10_000
    return _installed(place, METADATA=f"{_METADATA}Requires-Dist: numpy; {marker}\n")


@threat("a version that regular expressions take long to refuse", status=0)
def version_slow(place: Path) -> Request:
    specifier = ">=1" + ".0" * 30_000 + "-" + "0" * 30_000 + "!"
    text = f"Metadata-Version: 2.1\nName: pkg\nVersion: {'1.' * 30_000}x\n"
    return _installed(
        place, METADATA=f"{text}Requires-Dist: numpy{specifier}\nRequires-Python: {specifier}\n"
    )


@threat("a METADATA of ten megabytes without an end of line", status=0)
def metadata_one_line(place: Path) -> Request:
    return _installed(place, METADATA=_METADATA + "Summary: " + "a " * (5 << 20))


@threat("a hundred thousand folded lines in one field", status=0)
def metadata_folded(place: Path) -> Request:
    return _installed(place, METADATA=_METADATA + "Summary: a\n" + " b\n" * 100_000)


@threat("a direct_url.json that nests a hundred thousand deep", status=0)
def direct_url_deep(place: Path) -> Request:
    return _installed(place, **{"direct_url.json": '{"a":' * 100_000})


@threat("an editable install that names a folder of the checking machine", status=0)
def direct_url_of_host(place: Path) -> Request:
    url = {"url": f"file://{place}", "dir_info": {"editable": True}}
    return _installed(place, **{"direct_url.json": json.dumps(url)})


THREATS: Final[Iterable[Threat]] = (
    record_long,
    record_climbs,
    record_absurd,
    tags_compressed,
    tags_many,
    marker_deep,
    version_slow,
    metadata_one_line,
    metadata_folded,
    direct_url_deep,
    direct_url_of_host,
)
