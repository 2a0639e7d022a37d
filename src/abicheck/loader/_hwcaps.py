"""Which subdirectories are searched for the processor's sake: `_dl_important_hwcaps`."""

from __future__ import annotations

from itertools import product

from abicheck.loader import _releases as since
from abicheck.loader._releases import Release

_V2, _V4 = 2, 4


def hwcaps_subdirectories(
    libc: Release, machine: str, isa_level: int, platform: str
) -> tuple[str, ...]:
    """Return what is tried below every directory, in order, before the directory itself.

    `isa_level` is the processor's x86-64 level (1 to 4), or the minor number
    of its Armv8 version; `platform` is the loader's (`haswell` on Intel
    processors with AVX2, else the kernel's AT_PLATFORM: `x86_64`, `aarch64`).
    """
    found: list[str] = []
    if libc >= since.GLIBC_HWCAPS and machine == "x86_64":
        found += (f"glibc-hwcaps/x86-64-v{level}" for level in range(isa_level, _V2 - 1, -1))
    if libc < since.NO_LEGACY_HWCAPS:
        names = (
            "tls",
            *([platform] if platform else ()),
            *_bits(libc, machine, isa_level, platform),
        )
        # Every combination, as a binary number that counts down; the last is the directory itself.
        for chosen in product((True, False), repeat=len(names)):
            path = "/".join(name for name, taken in zip(names, chosen, strict=True) if taken)
            if path:
                found.append(path)
    return tuple(dict.fromkeys(found))


def _bits(libc: Release, machine: str, isa_level: int, platform: str) -> tuple[str, ...]:
    """Return HWCAP_IMPORTANT's names, from the highest bit down."""
    if machine == "x86_64":
        # AVX512_1 is set for Intel's processors alone, which `haswell` tells.
        avx512 = platform == "haswell" and isa_level >= _V4
        return ("avx512_1", "x86_64") if avx512 else ("x86_64",)
    if libc < since.ATOMICS:
        return ("cpuid",)
    return ("atomics",) if isa_level >= 1 else ()
