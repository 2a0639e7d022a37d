"""ABI5xx: what a binary demands of the loader, the processor and the kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from typing import Final

from abicheck.model import Case, ElfFacts, Fault, Root, Severity, Trouble
from abicheck.rules import _fixes
from abicheck.rules._blame import Blamed, collect
from abicheck.rules._rule import rule
from abicheck.rules.symbols import RELR_MARKER

_LEVELS: Final = {1: "x86-64 baseline", 2: "x86-64-v2", 4: "x86-64-v3", 8: "x86-64-v4"}


def _halted(trouble: Trouble) -> Callable[[Root], Iterable[tuple[PurePosixPath, str, str]]]:
    def facts(root: Root) -> Iterable[tuple[PurePosixPath, str, str]]:
        if root.halt is not None and root.halt.trouble is trouble:
            yield root.halt.at, trouble.name.lower(), root.halt.failure.message or ""

    return facts


def _packed(root: Root) -> Iterable[tuple[PurePosixPath, str, str]]:
    """Objects whose packed relocations are skipped, or whose marker the target lacks."""
    yield from _halted(Trouble.RELR)(root)
    for unmet in root.link_map.unmet_versions:
        if unmet.need.version == RELR_MARKER:
            yield unmet.requester, "relr", unmet.need.version


def _facts(blamed: Blamed[str]) -> ElfFacts:
    assert isinstance(blamed.thing, ElfFacts)  # noqa: S101 - only ELF objects get this far
    return blamed.thing


@rule(
    "ABI503",
    Severity.ERROR,
    "a processor level above the target's",
    explanation="A note in the file names the x86-64 level it needs, and glibc compares it with "
    "the processor before anything runs.  Ordinary `-march` builds carry no such note: its "
    "absence proves nothing.",
    messages=("*: CPU ISA level is lower than required",),
    causes=("linked with -z x86-64-v4 or the like",),
    fixes=("take a build for the baseline processor",),
)
def isa_level(case: Case) -> Iterator[Fault]:
    """The level an object needs must be the processor's."""
    for blamed in collect(case, _halted(Trouble.ISA)):
        needed = _facts(blamed).isa_needed
        names = [name for bit, name in _LEVELS.items() if needed & bit] or [hex(needed)]
        yield blamed.fault(
            f"needs a processor of level {names[-1]}",
            why=f"the target guarantees x86-64-v{case.profile.isa_level}",
            fix=_fixes.reinstall(case, blamed.thing.location),
        )


@rule(
    "ABI504",
    Severity.ERROR,
    "more static thread-local storage than there is",
    explanation="Initial-exec thread-local variables of a library that is opened later come out of "
    "a small reserve.",
    messages=("*: cannot allocate memory in static TLS block",),
    causes=("compiled with -ftls-model=initial-exec", "a preloaded allocator (jemalloc, tcmalloc)"),
    fixes=("build it with the general-dynamic model",),
)
def static_tls(case: Case) -> Iterator[Fault]:
    """Static TLS must fit into the reserve."""
    for blamed in collect(case, _halted(Trouble.STATIC_TLS)):
        size = _facts(blamed).tls_size
        yield blamed.fault(
            f"needs {size:,} bytes of static thread-local storage",
            why=f"a fresh process has {case.profile.static_tls:,} bytes left",
            fix=_fixes.reinstall(case, blamed.thing.location),
        )


@rule(
    "ABI505",
    Severity.ERROR,
    "packed relative relocations, which this glibc does not know",
    explanation="glibc reads DT_RELR from 2.36 on.  An older one skips these relocations in "
    "silence, unless the binary also needs the marker version GLIBC_ABI_DT_RELR; then it says so.",
    messages=("*: version `GLIBC_ABI_DT_RELR' not found (required by *)",),
    causes=("linked with -z pack-relative-relocs",),
    fixes=("link without it",),
)
def packed_relocations(case: Case) -> Iterator[Fault]:
    """DT_RELR must be within the loader's knowledge."""
    for blamed in collect(case, _packed):
        yield blamed.fault(
            "has packed relative relocations (DT_RELR)",
            why=f"glibc {case.profile.glibc} cannot read them: it refuses the marker version, "
            "and without that the process dies on the first pointer",
            fix=_fixes.reinstall(case, blamed.thing.location),
        )


@rule(
    "ABI507",
    Severity.ERROR,
    "a relocation that the loader does not know",
    explanation="The relocation table names a type that the target's machine does not have.",
    messages=("*: unexpected reloc type *",),
    causes=("a damaged file, or one made by an experimental linker",),
    fixes=("reinstall the distribution",),
)
def unknown_relocation(case: Case) -> Iterator[Fault]:
    """Every relocation must be of a known type."""
    for blamed in collect(case, _halted(Trouble.RELOCATION)):
        yield blamed.fault(
            "has a relocation of unknown type",
            why=blamed.fact.rpartition(": ")[2],
            fix=_fixes.reinstall(case, blamed.thing.location),
        )


RULES: Final = (isa_level, static_tls, packed_relocations, unknown_relocation)
