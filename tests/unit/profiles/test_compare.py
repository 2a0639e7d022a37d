"""What a target offers at a glance, and what changes from one to another."""

from __future__ import annotations

from dataclasses import replace

from tests.factories import a_library, a_profile

from abicheck.profiles import Change, ceilings, compare


def test_a_ceiling_is_the_highest_node_of_its_family_by_number() -> None:
    nodes = ("GLIBCXX_3.4.9", "GLIBCXX_3.4.29", "CXXABI_1.3", "GLIBCXX_3.4")

    assert ceilings(nodes) == ("GLIBCXX_3.4.29", "CXXABI_1.3")


def test_a_base_definition_and_private_symbols_have_no_number() -> None:
    assert ceilings(("libc.so.6", "GLIBC_2.34", "GLIBC_PRIVATE")) == ("GLIBC_2.34",)


def test_a_target_compared_with_itself_has_no_difference() -> None:
    same = compare(a_profile(), a_profile())

    assert (same.facts, same.libraries_lost, same.libraries_gained) == ((), (), ())
    assert (same.ceilings, same.api_lost, same.api_gained) == ((), (), ())


def test_libraries_are_lost_and_gained_by_soname() -> None:
    found = compare(a_profile(a_library("liba.so.1")), a_profile(a_library("libb.so.1")))

    assert (found.libraries_lost, found.libraries_gained) == (("liba.so.1",), ("libb.so.1",))


def test_a_library_that_both_have_may_have_other_versions() -> None:
    before = a_profile(a_library("liba.so.1", nodes=("A_1", "A_2")))
    after = a_profile(a_library("liba.so.1", nodes=("A_1", "A_10")))

    assert compare(before, after).ceilings == (Change("liba.so.1", "A_2", "A_10"),)


def test_names_of_the_c_api_come_and_go() -> None:
    before = a_profile()
    python = replace(before.interpreter, exports=frozenset({"PyLong_FromLong", "PyNew"}))

    found = compare(before, replace(before, interpreter=python))

    assert (found.api_lost, found.api_gained) == (
        ("PyModule_Create2", "_PySometimes"),
        ("PyNew",),
    )


def test_a_path_that_only_names_another_version_is_no_difference() -> None:
    before = a_profile()
    later = replace(
        before.interpreter,
        version=(3, 14),
        path=tuple(
            type(path)(str(path).replace("3.13", "3.14")) for path in before.interpreter.path
        ),
    )

    facts = compare(before, replace(before, interpreter=later)).facts

    assert [(fact.name, fact.before, fact.after) for fact in facts] == [("python", "3.13", "3.14")]
