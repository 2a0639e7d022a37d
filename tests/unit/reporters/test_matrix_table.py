"""The table of `abicheck matrix`, of values."""

from __future__ import annotations

from tests.factories import a_distribution, a_finding, a_report

from abicheck.model import Failure, Finding, RuleInfo, Severity
from abicheck.reporters import matrix_json, matrix_text

SYMBOL = RuleInfo("ABI901", "a", Severity.ERROR, "a symbol", messages=("*: undefined symbol: *",))
VERSION = RuleInfo(
    "ABI902", "b", Severity.ERROR, "a version", messages=("*: version `*' not found (*)",)
)
SAID = Failure("ImportError", "/lib64/libc.so.6: version `V_2' not found (required by mod.so)")


def answer(*findings: Finding) -> str:
    """The only row's last column."""
    return matrix_text([a_report(*findings)]).splitlines()[2].split(maxsplit=2)[2]


def test_what_has_no_error_loads() -> None:
    warning = a_finding(severity=Severity.WARNING)

    assert answer() == "loads"
    assert answer(warning) == "loads, with 1 warning"
    assert answer(warning, warning) == "loads, with 2 warnings"


def test_the_reason_is_of_the_rule_that_predicts_what_the_runtime_says_first() -> None:
    """The loader looks at versions before symbols, whatever the codes of the rules are."""
    symbol = a_finding("mod.so", "lacks f", rule=SYMBOL, failure=SAID)
    version = a_finding("mod.so", "needs V_2", rule=VERSION, failure=SAID)

    assert answer(symbol, version) == "ABI902 mod.so: needs V_2"


def test_a_distribution_is_named_before_its_file() -> None:
    finding = a_finding("mod.so", "needs V_2", distribution=a_distribution("pkg", "1.0"))

    assert answer(finding) == "ABI901 pkg 1.0: needs V_2"


def test_a_long_reason_gives_way_to_a_short_one_and_is_cut_last() -> None:
    long, short = "x" * 70, "built for CPython 3.11"

    assert answer(a_finding("mod.so", long, why=f"{short}; {long}")) == f"ABI901 mod.so: {short}"
    cut = answer(a_finding("mod.so", long, why=long))
    assert cut.startswith("ABI901 xxx")
    assert cut.endswith("...")


def test_json_has_what_the_table_cuts() -> None:
    long = "x" * 70

    [row] = matrix_json([a_report(a_finding("mod.so", long))])["targets"]

    assert row["reason"] == f"mod.so: {long}"
