"""ABI8xx: what Lambda demands of the files of an image, and of the base that it stands on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Final

from abicheck.model import Case, Fault, ImageFacts, Location, Severity
from abicheck.rules._rule import rule

_WHOLE: Final = Location(PurePosixPath())
_BASE_ENTRY: Final = "lambda-entrypoint.sh"
_SHOWN: Final = 3  # names in a message; the evidence has them all


def _image(case: Case) -> Iterator[ImageFacts]:
    """Yield the image, where the artifact is one and all of it could be read."""
    image = case.inventory.image
    if image is not None and image.whole:
        yield image


@rule(
    "ABI805",
    Severity.ERROR,
    "the entry point cannot be run",
    explanation="Lambda runs ENTRYPOINT, or CMD where there is none, as a user without privileges. "
    "It asks for an absolute path; a name that is looked up in PATH, and a link, work as long as "
    "they lead to a file that everybody may execute.  The entry script of Lambda's base images "
    "takes one argument, the handler: CMD, or what the function's own settings say instead.",
    messages=(
        "fork/exec *: no such file or directory",
        "fork/exec *: permission denied",
        'exec: "*": executable file not found in $PATH',
        "The Lambda function's runtime entrypoint path isn't valid. *",
        "Runtime.InvalidEntrypoint",
        "entrypoint requires the handler name to be the first argument",
        "Runtime exited with error: exit status 142",
    ),
    causes=(
        "a script that was copied without its x bit",
        "a typing error",
        "a relative path",
        "CMD as for a server, on Lambda's base image",
    ),
    fixes=(
        'CMD ["app.handler"]',
        "COPY --chmod=755 entry.sh /entry.sh",
        'ENTRYPOINT ["/usr/local/bin/python", "-m", "awslambdaric"]',
    ),
)
def entry_point_not_runnable(case: Case) -> Iterator[Fault]:
    """The entry point is there, absolute, and executable for everybody."""
    for image in _image(case):
        entry = image.entry_point
        if entry is None:
            yield Fault(_WHOLE, "neither ENTRYPOINT nor CMD is set", subject="entry point")
            continue
        path = PurePosixPath((entry.path or entry.name).lstrip("/"))
        if entry.path is None:
            yield Fault(Location(path), f"{entry.name} is not in the image", subject=entry.name)
        elif not entry.executable:
            yield Fault(
                Location(path),
                f"{entry.name} is not executable for others",
                subject=entry.name,
                fix="COPY --chmod=755",
            )
        elif not entry.name.startswith("/"):
            yield Fault(
                Location(path),
                f"{entry.name} is no absolute path",
                subject=entry.name,
                why="Lambda documents an absolute path only",
                severity=Severity.WARNING,
            )
        elif entry.link:
            yield Fault(
                Location(path),
                f"{entry.name} is a link to {entry.path}",
                subject=entry.name,
                why="Lambda documents an entry point that is no link",
                severity=Severity.NOTE,
            )
        if entry.path is not None and path.name == _BASE_ENTRY and len(entry.arguments) != 1:
            yield Fault(
                Location(path),
                f"{entry.name} takes one argument, the handler; CMD gives {len(entry.arguments)}",
                subject="handler",
                why="without a command in the function's own settings it ends with status 142",
                severity=Severity.WARNING,
                fix='CMD ["app.handler"]',
            )


@rule(
    "ABI809",
    Severity.WARNING,
    "nothing in the image speaks to Lambda",
    explanation="An image must ask the runtime API for its events.  AWS's base images do; any "
    "other needs the package awslambdaric, the web adapter, or a client of its own, which is not "
    "recognised.",
    messages=("Runtime.ExitError",),
    causes=("an image made for a server, from python:3.13 or a distribution's own",),
    fixes=("pip install awslambdaric, and start it: python -m awslambdaric app.handler",),
)
def no_runtime_client(case: Case) -> Iterator[Fault]:
    """A client of the runtime API is in the image."""
    for image in _image(case):
        if not image.client and image.layers:
            yield Fault(
                _WHOLE, "neither awslambdaric nor a base image's entry is there", subject="client"
            )


@rule(
    "ABI810",
    Severity.ERROR,
    "a file that Lambda's user may not read",
    explanation="Lambda runs an image as a user of its own, whatever USER says: what only its "
    "owner may read, or what lies in a folder that only its owner may enter, is not there for it.",
    messages=("PermissionError: [Errno 13] Permission denied: '*'",),
    causes=("a CI system with a tight umask, whose modes COPY keeps",),
    fixes=("COPY --chmod=755 . .", "RUN chmod -R a+rX ${LAMBDA_TASK_ROOT}"),
)
def image_file_unreadable(case: Case) -> Iterator[Fault]:
    """Code is readable by everybody."""
    for image in _image(case):
        for location in image.unreadable:
            yield Fault(
                location,
                "its mode, or that of a folder above it, does not let others read it",
                subject="mode",
            )


@rule(
    "ABI811",
    Severity.ERROR,
    "an image with musl, which is not judged",
    explanation="Alpine and its relatives have another C library, whose loader searches and binds "
    "by rules of its own.  Nothing is said of whether extensions load there, so nothing passes: "
    "of the image only what Lambda asks of its manifest, entry point and modes was examined.  Who "
    "knows better ignores this rule.",
    causes=("FROM python:3.13-alpine",),
    fixes=("FROM python:3.13-slim, or a base image of AWS",),
)
def musl_image(case: Case) -> Iterator[Fault]:
    """What was not judged is not vouched for."""
    for image in _image(case):
        if image.musl:
            where = Location(PurePosixPath(image.musl.lstrip("/")))
            yield Fault(where, f"its loader is {image.musl}; not judged", subject="musl")


@rule(
    "ABI814",
    Severity.NOTE,
    "Lambda's base image is not as it is on record",
    explanation="The image stands on Lambda's base, and its libraries are not those of the "
    "built-in target for that base: AWS has changed it since, or a layer of the image has.  The "
    "image was judged by what it brings.  A ZIP that is checked against the built-in target is "
    "judged by the record.",
    causes=(
        "a base image that is newer, or older, than the record",
        "dnf upgrade in the Dockerfile",
    ),
    fixes=(
        "abicheck capture IMAGE -o mine.json, and check against that: --target mine.json",
        "see what is on record: abicheck targets show lambda-python3.13-x86_64-image",
    ),
)
def base_has_drifted(case: Case) -> Iterator[Fault]:
    """Lambda's base is what is on record of it."""
    for image in _image(case):
        if image.drift is not None:
            changed = (*image.drift.facts, *image.drift.ceilings)
            changes = [f"{c.name}: {c.recorded} -> {c.found}" for c in changed]
            named = (
                _some("lost", image.drift.lost),
                _some("gained", image.drift.gained),
                "; ".join(changes[:_SHOWN]),
                f"{len(changes) - _SHOWN} other changes" if len(changes) > _SHOWN else "",
            )
            yield Fault(
                _WHOLE,
                f"not as {image.drift.target}: {'; '.join(filter(None, named))}",
                subject="drift",
                why="the image is judged by its own files",
                evidence=(
                    *(f"lost: {name}" for name in image.drift.lost),
                    *(f"gained: {name}" for name in image.drift.gained),
                    *changes,
                ),
            )


def _some(word: str, names: Sequence[str]) -> str:
    """Return a few of the names and how many others there are, under a word; "" for none."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{word} {', '.join(names[:_SHOWN])}{more}" if names else ""


RULES: Final = (
    entry_point_not_runnable,
    no_runtime_client,
    image_file_unreadable,
    musl_image,
    base_has_drifted,
)
