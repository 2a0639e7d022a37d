"""Import an artifact's modules for real, in a sealed container of a base image.

`run(request, progress) -> model.SmokeRun` is to come; `progress` is told how many
imports have ended, and of how many.
"""

from abicheck.smoke._request import Filling, SmokeRequest

__all__ = ["Filling", "SmokeRequest"]
