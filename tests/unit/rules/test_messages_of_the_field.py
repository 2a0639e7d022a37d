"""What people paste: the 61 classes of failure of the survey, in the words of the reports.

Each message leads to its rule first, or to a reason why there is none.  Where several
classes have the same words, the likeliest comes first, and the class's own rule is
among those that are listed: the artifact decides, not the message.
"""

from __future__ import annotations

import json
from typing import Final

import pytest

from abicheck.rules import ALL_RULES
from abicheck.rules.diagnosis import diagnose
from abicheck.rules.symptoms import SYMPTOMS

CARDS: Final = [rule.info for rule in ALL_RULES]

# Class, message, the rule that comes first, the class's own where it is another.
FIELD: Final = (
    (1, "Unable to import module 'handler': /var/task/PIL/_imaging.so: invalid ELF header", "ABI101", ""),
    (1, "/var/task/cryptography/hazmat/bindings/_rust.abi3.so: invalid ELF header", "ABI101", ""),
    (1, "ImportError: /var/task/_cffi_backend.so: invalid ELF header", "ABI101", ""),
    (2, "No module named 'pydantic_core._pydantic_core'", "ABI201", "ABI101"),
    (2, "No module named 'orjson.orjson'", "ABI201", "ABI101"),
    (2, "No module named 'rpds.rpds'", "ABI201", "ABI101"),
    (2, "ModuleNotFoundError: No module named 'jiter.jiter'", "ABI201", "ABI101"),
    (3, "AttributeError: module 'os' has no attribute 'add_dll_directory'", "ABI102", ""),
    (4, "no module named 'pydantic_core._pydantic_core'", "ABI201", "ABI103"),
    (5, "/var/task/cryptography/hazmat/bindings/_rust.abi3.so: cannot open shared object file: No such file or directory", "ABI103", ""),
    (6, "wrong ELF class: ELFCLASS32", "ABI104", ""),
    (8, "libc.musl-x86_64.so.1: cannot open shared object file: No such file or directory", "ABI105", ""),
    (9, "/var/task/mod.so: file too short", "ABI106", ""),
    (9, "RequestId: 1 Error: Runtime exited with error: signal: bus error", "ABI107", ""),
    (9, "invalid ELF header", "ABI101", "ABI106"),
    (10, "Importing the numpy C-extensions failed. This error can happen for many reasons", "ABI201", ""),
    (10, "No module named 'numpy.core._multiarray_umath'", "ABI201", ""),
    (10, "No module named 'psycopg2._psycopg'", "ABI201", ""),
    (10, "No module named '_cffi_backend'", "ABI201", ""),
    (10, "No module named 'fiona.ogrext'", "ABI201", ""),
    (11, "cannot import name 'cygrpc' from 'grpc._cython' (/var/task/grpc/_cython/__init__.py)", "ABI201", ""),
    (11, "cannot import name '_imaging' from 'PIL'", "ABI201", ""),
    (11, "cannot import name '_imaging' from 'PIL' (/var/task/PIL/__init__.py)", "ABI201", ""),
    (11, "cannot import name 'ArgsKwargs' from 'pydantic_core._pydantic_core' (unknown location)", "ABI201", ""),
    (12, "OSError: Cannot load native module 'Cryptodome.Cipher._raw_ecb': Not found '_raw_ecb.cpython-311-x86_64-linux-gnu.so', Cannot load '_raw_ecb.abi3.so': /var/task/Cryptodome/Cipher/_raw_ecb.abi3.so: invalid ELF header, Not found '_raw_ecb.so'", "ABI101", ""),
    (13, "/var/task/psycopg2/_psycopg.so: undefined symbol: PyUnicodeUCS4_DecodeUTF8", "ABI202", ""),
    (14, "Unable to import module 'app': libpython2.7.so.1.0: cannot open shared object file: No such file or directory", "ABI203", ""),
    (14, "libpython2.7.so.1.0: cannot open shared object file", "ABI203", ""),
    (15, "No module named 'psutil._psutil_linux'", "ABI201", "ABI204"),
    (15, "/var/task/m.abi3.so: undefined symbol: _Py_MergeZeroLocalRefcount", "ABI204", ""),
    (16, r"bad magic number in 'app': b'\x03\xf3\r\n'", "ABI207", ""),
    (17, "ModuleNotFoundError: No module named '_zstd'", "", ""),
    (18, "/lib64/libc.so.6: version `GLIBC_2.28' not found (required by /var/task/cryptography/hazmat/bindings/_rust.abi3.so)", "ABI301", ""),
    (19, "/usr/lib64/libc.so.6: version `GLIBC_2.38' not found", "ABI301", ""),
    (20, "version `GLIBC_2.18' not found (required by .../_rust.abi3.so)", "ABI301", ""),
    (21, "/lib64/libm.so.6: version `GLIBC_2.27' not found (required by .../onnxruntime_pybind11_state.so)", "ABI301", ""),
    (22, "/usr/lib64/libstdc++.so.6: version `GLIBCXX_3.4.21' not found", "ABI303", ""),
    (22, "/var/lang/lib/libstdc++.so.6: version `CXXABI_1.3.9' not found", "ABI303", ""),
    (23, "/lib64/libcrypto.so.10: version `OPENSSL_1.0.2' not found", "ABI304", ""),
    (23, "/var/lang/lib/liblzma.so.5: version `XZ_5.2' not found", "ABI304", ""),
    (24, "libGL.so.1: cannot open shared object file: No such file or directory", "ABI401", ""),
    (24, "libgthread-2.0.so.0: cannot open shared object file: No such file or directory", "ABI401", ""),
    (25, "libpq.so.5: cannot open shared object file: No such file or directory", "ABI401", ""),
    (25, "ImportError: no pq wrapper available.", "ABI401", ""),
    (26, "libpq-3d107b13.so.5.11: cannot open shared object file", "ABI402", ""),
    (26, "libopenblasp-r0-34a18dc3.3.7.so: cannot open shared object file", "ABI402", ""),
    (27, "libmysqlclient.so.18: cannot open shared object file", "ABI401", ""),
    (28, "libexpat.so.1: cannot open shared object file", "ABI401", ""),
    (29, "libffi.so.6: cannot open shared object file", "ABI401", ""),
    (30, "libcrypt.so.1: cannot open shared object file", "ABI401", ""),
    (31, "libssl.so.1.1: cannot open shared object file: No such file or directory", "ABI401", ""),
    (31, "libssl.so.10: cannot open shared object file: No such file or directory", "ABI401", ""),
    (32, "/lib64/libc.so.6: version `GLIBC_2.27' not found (required by /var/task/lib/libmagic.so.1)", "ABI301", ""),
    (33, "/var/task/libx.so: ELF load command address/offset not properly aligned", "ABI501", ""),
    (33, "ELF load command address/offset not page-aligned", "ABI501", ""),
    (34, "cannot enable executable stack as shared object requires: Permission denied", "ABI502", ""),
    (34, "libx.so: cannot enable executable stack as shared object requires: Invalid argument", "ABI502", ""),
    (35, "Runtime exited with error: signal: illegal instruction", "ABI503", ""),
    (36, "No module named 'dynamodb_encryption_sdk'", "ABI705", "ABI622"),
    (37, "Unable to import module 'lambda_function': No module named 'lambda_function'", "ABI602", ""),
    (37, "Unable to import module 'src/app': No module named 'src'", "ABI602", ""),
    (37, "[ERROR] Runtime.HandlerNotFound: Handler 'handler' missing on module 'app'", "ABI604", ""),
    (38, "Unable to import module 'app': No module named 'app'", "ABI602", "ABI009"),
    (39, "No module named 'app'", "ABI602", "ABI007"),
    (41, "PermissionError: [Errno 13] Permission denied: '/var/task/app.py'", "ABI608", ""),
    (41, "No module named handler", "ABI602", "ABI608"),
    (42, "No module named google.protobuf", "ABI616", ""),
    (42, "No module named zope.sqlalchemy", "ABI616", ""),
    (43, "AttributeError: type object 'Callable' has no attribute '_abc_registry'", "ABI609", ""),
    (44, "cannot import name 'DEPRECATED_SERVICE_NAMES' from 'botocore.docs' (/opt/python/botocore/docs/__init__.py)", "ABI611", ""),
    (44, "cannot import name 'DEFAULT_CIPHERS' from 'urllib3.util.ssl_' (/var/task/urllib3/util/ssl_.py)", "ABI611", ""),
    (44, "cannot import name 'resolve_auth_type' from 'botocore.auth' (/var/runtime/botocore/auth.py)", "ABI611", ""),
    (45, "Unzipped size must be smaller than 262144000 bytes", "ABI010", ""),
    (45, "Unzipped size must be smaller than 255174947 bytes", "ABI010", ""),
    (46, "libx.so.1: cannot open shared object file: No such file or directory", "ABI401", "ABI603"),
    (47, "Uploaded file must be a non-empty zip", "ABI003", ""),
    (47, "Could not unzip uploaded file. Please check your file, then try to upload again.", "ABI001", ""),
    (48, "UserWarning: Duplicate name: 'app.py'", "ABI006", ""),
    (49, "importlib.metadata.PackageNotFoundError: No package metadata was found for langchain", "ABI701", ""),
    (49, "pkg_resources.DistributionNotFound: The 'jsonschema' distribution was not found and is required by the application", "ABI701", ""),
    (50, "ModuleNotFoundError: No module named 'numpy._core.tests'", "ABI702", ""),
    (50, "No module named 'numpy._core.tests._natype'", "ABI702", ""),
    (51, "No module named 'package_a'", "ABI705", "ABI703"),
    (52, "No module named 'fastapi'", "ABI705", "ABI704"),
    (53, "No module named 'yaml'", "ABI705", ""),
    (55, "The image manifest, config or layer media type for the source image 1.dkr.ecr.eu-west-1.amazonaws.com/app:1 is not supported.", "ABI801", ""),
    (55, "The image manifest or layer media type for the source image app:1 is not supported.", "ABI801", ""),
    (56, "InvalidImage(ImageLayerFailure: UnsupportedImageLayerDetected - Layer Digest sha256:0f1e)", "ABI802", ""),
    (57, "InvalidImage: MissingParentDirectory: Parent directory does not exist for file: zipp/__init__.py", "ABI803", ""),
    (58, "fork/exec /lambda-entrypoint.sh: exec format error Runtime.InvalidEntrypoint", "ABI804", ""),
    (59, "fork/exec /entry.sh: permission denied Runtime.InvalidEntrypoint", "ABI805", ""),
    (59, "fork/exec /entry.sh: no such file or directory", "ABI805", ""),
    (60, "Lambda layers are not supported for functions created with container images.", "", ""),
)  # fmt: skip

