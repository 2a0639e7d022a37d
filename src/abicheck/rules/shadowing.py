"""ABI6xx: which of two modules of one name is imported: the artifact's, or the runtime's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from abicheck.model import Asked, Case, Fault, Hiding, Location, Severity
from abicheck.rules._rule import rule

_SHOWN: Final = 3
# Backports that no CPython 3 of today can do without its own module for: each is known to break.
_BREAKING: Final = frozenset(("asyncio", "concurrent", "hashlib", "pathlib", "typing", "uuid"))


@rule(
    "ABI609",
    Severity.WARNING,
    "a module that hides one of the standard library",
    explanation="/var/task comes before the standard library on sys.path, so a module at its root "
    "is imported in the place of the standard library's of the same name, by everybody: also by "
    "packages that want the other one.  What Lambda's bootstrap has imported before cannot be "
    "hidden: there it is the artifact's own that is never imported.  It is a note where nothing "
    "was seen to go wrong, and a warning where something asks for what the module does not have.",
    messages=(
        "module '*' has no attribute '*'",
        "cannot import name '*' from '*' (/var/task/*)",
        "type object 'Callable' has no attribute '_abc_registry'",
    ),
    causes=(
        "a file of one's own called random.py, calendar.py, queue.py or the like",
        "a backport for an older Python: typing, pathlib, asyncio",
    ),
    fixes=("rename the file, or put it into a package", "leave the backport out: pip uninstall"),
)
def hides_standard_library(case: Case) -> Iterator[Fault]:
    """Top-level names are not the standard library's."""
    for each in case.layout.hiding:
        breaks = not each.too_late and each.name in _BREAKING and _is_brought(case, each)
        yield Fault(
            each.location,
            _hidden(each),
            subject=each.name,
            why=_asked(each.asked) if each.asked else _why(each, breaks=breaks),
            evidence=tuple(f"{asked.site}: {asked.name}" for asked in each.asked),
            module=each.name,
            severity=None if each.asked or breaks else Severity.NOTE,
        )


def _is_brought(case: Case, each: Hiding) -> bool:
    """Whether a distribution has brought the module; no author of a function writes a backport."""
    return any(str(each.location.path) in d.files for d in case.inventory.distributions)


def _hidden(each: Hiding) -> str:
    if each.too_late:
        return f"is never imported: the runtime has the standard library's {each.name} already"
    return f"hides the standard library's {each.name}"


def _asked(asked: Iterable[Asked]) -> str:
    lines = [f"{each.site} wants {each.name}" for each in asked]
    more = f" and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return f"it has not what others ask of it: {', '.join(lines[:_SHOWN])}{more}"


def _why(each: Hiding, *, breaks: bool) -> str:
    if breaks:
        return "a backport for older releases, which this Python's own packages do not expect"
    if each.too_late:
        return "Lambda's bootstrap imports it before /var/task is on sys.path"
    return "/var/task comes before the standard library on sys.path"


@rule(
    "ABI610",
    Severity.NOTE,
    "a package that only the runtime brings",
    explanation="The function imports boto3 or another of the packages that AWS puts into the "
    "Python runtimes, and the artifact has none of its own.  That works; which release it is, AWS "
    "decides and changes without notice.",
    causes=("boto3 left out of the package, to keep it small",),
    fixes=(
        "nothing, if any release will do",
        "put boto3 with all that it requires into the artifact, and pin it",
    ),
)
def supplied_by_runtime(case: Case) -> Iterator[Fault]:
    """What is not in the artifact is not pinned."""
    found = case.layout.supplied
    if found:
        names = ", ".join(each.name for each in found)
        yield Fault(
            Location(found[0].site.path),
            f"{names}: the runtime's own",
            subject="supplied",
            why="AWS changes the release without notice",
            evidence=tuple(f"{each.name}: {each.site}" for each in found),
        )


@rule(
    "ABI611",
    Severity.WARNING,
    "half of the AWS SDK",
    explanation="boto3, botocore and s3transfer are released together and ask for one another's "
    "names.  Of those that the artifact has its own are imported, for /var/task comes first; the "
    "others are the runtime's, of whatever release AWS has put there.  A folder or file that is "
    "called like one of them and is not it hides the runtime's altogether.",
    messages=(
        "cannot import name 'DEPRECATED_SERVICE_NAMES' from 'botocore.docs' (*)",
        "cannot import name 'DEFAULT_CIPHERS' from 'urllib3.util.ssl_' (*)",
        "module 'boto3' has no attribute '*'",
        "Unable to load data for: endpoints",
    ),
    causes=(
        "a prune script that deletes botocore, or its data, because the runtime has it",
        "a layer with one of them and a function with another",
        "a file of one's own called boto3.py",
    ),
    fixes=("bundle all of boto3, botocore and s3transfer, or none of them",),
)
def mixed_sdk(case: Case) -> Iterator[Fault]:
    """The SDK comes from one place."""
    for each in case.layout.sdk:
        own = " and ".join(each.names)
        if each.lacks:
            message = f"{own} is there without {each.lacks}"
            why = f"it hides the runtime's {own}, which has it"
        else:
            verb = "is" if len(each.names) == 1 else "are"
            message = f"{own} {verb} the artifact's own, {' and '.join(each.others)} the runtime's"
            why = "they are released together, and AWS changes the runtime's without notice"
        yield Fault(each.location, message, subject=own, why=why, module=each.names[0])


RULES: Final = (hides_standard_library, supplied_by_runtime, mixed_sdk)
