"""What each rule says of values: `codes(case)` is every finding, in printing order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

import pytest
from tests.factories import (
    Thing,
    a_case,
    a_distribution,
    a_foreign_file,
    a_library,
    a_missing_module,
    a_profile,
    a_segment,
    an_inventory,
    an_object,
    codes,
    irregular,
    judge,
    location,
    ref,
    with_header,
)

from abicheck.model import (
    AbsentLibrary,
    ArtifactKind,
    Bytecode,
    Counts,
    ElfFacts,
    Failure,
    Finding,
    Foreign,
    ForeignFile,
    Irregular,
    Severity,
    Site,
    SymbolRef,
)


def mod(**fields: object) -> ElfFacts:
    """A sound extension called `mod`, with other facts."""
    return replace(an_object("mod.so", "PyInit_mod"), **fields)  # type: ignore[arg-type]


def only(findings: tuple[Finding, ...]) -> Finding:
    (finding,) = findings
    return finding


def test_nothing_is_found_in_a_sound_extension() -> None:
    assert codes(a_case(mod())) == []


# --- ABI0xx: the archive ---


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Irregular.NOT_AN_ARCHIVE, ["ABI001"]),
        (Irregular.LIMIT, ["ABI002"]),
        (Irregular.EMPTY_ARCHIVE, ["ABI003"]),
        (Irregular.TRUNCATED, ["ABI003"]),
        (Irregular.CORRUPT, ["ABI003"]),
        (Irregular.DISAGREEMENT, ["ABI013"]),
        (Irregular.ENCRYPTED, ["ABI004"]),
        (Irregular.METHOD, ["ABI004"]),
        (Irregular.CLASH, ["ABI004"]),
        (Irregular.CLIMBS_OUT, ["ABI005"]),
        (Irregular.BAD_NAME, ["ABI005"]),
        (Irregular.DUPLICATE, ["ABI006 warning"]),
        (Irregular.BACKSLASH, ["ABI007 warning"]),
        (Irregular.STRAY_BYTES, ["ABI014 warning"]),
        (Irregular.UNREADABLE, ["ABI008"]),
        (Irregular.SPECIAL_FILE, ["ABI008"]),
    ],
)
def test_what_is_wrong_with_the_archive_is_a_finding(kind: Irregular, expected: list[str]) -> None:
    inventory = an_inventory(irregularities=[irregular(kind, "a/member", "how it is")])

    case = a_case(inventory=inventory)

    assert codes(case) == expected
    finding = only(judge(case))
    assert (str(finding.fault.location), finding.fault.message) == ("a/member", "how it is")


def test_an_artifact_in_which_nothing_is_recognised_never_passes() -> None:
    assert codes(a_case(inventory=an_inventory(python_files=0))) == ["ABI009"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (0, "0 files, none of them known"),
        (1, "one file, and it is not known"),
        (1500, "1,500 files, none of them known"),
    ],
)
def test_what_is_not_recognised_is_counted(files: int, message: str) -> None:
    inventory = replace(an_inventory(python_files=0), counts=Counts(members=files))

    assert only(judge(a_case(inventory=inventory))).fault.message == message


def test_python_without_binaries_passes() -> None:
    assert codes(a_case(inventory=an_inventory(python_files=1))) == []


def test_a_zip_inside_a_zip_is_named() -> None:
    nested = irregular(Irregular.NESTED_ARCHIVE, "inner.zip")
    case = a_case(inventory=an_inventory(python_files=0, irregularities=[nested]))

    assert codes(case) == ["ABI009"]
    assert str(only(judge(case)).fault.location) == "inner.zip"


def test_a_zip_beside_python_is_no_fault() -> None:
    nested = irregular(Irregular.NESTED_ARCHIVE, "data.zip")

    assert codes(a_case(inventory=an_inventory(irregularities=[nested]))) == []


@pytest.mark.parametrize(
    "kind",
    [
        Irregular.TRUNCATED,
        Irregular.EMPTY_ARCHIVE,
        Irregular.LIMIT,
        Irregular.ENCRYPTED,
        Irregular.CORRUPT,
        Irregular.METHOD,
        Irregular.DISAGREEMENT,
        Irregular.CLIMBS_OUT,
        Irregular.UNREADABLE,
    ],
)
def test_what_could_not_be_read_explains_why_nothing_was_recognised(kind: Irregular) -> None:
    """One fault, one finding."""
    inventory = an_inventory(python_files=0, irregularities=[irregular(kind)])

    assert len(codes(a_case(inventory=inventory))) == 1


def test_a_file_that_is_no_artifact_is_one_finding() -> None:
    inventory = an_inventory(
        kind=ArtifactKind.UNREADABLE,
        python_files=0,
        irregularities=[irregular(Irregular.NOT_AN_ARCHIVE)],
    )

    assert codes(a_case(inventory=inventory)) == ["ABI001"]


# --- ABI1xx, ABI5xx, ABI6xx: files that are opened and refused ---


@pytest.mark.parametrize(
    ("thing", "expected"),
    [
        (a_foreign_file("mod.so", Foreign.MACH_O), "ABI101"),
        (a_foreign_file("mod.so", Foreign.PE), "ABI102"),
        (with_header(mod(), machine=183), "ABI103"),
        (with_header(mod(), ei_class=1), "ABI104"),
        (with_header(mod(), ei_data=2), "ABI104"),
        (a_foreign_file("mod.so", Foreign.LFS_POINTER, 130), "ABI106"),
        (a_foreign_file("mod.so", Foreign.HTML), "ABI106"),
        (a_foreign_file("mod.so", Foreign.EMPTY, 0), "ABI106"),
        (a_foreign_file("mod.so", Foreign.ARCHIVE), "ABI106"),
        (mod(beyond_end=True), "ABI107"),
        (mod(defect="cannot read file data"), "ABI107"),
        (ElfFacts(location("mod.so"), 20, None, defect="file too short"), "ABI107"),
        (with_header(mod(), osabi=9), "ABI108"),
        (with_header(mod(), type=1), "ABI108"),
        (with_header(mod(), type=2), "ABI108"),
        (mod(dynamic=False), "ABI108"),
        (mod(segments=()), "ABI108"),
        (mod(flags_1=0x08000000), "ABI108"),
        (mod(defect="malformed: the string table leads nowhere"), "ABI109"),
        (mod(segments=(a_segment(align=1),)), "ABI501"),
        (mod(segments=(a_segment(align=0x4000, vaddr=0x1000),)), "ABI501"),
        (mod(isa_needed=8), "ABI503"),
        (mod(tls_size=4096, static_tls=True), "ABI504"),
        (mod(relr=True), "ABI505"),
        (mod(kernel=(6, 1, 0)), "ABI506"),
        (mod(unknown_relocation=64), "ABI507"),
    ],
)
def test_a_file_that_the_loader_refuses_is_one_finding(thing: Thing, expected: str) -> None:
    assert codes(a_case(thing)) == [expected]


@pytest.mark.parametrize(
    ("thing", "why"),
    [
        (ElfFacts(location("mod.so"), 20, None, defect="file too short"), "20 bytes are left"),
        (mod(beyond_end=True), "4,096 bytes are left; the process dies without a message"),
    ],
)
def test_the_reason_of_a_cut_off_file_does_not_repeat_what_the_runtime_says(
    thing: Thing, why: str
) -> None:
    finding = only(judge(a_case(thing)))

    assert finding.fault.why == why
    assert finding.fault.failure is not None


def test_a_file_that_others_may_not_read_is_one_finding() -> None:
    assert codes(a_case(mod(), modes={"mod.so": 0o600})) == ["ABI601"]


def test_an_executable_stack_is_a_finding_where_glibc_refuses_it() -> None:
    thing = mod(exec_stack=True)

    assert codes(a_case(thing)) == []
    assert codes(a_case(thing, profile=a_profile(libc=(2, 41)))) == ["ABI502"]


def test_packed_relocations_are_no_finding_where_glibc_knows_them() -> None:
    assert codes(a_case(mod(relr=True), profile=a_profile(libc=(2, 36)))) == []


def test_a_file_that_exists_although_the_message_denies_it_is_said_to_exist() -> None:
    finding = only(judge(a_case(with_header(mod(), machine=183))))

    assert "the file exists" in finding.fault.why


def test_a_file_of_another_system_and_processor_is_refused_for_what_is_looked_at_first() -> None:
    """The runtime says `ELF file OS ABI invalid`, and not that the file is not there."""
    thing = with_header(mod(), machine=183, osabi=9)

    assert "the message says that it does not" not in only(judge(a_case(thing))).fault.why


@pytest.mark.parametrize(
    ("needed", "level"), [(0b1000, "x86-64-v4"), (0b1001, "x86-64-v4"), (1 << 14, "0x4000")]
)
def test_the_processor_level_is_named(needed: int, level: str) -> None:
    finding = only(judge(a_case(mod(isa_needed=needed))))

    assert finding.fault.message == f"needs a processor of level {level}"


@pytest.mark.parametrize("soname", ["libc.musl-x86_64.so.1", "libc.so", "ld-musl-x86_64.so.1"])
def test_an_object_that_needs_musl_is_called_by_that_name(soname: str) -> None:
    assert codes(a_case(mod(needed=(soname,)))) == ["ABI105"]


# --- ABI2xx: names, init functions, the C API ---


@pytest.mark.parametrize(
    ("path", "reason", "expected"),
    [
        ("m.cpython-311-x86_64-linux-gnu.so", "built for CPython 3.11", "ABI201"),
        ("m.cpython-313-darwin.so", "for macOS", "ABI101"),
        ("m.cpython-311-darwin.so", "built for CPython 3.11, for macOS", "ABI101"),
        ("m.cp313-win_amd64.pyd", "for Windows", "ABI102"),
        ("m.cpython-313-aarch64-linux-gnu.so", "for aarch64", "ABI103"),
        ("m.cpython-313-x86_64-linux-musl.so", "for musl libc", "ABI105"),
        (
            "m.cpython-313t-x86_64-linux-gnu.so",
            "built for free-threaded CPython 3.13",
            "ABI204",
        ),
        ("m.pypy310-pp73-x86_64-linux-gnu.so", "for pypy310, another implementation", "ABI201"),
    ],
)
def test_a_module_under_a_name_that_is_not_looked_for_is_one_finding(
    path: str, reason: str, expected: str
) -> None:
    case = a_case(an_object(path), opens={}, missing=[a_missing_module(path, "m", reason)])

    assert codes(case) == [expected]
    finding = only(judge(case))
    assert finding.fault.why == (
        f"{reason}; 3.13 opens .cpython-313-x86_64-linux-gnu.so, .abi3.so, .so"
    )
    assert finding.fault.failure is not None
    assert finding.fault.failure.message == "No module named 'm'"
    assert [str(site) for site in finding.fault.via] == ["handler.py:1"]


def test_a_c_api_name_that_the_interpreter_lacks_is_one_finding_a_file() -> None:
    case = a_case(mod(references=(ref("PyOld_One"), ref("_PyOld_Two"))))

    assert codes(case) == ["ABI202"]
    assert only(judge(case)).fault.evidence == ("PyOld_One", "_PyOld_Two")


def test_a_name_with_cpythons_prefix_may_be_of_another_library() -> None:
    """As those of shiboken and PySide."""
    extension = mod(references=(ref("PySideProperty_TypeF"),))
    library = an_object("lib/libpyside.so", "PySideProperty_TypeF")
    lacking = mod(references=(ref("PySideProperty_TypeF"),), needed=("libpyside.so",))

    assert codes(a_case(extension)) == ["ABI202"]
    assert codes(a_case(extension, library)) == ["ABI302"]
    assert codes(a_case(lacking)) == ["ABI401"]


def test_a_name_of_free_threaded_builds_only_tells_more() -> None:
    references = (ref("_Py_MergeZeroLocalRefcount"), ref("PyNew_Thing"))

    assert codes(a_case(mod(references=references))) == ["ABI204"]


def test_another_libpython_is_more_than_a_missing_library() -> None:
    assert codes(a_case(mod(needed=("libpython3.8.so.1.0",)))) == ["ABI203"]


def test_the_libpython_of_the_target_is_no_fault() -> None:
    assert codes(a_case(mod(needed=("libpython3.13.so.1.0",)))) == []


def test_a_missing_init_function_names_the_one_that_is_there() -> None:
    case = a_case(an_object("mod.so", "PyInit_other", "f"))

    assert codes(case) == ["ABI205"]
    fault = only(judge(case)).fault
    assert (fault.message, fault.why) == (
        "does not define PyInit_mod",
        "it defines PyInit_other",
    )


@pytest.mark.parametrize(
    ("severity", "expected"),
    [(Severity.ERROR, ["ABI401"]), (Severity.NOTE, ["ABI401 note"])],
)
def test_a_library_that_a_source_opens_by_its_name_must_be_somewhere(
    severity: Severity, expected: list[str]
) -> None:
    words = "libx.so.1: cannot open shared object file: No such file or directory"
    via = (Site(PurePosixPath("handler.py"), 1), Site(PurePosixPath("p/__init__.py"), 7))
    absent = AbsentLibrary("libx.so.1", Failure("OSError", words), via, severity)
    case = replace(a_case(mod()), absent=(absent,))

    assert codes(case) == expected
    fault = only(judge(case)).fault
    assert (str(fault.location), fault.failure) == ("p/__init__.py", absent.failure)
    assert fault.fix.startswith("mkdir -p BUILD_DIR/lib && cp -- libx.so.1 BUILD_DIR/lib/")


@pytest.mark.parametrize(
    ("definitions", "severity", "expected"),
    [
        (("f",), Severity.WARNING, []),
        (("f",), Severity.ERROR, ["ABI205"]),
        (("PyInit_other",), Severity.WARNING, ["ABI205 warning"]),
    ],
    ids=["a library", "imported", "renamed"],
)
def test_a_library_under_an_extension_s_name_is_no_module(
    definitions: tuple[str, ...], severity: Severity, expected: list[str]
) -> None:
    """As libdd_wrapper of ddtrace: its extensions need it, and nothing imports it."""
    library = an_object("lib.so", *definitions, soname="lib.so")
    needing = an_object("mod.so", "PyInit_mod", needed=("lib.so",), runpath="$ORIGIN")
    opens = {"mod.so": "mod", "lib.so": "lib"}

    assert codes(a_case(needing, library, opens=opens, severity=severity)) == expected


def test_a_private_name_of_some_patch_releases_is_a_warning() -> None:
    profile = a_profile()
    python = a_library(
        "libpython3.13.so.1.0", "PyModule_Create2", "_PySometimes", folder="/var/lang/lib"
    )
    profile = replace(profile, libraries={**profile.libraries, str(python.path): python})

    case = a_case(mod(references=(ref("_PySometimes"),)), profile=profile)

    assert codes(case) == ["ABI206 warning"]


@pytest.mark.parametrize(
    ("magic", "expected"),
    [(b"\x03\xf3\r\n", ["ABI207"]), (None, ["ABI208 warning"]), (b"", [])],
)
def test_bytecode_without_its_source(magic: bytes | None, expected: list[str]) -> None:
    """Another Python's, only in the cache, or the target's own."""
    item = Bytecode(location("app.pyc"), "app", magic)
    profile = a_profile()

    assert codes(a_case(inventory=an_inventory(bytecode=[item]), profile=profile)) == expected


# --- ABI209: the stable ABI ---

# The made-up CPython 3.13 exports both; of the stable ABI, since 3.2, is only the first.
STABLE, PRIVATE = "PyModule_Create2", "PyLong_FromLong"


def uses(*names: str | SymbolRef, file: str = "mod.abi3.so") -> ElfFacts:
    return an_object(file, "PyInit_mod", refers=names)


def test_a_file_that_claims_the_stable_abi_may_use_nothing_else() -> None:
    """It loads here, so it is a note; what the target lacks is ABI202's."""
    assert codes(a_case(uses(STABLE))) == []
    assert codes(a_case(uses(STABLE, PRIVATE))) == ["ABI209 note"]
    assert codes(a_case(uses(STABLE, "_PyNowhere"))) == ["ABI202"]


