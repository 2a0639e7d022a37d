"""`abicheck explain`: a rule, the rules behind a message or a log, the list of rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from abicheck.cli.explain import find_by_message
from abicheck.reporters import rule_page
from abicheck.rules import ALL_RULES

if TYPE_CHECKING:
    from tests.unit.cli.process import Run

CARDS = [rule.info for rule in ALL_RULES]


def test_alone_it_lists_every_rule(run: Run) -> None:
    result = run("explain")

    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [[c.code, c.name] for c in CARDS]
    assert all(line.endswith(c.summary) for line, c in zip(lines, CARDS, strict=True))


@pytest.mark.parametrize("subject", ["ABI301", "abi301", "glibc-too-new", "GLIBC-too-new"])
def test_a_rule_is_explained_by_its_code_or_its_name(call: Run, subject: str) -> None:
    result = call("explain", subject)

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("# ABI301 glibc-too-new\n")


def test_the_page_says_what_the_card_says(call: Run) -> None:
    card = next(card for card in CARDS if card.code == "ABI401")

    assert call("explain", "ABI401").stdout == rule_page(card) + "\n"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (
            "/lib64/libc.so.6: version `GLIBC_2.38' not found (required by /var/task/x.so)",
            "ABI301",
        ),
        ("/lib64/libstdc++.so.6: version `GLIBCXX_3.4.32' not found (required by x)", "ABI303"),
        ("/var/task/x.so: undefined symbol: PyUnicodeUCS4_DecodeUTF8", "ABI202"),
        ("/var/task/x.so: wrong ELF class: ELFCLASS32", "ABI104"),
        ("/var/task/x.so: file too short", "ABI106"),
        ("dynamic module does not define module export function (PyInit_x)", "ABI205"),
        (
            "libpython3.8.so.1.0: cannot open shared object file: No such file or directory",
            "ABI203",
        ),
        ("/var/task/x.so: CPU ISA level is lower than required", "ABI503"),
        ("module 'os' has no attribute 'add_dll_directory'", "ABI102"),
    ],
)
def test_the_most_specific_rule_for_a_message_comes_first(message: str, code: str) -> None:
    assert find_by_message(message, CARDS)[0].code == code


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("wrong ELF class: ELFCLASS32", "ABI104"),
        ("invalid ELF header", "ABI101"),
        ("version `GLIBC_2.38' not found (required by x.so)", "ABI301"),
        ("undefined symbol: PyUnicodeUCS4_DecodeUTF8", "ABI202"),
    ],
)
def test_a_message_may_be_pasted_without_the_path_before_it(message: str, code: str) -> None:
    assert code in {card.code for card in find_by_message(message, CARDS)}


def test_a_message_may_be_pasted_word_by_word(call: Run) -> None:
    """Unquoted, as people do."""
    result = call("explain", *["/var/task/x.so:", "wrong", "ELF", "class:", "ELFCLASS32"])

    assert result.returncode == 0
    assert result.stdout.startswith("# ABI104 ")


def test_a_log_is_read_from_standard_input(run: Run) -> None:
    log = (
        "START RequestId: 1\n"
        "[ERROR] Runtime.ImportModuleError: Unable to import module 'app': "
        "No module named 'pydantic_core._pydantic_core'\n"
        "Traceback (most recent call last):\n"
        "END RequestId: 1\n"
    )

    result = run("explain", "-", stdin=log)

    assert result.returncode == 0
    assert "# ABI201 wrong-python-tag\n" in result.stdout


def test_a_message_that_several_rules_predict_shows_them_all(call: Run) -> None:
    result = call("explain", "x.so: invalid ELF header")

    assert [line for line in result.stdout.splitlines() if line.startswith("# ")] == [
        "# ABI101 macos-binary",
        "# ABI102 windows-binary",
        "# ABI106 not-a-binary",
    ]


@pytest.mark.parametrize(
    ("subject", "hint"),
    [
        ("ABI30", "did you mean ABI30"),
        ("glibc-to-new", "did you mean glibc-too-new?"),
        ("Task timed out after 3.00 seconds", "`abicheck explain` lists the rules"),
        ("", "`abicheck explain` lists the rules"),
    ],
)
def test_what_no_rule_predicts_is_a_wrong_request(call: Run, subject: str, hint: str) -> None:
    result = call("explain", subject)

    assert (result.returncode, result.stdout) == (2, "")
    assert hint in result.stderr


def test_a_message_is_found_in_a_long_log() -> None:
    """A million bytes on either side: what searches from every line on does not come back."""
    log = "START RequestId: 12345 Version: $LATEST\n" * 25_000

    found = find_by_message(f"{log}x.so: file too short\n{log}", CARDS)

    assert found[0].code == "ABI106"


def test_a_message_is_not_pieced_together_from_two_lines() -> None:
    log = "x: version `GLIBC_2.38' is what we have\n'something else' not found (required by y)\n"

    assert find_by_message(log, CARDS) == []


def test_an_empty_log_is_a_wrong_request(call: Run) -> None:
    assert call("explain", "-", stdin="").returncode == 2
