"""JUnit's XML, as Jenkins and GitLab read it: a suite for each artifact, a case for each binary.

The schema is that of Jenkins' xUnit plugin, `junit-10.xsd`.  There is no time
in it: the same input gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TextIO
from xml.etree import ElementTree as ET

from abicheck.model import Finding, Report, Suppressed
from abicheck.reporters._run import Run
from abicheck.reporters._words import number, path_in, printable, printable_lines, title

_WHOLE: Final = "."


def write(run: Run, stream: TextIO) -> None:
    """Write every binary as a test: it fails where a finding reaches the fail level."""
    root = ET.Element("testsuites", name="abicheck")
    for report in run.reports:
        _suite(root, run, report)
    for failure in run.failures:
        suite = ET.SubElement(root, "testsuite", name=printable(failure))
        case = ET.SubElement(suite, "testcase", name="examine", classname="abicheck")
        ET.SubElement(case, "error", message=printable(failure), type="ArtifactError")
        _count(suite)
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ET.indent(root)
    stream.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    stream.write(ET.tostring(root, encoding="unicode") + "\n")


def _suite(root: ET.Element, run: Run, report: Report) -> None:
    suite = ET.SubElement(root, "testsuite", name=title(report))
    properties = ET.SubElement(suite, "properties")
    ET.SubElement(properties, "property", name="target", value=report.profile.name)
    if report.inventory.sha256 is not None:
        ET.SubElement(properties, "property", name="sha256", value=report.inventory.sha256)
    findings = _by_path(report, report.findings)
    suppressed = _by_path(report, (item.finding for item in report.suppressed))
    reasons = {id(item.finding): item for item in report.suppressed}
    owners = {path_in(report, item.location): item.distribution for item in report.objects}
    for path in dict.fromkeys((_WHOLE, *owners, *findings, *suppressed)):
        owner = owners.get(path)
        name = "the artifact" if path == _WHOLE else printable(path)
        group = printable(owner.name) if owner is not None else "abicheck"
        case = ET.SubElement(suite, "testcase", name=name, classname=group)
        _judge(case, run, findings.get(path, []))
        known = [reasons[id(finding)] for finding in suppressed.get(path, [])]
        if known and path not in findings:
            ET.SubElement(case, "skipped", message=_reasons(known))
    _count(suite)


def _by_path(report: Report, findings: Iterable[Finding]) -> Mapping[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(path_in(report, finding.fault.location), []).append(finding)
    return found


def _judge(case: ET.Element, run: Run, findings: list[Finding]) -> None:
    failing = [finding for finding in findings if finding.severity >= run.level]
    if failing:
        first = failing[0]
        more = f" (and {number(len(failing) - 1, 'more finding')})" if len(failing) > 1 else ""
        message = printable(f"{first.rule.code} {first.rule.name}: {first.fault.message}{more}")
        failure = ET.SubElement(case, "failure", type=first.rule.code, message=message)
        failure.text = "\n\n".join(_told(finding) for finding in failing)
    others = [finding for finding in findings if finding.severity < run.level]
    if others:
        ET.SubElement(case, "system-out").text = "\n\n".join(_told(finding) for finding in others)


def _told(finding: Finding) -> str:
    fault, rule = finding.fault, finding.rule
    lines = [f"{finding.severity} {rule.code} {rule.name}: {fault.message}"]
    if fault.why:
        lines.append(f"why: {fault.why}")
    if fault.failure is not None and fault.failure.message:
        lines.append(f"says: {fault.failure.message}")
    if fault.fix:
        lines.append(f"fix: {fault.fix}")
    return "\n".join(printable_lines(line) for line in lines)


def _reasons(known: list[Suppressed]) -> str:
    return printable("; ".join(f"{item.finding.rule.code}: {item.reason}" for item in known))


def _count(suite: ET.Element) -> None:
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(case.find(tag) is not None for case in cases)))
