"""Hostile files and words of a request: configuration, baseline, profile, pins, logs, environment."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tests.factories import write_zip
from tests.threats.threat import Request, Threat, checked, threat

_APP: Final = "app.zip"


def _app(place: Path, *arguments: str, stdin: bytes = b"", **environment: str) -> Request:
    write_zip(place / _APP, {"app.py": "def handler(*_): ...\n"})
    return checked(_APP, *arguments, stdin=stdin, **environment)


def _write(place: Path, name: str, content: str | bytes) -> str:
    data = content.encode() if isinstance(content, str) else content
    (place / name).write_bytes(data)
    return name


# --- configuration and baseline ---


@threat("a configuration that nests five thousand deep", status=2, says="abicheck.toml")
def config_deep(place: Path) -> Request:
    _write(place, "abicheck.toml", f"select = {'[' * 5000}")
    return _app(place)


@threat("a number of five thousand digits in the configuration", status=2, says="abicheck.toml")
def config_huge_number(place: Path) -> Request:
    _write(place, "abicheck.toml", f"select = {'9' * 5000}")
    return _app(place)


@threat("a configuration that is no text, with terminal commands", status=2, says="abicheck.toml")
def config_no_text(place: Path) -> Request:
    _write(place, "abicheck.toml", b"\xff\xfe\x1b[2J = 1")
    return _app(place)


@threat("keys and values of the configuration that are terminal commands", status=2, says="unknown")
def config_terminal(place: Path) -> Request:
    _write(place, "abicheck.toml", '"\\u001b[2J\\u202e\\n::error::x" = "\\u001b[2J"\n')
    return _app(place)


@threat("a suppression whose pattern has a hundred stars", status=0)
def config_slow_pattern(place: Path) -> Request:
    pattern = "*a" * 100 + "b"
    _write(
        place,
        "abicheck.toml",
        f'[[ignore]]\nrule = "ABI201"\nreason = "x"\npath = "{pattern}"\n',
    )
    name = f"{'a' * 3000}.cpython-311-x86_64-linux-gnu.so"
    write_zip(place / _APP, {"app.py": "x = 1\n", name: b"\x7fELF"})
    return checked(_APP, "--exit-zero")


@threat("a baseline that nests a hundred thousand deep", status=2, says="not a baseline")
def baseline_deep(place: Path) -> Request:
    return _app(place, "--baseline", _write(place, "b.json", "[" * 100_000))


@threat("a baseline whose entries are none", status=2, says="findings[0]")
def baseline_absurd(place: Path) -> Request:
    text = '{"version": 1, "findings": [{"fingerprint": 1e999, "code": [], "path": null}]}'
    return _app(place, "--baseline", _write(place, "b.json", text))


# --- profiles ---


@threat("a profile that nests a hundred thousand deep", status=2, says="profile.json")
def profile_deep(place: Path) -> Request:
    return _app(place, "--target", _write(place, "./profile.json", '{"a":' * 100_000))


@threat("a profile that names tables by paths out of the package", status=2, says="profile.json")
def profile_climbs(place: Path) -> Request:
    text = json.dumps({"schema": 1, "name": "x", "parts": ["../../../../etc/passwd"]})
    return _app(place, "--target", _write(place, "./profile.json", text))


@threat("a profile with numbers and versions that are none", status=2, says="profile.json")
def profile_absurd(place: Path) -> Request:
    text = '{"schema": 1, "libc_version": "%s", "page_size": -1, "kernel": "9e9"}' % ("9" * 5000)
    return _app(place, "--target", _write(place, "./profile.json", text))


@threat("a function's reply with a part that inflates to a gigabyte", status=2, says="reply.json")
def reply_bomb(place: Path) -> Request:
    bomb = base64.b64encode(zlib.compress(bytes(1 << 30), 9)).decode()
    reply = {
        "schema": 1,
        "runtime": {},
        "entries": {"/lib/libc.so.6": 1 << 30},
        "chunks": {"/lib/libc.so.6": [[0, 1 << 30], bomb]},
        "left_out": [],
    }
    _write(place, "reply.json", json.dumps(reply))
    return checked("capture", "reply.json", "-o", "../out/profile.json")


# --- pins and Dockerfile ---


@threat("requirements files that name one another in a circle", status=2, says="requirements.txt")
def requirements_circle(place: Path) -> Request:
    _write(place, "other.txt", "-r requirements.txt\n")
    name = _write(place, "requirements.txt", "-r other.txt\nnumpy==2.0\n")
    return _app(place, "--requirements", name)


@threat("a requirement whose marker nests five thousand deep", status=2, says="requirements.txt")
def requirements_deep_marker(place: Path) -> Request:
    text = f"numpy==2.0; {'(' * 5000}os_name == 'x'{')' * 5000}\n"
    return _app(place, "--requirements", _write(place, "requirements.txt", text))


@threat("options that would start programs or read the network", status=1, code="ABI722")
def requirements_options(place: Path) -> Request:
    text = (
        "--index-url https://example.invalid/simple\n--find-links /\n"
        '--global-option="; touch x"\npkg @ git+ssh://example.invalid/x\n'
        "other @ file:///etc/passwd\n-e git+https://example.invalid/y#egg=y\n"
    )
    return _app(place, "--requirements", _write(place, "requirements.txt", text))


@threat("a lock file that nests five thousand deep", status=2, says="pylock.toml")
def pylock_deep(place: Path) -> Request:
    return _app(place, "--requirements", _write(place, "pylock.toml", f"a = {'[' * 5000}"))


@threat("a lock file whose values are of other types", status=2, says="pylock.toml")
def pylock_absurd(place: Path) -> Request:
    text = 'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = 7\nwheels = "x"\n'
    return _app(place, "--requirements", _write(place, "pylock.toml", text))


# --- words ---


@threat("a log of twenty megabytes on one line, for explain", status=0)
def log_slow(place: Path) -> Request:
    del place
    line = b"version `GLIBC_' not found (required by /x): cannot open undefined symbol: "
    return checked("explain", "-", stdin=b"No module named " + line[:30] * 300_000)


@threat("a log that is no text, with terminal commands", status=2, says="no rule")
def log_no_text(place: Path) -> Request:
    del place
    return checked("explain", "-", stdin=b"\x1b[2J\xff\xfe\0 ABI999 \x9b31m\n" * 1000)


@threat("a message of terminal commands, for explain", status=2, says="no rule")
def message_terminal(place: Path) -> Request:
    del place
    return checked("explain", "\x1b[2J\u202e\n::error::x")


@threat("variables of the environment that are terminal commands", status=2, says="--handler")
def environment_terminal(place: Path) -> Request:
    return _app(place, ABICHECK_HANDLER="\x1b[2J\u202e x")


@threat("a handler that climbs out of the artifact", status=2, says="--handler")
def handler_climbs(place: Path) -> Request:
    return _app(place, "--handler", "../../../../etc/passwd.handler")


@threat("variables of a function that would change how it is started", status=2, says="--env")
def function_environment(place: Path) -> Request:
    climbing = ":".join(["../" * 50 + "etc"] * 500)
    return _app(place, "--env", f"PYTHONPATH={climbing}", "--env", "LD_PRELOAD=/etc/passwd")


THREATS: Final[Iterable[Threat]] = (
    config_deep,
    config_huge_number,
    config_no_text,
    config_terminal,
    config_slow_pattern,
    baseline_deep,
    baseline_absurd,
    profile_deep,
    profile_climbs,
    profile_absurd,
    reply_bomb,
    requirements_circle,
    requirements_deep_marker,
    requirements_options,
    pylock_deep,
    pylock_absurd,
    log_slow,
    log_no_text,
    message_terminal,
    environment_terminal,
    handler_climbs,
    function_environment,
)
