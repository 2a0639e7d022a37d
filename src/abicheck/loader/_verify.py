"""Whether one file can be mapped: `open_verify` and `_dl_map_object_from_fd`."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from abicheck.loader import _messages as say
from abicheck.model import ElfFacts, ElfHeader, Foreign, ForeignFile, TargetProfile

_CLASS64, _LITTLE = 2, 1
_ET_EXEC, _ET_DYN = 2, 3
_PT_LOAD = 1
_MACHINES: Final = {"x86_64": 62, "aarch64": 183}
_OSABI: Final = (0, 3)  # ELFOSABI_SYSV, ELFOSABI_GNU
_ABIVERSION_MAX = 4  # LIBC_ABI_MAX of 2.34
_DF_1_NOOPEN, _DF_1_PIE = 0x40, 0x08000000
_ANY_ALIGN: Final = (2, 35)  # from here on p_align need not be a multiple of the page
_NO_EXEC_STACK: Final = (2, 41)
_PIE_REFUSED: Final = (2, 30)
_TOO_LARGE: Final = 1 << 40  # a private mapping of a tebibyte: refused as overcommitment


class Fate(enum.Enum):
    """What becomes of a candidate file."""

    MAPPED = enum.auto()
    PASSED_OVER = enum.auto()
    REFUSED = enum.auto()
    KILLS = enum.auto()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The fate of one file; `text` is the loader's sentence, or the signal."""

    fate: Fate
    text: str = ""
    other_class: bool = False


MAPPED: Final = Verdict(Fate.MAPPED)


def verify_foreign(file: ForeignFile) -> Verdict:
    """Judge a file that is not ELF, as `open_verify` reads its first bytes."""
    if file.size < 64 and file.kind is not Foreign.ELF_TRUNCATED:  # noqa: PLR2004 - Elf64_Ehdr
        return Verdict(Fate.REFUSED, say.TOO_SHORT)
    if file.kind is Foreign.ELF_TRUNCATED:
        return Verdict(Fate.REFUSED, say.TOO_SHORT)
    return Verdict(Fate.REFUSED, say.BAD_MAGIC)


def verify(facts: ElfFacts, profile: TargetProfile) -> Verdict:
    """Judge an ELF file in the order in which glibc looks at it."""
    header = facts.header
    if header is None:
        return Verdict(Fate.REFUSED, facts.defect or say.TOO_SHORT)
    return (
        _identification(header)
        or _header(header, facts, profile)
        or _abi_tag(facts, profile)
        or _load_commands(facts, header, profile)
        or _dynamic(facts, profile)
        or MAPPED
    )


def _refuse(text: str) -> Verdict:
    return Verdict(Fate.REFUSED, text)


def _identification(header: ElfHeader) -> Verdict | None:
    if header.ei_class != _CLASS64:
        return Verdict(Fate.PASSED_OVER, other_class=True)
    if header.ei_data != _LITTLE:
        return _refuse("ELF file data encoding not little-endian")
    if header.ei_version != 1:
        return _refuse("ELF file version ident does not match current one")
    if header.osabi not in _OSABI:
        return _refuse("ELF file OS ABI invalid")
    if header.abiversion and (header.osabi == 0 or header.abiversion >= _ABIVERSION_MAX):
        return _refuse("ELF file ABI version invalid")
    if any(header.padding):
        return _refuse("nonzero padding in e_ident")
    return None


def _header(header: ElfHeader, facts: ElfFacts, profile: TargetProfile) -> Verdict | None:
    if header.version != 1:
        return _refuse("ELF file version does not match current one")
    if header.machine != _MACHINES[profile.machine]:
        return Verdict(Fate.PASSED_OVER)
    if header.type not in (_ET_DYN, _ET_EXEC):
        return _refuse("only ET_DYN and ET_EXEC can be loaded")
    if header.phentsize != 56:  # noqa: PLR2004 - sizeof (Elf64_Phdr)
        return _refuse("ELF file's phentsize not the expected size")
    if facts.defect is not None and not facts.defect.startswith("malformed"):
        return _refuse(facts.defect)
    return None


def _abi_tag(facts: ElfFacts, profile: TargetProfile) -> Verdict | None:
    if facts.kernel is not None and (facts.kernel_os != 0 or facts.kernel > profile.kernel):
        return Verdict(Fate.PASSED_OVER)
    return None


def _load_commands(facts: ElfFacts, header: ElfHeader, profile: TargetProfile) -> Verdict | None:
    page = profile.page_size
    loads = [segment for segment in facts.segments if segment.type == _PT_LOAD]
    relaxed = profile.libc_version >= _ANY_ALIGN
    for load in loads:
        offset = load.vaddr - load.offset
        if relaxed:
            if offset % page:
                return _refuse("ELF load command address/offset not page-aligned")
            continue
        # p_align & (page - 1), as in C: a power of two below the page, or any odd multiple.
        if load.align & (page - 1):
            return _refuse("ELF load command alignment not page-aligned")
        if offset & ((load.align - 1) & 0xFFFF_FFFF_FFFF_FFFF):
            return _refuse("ELF load command address/offset not properly aligned")
    if not loads:
        return _refuse("object file has no loadable segments")
    if header.type != _ET_DYN:
        return _refuse("cannot dynamically load executable")
    if loads[-1].vaddr + loads[-1].memsz - loads[0].vaddr >= _TOO_LARGE:
        return _refuse(say.CANNOT_MAP)
    if facts.beyond_end:
        return Verdict(Fate.KILLS, "SIGBUS")
    return None


def _dynamic(facts: ElfFacts, profile: TargetProfile) -> Verdict | None:
    if facts.defect is not None:
        return Verdict(Fate.KILLS, "SIGSEGV")
    if not facts.dynamic:
        return _refuse("object file has no dynamic section")
    if facts.flags_1 & _DF_1_PIE and profile.libc_version >= _PIE_REFUSED:
        return _refuse("cannot dynamically load position-independent executable")
    if facts.flags_1 & _DF_1_NOOPEN:
        return _refuse("shared object cannot be dlopen()ed")
    executable = facts.exec_stack or (facts.exec_stack is None and profile.machine == "x86_64")
    if executable and profile.libc_version >= _NO_EXEC_STACK:
        return _refuse(say.EXEC_STACK)
    return None
