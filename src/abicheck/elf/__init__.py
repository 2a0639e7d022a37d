"""Bytes to facts: what the loader reads from an object, and nothing else.

The only room that knows pyelftools.  `read_elf` never raises on the bytes it
is given: what cannot be read is itself a fact (`ElfFacts.defect`).
"""

from abicheck.elf._foreign import identify
from abicheck.elf._read import MAGIC, read_elf
from abicheck.elf._strings import unpack_constants

__all__ = ["MAGIC", "identify", "read_elf", "unpack_constants"]