def test_who_publishes_a_wheel_is_warned_of_what_only_others_would_suffer_from() -> None:
    case = a_case(uses(PRIVATE))

    assert codes(replace(case, wheel_author=True)) == ["ABI209 warning"]


@pytest.mark.parametrize(
    ("file", "tags", "expected"),
    [
        ("mod.so", [], []),
        ("mod.so", ["cp39-abi3-manylinux_2_17_x86_64"], ["ABI209 note"]),
        ("mod.so", ["cp313-cp313-manylinux_2_17_x86_64"], []),
        ("mod.cpython-313-x86_64-linux-gnu.so", ["cp39-abi3-manylinux_2_17_x86_64"], []),
        ("mod.abi3.so", ["cp313-cp313-manylinux_2_17_x86_64"], ["ABI209 note"]),
    ],
)
def test_the_file_or_its_wheel_claims_the_stable_abi(
    file: str, tags: list[str], expected: list[str]
) -> None:
    assert codes(a_case(uses(PRIVATE, file=file), owner=a_distribution(tags=tags))) == expected


@pytest.mark.parametrize(("tag", "expected"), [("cp311", ["ABI209 note"]), ("cp312", [])])
def test_a_name_joins_the_stable_abi_in_a_version(tag: str, expected: list[str]) -> None:
    """Of several tags the highest version is the one that is promised."""
    stable = {STABLE: (3, 2), PRIVATE: (3, 12)}
    profile = a_profile()
    profile = replace(profile, interpreter=replace(profile.interpreter, stable_abi=stable))
    owner = a_distribution(tags=["cp38-abi3-manylinux_2_17_x86_64", f"{tag}-abi3-any"])

    case = a_case(uses(PRIVATE), profile=profile, owner=owner)

    assert codes(case) == expected


