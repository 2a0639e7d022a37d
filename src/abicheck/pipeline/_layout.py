"""How an artifact's files lie on the target: modes, hidden modules, links, names."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from abicheck.filesystem import Entry, Kind
from abicheck.model import (
    ArtifactKind,
    Copies,
    Failure,
    LayoutFacts,
    Link,
    Location,
    Locked,
    PathFile,
    Prediction,
    Verdict,
)
from abicheck.pipeline._hidden import hiding, is_own, sdk, supplied
from abicheck.pipeline._inventory import Contents, is_shared_object_name

if TYPE_CHECKING:
    from abicheck.python.reach import Reach
    from abicheck.python.simulate import Simulation

_READ: Final = 0o004  # of others
_ENTER: Final = 0o005
_ARCHIVES: Final = (".zip", ".whl", ".egg", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
# Where a function finds something that no artifact brings: layers, what it writes, the kernel.
_TARGETS: Final = tuple(f"/{top}/" for top in ("opt", "tmp", "dev", "proc", "etc", "mnt"))
_MOST: Final = 50  # modules that are tried of one folder
_DENIED: Final = re.compile(r"\[Errno 13\] Permission denied: '(.*)'")
_QUOTED: Final = re.compile(r"'([^']*)'")


def layout_of(
    contents: Contents,
    simulation: Simulation | None,
    reach: Callable[[], Reach | None],
    asked: Prediction | None,
    predict: Callable[[str], Prediction],
) -> LayoutFacts:
    """Return what is out of the ordinary.

    `reach` gives what the handler can come to, and `asked` is how it starts; without
    a handler every module counts.
    """
    if contents.inventory.kind in (ArtifactKind.WHEEL, ArtifactKind.OBJECT):
        return LayoutFacts()  # an installer lays it out
    is_image = contents.inventory.image is not None  # of what may not be read it has its own rule
    return LayoutFacts(
        locked=() if is_image else tuple(_locked(contents, reach, asked, predict)),
        hiding=tuple(hiding(contents, reach)),
        supplied=() if asked is None else tuple(supplied(contents, simulation)),
        sdk=tuple(sdk(contents)),
        path_files=tuple(_path_files(contents)),
        outward=tuple(_outward(contents)),
        copies=tuple(_copies(contents)),
        twins=tuple(_twins(contents)),
        inner=tuple(_inner(contents)),
        unused=tuple(_unused(contents)),
    )


# --- modes ---


def _locked(
    contents: Contents,
    reach: Callable[[], Reach | None],
    asked: Prediction | None,
    predict: Callable[[str], Prediction],
) -> Iterator[Locked]:
    """Yield what Lambda's user may not read: the outermost folder, or the file."""
    behind: dict[str, list[str]] = {}
    closed: dict[str, str | None] = {}
    if not _has_locks(contents):
        return
    for path in contents.tree.files():
        lock = _lock(contents, path, closed)
        # Of a binary that may not be read the loader speaks.
        if lock is not None and not (lock == path and is_shared_object_name(path)):
            behind.setdefault(lock, []).append(path)
    known = reach() if behind else None
    for path, files in behind.items():
        entry = _entry(contents, path)
        modules = [_module(contents, each) for each in files if _is_code(each)]
        names = [*contents.inventory.packages, *modules[:_MOST]]
        predictions = [predict(name) for name in names] if asked is None else [asked]
        yield Locked(
            contents.places.location(path),
            entry.mode or 0,
            len(files),
            folder=entry.kind is Kind.DIRECTORY,
            code=bool(modules),
            reached=known is None or any(map(known.covers, modules)),
            failure=next(_blamed(contents, path, modules, predictions), None),
        )


def _blamed(
    contents: Contents, lock: str, modules: Sequence[str], predictions: Iterable[Prediction]
) -> Iterator[Failure]:
    """Yield the failures of imports that are a lock's doing."""
    names = {*modules, *(name.rpartition(".")[0] for name in modules)}
    for prediction in predictions:
        failure = prediction.failure
        if failure is None or prediction.verdict is not Verdict.FAILS:
            continue
        text = failure.message or ""
        denied = _DENIED.match(text)
        if denied is not None:
            real = contents.tree.real(denied[1]) or denied[1]
            if real == lock or real.startswith(f"{lock}/"):
                yield failure
        elif contents.tree.is_dir(lock) and names.intersection(_QUOTED.findall(text)):
            yield failure


def _has_locks(contents: Contents) -> bool:
    """Whether anything is closed to others, which is seldom: most need no closer look."""
    files = map(contents.tree.entry, contents.tree.files())
    shut = (e is not None and e.mode is not None and not e.mode & _READ for e in files)
    return contents.tree.seen_by_others() is not contents.tree or any(shut)


def _lock(contents: Contents, path: str, known: dict[str, str | None]) -> str | None:
    """Return the outermost path that keeps others from a file, or None."""
    if not contents.places.holds(path):
        return None
    mode = _entry(contents, path).mode
    lock = path if mode is not None and not mode & _READ else None
    return _closed(contents, posixpath.dirname(path), known) or lock


