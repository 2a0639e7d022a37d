"""ABI1xx: foreign and damaged binaries, as the importer or the loader meets them.

The name of a file decides whether users see "No module named" (the importer
does not know its suffix) or a sentence of the loader (it does, and opens it).
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Final

from abicheck.model import (
    Case,
    ElfFacts,
    Fault,
    Foreign,
    ForeignFile,
    Location,
    Root,
    Severity,
    Trouble,
    is_musl,
)
from abicheck.rules import _fixes
from abicheck.rules._blame import Blamed, collect
from abicheck.rules._missing import Cause, missing_modules
from abicheck.rules._rule import rule

_CLASS64, _LITTLE = 2, 1


class _Bad(enum.Enum):
    """What is wrong with a file that was opened."""

    MACOS = enum.auto()
    WINDOWS = enum.auto()
    ARCHITECTURE = enum.auto()
    CLASS = enum.auto()
    NOT_ELF = enum.auto()
    TRUNCATED = enum.auto()
    MALFORMED = enum.auto()
    ALIGNMENT = enum.auto()
    KERNEL = enum.auto()
    UNREADABLE = enum.auto()
    EXEC_STACK = enum.auto()
    REFUSED = enum.auto()


_SAID: Final = {"ELF load command": _Bad.ALIGNMENT, "executable stack": _Bad.EXEC_STACK}


def _opened(root: Root) -> Iterable[tuple[PurePosixPath, str, str]]:
    """The file at which the load ended because of its own bytes, and the loader's text."""
    halt = root.halt
    if halt is not None and (halt.trouble is Trouble.FILE or halt.at != root.path):
        refused = any(d.defect for d in root.link_map.dependencies)
        if halt.trouble is Trouble.FILE or refused:
            yield halt.at, "file", halt.failure.message or halt.failure.crash or ""


def _bad_files(case: Case, kind: _Bad) -> Iterator[Blamed[str]]:
    for blamed in collect(case, _opened):
        if _classify(blamed, case.profile.machine) is kind:
            yield blamed


def _classify(blamed: Blamed[str], machine: str) -> _Bad:
    thing = blamed.thing
    if "Permission denied" in blamed.fact:
        return _Bad.UNREADABLE
    if isinstance(thing, ForeignFile):
        kinds = {Foreign.MACH_O: _Bad.MACOS, Foreign.PE: _Bad.WINDOWS}
        return kinds.get(thing.kind, _Bad.NOT_ELF)
    header = thing.header
    if header is not None and (header.ei_class != _CLASS64 or header.ei_data != _LITTLE):
        return _Bad.CLASS
    if header is None or "cannot read file data" in blamed.fact or blamed.fact == "SIGBUS":
        return _Bad.TRUNCATED
    if blamed.fact == "SIGSEGV" or blamed.fact.startswith(("exit 127", "Inconsistency detected")):
        return _Bad.MALFORMED
    if blamed.fact.endswith("No such file or directory"):
        return _Bad.KERNEL if thing.machine == machine else _Bad.ARCHITECTURE
    said = (bad for words, bad in _SAID.items() if words in blamed.fact)
    return next(said, _Bad.REFUSED)


@rule(
    "ABI101",
    Severity.ERROR,
    "a macOS binary where Linux needs ELF",
    explanation="pip ran on macOS and took a macOS wheel.  Under a `-darwin.so` name the importer "
    "does not see the file and the runtime says that there is no such module; under an untagged "
    "or `.abi3.so` name it is opened and refused.",
    messages=("*: invalid ELF header", "No module named '*'"),
    causes=("`pip install --target` without `--platform` on a Mac",),
    fixes=("reinstall with --platform and --only-binary=:all:, or build in the Lambda image",),
)
def macos_binary(case: Case) -> Iterator[Fault]:
    """A Mach-O file does not load on Linux, whatever it is called."""
    yield from missing_modules(case, Cause.MACOS)
    for blamed in _bad_files(case, _Bad.MACOS):
        yield _refused(case, blamed, "is a Mach-O file (macOS)", "Linux loads ELF files only")


