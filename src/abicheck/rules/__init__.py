"""One module per family; the list below is every rule, in the order of their codes.

A rule is a law over the case and knows nothing of selection, suppression or
output.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Final

from abicheck.model import Case, Finding
from abicheck.rules import (
    artifact,
    binaries,
    environment,
    features,
    image,
    image_files,
    layers,
    layout,
    libraries,
    python,
    sizes,
    symbols,
)
from abicheck.rules._rule import Rule

ALL_RULES: Final[tuple[Rule, ...]] = tuple(
    sorted(
        (
            *artifact.RULES,
            *binaries.RULES,
            *python.RULES,
            *symbols.RULES,
            *libraries.RULES,
            *features.RULES,
            *layout.RULES,
            *layers.RULES,
            *environment.RULES,
            *sizes.RULES,
            *image.RULES,
            *image_files.RULES,
        ),
        key=lambda rule: rule.info.code,
    )
)

__all__ = ["ALL_RULES", "Rule", "run_rules"]


def run_rules(rules: Iterable[Rule], case: Case) -> tuple[Finding, ...]:
    """Return every finding, the most severe first, then by code, file and subject."""
    findings = []
    for rule in rules:
        for fault in rule.law(case):
            severity = rule.info.severity if fault.severity is None else fault.severity
            owner = case.owners.get(fault.location)
            findings.append(Finding(rule.info, severity, fault, owner))
    return tuple(sorted(findings, key=_order))


def _order(finding: Finding) -> tuple[int, str, PurePosixPath, str]:
    fault = finding.fault
    return (-finding.severity, finding.rule.code, fault.location.path, fault.subject)
