"""Sentences that several formats share, and what makes text safe to print."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

import pytest
from tests.factories import (
    RULE,
    a_finding,
    a_profile,
    a_report,
    an_image,
    an_inventory,
    irregular,
)

from abicheck.model import (
    ArtifactKind,
    Failure,
    Irregular,
    PackageReport,
    Prediction,
    Severity,
    Verdict,
)
from abicheck.reporters._words import (
    handler_module,
    last_words,
    number,
    printable,
    runtime_log,
    verdict,
)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain text", "plain text"),
        ("", ""),
        ("módulo 拡張 👍", "módulo 拡張 👍"),
        ("red\x1b[31m", r"red\x1b[31m"),
        ("a\nb\tc\rd\x07", r"a\nb\tc\rd\x07"),
        ("c1 \x9b31m", r"c1 \x9b31m"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\u2066\u2069\u200b\ufeff", r"\u2066\u2069\u200b\ufeff"),
        ("\u2028line\u2029", r"\u2028line\u2029"),
        ("\udc80 from a name", r"\udc80 from a name"),
        ("\ue000\U000e0041\U0010ffff", r"\ue000\U000e0041\U0010ffff"),
    ],
)
def test_nothing_of_an_artifact_reaches_the_terminal_as_a_command(text: str, safe: str) -> None:
    assert printable(text) == safe


@pytest.mark.parametrize(
    ("failure", "line"),
    [
        (
            Failure("ImportError", "libGL.so.1: gone"),
            "[ERROR] Runtime.ImportModuleError: Unable to import module 'app': libGL.so.1: gone",
        ),
        (
            Failure("ModuleNotFoundError", "No module named 'x'"),
            "[ERROR] Runtime.ImportModuleError: Unable to import module 'app': No module named 'x'",
        ),
        (Failure("OSError", "libGL.so.1: gone"), "[ERROR] OSError: libGL.so.1: gone"),
        (
            Failure("AttributeError", "module 'os' has no attribute 'x'"),
            "[ERROR] AttributeError: module 'os' has no attribute 'x'",
        ),
        (
            Failure(None, None, "SIGBUS"),
            "[ERROR] Runtime.ExitError: Runtime exited with error: signal: bus error",
        ),
        (
            Failure(None, None, "SIGSEGV"),
            "[ERROR] Runtime.ExitError: Runtime exited with error: signal: segmentation fault",
        ),
        (
            Failure(None, None, "SIGABRT"),
            "[ERROR] Runtime.ExitError: Runtime exited with error: signal: aborted",
        ),
        (
            Failure(None, None, "exit 127", "Inconsistency detected"),
            "[ERROR] Runtime.ExitError: Runtime exited with error: exit status 127",
        ),
    ],
)
def test_the_log_line_is_lambda_s_own(failure: Failure, line: str) -> None:
    """Only an ImportError is wrapped; a death has no exception and ends the runtime."""
    assert runtime_log(failure, "app") == line


@pytest.mark.parametrize(
    ("packages", "handler", "module"),
    [
        (("lambda_function", "handler"), None, "lambda_function"),
        (("app", "pkg"), None, "app"),
        (("pkg",), None, "lambda_function"),
        (("app",), Prediction("pkg.main", Verdict.LOADS), "pkg.main"),
    ],
)
def test_the_handler_s_module_is_the_one_named_else_the_usual_one(
    packages: tuple[str, ...], handler: Prediction | None, module: str
) -> None:
    report = a_report(inventory=replace(an_inventory(), packages=packages), handler=handler)

    assert handler_module(report) == module


def test_a_usual_module_that_loads_is_not_said_to_fail() -> None:
    packages = [PackageReport("app", None, Prediction("app", Verdict.LOADS))]
    report = a_report(inventory=replace(an_inventory(), packages=("app",)), packages=packages)

    assert handler_module(report) == "lambda_function"


def test_a_report_without_errors_passes() -> None:
    assert verdict(a_report(a_finding(severity=Severity.WARNING))) == "pass"
    assert verdict(a_report()) == "pass"


def test_a_report_with_an_error_fails() -> None:
    assert verdict(a_report(a_finding())) == "fail"


def test_a_report_in_which_a_limit_is_all_that_is_wrong_is_incomplete() -> None:
    inventory = an_inventory(irregularities=[irregular(Irregular.LIMIT)])

    assert verdict(a_report(a_finding(subject="limit"), inventory=inventory)) == "incomplete"
    assert verdict(a_report(a_finding(subject="limit"), a_finding(), inventory=inventory)) == "fail"


def test_the_first_failure_is_the_handler_s() -> None:
    mine, other = Failure("ImportError", "mine"), Failure("ImportError", "other")
    handler = Prediction("handler", Verdict.FAILS, mine)

    assert a_report(a_finding(failure=other), handler=handler).first_failure() == mine
    assert a_report(a_finding(failure=other)).first_failure() == other


def test_a_handler_that_loads_dies_of_nothing() -> None:
    finding = a_finding(failure=Failure("ImportError", "of something that it does not import"))

    assert a_report(finding, handler=Prediction("app", Verdict.LOADS)).first_failure() is None


def test_a_warning_is_not_what_the_function_dies_of() -> None:
    failure = Failure("ImportError", "guarded", decided_by=PurePosixPath("/var/task/mod.so"))

    assert a_report(a_finding(severity=Severity.WARNING, failure=failure)).first_failure() is None


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 errors"), (1, "1 error"), (2, "2 errors"), (2459, "2,459 errors")],
)
def test_numbers_and_their_nouns_agree(count: int, words: str) -> None:
    assert number(count, "error") == words


def test_a_noun_may_have_a_plural_of_its_own() -> None:
    assert number(2, "library", "libraries") == "2 libraries"


def test_an_artifact_that_is_none_fails() -> None:
    inventory = an_inventory(
        kind=ArtifactKind.UNREADABLE, irregularities=[irregular(Irregular.NOT_AN_ARCHIVE)]
    )

    assert verdict(a_report(a_finding(rule=RULE), inventory=inventory)) == "fail"


@pytest.mark.parametrize(
    ("executable", "package", "expected"),
    [
        ("/var/lang/bin/python3.13", "zip", "Lambda would log:"),
        ("/var/lang/bin/python3.13", "", "Lambda would log:"),
        ("/usr/bin/python3.13", "", "Python would say:"),
    ],
)
def test_only_lambda_logs(executable: str, package: str, expected: str) -> None:
    """A target that was captured elsewhere raises the exception, and nobody words it anew."""
    profile = a_profile()
    interpreter = replace(profile.interpreter, executable=PurePosixPath(executable))
    profile = replace(profile, interpreter=interpreter, package=package)
    heading, words = last_words(a_report(profile=profile), Failure("ImportError", "no libx.so.1"))

    assert heading == expected
    assert words == "ImportError: no libx.so.1" or words.startswith("[ERROR] Runtime.")
    assert words.startswith("[ERROR]") == heading.startswith("Lambda")


def test_an_image_is_meant_for_lambda_and_a_death_is_no_exception() -> None:
    """Whatever interpreter the image has; elsewhere a signal is named as such."""
    elsewhere = replace(a_profile().interpreter, executable=PurePosixPath("/usr/bin/python3"))
    profile = replace(a_profile(), interpreter=elsewhere)
    image = replace(an_inventory(kind=ArtifactKind.IMAGE), image=an_image())
    death = Failure("", None, crash="SIGSEGV")
    in_image, _ = last_words(a_report(inventory=image, profile=profile), death)
    heading, words = last_words(a_report(profile=profile), death)

    assert in_image == "Lambda would log:"
    assert heading == "The process would end:"
    assert "segmentation fault" in words
