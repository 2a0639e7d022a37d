"""Read the files that a project pins its distributions in, whichever of the two forms they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from packaging.pylock import is_valid_pylock_path

from abicheck.errors import UsageError
from abicheck.model import Pin, Pins
from abicheck.pins._pylock import read_pylock
from abicheck.pins._requirements import read_requirements

# What pins as well, and of what kind: the tool that wrote it says the same in a form that is read.
_EXPORTS: Final = {
    "uv.lock": "uv export --output-file requirements.txt",
    "poetry.lock": "poetry export --output requirements.txt",
    "pdm.lock": "pdm export --output requirements.txt",
    "Pipfile.lock": "pipenv requirements --hash > requirements.txt",
    "Pipfile": "pipenv requirements --hash > requirements.txt",
    "pixi.lock": "pip freeze, in the environment",
    "conda-lock.yml": "pip freeze, in the environment",
    "pyproject.toml": "uv export --output-file requirements.txt",
}


def read_pins(files: Sequence[str], environ: Mapping[str, str]) -> Pins:
    """Return what the files pin, in their order; `environ` is what `${NAME}` stands for.

    Markers are left as they are: the target decides on them.  Raises
    `UsageError` for a file that cannot be read, or is in neither form.
    """
    pins: list[Pin] = []
    for name in files:
        path = Path(name)
        _refuse_others(path)
        if is_valid_pylock_path(path):
            pins += read_pylock(path)
        else:
            pins += read_requirements(path, environ)
    return Pins(tuple(files), tuple(pins))


def _refuse_others(path: Path) -> None:
    """Raise `UsageError` for a file that is in another form, by what it is called."""
    export = _EXPORTS.get(path.name)
    if export is not None:
        reason = f"{path}: not a requirements file; write one with `{export}`"
        raise UsageError(reason)
    if path.suffix == ".lock" or (path.suffix == ".toml" and not is_valid_pylock_path(path)):
        reason = (
            f"{path}: neither a requirements file nor pylock.toml or pylock.NAME.toml (PEP 751); "
            "let the tool that wrote it export one of them"
        )
        raise UsageError(reason)
