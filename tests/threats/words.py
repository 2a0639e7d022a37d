"""Hostile text: names and metadata that would be commands where a report is shown."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tests.elfbuilder import Elf
from tests.factories import write_zip
from tests.threats.threat import Request, Threat, checked, threat
from tests.threats.zipbits import Entry, pack

_ELF: Final = Elf(needed=("libnone.so.1",)).build()
_SCRIPT: Final = "<script>alert(1)</script><img src=x onerror=alert(1)>"


def _named(place: Path, text: str) -> Request:
    """Put a text wherever an artifact has one: names, a soname, a library, metadata."""
    elf = Elf(soname=text, needed=(f"lib{text}.so",), runpath=f"$ORIGIN/{text}").build()
    info = "pkg-1.0.dist-info"
    write_zip(
        place / "app.zip",
        {
            f"lib{text}.so": elf,
            f"{text}.py": "x = 1\n",
            f"../{text}.py": "x = 1\n",
            "mod.cpython-313-x86_64-linux-gnu.so": elf,
            "pkg/__init__.py": f"from . import _core\nraise ImportError({text!r})\n",
            "pkg/_core.cpython-311-x86_64-linux-gnu.so": _ELF,
            f"{info}/METADATA": f"Name: pkg{text}\nVersion: 1{text}\nRequires-Dist: {text}\n",
            f"{info}/WHEEL": f"Tag: {text}\n",
            f"{info}/RECORD": f"pkg/_core.cpython-311-x86_64-linux-gnu.so,,\n{text},,1\n",
            f"{info}/INSTALLER": "pip\n",
        },
    )
    return checked("app.zip")


@threat("terminal commands: colours, titles, links, answers to questions", code="ABI005")
def text_terminal(place: Path) -> Request:
    return _named(place, "\x1b[2J\x1b]0;owned\x07\x1b]8;;x\x1b\\\x1b[6n\x9b31m\x08\x7f")


@threat("commands of a workflow's log, new and old", code="ABI005")
def text_workflow(place: Path) -> Request:
    return _named(
        place, "\n::error file=a,line=1::owned\r\n::add-mask::x\n##[group]x %0A::stop-commands::x"
    )


@threat("characters that turn the direction of writing, and that are not seen", code="ABI005")
def text_bidi(place: Path) -> Request:
    return _named(place, "\u202egnp.\u2066x\u2069\u200f\u061c\u200b\ufeff\U000e0041")


@threat("elements and attributes of HTML", code="ABI005")
def text_html(place: Path) -> Request:
    return _named(place, f"\"'>{_SCRIPT}</title></style><!--")


@threat("the end of the script that holds the page's data", code="ABI005")
def text_html_script(place: Path) -> Request:
    return _named(place, "</script><script>alert(1)//<!--<script>")


@threat("Markdown: links, images, tables, code that ends, mentions", code="ABI005")
def text_markdown(place: Path) -> Request:
    return _named(place, f"```\n|x|`a`|[x](javascript:a)![x](http://x)@everyone #1 {_SCRIPT}")


@threat(
    "what XML cannot hold: control characters, lone surrogates, the end of CDATA", code="ABI005"
)
def text_xml(place: Path) -> Request:
    return _named(place, "]]>\x01\x0b\x0c\x1f\ufffe\uffff&x;<!ENTITY")


@threat("what JSON must escape, and URIs must quote", code="ABI005")
def text_json(place: Path) -> Request:
    return _named(place, '"\\u0000\\\u2028\u2029%00%2e%2e/?#{}')


@threat("names of several lines, and of nothing but spaces", code="ABI005")
def text_lines(place: Path) -> Request:
    return _named(place, "a\nb\r\nc\x85d\u2028e\x0bf\x0cg  ")


@threat("a name that is a formula, an option, a path and a format", code="ABI005")
def text_formulas(place: Path) -> Request:
    return _named(
        place, "=cmd|' /C calc'!A0 --format=json=x ${HOME} $(id) `id` %s {0} [bold]x[/bold]"
    )


@threat("names that are no UTF-8, in a ZIP that says that they are", code="ABI005")
def text_no_utf8(place: Path) -> Request:
    entries = [Entry(b"\xff\xfe\x1b[2J.py", b"x = 1\n", flags=0x800), Entry(b"app.py", b"x = 1\n")]
    (place / "app.zip").write_bytes(pack(entries))
    return checked("app.zip")


@threat("a name of a file in a folder that is no text", status=0, code="ABI401")
def text_folder_name(place: Path) -> Request:
    folder = place / "build"
    folder.mkdir()
    name = b"lib\xff\n\x1b[2J.so" if sys.platform == "linux" else b"lib\n\x1b[2J.so"
    with open(os.path.join(os.fsencode(folder), name), "wb") as file:  # noqa: PTH118, PTH123 - bytes
        file.write(_ELF)
    (folder / "app.py").write_text("x = 1\n", encoding="utf-8")
    return checked("build")


@threat("text of an artifact in the tables of inspect", status=0)
def text_inspect(place: Path) -> Request:
    _named(place, "\x1b[2J\u202e\n::error::x")
    return checked("inspect", "app.zip")


@threat("text of an artifact in the tables of matrix", status=0)
def text_matrix(place: Path) -> Request:
    _named(place, "\x1b[2J\u202e\n::error::x")
    return checked("matrix", "app.zip")


THREATS: Final[Iterable[Threat]] = (
    text_terminal,
    text_workflow,
    text_bidi,
    text_html,
    text_html_script,
    text_markdown,
    text_xml,
    text_json,
    text_lines,
    text_formulas,
    text_no_utf8,
    text_folder_name,
    text_inspect,
    text_matrix,
)
