"""Import an artifact's modules for real, in a sealed container of a base image.

Nothing that the artifact does there is trusted: docs/smoke.md says what it could try,
and what that meets.
"""

from abicheck.smoke._request import Filling, SmokeRequest
from abicheck.smoke._run import run

__all__ = ["Filling", "SmokeRequest", "run"]
