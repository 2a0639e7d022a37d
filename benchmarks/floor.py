"""What every check must do: inflate each member once, with its CRC and SHA-256, and nothing else.

    python benchmarks/floor.py FILE

By the same inflate as abicheck's, on as many threads, and with the digest of the archive
itself. No less time than this can be spent on an archive.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import struct
import sys
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

_codec: Any
try:
    from isal import isal_zlib as _codec
except ImportError:  # no wheel for this platform
    _codec = zlib

_STEP = 64 << 10


def read(view: memoryview, info: zipfile.ZipInfo) -> bytes:
    """Return the SHA-256 of one member, whose CRC has been compared."""
    name, extra = struct.unpack_from("<2H", view, info.header_offset + 26)
    start = info.header_offset + 30 + name + extra
    raw = view[start : start + info.compress_size]
    digest, crc = hashlib.sha256(), 0
    decoder = _codec.decompressobj(wbits=-zlib.MAX_WBITS)
    for here in range(0, len(raw), _STEP):
        part = raw[here : here + _STEP]
        if info.compress_type == zipfile.ZIP_DEFLATED:
            part = decoder.decompress(part)
        crc = _codec.crc32(part, crc)
        digest.update(part)
    if crc != info.CRC:
        reason = f"{info.filename}: its CRC does not match"
        raise SystemExit(reason)
    return digest.digest()


def main(path: Path) -> None:
    """Read one archive."""
    with (
        zipfile.ZipFile(path) as archive,
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        memoryview(mapped) as view,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        whole = pool.submit(hashlib.sha256, view)
        largest_first = sorted(archive.infolist(), key=lambda info: -info.file_size)
        for _ in pool.map(lambda info: read(view, info), largest_first):
            pass
        whole.result()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
