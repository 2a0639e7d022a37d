"""What targets provide: captured facts in data files, their reader and their writer.

`load_profile` reads a built-in profile by name or a user's own by path, with
the same code and the same validation.
"""

from abicheck.profiles._compare import Change, Comparison, ceilings, compare
from abicheck.profiles._dates import as_of
from abicheck.profiles._getters import Fields
from abicheck.profiles._store import (
    DEFAULT_TARGET,
    list_profiles,
    load_profile,
    parse_profile,
    stable_abi,
)
from abicheck.profiles._write import write_profile

__all__ = [
    "DEFAULT_TARGET",
    "Change",
    "Comparison",
    "Fields",
    "as_of",
    "ceilings",
    "compare",
    "list_profiles",
    "load_profile",
    "parse_profile",
    "stable_abi",
    "write_profile",
]
