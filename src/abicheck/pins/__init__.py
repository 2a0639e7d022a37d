"""What a project says is to be installed: requirements files and pylock.toml."""

from abicheck.pins._read import read_pins
from abicheck.pins._requirement import read_requirement

__all__ = ["read_pins", "read_requirement"]