@rule(
    "ABI102",
    Severity.ERROR,
    "a Windows binary where Linux needs ELF",
    explanation="The package was installed on Windows.  `.pyd` files are not looked for on Linux, "
    "so the runtime says that there is no such module.",
    messages=(
        "No module named '*'",
        "*: invalid ELF header",
        "module 'os' has no attribute 'add_dll_directory'",
    ),
    causes=("`pip install --target` without `--platform` on Windows",),
    fixes=("reinstall with --platform and --only-binary=:all:, or build in the Lambda image",),
)
def windows_binary(case: Case) -> Iterator[Fault]:
    """A PE file does not load on Linux, whatever it is called."""
    yield from missing_modules(case, Cause.WINDOWS)
    for blamed in _bad_files(case, _Bad.WINDOWS):
        yield _refused(case, blamed, "is a PE file (Windows)", "Linux loads ELF files only")


@rule(
    "ABI103",
    Severity.ERROR,
    "a binary for another processor",
    explanation="x86_64 and arm64 were crossed.  A file whose name carries the other architecture "
    "is not seen by the importer.  One that is opened is passed over by glibc as if it were not "
    "there: the message says that the file does not exist, and it does.",
    messages=(
        "*: cannot open shared object file: No such file or directory",
        "No module named '*'",
    ),
    causes=("built on an Apple Silicon or arm runner for an x86_64 function, or the reverse",),
    fixes=("reinstall for the function's architecture, or change the function's architecture",),
)
def wrong_architecture(case: Case) -> Iterator[Fault]:
    """The machine of an object must be the target's."""
    yield from missing_modules(case, Cause.ARCHITECTURE)
    for blamed in _bad_files(case, _Bad.ARCHITECTURE):
        assert isinstance(blamed.thing, ElfFacts)  # noqa: S101 - for the type checker
        machine = blamed.thing.machine
        why = (
            f"compiled for {machine}, the target is {case.profile.machine}; "
            "the file exists, although the message says that it does not"
        )
        yield _refused(case, blamed, f"is compiled for {machine}", why)


@rule(
    "ABI104",
    Severity.ERROR,
    "a 32-bit or big-endian binary",
    explanation="Lambda runs 64-bit little-endian processes only.",
    messages=("*: wrong ELF class: ELFCLASS32", "*: ELF file data encoding not little-endian"),
    causes=("a wheel for i686, armv7l or s390x",),
    fixes=("reinstall for the function's architecture",),
)
def wrong_elf_class(case: Case) -> Iterator[Fault]:
    """Class and byte order of an object must be the process's."""
    for blamed in _bad_files(case, _Bad.CLASS):
        yield _refused(
            case, blamed, "is not a 64-bit little-endian object", "Lambda is 64-bit only"
        )


def _musl_needs(root: Root) -> Iterable[tuple[PurePosixPath, str, str]]:
    for dependency in root.link_map.dependencies:
        if dependency.provider is None and is_musl(dependency.name):
            yield dependency.requester, "musl", dependency.name


@rule(
    "ABI105",
    Severity.ERROR,
    "a binary for musl libc (Alpine)",
    explanation="Lambda's Python runtimes use glibc.  A file with a `-linux-musl` name is not seen "
    "by the importer; one under an `abi3` name is opened, and musl's C library is not found.",
    messages=(
        "libc.musl-x86_64.so.1: cannot open shared object file: No such file or directory",
        "libc.so: cannot open shared object file: No such file or directory",
        "No module named '*'",
    ),
    causes=("built or installed on Alpine", "a musllinux wheel was taken by hand"),
    fixes=("reinstall with manylinux platforms, or build in the Lambda image",),
)
def musl_binary(case: Case) -> Iterator[Fault]:
    """An object that needs musl does not load on glibc."""
    yield from missing_modules(case, Cause.MUSL)
    for blamed in collect(case, _musl_needs):
        yield blamed.fault(
            f"needs musl's C library ({blamed.fact})",
            why=f"linked against musl; the target has glibc {case.profile.glibc}",
            evidence=(blamed.fact,),
            fix=_fixes.reinstall(case, blamed.thing.location),
        )


