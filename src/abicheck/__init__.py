"""abicheck: will the compiled code in this Python artifact load where it is going?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from abicheck.errors import AbicheckError
    from abicheck.model import Finding, Report, Severity, TargetProfile
    from abicheck.pipeline import check
    from abicheck.profiles import load_profile

__version__ = "0.1.0"
__all__ = [
    "AbicheckError",
    "Finding",
    "Report",
    "Severity",
    "TargetProfile",
    "check",
    "load_profile",
]

_HOMES = {
    "AbicheckError": "abicheck.errors",
    "Finding": "abicheck.model",
    "Report": "abicheck.model",
    "Severity": "abicheck.model",
    "TargetProfile": "abicheck.model",
    "check": "abicheck.pipeline",
    "load_profile": "abicheck.profiles",
}


if not TYPE_CHECKING:  # a type checker would take any name for granted

    def __getattr__(name: str) -> object:
        """Import a public name when it is asked for, so that `--version` need not (PEP 562)."""
        if name not in _HOMES:
            message = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(message)
        from importlib import import_module  # noqa: PLC0415

        return getattr(import_module(_HOMES[name]), name)
