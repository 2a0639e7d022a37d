"""What a file is that bears a shared object's name and is no ELF object."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from abicheck.elf import MAGIC, identify
from abicheck.model import Foreign

if TYPE_CHECKING:
    from tests.elfbuilder import Shipped

EXAMPLES = [
    pytest.param(b"\xcf\xfa\xed\xfe\x0c\0\0\1", Foreign.MACH_O, id="mach-o-64"),
    pytest.param(b"\xce\xfa\xed\xfe\7\0\0\0", Foreign.MACH_O, id="mach-o-32"),
    pytest.param(b"\xfe\xed\xfa\xcf\1\0\0\7", Foreign.MACH_O, id="mach-o-64-swapped"),
    pytest.param(b"\xfe\xed\xfa\xce\0\0\0\x12", Foreign.MACH_O, id="mach-o-32-swapped"),
    pytest.param(b"\xca\xfe\xba\xbe\0\0\0\2", Foreign.MACH_O, id="mach-o-universal"),
    pytest.param(b"\xca\xfe\xba\xbf\0\0\0\2", Foreign.MACH_O, id="mach-o-universal-64"),
    pytest.param(b"MZ\x90\0\3\0\0\0", Foreign.PE, id="pe"),
    pytest.param(b"\1\xdf\0\5\0\0\0\0", Foreign.XCOFF, id="xcoff-32"),
    pytest.param(b"\1\xf7\0\5\0\0\0\0", Foreign.XCOFF, id="xcoff-64"),
    pytest.param(b"", Foreign.EMPTY, id="empty"),
    pytest.param(
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
        Foreign.LFS_POINTER,
        id="git-lfs",
    ),
    pytest.param(b"<!DOCTYPE html>\n<html>", Foreign.HTML, id="html-doctype"),
    pytest.param(b"\n  <HTML><body>404", Foreign.HTML, id="html-after-blanks"),
    pytest.param(b"\xef\xbb\xbf<html>", Foreign.HTML, id="html-after-a-byte-order-mark"),
    pytest.param(b'<?xml version="1.0"?><Error/>', Foreign.HTML, id="xml-of-an-object-store"),
    pytest.param(b"/* GNU ld script\n*/", Foreign.LINKER_SCRIPT, id="gnu-ld-script"),
    pytest.param(b"INPUT ( /usr/lib64/libx.so.1 )", Foreign.LINKER_SCRIPT, id="input"),
    pytest.param(b"GROUP ( libc.so.6 )", Foreign.LINKER_SCRIPT, id="group"),
    pytest.param(b"OUTPUT_FORMAT(elf64-x86-64)", Foreign.LINKER_SCRIPT, id="output-format"),
    pytest.param(b"!<arch>\nfoo.o/", Foreign.ARCHIVE, id="static-library"),
    pytest.param(b"BC\xc0\xde\x35\x14", Foreign.BITCODE, id="llvm-bitcode"),
    pytest.param(b"libfoo.so.1", Foreign.TEXT, id="a-link-that-became-text"),
    pytest.param("Gruß\n".encode(), Foreign.TEXT, id="text-in-utf-8"),
    pytest.param(b"\x7fELF", Foreign.ELF_TRUNCATED, id="the-magic-alone"),
    pytest.param(b"\0" * 512, Foreign.UNKNOWN, id="zeros"),
    pytest.param(b"text\0text", Foreign.UNKNOWN, id="text-with-a-zero-byte"),
    pytest.param(b"\x1b[1mtext", Foreign.UNKNOWN, id="control-characters"),
]


@pytest.mark.parametrize(("content", "kind"), EXAMPLES)
def test_the_first_bytes_say_what_a_file_is(content: bytes, kind: Foreign) -> None:
    """As they do for the loader and for file(1)."""
    assert identify(content, len(content)) is kind


def test_every_kind_has_an_example() -> None:
    """What a report can say has been seen."""
    assert {example.values[1] for example in EXAMPLES} == set(Foreign)


def test_a_long_file_is_told_by_its_first_512_bytes() -> None:
    """The rest is never looked at, so it may be anything."""
    text = b"text\n" * 200

    assert identify(text[:512], 1 << 30) is Foreign.TEXT
    assert identify(text[:512] + b"\0\1\2", 1 << 30) is Foreign.TEXT


@pytest.mark.parametrize(
    ("case", "member", "kind"),
    [
        ("mach-o-behind-abi3", "mod.abi3.so", Foreign.MACH_O),
        ("universal-mach-o-behind-abi3", "mod.abi3.so", Foreign.MACH_O),
        ("pe-behind-abi3", "mod.abi3.so", Foreign.PE),
        ("git-lfs-pointer", "mod.cpython-313-x86_64-linux-gnu.so", Foreign.LFS_POINTER),
        ("html-page", "mod.cpython-313-x86_64-linux-gnu.so", Foreign.HTML),
        ("four-kilobytes-of-text", "mod.cpython-313-x86_64-linux-gnu.so", Foreign.TEXT),
        ("empty-file", "mod.cpython-313-x86_64-linux-gnu.so", Foreign.EMPTY),
        ("forty-bytes-of-text", "mod.cpython-313-x86_64-linux-gnu.so", Foreign.LINKER_SCRIPT),
    ],
)
def test_the_foreign_files_of_the_cases(
    shipped: Shipped, case: str, member: str, kind: Foreign
) -> None:
    """Made by the compilers of those systems, not written by hand."""
    content = shipped(case, member)

    assert identify(content[:512], len(content)) is kind


def test_the_magic_alone_makes_a_file_elf() -> None:
    """Whoever asks has looked for it: what begins with it and comes here was cut off."""
    assert identify(MAGIC, 4) is identify(MAGIC + bytes(600), 604) is Foreign.ELF_TRUNCATED
