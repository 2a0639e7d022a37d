"""Mutations that know a format: one field of one record, set to what nobody would write.

Blind changes of bytes die at the first magic or checksum.  Each function takes bytes and
a source of chance, and returns other bytes; any bytes will do, in a format or not.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from tests.fuzz.objects import an_object

Mutation = Callable[[bytes, Random], bytes]

_ABSURD: Final = (0, 1, 2, 7, 8, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, (1 << 64) - 1)

# Offset and size of each field behind a signature (APPNOTE 4.3.7, 4.3.12, 4.3.14, 4.3.16).
_ZIP: Final = {
    b"PK\3\4": ((4, 2), (6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2), (30, 8)),
    b"PK\1\2": (
        *((4, 1), (5, 1), (6, 1), (8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2)),
        *((32, 2), (34, 2), (36, 2), (38, 4), (42, 4), (46, 8)),
    ),
    b"PK\5\6": ((4, 2), (6, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2)),
    b"PK\6\6": ((4, 8), (24, 8), (32, 8), (40, 8), (48, 8)),
    b"PK\6\7": ((4, 4), (8, 8), (16, 4)),
    b"PK\7\x08": ((4, 4), (8, 4), (12, 4)),
}
_WORDS: Final = (
    *("import a", "from . import b", "from .a import *", "try:", "except ImportError:", "raise"),
    *("finally:", "if x:", "elif x:", "else:", "def f():", "class C(C):", "with a as b:", "pass"),
    *("while True:", "for x in x:", "match x:", "case _:", "return", "yield", "lambda: 0", "f()"),
    *("__import__('a')", "importlib.import_module(x)", "sys.modules[x]", "__path__", "x = [x]"),
    *(
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        "'''",
        '"',
        "\\\n",
        ".a",
        "@f",
        "# coding: utf-7\n",
        "# coding: zlib_codec\n",
        "# coding: idna\n",
        "\0",
    ),
    *("Name: ", "Version: 1", "Requires-Dist: a; ", "Tag: cp313-cp313-linux_x86_64", ",sha256=,"),
    *('{"a":', "null", "1e999", "-9999999999999999999999", "9" * 50, '"\\ud800"', "\\N{DIGIT ONE}"),
    *("[[a]]", "[a.b]", "a.b = ", "a = ", "1979-05-27T07:32:00Z", "== 1.*", " and ", " or ("),
    *(
        "--hash=sha256:",
        "-r ",
        "-e ",
        "; python_version < '3'",
        "@ file:///",
        "${HOME}",
        "\r",
        "\f",
    ),
    *("FROM ", "ARG a=", "${a:-b}", "\u202e", "\x1b[2J", "::error::", "<script>", "|", "`", "##["),
)


def _set(image: bytearray, at: int, size: int, chance: Random) -> None:
    """Overwrite one number, with an absurd one or one that is near to what it was."""
    if not 0 <= at <= len(image) - size:
        return
    old = int.from_bytes(image[at : at + size], "little")
    new = chance.choice((*_ABSURD, old + 1, old - 1, old * 2, old // 2, chance.getrandbits(64)))
    image[at : at + size] = (new & ((1 << 8 * size) - 1)).to_bytes(size, "little")


def any_bytes(data: bytes, chance: Random) -> bytes:
    """Change, repeat, take out or cut off bytes anywhere."""
    image = bytearray(data or b"\0")
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(image) or 1)
        size = chance.choice((1, 2, 4, 8, 64))
        match chance.randrange(5):
            case 0:
                _set(image, at, min(size, 8), chance)
            case 1:
                image[at:at] = image[at : at + size] * chance.randint(1, 8)
            case 2:
                del image[at : at + size]
            case 3:
                image[at : at + size] = chance.randbytes(size)
            case _:
                if not chance.randrange(8):
                    del image[at:]
    return bytes(image)


def an_archive(data: bytes, chance: Random) -> bytes:
    """Let one record of a ZIP lie, or change a member and pack the archive anew."""
    if not chance.randrange(3):
        return _packed_anew(data, chance)
    image = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        signature = chance.choice(tuple(_ZIP))
        places = _all(data, signature)
        if places:
            at, size = chance.choice(_ZIP[signature])
            _set(image, chance.choice(places) + at, size, chance)
    return bytes(image) if chance.randrange(4) else any_bytes(bytes(image), chance)


def _all(data: bytes, part: bytes) -> Sequence[int]:
    found = []
    at = data.find(part)
    while at >= 0:
        found.append(at)
        at = data.find(part, at + 1)
    return found


def _packed_anew(data: bytes, chance: Random) -> bytes:
    """Change what is in one member, and leave every size and checksum true."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [(info, archive.read(info)) for info in archive.infolist()]
    except Exception:  # noqa: BLE001 - of a damaged archive, which zipfile reads as it likes
        return any_bytes(data, chance)
    if not members or sum(len(content) for _, content in members) > 1 << 20:
        return data
    which = chance.randrange(len(members))
    info, content = members[which]
    members[which] = info, _for_content(content)(content, chance)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for member, content in members:
            plain = zipfile.ZipInfo(member.filename)
            plain.external_attr, plain.create_system = member.external_attr, member.create_system
            if "\0" not in plain.filename:
                archive.writestr(plain, content)
    return target.getvalue()


def _for_content(content: bytes) -> Mutation:
    return an_object if content.startswith(b"\x7fELF") else a_text


def a_text(data: bytes, chance: Random) -> bytes:
    """Put words of Python or metadata in, nest lines, repeat lines, or change bytes."""
    lines = data.split(b"\n")
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(lines))
        word = chance.choice(_WORDS).encode()
        match chance.randrange(6):
            case 0:
                lines.insert(at, word)
            case 1:
                lines[at] += word * chance.choice((1, 2, 50, 400, 5000))
            case 2:
                lines[at:] = [word, *(b" " + line for line in lines[at:])]
            case 3:
                lines[at:at] = lines[at : at + 3] * chance.randint(1, 40)
            case 4:
                cut = chance.randrange(len(lines[at]) + 1)
                lines[at] = lines[at][:cut] + word * chance.choice((1, 2, 5000)) + lines[at][cut:]
            case _:
                lines[at] = any_bytes(lines[at], chance)
    return b"\n".join(lines)[: 1 << 16]
