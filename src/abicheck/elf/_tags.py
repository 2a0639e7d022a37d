"""The dynamic tags by name."""

from __future__ import annotations

from typing import Final

from elftools.elf.enums import ENUM_D_TAG_COMMON

TAG: Final[dict[str, int]] = {
    **ENUM_D_TAG_COMMON,
    "DT_RELRSZ": 35,
    "DT_RELR": 36,
    "DT_RELRENT": 37,
    "DT_FILTER": 0x7FFFFFFF,
}
