"""The loader's sentences, as `dlerror` gives them, and how it dies without one.

Every text is glibc's own, the same from 2.26 to 2.42 unless it asks for the release.
"""

from __future__ import annotations

from typing import Final

from abicheck.loader import _releases as since
from abicheck.model import Assertion, SymbolRef, VersionNeed

ENOENT: Final = "cannot open shared object file: No such file or directory"
EACCES: Final = "cannot open shared object file: Permission denied"
WRONG_CLASS: Final = "wrong ELF class: ELFCLASS{}"
TOO_SHORT: Final = "file too short"
BAD_MAGIC: Final = "invalid ELF header"
IS_DIRECTORY: Final = "cannot read file data: Is a directory"
EXECUTABLE: Final = "cannot dynamically load executable"
NO_DYNAMIC: Final = "object file has no dynamic section"
NOT_PAGE_ALIGNED: Final = "ELF load command address/offset not page-aligned"
CANNOT_MAP: Final = "failed to map segment from shared object"
CANNOT_FILL: Final = "cannot map zero-fill pages"
STATIC_TLS: Final = "cannot allocate memory in static TLS block"
ISA_LEVEL: Final = "CPU ISA level is lower than required"
EXEC_STACK: Final = "cannot enable executable stack as shared object requires: Invalid argument"
RELR_MARKER: Final = "DT_RELR without GLIBC_ABI_DT_RELR dependency"

CANNOT_PROTECT: Final = "cannot change memory protections"
RELRO: Final = "cannot apply additional memory protection after relocation: Cannot allocate memory"

EXIT_127: Final = "exit 127"

# Two assertions kill the process with status 127.  The lines at which they stand in dl-version.c
# and dl-lookup.c are part of the text; each row holds from its release on.
_LINES: Final = (
    ((2, 26), 224, 127),
    ((2, 27), 205, 110),
    ((2, 28), 205, 111),
    ((2, 32), 205, 105),
    ((2, 35), 204, 106),
    ((2, 36), 204, 107),
    ((2, 39), 204, 106),
)


def _lines(libc: since.Release) -> tuple[int, int] | None:
    """Return the two lines in this release, or None where they were not read."""
    if not since.OLDEST <= libc <= since.NEWEST:
        return None
    return next((version, lookup) for first, version, lookup in reversed(_LINES) if libc >= first)


def version_file_not_loaded(libc: since.Release) -> str | None:
    """Return what `_dl_check_map_versions` prints of a need on a file that nothing loaded."""
    lines = _lines(libc)
    return lines and (
        f"Inconsistency detected by ld.so: dl-version.c: {lines[0]}: _dl_check_map_versions: "
        "Assertion `needed != NULL' failed!"
    )


def provider_without_versions(libc: since.Release) -> str | None:
    """Return what `check_match` prints, up to 2.40, of a provider that has lost its versions."""
    lines = _lines(libc)
    return lines and (
        f"Inconsistency detected by ld.so: dl-lookup.c: {lines[1]}: check_match: Assertion "
        "`version->filename == NULL || ! _dl_name_match_p (version->filename, map)' failed!"
    )


