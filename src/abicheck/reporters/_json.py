"""JSON, version 1: written field by field, because it is a promise.

The schema is `schema/report-v1.json` beside this module; the model may
change, version 1 may not.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TextIO

from abicheck.model import (
    ColdStart,
    Dependency,
    Distribution,
    ElfFacts,
    Failure,
    Finding,
    ForeignFile,
    FunctionLayer,
    Halt,
    ImageFacts,
    ObjectReport,
    PackageReport,
    Prediction,
    Reconciled,
    Report,
    Severity,
)
from abicheck.reporters._run import Run
from abicheck.reporters._words import handler_module, runtime_log, verdict

SCHEMA_VERSION = 1


def write(run: Run, stream: TextIO) -> None:
    """Write a run as one document."""
    write_json(run.reports, run.version, stream)


def write_json(reports: Sequence[Report], version: str, stream: TextIO) -> None:
    """Write every report as one document; ASCII only, and the same bytes for the same input."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "abicheck", "version": version},
        "artifacts": [_artifact(report) for report in reports],
    }
    json.dump(document, stream, indent=2)
    stream.write("\n")


def _artifact(report: Report) -> dict[str, Any]:
    inventory, profile = report.inventory, report.profile
    handler = handler_module(report)
    return {
        "path": inventory.artifact,
        "function": report.function,
        "kind": inventory.kind.value,
        "sha256": inventory.sha256,
        "is_layer": inventory.is_layer,
        "image": None if inventory.image is None else _image(inventory.image),
        "layers": [_layer(layer) for layer in inventory.layers],
        "target": {
            "name": profile.name,
            "title": profile.title,
            "machine": profile.machine,
            "libc": f"glibc {profile.glibc}",
            "python": profile.interpreter.dotted,
            "as_of": profile.as_of,
        },
        "would_load_on": None
        if report.elsewhere is None
        else {
            "runtime": report.elsewhere.runtime,
            "architecture": report.elsewhere.architecture,
            "plainly": report.elsewhere.plainly,
        },
        "verdict": verdict(report),
        "setting": report.setting,
        "handler": None if report.handler is None else _prediction(report.handler),
        "requirements": list(report.requirements),
        "counts": {
            "errors": report.count(Severity.ERROR),
            "warnings": report.count(Severity.WARNING),
            "notes": report.count(Severity.NOTE),
            "suppressed": len(report.suppressed),
            "files": inventory.counts.members,
            "size": inventory.counts.size,
            "objects": len(report.objects),
            "extensions": sum(item.module is not None for item in report.objects),
            "distributions": len(inventory.distributions),
            "packages": len(report.packages),
            "bound": sum(item.link_map.bound for item in report.objects),
            "assumed": sum(item.link_map.assumed for item in report.objects),
        },
        "findings": [_finding(finding, handler) for finding in report.findings],
        "suppressed": [
            {
                **_finding(item.finding, handler),
                "suppressed_by": item.by.value,
                "reason": item.reason,
                "expires": item.expires,
            }
            for item in report.suppressed
        ],
        "objects": [_object(item) for item in report.objects],
        "packages": [_package(item) for item in report.packages],
        "distributions": [_distribution(item) for item in inventory.distributions],
        "smoke": _smoke(report),
    }


def _image(facts: ImageFacts) -> dict[str, Any]:
    """Return what an image is besides its files."""
    config, entry = facts.config, facts.entry_point
    return {
        "id": config.id,
        "digest": config.digest,
        "names": list(config.names),
        "platform": str(config.platform) or None,
        "layers": [
            {
                "diff_id": layer.diff_id,
                "digest": layer.digest,
                "media_type": layer.media_type or None,
                "size": layer.size,
                "created_by": layer.created_by or None,
            }
            for layer in facts.layers
        ],
        "unpacked": facts.unpacked,
        "entry_point": None if entry is None else [entry.name, *entry.arguments],
        "handler": facts.handler,
        "runtime_client": facts.client or None,
        "base": None if facts.drift is None else facts.drift.target,
        "whole": facts.whole,
    }


def _smoke(report: Report) -> dict[str, Any] | None:
    """Return what was imported for real; `missing` says why nothing was."""
    run = report.smoke
    if run is None:
        return {"missing": report.unsmoked} if report.unsmoked else None
    return {
        "image": run.image,
        "pinned": run.pinned or None,
        "digest": run.digest or None,
        "id": run.id,
        "platform": run.platform,
        "engine": run.engine,
        "python": run.python,
        "discarded": run.discarded,
        "imports": [_reconciled(each) for each in report.reconciled],
        "cold_start": None if report.cold_start is None else _cold_start(report.cold_start),
    }


def _reconciled(each: Reconciled) -> dict[str, Any]:
    made = each.made
    return {
        "module": made.module,
        "path": str(each.location.path),
        "agreement": each.agreement.value,
        "outcome": made.outcome.value,
        "happened": _failure(made.failure),
        "predicted": _failure(each.predicted),
        "microseconds": made.microseconds,
    }


def _failure(failure: Failure | None) -> dict[str, Any] | None:
    if failure is None:
        return None
    return {
        "exception": failure.exception,
        "message": failure.message,
        "crash": failure.crash,
        "stderr": failure.stderr,
    }