@rule(
    "ABI106",
    Severity.ERROR,
    "a file with a shared object's name that is no binary at all",
    explanation="A Git LFS pointer, an HTML page, an empty file: the checkout or download that "
    "should have brought the binary did not.",
    messages=("*: file too short", "*: invalid ELF header"),
    causes=("`git lfs pull` was not run", "an error page was saved under the file's name"),
    fixes=("fetch the file again; with Git LFS run `git lfs pull` before the build",),
)
def not_a_binary(case: Case) -> Iterator[Fault]:
    """What is opened must be an ELF file."""
    for blamed in _bad_files(case, _Bad.NOT_ELF):
        assert isinstance(blamed.thing, ForeignFile)  # noqa: S101 - for the type checker
        kind = blamed.thing.kind.value
        yield _refused(
            case, blamed, f"is no ELF file: {kind}", f"{blamed.thing.size:,} bytes, {kind}"
        )


@rule(
    "ABI107",
    Severity.ERROR,
    "a binary that is cut off",
    explanation="The file ends before its segments do.  If the missing part is touched while the "
    "object is mapped the process dies of SIGBUS, without any message.",
    messages=("*: file too short", "*: cannot read file data"),
    causes=("a copy that ran out of space", "a download that broke off"),
    fixes=("reinstall the distribution and compare the file's size with its RECORD",),
)
def truncated_binary(case: Case) -> Iterator[Fault]:
    """An object must be there to its last byte."""
    for blamed in _bad_files(case, _Bad.TRUNCATED):
        left = f"{blamed.thing.size:,} bytes are left"
        if blamed.fact == "SIGBUS":
            left += "; the process dies without a message"
        yield _refused(case, blamed, "is cut off", left)


@rule(
    "ABI108",
    Severity.ERROR,
    "the loader refuses the file's header",
    explanation="The file is ELF and not a shared object for this system: an executable, a "
    "relocatable object, another operating system's ABI, or a header with impossible fields.",
    messages=(
        "*: only ET_DYN and ET_EXEC can be loaded",
        "*: cannot dynamically load executable",
        "*: cannot dynamically load position-independent executable",
        "*: ELF file OS ABI invalid",
        "*: ELF file ABI version invalid",
        "*: ELF file version ident does not match current one",
        "*: ELF file version does not match current one",
        "*: ELF file's phentsize not the expected size",
        "*: nonzero padding in e_ident",
        "*: object file has no loadable segments",
        "*: object file has no dynamic section",
        "*: failed to map segment from shared object",
        "*: shared object cannot be dlopen()ed",
    ),
    causes=("a program or an object file under a module's name", "a damaged file"),
    fixes=("link it as a shared object (`-shared -fPIC`), or reinstall the distribution",),
)
def refused_header(case: Case) -> Iterator[Fault]:
    """An object must be one that can be opened at all."""
    for blamed in _bad_files(case, _Bad.REFUSED):
        text = blamed.fact.rpartition(": ")[2]
        yield _refused(case, blamed, "cannot be loaded as a shared object", text)


@rule(
    "ABI109",
    Severity.ERROR,
    "a binary whose tables lead nowhere",
    explanation="The dynamic table, the symbol tables or the relocations point outside the mapped "
    "file.  The loader does not check that: the process dies, mostly of SIGSEGV.",
    causes=("a damaged file", "a broken strip, patchelf or packer"),
    fixes=("reinstall the distribution, and do not post-process its binaries",),
)
def malformed_binary(case: Case) -> Iterator[Fault]:
    """Tables must lie in the file."""
    for blamed in _bad_files(case, _Bad.MALFORMED):
        defect = blamed.thing.defect if isinstance(blamed.thing, ElfFacts) else None
        yield _refused(case, blamed, "is malformed", (defect or "").removeprefix("malformed: "))


