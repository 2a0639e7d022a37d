"""Any bytes give facts, or the one error of whoever reads them: the targets of fuzzing, by chance.

Here hypothesis makes the bytes, and makes them small again where one ends badly.
"""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.targets import TARGETS

# What every reader looks for somewhere: brackets, quotes, numbers, ends, magic bytes.
WORDS: Final = st.sampled_from(
    [
        *(b"[", b"]", b"{", b"}", b"(", b")", b'"', b"'", b"'''", b"=", b":", b",", b"\n", b"\0"),
        *(b"PK\3\4", b"PK\1\2", b"PK\5\6", b"\x7fELF\2\1\1", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"),
        *(b"import a", b"Name: ", b"Tag: ", b"a==1", b"; ", b"version", b"schema", b"9" * 5000),
        *(b"\xff\xff\xff\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"-r ", b"FROM ", b"${", b"1e999"),
    ]
)
TEXTS: Final = st.lists(WORDS | st.binary(max_size=8), max_size=60).map(b"".join)


@pytest.mark.parametrize("name", [name for name in TARGETS if name not in ("check", "pyc")])
@given(data=TEXTS)
def test_any_bytes_are_read_or_refused(name: str, data: bytes) -> None:
    """Law: what a target of fuzzing asserts holds for any bytes, and nothing else is raised."""
    TARGETS[name].run(data)


@pytest.mark.parametrize("name", [name for name in TARGETS if name not in ("check", "pyc")])
@given(data=st.data())
def test_a_seed_that_was_cut_and_mended_is_read_or_refused(name: str, data: st.DataObject) -> None:
    """Law: so it does for what was right, with a part of it replaced by any bytes."""
    seed = data.draw(st.sampled_from(sorted(TARGETS[name].seeds())))
    start = data.draw(st.integers(0, len(seed)))
    end = data.draw(st.integers(start, min(len(seed), start + 64)))
    TARGETS[name].run(seed[:start] + data.draw(TEXTS) + seed[end:])
