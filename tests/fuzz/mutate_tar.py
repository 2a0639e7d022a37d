"""Mutations that know tars and images: the checksums and digests stay true where they can."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import tarfile
import zlib
from collections.abc import Mapping
from random import Random
from typing import Final

from tests.fuzz.mutate import a_text, any_bytes
from tests.fuzz.objects import an_object
from tests.imagebuilder import PACKERS, Tarred, tar

_BLOCK: Final = 512
# Name, mode, size, type, link, magic, prefix, and GNU's sparse map.
_FIELDS: Final = (
    *((0, 100), (100, 8), (124, 12), (156, 1), (157, 100), (257, 8), (345, 155), (386, 96)),
    *((482, 1), (483, 12)),
)
_NUMBERS: Final = (
    *(b"0", b"7777777", b"77777777777", b"00000000001", b"\x80" + bytes(10) + b"\x01"),
    *(
        b"\x80" + b"\xff" * 11,
        b"\xff" * 12,
        b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff",
        b"8",
        b"",
    ),
)
_TYPES: Final = (*(bytes([code]) for code in b"01234567xgLKSVMDNA"), b"\0")
_NAMES: Final = (
    *(b"../out", b"/etc/passwd", b"a/../../b", b".wh..wh..opq", b".wh.", b".wh..", b"a/.wh.b"),
    *(b".wh..wh.a", b"a//b", b"./", b"", b"a/" * 49, b"\xff\xfe", b"usr/lib/libx.so", b"usr"),
)
_PAX: Final = (
    *(b"path", b"linkpath", b"size", b"GNU.sparse.major", b"GNU.sparse.minor", b"GNU.sparse.name"),
    *(b"GNU.sparse.realsize", b"GNU.sparse.map", b"GNU.sparse.offset", b"GNU.sparse.size"),
    *(b"GNU.sparse.numbytes", b"GNU.sparse.numblocks", b"SCHILY.xattr.a"),
)
_PAX_VALUES: Final = (*_NAMES, b"0", b"1", b"99999999999999999999", b"0,1,1,1", b"1000", b"-1")
_LARGEST: Final = 1 << 20
_HEX: Final = re.compile(rb"[0-9a-f]{64}")


def a_tar(data: bytes, chance: Random) -> bytes:
    """Let a header lie, put one in, take one out, or repeat one; checksums are mended."""
    blocks = [data[at : at + _BLOCK] for at in range(0, len(data), _BLOCK)]
    for _ in range(chance.randint(1, 3)):
        headers = [n for n, block in enumerate(blocks) if block[257:262] == b"ustar"]
        if not headers:
            return any_bytes(data, chance)
        at = chance.choice(headers)
        match chance.randrange(6):
            case 0:
                blocks[at:at] = blocks[at : at + chance.randint(1, 3)]
            case 1:
                del blocks[at : at + chance.randint(1, 2)]
            case 2:
                blocks[at:at] = _pax_header(chance)
            case _:
                blocks[at] = _with_field(blocks[at], chance)
    image = b"".join(blocks)[:_LARGEST]
    return image if chance.randrange(6) else any_bytes(image, chance)


def _with_field(block: bytes, chance: Random) -> bytes:
    place, size = chance.choice(_FIELDS)
    if size == 1:
        value = chance.choice(_TYPES)
    elif place in {0, 157, 345}:
        value = chance.choice(_NAMES)
    else:
        value = chance.choice(_NUMBERS)
    changed = bytearray(block.ljust(_BLOCK, b"\0"))
    changed[place : place + size] = value[:size].ljust(size, b"\0")
    return _summed(changed) if chance.randrange(10) else bytes(changed)


def _summed(block: bytearray) -> bytes:
    block[148:156] = b" " * 8
    block[148:156] = f"{sum(block):06o}\0 ".encode()
    return bytes(block)


def _pax_header(chance: Random) -> list[bytes]:
    body = b""
    for _ in range(chance.randint(1, 3)):
        line = b" %s=%s\n" % (chance.choice(_PAX), chance.choice(_PAX_VALUES))
        size = len(line)
        while len(f"{size}") + len(line) != size:
            size = len(f"{size}") + len(line)
        body += f"{size + (not chance.randrange(20))}".encode() + line
    header = bytearray(_BLOCK)
    header[:1], header[156:157], header[257:265] = b"p", chance.choice((b"x", b"g")), b"ustar\x0000"
    header[124:135] = f"{len(body):011o}".encode()
    padded = body + bytes(-len(body) % _BLOCK)
    return [_summed(header), *(padded[n : n + _BLOCK] for n in range(0, len(padded), _BLOCK))]


def an_image(data: bytes, chance: Random) -> bytes:
    """Change a document or a layer of an image; whoever names it by its digest knows the new one."""
    if not chance.randrange(6):
        return a_tar(data, chance)
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as opened:
            parts = {
                info.name: file.read() for info in opened if (file := opened.extractfile(info))
            }
    except Exception:  # noqa: BLE001 - of a damaged archive, which tarfile reads as it likes
        return a_tar(data, chance)
    if not parts or sum(map(len, parts.values())) > _LARGEST:
        return a_tar(data, chance)
    name = chance.choice(sorted(parts))
    changed = _changed(parts[name], chance)
    if chance.randrange(8):
        parts = _renamed(parts, name, changed)
    else:
        parts[name] = changed
    return tar([Tarred(each, content) for each, content in parts.items()])[:_LARGEST]


def _changed(content: bytes, chance: Random) -> bytes:
    """Change a blob: a layer, packed or not, a document, or whatever it is."""
    if content[:2] == b"\x1f\x8b" and chance.randrange(4):
        try:
            inner = gzip.decompress(content)
        except (OSError, EOFError, ValueError, zlib.error):
            return any_bytes(content, chance)
        return PACKERS[chance.choice(("gzip", "zstd", ""))](_layer(inner, chance))
    if content[257:262] == b"ustar":
        return _layer(content, chance)
    return a_text(content, chance) if content[:1] in b"{[" else any_bytes(content, chance)


def _layer(content: bytes, chance: Random) -> bytes:
    at = content.find(b"\x7fELF")
    if at < 0 or chance.randrange(3):
        return a_tar(content, chance)
    end = at + _BLOCK
    return content[:at] + an_object(content[at:end], chance)[:_BLOCK] + content[end:]


def _renamed(parts: Mapping[str, bytes], name: str, changed: bytes) -> dict[str, bytes]:
    """Put the digest of what was changed where the old one stood, and so on upwards."""
    result = dict(parts)
    result[name] = changed
    pairs = [(hashlib.sha256(parts[name]), hashlib.sha256(changed))]
    for _ in range(4):  # a layer, its manifest, an index, the index above
        following = []
        for old, new in pairs:
            before, after = old.hexdigest(), new.hexdigest()
            for each, content in list(result.items()):
                if before.encode() in content and _HEX.search(content):
                    result[each] = content.replace(before.encode(), after.encode())
                    following.append((hashlib.sha256(content), hashlib.sha256(result[each])))
            result = {each.replace(before, after): content for each, content in result.items()}
        pairs = following[:8]
    return result