def test_a_weak_reference_asks_for_nothing() -> None:
    """Code that uses a newer function where there is one refers to it weakly."""
    assert codes(a_case(uses(ref(PRIVATE, weak=True)))) == []


# --- ABI3xx: versions and symbols ---


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("GLIBC_2.34", []),
        ("GLIBC_2.38", ["ABI301"]),
        ("GLIBCXX_3.4.99", ["ABI303"]),
        ("CXXABI_1.3.99", ["ABI303"]),
        ("GCC_99.0.0", ["ABI303"]),
        ("OPENSSL_9.0.0", ["ABI304"]),
    ],
)
def test_an_unmet_version_is_judged_by_its_family(version: str, expected: list[str]) -> None:
    thing = an_object("mod.so", "PyInit_mod", needed=["libc.so.6"], needs=[f"libc.so.6({version})"])

    assert codes(a_case(thing)) == expected


def test_many_versions_of_one_library_are_one_finding_with_the_highest_first() -> None:
    """`GLIBC_2.9` is older than `GLIBC_2.38`: versions are compared as numbers."""
    thing = an_object(
        "mod.so",
        "PyInit_mod",
        needed=["libc.so.6"],
        needs=["libc.so.6(GLIBC_2.38)", "libc.so.6(GLIBC_2.100)", "libc.so.6(GLIBC_2.9)"],
        refers=["a@GLIBC_2.38", "b@GLIBC_2.100", "memcpy@GLIBC_2.14"],
    )

    fault = only(judge(a_case(thing))).fault

    assert fault.message == "needs GLIBC_2.100 of libc.so.6"
    assert fault.evidence == (
        "GLIBC_2.9",
        "GLIBC_2.38",
        "GLIBC_2.100",
        "a@GLIBC_2.38",
        "b@GLIBC_2.100",
    )
    assert fault.why == (
        "libc.so.6 of the target (/lib64/libc.so.6) offers up to GLIBC_2.34; "
        "carried by a@GLIBC_2.38, b@GLIBC_2.100"
    )


