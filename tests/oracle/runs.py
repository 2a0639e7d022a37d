"""The harness put together: a target, captured and asked about the fixtures or real wheels."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.oracle import cases
from tests.oracle.accuracy import Row, Table, compare, measure
from tests.oracle.truth import (
    Answer,
    Artifact,
    Container,
    Host,
    Kind,
    Question,
    Site,
    questions_about,
)

from abicheck.capture import Request, capture_folder, capture_host
from abicheck.model import TargetProfile
from abicheck.pipeline import check
from abicheck.profiles import DEFAULT_TARGET, load_profile

if TYPE_CHECKING:
    from tests.oracle.debian import Debian
    from tests.oracle.wheels import Tree, Warehouse


@dataclass(frozen=True, slots=True)
class Target:
    """A profile as abicheck captures it, and where the same can be run."""

    profile: TargetProfile
    site: Site
    shelf: Path
    library_path: Sequence[str]

    def fixtures(self) -> Table:
        """Return how abicheck and the target compare on the fixtures."""
        artifacts = cases.artifacts(self.profile.interpreter, self.shelf)
        return measure(self.site, self.profile, artifacts, self.library_path)

    def trees(self, trees: Iterable[Tree], warehouse: Warehouse) -> Table:
        """Return how they compare on real packages, installed one after the other."""
        return measure(
            self.site, self.profile, self._installed(trees, warehouse), self.library_path
        )

    def _installed(
        self, trees: Iterable[Tree], warehouse: Warehouse
    ) -> Iterator[tuple[Artifact, Path, str | None]]:
        suffixes = self.profile.interpreter.suffixes
        for tree in trees:
            folder = warehouse.make_tree(tree, self.shelf / tree.name)
            asked = tuple(
                question
                for question in questions_about(folder, suffixes)
                if question.kind is Kind.OPEN or question.subject not in tree.unasked
            )
            yield Artifact(tree.name, folder, asked), folder, None


@contextmanager
def on_host(python: str = sys.executable) -> Iterator[Target]:
    """Give this machine, with one of its interpreters.

    LD_LIBRARY_PATH stays as it is: in front of a run path it could change libpython itself.
    """
    profile = capture_host(Request(name="host", source="this host", python=python)).profile
    with _shelf() as shelf:
        yield Target(profile, Host(python), shelf, ())


@contextmanager
def on_debian(debian: Debian) -> Iterator[Target]:
    """Give a Debian release, captured from its files and run in a container."""
    here = capture_host(Request(name="host", source="this host", python=sys.executable)).profile
    request = Request(
        name=debian.release,
        source=f"mmdebstrap {debian.release}",
        # A container has the processor and the kernel of its host, which no file tells.
        isa_level=here.isa_level,
        kernel=here.kernel,
    )
    profile = capture_folder(debian.root, request).profile
    with _shelf() as shelf:
        site = Container(debian.title, debian.image, shelf)
        # As on Lambda, the system's folders stand before the function's.
        yield Target(profile, site, shelf, (*profile.default_path, "{task}", "{task}/lib"))


@contextmanager
def _shelf() -> Iterator[Path]:
    """Give a folder that other users may look into, too."""
    shelf = Path(tempfile.mkdtemp(prefix="abicheck-"))
    shelf.chmod(0o755)
    try:
        yield shelf
    finally:
        shutil.rmtree(shelf)


def recorded() -> Table:
    """Return how abicheck compares with what glibc 2.34 answered when the fixtures were made."""
    profile = load_profile(DEFAULT_TARGET)
    table = Table("glibc 2.34, CPython 3.13 (recorded)")
    for name, case in cases.CASES.items():
        if name in cases.BEYOND or case["source"] == "predicted":
            continue
        question = Question(Kind.IMPORT, case["module"])
        truth = Answer(
            exception=case["exception"] or None,
            message=case["message"] or None,
            crash=case["crash"] or None,
        )
        archive = cases.FIXTURES / case["file"]
        report = check(archive, profile, handler=f"{case['module']}.__class__")
        rows: Iterator[Row] = compare(
            Artifact(name, archive, (question,)), report, {question: truth}
        )
        table.rows += rows
    return table
