"""The page: whole in itself, well-formed, and nothing of an artifact is markup."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO
from itertools import pairwise

import pytest
from tests.factories import (
    a_distribution,
    a_finding,
    a_library,
    a_profile,
    a_report,
    an_inventory,
    an_object,
    an_object_report,
    load,
)

from abicheck.model import Failure, Prediction, Report, RuntimeOutcome, Severity, Verdict
from abicheck.reporters import Run, writer
from abicheck.reporters._treemap import Rectangle, squarify

VOID = {"meta", "br"}


class Page(HTMLParser):
    """Elements with their attributes and text; fails on one that is not closed."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(document)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names))
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in {"style", "script"}:
            self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def written(*reports: Report) -> str:
    stream = StringIO()
    writer("html")(Run(reports, "1.2.3", 1), stream)
    return stream.getvalue()


def page(*reports: Report) -> Page:
    found = Page(written(*reports))
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in found.elements:
        href = attributes.get("href", "#main")
        assert href.startswith("#")
        assert href[1:] in ids
        assert attributes.keys().isdisjoint({"src", "style", "srcset", "onclick", "onload"})
    return found


LIBY = a_library("liby.so.1", "f")


def a_full_report() -> Report:
    thing = an_object("pkg/mod.so", needed=["liby.so.1", "libgone.so", "libc.so.6"], refers=["g"])
    shipped = an_object("pkg/libz9.so")
    link_map = load(thing, profile=a_profile(LIBY))
    failure = Failure("ImportError", "libgone.so: cannot open")
    item = replace(
        an_object_report(
            thing,
            module="pkg.mod",
            prediction=Prediction("pkg.mod", Verdict.FAILS, failure),
            distribution=a_distribution("pkg"),
        ),
        link_map=link_map,
    )
    inventory = replace(
        an_inventory(thing, shipped), sizes={"pkg": 10_000, "other": 500, "empty": 0}
    )
    return a_report(
        a_finding("pkg/mod.so", "gone", failure=failure, fix="pip install \\\n  x", why="so"),
        a_finding("pkg/mod.so", severity=Severity.WARNING),
        inventory=inventory,
        objects=[item, an_object_report(shipped)],
        suppressed=[a_finding("pkg/other.so")],
    )


