"""JSON version 1, field by field: a promise, and so written out here once more."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from importlib.resources import files
from io import StringIO
from pathlib import PurePosixPath
from typing import Any

from jsonschema import Draft202012Validator
from tests.factories import (
    a_distribution,
    a_finding,
    a_finding_in_a_layer,
    a_foreign_file,
    a_report,
    an_inventory,
    an_object,
    an_object_report,
    location,
    need,
    of_a_layer,
)

from abicheck.model import (
    ArtifactKind,
    Compression,
    Dependency,
    ElfFacts,
    EntryPoint,
    Failure,
    Fault,
    Foreign,
    FoundBy,
    Halt,
    ImageConfig,
    ImageFacts,
    ImageLayer,
    ObjectKind,
    PackageReport,
    Platform,
    Prediction,
    Report,
    Severity,
    Site,
    Trouble,
    Verdict,
)
from abicheck.reporters import write_json

SCHEMA: dict[str, Any] = json.loads(
    (files("abicheck.reporters") / "schema" / "report-v1.json").read_text(encoding="utf-8")
)


def written(*reports: Report) -> str:
    stream = StringIO()
    write_json(reports, "1.2.3", stream)
    return stream.getvalue()


def artifact(report: Report) -> dict[str, Any]:
    """The one artifact of a document that obeys its schema."""
    document = json.loads(written(report))
    Draft202012Validator(SCHEMA).validate(document)
    found: dict[str, Any] = document["artifacts"][0]
    return found


FAILURE = Failure("ImportError", "liby.so: gone", decided_by=PurePosixPath("/var/task/pkg/mod.so"))
FAILS = Prediction("pkg.mod", Verdict.FAILS, FAILURE, (Site(PurePosixPath("app.py"), 3),))


# --- the schema itself ---


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_every_object_of_the_schema_is_closed_and_demands_all_its_keys() -> None:
    """Version 1 may not change: neither a key more nor a key less."""

    def objects(node: object) -> list[dict[str, Any]]:
        if isinstance(node, list):
            return [found for item in node for found in objects(item)]
        if not isinstance(node, dict):
            return []
        below = [found for value in node.values() for found in objects(value)]
        return [node, *below] if node.get("type") == "object" else below

    assert len(objects(SCHEMA)) > 10
    for node in objects(SCHEMA):
        assert node["additionalProperties"] is False
        assert set(node["required"]) == set(node["properties"])


def test_the_words_of_the_schema_are_those_of_the_model() -> None:
    defs = SCHEMA["$defs"]

    assert defs["artifact"]["properties"]["kind"]["enum"] == [k.value for k in ArtifactKind]
    assert defs["object"]["properties"]["kind"]["enum"] == [k.value for k in ObjectKind]
    assert defs["foreign"]["properties"]["format"]["enum"] == [f.value for f in Foreign]
    ways = defs["object"]["properties"]["libraries"]["items"]["properties"]["found_by"]["enum"]
    assert ways == [*(way.value for way in FoundBy), None]
    assert defs["import"]["enum"] == [v.value for v in Verdict]
    assert defs["finding"]["properties"]["severity"]["enum"] == [str(s) for s in reversed(Severity)]


# --- the document ---


def test_the_document_names_its_version_and_its_tool() -> None:
    document = json.loads(written())

    assert document == {
        "schema_version": 1,
        "tool": {"name": "abicheck", "version": "1.2.3"},
        "artifacts": [],
    }


def test_an_artifact_says_what_it_is_and_what_it_was_judged_against() -> None:
    found = artifact(a_report())

    assert found["path"] == "a.zip"
    assert (found["kind"], found["sha256"], found["verdict"]) == ("zip", "0" * 64, "pass")
    assert found["handler"] is None
    assert found["target"] == {
        "name": "a-target",
        "title": "a target",
        "machine": "x86_64",
        "libc": "glibc 2.34",
        "python": "3.13",
        "as_of": "2026-01-01",
    }


def test_a_folder_has_no_digest() -> None:
    inventory = replace(an_inventory(kind=ArtifactKind.FOLDER), sha256=None)

    assert artifact(a_report(inventory=inventory))["sha256"] is None


def test_everything_is_counted() -> None:
    facts = an_object("mod.so")
    item = an_object_report(facts, module="mod")
    item = replace(item, link_map=replace(item.link_map, bound=7, assumed=2))

    found = artifact(
        a_report(
            a_finding(),
            a_finding(severity=Severity.WARNING),
            a_finding(severity=Severity.NOTE),
            a_finding(severity=Severity.NOTE),
            objects=[item],
        )
    )

    assert found["counts"] == {
        "errors": 1,
        "warnings": 1,
        "notes": 2,
        "suppressed": 0,
        "files": 1,
        "size": 4096,
        "objects": 1,
        "extensions": 1,
        "distributions": 0,
        "packages": 0,
        "bound": 7,
        "assumed": 2,
    }


def test_a_finding_has_all_that_is_known_of_it() -> None:
    finding = a_finding(
        "pkg/mod.so",
        "needs liby.so",
        distribution=a_distribution("pkg", "1.0"),
        failure=FAILURE,
        why="no folder has it",
        fix="pip install something",
        subject="liby.so",
    )
    fault = replace(
        finding.fault,
        module="pkg.mod",
        evidence=("liby.so",),
        via=FAILS.via,
        origin="RUN pip install pkg",
        pin=Site(PurePosixPath("requirements.txt"), 7),
    )

    (found,) = artifact(a_report(replace(finding, fault=fault)))["findings"]

    assert found == {
        "code": "ABI901",
        "name": "made-up",
        "severity": "error",
        "path": "pkg/mod.so",
        "layer": None,
        "module": "pkg.mod",
        "distribution": "pkg",
        "version": "1.0",
        "message": "needs liby.so",
        "why": "no folder has it",
        "subject": "liby.so",
        "exception": "ImportError",
        "runtime_message": "liby.so: gone",
        "runtime_log": "[ERROR] Runtime.ImportModuleError: Unable to import module 'handler': "
        "liby.so: gone",
        "crash": None,
        "stderr": None,
        "via": ["app.py:3"],
        "evidence": ["liby.so"],
        "origin": "RUN pip install pkg",
        "pin": {"path": "requirements.txt", "line": 7},
        "fix": "pip install something",
        "fingerprint": finding.fingerprint,
    }


def test_no_field_of_a_fault_is_left_out() -> None:
    """What the model gains later must be written down here too."""
    elsewhere = {"location": "path", "failure": "runtime_message"}
    (found,) = artifact(a_report(a_finding()))["findings"]

    assert {elsewhere.get(each.name, each.name) for each in fields(Fault)} <= found.keys()


def test_an_image_says_what_it_is_besides_its_files() -> None:
    layer = ImageLayer(0, "sha256:aa", "sha256:bb", "tar+gzip", Compression.GZIP, 9, "COPY . .")
    config = ImageConfig(Platform("linux", "arm64"), "sha256:cc", "sha256:dd", ("app:1",))
    entry = EntryPoint("/entry.sh", "/entry.sh", ("app.handler",))
    image = ImageFacts(config, (layer,), unpacked=10_240, entry_point=entry, handler="app.handler")
    inventory = replace(an_inventory(kind=ArtifactKind.IMAGE), image=image)

    assert artifact(a_report(inventory=inventory))["image"] == {
        "id": "sha256:cc",
        "digest": "sha256:dd",
        "names": ["app:1"],
        "platform": "linux/arm64",
        "layers": [
            {
                "diff_id": "sha256:aa",
                "digest": "sha256:bb",
                "media_type": "tar+gzip",
                "size": 9,
                "created_by": "COPY . .",
            }
        ],
        "unpacked": 10_240,
        "entry_point": ["/entry.sh", "app.handler"],
        "handler": "app.handler",
        "runtime_client": None,
        "base": None,
        "whole": True,
    }
    assert artifact(a_report())["image"] is None


def test_a_binary_has_its_libraries_with_the_way_each_was_found() -> None:
    item = an_object_report(an_object("mod.so"), module="mod")
    path = PurePosixPath("/var/task/mod.so")
    found = Dependency(path, "libc.so.6", PurePosixPath("/lib64/libc.so.6"), FoundBy.CACHE)
    links = replace(item.link_map, dependencies=(found, Dependency(path, "liby.so", None)))

    (written,) = artifact(a_report(objects=[replace(item, link_map=links)]))["objects"]

    assert written["libraries"] == [
        {
            "name": "libc.so.6",
            "needed_by": "/var/task/mod.so",
            "provider": "/lib64/libc.so.6",
            "found_by": "ld.so.cache",
        },
        {"name": "liby.so", "needed_by": "/var/task/mod.so", "provider": None, "found_by": None},
    ]


def test_a_suppressed_finding_is_there_and_says_why_it_does_not_count() -> None:
    finding = a_finding("pkg/mod.so")

    found = artifact(a_report(suppressed=[finding], function="dashboard"))

    (suppressed,) = found["suppressed"]
    assert (found["findings"], found["verdict"], found["function"]) == ([], "pass", "dashboard")
    assert found["counts"]["suppressed"] == 1
    assert suppressed["fingerprint"] == finding.fingerprint
    assert (suppressed["suppressed_by"], suppressed["reason"], suppressed["expires"]) == (
        "configuration",
        "it is known",
        None,
    )


def test_what_is_not_known_of_a_finding_is_null_and_not_left_out() -> None:
    (found,) = artifact(a_report(a_finding("")))["findings"]

    absent = ("module", "distribution", "version", "why", "runtime_message", "runtime_log", "fix")
    assert [found[key] for key in absent] == [None] * len(absent)
    assert (found["path"], found["via"], found["evidence"]) == (".", [], [])


def test_a_death_has_a_log_line_and_no_message() -> None:
    (found,) = artifact(a_report(a_finding(failure=Failure(None, None, "SIGBUS"))))["findings"]

    assert (found["crash"], found["runtime_message"]) == ("SIGBUS", None)
    assert found["runtime_log"] == (
        "[ERROR] Runtime.ExitError: Runtime exited with error: signal: bus error"
    )


def test_a_binary_has_its_outcome_and_the_object_that_decides_it() -> None:
    item = an_object_report(
        an_object("pkg/other.so"),
        module="pkg.other",
        prediction=FAILS,
        distribution=a_distribution("pkg", "1.0"),
    )
    halt = Halt(Trouble.LIBRARY, PurePosixPath("/var/task/pkg/other.so"), FAILURE)

    (found,) = artifact(a_report(objects=[replace(item, alone=halt)]))["objects"]

    del found["facts"]
    assert found == {
        "path": "pkg/other.so",
        "layer": None,
        "kind": "extension",
        "distribution": "pkg",
        "version": "1.0",
        "module": "pkg.other",
        "import": "fails",
        "decided_by": "/var/task/pkg/mod.so",
        "crash": None,
        "runtime_message": "liby.so: gone",
        "dlopen_alone": "fails",
        "dlopen_message": "liby.so: gone",
        "libraries": [],
    }


def test_a_binary_that_nothing_imports_has_no_outcome_of_an_import() -> None:
    (found,) = artifact(
        a_report(objects=[an_object_report(an_object("liby.so"), ObjectKind.LIBRARY)])
    )["objects"]

    assert (found["module"], found["import"], found["dlopen_alone"]) == (None, None, "loads")


def test_an_outcome_that_rests_on_a_stand_in_is_uncertain() -> None:
    halt = Halt(Trouble.SYMBOL, PurePosixPath("/var/task/liby.so"), FAILURE, certain=False)
    item = replace(an_object_report(an_object("liby.so"), ObjectKind.LIBRARY), alone=halt)

    (found,) = artifact(a_report(objects=[item]))["objects"]

    assert found["dlopen_alone"] == "uncertain"


def facts_of(thing: ElfFacts) -> dict[str, Any]:
    found: dict[str, Any] = artifact(a_report(objects=[an_object_report(thing)]))["objects"][0]
    return found["facts"]  # type: ignore[no-any-return]


def test_an_elf_file_has_the_facts_that_the_loader_reads() -> None:
    thing = an_object(
        "mod.so",
        "f@@V_1",
        soname="liby.so.1",
        needed=["libc.so.6"],
        rpath="$ORIGIN",
        refers=["memcpy@GLIBC_2.14"],
        needs=[need("libc.so.6(GLIBC_2.14)", weak=True)],
    )
    thing = replace(
        thing,
        isa_needed=4,
        kernel=(3, 2, 0),
        static_tls=True,
        relr=True,
        build_id="00ff",
        compilers=("GCC: 14",),
        exec_stack=None,
    )

    assert facts_of(thing) == {
        "format": "ELF",
        "size": 4096,
        "class": 64,
        "machine": "x86_64",
        "soname": "liby.so.1",
        "needed": ["libc.so.6"],
        "rpath": "$ORIGIN",
        "runpath": None,
        "version_needs": [{"soname": "libc.so.6", "version": "GLIBC_2.14", "weak": True}],
        "version_definitions": ["V_1"],
        "undefined": [{"name": "memcpy", "version": "GLIBC_2.14", "weak": False}],
        "isa_needed": 4,
        "kernel": "3.2.0",
        "exec_stack": None,
        "static_tls": True,
        "relr": True,
        "load_alignment": [4096],
        "build_id": "00ff",
        "compilers": ["GCC: 14"],
        "defect": None,
    }


def test_an_elf_file_without_a_header_has_neither_class_nor_machine() -> None:
    found = facts_of(ElfFacts(location("mod.so"), 20, None, defect="file too short"))

    assert (found["class"], found["machine"], found["defect"]) == (None, None, "file too short")


def test_a_file_that_is_not_elf_has_a_format_and_a_size() -> None:
    item = an_object_report(a_foreign_file("mod.so", Foreign.PE, 100), ObjectKind.FOREIGN)

    (found,) = artifact(a_report(objects=[item]))["objects"]

    assert found["facts"] == {"format": "PE (Windows)", "size": 100}


def test_a_package_has_its_outcome_and_the_object_that_decides_it() -> None:
    package = PackageReport("pkg", a_distribution("pkg", "1.0"), FAILS)

    assert artifact(a_report(packages=[package]))["packages"] == [
        {
            "name": "pkg",
            "distribution": "pkg",
            "import": "fails",
            "decided_by": "/var/task/pkg/mod.so",
            "runtime_message": "liby.so: gone",
            "crash": None,
        }
    ]


def test_a_handler_has_its_outcome_and_the_way_to_it() -> None:
    assert artifact(a_report(handler=FAILS))["handler"] == {
        "module": "pkg.mod",
        "import": "fails",
        "exception": "ImportError",
        "runtime_message": "liby.so: gone",
        "crash": None,
        "via": ["app.py:3"],
    }


def test_distributions_are_listed_with_their_tags() -> None:
    inventory = an_inventory(distributions=[a_distribution("pkg", "1.0", tags=["py3-none-any"])])

    assert artifact(a_report(inventory=inventory))["distributions"] == [
        {"name": "pkg", "version": "1.0", "layer": None, "tags": ["py3-none-any"]}
    ]


def test_the_document_is_ascii_and_ends_a_line() -> None:
    text = written(a_report(a_finding("\x1b[31m\u202e\udc80拡張.so")))

    assert text.isascii()
    assert "\x1b" not in text
    assert text.endswith("}\n")
    assert json.loads(text)["artifacts"][0]["findings"][0]["path"] == "\x1b[31m\u202e\udc80拡張.so"


# --- fingerprints ---


def test_files_of_one_path_in_function_and_layer_have_two_fingerprints() -> None:
    """By which layer it came is no part of it, nor is that of an image."""
    own, first, second = (
        a_finding("lib/x.so"),
        a_finding_in_a_layer("a.zip", "lib/x.so"),
        a_finding_in_a_layer("b.zip", "lib/x.so"),
    )
    image = a_finding_in_a_layer(f"sha256:{'0' * 64}", "lib/x.so")

    assert first.fingerprint == second.fingerprint != own.fingerprint
    assert image.fingerprint == own.fingerprint


def test_a_fingerprint_survives_another_tag_and_another_message() -> None:
    before = a_finding("pkg/mod.cpython-311-x86_64-linux-gnu.so", "one", subject="liby.so")
    after = a_finding("pkg/mod.cpython-313-x86_64-linux-gnu.so", "two", subject="liby.so")

    assert before.fingerprint == after.fingerprint


def test_a_fingerprint_survives_what_a_rebuild_changes_in_names() -> None:
    """A vendored library is named by its content, a layer's folder by its Python."""
    before = a_finding(
        "python/lib/python3.12/libs/liba-34a18dc3.3.7.so", subject="libb-0123abcd.so"
    )
    after = a_finding("python/lib/python3.13/libs/liba-99999999.3.8.so", subject="libb-ffffffff.so")

    assert before.fingerprint == after.fingerprint


def test_a_fingerprint_tells_files_subjects_and_folders_apart() -> None:
    findings = [
        a_finding("pkg/mod.so", subject="liby.so"),
        a_finding("pkg/mod.so", subject="libz.so"),
        a_finding("pkg/other.so", subject="liby.so"),
        a_finding("other/mod.so", subject="liby.so"),
    ]

    assert len({finding.fingerprint for finding in findings}) == len(findings)


# --- layers ---


def test_layers_are_listed_and_named_where_something_is_in_one() -> None:
    report = a_report(
        a_finding_in_a_layer("base.zip", "python/pkg/mod.so"), inventory=of_a_layer("base.zip")
    )
    found = artifact(report)

    assert found["layers"] == [
        {
            "name": "base.zip",
            "path": "dist/base.zip",
            "kind": "zip",
            "sha256": "1" * 64,
            "packed": 100,
            "files": 3,
            "size": 300,
        }
    ]
    assert not found["is_layer"]
    assert (found["findings"][0]["path"], found["findings"][0]["layer"]) == (
        "python/pkg/mod.so",
        "base.zip",
    )
