"""What ld.so would do: search, scopes, versions, binding, and its messages.

Pure.  Follows glibc step by step (`elf/dl-load.c`, `dl-deps.c`,
`dl-version.c`, `dl-open.c`, `dl-lookup.c`); each function names the one it
mirrors, so that it can be read beside it.
"""

from abicheck.loader._extension import init_function
from abicheck.loader._hwcaps import hwcaps_subdirectories
from abicheck.loader._open import Loader
from abicheck.loader._start import start_up
from abicheck.loader._tls import TlsBlock, static_tls_room, tls_block

__all__ = [
    "Loader",
    "TlsBlock",
    "hwcaps_subdirectories",
    "init_function",
    "start_up",
    "static_tls_room",
    "tls_block",
]
