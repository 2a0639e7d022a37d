"""What targets provide: captured facts in data files, and their reader.

`load_profile` reads a built-in profile by name or a user's own by path, with
the same code and the same validation.
"""

from abicheck.profiles._store import DEFAULT_TARGET, list_profiles, load_profile

__all__ = ["DEFAULT_TARGET", "list_profiles", "load_profile"]
