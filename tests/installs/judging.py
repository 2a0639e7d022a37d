"""What abicheck says of an install, whole and broken."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.installs.breaking import BREAKERS, Broken
from tests.installs.installing import install, link, pack

from abicheck.model import Finding, Report, Severity
from abicheck.pipeline import check
from abicheck.profiles import DEFAULT_TARGET, load_profile

# What is said of an install that works, above a note, and why it is true all the same.
_S3: Final = {"ABI011": "more than 50 MB packed: Lambda takes it from S3 alone"}
TRUE_WARNINGS: Final[Mapping[str, Mapping[str, str]]] = {
    "lightgbm": _S3 | {"ABI401": "lib_lightgbm.so needs libgomp.so.1, which Lambda has not"},
    "numba": _S3 | {"ABI401": "its OpenMP and TBB pools bring no library; imports are guarded"},
    **dict.fromkeys(("opencv-python-headless", "pandas", "scikit-learn"), _S3),
}
# What the runtime brings, so that an install may do without.
_SUPPLIED: Final = frozenset({"boto3", "botocore", "jmespath", "s3transfer", "six", "urllib3"})


@dataclass(slots=True)
class Tally:
    """How many installs were broken in which way, and what is wrong with what was said."""

    broken: Counter[str] = field(default_factory=Counter)
    silent: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def judged(folder: Path) -> Report:
    """Return what abicheck says of the folder, zipped."""
    with tempfile.TemporaryDirectory() as place:
        return check(pack(folder, Path(place, "function.zip")), load_profile(DEFAULT_TARGET))


def above_note(name: str, report: Report) -> list[str]:
    """Return the findings that an install which works should not have."""
    known = TRUE_WARNINGS.get(name, {})
    return [
        _said(finding)
        for finding in report.findings
        if finding.severity > Severity.NOTE and finding.rule.code not in known
    ]


def _said(finding: Finding) -> str:
    fault = finding.fault
    owner = finding.distribution.name if finding.distribution is not None else ""
    words = (fault.location.path, fault.subject, fault.message, fault.why, *fault.evidence, owner)
    return f"{finding.rule.code} {finding.severity.name} " + " | ".join(map(str, words))


def break_install(name: str, folder: Path, before: Report, tally: Tally, examples: int) -> None:
    """Break copies of an install in every way, each at places that chance chooses."""
    whole = {_said(finding) for finding in before.findings}
    for kind in BREAKERS:
        chosen = settings(
            max_examples=examples,
            derandomize=True,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        chosen(given(st.data())(_breaking(kind, name, folder, whole, tally)))()


def _breaking(
    kind: str, name: str, folder: Path, whole: AbstractSet[str], tally: Tally
) -> Callable[[st.DataObject], None]:
    """Return what breaks one copy in one way."""

    def once(data: st.DataObject) -> None:
        with tempfile.TemporaryDirectory(dir=folder.parent) as place:
            copy = link(folder, Path(place, "copy"))
            broken = BREAKERS[kind](copy, data.draw)
            if broken is not None:
                tally.broken[kind] += 1
                known = TRUE_WARNINGS.get(name, {})  # their numbers may change
                found = (f for f in judged(copy).findings if f.rule.code not in known)
                told = sorted({_said(finding) for finding in found} - whole)
                faults = _faults(broken, told, copy, tally)
                tally.wrong += (f"{name}: {broken.what}: {fault}" for fault in faults)

    return once


def _faults(broken: Broken, told: list[str], folder: Path, tally: Tally) -> Iterator[str]:
    if not told and not _may_be_silent(broken, folder):
        yield "nothing is said"
    if not told:
        tally.silent[broken.what.rpartition(" ")[2]] += 1
    for text in told:
        if not any(word.lower() in text.lower() for word in broken.about):
            yield f"something else is said: {text}"


def _may_be_silent(broken: Broken, folder: Path) -> bool:
    """Whether a distribution was removed that no other one asks for, or that the runtime has."""
    if not broken.what.endswith(" removed"):
        return False
    name = re.sub(r"[-_.]+", "-", broken.what.partition("-")[0]).lower()
    return name in _SUPPLIED or not any(
        re.match(rf"requires-dist: {name}\b(?![-.])", re.sub(r"[_]", "-", line.lower()))
        and "extra" not in line
        for path in folder.glob("*.dist-info/METADATA")
        for line in path.read_text(encoding="utf-8").splitlines()
    )


def run(names: list[str], installers: list[str], examples: int, place: Path) -> Tally:
    """Install, judge and break; what is wrong is in the tally."""
    tally = Tally()
    for name in names:
        for installer in installers:
            root = place / f"{name}-{installer}"
            root.mkdir()
            folder = install(name, root / "whole", installer)
            report = judged(folder)
            tally.wrong += (f"{name} by {installer}: {text}" for text in above_note(name, report))
            if installer == installers[0] and examples:
                break_install(name, folder, report, tally, examples)
            shutil.rmtree(root)
    return tally