def _closed(contents: Contents, folder: str, known: dict[str, str | None]) -> str | None:
    """Return the outermost folder, from this one up, that others may not enter.

    `known` is what was found before: a thousand files in a deep folder ask for one answer.
    """
    new = []
    while folder not in known and contents.places.holds(folder):
        new.append(folder)
        folder = posixpath.dirname(folder)
    closed = known.get(folder)
    for below in reversed(new):
        entry = _entry(contents, below)
        is_shut = entry.mode is not None and entry.mode & _ENTER != _ENTER
        if closed is None and is_shut and entry.kind is Kind.DIRECTORY:
            closed = below
        known[below] = closed
    return closed


def _entry(contents: Contents, path: str) -> Entry:
    return contents.tree.entry(path) or Entry(Kind.DIRECTORY)


def _is_code(path: str) -> bool:
    return path.endswith((".py", ".pyc")) or is_shared_object_name(path)


def _module(contents: Contents, path: str) -> str:
    """Return the dotted name that a file is imported by."""
    entries = sorted(map(str, contents.profile.interpreter.path), key=len, reverse=True)
    home = next((e for e in entries if path.startswith(f"{e}/")), contents.places.root)
    parts = path.removeprefix(f"{home}/").split("/")
    parts[-1] = parts[-1].partition(".")[0]
    return ".".join(parts).removesuffix(".__init__")


# --- links and names ---


def _outward(contents: Contents) -> Iterator[Link]:
    """Yield the links that lead to a place which neither the artifact nor the target has."""
    tree, profile = contents.tree, contents.profile
    known = (*profile.libraries, *profile.links)
    for path in tree.links():
        entry = _entry(contents, path)
        target = entry.target
        if not is_own(contents, path) or not target.startswith("/"):
            continue  # a relative one that leads nowhere is ABI603's
        if is_own(contents, target) or target.startswith(_TARGETS):
            continue
        if any(each == target or each.startswith(f"{target}/") for each in known):
            continue
        yield Link(contents.places.location(path), target)


def _copies(contents: Contents) -> Iterator[Copies]:
    """Yield the libraries that are there under several names of one soname's chain."""
    same: dict[tuple[str, str, bytes], list[str]] = {}
    for path in contents.tree.files():
        folder, name = posixpath.split(path)
        stem, dot, _ = name.partition(".so")
        digest = _entry(contents, path).sha256
        if dot and digest is not None and _entry(contents, path).size:
            same.setdefault((folder, stem, digest), []).append(path)
    for paths in same.values():
        if len(paths) > 1:
            locations = tuple(map(contents.places.location, paths))
            yield Copies(locations, _entry(contents, paths[0]).size)


def _twins(contents: Contents) -> Iterator[tuple[Location, ...]]:
    """Yield the names of one folder that a case-blind file system takes for one."""
    same: dict[str, set[str]] = {}
    seen: set[str] = set()
    for path in (*contents.tree.files(), *contents.tree.links()):
        while path not in seen and is_own(contents, path):
            seen.add(path)
            same.setdefault(path.casefold(), set()).add(path)
            path = path.rpartition("/")[0]  # noqa: PLW2901 - up to the root
    for paths in same.values():
        # Of two folders that differ, what lies in them differs as well: the folders say it.
        tops = {posixpath.dirname(path) for path in paths}
        if len(paths) > 1 and len(tops) == 1:
            yield tuple(map(contents.places.location, sorted(paths)))


def _inner(contents: Contents) -> Iterator[Location]:
    """Yield the archives at the root, which nobody unpacks."""
    root = str(contents.profile.task_root)
    for path in contents.tree.files():
        if path.endswith(_ARCHIVES) and posixpath.dirname(path) == root:
            yield contents.places.location(path)


# --- what Python runs at its start ---


def _path_files(contents: Contents) -> Iterator[PathFile]:
    """Yield what each `.pth` file does; mirrors `site.addpackage`."""
    for path, data in contents.path_files.items():
        if not is_own(contents, path):
            continue
        runs: list[str] = []
        adds: list[str] = []
        lost: list[str] = []
        for line in data.decode("utf-8", "replace").splitlines():
            text = line.rstrip()
            if text.startswith(("import ", "import\t")):
                runs.append(text)
            elif text and not text.startswith("#"):
                folder = posixpath.normpath(posixpath.join(posixpath.dirname(path), text))
                exists = contents.tree.real(folder) is not None
                (adds if exists else lost).append(text)
        yield PathFile(contents.places.location(path), tuple(runs), tuple(adds), tuple(lost))


def _unused(contents: Contents) -> Iterator[Location]:
    """Yield the modules that `site` imports where it finds them, which on Lambda is too early."""
    for name in ("sitecustomize", "usercustomize"):
        for entry in map(str, contents.profile.interpreter.path):
            for path in (f"{entry}/{name}.py", f"{entry}/{name}/__init__.py"):
                if is_own(contents, path) and contents.tree.is_file(path):
                    yield contents.places.location(path)
