"""Which function CPython looks for once an extension is open, and where."""

from __future__ import annotations

import pytest
from tests.factories import ENOENT, a_loader, an_object, target_path

from abicheck.loader import init_function
from abicheck.model import ElfFacts, Trouble


@pytest.mark.parametrize(
    ("module", "function"),
    [
        ("mod", "PyInit_mod"),
        ("pkg.sub.mod", "PyInit_mod"),
        ("some-mod", "PyInit_some_mod"),
        ("pkg.some-mod", "PyInit_some_mod"),
        ("_ext", "PyInit__ext"),
        ("módulo", "PyInitU_mdulo_0ta"),
        ("pkg.módulo", "PyInitU_mdulo_0ta"),
        ("拡張", "PyInitU_z1tq5f"),
    ],
)
def test_the_init_function_is_named_after_the_last_component(module: str, function: str) -> None:
    """ASCII as it is, anything else in Punycode; a hyphen becomes an underscore either way."""
    assert init_function(module) == function


def answer(path: str, module: str, *things: ElfFacts) -> str | None:
    """What importing the file at `path` as `module` says."""
    _, halt = a_loader(*things).open_extension(target_path(path), module)
    return None if halt is None else halt.failure.message


def test_an_extension_with_its_init_function_is_imported() -> None:
    assert answer("mod.so", "mod", an_object("mod.so", "PyInit_mod")) is None


def test_one_without_it_is_refused() -> None:
    assert answer("mod.so", "mod", an_object("mod.so", "PyInit_other")) == (
        "dynamic module does not define module export function (PyInit_mod)"
    )


def test_a_file_that_was_renamed_lacks_the_function_of_its_new_name() -> None:
    assert answer("pkg/new.so", "pkg.new", an_object("pkg/new.so", "PyInit_old")) == (
        "dynamic module does not define module export function (PyInit_new)"
    )


def test_a_compiled_package_is_looked_up_by_the_name_of_the_package() -> None:
    assert answer("pkg/__init__.so", "pkg", an_object("pkg/__init__.so", "PyInit_pkg")) is None


def test_the_function_may_come_from_a_needed_library() -> None:
    """`dlsym` searches the object and everything it needs."""
    things = (
        an_object("mod.so", needed=["liby.so"], rpath="$ORIGIN"),
        an_object("liby.so", "PyInit_mod"),
    )

    assert answer("mod.so", "mod", *things) is None


def test_a_file_that_does_not_open_is_not_asked_for_its_function() -> None:
    loader = a_loader(an_object("mod.so", needed=["libgone.so"]))

    _, halt = loader.open_extension(target_path("mod.so"), "mod")

    assert halt is not None
    assert (halt.trouble, halt.failure.message) == (Trouble.LIBRARY, f"libgone.so: {ENOENT}")


def test_the_module_and_not_the_process_decides_the_missing_function() -> None:
    """`dlopen` itself succeeds."""
    link_map, halt = a_loader(an_object("mod.so")).open_extension(target_path("mod.so"), "mod")

    assert link_map.loads
    assert halt is not None
    assert halt.trouble is Trouble.INIT