def _cold_start(cold: ColdStart) -> dict[str, Any]:
    return {
        "module": cold.module,
        "microseconds": cold.total_us,
        "budget": cold.budget_us,
        "shares": [{"name": s.name, "microseconds": s.self_us} for s in cold.shares],
    }


def _layer(layer: FunctionLayer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "path": layer.source,
        "kind": layer.kind.value,
        "sha256": layer.sha256,
        "packed": layer.packed,
        "files": layer.counts.members,
        "size": layer.counts.size,
    }


def _finding(finding: Finding, handler: str) -> dict[str, Any]:
    fault, owner = finding.fault, finding.distribution
    failure = fault.failure
    return {
        "code": finding.rule.code,
        "name": finding.rule.name,
        "severity": str(finding.severity),
        "path": str(fault.location.path),
        "layer": fault.location.layer or None,
        "module": fault.module,
        "distribution": owner.name if owner is not None else None,
        "version": owner.version if owner is not None else None,
        "message": fault.message,
        "why": fault.why or None,
        "subject": fault.subject or None,
        "exception": failure.exception if failure is not None else None,
        "runtime_message": failure.message if failure is not None else None,
        "runtime_log": runtime_log(failure, handler) if failure is not None else None,
        "crash": failure.crash if failure is not None else None,
        "stderr": failure.stderr if failure is not None else None,
        "via": [str(site) for site in fault.via],
        "evidence": list(fault.evidence),
        "origin": fault.origin or None,
        "pin": None if fault.pin is None else {"path": str(fault.pin.path), "line": fault.pin.line},
        "fix": fault.fix or None,
        "fingerprint": finding.fingerprint,
    }


def _prediction(prediction: Prediction) -> dict[str, Any]:
    failure = prediction.failure
    return {
        "module": prediction.module,
        "import": prediction.verdict.value,
        "exception": failure.exception if failure is not None else None,
        "runtime_message": failure.message if failure is not None else None,
        "crash": failure.crash if failure is not None else None,
        "via": [str(site) for site in prediction.via],
    }


def _object(item: ObjectReport) -> dict[str, Any]:
    prediction, alone = item.prediction, item.alone
    failure = prediction.failure if prediction is not None else None
    if failure is None and prediction is None and alone is not None:
        failure = alone.failure
    decided = failure.decided_by if failure is not None else None
    owner = item.distribution
    return {
        "path": str(item.location.path),
        "layer": item.location.layer or None,
        "kind": item.kind.value,
        "distribution": owner.name if owner is not None else None,
        "version": owner.version if owner is not None else None,
        "module": item.module,
        "import": prediction.verdict.value if prediction is not None else None,
        "decided_by": str(decided) if decided is not None else None,
        "crash": failure.crash if failure is not None else None,
        "runtime_message": failure.message if failure is not None else None,
        "dlopen_alone": _alone(alone),
        "dlopen_message": alone.failure.message if alone is not None else None,
        "libraries": [_library(each) for each in item.link_map.dependencies],
        "facts": _facts(item.facts),
    }


def _library(dependency: Dependency) -> dict[str, Any]:
    """Return what one DT_NEEDED entry comes to: which file, and by which of the loader's ways."""
    found = dependency.found_by
    return {
        "name": dependency.name,
        "needed_by": str(dependency.requester),
        "provider": None if dependency.provider is None else str(dependency.provider),
        "found_by": None if found is None else found.value,
    }


def _alone(halt: Halt | None) -> str:
    if halt is None:
        return "loads"
    return "fails" if halt.certain else "uncertain"


def _facts(facts: ElfFacts | ForeignFile) -> dict[str, Any]:
    if isinstance(facts, ForeignFile):
        return {"format": facts.kind.value, "size": facts.size}
    header = facts.header
    return {
        "format": "ELF",
        "size": facts.size,
        "class": {1: 32, 2: 64}.get(header.ei_class) if header is not None else None,
        "machine": facts.machine or None,
        "soname": facts.soname,
        "needed": list(facts.needed),
        "rpath": facts.rpath,
        "runpath": facts.runpath,
        "version_needs": [
            {"soname": need.soname, "version": need.version, "weak": need.weak}
            for need in facts.version_needs
        ],
        "version_definitions": list(facts.table.versions or ()),
        "undefined": [
            {"name": ref.name, "version": ref.version, "weak": ref.weak} for ref in facts.undefined
        ],
        "isa_needed": facts.isa_needed,
        "kernel": ".".join(map(str, facts.kernel)) if facts.kernel is not None else None,
        "exec_stack": facts.exec_stack,
        "static_tls": facts.static_tls,
        "relr": facts.relr,
        "load_alignment": sorted({s.align for s in facts.segments if s.type == 1}),
        "build_id": facts.build_id,
        "compilers": list(facts.compilers),
        "defect": facts.defect,
    }


def _package(item: PackageReport) -> dict[str, Any]:
    failure = item.prediction.failure
    decided = failure.decided_by if failure is not None else None
    owner = item.distribution
    return {
        "name": item.name,
        "distribution": owner.name if owner is not None else None,
        "import": item.prediction.verdict.value,
        "decided_by": str(decided) if decided is not None else None,
        "runtime_message": failure.message if failure is not None else None,
        "crash": failure.crash if failure is not None else None,
    }


def _distribution(item: Distribution) -> dict[str, Any]:
    return {
        "name": item.name,
        "version": item.version,
        "layer": item.location.layer or None,
        "tags": list(item.tags),
    }
