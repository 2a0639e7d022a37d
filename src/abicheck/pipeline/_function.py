"""A function as Lambda lays it out: its own archive in /var/task, its layers in /opt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Final

from abicheck.artifacts import Artifact, Limits, open_artifact
from abicheck.errors import UsageError
from abicheck.filesystem import LAYER_ROOT, Places
from abicheck.model import ArtifactKind, Finding, TargetProfile
from abicheck.pipeline._inventory import Contents, Reading, read_members
from abicheck.pipeline._progress import Progress

NO_LAYERS: Final = "Lambda layers are not supported for functions created with container images."

# What Lambda and its runtimes look for below /opt, and what comes with it.
_FOLDERS: Final = frozenset(
    (
        "bin",
        "etc",
        "extensions",
        "include",
        "java",
        "lib",
        "lib64",
        "nodejs",
        "python",
        "ruby",
        "share",
    )
)
_TELLING: Final = frozenset(("bin", "lib", "python"))
_CODE: Final = (".py", ".pyc", ".so", ".dist-info")
_REFUSED: Final = {
    ArtifactKind.IMAGE: NO_LAYERS,
    ArtifactKind.WHEEL: "a wheel's packages would lie in /opt itself, where no import looks; "
    "install it with pip install --target python, and zip that folder",
    ArtifactKind.OBJECT: "a layer is a ZIP or a folder whose content lies in /opt",
}


def read_function(  # noqa: PLR0913, PLR0917 - one for each part of a function
    artifact: Artifact,
    name: str,
    profile: TargetProfile,
    layers: Sequence[Path],
    limits: Limits,
    progress: Progress,
    *,
    is_function: bool,
) -> Reading:
    """Read an artifact, and the layers of the function that it is, each once.

    An artifact that is laid out as a layer is read as one, unless `is_function`
    says what it is.  Raises `UsageError` where a layer cannot be one, or the
    artifact cannot have any.
    """
    if layers and artifact.kind in _REFUSED:
        reason = f"{name}: " + (
            NO_LAYERS
            if artifact.kind is ArtifactKind.IMAGE
            else "layers go with a function's ZIP or folder"
        )
        raise UsageError(reason)
    if layers and profile.package == "image":
        reason = f"{profile.name}: {NO_LAYERS}"
        raise UsageError(reason)
    alone = not layers and not is_function and is_layer(artifact)
    reading = Reading(artifact, name, PurePosixPath(LAYER_ROOT) if alone else profile.task_root)
    read_members(reading, artifact, progress)
    for layer, called in zip(layers, layer_names(layers), strict=True):
        with open_artifact(layer, limits) as opened:
            if opened.kind in _REFUSED:
                reason = f"--layer {layer}: {_REFUSED[opened.kind]}"
                raise UsageError(reason)
            reading.go_on(opened, str(layer), called)
            read_members(reading, opened, progress)
    return reading


def layer_names(layers: Sequence[Path]) -> tuple[str, ...]:
    """Return what the layers are called: their files' names, or paths where two share one."""
    count = Counter(layer.name for layer in layers)
    return tuple(
        layer.name if count[layer.name] == 1 and layer.name else str(layer) for layer in layers
    )


def is_layer(artifact: Artifact) -> bool:
    """Whether an artifact is laid out as a layer: `python/`, `lib/` or `bin/`, no code beside.

    A folder `python` that is a package itself is a function's own.
    """
    if artifact.kind not in (ArtifactKind.ZIP, ArtifactKind.FOLDER):
        return False
    outline = artifact.outline()
    tops = {name.partition("/")[0] for name in outline}
    if not tops & _TELLING or "python/__init__.py" in outline:
        return False
    if "python" not in tops and any(
        name.startswith("lib/") and (name.endswith(".py") or name.startswith("lib/python"))
        for name in outline
    ):
        return False  # a package, or an installation of Python
    return not any(
        name.endswith(_CODE) for name in outline if name.partition("/")[0] not in _FOLDERS
    )


def from_layers(findings: Iterable[Finding], contents: Contents) -> tuple[Finding, ...]:
    """Return the findings, those about a layer's files with its name as their origin.

    What only an import led to is known by its target path, and is put in its place as well.
    """
    names = {layer.name for layer in contents.inventory.layers}
    return tuple(_from_layer(finding, names, contents.places) for finding in findings)


def _from_layer(finding: Finding, names: AbstractSet[str], places: Places) -> Finding:
    fault = finding.fault
    location = fault.location
    if location.path.is_relative_to(LAYER_ROOT):
        location = places.location(str(location.path))
    if location.layer in names:
        fault = replace(fault, origin=f"layer {location.layer}")
    return replace(finding, fault=replace(fault, location=location))
