"""`abicheck explain`: a rule, the rules behind a message or a log, the list of rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from abicheck.reporters import rule_page
from abicheck.rules import ALL_RULES
from abicheck.rules.diagnosis import diagnose

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
    assert diagnose(message, CARDS)[0].rules[0].code == code


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
    assert code in {card.code for card in diagnose(message, CARDS)[0].rules}


def test_a_message_may_be_pasted_word_by_word(call: Run) -> None:
    """Unquoted, as people do."""
    result = call("explain", *["/var/task/x.so:", "wrong", "ELF", "class:", "ELFCLASS32"])

    assert result.returncode == 0
    assert "\n# ABI104 wrong-elf-class\n" in result.stdout


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


def test_a_message_that_several_rules_predict_ranks_them_and_shows_the_first(call: Run) -> None:
    result = call("explain", "x.so: invalid ELF header")

    lines = result.stdout.splitlines()
    assert lines[:5] == [
        "The message:",
        "  x.so: invalid ELF header",
        "  1. ABI101 macos-binary: a macOS binary where Linux needs ELF",
        "  2. ABI102 windows-binary: a Windows binary where Linux needs ELF",
        "  3. ABI106 not-a-binary: a file with a shared object's name that is no binary at all",
    ]
    assert lines[5].startswith("  look at  the first bytes of x.so")
    assert "The message alone does not decide: `abicheck ARTIFACT` says which it is." in lines
    assert [line for line in lines if line.startswith("# ")] == ["# ABI101 macos-binary"]


def test_the_line_of_a_log_that_matched_is_named(call: Run) -> None:
    log = "START\nsomething\nImportError: libGL.so.1: cannot open shared object file: No such file or directory\n"

    result = call("explain", "-", stdin=log)

    assert result.stdout.startswith("line 3:\n  ImportError: libGL.so.1: cannot open")
    assert "  1. ABI401 missing-library: " in result.stdout


def test_of_many_lines_that_match_the_first_are_shown_and_the_rest_counted(call: Run) -> None:
    log = "".join(f"libx{n}.so.1: cannot open shared object file\n" for n in range(9))

    result = call("explain", "-", stdin=log)

    assert result.stdout.count("look at") == 5
    assert "and 4 more lines that rules predict\n" in result.stdout


def test_what_no_file_shows_is_answered_with_the_reason(call: Run) -> None:
    result = call("explain", "Task timed out after 3.00 seconds")

    assert (result.returncode, result.stderr) == (0, "")
    assert "  why  no rule: " in result.stdout
    assert "--cold-start-budget" in result.stdout
    assert "# ABI" not in result.stdout


def test_nothing_of_a_log_is_a_command_to_the_terminal(call: Run) -> None:
    result = call("explain", "-", stdin="\x1b]0;x\x07 a\x1b[2J.so: invalid ELF header\n")

    assert "\x1b" not in result.stdout
    assert "invalid ELF header" in result.stdout


@pytest.mark.parametrize(
    ("subject", "hint"),
    [
        ("ABI30", "did you mean ABI30"),
        ("glibc-to-new", "did you mean glibc-too-new?"),
        ("Unable to locate credentials", "`abicheck explain` lists the rules"),
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

    (found,) = diagnose(f"{log}x.so: file too short\n{log}", CARDS)

    assert (found.rules[0].code, found.number) == ("ABI106", 25_001)


def test_a_message_is_not_pieced_together_from_two_lines() -> None:
    log = "x: version `GLIBC_2.38' is what we have\n'something else' not found (required by y)\n"

    assert diagnose(log, CARDS) == ()


def test_an_empty_log_is_a_wrong_request(call: Run) -> None:
    assert call("explain", "-", stdin="").returncode == 2
