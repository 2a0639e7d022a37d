"""What Lambda demands of an image: `codes(case)` is every finding, in printing order."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from tests.factories import a_case, a_layer, an_image, an_inventory, codes, irregular, judge

from abicheck.model import (
    ArtifactKind,
    BaseChange,
    BaseDrift,
    Case,
    Compression,
    EntryPoint,
    ImageChild,
    ImageFacts,
    Irregular,
    Platform,
)

DOCKER = "application/vnd.docker.image.rootfs.diff.tar"
OCI = "application/vnd.oci.image.layer.v1.tar"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
BASE_ENTRY: Final = "/lambda-entrypoint.sh"


def _case(image: ImageFacts) -> Case:
    return a_case(inventory=replace(an_inventory(kind=ArtifactKind.IMAGE), image=image))


def _messages(image: ImageFacts) -> list[str]:
    return [finding.fault.message for finding in judge(_case(image))]


def test_what_is_no_image_has_no_finding_of_an_image() -> None:
    """A ZIP has neither index nor entry point."""
    assert codes(a_case(inventory=an_inventory())) == []


def test_an_image_without_packages_is_not_called_empty() -> None:
    """It has an interpreter; what holds none at all cannot be checked."""
    nothing = an_inventory(kind=ArtifactKind.IMAGE, python_files=0)

    assert codes(a_case(inventory=replace(nothing, image=an_image()))) == []


def test_an_index_says_what_else_it_lists() -> None:
    """Attestations and other platforms, and that it is alone."""
    index = replace(an_image(), index=True)
    attestation = ImageChild("sha256:a", Platform("unknown", "unknown"), True, True)  # noqa: FBT003
    arm = ImageChild("sha256:b", Platform("linux", "arm64"), present=False)

    assert _messages(index) == ["an index stands above the image, of this image alone"]
    assert _messages(replace(index, children=(attestation, arm))) == [
        "an index stands above the image, with an attestation, linux/arm64 besides"
    ]
    assert _messages(replace(index, children=(attestation, attestation))) == [
        "an index stands above the image, with 2 attestations besides"
    ]


@pytest.mark.parametrize(
    ("manifest", "layer", "packed", "expected"),
    [
        ("", "", Compression.NONE, []),
        (OCI_MANIFEST, OCI, Compression.NONE, []),
        (OCI_MANIFEST, f"{OCI}+gzip", Compression.GZIP, []),
        (OCI_MANIFEST, f"{OCI}+zstd", Compression.ZSTD, ["ABI802 warning"]),
        (OCI_MANIFEST, f"{OCI}+gzip", Compression.NONE, ["ABI802 warning"]),
        (OCI_MANIFEST, OCI, Compression.GZIP, ["ABI802 warning"]),
        (OCI_MANIFEST, f"{DOCKER}.gzip", Compression.GZIP, []),
        (OCI_MANIFEST, DOCKER, Compression.NONE, ["ABI802"]),
        (OCI_MANIFEST, "text/plain", Compression.NONE, ["ABI802"]),
        (OCI_MANIFEST, f"{OCI}+gzip", None, []),
        ("text/plain", f"{OCI}+gzip", Compression.GZIP, ["ABI802"]),
    ],
)
def test_media_types_are_those_that_lambda_documents(
    manifest: str, layer: str, packed: Compression | None, expected: list[str]
) -> None:
    """No document speaks of zstd; bytes may contradict the type."""
    image = replace(an_image(a_layer(layer, packed)), media_type=manifest)

    assert codes(_case(image)) == expected


def test_a_layer_of_oci_under_dockers_manifest_is_refused() -> None:
    """Tools that mix the two write images which only local engines run."""
    assert codes(_case(an_image(a_layer(f"{OCI}+gzip")))) == ["ABI802"]


def test_files_before_their_folders_are_one_finding_a_layer() -> None:
    """With the first of them, and the others as evidence."""
    image = replace(
        an_image(a_layer(), a_layer(index=1)),
        orphans=((0, "a/b.py"), (0, "a/c.py"), (1, "x/y/z.py")),
    )
    found = judge(_case(image))

    assert [str(f.fault.location) for f in found] == ["sha256:0:a/b.py", "sha256:1:x/y/z.py"]
    assert found[0].fault.evidence == ("a/b.py", "a/c.py")


@pytest.mark.parametrize(
    ("platform", "function", "expected"),
    [
        (Platform("linux", "amd64"), "amd64", []),
        (Platform("linux", "arm64", "v8"), "arm64", []),
        (Platform("linux", "arm64", "v8"), "amd64", ["ABI804"]),
        (Platform("windows", "amd64"), "amd64", ["ABI804"]),
        (Platform("", ""), "amd64", []),
    ],
)
def test_the_platform_is_that_of_the_function(
    platform: Platform, function: str, expected: list[str]
) -> None:
    """A configuration that could not be read says nothing."""
    image = replace(an_image(), architecture=function)
    image = replace(image, config=replace(image.config, platform=platform))

    assert codes(_case(image)) == expected


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (EntryPoint("/entry.sh", "/entry.sh"), []),
        (EntryPoint("/entry.sh", None), ["ABI805"]),
        (EntryPoint("/entry.sh", "/entry.sh", executable=False), ["ABI805"]),
        (EntryPoint("python", "/usr/bin/python3.13", link=True), ["ABI805 warning"]),
        (EntryPoint("/usr/bin/python", "/usr/bin/python3.13", link=True), ["ABI805 note"]),
        (None, ["ABI805"]),
        (EntryPoint(BASE_ENTRY, BASE_ENTRY, ("app.handler",)), []),
        (EntryPoint(BASE_ENTRY, BASE_ENTRY), ["ABI805 warning"]),
        (EntryPoint(BASE_ENTRY, BASE_ENTRY, ("python", "app.py")), ["ABI805 warning"]),
        (EntryPoint(BASE_ENTRY, None), ["ABI805"]),
    ],
)
def test_the_entry_point_can_be_run(entry: EntryPoint | None, expected: list[str]) -> None:
    """A link is a note: the guide's own example is one.  Lambda's own script takes a handler."""
    assert codes(_case(replace(an_image(), entry_point=entry))) == expected


@pytest.mark.parametrize(("size", "expected"), [(10 << 30, []), ((10 << 30) + 1, ["ABI808"])])
def test_ten_gibibytes_fit(size: int, expected: list[str]) -> None:
    """All layers together, unpacked."""
    assert codes(_case(replace(an_image(), unpacked=size))) == expected


def test_an_image_without_layers_needs_no_client() -> None:
    """What could not be read has been said."""
    image = replace(an_image(), client="", layers=())

    assert "ABI809 warning" not in codes(_case(image))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Irregular.WRONG_DIGEST, "ABI812"),
        (Irregular.MISSING_BLOB, "ABI813"),
        (Irregular.TRUNCATED, "ABI003"),
        (Irregular.DISAGREEMENT, "ABI013"),
        (Irregular.LIMIT, "ABI002"),
    ],
)
def test_each_damage_has_a_rule_of_its_own(kind: Irregular, expected: str) -> None:
    """A truncated blob is not a wrong digest, and neither is one that is missing."""
    inventory = an_inventory(kind=ArtifactKind.IMAGE, irregularities=[irregular(kind)])

    assert codes(a_case(inventory=replace(inventory, image=an_image()))) == [expected]


def test_a_base_that_is_not_as_on_record_is_a_note() -> None:
    """In one line, with a few names; the evidence has all of them."""
    drift = BaseDrift(
        "lambda-python3.13-x86_64-image",
        facts=(BaseChange("libc", "glibc 2.34", "glibc 2.38"),),
        lost=("liba.so.1", "libb.so.1", "libc.so.5", "libd.so.1"),
        ceilings=(BaseChange("libz.so.1", "ZLIB_1.2.9", "ZLIB_1.2.12"),),
    )
    image = replace(an_image(), drift=drift)
    [found] = judge(_case(image))

    assert codes(_case(image)) == ["ABI814 note"]
    assert found.fault.message == (
        "not as lambda-python3.13-x86_64-image: lost liba.so.1, libb.so.1, libc.so.5 and 1 more; "
        "libc: glibc 2.34 -> glibc 2.38; libz.so.1: ZLIB_1.2.9 -> ZLIB_1.2.12"
    )
    assert "lost: libd.so.1" in found.fault.evidence


def test_a_base_that_is_as_on_record_is_none() -> None:
    """And so is a base of somebody else's, which nothing is on record of."""
    assert codes(_case(replace(an_image(), drift=None))) == []


def test_changes_beyond_the_first_are_counted() -> None:
    """A newer system changes dozens."""
    changes = tuple(BaseChange(f"lib{n}.so.1", "V_1", "V_2") for n in range(5))
    image = replace(an_image(), drift=BaseDrift("t", gained=("libnew.so.1",), ceilings=changes))

    assert _messages(image) == [
        (
            "not as t: gained libnew.so.1; lib0.so.1: V_1 -> V_2; lib1.so.1: V_1 -> V_2; "
            "lib2.so.1: V_1 -> V_2; 2 other changes"
        )
    ]