@rule(
    "ABI501",
    Severity.ERROR,
    "segments that are not aligned for this loader",
    explanation="glibc up to 2.34 insists that the alignment of a segment is a multiple of the "
    "page, and any release that address and offset agree.  The same file may load on a newer "
    "system.",
    messages=(
        "*: ELF load command alignment not page-aligned",
        "*: ELF load command address/offset not properly aligned",
        "*: ELF load command address/offset not page-aligned",
    ),
    causes=(
        "`strip` on a wheel that patchelf had rewritten",
        "a `slim` packaging mode that strips",
    ),
    fixes=("turn off stripping, or leave the *.libs folders out of it, and reinstall",),
)
def misaligned_segment(case: Case) -> Iterator[Fault]:
    """PT_LOAD segments must be aligned as the target's glibc wants them."""
    for blamed in _bad_files(case, _Bad.ALIGNMENT):
        text = blamed.fact.rpartition(": ")[2]
        yield _refused(
            case, blamed, "has misaligned segments", f"glibc {case.profile.glibc}: {text}"
        )


@rule(
    "ABI502",
    Severity.ERROR,
    "an executable stack, which this glibc refuses",
    explanation="An object that asks for an executable stack, or on x86_64 does not say that it "
    "needs none, loads up to glibc 2.40.  From 2.41 on dlopen refuses it.  On Lambda's glibc 2.34 "
    "it loads, and is no finding.",
    messages=("*: cannot enable executable stack as shared object requires: *",),
    causes=("hand-written assembly without a .note.GNU-stack section",),
    fixes=("link with -z noexecstack, or take a newer release",),
)
def executable_stack(case: Case) -> Iterator[Fault]:
    """A stack must not be made executable where the loader refuses that."""
    for blamed in _bad_files(case, _Bad.EXEC_STACK):
        yield _refused(
            case, blamed, "asks for an executable stack", f"glibc {case.profile.glibc} refuses it"
        )


@rule(
    "ABI506",
    Severity.ERROR,
    "a binary that asks for a newer kernel",
    explanation="An ABI tag names the oldest kernel an object runs on.  glibc passes such a file "
    "over as if it were not there.",
    messages=("*: cannot open shared object file: No such file or directory",),
    causes=("a library built with a newer minimum kernel (Qt, for instance)",),
    fixes=("take an older build, or remove the tag: strip --remove-section=.note.ABI-tag",),
)
def newer_kernel(case: Case) -> Iterator[Fault]:
    """The kernel that an ABI tag names must not be newer than the target's."""
    for blamed in _bad_files(case, _Bad.KERNEL):
        kernel = blamed.thing.kernel if isinstance(blamed.thing, ElfFacts) else None
        wanted = ".".join(map(str, kernel or ()))
        has = ".".join(map(str, case.profile.kernel))
        yield _refused(case, blamed, f"asks for Linux {wanted}", f"the target runs Linux {has}")


@rule(
    "ABI601",
    Severity.ERROR,
    "a binary that Lambda's user may not read",
    explanation="Lambda runs as an unprivileged user.  Files need to be readable, and folders "
    "searchable, by others.",
    messages=("*: cannot open shared object file: Permission denied",),
    causes=("a CI system with a tight umask", "COPY of files with mode 0600"),
    fixes=("chmod -R a+rX BUILD_DIR before zipping",),
)
def unreadable_binary(case: Case) -> Iterator[Fault]:
    """Binaries must be readable by others, and so must the folders above them."""
    folders = {locked.location for locked in case.layout.locked if locked.folder}
    for blamed in _bad_files(case, _Bad.UNREADABLE):
        place = blamed.thing.location
        if any(Location(above, place.layer) in folders for above in place.path.parents):
            continue  # the folder is what is said to be closed
        yield blamed.fault(
            "cannot be read by Lambda's user",
            why="its mode, or that of a folder above it, does not let others read it",
            fix="chmod -R a+rX BUILD_DIR",
        )


def _refused(case: Case, blamed: Blamed[str], message: str, why: str) -> Fault:
    return blamed.fault(message, why=why, fix=_fixes.reinstall(case, blamed.thing.location))


RULES: Final = (
    macos_binary,
    windows_binary,
    wrong_architecture,
    wrong_elf_class,
    musl_binary,
    not_a_binary,
    truncated_binary,
    refused_header,
    malformed_binary,
    misaligned_segment,
    executable_stack,
    newer_kernel,
    unreadable_binary,
)