# Where each assertion of x86_64's loader stands, release by release: from which on, file, line.
_PLACES: Final = {
    Assertion.PLTREL: (
        ((2, 26), "get-dynamic-info.h", 124),
        ((2, 28), "get-dynamic-info.h", 123),
        ((2, 33), "get-dynamic-info.h", 118),
        ((2, 34), "get-dynamic-info.h", 102),
        ((2, 36), "get-dynamic-info.h", 115),
    ),
    Assertion.RELAENT: (
        ((2, 26), "get-dynamic-info.h", 132),
        ((2, 28), "get-dynamic-info.h", 131),
        ((2, 33), "get-dynamic-info.h", 126),
        ((2, 34), "get-dynamic-info.h", 110),
        ((2, 36), "get-dynamic-info.h", 123),
    ),
    Assertion.RELRENT: (((2, 36), "get-dynamic-info.h", 130),),
    Assertion.BLOOM: (
        ((2, 26), "dl-lookup.c", 971),
        ((2, 27), "dl-lookup.c", 951),
        ((2, 28), "dl-lookup.c", 948),
        ((2, 30), "dl-lookup.c", 920),
        ((2, 31), "dl-lookup.c", 972),
        ((2, 32), "dl-lookup.c", 966),
        ((2, 35), "dl-setup_hash.c", 36),
    ),
    Assertion.RELATIVE: (
        ((2, 26), "../sysdeps/x86_64/dl-machine.h", 540),
        ((2, 28), "../sysdeps/x86_64/dl-machine.h", 544),
        ((2, 30), "../sysdeps/x86_64/dl-machine.h", 546),
        ((2, 31), "../sysdeps/x86_64/dl-machine.h", 547),
        ((2, 33), "../sysdeps/x86_64/dl-machine.h", 548),
        ((2, 34), "../sysdeps/x86_64/dl-machine.h", 544),
        ((2, 35), "../sysdeps/x86_64/dl-machine.h", 536),
        ((2, 36), "../sysdeps/x86_64/dl-machine.h", 487),
        ((2, 38), "../sysdeps/x86_64/dl-machine.h", 490),
        ((2, 39), "../sysdeps/x86_64/dl-machine.h", 497),
        ((2, 40), "../sysdeps/x86_64/dl-machine.h", 498),
    ),
}
_ASSERTED: Final = {
    Assertion.PLTREL: ("elf_get_dynamic_info", "info[DT_PLTREL]->d_un.d_val == DT_RELA"),
    Assertion.RELAENT: (
        "elf_get_dynamic_info",
        "info[DT_RELAENT]->d_un.d_val == sizeof (ElfW(Rela))",
    ),
    Assertion.RELRENT: (
        "elf_get_dynamic_info",
        "info[DT_RELRENT]->d_un.d_val == sizeof (ElfW(Relr))",
    ),
    Assertion.BLOOM: ("_dl_setup_hash", "(bitmask_nwords & (bitmask_nwords - 1)) == 0"),
    Assertion.RELATIVE: (
        "elf_machine_rela_relative",
        "ELFW(R_TYPE) (reloc->r_info) == R_X86_64_RELATIVE",
    ),
}


def assertion_failed(assertion: Assertion, machine: str, libc: since.Release) -> str | None:
    """Return what the loader prints as it dies, or None where its source was not read."""
    if machine != "x86_64" or not since.OLDEST <= libc <= since.NEWEST:
        return None
    places = (place for place in reversed(_PLACES[assertion]) if libc >= place[0])
    _, file, line = next(places, (None, "", 0))
    function, text = _ASSERTED[assertion]
    return (
        f"Inconsistency detected by ld.so: {file}: {line}: {function}: Assertion `{text}' failed!"
    )


def unsupported_version(name: str, revision: int, record: str) -> str:
    """Return what is said of a record, Verneed or Verdef, whose revision is not 1."""
    return f"{name}: unsupported version {revision} of {record} record"


def _text(name: str) -> str:
    """Return a symbol's name, of which each character stands for a byte, as text."""
    return name.encode("latin-1", "replace").decode("utf-8", "surrogateescape")


def version_not_found(provider: str, need: VersionNeed, requester: str) -> str:
    """Return what `match_symbol` says of an unmet version need."""
    return f"{provider}: version `{_text(need.version)}' not found (required by {requester})"


def undefined_symbol(requester: str, ref: SymbolRef) -> str:
    """Return what `_dl_lookup_symbol_x` says of a strong reference that nothing meets."""
    version = f", version {_text(ref.version)}" if ref.version is not None else ""
    return f"{requester}: undefined symbol: {_text(ref.name)}{version}"


def not_in_its_file(requester: str, ref: SymbolRef, libc: since.Release) -> str:
    """Return what `_dl_lookup_symbol_x` says, up to 2.29, where the named file lacks a symbol."""
    comma = "," if libc == (2, 26) else ""
    return (
        f"{requester}: symbol {_text(ref.name)}{comma} version {_text(ref.version or '')} "
        f"not defined in file {ref.soname} with link time reference"
    )


def bad_relocation(requester: str, number: int) -> str:
    """Return what `_dl_reloc_bad_type` says; small types have two digits, others eight."""
    digits = f"{number:02x}" if number <= 0xFF else f"{number:08x}"  # noqa: PLR2004
    return f"{requester}: unexpected reloc type 0x{digits}"
