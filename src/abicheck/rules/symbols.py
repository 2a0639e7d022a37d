"""ABI3xx: symbol versions and symbols.  Judged by what the binary needs, never by its tag."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from typing import Final

from abicheck.model import (
    Binding,
    Case,
    ElfFacts,
    Fault,
    Outcome,
    Root,
    Severity,
    Trouble,
    UnmetVersion,
)
from abicheck.rules import _fixes
from abicheck.rules._blame import Blamed, collect
from abicheck.rules._rule import rule
from abicheck.rules.python import is_c_api

RELR_MARKER: Final = "GLIBC_ABI_DT_RELR"
_CXX: Final = ("GLIBCXX_", "CXXABI_", "GCC_")
_MANYLINUX: Final = re.compile(r"manylinux_(\d+)_(\d+)_")
_LEGACY: Final = {"manylinux1_": (2, 5), "manylinux2010_": (2, 12), "manylinux2014_": (2, 17)}
_SHOWN: Final = 4


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def _unmet(
    belongs: Callable[[str], bool],
) -> Callable[[Root], Iterable[tuple[PurePosixPath, str, tuple[UnmetVersion, ...]]]]:
    """Return the unmet version needs of one family, by object."""

    def facts(root: Root) -> Iterable[tuple[PurePosixPath, str, tuple[UnmetVersion, ...]]]:
        by_object: dict[tuple[PurePosixPath, str], list[UnmetVersion]] = {}
        for unmet in root.link_map.unmet_versions:
            if belongs(unmet.need.version):
                by_object.setdefault((unmet.requester, unmet.need.soname), []).append(unmet)
        for (at, soname), needs in by_object.items():
            yield at, soname, tuple(needs)

    return facts


def _is_cxx(version: str) -> bool:
    return version.startswith(_CXX)


def _is_glibc(version: str) -> bool:
    return version.startswith("GLIBC_") and version != RELR_MARKER


def _is_other(version: str) -> bool:
    return not _is_cxx(version) and not version.startswith("GLIBC_")


def _carriers(blamed: Blamed[tuple[UnmetVersion, ...]]) -> tuple[str, ...]:
    """Return the symbols that carry the unmet versions: what to look for in the source."""
    versions = {unmet.need.version for unmet in blamed.fact}
    thing = blamed.thing
    refs = thing.undefined if isinstance(thing, ElfFacts) else ()
    return tuple(str(ref) for ref in refs if ref.version in versions)


def _offered(case: Case, unmet: UnmetVersion) -> str:
    """Return the highest node of the same family that the provider has."""
    family = unmet.need.version.split("_", 1)[0]
    provider = case.profile.libraries.get(str(unmet.provider))
    if provider is not None:
        versions = provider.table.versions or ()
    else:
        shipped = case.inventory.objects.get(str(unmet.provider))
        versions = (shipped.table.versions or ()) if shipped is not None else ()
    own = [v for v in versions if v.split("_", 1)[0] == family and _number(v)]
    return max(own, key=_number, default="no such version")


def _fault(case: Case, blamed: Blamed[tuple[UnmetVersion, ...]]) -> Fault:
    needs = sorted({unmet.need.version for unmet in blamed.fact}, key=_number)
    first = blamed.fact[0]
    carriers = _carriers(blamed)
    why = (
        f"{first.need.soname} of the target ({first.provider}) offers up to {_offered(case, first)}"
    )
    if carriers:
        more = f" and {len(carriers) - _SHOWN} more" if len(carriers) > _SHOWN else ""
        why += f"; carried by {', '.join(carriers[:_SHOWN])}{more}"
    return blamed.fault(
        f"needs {needs[-1]} of {first.need.soname}",
        why=why,
        evidence=(*needs, *carriers),
        fix=_fixes.reinstall(case, blamed.thing.location),
        reason=_mislabelled(case, blamed),
    )


def _mislabelled(case: Case, blamed: Blamed[tuple[UnmetVersion, ...]]) -> str:
    """Say so where the wheel's tag promises an older glibc than its binary needs."""
    owner = _fixes.owner(case, blamed.thing.location)
    needs = [_number(u.need.version) for u in blamed.fact if _is_glibc(u.need.version)]
    if owner is None or not needs:
        return ""
    promised = [glibc for glibc in map(_glibc_of, owner.tags) if glibc is not None]
    if not promised or max(needs) <= max(promised):
        return ""
    major, minor = max(promised)
    return f"its wheel is tagged for glibc {major}.{minor}: mislabelled by its publisher"