def test_versions_of_two_libraries_are_two_findings() -> None:
    thing = an_object(
        "mod.so",
        "PyInit_mod",
        needed=["libc.so.6", "libm.so.6"],
        needs=["libc.so.6(GLIBC_2.38)", "libm.so.6(GLIBC_2.38)"],
    )

    assert codes(a_case(thing)) == ["ABI301", "ABI301"]


def test_a_wheel_that_promised_an_older_glibc_is_called_mislabelled() -> None:
    thing = an_object("mod.so", "PyInit_mod", needed=["libc.so.6"], needs=["libc.so.6(GLIBC_2.38)"])
    honest = a_distribution(tags=["cp313-cp313-manylinux_2_39_x86_64"])
    lying = a_distribution(
        tags=["cp313-cp313-manylinux_2_17_x86_64", "cp313-cp313-manylinux2014_x86_64"]
    )

    why = [only(judge(a_case(thing, owner=owner))).fault.why for owner in (honest, lying)]

    assert "mislabelled" not in why[0]
    assert why[1].endswith("its wheel is tagged for glibc 2.17: mislabelled by its publisher")


def test_a_symbol_of_a_missing_version_is_no_fault_of_its_own() -> None:
    thing = an_object(
        "mod.so",
        "PyInit_mod",
        needed=["libc.so.6"],
        needs=["libc.so.6(GLIBC_2.38)"],
        refers=["strtol@GLIBC_2.38"],
    )

    assert codes(a_case(thing)) == ["ABI301"]


