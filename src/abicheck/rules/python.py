"""ABI2xx: the Python ABI: tags, init functions, the C API."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

from abicheck.model import Binding, Case, ElfFacts, Failure, Fault, Outcome, Root, Severity, Trouble
from abicheck.rules import _fixes
from abicheck.rules._blame import collect
from abicheck.rules._missing import Cause, missing_modules
from abicheck.rules._rule import rule

# Exported by free-threaded builds of CPython 3.13 and 3.14 only.
_FREE_THREADED: Final = frozenset(
    {
        "_Py_MergeZeroLocalRefcount",
        "_Py_DecRefShared",
        "_Py_DecRefSharedDebug",
        "_Py_IncRefShared",
        "PyUnstable_Module_SetGIL",
    }
)
_SHOWN: Final = 8


_ELSEWHERE: Final = (Outcome.NO_VERSION, Outcome.NO_LIBRARY)


def is_c_api(name: str, case: Case) -> bool:
    """Whether a symbol that is not found is CPython's: by its prefix, and defined nowhere else.

    Others prefix their names so as well: PySide6 has `PySide…` and `PySideProperty_TypeF`.
    """
    return name.startswith(("Py", "_Py")) and not any(
        name in facts.table.definitions for facts in case.inventory.objects.values()
    )


def _missing_api(
    case: Case,
) -> Callable[[Root], Iterable[tuple[PurePosixPath, str, tuple[Binding, ...]]]]:
    def facts(root: Root) -> Iterable[tuple[PurePosixPath, str, tuple[Binding, ...]]]:
        by_object: dict[PurePosixPath, list[Binding]] = {}
        for binding in root.link_map.bindings:
            if binding.outcome not in _ELSEWHERE and is_c_api(binding.ref.name, case):
                by_object.setdefault(binding.requester, []).append(binding)
        for at, bindings in by_object.items():
            yield at, "c-api", tuple(bindings)

    return facts


@rule(
    "ABI201",
    Severity.ERROR,
    "an extension named for another CPython",
    explanation="The importer opens three suffixes and no others; a file with another tag is not "
    "bad, it is not there.  So the runtime says `No module named`, or, where the package has a "
    "folder of stubs beside it, `cannot import name … (unknown location)`.",
    messages=(
        "No module named '*'",
        "cannot import name '*' from '*' (unknown location)",
        "cannot import name '*' from '*'",
        "cannot import name '*' from partially initialized module '*'",
        "Importing the numpy C-extensions failed*",
    ),
    causes=(
        "pip ran under another Python version than the function's runtime",
        "a layer made for another runtime",
    ),
    fixes=("reinstall with --python-version, --platform and --only-binary=:all:",),
)
def wrong_python_tag(case: Case) -> Iterator[Fault]:
    """A name that the importer does not look for is no module."""
    yield from missing_modules(case, Cause.VERSION)


@rule(
    "ABI202",
    Severity.ERROR,
    "a C-API function that this CPython does not have",
    explanation="The extension was compiled against another Python, and its name does not say so: "
    "an untagged `.so`, or an `abi3` file that uses more than the stable ABI.",
    messages=("*: undefined symbol: Py*", "*: undefined symbol: _Py*"),
    causes=("an untagged extension of another Python", "use of private functions that are gone"),
    fixes=("reinstall the distribution for the target's Python, or take a newer release of it",),
)
def missing_c_api(case: Case) -> Iterator[Fault]:
    """Every C-API name that a relocation asks for must be exported by the interpreter."""
    version = case.profile.interpreter.dotted
    for blamed in collect(case, _missing_api(case)):
        names = [binding.ref.name for binding in blamed.fact]
        if _FREE_THREADED.isdisjoint(names):
            yield blamed.fault(
                f"uses {_list(names)}, which CPython {version} does not have",
                why=f"{len(names)} of its C-API names are not exported by CPython {version}",
                evidence=tuple(names),
                fix=_fixes.reinstall(case, blamed.thing.location),
            )


@rule(
    "ABI203",
    Severity.ERROR,
    "an extension linked to another libpython",
    explanation="Extensions need not be linked to libpython at all.  One that is loads only where "
    "that very library is found.",
    messages=("libpython*: cannot open shared object file: No such file or directory",),
    causes=("built with the flags of `python-config --embed`, or by an old build system",),
    fixes=("rebuild it for the target's Python, without -lpython",),
)
def wrong_libpython(case: Case) -> Iterator[Fault]:
    """A libpython in DT_NEEDED must be the target's own."""

    def needs(root: Root) -> Iterable[tuple[PurePosixPath, str, str]]:
        for dependency in root.link_map.dependencies:
            if dependency.provider is None and is_libpython(dependency.name):
                yield dependency.requester, dependency.name, dependency.name

    for blamed in collect(case, needs):
        yield blamed.fault(
            f"is linked to {blamed.fact}",
            why=f"the target has {case.profile.interpreter.soname or 'no libpython'}",
            evidence=(blamed.fact,),
            fix=_fixes.reinstall(case, blamed.thing.location),
        )