def _glibc_of(tag: str) -> tuple[int, int] | None:
    """Return the glibc that a wheel tag promises to run on."""
    found = _MANYLINUX.search(tag)
    if found is not None:
        return int(found[1]), int(found[2])
    return next((glibc for name, glibc in _LEGACY.items() if name in tag), None)


@rule(
    "ABI301",
    Severity.ERROR,
    "a symbol version newer than the target's glibc",
    explanation="The binary was linked on a newer system and uses at least one function in a "
    "version that came later.  Being built on a newer glibc is no fault by itself: only versions "
    "that are really needed count, and weak needs do not.",
    messages=("*: version `GLIBC_*' not found (required by *)",),
    causes=(
        "built on a current distribution and not in a manylinux or Lambda image",
        "a wheel whose tag promises less than its binary needs",
        "a new release of the package that raised its baseline",
    ),
    fixes=(
        "reinstall with the --platform tags up to the target's glibc",
        "pin the release before, or build in the Lambda image",
        "move the function to a runtime on a newer Amazon Linux",
    ),
)
def glibc_too_new(case: Case) -> Iterator[Fault]:
    """Every strong version need must be defined by the library found for it."""
    for blamed in collect(case, _unmet(_is_glibc)):
        yield _fault(case, blamed)


@rule(
    "ABI303",
    Severity.ERROR,
    "a C++ or compiler runtime version newer than the target's",
    explanation="The binary was compiled with a newer GCC than the libstdc++ or libgcc of the "
    "target belongs to.",
    messages=(
        "*: version `GLIBCXX_*' not found (required by *)",
        "*: version `CXXABI_*' not found (required by *)",
        "*: version `GCC_*' not found (required by *)",
    ),
    causes=("compiled with a newer GCC and linked to the system's libstdc++",),
    fixes=(
        "take a manylinux wheel",
        "ship libstdc++.so.6 beside it, found by an RPATH",
        "link with -static-libstdc++ -static-libgcc",
    ),
)
def cxx_runtime_too_new(case: Case) -> Iterator[Fault]:
    """The same law, for libstdc++ and libgcc."""
    for blamed in collect(case, _unmet(_is_cxx)):
        yield _fault(case, blamed)


@rule(
    "ABI304",
    Severity.ERROR,
    "a library without the version that is needed of it",
    explanation="The library that the loader finds first under that soname does not define the "
    "version.  Often the same soname exists twice, and the older copy is found first.",
    messages=("*: version `*' not found (required by *)",),
    causes=(
        "linked against a newer OpenSSL, zlib or the like than the target has",
        "the OS copy is found before the vendored one (LD_LIBRARY_PATH before RUNPATH)",
    ),
    fixes=("ship the library under a soname of its own (auditwheel does), or by RPATH",),
)
def version_not_found(case: Case) -> Iterator[Fault]:
    """The same law, for every other library."""
    for blamed in collect(case, _unmet(_is_other)):
        yield _fault(case, blamed)


def _unbound(
    case: Case,
    doubtful: bool,  # noqa: FBT001 - a switch between two rules
) -> Callable[[Root], Iterable[tuple[PurePosixPath, str, tuple[Binding, ...]]]]:
    def facts(root: Root) -> Iterable[tuple[PurePosixPath, str, tuple[Binding, ...]]]:
        by_object: dict[PurePosixPath, list[Binding]] = {}
        explained = {(u.requester, u.need.version) for u in root.link_map.unmet_versions}
        halt = root.halt
        killed = halt.at if halt is not None and halt.trouble is Trouble.VERSION_FILE else None
        for binding in root.link_map.bindings:
            if (
                binding.outcome is Outcome.NO_LIBRARY
                or (binding.outcome is Outcome.NO_VERSION and binding.requester == killed)
                or (binding.requester, binding.ref.version) in explained
                or is_c_api(binding.ref.name, case)
                or bool(binding.doubt) is not doubtful
            ):
                continue
            by_object.setdefault(binding.requester, []).append(binding)
        for at, bindings in by_object.items():
            yield at, "symbols", tuple(bindings)

    return facts