def test_a_missing_library_explains_its_symbols_and_versions() -> None:
    thing = an_object(
        "mod.so",
        "PyInit_mod",
        needed=["libgone.so.1"],
        needs=["libgone.so.1(V_1)"],
        refers=[ref("f@V_1", "libgone.so.1"), "g"],
    )

    assert codes(a_case(thing)) == ["ABI401"]


def test_two_causes_are_two_findings() -> None:
    thing = an_object(
        "mod.so",
        "PyInit_mod",
        needed=["libgone.so.1", "libc.so.6"],
        needs=["libc.so.6(GLIBC_2.38)"],
    )

    assert codes(a_case(thing)) == ["ABI301", "ABI401"]


def test_undefined_symbols_of_one_object_are_one_finding() -> None:
    case = a_case(mod(references=tuple(map(ref, "abcdef"))))

    assert codes(case) == ["ABI302"]
    assert only(judge(case)).fault.message == "needs the symbol a, b, c, d and 2 more"


def test_what_only_a_stand_in_lacks_is_a_warning() -> None:
    profile = a_profile(a_library("libstandin.so.1", "has", complete=False))
    thing = an_object(
        "mod.so", "PyInit_mod", needed=["libstandin.so.1"], refers=["lacks@V_1"], versioned=True
    )
    stand_in = a_library("libstandin.so.1", "has@@V_1", complete=False)
    profile = a_profile(stand_in)

    case = a_case(thing, profile=profile)

    assert codes(case) == ["ABI307 warning"]
    assert "libstandin.so.1" in only(judge(case)).fault.why


