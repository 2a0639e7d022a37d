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
    distributions,
    environment,
    features,
    handler,
    image,
    image_files,
    layers,
    layout,
    libraries,
    permissions,
    pins,
    python,
    records,
    shadowing,
    sizes,
    smoke,
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
            *handler.RULES,
            *layout.RULES,
            *layers.RULES,
            *environment.RULES,
            *sizes.RULES,
            *pins.RULES,
            *distributions.RULES,
            *records.RULES,
            *permissions.RULES,
            *shadowing.RULES,
            *image.RULES,
            *image_files.RULES,
            *smoke.RULES,
        ),
        key=lambda rule: rule.info.code,
    )
)

# Those that judge what a smoke import showed; the rest are silent about it.
SMOKE_RULES: Final[tuple[Rule, ...]] = smoke.RULES

__all__ = ["ALL_RULES", "SMOKE_RULES", "Rule", "in_order", "run_rules"]


def run_rules(rules: Iterable[Rule], case: Case) -> tuple[Finding, ...]:
    """Return every finding, in the order of `in_order`."""
    findings = []
    for rule in rules:
        for fault in rule.law(case):
            severity = rule.info.severity if fault.severity is None else fault.severity
            owner = case.owners.get(fault.location)
            findings.append(Finding(rule.info, severity, fault, owner))
    return in_order(findings)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings as they are printed: the most severe first, then by code, file and subject.

    What shows that a prediction was wrong stands before all else: it puts the rest in doubt.
    """
    return tuple(sorted(findings, key=_order))


def _order(finding: Finding) -> tuple[bool, int, str, PurePosixPath, str]:
    fault, code = finding.fault, finding.rule.code
    is_wrong = code in smoke.DISAGREEMENTS
    return (not is_wrong, -finding.severity, code, fault.location.path, fault.subject)
