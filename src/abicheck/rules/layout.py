"""ABI6xx: where things lie in the artifact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from abicheck.model import Case, Fault, Irregular, Severity
from abicheck.rules._rule import rule
from abicheck.rules._told import module_of

_ENDS: Final = {
    Irregular.DANGLING_LINK: "which is not in the artifact",
    Irregular.ENDLESS_LINK: "and on through more links than Linux follows: in a circle, as a rule",
}


@rule(
    "ABI603",
    Severity.ERROR,
    "a link that leads nowhere",
    explanation="Lambda keeps symbolic links as they are.  One whose target is not in the artifact "
    "is, for the importer and the loader, a file that is not there.  So is one that leads back to "
    "itself, or through more than the 40 links that Linux follows.",
    messages=(
        "No module named '*'",
        "*: cannot open shared object file: No such file or directory",
    ),
    causes=(
        "the link was packed without what it leads to",
        "it leads out of the build folder",
        "links that lead to one another, made by a build that was run twice",
    ),
    fixes=("pack the file itself: zip without --symlinks, or cp -L",),
)
def broken_link(case: Case) -> Iterator[Fault]:
    """What a link leads to must be there as well."""
    for irregularity in case.inventory.irregularities:
        if irregularity.kind in _ENDS:
            path = irregularity.location.path
            matters = ".so" in path.name or path.suffix == ".py"
            yield Fault(
                irregularity.location,
                f"leads to {irregularity.detail}, {_ENDS[irregularity.kind]}",
                subject=irregularity.detail,
                module=module_of(case, path) if matters else None,
                severity=None if matters else Severity.WARNING,
            )


@rule(
    "ABI612",
    Severity.WARNING,
    "a link that leads out of the artifact",
    explanation="A symbolic link is kept as it is written, and an absolute one leads to the same "
    "path on Lambda.  What it led to on the build machine is not there.",
    messages=(
        "No module named '*'",
        "*: cannot open shared object file: No such file or directory",
    ),
    causes=("a build folder or a virtual environment whose files are links",),
    fixes=("pack the files themselves: zip without --symlinks, or cp -rL",),
)
def outward_link(case: Case) -> Iterator[Fault]:
    """Links lead to what is packed with them."""
    for link in case.layout.outward:
        yield Fault(
            link.location,
            f"leads to {link.target}, which is neither in the artifact nor on Lambda",
            subject=link.target,
            why="an absolute link is followed on Lambda, not on the machine that made it",
        )


@rule(
    "ABI613",
    Severity.NOTE,
    "copies that were links",
    explanation="`libx.so`, `libx.so.1` and `libx.so.1.2` are one file with two links to it.  Most "
    "packers follow links and store a copy for each name, and all of them count against the limit "
    "for unpacked size.  Lambda keeps links that a ZIP has.",
    causes=("zip without --symlinks, or a packer that follows links",),
    fixes=("zip --symlinks -r app.zip .",),
)
def copied_links(case: Case) -> Iterator[Fault]:
    """One file is packed once."""
    for copies in case.layout.copies:
        names = ", ".join(sorted(each.path.name for each in copies.locations))
        saved = copies.size * (len(copies.locations) - 1)
        yield Fault(
            copies.locations[0],
            f"{names} are one file; links would save {saved:,} bytes",
            subject="copies",
            why=f"the same {copies.size:,} bytes, {len(copies.locations)} times",
            evidence=tuple(str(each) for each in copies.locations),
            fix="zip --symlinks -r app.zip .",
        )


@rule(
    "ABI614",
    Severity.NOTE,
    "names that differ only in case",
    explanation="On Lambda these are different files.  macOS and Windows take them for one: "
    "whoever unpacks or builds the artifact there loses one of them.",
    causes=("a file that was renamed, and the old one left in a build folder",),
    fixes=("keep the one that is imported, and delete the other",),
)
def names_differ_in_case(case: Case) -> Iterator[Fault]:
    """Names are told apart on every file system."""
    for twins in case.layout.twins:
        names = ", ".join(each.path.name for each in twins)
        yield Fault(twins[0], f"{names} differ only in case", subject="case")


@rule(
    "ABI615",
    Severity.NOTE,
    "an archive inside the archive",
    explanation="Lambda unpacks what is uploaded, once.  A ZIP, a wheel or a tar at its root stays "
    "as it is, and Python imports nothing from it unless the function puts it on sys.path.",
    messages=("No module named '*'",),
    causes=(
        "a CI system that wraps what it is given",
        "`pip download` where `pip install --target` was meant",
        "requirements that are packed apart on purpose, and unpacked by the function",
    ),
    fixes=("unpack it: the content belongs at the root",),
)
def inner_archive(case: Case) -> Iterator[Fault]:
    """What is to be imported lies unpacked."""
    for location in case.layout.inner:
        yield Fault(
            location,
            "is an archive, which nobody unpacks",
            subject="archive",
            why="Lambda unpacks what is uploaded, and nothing inside it",
        )


@rule(
    "ABI616",
    Severity.NOTE,
    "a .pth file, which Python runs at the start",
    explanation="Lambda's bootstrap makes /var/task a site directory, so `.pth` files at its root "
    "are read at every start: a folder that a line names is added to the end of sys.path if it "
    "exists, and a line that begins with `import` is executed.  An error in such a line is "
    "printed, and the rest of the file left out.",
    causes=("setuptools, namespace packages and editable installs leave such files",),
    fixes=("delete the file, if nothing needs it", "install packages without -e"),
)
def path_file(case: Case) -> Iterator[Fault]:
    """What runs before the function is said."""
    for each in case.layout.path_files:
        parts = [
            _counted(each.runs, "line is executed", "lines are executed"),
            _counted(each.adds, "folder is added to sys.path", "folders are added to sys.path"),
            _counted(each.lost, "folder is not there", "folders are not there"),
        ]
        yield Fault(
            each.location,
            f"at every start: {', '.join(filter(None, parts)) or 'read, and nothing done'}",
            subject="pth",
            evidence=(*each.runs, *each.adds, *each.lost),
        )


def _counted(lines: Sequence[str], one: str, many: str) -> str:
    return f"{len(lines)} {one if len(lines) == 1 else many}" if lines else ""


@rule(
    "ABI617",
    Severity.NOTE,
    "a sitecustomize that Lambda does not run",
    explanation="Python imports `sitecustomize` and `usercustomize` when it starts, before "
    "Lambda's bootstrap has put /var/task and /opt/python on sys.path.  So these are not found, "
    "unless PYTHONPATH names their folder.",
    causes=("a file that is run elsewhere, such as on a developer's machine or in a container",),
    fixes=(
        "import it in the handler's module",
        "set PYTHONPATH=/var/task; then layers are no longer on sys.path",
    ),
)
def unused_customize(case: Case) -> Iterator[Fault]:
    """What is not run is said."""
    for location in case.layout.unused:
        yield Fault(
            location,
            "is not run at the start",
            subject="customize",
            why="Python looks for it before the bootstrap adds this folder to sys.path",
        )


RULES: Final = (
    broken_link,
    outward_link,
    copied_links,
    names_differ_in_case,
    inner_archive,
    path_file,
    unused_customize,
)
