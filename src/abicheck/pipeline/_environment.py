"""What the variables that a function sets change about its target."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from abicheck.filesystem import LAYER_ROOT, Kind, Places, Tree
from abicheck.model import Interpreter, NamedFile, TargetProfile
from abicheck.pipeline._sys_path import is_library


def with_environment(profile: TargetProfile, environment: Mapping[str, str]) -> TargetProfile:
    """Return the target as the function's own variables make it.

    LD_LIBRARY_PATH takes the place of the runtime's own, as a value is never
    expanded.  PYTHONPATH stands before the standard library, and where it is
    set at all, Lambda's bootstrap puts no folder of a layer on sys.path.
    """
    if "LD_LIBRARY_PATH" in environment:
        profile = replace(profile, library_path=split_library_path(environment["LD_LIBRARY_PATH"]))
    if "PYTHONPATH" in environment:
        interpreter = profile.interpreter
        path = tuple(_search_path(interpreter, profile, environment["PYTHONPATH"]))
        profile = replace(profile, interpreter=replace(interpreter, path=path))
    return profile


def split_library_path(text: str) -> tuple[str, ...]:
    """Return the folders of an LD_LIBRARY_PATH; `:` and `;` both separate (`_dl_init_paths`)."""
    return tuple(dict.fromkeys(re.split("[:;]", text))) if text else ()


def named_files(
    tree: Tree, places: Places, profile: TargetProfile, environment: Mapping[str, str]
) -> Mapping[str, NamedFile]:
    """Return what variables lead to in the artifact; what is the target's own is left out."""
    python = profile.interpreter
    own = {str(e.parent.parent) for e in python.path if e.name == f"python{python.dotted}"}
    leads = {}
    wrapper = environment.get("AWS_LAMBDA_EXEC_WRAPPER")
    if wrapper:
        leads["AWS_LAMBDA_EXEC_WRAPPER"] = wrapper
    home = environment.get("PYTHONHOME", "").partition(":")[0].rstrip("/")
    if home and home not in own:
        leads["PYTHONHOME"] = f"{home}/lib/python{python.dotted}/encodings"
    return {
        name: _named(tree, path)
        for name, path in leads.items()
        if places.holds(posixpath.normpath(path))
    }


def _named(tree: Tree, path: str) -> NamedFile:
    real = tree.real(path)
    entry = tree.entry(real) if real is not None else None
    is_file = entry is not None and entry.kind is Kind.FILE
    may_run = entry is not None and (entry.mode is None or bool(entry.mode & 0o001))
    return NamedFile(PurePosixPath(path), real is not None, is_file and may_run)


def _search_path(
    interpreter: Interpreter, profile: TargetProfile, text: str
) -> Iterator[PurePosixPath]:
    """Yield sys.path as the bootstrap leaves it where the function has set PYTHONPATH.

    Before the interpreter's own folders: the task root, that of the bootstrap, and the
    variable's.  `site` puts site-packages last.
    """
    own = [entry for entry in interpreter.path if not entry.is_relative_to(LAYER_ROOT)]
    packages = [entry for entry in own if entry.name == "site-packages"]
    library = [entry for entry in own if is_library(entry, interpreter)]
    first = [entry for entry in own if entry not in packages and entry not in library]
    cwd = str(profile.task_root)
    named = [posixpath.normpath(posixpath.join(cwd, part)) for part in text.split(":")]
    given = map(PurePosixPath, named if text else ())
    yield from dict.fromkeys((*first, *given, *library, *packages))
