"""The fixtures as artifacts to be asked about, on a target of any CPython."""

from __future__ import annotations

import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tests.oracle.truth import Artifact, questions_about, retag, unpack

from abicheck.model import Interpreter

FIXTURES: Final = Path(__file__).resolve().parents[2] / "fixtures"
CASES: Final[Mapping[str, Mapping[str, Any]]] = tomllib.loads(
    (FIXTURES / "cases.toml").read_text(encoding="utf-8")
)

# What no file tells; everything else that a loader answers is predicted.
BEYOND: Final = {
    "constructor-that-aborts": "code runs while the library is loaded",
    "guard-against-a-crash": "code runs while the library is loaded",
}
_TAG: Final = "cpython-313"


def artifacts(interpreter: Interpreter, shelf: Path) -> Iterator[tuple[Artifact, Path, str | None]]:
    """Yield every case, unpacked in `shelf`, with the ZIP to check and the module to import.

    The extensions are named for CPython 3.13.  For another, each case comes a second time
    with names exchanged: they are built so that any CPython from 3.9 on can import them.
    """
    own = f"cpython-{interpreter.version[0]}{interpreter.version[1]}"
    for name, case in CASES.items():
        if name in BEYOND:
            continue
        archive = FIXTURES / case["file"]
        if own == _TAG or not _is_named_for(own, archive):
            yield _artifact(name, archive, case["module"], interpreter, shelf)
        if own != _TAG:
            renamed = retag(archive, shelf / f"{name}.zip", _TAG, own)
            yield _artifact(f"{name} for {own}", renamed, case["module"], interpreter, shelf)


def _is_named_for(tag: str, archive: Path) -> bool:
    """Whether an extension that is meant to have a wrong name has the right one here."""
    with zipfile.ZipFile(archive) as members:
        return any(tag in name for name in members.namelist())


def _artifact(
    name: str, archive: Path, module: str, interpreter: Interpreter, shelf: Path
) -> tuple[Artifact, Path, str | None]:
    folder = unpack(archive, shelf / name.replace(" ", "-"))
    questions = questions_about(folder, interpreter.suffixes, module)
    return Artifact(name, folder, questions), archive, module