def test_what_only_newer_releases_of_the_target_serve_is_a_warning() -> None:
    profile = a_profile(a_library("libcxx.so.6", "f@@CXX_2", introduced={"CXX_2": "2025-04-01"}))
    thing = an_object("mod.so", "PyInit_mod", needed=["libcxx.so.6"], needs=["libcxx.so.6(CXX_2)"])

    case = a_case(thing, profile=profile)

    assert codes(case) == ["ABI305 warning"]
    assert only(judge(case)).fault.message == "needs CXX_2 (since 2025-04-01) of libcxx.so.6"


def test_version_tables_that_kill_are_one_finding() -> None:
    no_file = an_object("mod.so", "PyInit_mod", needs=["libgone.so.1(V_1)"])
    no_versions = an_object(
        "mod.so",
        "PyInit_mod",
        needed=["liby.so"],
        rpath="$ORIGIN",
        refers=[ref("f@V_1", "liby.so")],
    )

    assert codes(a_case(no_file)) == ["ABI306"]
    assert codes(a_case(no_versions, an_object("liby.so", "f"))) == ["ABI306"]


def test_a_version_of_no_file_explains_its_symbols() -> None:
    thing = an_object(
        "mod.so",
        "PyInit_mod",
        needs=["libgone.so.1(V_1)"],
        refers=[ref("f@V_1", "libgone.so.1")],
    )

    assert codes(a_case(thing)) == ["ABI306"]


