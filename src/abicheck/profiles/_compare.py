"""What a target offers at a glance, and what changes from one to another."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from abicheck.model import Interpreter, TargetProfile

_NODE: Final = re.compile(r"([A-Za-z]\w*?)_(\d+(?:\.\d+)*)$")


@dataclass(frozen=True, slots=True)
class Change:
    """One fact that two targets give differently; None where one has no such thing."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is different on target `after`, for who comes from `before`; all sorted.

    `facts` are those that decide how names are found: libc, suffixes, paths.
    `ceilings` are of libraries that both have.  `api_lost` and `api_gained` are
    names that the interpreter exports.
    """

    before: TargetProfile
    after: TargetProfile
    facts: tuple[Change, ...]
    libraries_lost: tuple[str, ...]
    libraries_gained: tuple[str, ...]
    ceilings: tuple[Change, ...]
    api_lost: tuple[str, ...]
    api_gained: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether anything is different."""
        libraries = self.libraries_lost or self.libraries_gained or self.ceilings
        return bool(self.facts or libraries or self.api_lost or self.api_gained)


def ceilings(nodes: Iterable[str]) -> tuple[str, ...]:
    """Return the highest version node of each family, in the order in which families come.

    `GLIBCXX_3.4.29` and `CXXABI_1.3.13` are of two families; `GLIBC_PRIVATE`
    and a base definition are of none.
    """
    highest: dict[str, tuple[tuple[int, ...], str]] = {}
    for node in nodes:
        found = _NODE.match(node)
        if found is not None:
            number = tuple(map(int, found[2].split(".")))
            highest[found[1]] = max(highest.get(found[1], ((), "")), (number, node))
    return tuple(node for _, node in highest.values())


def compare(before: TargetProfile, after: TargetProfile) -> Comparison:
    """Return what changes when an artifact moves from one target to another."""
    old, new = _by_soname(before), _by_soname(after)
    exports_before, exports_after = before.interpreter.exports, after.interpreter.exports
    return Comparison(
        before=before,
        after=after,
        facts=tuple(_facts(before, after)),
        libraries_lost=tuple(sorted(old.keys() - new.keys())),
        libraries_gained=tuple(sorted(new.keys() - old.keys())),
        ceilings=tuple(
            Change(soname, " ".join(old[soname]) or None, " ".join(new[soname]) or None)
            for soname in sorted(old.keys() & new.keys())
            if old[soname] != new[soname]
        ),
        api_lost=tuple(sorted(exports_before - exports_after)),
        api_gained=tuple(sorted(exports_after - exports_before)),
    )


def _by_soname(profile: TargetProfile) -> Mapping[str, tuple[str, ...]]:
    """Return the ceilings of each library that a binary could need, by soname."""
    return {
        library.soname: ceilings(library.table.versions or ())
        for library in profile.libraries.values()
        if library.soname is not None
    }


def _facts(before: TargetProfile, after: TargetProfile) -> Iterable[Change]:
    for name in ("os", "machine", "libc", "python", "suffixes", "sys.path", "library path"):
        old, new = _fact(before, name), _fact(after, name)
        if old != new:
            yield Change(name, old, new)


def _unversioned(path: str, python: Interpreter) -> str:
    """Return a path as every version of Python would have it."""
    major, minor = python.version
    return path.replace(f"python{major}.{minor}", "pythonX.Y").replace(
        f"python{major}{minor}", "pythonXY"
    )


def _fact(profile: TargetProfile, name: str) -> str:
    python = profile.interpreter
    facts = {
        "os": profile.os,
        "machine": profile.architecture,
        "libc": f"glibc {profile.glibc}",
        "python": python.dotted,
        "suffixes": " ".join(python.suffixes),
        "sys.path": ":".join(_unversioned(str(path), python) for path in python.path),
        "library path": ":".join(profile.library_path),
    }
    return facts[name]
