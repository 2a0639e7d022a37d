"""How a profile is laid over the parts that it extends."""

from __future__ import annotations

from typing import Any

import pytest

from abicheck.errors import ProfileError
from abicheck.profiles._parts import compose, read_part

PARTS: dict[str, dict[str, Any]] = {
    "os": {
        "os": "Some Linux",
        "hwcaps": ["a", "b"],
        "provenance": {"glibc": "read"},
        "libraries": [
            {"path": "/lib/a.so", "soname": "a.so", "needed": ["b.so"]},
            {"path": "/lib/b.so", "soname": "b.so"},
        ],
    },
    "managed": {
        "without": ["/lib/b.so"],
        "libraries": [{"path": "/lib/a.so", "doubtful": "nobody saw it"}],
        "provenance": {"managed": "heard"},
    },
}


def laid(*names: str, **own: object) -> dict[str, Any]:
    return compose({"extends": list(names), **own}, "mine", PARTS.__getitem__)


def test_what_extends_nothing_stays_as_it_is() -> None:
    assert compose({"os": "mine"}, "mine", PARTS.__getitem__) == {"os": "mine"}


def test_objects_are_merged_and_any_other_value_is_replaced() -> None:
    whole = laid("os", "managed", os="Mine", hwcaps=["c"])

    assert (whole["os"], whole["hwcaps"]) == ("Mine", ["c"])
    assert whole["provenance"] == {"glibc": "read", "managed": "heard"}


def test_libraries_are_merged_by_path_and_taken_away_by_path() -> None:
    assert laid("os", "managed")["libraries"] == [
        {"path": "/lib/a.so", "soname": "a.so", "needed": ["b.so"], "doubtful": "nobody saw it"}
    ]


def test_what_was_taken_away_can_be_brought_again() -> None:
    whole = laid("os", "managed", libraries=[{"path": "/lib/b.so", "soname": "b.so"}])

    assert [library["path"] for library in whole["libraries"]] == ["/lib/a.so", "/lib/b.so"]


def test_the_words_for_putting_it_together_are_gone() -> None:
    assert not {"extends", "without"} & laid("os", "managed").keys()


def test_a_part_is_not_changed_by_what_is_laid_over_it() -> None:
    laid("os", "managed")

    assert "doubtful" not in PARTS["os"]["libraries"][0]
    assert PARTS["os"]["provenance"] == {"glibc": "read"}


@pytest.mark.parametrize("name", ["no-such-part", "../al2-x86_64", "", "/etc/passwd"])
def test_a_part_is_one_of_those_that_come_with_abicheck(name: str) -> None:
    with pytest.raises(ProfileError, match="part"):
        read_part(name)


def test_a_library_twice_in_one_layer_is_refused() -> None:
    twice = [{"path": "/lib/c.so"}, {"path": "/lib/c.so"}]

    with pytest.raises(ProfileError, match=r"libraries\[1\].path: /lib/c.so is listed twice"):
        laid("os", libraries=twice)
