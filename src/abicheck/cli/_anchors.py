"""The line of the repository that brought a distribution: where a finding can be acted upon."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from abicheck.model import Report, Site
from abicheck.reporters import Anchors, Place

# What says which distributions are installed, what people edit first.
_FILES: Final = (
    "requirements.txt",
    "requirements*.txt",
    "requirements/*.txt",
    "requirements*.in",
    "pylock.toml",
    "pylock.*.toml",
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "Pipfile.lock",
    "Pipfile",
    "pyproject.toml",
)
_LARGEST: Final = 16 << 20  # bytes; a lock file of a thousand distributions has two

# A name as PEP 508 has it, where each kind of file puts it.
_NAME: Final = r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)"
_REQUIREMENT: Final = re.compile(rf"^\s*{_NAME}\s*(?:$|[\[<>=!~;@#\s])")
_TOML_LOCK: Final = re.compile(rf'^name\s*=\s*"{_NAME}"')
_JSON_LOCK: Final = re.compile(rf'^\s*"{_NAME}"\s*:\s*\{{')
_TABLE_KEY: Final = re.compile(rf'^\s*"?{_NAME}"?\s*=')
_DEPENDENCY: Final = re.compile(rf"""["']{_NAME}\s*(?:[\[<>=!~;@][^"']*)?["']""")


def find_anchors(reports: Sequence[Report], named: str | None = None) -> tuple[Anchors, ...]:
    """Return where the findings of each report are shown.

    Looked for from the artifact's folder and from the current one upwards, to
    the root of the repository, and first of all in the requirements files that
    the artifact was compared with; `named` is the only file that counts where
    it is given.  Files that cannot be read name nothing.
    """
    repository = _Repository(_root(Path.cwd()))
    return tuple(_anchors(report, repository, named) for report in reports)


def _anchors(report: Report, repository: _Repository, named: str | None) -> Anchors:
    artifact = Path(report.inventory.artifact)
    wanted = {_canonical(d.name): d.name for d in report.inventory.distributions}
    if named is not None:
        place = Place(repository.relative(Path(named)))
        return Anchors(place, _pick(repository.lines(Path(named)), wanted))
    found: dict[str, Place] = {}
    compared = map(Path, report.requirements)
    for file in (*compared, *repository.files(artifact.absolute().parent)):
        for name, place in _pick(repository.lines(file), wanted).items():
            found.setdefault(name, place)
    pins = {f.fault.pin: repository.place(f.fault.pin) for f in report.findings if f.fault.pin}
    return Anchors(Place(repository.relative(artifact)), found, pins)


def _pick(lines: Mapping[str, Place], wanted: Mapping[str, str]) -> dict[str, Place]:
    return {wanted[name]: place for name, place in lines.items() if name in wanted}


class _Repository:
    """The files of a repository that name distributions, each read once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._read: dict[Path, Mapping[str, Place]] = {}

    def relative(self, path: Path) -> str:
        """Return a path relative to the root, with slashes; only its name where it is outside."""
        real = Path(os.path.realpath(path))
        if real.is_relative_to(self._root):
            return real.relative_to(self._root).as_posix()
        return real.name

    def place(self, site: Site) -> Place:
        """Return a line of a file that was named on the command line."""
        return Place(self.relative(Path(site.path)), site.line)

    def files(self, beside: Path) -> Iterator[Path]:
        """Yield the files that may name a distribution, the nearest first."""
        for folder in dict.fromkeys((*self._upwards(beside), *self._upwards(Path.cwd()))):
            for pattern in _FILES:
                yield from sorted(folder.glob(pattern))

    def _upwards(self, folder: Path) -> Iterator[Path]:
        folder = Path(os.path.realpath(folder))
        for each in (folder, *folder.parents):
            if each.is_relative_to(self._root):
                yield each

    def lines(self, file: Path) -> Mapping[str, Place]:
        """Return where a file first names each distribution, by canonical name."""
        if file not in self._read:
            self._read[file] = self._lines(file)
        return self._read[file]

    def _lines(self, file: Path) -> Mapping[str, Place]:
        try:
            if file.stat().st_size > _LARGEST:
                return {}
            text = file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return {}
        path = self.relative(file)
        names = _reader(file.name)
        found: dict[str, Place] = {}
        for number, line in enumerate(text.splitlines(), 1):
            for name in names(line):
                found.setdefault(_canonical(name), Place(path, number, max(1, len(line))))
        return found


def _reader(name: str) -> Callable[[str], list[str]]:
    """Return what finds the names in a line of a file that is called so."""
    if name == "pyproject.toml":
        return lambda line: [] if line.startswith("name") else _DEPENDENCY.findall(line)
    pattern = _REQUIREMENT
    if name == "Pipfile.lock":
        pattern = _JSON_LOCK
    elif name == "Pipfile":
        pattern = _TABLE_KEY
    elif name.endswith((".lock", ".toml")):
        pattern = _TOML_LOCK
    return pattern.findall


def _canonical(name: str) -> str:
    """Return a distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _root(folder: Path) -> Path:
    """Return the root of the repository that a folder is in, or the folder itself."""
    folder = Path(os.path.realpath(folder))
    for each in (folder, *folder.parents):
        if (each / ".git").exists():
            return each
    return folder