def is_libpython(soname: str) -> bool:
    """Whether a soname is some CPython's shared library."""
    return soname.startswith("libpython") and ".so" in soname


@rule(
    "ABI204",
    Severity.ERROR,
    "an extension for free-threaded CPython",
    explanation="Lambda's runtimes are ordinary builds with the global interpreter lock.  A "
    "`cpython-313t` file is not looked for; one that is opened lacks symbols.",
    messages=(
        "No module named '*'",
        "*: undefined symbol: _Py_MergeZeroLocalRefcount",
        "*: undefined symbol: _Py_DecRefShared",
    ),
    causes=("pip ran under a free-threaded interpreter (python3.13t)",),
    fixes=("install with an ordinary interpreter, or with --abi cp313",),
)
def free_threaded_build(case: Case) -> Iterator[Fault]:
    """An extension must be built for the interpreter's threading model."""
    yield from missing_modules(case, Cause.FREE_THREADED)
    for blamed in collect(case, _missing_api(case)):
        names = [binding.ref.name for binding in blamed.fact]
        if not _FREE_THREADED.isdisjoint(names):
            yield blamed.fault(
                "is built for free-threaded CPython",
                why=f"it uses {_list(names)}, which only free-threaded builds export",
                evidence=tuple(names),
                fix=_fixes.reinstall(case, blamed.thing.location),
            )


@rule(
    "ABI205",
    Severity.ERROR,
    "an extension without its init function",
    explanation="After opening the file CPython looks for `PyInit_` and the module's name in it "
    "and in everything it needs.",
    messages=("dynamic module does not define module export function (*)",),
    causes=("the file was renamed", "a library under an extension's name", "symbols were stripped"),
    fixes=("give the file its own name again, or reinstall the distribution",),
)
def missing_init_function(case: Case) -> Iterator[Fault]:
    """A module that is imported must define its init function."""

    def without(root: Root) -> Iterable[tuple[PurePosixPath, str, str]]:
        if root.halt is not None and root.halt.trouble is Trouble.INIT:
            yield root.path, "init", (root.halt.failure.message or "").partition("(")[2].rstrip(")")

    used = {path for root in case.roots for path in root.link_map.objects if path != root.path}
    for blamed in collect(case, without):
        others = [n for n in _definitions(blamed.thing) if n.startswith("PyInit")]
        if not others and blamed.root.path in used and blamed.root.severity < Severity.ERROR:
            continue  # a library that was built like the extensions that need it
        found = f"it defines {_list(others)}" if others else "it defines no init function at all"
        yield blamed.fault(
            f"does not define {blamed.fact}",
            why=found,
            evidence=(blamed.fact, *others),
            fix=_fixes.reinstall(case, blamed.thing.location),
            failure=blamed.root.halt.failure if blamed.root.halt is not None else None,
        )


@rule(
    "ABI206",
    Severity.WARNING,
    "a private C-API name that only some patch releases have",
    explanation="Names with a leading underscore come and go between patch releases.  Which patch "
    "release a runtime has is AWS's decision and changes without notice.",
    messages=("*: undefined symbol: _Py*",),
    causes=("an extension that uses private functions of CPython",),
    fixes=("take a release of the distribution that does not, or pin the runtime version",),
)
def unsteady_c_api(case: Case) -> Iterator[Fault]:
    """A name that not every patch release exports may be missing tomorrow."""
    sometimes = case.profile.interpreter.sometimes

    def used(root: Root) -> Iterable[tuple[PurePosixPath, str, tuple[str, ...]]]:
        for path in root.link_map.objects:
            facts = case.inventory.objects.get(str(path))
            if facts is not None:
                names = tuple(r.name for r in facts.references if r.name in sometimes)
                if names:
                    yield path, "unsteady", names

    loading = (root for root in case.roots if root.halt is None)
    for blamed in collect(case, used, loading):
        version = case.profile.interpreter.dotted
        yield blamed.fault(
            f"uses {_list(blamed.fact)}, which not every {version} release has",
            why=f"not exported by all of the {version} releases examined",
            evidence=blamed.fact,
            cap=Severity.WARNING,
        )


_ABI3: Final = re.compile(r"cp3(\d+)-abi3-")


def _claimed(thing: ElfFacts, tags: Iterable[str]) -> tuple[str, tuple[int, int] | None] | None:
    """Return what claims the stable ABI for a file, and the version claimed if one is.

    Of several tags the highest counts, as for abi3audit.  A file named for one
    version claims nothing, whatever its wheel is tagged.
    """
    name = thing.location.path.name
    if ".cpython-" in name:
        return None
    found = [(int(match[1]), tag) for tag in tags if (match := _ABI3.match(tag))]
    if found:
        minor, tag = max(found)
        return tag.rsplit("-", 1)[0], (3, minor)
    return ("abi3 in its name", None) if ".abi3." in name else None


