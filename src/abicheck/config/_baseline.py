"""The baseline: findings that were there before, by fingerprint.

A fingerprint survives a rebuild, so a baseline does too.  A finding of one
function says nothing of another: each is known to its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from abicheck.errors import ConfigError
from abicheck.model import Finding, Report

_VERSION: Final = 1

Key = tuple[str | None, str]
"""A function's name, None for an artifact that the configuration does not name; a fingerprint."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """Known findings; each entry keeps what people read beside what is compared."""

    entries: tuple[tuple[Key, str, str], ...] = ()

    @classmethod
    def of(cls, reports: Iterable[Report]) -> Baseline:
        """Return a baseline that knows every finding of the reports, suppressed ones apart."""
        found = {
            key_of(report, finding): (finding.rule.code, str(finding.fault.location.path))
            for report in reports
            for finding in report.findings
        }
        return cls(_sorted((key, code, path) for key, (code, path) in found.items()))

    def keys(self) -> frozenset[Key]:
        """Return what is known."""
        return frozenset(key for key, _, _ in self.entries)

    def without_mended(self, reports: Iterable[Report]) -> Baseline:
        """Return what is still found; functions that were not examined keep their entries."""
        reports = tuple(reports)
        examined = {report.function for report in reports}
        found = {
            key_of(report, finding)
            for report in reports
            for finding in (*report.findings, *(item.finding for item in report.suppressed))
        }
        kept = (e for e in self.entries if e[0][0] not in examined or e[0] in found)
        return Baseline(_sorted(kept))

    def text(self) -> str:
        """Return the file's content: sorted, one finding a line, so that differences are read."""
        lines = [
            json.dumps({"code": code, "path": path, "function": key[0], "fingerprint": key[1]})
            for key, code, path in self.entries
        ]
        body = ",\n".join(f"    {line}" for line in lines)
        body = f"[\n{body}\n  ]" if lines else "[]"
        return f'{{\n  "version": {_VERSION},\n  "findings": {body}\n}}\n'


def key_of(report: Report, finding: Finding) -> Key:
    """Return what a finding is known by."""
    return report.function, finding.fingerprint


def _sorted(entries: Iterable[tuple[Key, str, str]]) -> tuple[tuple[Key, str, str], ...]:
    return tuple(sorted(entries, key=lambda e: (e[0][0] or "", e[1], e[2], e[0][1])))


def read_baseline(path: Path) -> Baseline:
    """Read a baseline; raises `ConfigError` where it cannot be read or is none."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = f"{path}: {error.strerror or error}"
        raise ConfigError(reason) from error
    except (ValueError, RecursionError) as error:
        reason = f"{path}: not a baseline: {error}"
        raise ConfigError(reason) from error
    if not isinstance(document, dict) or document.get("version") != _VERSION:
        reason = f"{path}: not a baseline of version {_VERSION}"
        raise ConfigError(reason)
    findings = document.get("findings")
    if not isinstance(findings, list):
        reason = f"{path}: findings: expected a list"
        raise ConfigError(reason)
    return Baseline(_sorted(_entry(path, index, item) for index, item in enumerate(findings)))


def _entry(path: Path, index: int, item: object) -> tuple[Key, str, str]:
    fields = ("fingerprint", "code", "path")
    if not isinstance(item, dict) or not all(isinstance(item.get(f), str) for f in fields):
        reason = f"{path}: findings[{index}]: expected a code, a path and a fingerprint"
        raise ConfigError(reason)
    function = item.get("function")
    if function is not None and not isinstance(function, str):
        reason = f"{path}: findings[{index}].function: expected text or null"
        raise ConfigError(reason)
    return (function, item["fingerprint"]), item["code"], item["path"]
