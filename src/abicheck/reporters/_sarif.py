"""SARIF 2.1.0, as GitHub's code scanning wants it.

The OASIS specification gives the shape, and GitHub's page "SARIF support for
code scanning" what is kept of it and how much.  A file above one of its limits
is refused whole, so each is held here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TextIO
from urllib.parse import quote

from abicheck.model import Fault, Finding, FunctionLayer, Report, RuleInfo, Severity, Suppressed
from abicheck.reporters._pages import rule_page
from abicheck.reporters._run import Anchors, Place, Run
from abicheck.reporters._words import layer_of, member, path_in, printable, printable_lines

_SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
# GitHub's maxima.
_RUNS: Final = 20
_RESULTS: Final = 25_000
_DESCRIPTION: Final = 1024
_NAME: Final = 255

_FAMILIES: Final = {
    "0": "artifact",
    "1": "foreign-binary",
    "2": "python-abi",
    "3": "symbol-version",
    "4": "library",
    "5": "loader",
    "6": "layout",
    "7": "distribution",
    "8": "image",
    "9": "smoke-import",
}
_PROBLEM: Final = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.NOTE: "recommendation",
}

Part = tuple[Report, Anchors]


def write(run: Run, stream: TextIO) -> None:
    """Write one SARIF run for each report, or a single one where GitHub would refuse so many."""
    parts = run.anchored()
    if not parts or len(parts) > _RUNS:
        runs = [_run(run, parts, f"{run.category}/")]
    else:
        names = _distinct([_category(run, report) for report, _ in parts])
        runs = [_run(run, [part], f"{name}/") for part, name in zip(parts, names, strict=True)]
    json.dump({"$schema": _SCHEMA, "version": "2.1.0", "runs": runs}, stream, indent=2)
    stream.write("\n")


def _category(run: Run, report: Report) -> str:
    """Return what GitHub keeps the results of one function apart by: all before the last slash."""
    name = report.function or report.inventory.artifact.replace("\\", "/").rpartition("/")[2]
    return f"{run.category}/{printable(name).replace('/', '-')}-{report.profile.machine}"


def _distinct(names: Sequence[str]) -> list[str]:
    """Return the names with a number where one occurs again: GitHub wants each category once."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return found


def _run(run: Run, parts: Sequence[Part], identity: str) -> dict[str, Any]:
    everything = [
        (report, anchors, finding, suppressed)
        for report, anchors in parts
        for finding, suppressed in _findings(report)
    ]
    # What counts first, in the order of the reports; only what a limit cuts off is chosen.
    everything.sort(key=lambda item: item[3] is not None)
    if len(everything) > _RESULTS:
        everything.sort(key=lambda item: (item[3] is not None, -item[2].severity))
    kept = everything[:_RESULTS]
    cards = {finding.rule.code: finding.rule for _, _, finding, _ in kept}
    rules = {code: index for index, code in enumerate(sorted(cards))}
    artifacts = _Artifacts()
    seen: Counter[str] = Counter()
    results = []
    for report, anchors, finding, suppressed in kept:
        index = artifacts.add(report, anchors, finding)
        seen[finding.fingerprint] += 1
        result = _result(report, finding, anchors.of(finding), rules[finding.rule.code])
        result["partialFingerprints"] = {
            "primaryLocationLineHash": f"{finding.fingerprint}:{seen[finding.fingerprint]}"
        }
        if index is not None:
            result["analysisTarget"] = {"index": index}
        result["suppressions"] = [] if suppressed is None else [_suppression(suppressed)]
        results.append(result)
    invocation = _invocation(run, dropped=len(everything) - len(kept))
    return {
        "tool": {
            "driver": {
                "name": "abicheck",
                "version": run.version,
                "semanticVersion": run.version,
                "rules": [_rule(cards[code]) for code in rules],
            }
        },
        "automationDetails": {"id": identity},
        "columnKind": "unicodeCodePoints",
        "invocations": [invocation],
        "artifacts": artifacts.listed,
        "results": results,
    }


def _findings(report: Report) -> Iterator[tuple[Finding, Suppressed | None]]:
    yield from ((finding, None) for finding in report.findings)
    yield from ((suppressed.finding, suppressed) for suppressed in report.suppressed)


class _Artifacts:
    """`run.artifacts`: each archive, and below it the members that have findings."""

    def __init__(self) -> None:
        self.listed: list[dict[str, Any]] = []
        self._index: dict[tuple[str, str], int] = {}

    def add(self, report: Report, anchors: Anchors, finding: Finding) -> int | None:
        """Return the index of a finding's member; None where it is about the whole."""
        uri = _uri(anchors.artifact.path)
        if (uri, "") not in self._index:
            self._index[uri, ""] = len(self.listed)
            archive: dict[str, Any] = {
                "location": {"uri": uri, "uriBaseId": "%SRCROOT%"},
                "roles": ["analysisTarget"],
            }
            if report.inventory.sha256 is not None:
                archive["hashes"] = {"sha-256": report.inventory.sha256}
            self.listed.append(archive)
        location = finding.fault.location
        layer = layer_of(report, location)
        parent = self._index[uri, ""] if layer is None else self._layer(layer)
        path = str(location.path)
        if path == ".":
            return None if layer is None else parent
        key = (uri, path_in(report, location))
        if key not in self._index:
            self._index[key] = len(self.listed)
            self.listed.append({"location": {"uri": _uri(path)}, "parentIndex": parent})
        return self._index[key]

    def _layer(self, layer: FunctionLayer) -> int:
        """Return the index of a function's layer, an archive of its own."""
        key = ("", layer.source)
        if key not in self._index:
            self._index[key] = len(self.listed)
            archive: dict[str, Any] = {"location": {"uri": _uri(layer.name.replace("\\", "/"))}}
            if layer.sha256 is not None:
                archive["hashes"] = {"sha-256": layer.sha256}
            self.listed.append(archive)
        return self._index[key]


