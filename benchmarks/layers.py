"""What every check of an image must do: inflate each layer once, and nothing else.

python benchmarks/layers.py ARCHIVE
"""

from __future__ import annotations

import sys
import tarfile
import zlib
from pathlib import Path
from typing import Any

_codec: Any
try:
    from isal import isal_zlib as _codec
except ImportError:  # no wheel for this platform
    _codec = zlib

_STEP = 64 << 10
_GZIP = zlib.MAX_WBITS + 16


def main(path: Path) -> None:
    """Inflate every gzipped blob of an archive."""
    with tarfile.open(path) as archive:
        for member in archive:
            blob = archive.extractfile(member)
            if blob is None or blob.read(2) != b"\x1f\x8b":
                continue
            blob.seek(0)
            decoder = _codec.decompressobj(wbits=_GZIP)
            while part := blob.read(_STEP):
                decoder.decompress(part)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