# No words of a runtime: what there is to be seen is in the artifact, or on another day.
WORDLESS: Final = {
    7: "variants for other systems beside one that fits do no harm",
    40: "what the Finder leaves is imported by nobody",
    54: "a summary of several of the others",
    61: "works today, and breaks on another day",
}


def test_the_table_has_every_class_of_the_survey() -> None:
    assert {row for row, *_ in FIELD} | WORDLESS.keys() == set(range(1, 62))


@pytest.mark.parametrize(
    ("message", "first", "own"),
    [row[1:] for row in FIELD],
    ids=[f"{r[0]}-{r[1][:50]}" for r in FIELD],
)
def test_a_message_leads_to_its_rule_first(message: str, first: str, own: str) -> None:
    (found,) = diagnose(message, CARDS)
    codes = [card.code for card in found.rules]

    assert codes[:1] == ([first] if first else [])
    assert not own or own in codes
    assert found.look
    assert found.look.startswith("no rule: ") is not bool(first)


@pytest.mark.parametrize(
    ("message", "first"), [row[1:3] for row in FIELD], ids=[f"{r[0]}-{r[1][:50]}" for r in FIELD]
)
@pytest.mark.parametrize(
    "log",
    [
        "START RequestId: 8f5 Version: $LATEST\n[ERROR] {}\nTraceback (most recent call last):\nEND\n",
        "2026-11-24T02:00:00.000Z\tundefined\tERROR\tUncaught Exception\t{}",
        "  \x1b[31m{}\x1b[0m\r\n",
    ],
)
def test_it_does_so_from_within_a_log(log: str, message: str, first: str) -> None:
    found = diagnose(log.format(message), CARDS)[0]

    assert [card.code for card in found.rules][:1] == ([first] if first else [])
    assert found.number == (2 if log.startswith("START") else 1)