@rule(
    "ABI209",
    Severity.WARNING,
    "an abi3 extension that uses more than the stable ABI",
    explanation="A file named `.abi3.so`, or a wheel tagged `cp39-abi3`, promises to load on that "
    "CPython and on every later one, which holds for names of the stable ABI of that version only. "
    "The target exports the names listed here, so this one loads; another version may not.  It is "
    "a note for those who deploy, and a warning with `--wheel-author` for those who publish.",
    messages=("*: undefined symbol: Py*", "*: undefined symbol: _Py*"),
    causes=(
        "compiled without Py_LIMITED_API, or with one higher than the tag",
        "a private function that was declared by hand",
    ),
    fixes=("build with Py_LIMITED_API set to the version in the tag, or raise the tag",),
)
def beyond_stable_abi(case: Case) -> Iterator[Fault]:
    """What claims the stable ABI must ask for nothing else; what the target lacks is ABI202's."""
    python = case.profile.interpreter
    severity = None if case.wheel_author else Severity.NOTE
    for root in case.roots:
        thing = case.inventory.objects.get(str(root.path))
        if root.module is None or thing is None:
            continue
        owner = case.owners.get(thing.location)
        claim = _claimed(thing, owner.tags if owner is not None else ())
        if claim is None:
            continue
        claimant, version = claim
        # A weak reference asks whether a name is there, which is how to use more than is promised.
        names = [r.name for r in thing.undefined if not r.weak and r.name in python.exports]
        outside = [name for name in names if _outside(name, version, python.stable_abi)]
        if outside:
            kept = f"CPython {version[0]}.{version[1]}" if version is not None else "any CPython"
            yield Fault(
                thing.location,
                f"claims the stable ABI ({claimant}) and uses {_list(outside)}",
                subject="stable-abi",
                why=f"not in the stable ABI of {kept}: {_list(_since(outside, python.stable_abi))}",
                evidence=tuple(outside),
                module=root.module,
                severity=severity,
            )


def _outside(
    name: str, version: tuple[int, int] | None, stable: Mapping[str, tuple[int, int]]
) -> bool:
    added = stable.get(name)
    return added is None or (version is not None and added > version)


def _since(names: Iterable[str], stable: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    for name in names:
        added = stable.get(name)
        yield f"{name} (never)" if added is None else f"{name} (since {added[0]}.{added[1]})"


_PYTHONS: Final = {
    b"\x03\xf3": "2.7",
    b"\x55\x0d": "3.8",
    b"\x61\x0d": "3.9",
    b"\x6f\x0d": "3.10",
    b"\xa7\x0d": "3.11",
    b"\xcb\x0d": "3.12",
    b"\xf3\x0d": "3.13",
    b"\x2b\x0e": "3.14",
    b"\x52\x0e": "3.15",
}


@rule(
    "ABI207",
    Severity.ERROR,
    "bytecode of another Python, without its source",
    explanation="A `.pyc` file beside where its source would be is a module of its own, and its "
    "first bytes name the release of CPython that wrote it.  Stale files in `__pycache__` are "
    "harmless: they are not looked at without a source.",
    messages=("bad magic number in '*': *",),
    causes=("sources were left out to save space, and the bytecode was made by another Python",),
    fixes=("ship the sources", "compile with the target's own Python: python3.13 -m compileall -b"),
)
def foreign_bytecode(case: Case) -> Iterator[Fault]:
    """Bytecode without source must be the target's own."""
    version = case.profile.interpreter.dotted
    for item in case.inventory.bytecode:
        if item.magic is not None and item.magic != case.profile.interpreter.magic:
            message = f"bad magic number in {item.module!r}: {item.magic!r}"
            writer = _PYTHONS.get(item.magic[:2], "another release")
            yield Fault(
                item.location,
                f"{item.module} is there only as bytecode of Python {writer}",
                subject=item.module,
                why=f"written by Python {writer}; the target is {version}, and there is no source",
                module=item.module,
                failure=Failure("ImportError", message),
            )


@rule(
    "ABI208",
    Severity.WARNING,
    "a module of which only the cache is left",
    explanation="Files in `__pycache__` serve the source beside them and nothing else.  A module "
    "whose source is gone cannot be imported, although its bytecode is there.",
    messages=("No module named '*'",),
    causes=("a prune script that deletes *.py and keeps __pycache__",),
    fixes=("ship the sources, or put x.pyc where x.py was (python -m compileall -b)",),
)
def only_cached_bytecode(case: Case) -> Iterator[Fault]:
    """What lies in __pycache__ alone is no module."""
    for item in case.inventory.bytecode:
        if item.magic is None:
            message = f"No module named {item.module!r}"
            yield Fault(
                item.location,
                f"{item.module} is there only in __pycache__",
                subject=item.module,
                why="the importer takes bytecode from __pycache__ only for a source beside it",
                module=item.module,
                failure=Failure("ModuleNotFoundError", message),
            )


def _definitions(thing: object) -> Iterable[str]:
    return sorted(thing.table.definitions) if isinstance(thing, ElfFacts) else ()


def _list(names: Iterable[str]) -> str:
    shown = list(names)
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more


RULES: Final = (
    wrong_python_tag,
    missing_c_api,
    wrong_libpython,
    free_threaded_build,
    missing_init_function,
    unsteady_c_api,
    foreign_bytecode,
    only_cached_bytecode,
    beyond_stable_abi,
)
