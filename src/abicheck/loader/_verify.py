"""Whether one file can be mapped: `open_verify` and `_dl_map_object_from_fd`."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from abicheck.loader import _messages as say
from abicheck.loader import _releases as since
from abicheck.loader._segments import mapping_error, touches_end
from abicheck.model import Assertion, ElfFacts, ElfHeader, Foreign, ForeignFile, TargetProfile

_CLASS64, _LITTLE, _BIG = 2, 1, 2
_ET_EXEC, _ET_DYN = 2, 3
_PT_LOAD, _PT_DYNAMIC = 1, 2
_MACHINES: Final = {"x86_64": 62, "aarch64": 183}
_OSABI: Final = (0, 3)  # ELFOSABI_SYSV, ELFOSABI_GNU
_DF_1_NOOPEN, _DF_1_PIE = 0x40, 0x08000000
_PF_W: Final = 2
_BEYOND: Final = "lies beyond the end of the file"


class Fate(enum.Enum):
    """What becomes of a candidate file."""

    MAPPED = enum.auto()
    PASSED_OVER = enum.auto()
    REFUSED = enum.auto()
    KILLS = enum.auto()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The fate of one file; `text` is the loader's sentence, or the signal.

    `opened` says that the sentence comes after `open_verify`, and names the
    file as it was asked for, not the path at which it was found.  `words` is
    what a process writes that dies of an assertion.
    """

    fate: Fate
    text: str = ""
    other_class: bool = False
    opened: bool = False
    words: str | None = None


MAPPED: Final = Verdict(Fate.MAPPED)


_EHDR_SIZE = 64  # sizeof (Elf64_Ehdr)


def verify_foreign(file: ForeignFile) -> Verdict:
    """Judge a file that is not ELF, as `open_verify` reads its first bytes."""
    if file.kind is Foreign.ELF_TRUNCATED:
        return Verdict(Fate.REFUSED, say.TOO_SHORT)
    return verify_other(file.size)


def verify_other(size: int) -> Verdict:
    """Judge a file of `size` bytes that does not begin as ELF files do."""
    return Verdict(Fate.REFUSED, say.TOO_SHORT if size < _EHDR_SIZE else say.BAD_MAGIC)


def verify(facts: ElfFacts, profile: TargetProfile) -> Verdict:
    """Judge an ELF file in the order in which glibc looks at it."""
    header = facts.header
    if header is None:
        return Verdict(Fate.REFUSED, facts.defect or say.TOO_SHORT)
    return (
        _identification(header, profile)
        or _header(header, facts, profile)
        or _abi_tag(facts, profile)
        or _load_commands(facts, header, profile)
        or _mapping(facts, profile)
        or _dynamic(facts, profile)
        or MAPPED
    )


def _refuse(text: str) -> Verdict:
    return Verdict(Fate.REFUSED, text)


def _refuse_opened(text: str) -> Verdict:
    return Verdict(Fate.REFUSED, text, opened=True)


def _identification(header: ElfHeader, profile: TargetProfile) -> Verdict | None:
    if header.ei_class != _CLASS64:
        return Verdict(Fate.PASSED_OVER, other_class=True)
    if profile.os.startswith(since.MACHINE_FIRST) and _is_foreign(header, profile):
        return Verdict(Fate.PASSED_OVER)
    if header.ei_data != _LITTLE:
        return _refuse("ELF file data encoding not little-endian")
    if header.ei_version != 1:
        return _refuse("ELF file version ident does not match current one")
    if header.osabi not in _OSABI:
        return _refuse("ELF file OS ABI invalid")
    if header.abiversion and (header.osabi == 0 or header.abiversion >= _abi_max(profile)):
        return _refuse("ELF file ABI version invalid")
    if any(header.padding):
        return _refuse("nonzero padding in e_ident")
    return None


def _is_foreign(header: ElfHeader, profile: TargetProfile) -> bool:
    """Whether the machine is another one, read in the loader's own byte order."""
    machine = header.machine
    if header.ei_data == _BIG:
        machine = (machine & 0xFF) << 8 | machine >> 8
    return machine != _MACHINES[profile.machine]


def _abi_max(profile: TargetProfile) -> int:
    """Return LIBC_ABI_MAX: default and unique symbols, x86_64's IFUNC, absolute symbols."""
    return 2 + (profile.machine == "x86_64") + (profile.libc_version >= since.ABI_OF_ABSOLUTE)