def _result(report: Report, finding: Finding, place: Place, rule_index: int) -> dict[str, Any]:
    fault = finding.fault
    path = printable(member(report, finding))
    return {
        "ruleId": finding.rule.code,
        "ruleIndex": rule_index,
        "level": str(finding.severity),
        "message": {"text": _plain(_message(report, finding))},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(place.path), "uriBaseId": "%SRCROOT%"},
                    "region": {
                        "startLine": place.line,
                        "startColumn": 1,
                        "endLine": place.line,
                        "endColumn": place.width + 1,
                    },
                },
                "logicalLocations": [
                    {
                        "name": path.rpartition("/")[2],
                        "fullyQualifiedName": path,
                        "kind": "member",
                    }
                ],
            }
        ],
        "properties": {
            "artifact": printable(report.inventory.artifact),
            "path": path,
            "target": report.profile.name,
            "distribution": None if (d := finding.distribution) is None else printable(str(d)),
            "module": None if fault.module is None else printable(fault.module),
            "subject": printable(fault.subject) or None,
            "evidence": [printable(each) for each in fault.evidence],
            "origin": printable(fault.origin) or None,
            "runtimeMessage": _said(fault),
            "crash": None if fault.failure is None else fault.failure.crash,
            "fix": printable_lines(fault.fix) or None,
        },
    }


def _said(fault: Fault) -> str | None:
    """Return the exception that the runtime would name, and its text."""
    failure = fault.failure
    if failure is None or failure.message is None:
        return None
    return printable_lines(f"{failure.exception}: {failure.message}")


def _message(report: Report, finding: Finding) -> str:
    """Say what, where and why; the member first, for its line in the repository is another file."""
    fault = finding.fault
    owner = f" ({finding.distribution})" if finding.distribution is not None else ""
    where = member(report, finding)
    if report.function:
        where = f"{report.function}: {where}"
    parts = [f"{where}{owner}: {fault.message}"]
    if fault.why:
        parts.append(f"Why: {fault.why}")
    if fault.failure is not None and fault.failure.message:
        parts.append(f"The runtime says: {fault.failure.message}")
    if fault.origin:
        parts.append(f"From: {fault.origin}")
    if fault.via:
        parts.append("Via: " + " > ".join(map(str, fault.via)))
    if fault.fix:
        parts.append(f"Fix: {fault.fix}")
    return "\n".join(printable_lines(part) for part in parts)


def _plain(text: str) -> str:
    """Return a plain text message: no link (SARIF 3.11.6), no placeholder (3.11.5).

    What an artifact says must not become a link that somebody follows.
    """
    return text.replace("](", "] (").replace("{", "{{").replace("}", "}}")


def _suppression(suppressed: Suppressed) -> dict[str, Any]:
    return {
        "kind": "external",
        "status": "accepted",
        "justification": printable(suppressed.reason),
        "properties": {"by": suppressed.by.value, "expires": suppressed.expires},
    }


def _rule(card: RuleInfo) -> dict[str, Any]:
    page = rule_page(card)
    return {
        "id": card.code,
        "name": card.name[:_NAME],
        "shortDescription": {"text": _cut(card.summary)},
        "fullDescription": {"text": _cut(card.explanation or card.summary)},
        "help": {"text": page, "markdown": page},
        "defaultConfiguration": {"level": str(card.severity)},
        "properties": {
            "tags": ["binary-compatibility", _FAMILIES[card.code[3]]],
            "precision": "very-high",
            "problem.severity": _PROBLEM[card.severity],
        },
    }


def _cut(text: str) -> str:
    return text if len(text) <= _DESCRIPTION else text[: _DESCRIPTION - 1] + "…"


def _invocation(run: Run, *, dropped: int) -> dict[str, Any]:
    execution = [_notification(text, "error") for text in run.failures]
    if dropped:
        text = f"{dropped:,} results are left out: GitHub takes {_RESULTS:,} in one run"
        execution.append(_notification(text, "warning"))
    return {
        "executionSuccessful": not run.failures,
        "exitCode": run.status,
        "toolExecutionNotifications": execution,
        "toolConfigurationNotifications": _notifications(run.notices, "warning"),
    }


def _notifications(texts: Iterable[str], level: str) -> list[Mapping[str, Any]]:
    return [_notification(text, level) for text in texts]


def _notification(text: str, level: str) -> Mapping[str, Any]:
    return {"level": level, "message": {"text": _plain(printable(text))}}


def _uri(path: str) -> str:
    """Return a relative path as a URI; a first segment with a colon would be a scheme."""
    return quote(path.encode("utf-8", "surrogateescape"), safe="/")
