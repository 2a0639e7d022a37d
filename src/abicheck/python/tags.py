"""Wheel tags against the target's, and against what the binaries really need (PEP 425, 600).

The loader reads no tag: a distribution whose tag does not fit may load, and one
whose tag fits may not.  Tags explain what happened; they decide nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from math import prod
from typing import Final

from packaging.tags import compatible_tags, cpython_tags

from abicheck.model import (
    Distribution,
    ElfFacts,
    Interpreter,
    Location,
    Misfit,
    Mislabel,
    TargetProfile,
)

_LEGACY: Final[Mapping[str, tuple[int, int]]] = {
    "manylinux1": (2, 5),
    "manylinux2010": (2, 12),
    "manylinux2014": (2, 17),
}
_MANYLINUX: Final = re.compile(r"(manylinux(?:1|2010|2014|_(\d+)_(\d+)))_(\w+)")
_GLIBC: Final = re.compile(r"GLIBC_(\d+)\.(\d+)")
_MOST_TAGS: Final = 100_000
_OLDEST: Final = 5  # glibc 2.5: manylinux1
_THREADED: Final = re.compile(r"\.cpython-\d+t-")


def target_tags(profile: TargetProfile) -> frozenset[str]:
    """Return every tag that an installer would accept on the target."""
    interpreter, machine = profile.interpreter, profile.machine
    platforms = [f"linux_{machine}"]
    for minor in range(profile.libc_version[1], _OLDEST - 1, -1):
        platforms.append(f"manylinux_2_{minor}_{machine}")
        platforms += [f"{n}_{machine}" for n, glibc in _LEGACY.items() if glibc == (2, minor)]
    version = interpreter.version
    abi = f"{interpreter.tag}{'t' if _is_threaded(interpreter) else ''}"
    tags = {
        *cpython_tags(version, abis=[abi], platforms=platforms),
        *compatible_tags(version, interpreter=interpreter.tag, platforms=platforms),
    }
    return frozenset(map(str, tags))


def expanded(tags: Iterable[str]) -> Iterator[str]:
    """Yield the single tags of compressed sets, which some write into WHEEL as they are.

    A line of a kilobyte may stand for millions; beyond what any build writes, sets
    are yielded as they are, and fit nowhere.
    """
    room = _MOST_TAGS
    for tag in tags:
        parts = [part.split(".") for part in tag.split("-")]
        room -= prod(map(len, parts))
        if room < 0:
            yield tag
            continue
        yield from ("-".join(single) for single in product(*parts))


def _is_threaded(interpreter: Interpreter) -> bool:
    """Whether it is a build without the global lock, which has suffixes of its own (PEP 703)."""
    return any(_THREADED.match(suffix) for suffix in interpreter.suffixes)


def find_misfits(distributions: Iterable[Distribution], profile: TargetProfile) -> Iterator[Misfit]:
    """Yield the distributions that an installer would not have chosen for the target."""
    accepted = target_tags(profile)
    platforms = {tag.rpartition("-")[2] for tag in accepted}
    for distribution in distributions:
        tags = tuple(expanded(distribution.tags))
        if not tags or not accepted.isdisjoint(tags):
            continue
        parts = [tag.split("-") for tag in tags if tag.count("-") == 2]  # noqa: PLR2004 - three parts
        if not parts:
            continue
        foreign = [part[2] for part in parts if part[2] not in platforms]
        if len(foreign) == len(parts):
            yield Misfit(distribution, foreign[0])
        else:
            fitting = next(part for part in parts if part[2] in platforms)
            abi = fitting[1]
            yield Misfit(distribution, fitting[0] if abi in ("none", fitting[0]) else abi)


def find_mislabels(
    owners: Mapping[Location, Distribution], objects: Iterable[ElfFacts]
) -> Iterator[Mislabel]:
    """Yield, once a distribution, the binary that breaks what its tags promise the most."""
    worst: dict[Distribution, tuple[tuple[int, int], Mislabel]] = {}
    for facts in objects:
        distribution = owners.get(facts.location)
        if distribution is None or not distribution.tags or facts.header is None:
            continue
        found = _broken_promise(distribution, facts)
        if found is not None and found[0] > worst.get(distribution, ((-1, -1), found[1]))[0]:
            worst[distribution] = found
    yield from (found for _, found in worst.values())


def _broken_promise(
    distribution: Distribution, facts: ElfFacts
) -> tuple[tuple[int, int], Mislabel] | None:
    platforms = {tag.rpartition("-")[2] for tag in expanded(distribution.tags)}
    place = facts.location
    if platforms == {"any"}:
        return (0, 0), Mislabel(distribution, place, "any", f"a binary for {facts.machine}")
    machines = [match for match in map(_MANYLINUX.fullmatch, platforms) if match is not None]
    if len(machines) < len(platforms):
        return None  # a plain `linux_*` promises nothing, and other systems have other libraries
    if all(match[4] != facts.machine for match in machines):
        promised = min(platforms)
        return (99, 0), Mislabel(distribution, place, promised, f"a binary for {facts.machine}")
    promised_glibc, promised = min((_glibc(match), match[0]) for match in machines)
    needs = [
        (int(found[1]), int(found[2]))
        for need in facts.version_needs
        if not need.weak and (found := _GLIBC.fullmatch(need.version)) is not None
    ]
    most = max(needs, default=(0, 0))
    if most <= promised_glibc:
        return None
    return most, Mislabel(distribution, place, promised, f"GLIBC_{most[0]}.{most[1]}")


def _glibc(match: re.Match[str]) -> tuple[int, int]:
    """Return the oldest glibc that a manylinux tag promises to load on."""
    legacy = _LEGACY.get(match[1])
    return (int(match[2]), int(match[3])) if legacy is None else legacy