def test_the_marker_of_packed_relocations_is_about_them() -> None:
    """`link without -z pack-relative-relocs` helps, and another build of the same does not."""
    thing = replace(
        an_object(
            "mod.so",
            "PyInit_mod",
            needed=["libc.so.6"],
            needs=["libc.so.6(GLIBC_ABI_DT_RELR)"],
        ),
        relr=True,
    )

    assert codes(a_case(thing)) == ["ABI505"]


# --- ABI4xx: libraries ---


def test_a_missing_library_is_known_by_what_it_is() -> None:
    finding = only(judge(a_case(mod(needed=("libGL.so.1",)))))

    assert finding.rule.code == "ABI401"
    assert finding.fault.why.startswith("OpenGL")
    assert finding.fault.evidence == ("libGL.so.1",)


@pytest.mark.parametrize(
    "soname",
    ["libpq-3d107b13.so.5.11", "libopenblasp-r0-34a18dc3.3.7.so", "libfoo-0a1b2c3d.so.1"],
)
def test_a_name_with_a_hash_was_vendored(soname: str) -> None:
    assert codes(a_case(mod(needed=(soname,)))) == ["ABI402"]


def test_the_folder_that_was_lost_is_named() -> None:
    thing = an_object(
        "numpy/mod.so", needed=["libfoo-0a1b2c3d.so.1"], rpath="$ORIGIN/../numpy.libs"
    )

    finding = only(judge(a_case(thing)))

    assert finding.fault.why == (
        "the folder numpy.libs/ is not in the artifact; it belongs beside the package"
    )


def test_a_library_of_the_system_is_not_vendored_because_a_folder_was_lost() -> None:
    """No wheel of opencv brings libGL, so nothing that was lost would help."""
    thing = an_object("cv2/cv2.so", needed=["libGL.so.1"], rpath="$ORIGIN/../opencv_python.libs")

    assert codes(a_case(thing)) == ["ABI401"]


def test_a_doubtful_library_is_a_warning() -> None:
    profile = a_profile(a_library("libmaybe.so.1", doubtful="reported absent"))

    case = a_case(mod(needed=("libmaybe.so.1",)), profile=profile)

    assert codes(case) == ["ABI403 warning"]
    assert only(judge(case)).fault.why == "reported absent"


def test_a_vendored_copy_of_a_doubtful_library_is_no_fault() -> None:
    profile = a_profile(a_library("libmaybe.so.1", doubtful="reported absent"))
    thing = an_object("mod.so", "PyInit_mod", needed=["libmaybe.so.1"], rpath="$ORIGIN")

    assert codes(a_case(thing, an_object("libmaybe.so.1"), profile=profile)) == []


def test_a_copy_that_was_passed_over_is_named_once() -> None:
    thing = an_object("mod.so", "PyInit_mod", needed=["liby.so"], rpath="$ORIGIN")
    other = with_header(an_object("liby.so"), machine=183)

    finding = only(judge(a_case(thing, other)))

    assert finding.fault.why.count("/var/task/liby.so") == 1


# --- one fault, one place, one weight ---


def test_a_fault_of_a_shared_library_is_found_once() -> None:
    things = (
        an_object("a.so", "PyInit_a", needed=["liby.so"], rpath="$ORIGIN"),
        an_object("b.so", "PyInit_b", needed=["liby.so"], rpath="$ORIGIN"),
        an_object("liby.so", needed=["libGL.so.1"]),
    )

    case = a_case(*things, opens={"a.so": "a", "b.so": "b"})

    assert codes(case) == ["ABI401"]
    assert str(only(judge(case)).fault.location) == "liby.so"


def test_a_fault_that_each_of_two_objects_has_is_found_twice() -> None:
    things = (
        an_object("a.so", "PyInit_a", needed=["libGL.so.1"]),
        an_object("b.so", "PyInit_b", needed=["libGL.so.1"]),
    )

    case = a_case(*things, opens={"a.so": "a", "b.so": "b"})

    assert [str(f.fault.location) for f in judge(case)] == ["a.so", "b.so"]


