"""ABI01x: how large an artifact is, by Lambda's quotas and by one's own budget."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from abicheck.model import ArtifactKind, Case, Fault, Inventory, Location, Severity, heading
from abicheck.rules._rule import rule

_MIB: Final = 1 << 20
_KIB: Final = 1 << 10
_SHOWN: Final = 5
_OF_A_FUNCTION: Final = (ArtifactKind.ZIP, ArtifactKind.FOLDER)


@rule(
    "ABI010",
    Severity.ERROR,
    "larger than Lambda takes",
    explanation="A function's ZIP and its layers may have 250 MB unpacked, together, where a MB of "
    "Lambda's is 1,048,576 bytes.  Files that a higher layer covers count as well.",
    messages=(
        "Unzipped size must be smaller than * bytes",
        "Function code combined with layers exceeds the maximum allowed size of * bytes.*",
        "Layers consume more than the available size of * bytes",
    ),
    causes=(
        "links that the packer stored as copies of what they lead to",
        "the AWS SDK, which the runtime brings, or tests and headers of packages",
        "a virtual environment, or the build's own output, below the folder that was zipped",
    ),
    fixes=(
        "leave out what the function does not import, the largest first",
        "deploy it as a container image, which may have 10 GB",
    ),
)
def too_large(case: Case) -> Iterator[Fault]:
    """All that a function has, unpacked, is within Lambda's quota."""
    limit = case.profile.limits.get("unzipped")
    if limit is not None and _counts(case):
        yield from _over(case.inventory, limit, "unzipped", f"{limit:,} that Lambda takes")


@rule(
    "ABI011",
    Severity.WARNING,
    "too large to be uploaded directly",
    explanation="A ZIP that is sent in the request that creates or updates a function, or "
    "publishes a layer, may have 50 MB.  From S3 Lambda takes any that is small enough unpacked.",
    messages=("Request must be smaller than * bytes for the * operation",),
    causes=("a function that has grown past what its way of deployment can send",),
    fixes=("upload it to S3, and name the bucket and the key in place of the ZIP",),
)
def too_large_to_upload(case: Case) -> Iterator[Fault]:
    """Each ZIP can be sent in one request, or has to go through S3."""
    limit = case.profile.limits.get("zipped_upload")
    if limit is None or not _counts(case):
        return
    archives = [("", case.inventory.packed)]
    archives += [(layer.name, layer.packed) for layer in case.inventory.layers]
    for layer, packed in archives:
        if packed is not None and packed > limit:
            yield Fault(
                Location(PurePosixPath(), layer),
                f"{packed:,} bytes zipped ({_said(packed)}), more than the {limit:,} of a request",
                subject="zipped",
                why="deployed through S3 it may be larger",
            )


@rule(
    "ABI012",
    Severity.ERROR,
    "larger than its budget",
    explanation="The artifact has more bytes unpacked than --size-budget allows.  With layers, all "
    "of them count together.",
    causes=("a dependency that was added, or has grown",),
    fixes=("leave out what is not needed, the largest first, or raise the budget",),
)
def over_budget(case: Case) -> Iterator[Fault]:
    """An artifact is within the budget that its owner has set."""
    if case.size_budget is not None:
        what = f"{case.size_budget:,} of its budget"
        yield from _over(case.inventory, case.size_budget, "budget", what)


def _counts(case: Case) -> bool:
    """Whether Lambda's quotas for ZIPs hold for the artifact."""
    return case.inventory.kind in _OF_A_FUNCTION and case.profile.package != "image"


def _over(inventory: Inventory, limit: int, subject: str, what: str) -> Iterator[Fault]:
    size = inventory.counts.size
    if size <= limit:
        return
    parts = _contributors(inventory)
    largest = [f"{name} {_said(part)}" for name, part in parts[:_SHOWN]]
    yield Fault(
        Location(PurePosixPath()),
        f"{size:,} bytes unpacked ({_said(size)}), {size - limit:,} more than the {what}",
        subject=subject,
        why=f"the largest: {', '.join(largest)}" if largest else "",
        evidence=tuple(f"{part} {name}" for name, part in parts),
    )


def _contributors(inventory: Inventory) -> list[tuple[str, int]]:
    """Return what the bytes belong to, the largest first: distributions, else top-level names."""
    owners: dict[str, set[str]] = defaultdict(set)
    for distribution in inventory.distributions:
        layer = distribution.location.layer
        name = f"{distribution} ({layer})" if layer else str(distribution)
        for file in distribution.files:
            owners[heading(file, layer)].add(name)
    found: Counter[str] = Counter()
    for name, size in inventory.sizes.items():
        mine = owners.get(name, set())
        # A namespace such as `google` is of several: it stands for itself.
        found[next(iter(mine)) if len(mine) == 1 else name] += size
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))


def _said(size: int) -> str:
    return f"{size / _MIB:.1f} MiB" if size >= _MIB else f"{size / _KIB:.1f} KiB"


RULES: Final = (too_large, too_large_to_upload, over_budget)
