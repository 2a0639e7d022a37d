"""ABI4xx: needed libraries that are not found, or not for certain."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Final

from abicheck.model import Case, Dependency, ElfFacts, Fault, Location, Root, Severity, is_musl
from abicheck.rules import _fixes
from abicheck.rules._blame import Blamed, collect
from abicheck.rules._rule import rule
from abicheck.rules.python import is_libpython

# auditwheel and delocate put a hash into the name of what they vendor.
_VENDORED: Final = re.compile(r"-[0-9a-f]{6,}(\.|$|-)")
_RUN_PATH_LIBS: Final = re.compile(r"([\w.-]+\.libs)\b")

# What is behind a soname, in words that help.
_KNOWN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "libGL.so.1": "OpenGL; the headless variant of the package does without",
        "libexpat.so.1": "expat; in fuller build images, but not in Lambda's own",
        "libcrypt.so.1": "libxcrypt-compat; Amazon Linux 2023 on Lambda has no libcrypt at all",
        "libgomp.so.1": "GCC's OpenMP runtime; not part of Lambda's Amazon Linux 2023",
        "libpq.so.5": "PostgreSQL's client; the -binary variant of the package brings it",
        "libodbc.so.2": "unixODBC; to be shipped in lib/ with its drivers",
        "libssl.so.1.1": "OpenSSL 1.1; Amazon Linux 2023 has OpenSSL 3 only",
        "libssl.so.10": "OpenSSL 1.0, of Amazon Linux 2; Amazon Linux 2023 has OpenSSL 3",
        "libcrypto.so.1.1": "OpenSSL 1.1; Amazon Linux 2023 has OpenSSL 3 only",
        "libcrypto.so.10": "OpenSSL 1.0, of Amazon Linux 2; Amazon Linux 2023 has OpenSSL 3",
        "libffi.so.6": "an older libffi; Amazon Linux 2023 has libffi.so.8",
        "libffi.so.7": "an older libffi; Amazon Linux 2023 has libffi.so.8",
    }
)


def _absent(root: Root) -> Iterable[tuple[PurePosixPath, str, Dependency]]:
    """The names in DT_NEEDED for which the search ended with nothing."""
    for dependency in root.link_map.dependencies:
        if (
            dependency.provider is None
            and dependency.defect is None
            and not is_musl(dependency.name)
            and not is_libpython(dependency.name)
        ):
            yield dependency.requester, dependency.name, dependency


def _lost_folder(blamed: Blamed[Dependency], case: Case) -> str:
    """Return the `*.libs` folder that the run path leads to and the artifact lacks."""
    thing = blamed.thing
    if not isinstance(thing, ElfFacts):
        return ""
    found = _RUN_PATH_LIBS.search(thing.runpath or thing.rpath or "")
    folder = found[1] if found is not None else ""
    if folder and any(f"/{folder}/" in path for path in case.inventory.objects):
        return ""
    return folder


def _is_vendored(blamed: Blamed[Dependency]) -> bool:
    return bool(_VENDORED.search(blamed.subject))


@rule(
    "ABI401",
    Severity.ERROR,
    "a needed library is neither shipped nor on the target",
    explanation="The loader looks in the run paths, in LD_LIBRARY_PATH (which has the function's "
    "root and its lib/ folder) and in the system's folders.  The library is in none of them.",
    messages=(
        "*: cannot open shared object file: No such file or directory",
        "*: cannot read file data: Is a directory",
        "cannot load library '*': *",
        "ctypes.util.find_library() did not manage to locate a library called '*'",
    ),
    causes=(
        "compiled against a library of the build machine",
        "a fuller build image had it and Lambda's does not",
        "the desktop variant of a package",
        "a package that opens a library of the system with ctypes or cffi (weasyprint, cairocffi)",
    ),
    fixes=(
        "take the self-contained variant of the package (-binary, -headless)",
        "copy the library into lib/ at the root of the ZIP",
    ),
)
def missing_library(case: Case) -> Iterator[Fault]:
    """Every DT_NEEDED entry must be met, and so must what a source opens by its name."""
    for blamed in collect(case, _absent):
        if _is_vendored(blamed):
            continue
        soname = blamed.subject
        why = _KNOWN.get(soname, "it is in no folder the loader looks in")
        place = blamed.thing.location
        fix = _fixes.replace(case, place) or _fixes.ship_library(case, soname)
        yield blamed.fault(
            f"needs {soname}, which is neither in the artifact nor on the target",
            why=why + _passed_over(blamed),
            evidence=(soname,),
            fix=fix,
        )
    for absent in case.absent:
        site = absent.via[-1]
        known = _KNOWN.get(absent.name, "no folder that the loader looks in has it")
        yield Fault(
            Location(site.path),
            f"opens {absent.name}, which is neither in the artifact nor on the target",
            subject=absent.name,
            why="; ".join(filter(None, (known, absent.reason))),
            evidence=(absent.name,),
            fix=_fixes.ship_library(case, absent.name) if ".so" in absent.name else "",
            failure=absent.failure,
            via=absent.via,
            severity=None if absent.severity is Severity.ERROR else absent.severity,
        )


@rule(
    "ABI402",
    Severity.ERROR,
    "a vendored library was lost",
    explanation="Wheels keep the libraries they vendor in a folder beside the package, such as "
    "numpy.libs, under names with a hash.  That folder has to travel with the package.",
    messages=("*-*.so*: cannot open shared object file: No such file or directory",),
    causes=(
        "only the package's own folder was copied",
        "a prune script removed the *.libs folder, or renamed a file in it",
    ),
    fixes=("copy everything that pip installed, folders ending in .libs included",),
)
def lost_vendored_library(case: Case) -> Iterator[Fault]:
    """What a wheel vendors must lie where its run path leads."""
    for blamed in collect(case, _absent):
        if not _is_vendored(blamed):
            continue
        folder = _lost_folder(blamed, case)
        if folder:
            why = f"the folder {folder}/ is not in the artifact; it belongs beside the package"
        else:
            why = "it was vendored by the wheel and is not where the run path leads"
        yield blamed.fault(
            f"needs {blamed.subject}, which its own wheel brings and the artifact lacks",
            why=why + _passed_over(blamed),
            evidence=(blamed.subject,),
            fix=_fixes.reinstall(case, blamed.thing.location),
        )


@rule(
    "ABI403",
    Severity.WARNING,
    "a library that may be missing in the managed runtime",
    explanation="The public base image and the managed runtime are different file systems.  A few "
    "libraries of the image were reported absent when the function ran.",
    messages=("*: cannot open shared object file: No such file or directory",),
    causes=("linked to a library that only the base image is known to have",),
    fixes=("copy the library into lib/ at the root of the ZIP",),
)
def doubtful_library(case: Case) -> Iterator[Fault]:
    """A library whose presence is not certain is a warning."""

    def doubtful(root: Root) -> Iterable[tuple[PurePosixPath, str, str]]:
        for dependency in root.link_map.dependencies:
            library = case.profile.libraries.get(str(dependency.provider))
            if library is not None and library.doubtful:
                yield dependency.requester, dependency.name, library.doubtful

    for blamed in collect(case, doubtful, case.roots):
        yield blamed.fault(
            f"needs {blamed.subject}, which the managed runtime may lack",
            why=blamed.fact,
            evidence=(blamed.subject,),
            fix=_fixes.ship_library(case, blamed.subject),
            cap=Severity.WARNING,
        )


def _passed_over(blamed: Blamed[Dependency]) -> str:
    skipped = blamed.fact.skipped
    if not skipped:
        return ""
    names = ", ".join(dict.fromkeys(map(str, skipped)))
    return f"; passed over, because it is for another system or unreadable: {names}"


RULES: Final = (missing_library, lost_vendored_library, doubtful_library)
