"""What is installed against what is pinned, as an installer on the target would read the pins.

A requirements file in which every line admits one version only says all that is
to be installed.  One with a looser line leaves the rest to the resolver, so what
its requirements require in turn is meant to be there too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from packaging.markers import Marker
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from abicheck.model import (
    AbsentPin,
    Distribution,
    ForeignLock,
    LockFile,
    OtherVersion,
    Pin,
    PinReport,
    Pins,
    TargetProfile,
    Unpinned,
)
from abicheck.python.markers import Environment, environments, requirements_of, shipped

# What makes environments, and is in every image's; lock files leave it out.
_INSTALLERS: Final = frozenset({"pip", "setuptools", "wheel"})
# Where the base images of Lambda have what the runtime brings along.
_RUNTIME: Final = ("var/runtime/", "var/lang/")


def hold_against_pins(
    distributions: Iterable[Distribution], pins: Pins, profile: TargetProfile
) -> PinReport:
    """Return how what is installed differs from what is pinned for the target.

    A pin holds whose marker is true for every patch release of the target's
    Python; one that is true for some of them, or for an extra or a group of a
    lock file that may have been chosen, admits what it names and asks for
    nothing.
    """
    found = tuple(distributions)
    held = _Held(pins, profile)
    installed: dict[str, list[Distribution]] = defaultdict(list)
    for distribution in found:
        installed[canonicalize_name(distribution.name)].append(distribution)
    if held.foreign:
        return PinReport(pins.files, foreign=tuple(held.foreign.values()))
    requirers = _requirers(held, installed)
    return PinReport(
        pins.files,
        unpinned=tuple(_unpinned(found, held, requirers)),
        absent=tuple(_absent(held, installed, profile)),
        others=tuple(_others(held, installed)),
    )


class _Held:
    """The pins as the target reads them, by the names that they are about."""

    def __init__(self, pins: Pins, profile: TargetProfile) -> None:
        self.environments = environments(profile)
        self.asked: dict[str, list[Pin]] = defaultdict(list)
        self.admitted: dict[str, list[Pin]] = defaultdict(list)
        self.elsewhere: dict[str, list[Pin]] = defaultdict(list)
        self.nameless: Pin | None = None
        self.loose = False
        self.foreign: dict[LockFile, ForeignLock] = {}
        for pin in pins.pins:
            self._take(pin)

    def _take(self, pin: Pin) -> None:
        if pin.lock is not None and (condition := self._unmet_condition(pin.lock)):
            self.foreign.setdefault(pin.lock, ForeignLock(pin.lock, pin, condition))
            return
        chosen = [self._holds(pin, each, everything=False) for each in self.environments]
        choosable = [self._holds(pin, each, everything=True) for each in self.environments]
        if not any(choosable):
            self.elsewhere[pin.name].append(pin)
            return
        if not pin.name:
            self.nameless = self.nameless or pin
            return
        self.admitted[pin.name].append(pin)
        if all(chosen):
            self.asked[pin.name].append(pin)
            self.loose = self.loose or not (pin.exact or pin.constraint)

    def _unmet_condition(self, lock: LockFile) -> str:
        """Return what a lock file asks of the target in vain, or an empty text."""
        versions = [each["python_full_version"] for each in self.environments]
        accepted = SpecifierSet(lock.requires_python)
        if not any(accepted.contains(version, prereleases=True) for version in versions):
            return f"Python {lock.requires_python}"
        if lock.environments and not any(
            Marker(marker).evaluate(dict(each), "requirement")
            for marker in lock.environments
            for each in self.environments
        ):
            return " or ".join(lock.environments)
        return ""

    def _holds(self, pin: Pin, environment: Environment, *, everything: bool) -> bool:
        """Whether a marker is true, with every extra and group of its lock file or by default."""
        if not pin.marker:
            return True
        lock = pin.lock
        if lock is None:
            return Marker(pin.marker).evaluate(dict(environment), "requirement")
        chosen: dict[str, str | AbstractSet[str]] = dict(environment)
        chosen["extras"] = lock.extras if everything else frozenset()
        chosen["dependency_groups"] = lock.default_groups | (lock.groups if everything else set())
        return Marker(pin.marker).evaluate(chosen, "lock_file")

    def must(self, name: str) -> Sequence[Pin]:
        """Return the pins of which a version has to meet all."""
        return self.asked.get(name, ())

    def extras(self, name: str) -> frozenset[str]:
        """Return the extras that are asked of a distribution."""
        return frozenset(extra for pin in self.must(name) for extra in pin.extras)


def _requirers(
    held: _Held, installed: Mapping[str, Sequence[Distribution]]
) -> Mapping[str, Distribution]:
    """Return who requires each distribution, of those that what is pinned leads to."""
    requirers: dict[str, Distribution] = {}
    done: set[tuple[str, str]] = set()
    todo = [(name, extra) for name in held.admitted for extra in ("", *sorted(held.extras(name)))]
    while todo:
        name, extra = todo.pop()
        if (name, extra) in done:
            continue
        done.add((name, extra))
        for distribution in installed.get(name, ()):
            for requirement in requirements_of(distribution, extra, held.environments):
                other = canonicalize_name(requirement.name)
                requirers.setdefault(other, distribution)
                todo += [(other, canonicalize_name(e)) for e in ("", *sorted(requirement.extras))]
    return requirers


def _unpinned(
    distributions: Iterable[Distribution], held: _Held, requirers: Mapping[str, Distribution]
) -> Iterator[Unpinned]:
    for distribution in distributions:
        name = canonicalize_name(distribution.name)
        if name in held.admitted or _is_environments_own(distribution, name):
            continue
        if held.loose and name in requirers:
            continue
        yield Unpinned(
            distribution,
            tuple(held.elsewhere.get(name, ())),
            requirers.get(name),
            held.nameless,
        )


def _is_environments_own(distribution: Distribution, name: str) -> bool:
    """Whether nobody pins it, since it came with the interpreter of an image."""
    path = str(distribution.location.path)
    return path.startswith(_RUNTIME) or (name in _INSTALLERS and "site-packages/" in path)


def _absent(
    held: _Held, installed: Mapping[str, Sequence[Distribution]], profile: TargetProfile
) -> Iterator[AbsentPin]:
    reported: set[str] = set()
    for name, pins in held.asked.items():
        wanted = [pin for pin in pins if not pin.constraint]
        if wanted and name not in installed:
            reported.add(name)
            yield AbsentPin(name, wanted[0], module=shipped(name, profile.interpreter))
    for name, pins in held.asked.items():
        for pin in pins:
            for found in _absent_of_extras(pin, installed.get(name, ()), held, profile):
                if found.name not in installed and found.name not in reported:
                    reported.add(found.name)
                    yield found


def _absent_of_extras(
    pin: Pin, distributions: Iterable[Distribution], held: _Held, profile: TargetProfile
) -> Iterator[AbsentPin]:
    """Yield all that the extras of a pin require."""
    for distribution in distributions:
        for extra in sorted(pin.extras):
            for requirement in requirements_of(distribution, extra, held.environments):
                other = canonicalize_name(requirement.name)
                yield AbsentPin(other, pin, extra, shipped(other, profile.interpreter))


def _others(held: _Held, installed: Mapping[str, Sequence[Distribution]]) -> Iterator[OtherVersion]:
    for name, distributions in installed.items():
        refused = [(d, _refusing(d.version, name, held)) for d in distributions]
        # Of two versions one may be right: that there are two is another matter.
        if all(pin is not None for _, pin in refused):
            yield from (OtherVersion(d, pin) for d, pin in refused if pin is not None)


def _refusing(version: str, name: str, held: _Held) -> Pin | None:
    """Return a pin that does not admit a version, None where it is as it was asked for."""
    must = held.must(name)
    for pin in must:
        if not _admits(pin, version):
            return pin
    choice = held.admitted.get(name, ())
    if must or not choice or any(_admits(pin, version) for pin in choice):
        return None
    return choice[0]


def _admits(pin: Pin, version: str) -> bool:
    """Whether a version is one that was asked for; what is installed may be a pre-release."""
    return SpecifierSet(pin.specifier).contains(version, prereleases=True)
