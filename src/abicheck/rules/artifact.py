"""ABI0xx: the archive itself.  What was not examined is not vouched for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from abicheck.model import ArtifactKind, Case, Fault, Irregular, Location, Severity
from abicheck.rules._rule import rule


def _faults(case: Case, *kinds: Irregular) -> Iterator[Fault]:
    for irregularity in case.inventory.irregularities:
        if irregularity.kind in kinds:
            path = irregularity.location
            yield Fault(path, irregularity.detail, subject=irregularity.kind.name.lower())


@rule(
    "ABI001",
    Severity.ERROR,
    "the file is no artifact",
    explanation="Nothing in the file could be recognised: it is neither a ZIP, nor a folder, "
    "nor a shared object.  Lambda would refuse it as well.",
    messages=("Could not unzip uploaded file. Please check your file, then try to upload again.",),
    causes=("an error page was saved under the archive's name", "the ZIP is base64 encoded"),
    fixes=("build the archive again and look at its first bytes: a ZIP begins with PK",),
)
def not_an_artifact(case: Case) -> Iterator[Fault]:
    """A file in which nothing is recognised never passes."""
    yield from _faults(case, Irregular.NOT_AN_ARCHIVE)


@rule(
    "ABI002",
    Severity.ERROR,
    "a limit was reached; the rest was not examined",
    explanation="abicheck reads at most so many members, bytes, symbols and expressions.  What "
    "lies beyond was not examined and is not vouched for; the finding names the limit.",
    causes=("a ZIP bomb", "an artifact far larger than Lambda takes"),
    fixes=(
        "look at the largest members; Lambda takes 250 MiB unpacked",
        "where the artifact is yours and honest, raise the limit: --limit NAME=VALUE",
    ),
)
def limit_reached(case: Case) -> Iterator[Fault]:
    """What was not examined is not vouched for."""
    yield from _faults(case, Irregular.LIMIT)


@rule(
    "ABI003",
    Severity.ERROR,
    "the archive is empty, cut off or damaged",
    explanation="The archive has no members, its directory is missing, or the bytes of a member "
    "do not have the size or the checksum that the directory states.",
    messages=(
        "Uploaded file must be a non-empty zip",
        "Could not unzip uploaded file. Please check your file, then try to upload again.",
    ),
    causes=("an upload or download that broke off", "a build step that failed before it wrote"),
    fixes=("build the archive again, and compare its size before and after the transfer",),
)
def damaged_archive(case: Case) -> Iterator[Fault]:
    """An archive must be whole."""
    yield from _faults(
        case,
        Irregular.EMPTY_ARCHIVE,
        Irregular.TRUNCATED,
        Irregular.CORRUPT,
    )


@rule(
    "ABI004",
    Severity.ERROR,
    "a member cannot be unpacked by Lambda",
    explanation="Lambda unpacks stored and deflated members without a password, and nothing else; "
    "and where one member is a file, another cannot have a folder of that name.",
    messages=("Could not unzip uploaded file. Please check your file, then try to upload again.",),
    causes=(
        "the archive was made with a password",
        "it was made with bzip2, LZMA or zstd",
        "files added to an existing archive in which a module was a package, or a package a module",
    ),
    fixes=(
        "make it with `zip` or Python's zipfile and their defaults",
        "delete the archive before it is built again",
    ),
)
def unsupported_member(case: Case) -> Iterator[Fault]:
    """Every member must be one that Lambda can unpack."""
    yield from _faults(case, Irregular.ENCRYPTED, Irregular.METHOD, Irregular.CLASH)


@rule(
    "ABI005",
    Severity.ERROR,
    "a member's name leads out of the archive",
    explanation="An absolute name, `..`, a zero byte: such a member is not placed anywhere, and "
    "no archive of an honest build has one.",
    causes=("a packer that was given absolute paths", "an archive made to overwrite files"),
    fixes=(
        "zip the content of the build folder from inside it: `cd build && zip -r ../app.zip .`",
    ),
)
def unsafe_member_name(case: Case) -> Iterator[Fault]:
    """A member lies inside the artifact."""
    yield from _faults(case, Irregular.CLIMBS_OUT, Irregular.BAD_NAME)


@rule(
    "ABI006",
    Severity.WARNING,
    "a name occurs twice in the archive",
    explanation="Unpackers keep one of two members with the same name, mostly the last.  The "
    "other is dead weight, or the data somebody meant to ship.  Where code differs it is "
    "ABI013 instead: which of the two is loaded depends on the reader.",
    causes=("files added to an existing archive instead of a new one",),
    fixes=("delete the archive before it is built again",),
)
def duplicate_member(case: Case) -> Iterator[Fault]:
    """Each name stands for one file."""
    yield from _faults(case, Irregular.DUPLICATE)


@rule(
    "ABI007",
    Severity.WARNING,
    "backslashes stand where folders should be separated",
    explanation="On Linux a backslash is a character like any other: the file lies at the root "
    "under that whole name, and no import finds it.",
    messages=("No module named '*'",),
    causes=("the archive was made by a Windows tool that writes backslashes",),
    fixes=("make it with tar, 7-Zip or Python's zipfile",),
)
def backslash_in_name(case: Case) -> Iterator[Fault]:
    """Member names use forward slashes."""
    yield from _faults(case, Irregular.BACKSLASH)


@rule(
    "ABI008",
    Severity.ERROR,
    "a file could not be read",
    explanation="The file exists and its bytes could not be had, so nothing is known of it.",
    causes=("missing permissions", "a socket, pipe or device in a folder"),
    fixes=("make the build folder readable, or take the file out",),
)
def unreadable_member(case: Case) -> Iterator[Fault]:
    """What could not be read is not vouched for."""
    yield from _faults(case, Irregular.UNREADABLE, Irregular.SPECIAL_FILE)


@rule(
    "ABI013",
    Severity.ERROR,
    "the archive says two things of itself",
    explanation="A ZIP tells of each member twice, in front of it and in the directory at the end, "
    "and of itself in up to three end records; an image has a manifest and a configuration.  Where "
    "they differ, where members overlap, or where one is there that the directory does not list, "
    "one reader takes what another never sees.  Which reader Lambda has is not known, and "
    "installers differ as well, so what was seen here is not vouched for.",
    messages=("Could not unzip uploaded file. Please check your file, then try to upload again.",),
    causes=(
        "an archive made to show a scanner other files than those that are unpacked",
        "one archive was appended to another, or cut off and written over",
        "files added to an existing archive under names that it had",
    ),
    fixes=("build the archive again, from an empty file and by one tool",),
)
def ambiguous_archive(case: Case) -> Iterator[Fault]:
    """Every reader sees the same members."""
    yield from _faults(case, Irregular.DISAGREEMENT)


@rule(
    "ABI014",
    Severity.WARNING,
    "bytes of the archive belong to no member",
    explanation="Something stands before the first member, between two, or after the end of the "
    "archive.  Readers that begin at the end pass over it; those that unpack while they receive "
    "may stop there, and stricter ones refuse the archive.  A line that begins with #! is what a "
    "Python application begins with (PEP 441), and is no fault where the archive counts with it.",
    causes=(
        "a self-extracting program or a script was put in front of the archive",
        "padding of a tape, or a page that a server added to a download",
    ),
    fixes=("build the archive again: a ZIP begins with PK and ends with its end record",),
)
def stray_bytes(case: Case) -> Iterator[Fault]:
    """Every byte of an archive belongs to a member or to its directory."""
    yield from _faults(case, Irregular.STRAY_BYTES)


# These say by themselves why nothing was recognised.
_UNEXAMINED: Final = frozenset(Irregular) - {
    Irregular.NESTED_ARCHIVE,
    Irregular.BACKSLASH,
    Irregular.DUPLICATE,
    Irregular.STRAY_BYTES,
}


@rule(
    "ABI009",
    Severity.ERROR,
    "the artifact holds neither Python nor a binary",
    explanation="Nothing in it could be judged, so nothing passes.  A ZIP inside a ZIP is the "
    "usual reason: CI systems wrap what they are given.",
    messages=("Unable to import module '*': No module named '*'",),
    causes=("a ZIP inside a ZIP", "the wrong file", "an archive of sources in another language"),
    fixes=("unpack the outer ZIP once and check the inner one",),
)
def nothing_recognised(case: Case) -> Iterator[Fault]:
    """An artifact in which nothing was recognised never passes in silence."""
    inventory = case.inventory
    if inventory.objects or inventory.foreign or inventory.counts.python_files:
        return
    if inventory.image is not None:
        return  # it has an interpreter, or could not be judged, and then the reason is given
    if any(irregularity.kind in _UNEXAMINED for irregularity in inventory.irregularities):
        return  # the reason has been given
    inner = [i for i in inventory.irregularities if i.kind is Irregular.NESTED_ARCHIVE]
    location = inner[0].location if inner else Location(PurePosixPath())
    what = "a ZIP inside the archive" if inner else _unknown(inventory.counts.members)
    if inventory.kind is not ArtifactKind.UNREADABLE:
        yield Fault(location, what, subject="nothing")


def _unknown(files: int) -> str:
    if files == 1:
        return "one file, and it is not known"
    return f"{files:,} files, none of them known"


RULES: Final = (
    not_an_artifact,
    limit_reached,
    damaged_archive,
    unsupported_member,
    unsafe_member_name,
    duplicate_member,
    backslash_in_name,
    unreadable_member,
    nothing_recognised,
    ambiguous_archive,
    stray_bytes,
)