@rule(
    "ABI302",
    Severity.ERROR,
    "a symbol that no library in scope defines",
    explanation="CPython opens extensions with RTLD_NOW: every symbol that a relocation names is "
    "looked up while the file is opened, in the interpreter and in everything the extension needs.",
    messages=("*: undefined symbol: *",),
    causes=(
        "a vendored library of another release than the extension was linked with",
        "a library that was left out of the link",
        "a package that expects another one to be imported first",
    ),
    fixes=("reinstall the distribution whole; its libraries and extensions belong together",),
)
def symbol_not_found(case: Case) -> Iterator[Fault]:
    """Every strong reference must be bound."""
    for blamed in collect(case, _unbound(case, doubtful=False)):
        names = [str(binding.ref) for binding in blamed.fact]
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        yield blamed.fault(
            f"needs the symbol {', '.join(names[:_SHOWN])}{more}",
            why="nothing in the process or among its needed libraries defines it",
            evidence=tuple(names),
            fix=_fixes.reinstall(case, blamed.thing.location),
        )


@rule(
    "ABI307",
    Severity.WARNING,
    "a symbol that could not be checked for certain",
    explanation="For some libraries of the target only a stand-in is known: the same upstream "
    "release, built elsewhere.  What only the stand-in lacks may or may not be there.",
    messages=("*: undefined symbol: *",),
    causes=("a rarely used symbol of libstdc++, OpenSSL or zlib",),
    fixes=("import it once inside the Lambda image",),
)
def symbol_in_doubt(case: Case) -> Iterator[Fault]:
    """What only a stand-in lacks is uncertain, not missing."""
    for blamed in collect(case, _unbound(case, doubtful=True)):
        names = [str(binding.ref) for binding in blamed.fact]
        doubts = sorted({binding.doubt for binding in blamed.fact})
        yield blamed.fault(
            f"needs {', '.join(names[:_SHOWN])}, which may be missing",
            why=f"the stand-in for {', '.join(doubts)} does not have it",
            evidence=tuple(names),
            cap=Severity.WARNING,
        )


@rule(
    "ABI305",
    Severity.WARNING,
    "a symbol version that only newer releases of the target have",
    explanation="Amazon Linux 2023 moves within one major version: its C++ runtime and OpenSSL "
    "were replaced by newer ones.  Functions pinned to an older runtime version do not have them.",
    messages=("*: version `*' not found (required by *)",),
    causes=("built against the newest Amazon Linux 2023", "a wheel with a high baseline"),
    fixes=("keep the function's runtime management on Auto, or take an older build",),
)
def recent_version(case: Case) -> Iterator[Fault]:
    """What only the newer release serves is a warning."""

    def recent(root: Root) -> Iterable[tuple[PurePosixPath, str, tuple[str, ...]]]:
        by_object: dict[tuple[PurePosixPath, str], list[str]] = {}
        for entry in root.link_map.recent:
            needs = by_object.setdefault((entry.requester, entry.need.soname), [])
            needs.append(f"{entry.need.version} (since {entry.since})")
        for (at, soname), needs in by_object.items():
            yield at, soname, tuple(needs)

    for blamed in collect(case, recent, case.roots):
        yield blamed.fault(
            f"needs {', '.join(blamed.fact)} of {blamed.subject}",
            why="only newer releases of the runtime have it; pinned ones fail",
            evidence=blamed.fact,
            cap=Severity.WARNING,
        )


@rule(
    "ABI306",
    Severity.ERROR,
    "version tables that kill the process",
    explanation="A version is needed of a file that nothing loaded is called, or of a library that "
    "has no versions at all.  glibc takes that for its own bug: an assertion fails and the process "
    "ends with status 127, without an exception.",
    messages=("Inconsistency detected by ld.so: *",),
    causes=(
        "patchelf --replace-needed or --remove-needed on a versioned binary",
        "a vendored library replaced by a build without versions",
    ),
    fixes=("undo the rewriting and reinstall the distribution",),
)
def inconsistent_versions(case: Case) -> Iterator[Fault]:
    """A version need must name a file that is loaded and has versions."""

    def killed(root: Root) -> Iterable[tuple[PurePosixPath, str, Trouble]]:
        halt = root.halt
        if halt is not None and halt.trouble in (
            Trouble.VERSION_FILE,
            Trouble.UNVERSIONED_PROVIDER,
        ):
            yield halt.at, "versions", halt.trouble

    for blamed in collect(case, killed):
        why = (
            "it needs a version of a file that nothing loaded is called"
            if blamed.fact is Trouble.VERSION_FILE
            else "it needs a version of a library that has none"
        )
        yield blamed.fault(
            "kills the process while it is loaded (exit status 127)",
            why=why,
            fix=_fixes.reinstall(case, blamed.thing.location),
        )


RULES: Final = (
    glibc_too_new,
    symbol_not_found,
    cxx_runtime_too_new,
    version_not_found,
    recent_version,
    inconsistent_versions,
    symbol_in_doubt,
)