def _header(header: ElfHeader, facts: ElfFacts, profile: TargetProfile) -> Verdict | None:
    if header.version != 1:
        return _refuse("ELF file version does not match current one")
    if header.machine != _MACHINES[profile.machine]:
        return Verdict(Fate.PASSED_OVER)
    if header.type not in (_ET_DYN, _ET_EXEC):
        return _refuse("only ET_DYN and ET_EXEC can be loaded")
    if header.type == _ET_EXEC and profile.libc_version < since.EXECUTABLE_LATER:
        return _refuse(say.EXECUTABLE)
    if header.phentsize != 56:  # noqa: PLR2004 - sizeof (Elf64_Phdr)
        return _refuse("ELF file's phentsize not the expected size")
    if facts.defect is not None and not facts.defect.startswith("malformed"):
        return _refuse(facts.defect)
    return None


def _abi_tag(facts: ElfFacts, profile: TargetProfile) -> Verdict | None:
    if profile.libc_version >= since.NO_ABI_TAG:
        return None
    if facts.kernel is not None and (facts.kernel_os != 0 or facts.kernel > profile.kernel):
        return Verdict(Fate.PASSED_OVER)
    return None


def _load_commands(facts: ElfFacts, header: ElfHeader, profile: TargetProfile) -> Verdict | None:
    page = profile.page_size
    loads = [segment for segment in facts.segments if segment.type == _PT_LOAD]
    relaxed = profile.libc_version >= since.ANY_ALIGN
    for load in loads:
        offset = load.vaddr - load.offset
        if relaxed:
            if offset % page:
                return _refuse_opened(say.NOT_PAGE_ALIGNED)
            continue
        # p_align & (page - 1), as in C: a power of two below the page, or any odd multiple.
        if load.align & (page - 1):
            return _refuse_opened("ELF load command alignment not page-aligned")
        if offset & ((load.align - 1) & 0xFFFF_FFFF_FFFF_FFFF):
            return _refuse_opened("ELF load command address/offset not properly aligned")
    if not loads:
        return _refuse_opened("object file has no loadable segments")
    if header.type != _ET_DYN:
        return _refuse_opened(say.EXECUTABLE)
    missing = _has_empty_dynamic(facts) or not (facts.dynamic or facts.defect)
    if missing and profile.libc_version >= since.DYNAMIC_EARLIER:
        return _refuse_opened(say.NO_DYNAMIC)
    return None


def _mapping(facts: ElfFacts, profile: TargetProfile) -> Verdict | None:
    """Judge what `_dl_map_segments` does, and what is touched next."""
    text = mapping_error([s for s in facts.segments if s.type == _PT_LOAD], profile)
    if text is not None:
        return _refuse_opened(text)
    if not (facts.dynamic or facts.defect):
        if _has_empty_dynamic(facts) and profile.libc_version < since.EMPTY_DYNAMIC_SKIPPED:
            return Verdict(Fate.KILLS, "SIGSEGV")
        return _refuse_opened(say.NO_DYNAMIC)
    if facts.beyond_end and (
        touches_end(facts, profile.page_size) or (facts.defect or "").endswith(_BEYOND)
    ):
        return Verdict(Fate.KILLS, "SIGBUS")
    return None


def _has_empty_dynamic(facts: ElfFacts) -> bool:
    """Whether it is a debug file: `objcopy --only-keep-debug` leaves a PT_DYNAMIC without bytes."""
    return any(s.type == _PT_DYNAMIC and not s.filesz for s in facts.segments)


def _claims_to_be_writable(facts: ElfFacts) -> bool:
    """Whether PT_DYNAMIC has PF_W, so that the loader writes into it: `dl_relocate_ld`."""
    dynamic = [s for s in facts.segments if s.type == _PT_DYNAMIC and s.filesz]
    return bool(dynamic) and bool(dynamic[-1].flags & _PF_W)


def _dynamic(facts: ElfFacts, profile: TargetProfile) -> Verdict | None:
    if facts.fixed_dynamic and (
        profile.libc_version < since.READ_ONLY_DYNAMIC or _claims_to_be_writable(facts)
    ):
        return Verdict(Fate.KILLS, "SIGSEGV")
    relr = profile.libc_version >= since.RELR
    if facts.assertion is not None and (relr or facts.assertion is not Assertion.RELRENT):
        text = say.assertion_failed(facts.assertion, profile.machine, profile.libc_version)
        return Verdict(Fate.KILLS, say.EXIT_127, words=text)
    later = facts.misnamed or facts.misversioned or facts.unsearchable or facts.unrelocatable
    if facts.defect is not None and facts.assertion is None and not later:
        return Verdict(Fate.KILLS, "SIGSEGV")
    if facts.flags_1 & _DF_1_PIE and profile.libc_version >= since.PIE_REFUSED:
        return _refuse_opened("cannot dynamically load position-independent executable")
    if facts.flags_1 & _DF_1_NOOPEN:
        return _refuse_opened("shared object cannot be dlopen()ed")
    executable = facts.exec_stack or (facts.exec_stack is None and profile.machine == "x86_64")
    if executable and profile.libc_version >= since.NO_EXEC_STACK:
        return _refuse_opened(say.EXEC_STACK)
    return None
