"""For which other target an artifact was plainly built."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from abicheck.model import Inventory, TargetProfile

_TAG: Final = re.compile(r"\.cpython-3(\d+)-(x86_64|aarch64)-linux-gnu\.so$")
_ANY: Final = ("", "")  # what a file says that is named for no version
_ARCHITECTURES: Final = {"x86_64": "x86_64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class Built:
    """What an artifact was built for, and how many of its extensions say so."""

    runtime: str
    architecture: str
    witnesses: int

    @property
    def target(self) -> str:
        """The name of Lambda's target of that kind."""
        return f"lambda-{self.runtime}-{self.architecture}"


def built_for(inventory: Inventory, profile: TargetProfile) -> Built | None:
    """Return what all binaries agree on, where that is not the target itself.

    The names of extensions say the version and the machine; where none is
    named for a version, the machine of every object counts by itself.
    """
    said = set()
    witnesses = 0
    for module in inventory.extensions:
        files = [sibling.location for sibling in module.siblings]
        if module.selected is not None:
            files.append(module.selected)
        tags = {_tag(file.path.name) for file in files} - {_ANY}
        said |= tags
        witnesses += bool(tags)
    if len(said) > 1:
        return None
    if said:
        tag = said.pop()
        if tag is None:
            return None
        minor, machine = tag
        runtime = f"python3.{minor}"
    else:
        machines = {facts.machine for facts in inventory.objects.values()}
        if len(machines) != 1 or not machines <= _ARCHITECTURES.keys():
            return None
        runtime, machine, witnesses = profile.runtime, machines.pop(), len(inventory.objects)
    built = Built(runtime, _ARCHITECTURES[machine], witnesses)
    is_this = (built.runtime, built.architecture) == (profile.runtime, profile.architecture)
    return None if is_this else built


def _tag(name: str) -> tuple[str, str] | None:
    """Return the minor version and the machine in a name; None for one no target of ours has."""
    found = _TAG.search(name)
    if found is not None:
        return found[1], found[2]
    return _ANY if ".cpython-" not in name and name.endswith(".so") else None
