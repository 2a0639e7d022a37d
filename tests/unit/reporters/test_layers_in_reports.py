"""A file of a layer, in every format: the path alone does not say in which archive it is."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO

import pytest
from tests.factories import (
    a_finding,
    a_finding_in_a_layer,
    a_report,
    an_inventory,
    an_object,
    an_object_report,
    of_a_layer,
)

from abicheck.model import Fault, Finding, Location, Report, Severity
from abicheck.reporters import Run, write_inspect, writer

PATH = "python/pkg/mod.so"


def written(name: str, report: Report) -> str:
    stream = StringIO()
    writer(name)(Run((report,), "1.2.3", 1), stream)
    return stream.getvalue()


@pytest.fixture
def report() -> Report:
    return a_report(a_finding_in_a_layer("base.zip", PATH), inventory=of_a_layer("base.zip"))


@pytest.mark.parametrize("name", ["github", "html"])
def test_what_has_room_for_it_says_the_layer_beside_the_path(report: Report, name: str) -> None:
    text = written(name, report)

    assert PATH in text
    assert "layer base.zip" in text


@pytest.mark.parametrize("name", ["text", "markdown"])
def test_a_paragraph_says_from_which_layer_a_file_is(report: Report, name: str) -> None:
    text = written(name, report)

    assert f"file  {PATH}" in text
    assert "from  layer base.zip" in text
    assert "a.zip with 1 layer" in text


def test_concise_lines_lead_into_the_layers_own_archive(report: Report) -> None:
    assert written("concise", report).startswith(f"dist/base.zip/{PATH}: error")


@pytest.mark.parametrize("name", ["gitlab", "junit", "sarif"])
def test_other_formats_name_the_layer_before_the_path(report: Report, name: str) -> None:
    assert f"base.zip:{PATH}" in written(name, report)


def test_sarif_lists_a_layer_as_an_archive_with_its_hash(report: Report) -> None:
    (run,) = json.loads(written("sarif", report))["runs"]
    artifacts = run["artifacts"]
    target = artifacts[run["results"][0]["analysisTarget"]["index"]]
    layer = artifacts[target["parentIndex"]]

    assert target["location"]["uri"] == PATH
    assert layer["location"]["uri"] == "base.zip"
    assert layer["hashes"] == {"sha-256": "1" * 64}


def test_a_finding_about_a_whole_layer_names_it() -> None:
    whole = Finding(
        a_finding().rule,
        Severity.ERROR,
        Fault(Location(an_object(".").location.path, "base.zip"), "is damaged"),
    )
    report = a_report(whole, inventory=of_a_layer("base.zip"))

    assert "base.zip: is damaged" in written("gitlab", report)


def test_two_files_of_one_path_are_two_tests() -> None:
    mine = an_object_report(an_object("lib/x.so"))
    report = a_report(
        a_finding("lib/x.so"),
        a_finding_in_a_layer("base.zip", "lib/x.so"),
        objects=[mine],
        inventory=of_a_layer("base.zip"),
    )
    text = written("junit", report)

    assert 'name="lib/x.so"' in text
    assert 'name="base.zip:lib/x.so"' in text


def test_the_table_of_binaries_names_the_layer() -> None:
    thing = a_finding_in_a_layer("base.zip", PATH).fault.location
    item = an_object_report(an_object(PATH))
    stream = StringIO()
    write_inspect(
        [a_report(objects=[replace(item, location=thing)], inventory=of_a_layer("base.zip"))],
        stream,
    )

    assert f"base.zip:{PATH}" in stream.getvalue()


def test_a_layer_by_itself_is_called_one() -> None:
    text = written("text", a_report(inventory=replace(an_inventory(), is_layer=True)))

    assert text.startswith("PASS  a.zip (a layer)   ")
