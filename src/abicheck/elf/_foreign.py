"""Name what a file is that bears a shared object's name and is not ELF."""

from __future__ import annotations

from typing import Final

from abicheck.model import Foreign

# The first bytes decide, as they do for the loader and for file(1).
_MAGICS: Final = (
    (b"\xcf\xfa\xed\xfe", Foreign.MACH_O),
    (b"\xce\xfa\xed\xfe", Foreign.MACH_O),
    (b"\xfe\xed\xfa\xcf", Foreign.MACH_O),
    (b"\xfe\xed\xfa\xce", Foreign.MACH_O),
    (b"\xca\xfe\xba\xbe", Foreign.MACH_O),
    (b"\xca\xfe\xba\xbf", Foreign.MACH_O),
    (b"MZ", Foreign.PE),
    (b"\x01\xdf", Foreign.XCOFF),
    (b"\x01\xf7", Foreign.XCOFF),
    (b"!<arch>\n", Foreign.ARCHIVE),
    (b"BC\xc0\xde", Foreign.BITCODE),
    (b"version https://git-lfs.github.com/spec/", Foreign.LFS_POINTER),
)
_LINKER_WORDS: Final = (b"INPUT", b"GROUP", b"OUTPUT_FORMAT", b"/* GNU ld script")
_SNIFF: Final = 512


def identify(head: bytes, size: int) -> Foreign:
    """Say what a file of `size` bytes is from its first `head` bytes.

    `head` should be the first 512 bytes, or all of a shorter file.
    """
    if size == 0:
        return Foreign.EMPTY
    for magic, kind in _MAGICS:
        if head.startswith(magic):
            return kind
    if head.startswith(b"\x7fELF"):
        return Foreign.ELF_TRUNCATED
    text = head[:_SNIFF].lstrip(b"\xef\xbb\xbf \t\r\n")
    if text[:15].lower().startswith((b"<!doctype html", b"<html", b"<?xml", b"<head")):
        return Foreign.HTML
    if text.startswith(_LINKER_WORDS):
        return Foreign.LINKER_SCRIPT
    if b"\0" not in head[:_SNIFF] and _is_text(head[:_SNIFF]):
        return Foreign.TEXT
    return Foreign.UNKNOWN


def _is_text(head: bytes) -> bool:
    printable = sum(byte >= 0x20 or byte in b"\t\r\n\f" for byte in head)
    return printable == len(head)
