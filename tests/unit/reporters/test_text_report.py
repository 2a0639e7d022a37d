"""The text a person reads, to the letter."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import PurePosixPath

from tests.factories import (
    RULE,
    a_distribution,
    a_finding,
    a_report,
    an_inventory,
    an_object,
    an_object_report,
)

from abicheck.model import (
    ArtifactKind,
    Counts,
    Failure,
    ObjectKind,
    Report,
    Severity,
    Site,
)
from abicheck.reporters import write_text


def text(*reports: Report, quiet: bool = False) -> str:
    stream = StringIO()
    write_text(reports, stream, color=False, quiet=quiet)
    return stream.getvalue()


def test_an_artifact_without_findings_takes_two_lines() -> None:
    assert text(a_report()) == (
        "PASS  a.zip   a target\n"
        "Nothing found. 0 extensions, 0 distributions, 1 file, 0.0 of 250 MiB.\n"
    )


def test_a_finding_says_what_breaks_where_why_and_the_fix() -> None:
    failure = Failure("ImportError", "libGL.so.1: gone")
    finding = a_finding(
        "pkg/mod.so",
        "needs libGL.so.1",
        distribution=a_distribution("opencv", "4.1"),
        failure=failure,
        why="no folder has it",
        fix="pip install \\\n  something",
    )
    finding = replace(
        finding, fault=replace(finding.fault, via=(Site(PurePosixPath("app.py"), 3),))
    )

    assert text(a_report(finding)) == (
        "FAIL  a.zip   a target\n"
        "\n"
        "Lambda would log:\n"
        "  [ERROR] Runtime.ImportModuleError: Unable to import module 'handler': libGL.so.1: gone\n"
        "\n"
        "error ABI901 made-up: opencv 4.1\n"
        "  file  pkg/mod.so\n"
        "        needs libGL.so.1\n"
        "  why   no folder has it\n"
        "  via   app.py:3\n"
        "  fix   pip install \\\n"
        "          something\n"
        "\n"
        "1 error. 0 extensions, 0 distributions, 1 file, 0.0 of 250 MiB.\n"
        "More: abicheck explain ABI901\n"
    )


def test_a_finding_without_a_distribution_is_titled_by_its_rule() -> None:
    assert "error ABI901 made-up: a fault that no rule knows\n" in text(a_report(a_finding()))


def test_what_the_runtime_says_of_a_finding_is_not_said_twice() -> None:
    failure = Failure("ImportError", "the same")

    assert "says" not in text(a_report(a_finding(failure=failure)))


def test_what_the_runtime_says_of_a_later_finding_is_said_there() -> None:
    first = a_finding(failure=Failure("ImportError", "one"))
    second = a_finding("b.so", rule=replace(RULE, code="ABI902"), failure=Failure("OSError", "two"))

    assert "  says  two\n" in text(a_report(first, second))


def test_a_death_shows_what_the_loader_printed_before_it() -> None:
    failure = Failure(None, None, "exit 127", "Inconsistency detected by ld.so")

    assert (
        "  [ERROR] Runtime.ExitError: Runtime exited with error: exit status 127\n"
        "  Inconsistency detected by ld.so\n"
    ) in text(a_report(a_finding(failure=failure)))


def test_findings_of_one_rule_and_distribution_are_folded() -> None:
    owner = a_distribution("pkg", "1.0")
    findings = [a_finding(f"pkg/m{n}.so", f"fault {n}", distribution=owner) for n in range(10)]

    report = text(a_report(*findings))

    assert report.count("error ABI901") == 1
    assert "  file  pkg/m7.so\n        fault 7\n        and 2 more like these\n" in report
    assert "pkg/m8.so" not in report
    assert "10 errors." in report


def test_equal_faults_of_one_distribution_are_counted_at_the_first_file() -> None:
    owner = a_distribution("pkg", "1.0")
    findings = [a_finding(f"pkg/m{n}.so", "one fault", distribution=owner) for n in range(3)]

    report = text(a_report(*findings))

    assert "  file  pkg/m0.so  and 2 more\n        one fault\n" in report
    assert "pkg/m1.so" not in report


def test_folded_findings_keep_their_own_reason_and_fix() -> None:
    findings = [
        a_finding("mod.so", f"needs lib{n}", why=f"lib{n} is gone", fix=f"cp lib{n} lib/")
        for n in range(2)
    ]

    report = text(a_report(*findings))

    for n in range(2):
        assert f"lib{n} is gone" in report
        assert f"cp lib{n} lib/" in report


def test_findings_of_two_distributions_are_not_folded() -> None:
    findings = [
        a_finding(f"{name}/m.so", distribution=a_distribution(name)) for name in ("one", "two")
    ]

    assert text(a_report(*findings)).count("error ABI901") == 2


def test_a_warning_does_not_fail_and_is_counted() -> None:
    report = text(a_report(a_finding(severity=Severity.WARNING)))

    assert report.startswith("PASS  a.zip   a target\n")
    assert "warning ABI901 made-up" in report
    assert "1 warning." in report
    assert "Lambda would log" not in report


def test_quiet_leaves_the_summary_out() -> None:
    assert text(a_report(), quiet=True) == "PASS  a.zip   a target\n"
    assert "More:" not in text(a_report(a_finding()), quiet=True)


def test_several_artifacts_have_a_line_each_and_details_where_there_are_findings() -> None:
    good = a_report(inventory=an_inventory(artifact="good.zip"))
    bad = a_report(a_finding(), inventory=an_inventory(artifact="bad.zip"))

    lines = text(good, bad, good, quiet=True).splitlines()

    assert [line for line in lines if line.startswith(("PASS", "FAIL"))] == [
        "PASS  good.zip   a target",
        "FAIL  bad.zip   a target",
        "PASS  good.zip   a target",
    ]
    assert lines[1] == ""
    assert lines[-2] == ""


def test_the_whole_artifact_is_written_as_a_dot() -> None:
    assert "  file  .\n" in text(a_report(a_finding("")))


def test_the_summary_counts_extensions_libraries_and_mebibytes() -> None:
    objects = [
        an_object_report(an_object("mod.so"), module="mod"),
        an_object_report(an_object("liby.so"), ObjectKind.LIBRARY),
    ]
    inventory = replace(an_inventory(), counts=Counts(2459, 29 << 20, 1))

    report = text(a_report(inventory=inventory, objects=objects))

    assert "1 extension, 1 library, 0 distributions, 2,459 files, 29 of 250 MiB." in report


def test_only_a_deployment_zip_is_measured_against_lambda_s_limit() -> None:
    inventory = an_inventory(kind=ArtifactKind.WHEEL)

    assert text(a_report(inventory=inventory)).endswith("1 file, 0.0 MiB.\n")


def test_colour_changes_nothing_but_escape_codes() -> None:
    import re  # noqa: PLC0415 - beside its only use

    report = a_report(a_finding("pkg/[bold]mod.so", "says [red]x[/red]", fix="do :smile: this"))
    stream = StringIO()
    write_text([report], stream, color=True)

    assert "\x1b[" in stream.getvalue()
    assert re.sub(r"\x1b\[[\d;]*m", "", stream.getvalue()) == text(report)


def test_a_long_line_is_not_broken_by_colour() -> None:
    stream = StringIO()
    write_text([a_report(a_finding("x" * 300))], stream, color=True)

    assert "x" * 300 in stream.getvalue()


def test_hostile_text_is_escaped_in_every_field() -> None:
    evil = "\x1b[31m\u202e"
    finding = a_finding(
        f"pkg/{evil}.so",
        evil,
        distribution=a_distribution(evil, evil),
        failure=Failure("ImportError", evil, stderr=evil),
        why=evil,
        fix=evil,
    )
    second = replace(finding, rule=replace(RULE, code="ABI902"))
    second = replace(
        second,
        fault=replace(
            second.fault,
            failure=Failure("OSError", evil + "2"),
            via=(Site(PurePosixPath(evil), 1),),
        ),
    )

    report = text(a_report(finding, second, inventory=an_inventory(artifact=evil)))

    assert "\x1b" not in report
    assert "\u202e" not in report
    assert r"\x1b[31m\u202e" in report


def test_a_suppressed_finding_is_counted_and_nothing_else_is_said_of_it() -> None:
    said = text(a_report(suppressed=[a_finding("pkg/mod.so")], function="dashboard"))

    assert said.startswith("PASS  dashboard (a.zip)   ")
    assert "Nothing found, 1 suppressed. " in said
    assert "pkg/mod.so" not in said


def test_a_target_that_is_none_of_lambdas_has_no_log_of_lambdas() -> None:
    """What leaves the import is told as Python tells it."""
    failure = Failure("ImportError", "libGL.so.1: gone")
    report = a_report(a_finding("mod.so", "needs libGL.so.1", failure=failure))
    python = PurePosixPath("/usr/bin/python3.13")
    interpreter = replace(report.profile.interpreter, executable=python)
    elsewhere = replace(report.profile, package="", interpreter=interpreter)

    lines = text(replace(report, profile=elsewhere)).splitlines()
    assert lines[2:4] == ["Python would say:", "  ImportError: libGL.so.1: gone"]

    captured = replace(interpreter, executable=PurePosixPath("/var/lang/bin/python3.13"))
    lambdas = replace(elsewhere, interpreter=captured)
    assert text(replace(report, profile=lambdas)).splitlines()[2] == "Lambda would log:"
