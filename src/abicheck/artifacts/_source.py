"""What an artifact is called on a command line: a path, a stream, an engine's reference."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from abicheck.artifacts._base import Artifact, Limits
from abicheck.artifacts._open import open_artifact
from abicheck.errors import UsageError

STREAM: Final = "-"
ENGINE: Final = "docker:"


def is_no_path(source: Path | str) -> bool:
    """Whether a source is standard input or an engine's image, and no file."""
    return isinstance(source, str) and (source == STREAM or source.startswith(ENGINE))


@contextmanager
def open_source(
    source: Path | str,
    limits: Limits,
    *,
    architecture: str | None = None,
    reference: str | None = None,
) -> Iterator[Artifact]:
    """Open what `source` names: `-` is an image on standard input, `docker:REF` an engine's.

    A `Path` is always a file or folder.  Raises as `open_artifact`, `open_image`
    and `open_engine_image` do.
    """
    if source == STREAM:
        if sys.stdin is None or sys.stdin.isatty():
            reason = "-: nothing comes through standard input; docker save IMAGE | abicheck -"
            raise UsageError(reason)
        from abicheck.artifacts._image import open_image  # noqa: PLC0415 - seldom an image

        with open_image(
            sys.stdin.buffer, limits, architecture=architecture, reference=reference
        ) as image:
            yield image
    elif isinstance(source, str) and source.startswith(ENGINE):
        name = source.removeprefix(ENGINE)
        from abicheck.artifacts._engine import open_engine_image  # noqa: PLC0415 - as above

        with open_engine_image(name, limits, architecture=architecture) as image:
            yield image
    else:
        with open_artifact(
            Path(source), limits, architecture=architecture, reference=reference
        ) as artifact:
            yield artifact
