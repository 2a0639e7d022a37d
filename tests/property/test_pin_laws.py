"""Laws of what is pinned: any bytes are pins or a refusal, and pip reads the same lines."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abicheck.errors import UsageError
from abicheck.pins import read_pins
from abicheck.pins._requirements import _logical_lines

fragments = st.sampled_from(
    [
        *(
            "a==1",
            "b[x]>=2",
            "; python_version<'3.14'",
            " \\",
            "\\",
            "\n",
            "\r\n",
            "#",
            " # c",
            " ",
        ),
        *("--hash=sha256:aa", "-r x.txt", "-c", "-e", "@ https://host.invalid/a.whl", "./d", "[["),
        *("${A}", "'", '"', "\t", "\f", "packages]]", "name=", "lock-version='1.0'", "\ufeff"),
    ]
)
texts = st.lists(fragments | st.text(max_size=3), max_size=30).map("".join)


@given(texts.map(str.encode) | st.binary(max_size=200), st.sampled_from(["r.txt", "pylock.toml"]))
def test_any_bytes_are_pins_or_a_refusal(data: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, name)
        file.write_bytes(data)
        try:
            files = read_pins([str(file)], {"A": "1"}).files
        except UsageError as error:
            files = (str(error).partition(name)[0] + name,)

    assert files == (str(file),)


@given(texts, st.dictionaries(st.sampled_from("ABC"), st.text("x1#${} ", max_size=3)))
def test_pip_reads_the_same_lines(text: str, environ: dict[str, str]) -> None:
    pip = pytest.importorskip("pip._internal.req.req_file")
    with pytest.MonkeyPatch.context() as patch:
        for name in "ABC":
            patch.setenv(name, environ.get(name, ""))
        theirs = list(pip.preprocess(text))

    assert list(_logical_lines(text, environ)) == theirs
