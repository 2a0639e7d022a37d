"""How an image on Lambda's base differs from what is on record of that base."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from abicheck.filesystem import Tree
from abicheck.model import BaseChange, BaseDrift, TargetProfile
from abicheck.profiles import Comparison, compare, list_profiles, load_profile

_ENTRY: Final = "/lambda-entrypoint.sh"
_PYTHON: Final = "/var/lang/bin/"
_RUNTIME: Final = "/var/runtime"
_SYSTEM: Final = "Amazon Linux"
# What a function sets itself, LD_LIBRARY_PATH and PYTHONPATH, is not the base's doing.
_OF_THE_BASE: Final = frozenset({"os", "libc", "suffixes"})
_FAMILY: Final = re.compile(r"_\d[\d.]*$")


def lambda_base(tree: Tree, profile: TargetProfile) -> str:
    """Return the target that an image on Lambda's base is built upon; empty for any other.

    Lambda's base images for Python have their own interpreter, the code that
    asks for events, and a script that starts both.  A function may change its
    entry point and environment, so that neither is asked.
    """
    executable = str(profile.interpreter.executable or "")
    is_lambdas = (
        executable.startswith(_PYTHON)
        and profile.os.startswith(_SYSTEM)
        and tree.is_file(_ENTRY)
        and tree.is_dir(_RUNTIME)
    )
    name = f"lambda-{profile.runtime}-{profile.architecture}-image"
    return name if is_lambdas and name in list_profiles() else ""


def base_drift(tree: Tree, profile: TargetProfile, layers: Mapping[str, str]) -> BaseDrift | None:
    """Return what is different from the base on record; None for any other base, or the same.

    `profile` is what the image provides, and `layers` says which layer each of
    its files came by.
    """
    name = lambda_base(tree, profile)
    if not name:
        return None
    drift = drift_from(load_profile(name), profile, tree, layers)
    return drift if drift.differs else None


def drift_from(
    recorded: TargetProfile, profile: TargetProfile, tree: Tree, layers: Mapping[str, str]
) -> BaseDrift:
    """Return what an image's profile has differently from the one on record.

    A library counts as lost only where its path, too, leads nowhere: listings
    name files, and not every file has its name for a soname.  One counts as
    gained only where it came with the C library's own layer, and not with the
    function.  Of versions, those count of which both are known.
    """
    found = compare(recorded, profile)
    paths = {library.soname: str(path) for path, library in recorded.libraries.items()}
    own = {library.soname: str(path) for path, library in profile.libraries.items()}
    system = layers.get(own.get("libc.so.6", ""), "")
    return BaseDrift(
        target=recorded.name,
        facts=tuple(
            BaseChange(change.name, change.before or "", change.after or "")
            for change in found.facts
            if change.name in _OF_THE_BASE
        ),
        lost=tuple(n for n in found.libraries_lost if tree.real(paths[n]) is None),
        gained=tuple(n for n in found.libraries_gained if layers.get(own[n], "") == system),
        ceilings=tuple(_ceilings(found)),
    )


def _ceilings(found: Comparison) -> Iterator[BaseChange]:
    """Yield the families of version nodes that both sides have, and whose highest differs."""
    for change in found.ceilings:
        before, after = _families(change.before), _families(change.after)
        for family in sorted(before.keys() & after.keys()):
            if before[family] != after[family]:
                yield BaseChange(change.name, before[family], after[family])


def _families(nodes: str | None) -> Mapping[str, str]:
    return {_FAMILY.sub("", node): node for node in (nodes or "").split()}
