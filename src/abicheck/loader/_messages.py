"""The loader's sentences, as `dlerror` gives them, and how it dies without one.

Every text is glibc's own (release 2.34 unless said otherwise).
"""

from __future__ import annotations

from typing import Final

from abicheck.model import SymbolRef, VersionNeed

ENOENT: Final = "cannot open shared object file: No such file or directory"
EACCES: Final = "cannot open shared object file: Permission denied"
WRONG_CLASS: Final = "wrong ELF class: ELFCLASS{}"
TOO_SHORT: Final = "file too short"
BAD_MAGIC: Final = "invalid ELF header"
IS_DIRECTORY: Final = "cannot read file data: Is a directory"
CANNOT_MAP: Final = "failed to map segment from shared object"
STATIC_TLS: Final = "cannot allocate memory in static TLS block"
ISA_LEVEL: Final = "CPU ISA level is lower than required"
EXEC_STACK: Final = "cannot enable executable stack as shared object requires: Invalid argument"
RELR_MARKER: Final = "DT_RELR without GLIBC_ABI_DT_RELR dependency"

# The two assertions below kill the process with status 127; the line numbers
# in the text belong to the release.
VERSION_FILE: Final = (
    "Inconsistency detected by ld.so: dl-version.c: 205: _dl_check_map_versions: "
    "Assertion `needed != NULL' failed!"
)
UNVERSIONED: Final = (
    "Inconsistency detected by ld.so: dl-lookup.c: 105: check_match: Assertion "
    "`version->filename == NULL || ! _dl_name_match_p (version->filename, map)' failed!"
)
EXIT_127: Final = "exit 127"


def version_not_found(provider: str, need: VersionNeed, requester: str) -> str:
    """Return what `match_symbol` says of an unmet version need."""
    return f"{provider}: version `{need.version}' not found (required by {requester})"


def undefined_symbol(requester: str, ref: SymbolRef) -> str:
    """Return what `_dl_lookup_symbol_x` says of a strong reference that nothing meets."""
    version = f", version {ref.version}" if ref.version is not None else ""
    return f"{requester}: undefined symbol: {ref.name}{version}"


def bad_relocation(requester: str, number: int) -> str:
    """Return what `_dl_reloc_bad_type` says; small types have two digits, others eight."""
    digits = f"{number:02x}" if number <= 0xFF else f"{number:08x}"  # noqa: PLR2004
    return f"{requester}: unexpected reloc type 0x{digits}"