def test_a_guarded_extension_is_a_warning_that_says_so() -> None:
    case = a_case(
        mod(needed=("libGL.so.1",)), severity=Severity.WARNING, reason="every import is guarded"
    )

    assert codes(case) == ["ABI401 warning"]
    assert only(judge(case)).fault.why.endswith("; every import is guarded")


def test_a_guarded_module_under_another_name_is_a_warning_that_says_so() -> None:
    missing = a_missing_module(
        "m.cpython-311-x86_64-linux-gnu.so",
        "m",
        "built for CPython 3.11",
        severity=Severity.WARNING,
        guard="every import is guarded",
    )

    case = a_case(opens={}, missing=[missing])

    assert codes(case) == ["ABI201 warning"]
    assert only(judge(case)).fault.why.endswith("; every import is guarded")


def test_the_weightiest_of_those_that_run_into_a_fault_decides() -> None:
    things = (
        an_object("guarded.so", "PyInit_guarded", needed=["liby.so"], rpath="$ORIGIN"),
        an_object("needed.so", "PyInit_needed", needed=["liby.so"], rpath="$ORIGIN"),
        an_object("liby.so", needed=["libGL.so.1"]),
    )
    case = a_case(*things, opens={"guarded.so": "guarded", "needed.so": "needed"})
    first, second = case.roots
    mild = replace(case, roots=(replace(first, severity=Severity.WARNING), second))

    assert codes(mild) == ["ABI401"]


def test_a_warning_never_weighs_more_than_its_card() -> None:
    profile = a_profile(a_library("libmaybe.so.1", doubtful="reported absent"))

    case = a_case(mod(needed=("libmaybe.so.1",)), profile=profile, severity=Severity.NOTE)

    assert codes(case) == ["ABI403 note"]


def test_a_library_by_itself_is_judged_like_an_extension_without_a_module() -> None:
    case = a_case(an_object("liby.so", needed=["libGL.so.1"]), opens={"liby.so": None})

    assert codes(case) == ["ABI401"]
    assert only(judge(case)).fault.module is None


def test_faults_of_the_target_s_own_libraries_are_not_the_artifact_s() -> None:
    profile = a_profile(a_library("libbroken.so.1", needed=["libgone.so.1"]))

    assert codes(a_case(mod(needed=("libbroken.so.1",)), profile=profile)) == []


def test_a_finding_belongs_to_the_distribution_that_brought_the_file() -> None:
    owner = a_distribution("opencv-python", "4.12")

    assert only(judge(a_case(mod(needed=("libGL.so.1",)), owner=owner))).distribution == owner


def test_findings_are_printed_by_weight_then_code_then_path() -> None:
    inventory = an_inventory(
        irregularities=[
            irregular(Irregular.DUPLICATE, "b"),
            irregular(Irregular.DUPLICATE, "a"),
            irregular(Irregular.CORRUPT, "z"),
            irregular(Irregular.ENCRYPTED, "a"),
        ]
    )

    printed = [(f.rule.code, str(f.fault.location)) for f in judge(a_case(inventory=inventory))]

    assert printed == [("ABI003", "z"), ("ABI004", "a"), ("ABI006", "a"), ("ABI006", "b")]


def test_what_the_user_would_see_travels_with_the_finding() -> None:
    fault = only(judge(a_case(mod(needed=("libGL.so.1",))))).fault

    assert fault.module == "mod"
    assert fault.failure is not None
    assert fault.failure.message == (
        "libGL.so.1: cannot open shared object file: No such file or directory"
    )
    assert fault.failure.decided_by == PurePosixPath("/var/task/mod.so")


# --- things that are opened and fail by another file's fault ---


def test_the_file_at_which_a_search_ended_is_the_one_at_fault() -> None:
    thing = an_object("mod.so", "PyInit_mod", needed=["liby.so"], rpath="$ORIGIN")
    script = ForeignFile(location("liby.so"), 200, Foreign.LINKER_SCRIPT)

    case = a_case(thing, script)

    assert codes(case) == ["ABI106"]
    assert str(only(judge(case)).fault.location) == "liby.so"
