"""The table of `abicheck inspect`: every binary with its facts, never a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from abicheck.model import ElfFacts, ForeignFile, ObjectReport, Report
from abicheck.reporters._words import path_in, printable

_HEADER = ("path", "kind", "machine", "module", "glibc", "run path", "needed", "built with")


def write_inspect(reports: Sequence[Report], stream: TextIO) -> None:
    """Write one table an artifact, columns as wide as their content, tab-free."""
    for index, report in enumerate(reports):
        if index:
            stream.write("\n")
        stream.write(f"{printable(report.inventory.artifact)}\n")
        rows = [_HEADER, *(_row(report, item) for item in report.objects)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER) - 1)]
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
            stream.write("  ".join((*cells, row[-1])).rstrip() + "\n")
        if not report.objects:
            stream.write("no binaries\n")


def _row(report: Report, item: ObjectReport) -> tuple[str, ...]:
    facts = item.facts
    path = printable(path_in(report, item.location))
    module = printable(item.module or "-")
    if isinstance(facts, ForeignFile):
        return (path, item.kind.value, facts.kind.value, module, "-", "-", "-", "-")
    run_path = facts.runpath or facts.rpath
    tag = "" if run_path is None else ("RUNPATH " if facts.runpath is not None else "RPATH ")
    return (
        path,
        item.kind.value,
        facts.machine or "?",
        module,
        _highest_glibc(facts),
        printable(tag + run_path) if run_path is not None else "-",
        printable(" ".join(facts.needed)) or "-",
        printable("; ".join(facts.compilers)) or "-",
    )


def _highest_glibc(facts: ElfFacts) -> str:
    versions = [
        tuple(int(part) for part in need.version.removeprefix("GLIBC_").split("."))
        for need in facts.version_needs
        if need.version.removeprefix("GLIBC_").replace(".", "").isdecimal()
        and need.version.startswith("GLIBC_")
        and not need.weak
    ]
    return ".".join(map(str, max(versions))) if versions else "-"
