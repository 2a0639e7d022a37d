"""Markers that some target could evaluate (PEP 508); which are true is the target's to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName

from abicheck.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

_NAMES: Final = (
    "implementation_name",
    "os_name",
    "platform_machine",
    "platform_python_implementation",
    "platform_release",
    "platform_system",
    "platform_version",
    "sys_platform",
)
_VERSIONS: Final = ("implementation_version", "python_full_version", "python_version")


def require_sense(marker: Marker | None, place: str, *, locked: bool = False) -> str:
    """Return a marker's text, empty for none; raises `UsageError` where it compares nonsense.

    `locked` says that it stands in a lock file, where extras and groups are sets.
    """
    if marker is None:
        return ""
    environment: dict[str, str | AbstractSet[str]] = {
        **dict.fromkeys(_NAMES, ""),
        **dict.fromkeys(_VERSIONS, "3.13"),
    }
    if locked:
        environment |= {"extras": frozenset(), "dependency_groups": frozenset()}
    try:
        marker.evaluate(environment, "lock_file" if locked else "requirement")
    except (UndefinedComparison, UndefinedEnvironmentName) as error:
        reason = f"{place}: {error}: {marker}"
        raise UsageError(reason) from error
    return str(marker)
