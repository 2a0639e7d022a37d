"""One line a finding, for editors and `grep`: `path: severity CODE name: message`."""

from __future__ import annotations

from typing import TextIO

from abicheck.model import ArtifactKind, Finding, Report
from abicheck.reporters._run import Run
from abicheck.reporters._words import layer_of, printable


def write(run: Run, stream: TextIO) -> None:
    """Write the findings in their order; nothing where there are none."""
    for report in run.reports:
        for finding in report.findings:
            where = printable(_path(report, finding))
            rule = finding.rule
            message = " ".join(printable(finding.fault.message).split())
            stream.write(f"{where}: {finding.severity} {rule.code} {rule.name}: {message}\n")


def _path(report: Report, finding: Finding) -> str:
    """Return the member below its artifact: in a folder that is a file that opens."""
    location = finding.fault.location
    layer = layer_of(report, location)
    artifact, inner = layer.source if layer else report.inventory.artifact, location.path
    if not inner.parts or report.inventory.kind is ArtifactKind.OBJECT:
        return artifact
    return f"{artifact.rstrip('/')}/{inner}"
