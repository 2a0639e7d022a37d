"""Static thread-local storage: what start-up leaves, and what one object takes of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from abicheck.loader import _releases as since
from abicheck.loader._releases import Release
from abicheck.model import ElfFacts

_PT_TLS = 7

_SURPLUS = 1664  # TLS_STATIC_SURPLUS, and since 2.32 the default of the tunables that replaced it
_RSEQ = 32  # size and alignment of the area for restartable sequences
_AARCH64_TCB = 16  # sizeof (tcbhead_t)


@dataclass(frozen=True, slots=True)
class TlsBlock:
    """One PT_TLS: bytes, alignment, and how far its first byte is from an aligned address."""

    size: int
    align: int
    first: int = 0


def tls_block(facts: ElfFacts) -> TlsBlock:
    """Return an object's PT_TLS; one of no size where it has none."""
    first = next((s.vaddr for s in facts.segments if s.type == _PT_TLS), 0)
    return TlsBlock(facts.tls_size, facts.tls_align, first % max(facts.tls_align, 1))


def static_tls_room(libc: Release, machine: str, startup: Iterable[TlsBlock]) -> int:
    """Return how many bytes of static TLS are free after start-up.

    `startup` are the blocks of the start-up objects, in the order of the
    link map.  Mirrors `_dl_determine_tlsoffset`, without the rare gap that a
    block of large alignment leaves for a later, smaller one.
    """
    alignment = tcb_alignment(libc, machine)
    blocks = [block for block in startup if block.size]
    if machine == "x86_64":
        alignment = max([alignment, *(block.align for block in blocks)])
    used = 0 if machine == "x86_64" else _AARCH64_TCB
    for block in blocks:
        first = -block.first % block.align
        if machine == "x86_64":
            used = _round_up(used + block.size - first, block.align) + first
        else:
            start = _round_up(used, block.align)
            start += block.align if start - used < first else 0
            used = start + block.size - first
    if libc >= since.EXTRA_TLS:
        used = _round_up(used, _RSEQ) + _RSEQ
    return _round_up(used + _SURPLUS, alignment) - used


def take_static_tls(libc: Release, machine: str, room: int, block: TlsBlock) -> int | None:
    """Return what is left of `room` after one block, or None where it does not fit.

    Mirrors `_dl_try_allocate_static_tls`; a block that wants to be aligned
    more than the area as a whole never fits.
    """
    align = max(block.align, 1)
    if align > tcb_alignment(libc, machine):
        return None
    if machine == "x86_64":
        spare = room - block.size - block.first
        return None if spare < 0 else spare // align * align + block.first
    # The area ends at an aligned address, which is 0 here; what is free lies below it.
    end = _round_up(-room - block.first, align) + block.first + block.size
    return None if end > 0 else -end


def tcb_alignment(libc: Release, machine: str) -> int:
    """Return TCB_ALIGNMENT: the alignment of the static TLS block."""
    if machine == "x86_64":
        return 64
    return 32 if libc >= since.WIDER_TCB else 16


def _round_up(value: int, align: int) -> int:
    return -(-value // align) * align
