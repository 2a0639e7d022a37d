"""Write a report down; one module a format.  No reporter decides anything."""

from abicheck.reporters._inspect import write_inspect
from abicheck.reporters._json import write_json
from abicheck.reporters._text import write_text
from abicheck.reporters._words import printable

__all__ = ["printable", "write_inspect", "write_json", "write_text"]
