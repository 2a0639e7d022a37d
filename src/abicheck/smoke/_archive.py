"""An image archive as an image of the engine, for one run.

It is not loaded: that would let a stranger's archive name images of this engine as it
likes.  The tree that abicheck itself has read is imported, under no name, and goes with the run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from abicheck.artifacts import DEFAULT_LIMITS, open_image
from abicheck.errors import EngineError
from abicheck.smoke._engine import Engine, Image, refusals
from abicheck.smoke._filling import tar_stream
from abicheck.smoke._request import SmokeRequest

_ID: Final = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


def import_archive(
    engine: Engine, archive: Path, request: SmokeRequest, labels: Mapping[str, str]
) -> Image:
    """Return the image that a request means of `archive`, now in the engine.

    Raises as `open_image` does, and `EngineError` where the engine does not take it.
    """
    with (
        open_image(
            archive,
            DEFAULT_LIMITS,
            architecture=request.architecture,
            reference=request.reference,
        ) as artifact,
        refusals(f"{archive}: cannot be imported into the engine"),
    ):
        answer = engine.api.import_image_from_data(
            tar_stream(artifact.members(lambda *_: True)),
            changes=[f"LABEL {name}={value}" for name, value in labels.items()],
        )
        found = _ID.findall(answer)
        if not found:
            reason = f"{archive}: the engine does not say what it has imported"
            raise EngineError(reason)
        config = artifact.config
        return Image(
            reference=str(archive),
            id=f"sha256:{found[-1]}",
            digest=config.digest or "",
            platform=request.platform,
            environment=config.env,
        )