@pytest.mark.parametrize(
    ("message", "first"), [row[1:3] for row in FIELD], ids=[f"{r[0]}-{r[1][:50]}" for r in FIELD]
)
def test_it_does_so_as_the_json_of_a_log(message: str, first: str) -> None:
    text = json.dumps({"errorType": "Runtime.ImportModuleError", "errorMessage": message})

    found = diagnose(text, CARDS)[0]

    assert [card.code for card in found.rules][:1] == ([first] if first else [])


def test_quotation_marks_of_a_word_processor_are_quotation_marks() -> None:
    curled = "version \u2018GLIBC_2.38\u2019 not found (required by x.so)"
    straight = "cannot import name \u2018_imaging\u2019 from \u2018PIL\u2019"

    assert diagnose(straight, CARDS)[0].rules[0].code == "ABI201"
    assert diagnose(curled, CARDS)[0].rules[0].code == "ABI301"


def test_a_message_that_a_terminal_has_broken_is_put_together() -> None:
    text = "/lib64/libc.so.6: version `GLIBC_2.38'\n not found (required by\n /var/task/x.so)\n"

    (found,) = diagnose(text, CARDS)

    assert found.rules[0].code == "ABI301"


def test_of_a_log_with_several_messages_the_most_telling_comes_first() -> None:
    log = (
        "[ERROR] ImportError: libGL.so.1: cannot open shared object file: No such file or directory\n"
        "Traceback (most recent call last):\n"
        "ImportError: /lib64/libc.so.6: version `GLIBC_2.38' not found (required by /var/task/x.so)\n"
        "[ERROR] ImportError: libGL.so.1: cannot open shared object file: No such file or directory\n"
    )

    found = diagnose(log, CARDS)

    assert [(each.number, each.rules[0].code) for each in found] == [(3, "ABI301"), (1, "ABI401")]


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.code)
def test_every_message_that_a_rule_predicts_leads_to_it(card: object) -> None:
    """Maybe among others: a symptom never hides the rule that a card's own words name."""
    for message in card.messages:  # type: ignore[attr-defined]
        said = message.replace("*", "/var/task/x.so")
        found = [rule for each in diagnose(said, CARDS) for rule in each.rules]
        if "no rule" not in "".join(each.look for each in diagnose(said, CARDS)):
            assert card in found, said


def test_the_rules_of_every_symptom_exist_and_what_to_look_at_can_be_said() -> None:
    codes = {card.code for card in CARDS}

    for symptom in SYMPTOMS:
        assert set(symptom.codes) <= codes, symptom
        assert symptom.words == symptom.words.lower()
        assert symptom.look.format_map(dict.fromkeys(symptom.pattern.groupindex, "x"))
        assert symptom.codes or symptom.look.startswith("no rule: ")


@pytest.mark.parametrize(
    "line",
    [
        "a" * 1_000_000,
        "/" * 500_000 + ": invalid ELF header",
        "no module named " * 60_000,
        "." * 10**6,
    ],
)
def test_no_line_is_too_long(line: str) -> None:
    """What backtracks over it does not come back."""
    diagnose(line, CARDS)