def test_the_page_asks_for_nothing_and_runs_only_its_own() -> None:
    document = written(a_full_report())

    (policy,) = [m["content"] for m in Page(document).all("meta") if "http-equiv" in m]
    assert policy.startswith("default-src 'none'; ")
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", document, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "url(" not in document
    assert "//" not in re.sub(r"^ *// .*$", "", document, flags=re.MULTILINE)


def test_the_page_says_what_the_report_says() -> None:
    text = "".join(page(a_full_report()).texts)

    for said in (
        "FAIL a.zip",
        "[ERROR] Runtime.ImportModuleError: Unable to import module 'handler': libgone.so",
        "ABI901 made-up",
        "pip install \\\n  x",
        "it is known",
        "libgone.so",
        "liby.so.1",
        "target by LD_LIBRARY_PATH",
    ):
        assert said in text


def test_every_drawing_has_words_and_every_heading_its_level() -> None:
    found = page(a_full_report())

    assert all(svg["aria-label"] for svg in found.all("svg"))
    levels = [int(tag[1]) for tag, _ in found.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert {"lang": "en"} in found.all("html")
    assert (
        found.elements[[tag for tag, _ in found.elements].index("body") + 1][1]["class"] == "skip"
    )


def test_what_failed_is_marked_in_the_graph() -> None:
    document = written(a_full_report())

    missing = re.search(r'<g class="node missing"><title>(.*?)</title>', document)
    assert missing is not None
    assert missing[1] == "libgone.so"
    assert document.count('class="edge fault"') == 1


def test_a_binary_with_an_error_is_red_on_the_map_and_leads_to_its_link_map() -> None:
    document = written(a_full_report())

    cell = re.search(r'<a href="#(a0-o\d)" aria-label="pkg/mod.so, 4.0 KiB, error">', document)
    assert cell is not None
    assert f'<details class="object" id="{cell[1]}" open>' in document


EVIL = "\"'><script>x()</script><img src=x onerror=x()>&amp;\x00\x1b[31m\u202e</style>"


def test_nothing_of_an_artifact_is_markup() -> None:
    owner = a_distribution(EVIL, EVIL)
    thing = an_object(f"p/{EVIL}.so", needed=[EVIL])
    failure = Failure(EVIL, EVIL, stderr=EVIL)
    item = replace(
        an_object_report(
            thing,
            module=EVIL,
            prediction=Prediction(EVIL, Verdict.FAILS, failure),
            distribution=owner,
        ),
        link_map=load(thing),
    )
    inventory = replace(an_inventory(thing, artifact=EVIL), sizes={EVIL: 5000, "p": 5000})
    finding = a_finding(
        f"p/{EVIL}.so", EVIL, distribution=owner, failure=failure, why=EVIL, fix=EVIL
    )
    report = a_report(
        finding, inventory=inventory, objects=[item], suppressed=[finding], function=EVIL
    )

    found = page(report, report)

    assert len(found.all("script")) == 1
    assert found.all("img") == []
    assert "\x1b" not in written(report)
    assert "\u202e" not in written(report)


@pytest.mark.parametrize("reports", [0, 1, 3])
def test_any_number_of_artifacts_makes_a_page(reports: int) -> None:
    found = page(*(a_report() for _ in range(reports)))

    assert len(found.all("article")) == reports


# --- the geometry of the map ---


@pytest.mark.parametrize("sizes", [[1], [6, 6, 4, 3, 2, 2, 1], [1000, 1], [5] * 200, [1e9, 1, 1]])
def test_areas_are_in_proportion_and_fill_the_space(sizes: list[float]) -> None:
    space = Rectangle(3, 4, 600, 400)

    found = squarify(sizes, space)

    scale = 600 * 400 / sum(sizes)
    assert [r.width * r.height for r in found] == pytest.approx([s * scale for s in sizes])
    for rectangle in found:
        assert rectangle.x >= 2.99
        assert rectangle.y >= 3.99
        assert rectangle.x + rectangle.width <= 603.01
        assert rectangle.y + rectangle.height <= 404.01


def test_rectangles_do_not_overlap() -> None:
    found = squarify([6, 6, 4, 3, 2, 2, 1], Rectangle(0, 0, 6, 4))

    for index, one in enumerate(found):
        for other in found[index + 1 :]:
            apart_x = one.x + one.width <= other.x + 1e-9 or other.x + other.width <= one.x + 1e-9
            apart_y = one.y + one.height <= other.y + 1e-9 or other.y + other.height <= one.y + 1e-9
            assert apart_x or apart_y


def test_no_space_and_no_bytes_are_no_fault() -> None:
    assert squarify([], Rectangle(0, 0, 1, 1)) == []
    assert squarify([1, 2], Rectangle(0, 0, 0, 0))[0].width == 0
    assert [r.height for r in squarify([0, 0], Rectangle(0, 0, 5, 5))] == [0, 0]


def a_matrix() -> list[RuntimeOutcome]:
    """Two runtimes on both architectures: the new one has a reason on arm64, and is preliminary."""
    wrong = a_finding("pkg/mod.so", "does <not> load", why="for x86_64; and more")
    return [
        RuntimeOutcome("python3.13", "x86_64", None),
        RuntimeOutcome("python3.13", "arm64", None, warnings=2),
        RuntimeOutcome("python3.14", "x86_64", None, preliminary="announced"),
        RuntimeOutcome("python3.14", "arm64", wrong, preliminary="announced"),
    ]


def rows(document: str) -> dict[str, list[str]]:
    """The table of runtimes: by the head of each row, the text of its cells."""
    (table,) = re.findall('<table class="runtimes">.*?</table>', document, re.DOTALL)
    found = {}
    for row in re.findall("<tr><th scope=row>.*?</tr>", table):
        head, *cells = re.findall("<t[hd][^>]*>(.*?)</t[hd]>", row)
        found[head] = [re.sub("<[^>]*>", "", cell) for cell in cells]
    return found


def test_the_runtimes_are_a_table_that_says_in_words_where_it_loads_and_why_not() -> None:
    report = a_report(matrix=a_matrix())
    found, document = page(report), written(report)

    assert rows(document) == {
        "python3.13": ["loads this report", "loads with 2 warnings"],
        "python3.14*": ["loads", "fails ABI901 pkg/mod.so: for x86_64"],
    }
    assert "<caption>Whether it would load" in document
    assert [head["scope"] for head in found.all("th")] == ["col"] * 3 + ["row", "row"]
    assert [cell for cell in found.all("td") if "aria-current" in cell] == [
        {"aria-current": "true"}
    ]
    assert "* preliminary: announced" in found.texts


def test_who_judges_on_one_target_gets_no_table_of_runtimes() -> None:
    assert "runtimes" not in {each.get("class") for each in page(a_full_report()).all("table")}


def test_where_findings_are_suppressed_the_table_says_that_they_count_in_it() -> None:
    said = "What is suppressed above counts in this table."
    plain = a_report(matrix=a_matrix())
    suppressing = a_report(matrix=a_matrix(), suppressed=[a_finding("pkg/other.so")])

    assert said not in page(plain).texts
    assert said in page(suppressing).texts


def test_what_scrolls_can_be_reached_with_the_keyboard_and_has_a_name() -> None:
    """A map on a telephone, a long command: a region that takes the focus."""
    shown = written(a_full_report())

    for name in ("Fix", "Map of the bytes"):
        assert f'tabindex="0" role="region" aria-label="{name}"' in shown


def test_what_brought_a_file_into_an_image_has_a_label() -> None:
    finding = a_finding("usr/lib/x.so")
    fault = replace(finding.fault, origin="RUN pip install x")

    shown = written(a_report(replace(finding, fault=fault)))

    assert "<dt>brought by</dt><dd>RUN pip install x</dd>" in shown
