"""Requirements as the target would read them: markers and extras (PEP 508)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from abicheck.model import Distribution, Interpreter, TargetProfile

Environment = Mapping[str, str]
"""What each marker variable stands for."""

_LAST_PATCH: Final = 99  # no release of CPython has had as many
# What Lambda's runtimes bring under another name than the distribution's.
_IMPORTED_AS: Final = {"python-dateutil": "dateutil"}


def environments(profile: TargetProfile) -> tuple[Environment, ...]:
    """Return the marker variables of a target, for its first and its last patch release.

    Which of them it has is not known, and moves.  Every variable is given: what
    is left out would be that of the machine that runs the check.
    """
    version = profile.interpreter.dotted
    fixed = {
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_machine": profile.machine,
        "platform_python_implementation": "CPython",
        "platform_release": ".".join(map(str, profile.kernel)),
        "platform_system": "Linux",
        "platform_version": "",
        "python_version": version,
        "sys_platform": "linux",
    }
    return tuple(
        {
            **fixed,
            "implementation_version": f"{version}.{patch}",
            "python_full_version": f"{version}.{patch}",
        }
        for patch in (0, _LAST_PATCH)
    )


def requirements_of(
    distribution: Distribution, extra: str, target: tuple[Environment, ...]
) -> Iterator[Requirement]:
    """Yield what a distribution requires on the target, and what it does with an extra besides.

    One whose marker depends on the patch release counts where all of them have
    it.  Lines that no installer understands are left out, as pip does.
    """
    for line in distribution.requires:
        try:
            requirement = Requirement(line)
        except (InvalidRequirement, RecursionError):  # setuptools once let anything through
            continue
        if all(_holds(requirement, each, extra) for each in target):
            yield requirement


def _holds(requirement: Requirement, environment: Environment, extra: str) -> bool:
    if requirement.marker is None:
        return True
    try:
        return requirement.marker.evaluate({**environment, "extra": extra})
    except (UndefinedComparison, UndefinedEnvironmentName):
        return False


def shipped(name: str, interpreter: Interpreter) -> str:
    """Return the module under which the target itself brings a distribution, or an empty text."""
    canonical = canonicalize_name(name)
    module = _IMPORTED_AS.get(canonical, canonical.replace("-", "_"))
    return module if module in interpreter.shipped else ""
