"""What is required on the target and not there, as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.factories import a_profile, location

from abicheck.model import Distribution, TargetProfile
from abicheck.python.requirements import find_unmet, import_name, supports


def _installed(name: str, version: str = "1.0", requires: Sequence[str] = ()) -> Distribution:
    return Distribution(
        name, version, location(f"{name}-{version}.dist-info"), requires=tuple(requires)
    )


def _unmet(*distributions: Distribution, profile: TargetProfile | None = None) -> list[str]:
    return [
        f"{u.distribution.name} {u.requirement}"
        + (f" [{u.extra}]" if u.extra else "")
        + (f" has {u.found.version}" if u.found is not None else "")
        for u in find_unmet(distributions, profile or a_profile())
    ]


@pytest.mark.parametrize(
    ("line", "unmet"),
    [
        ("other", True),
        ("other>=2; python_version >= '3.13'", True),
        ("other; sys_platform == 'linux' and platform_machine == 'x86_64'", True),
        ("other; implementation_name == 'cpython' and os_name == 'posix'", True),
        ("other; python_version < '3.13'", False),
        ("other; sys_platform == 'win32'", False),
        ("other; platform_machine == 'aarch64'", False),
        ("other; platform_python_implementation == 'PyPy'", False),
        ("other; extra == 'test'", False),
        ("other; python_full_version < '3.13.2'", False),  # which patch release it has moves
        ("other; python_full_version >= '3.13.0'", True),
        ("not a requirement at all", False),
    ],
)
def test_markers_are_those_of_the_target(line: str, *, unmet: bool) -> None:
    assert bool(_unmet(_installed("pkg", requires=[line]))) is unmet


@pytest.mark.parametrize("name", ["typing-extensions", "Typing_Extensions", "typing.extensions"])
def test_names_are_compared_as_pep_503_does(name: str) -> None:
    asker = _installed("pkg", requires=["typing_extensions>=4"])

    assert _unmet(asker, _installed(name, "4.1")) == []


@pytest.mark.parametrize(
    ("version", "fits"),
    [("2.0", True), ("1.9", False), ("2.1rc1", True), ("2.0+local", True), ("not a version", True)],
)
def test_versions_are_compared_as_pip_check_does(version: str, *, fits: bool) -> None:
    found = _unmet(_installed("pkg", requires=["other>=2.0"]), _installed("other", version))

    assert found == ([] if fits else [f"pkg other>=2.0 has {version}"])


def test_what_the_runtime_brings_is_there() -> None:
    interpreter = replace(a_profile().interpreter, shipped=frozenset({"boto3", "dateutil"}))
    profile = replace(a_profile(), interpreter=interpreter)
    asker = _installed("pkg", requires=["boto3>=1", "python-dateutil", "requests"])

    assert _unmet(asker, profile=profile) == ["pkg requests"]


def test_an_extra_that_another_asks_for_is_followed() -> None:
    """Law: transitively, and an extra that nobody asks for is not."""
    asker = _installed("pkg", requires=["httpx[http2]"])
    httpx = _installed("httpx", requires=["h2; extra == 'http2'", "socksio; extra == 'socks'"])

    assert _unmet(asker, httpx) == ["httpx h2 [http2]"]


def test_extras_that_ask_for_each_other_end() -> None:
    one = _installed("one", requires=["two[a]", "one[b]; extra == 'a'", "x; extra == 'b'"])
    two = _installed("two", requires=["one[a]; extra == 'a'"])

    assert _unmet(one, two) == ["one x [b]"]


@pytest.mark.parametrize(
    ("specifier", "admitted"),
    [
        (None, True),
        (">=3.9", True),
        ("<3.13", False),
        (">=3.14", False),
        (">=3.13.2", True),
        ("!=3.13.*", False),
        ("no specifier", True),
    ],
)
def test_requires_python_admits_some_patch_release(
    specifier: str | None, *, admitted: bool
) -> None:
    distribution = replace(_installed("pkg"), requires_python=specifier)

    assert supports(distribution, a_profile().interpreter) is admitted


@pytest.mark.parametrize(
    ("name", "module"),
    [("PyYAML", "yaml"), ("typing-extensions", "typing_extensions"), ("Pillow", "PIL")],
)
def test_a_distribution_is_imported_by_a_name_of_its_own(name: str, module: str) -> None:
    assert import_name(name) == module
