"""From which release of glibc on a rule holds; from 2.26 to 2.42, each read beside its source.

A release is what its stable branch has become, since that is what systems
ship: where a change was taken back into older branches, the oldest counts.
What a system's own patches change is named as such.
"""

from __future__ import annotations

from typing import Final

Release = tuple[int, int]

OLDEST: Final[Release] = (2, 26)
NEWEST: Final[Release] = (2, 42)

# --- open_verify, _dl_map_object_from_fd ---
EMPTY_DYNAMIC_SKIPPED: Final[Release] = (2, 27)  # a PT_DYNAMIC without bytes; before, it kills
ABI_OF_ABSOLUTE: Final[Release] = (2, 28)  # one more EI_ABIVERSION: absolute symbols of value 0
PIE_REFUSED: Final[Release] = (2, 28)  # DF_1_PIE; the branches of 2.28 and 2.29 took it from 2.30
EXECUTABLE_LATER: Final[Release] = (2, 31)  # ET_EXEC is refused after the segments were looked at
DYNAMIC_EARLIER: Final[Release] = (2, 33)  # no PT_DYNAMIC: before mapping; an empty one counts
READ_ONLY_DYNAMIC: Final[Release] = (2, 34)  # without PF_W the dynamic table is left as it is
ANY_ALIGN: Final[Release] = (2, 35)  # p_align need not be a multiple of the page
HOLES_CHECKED: Final[Release] = (2, 35)  # segments with a gap must be in order
NO_ABI_TAG: Final[Release] = (2, 36)  # .note.ABI-tag is no longer compared with the kernel
NO_EXEC_STACK: Final[Release] = (2, 41)  # dlopen never makes the stack executable

# Debian's "ldso-machine-mismatch": another machine is passed over before its byte order is read.
MACHINE_FIRST: Final = ("Debian", "Ubuntu")

# --- dynamic string tokens and directories ---
LONGEST_TOKEN: Final[Release] = (2, 27)  # `$ORIGIN-x` is a token; before, only `/` might follow
GLIBC_HWCAPS: Final[Release] = (2, 33)  # glibc-hwcaps/ is searched
NO_LEGACY_HWCAPS: Final[Release] = (2, 37)  # tls/, x86_64/, haswell/, atomics/ no longer are
ATOMICS: Final[Release] = (2, 28)  # aarch64's directory; before, it was cpuid/

# --- versions, the processor, order ---
RELR: Final[Release] = (2, 36)  # DT_RELR is applied, and wants GLIBC_ABI_DT_RELR
ISA_LEVEL: Final[Release] = (2, 33)  # GNU_PROPERTY_X86_ISA_1_NEEDED is compared
ONE_ORDER: Final[Release] = (2, 32)  # relocation in the order of l_initfini, not in one of its own
DEPTH_FIRST: Final[Release] = (2, 35)  # _dl_sort_maps_dfs

# --- do_lookup_x, check_match ---
MAY_MOVE: Final[Release] = (2, 30)  # a versioned symbol may come from another file than it names
UNVERSIONED_ACCEPTED: Final[Release] = (2, 41)  # a provider without versions is no longer a bug

# --- static TLS ---
EXTRA_TLS: Final[Release] = (2, 41)  # the area for restartable sequences lies behind the TLS blocks
WIDER_TCB: Final[Release] = (2, 35)  # aarch64 aligns the static TLS block to 32, not to 16
