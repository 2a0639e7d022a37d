"""The probe as a function: a small ZIP, the same bytes every time."""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import Final

from abicheck.capture._running import PROBE

_WHEN: Final = (1980, 1, 1, 0, 0, 0)
_MODE: Final = 0o100644


def function_archive() -> bytes:
    """Return the archive to upload; its handler is `handler.handler`."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        member = zipfile.ZipInfo(PROBE.name, _WHEN)
        member.create_system = 3  # Unix, whatever this machine is
        member.external_attr = _MODE << 16
        member.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(member, PROBE.read_bytes())
    return packed.getvalue()
